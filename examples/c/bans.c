/* Bans: what --ban and --unban ask for, and the list that --bans prints. */

#define _POSIX_C_SOURCE 200809L

#include "node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SUBJECT, or SUBJECT,SECONDS: the subject is copied, because the library takes text that ends with it. */
static bool read_ban(const char *text, char *subject, size_t capacity, int64_t *seconds)
{
  const char *comma = strchr(text, ',');
  const size_t length = comma == NULL ? strlen(text) : (size_t)(comma - text);
  char *end = NULL;

  if (length >= capacity)
    return failed_without_library("ban", "that is no host and no prefix: it is too long");
  memcpy(subject, text, length);
  subject[length] = '\0';
  *seconds = 0;
  if (comma == NULL)
    return true;
  errno = 0;
  *seconds = comma[1] >= '1' && comma[1] <= '9' ? strtoll(comma + 1, &end, 10) : 0;
  if (errno != 0 || end == NULL || *end != '\0' || *seconds > MOST_SECONDS)
    return failed_without_library("ban", "after the comma comes the number of seconds, at most those of a year");
  return true;
}

static bool ban(peer_manager *pm, const char *text, int64_t now)
{
  peer_manager_error error;
  char subject[sizeof(((peer_manager_ban_entry *)NULL)->subject)];
  int64_t seconds = 0;
  size_t removed = 0;

  if (!read_ban(text, subject, sizeof subject, &seconds))
    return false;
  if (peer_manager_ban(pm, subject, seconds == 0 ? INT64_MAX : now + seconds, &removed, &error) != PEER_MANAGER_OK)
    return failed("ban", &error);
  printf("%s is banned; %zu peer%s removed\n", subject, removed, removed == 1 ? "" : "s");
  return true;
}

bool change_bans(peer_manager *pm, const struct arguments *wanted, int64_t now)
{
  peer_manager_error error;
  size_t i;

  for (i = 0; i < wanted->ban_count; ++i)
    if (!ban(pm, wanted->bans[i], now))
      return false;
  for (i = 0; i < wanted->unban_count; ++i)
    if (peer_manager_unban(pm, wanted->unbans[i], &error) != PEER_MANAGER_OK)
      return failed("end a ban", &error);
  return true;
}

static void print_ban(const peer_manager_ban_entry *entry)
{
  const time_t until = (time_t)entry->until;
  struct tm utc;
  char text[32];

  if (entry->until != INT64_MAX && gmtime_r(&until, &utc) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc) > 0)
    printf("%s until %s UTC\n", entry->subject, text);
  else
    printf("%s for good\n", entry->subject);
}

bool print_bans(peer_manager *pm)
{
  peer_manager_ban_entry *entries = NULL;
  peer_manager_error error;
  size_t count = 0, capacity = 0, i;

  /* More may come between two calls. */
  do {
    free(entries);
    capacity = count + 16;
    entries = malloc(capacity * sizeof *entries);
    if (entries == NULL)
      return failed_without_library("list the bans", strerror(errno));
    if (peer_manager_get_bans(pm, capacity, entries, &count, &error) != PEER_MANAGER_OK) {
      free(entries);
      return failed("list the bans", &error);
    }
  } while (count > capacity);
  for (i = 0; i < count; ++i)
    print_ban(&entries[i]);
  free(entries);
  return true;
}
