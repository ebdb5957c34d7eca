/* What the program prints, apart from the messages of its other files. */

#include "node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 92
#define SHOWN 6 /* peers at either end of the table */
#define ADDRESS_WIDTH 46

static void print_rule(size_t length)
{
  while (length-- > 0)
    putchar('-');
  putchar('\n');
}

void print_title(void)
{
  printf("A node in miniature: clock and network are simulated, so no packet is sent\n%s\n",
         peer_manager_build_info());
}

void print_section(const char *title)
{
  printf("\n-- %s ", title);
  print_rule(WIDTH - 4 - strlen(title));
}

/* ---- The hours --------------------------------------------------------------------------------------------------- */

void print_hours_header(void)
{
  print_section("a day, hour by hour");
  printf("known, due        peers in the table; those of them that may be dialled now\n"
         "answered, failed  how the dials went; some 30 an hour only try whether a peer is there\n"
         "heard, shared     addresses that peers sent and that were new; addresses sent to peers\n"
         "connected         a # for each of the places for connections that is taken\n\n");
  printf("%5s %8s %8s %10s %8s %8s %8s   %s\n", "hour", "known", "due", "answered", "failed", "heard", "shared",
         "connected");
}

void print_hour(const struct hour *hour)
{
  size_t i;

  printf("%02u:00 %8" PRIu64 " %8" PRIu64 " %10u %8u %8u %8u   ", hour->number, hour->known, hour->due,
         hour->dials_ok, hour->dials_failed, hour->heard, hour->shared);
  for (i = 0; i < hour->slots; i++)
    putchar(i < hour->connected ? '#' : '.');
  printf(" %zu\n", hour->connected);
}

/* ---- The peers --------------------------------------------------------------------------------------------------- */

static const char *type_name(uint32_t type)
{
  switch (type) {
    case PEER_MANAGER_TYPE_INBOUND: return "inbound";
    case PEER_MANAGER_TYPE_OUTBOUND: return "outbound";
    case PEER_MANAGER_TYPE_PREFERRED: return "preferred";
    default: return "?";
  }
}

/* Best first: by type, then by failures, then by the next attempt. A snapshot is in no particular order, so the
 * address comes last to make the order complete. */
static int compare(const void *left, const void *right)
{
  const peer_manager_record *a = left;
  const peer_manager_record *b = right;
  int order;

  if (a->peer_type != b->peer_type)
    return a->peer_type > b->peer_type ? -1 : 1;
  if (a->num_failures != b->num_failures)
    return a->num_failures < b->num_failures ? -1 : 1;
  if (a->next_attempt != b->next_attempt)
    return a->next_attempt < b->next_attempt ? -1 : 1;
  order = strcmp(a->address.host, b->address.host);
  if (order != 0)
    return order;
  return (a->address.port > b->address.port) - (a->address.port < b->address.port);
}

/* A time from now on, as people say it. */
static void format_wait(int64_t seconds, char *buffer, size_t capacity)
{
  if (seconds <= 0)
    snprintf(buffer, capacity, "any time");
  else if (seconds < MINUTE)
    snprintf(buffer, capacity, "in %" PRId64 " s", seconds);
  else if (seconds < HOUR)
    snprintf(buffer, capacity, "in %" PRId64 " min", seconds / MINUTE);
  else
    snprintf(buffer, capacity, "in %" PRId64 " h %02" PRId64 " min", seconds / HOUR, seconds % HOUR / MINUTE);
}

/* Cuts the middle out of what is too long for its column, as onion names are: both ends tell more. */
static void shorten(char *text, size_t width)
{
  const size_t length = strlen(text);
  const size_t tail = width / 2;

  if (length <= width)
    return;
  memcpy(text + width - tail - 3, "...", 3);
  memmove(text + width - tail, text + length - tail, tail + 1);
}

static bool print_peer(const peer_manager_record *peer, int64_t now)
{
  char address[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  char wait[48];
  peer_manager_error error;

  if (peer_manager_address_format(&peer->address, address, sizeof address, &error) != PEER_MANAGER_OK)
    return failed("write an address", &error);
  shorten(address, ADDRESS_WIDTH);
  format_wait(peer->next_attempt - now, wait, sizeof wait);
  printf("%-*s %-10s %9" PRIu32 "   %s\n", ADDRESS_WIDTH, address, type_name(peer->peer_type), peer->num_failures,
         wait);
  return true;
}

static void print_sorted_header(void)
{
  print_section("best and worst peers");
  printf("inbound: only heard of; outbound: has answered; preferred: chosen by the operator\n\n");
  printf("%-*s %-10s %9s   %s\n", ADDRESS_WIDTH, "address", "type", "failures", "next attempt");
}

static bool print_sorted(const peer_manager_record *records, size_t count, int64_t now)
{
  size_t i;

  print_sorted_header();
  for (i = 0; i < count; i++) {
    if (i == SHOWN && count > 2 * SHOWN) {
      printf("... %zu more ...\n", count - 2 * SHOWN);
      i = count - SHOWN;
    }
    if (!print_peer(&records[i], now))
      return false;
  }
  return true;
}

/* ---- Back-off ---------------------------------------------------------------------------------------------------- */

/* Peers that have failed so often in a row: how many there are, how many are due, and the longest wait of the others. */
static void print_class(const peer_manager_record *records, size_t count, int64_t now, uint32_t least, uint32_t most)
{
  size_t i, peers = 0, due = 0;
  int64_t longest = 0;
  char wait[48], failures[24];

  for (i = 0; i < count; i++) {
    const int64_t left = records[i].next_attempt - now;
    if (records[i].num_failures < least || records[i].num_failures > most)
      continue;
    peers++;
    due += left <= 0 ? 1 : 0;
    longest = left > longest ? left : longest;
  }
  if (most == UINT32_MAX)
    snprintf(failures, sizeof failures, "%" PRIu32 " or more", least);
  else if (least == most)
    snprintf(failures, sizeof failures, "%" PRIu32, least);
  else
    snprintf(failures, sizeof failures, "%" PRIu32 " to %" PRIu32, least, most);
  format_wait(longest, wait, sizeof wait);
  printf("%-12s %8zu %8zu   %s\n", failures, peers, due, peers == due ? "-" : wait);
}

static void print_backoff(const peer_manager_record *records, size_t count, int64_t now)
{
  static const uint32_t least[] = {0, 1, 4, 7, PEER_MANAGER_MAX_FAILURES};
  const size_t classes = sizeof least / sizeof least[0];
  size_t i;

  print_section("back-off at work");
  printf("The more often a peer has failed in a row, the longer it waits: after n failures for up to\n"
         "10 * 2^n seconds, and after ten or more for up to 2 h 50 min. So most of the dead are not due.\n\n");
  printf("%-12s %8s %8s   %s\n", "failures", "peers", "due", "the last of them is due");
  for (i = 0; i < classes; i++)
    print_class(records, count, now, least[i], i + 1 < classes ? least[i + 1] - 1 : UINT32_MAX);
}

bool print_peers(const peer_manager_snapshot *peers, int64_t now)
{
  const size_t count = peer_manager_snapshot_count(peers);
  peer_manager_record *records = NULL;
  peer_manager_error error;
  size_t i;
  bool ok = true;

  if (count > 0 && (records = calloc(count, sizeof *records)) == NULL)
    return failed_without_library("list the peers", "out of memory");
  for (i = 0; i < count && ok; i++) {
    if (peer_manager_snapshot_get(peers, i, &records[i], &error) != PEER_MANAGER_OK)
      ok = failed("read a peer of the snapshot", &error);
  }
  if (ok) {
    if (count > 1)
      qsort(records, count, sizeof *records, compare);
    ok = print_sorted(records, count, now);
    if (ok)
      print_backoff(records, count, now);
  }
  free(records);
  return ok;
}

void print_next_steps(void)
{
  printf("\nNext: docs/getting-started.md builds such a node step by step, examples/c/dialling.c has the loop to copy,\n"
         "and with --help this program says what else it can do, such as being a node on real sockets (--listen).\n");
}
