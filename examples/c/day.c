/* A day in the life of a node: it dials whom the library says, listens to what its peers tell, and answers those that
 * ask; in between it sleeps. This is the file to copy from. */

#include "node.h"

#include <inttypes.h>
#include <stdio.h>

#define SLOTS 8                /* connections that the node wants */
#define ONLINE 2               /* with fewer, its own line is taken to be cut */
#define FEELING (2 * MINUTE)   /* how often it finds out whether a peer that it has only heard of is there */
#define ROTATION (2 * HOUR)    /* how often it hangs up, so that a patient attacker does not keep its places */
#define PAUSE 30               /* seconds between two rounds of dials at least; offline, everybody is due each minute */
#define TALKING (15 * MINUTE)  /* how often peers tell and ask something here */
#define GOSSIP 2      /* addresses that a peer tells at a time */
#define SHARED 8      /* addresses that a peer is told at a time */
#define PURGE_HOUR 20 /* in the evening those that failed too often are removed */

struct connection {
  peer_manager_address peer;
  int64_t ends;
};

struct day {
  peer_manager *pm;
  struct sim_clock *clock;
  struct connection connections[SLOTS];
  size_t connected;
  peer_manager_address rotated; /* whose place goes to another peer: it is known and due, and might get it back */
  bool has_rotated;
  int64_t next_feeler, next_rotation, next_talk;
  struct hour hour;
  unsigned answers;
  unsigned addresses_shared;
  uint64_t forgiven; /* failures while the line was down: no peer is to blame */
  struct hour outage, after; /* the hour in which it was down, and the next */
};

/* ---- Dialling -------------------------------------------------------------------------------------------------- */

/* Whether it is time for what is done every so often; then it is not, for so long. */
static bool is_time(const struct day *day, int64_t *next, int64_t every)
{
  if (day->clock->now < *next)
    return false;
  *next = day->clock->now + every;
  return true;
}

static void hang_up(struct day *day, size_t i)
{
  day->connections[i] = day->connections[--day->connected];
}

static void hang_up_what_ends(struct day *day)
{
  size_t i = 0;

  while (i < day->connected) {
    if (day->connections[i].ends <= day->clock->now || world_is_down(day->clock->now))
      hang_up(day, i);
    else
      i++;
  }
  if (is_time(day, &day->next_rotation, ROTATION) && day->connected > 0) {
    i = world_pick(day->clock->now, day->connected);
    day->rotated = day->connections[i].peer;
    day->has_rotated = true;
    hang_up(day, i);
  }
}

static bool dial(struct day *day, uint32_t purpose, const peer_manager_address *peer)
{
  const int64_t now = day->clock->now;
  peer_manager_error error;

  if (!world_answers(peer, now)) {
    day->hour.dials_failed++;
    if (peer_manager_update_backoff(day->pm, peer, PEER_MANAGER_BACKOFF_INCREASE, &error) != PEER_MANAGER_OK)
      return failed("note a failure", &error);
    return true;
  }
  day->hour.dials_ok++;
  /* 0: a dial does not tell who is preferred, so a preferred peer stays so. */
  if (peer_manager_update(day->pm, peer, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET, &error)
      != PEER_MANAGER_OK)
    return failed("note a success", &error);
  if (purpose == PEER_MANAGER_DIAL_CONNECT) {
    day->connections[day->connected].peer = *peer;
    day->connections[day->connected].ends = now + world_connection_length(peer, now);
    day->connected++;
  } /* Otherwise it was a feeler: we know now that the peer is there, and hang up. */
  return true;
}

/* Dials up to `wanted` peers, as the library chooses. */
static bool dial_some(struct day *day, uint32_t purpose, size_t wanted)
{
  peer_manager_address busy[SLOTS + 1], chosen[SLOTS];
  peer_manager_error error;
  size_t i, busy_count = 0, count = 0;

  for (i = 0; i < day->connected; i++)
    busy[busy_count++] = day->connections[i].peer;
  if (day->has_rotated)
    busy[busy_count++] = day->rotated;
  if (peer_manager_next_to_dial(day->pm, purpose, busy, busy_count, wanted, chosen, &count, &error)
      != PEER_MANAGER_OK)
    return failed("choose peers to dial", &error);
  for (i = 0; i < count; i++) {
    if (!dial(day, purpose, &chosen[i]))
      return false;
  }
  return true;
}

static bool dial_peers(struct day *day)
{
  peer_manager_error error;

  if (peer_manager_set_online(day->pm, day->connected >= ONLINE, &error) != PEER_MANAGER_OK)
    return failed("say whether the node is online", &error);
  if (!dial_some(day, PEER_MANAGER_DIAL_CONNECT, SLOTS - day->connected))
    return false;
  day->has_rotated = false;
  return !is_time(day, &day->next_feeler, FEELING) || dial_some(day, PEER_MANAGER_DIAL_FEELER, 1);
}

/* Until there is something to do: with a free place also when another peer may be dialled. A real node wakes up when a
 * connection ends, too. */
static bool sleep_a_while(struct day *day)
{
  peer_manager_status status;
  peer_manager_error error;
  int64_t due, wake = day->next_feeler;

  if (day->connected < SLOTS) {
    status = peer_manager_next_due(day->pm, &due, &error);
    if (status == PEER_MANAGER_OK && due < wake)
      wake = due > day->clock->now + PAUSE ? due : day->clock->now + PAUSE;
    else if (status != PEER_MANAGER_OK && status != PEER_MANAGER_ERROR_NOT_FOUND) /* which is: no peer waits */
      return failed("find out when to wake up", &error);
  }
  day->clock->now = wake;
  return true;
}

/* ---- Gossip ---------------------------------------------------------------------------------------------------- */

/* One of the connected peers, or NULL. */
static const peer_manager_address *someone(const struct day *day)
{
  if (day->connected == 0)
    return NULL;
  return &day->connections[world_pick(day->clock->now, day->connected)].peer;
}

static bool hear_gossip(struct day *day)
{
  const peer_manager_address *teller = someone(day);
  peer_manager_address told[GOSSIP];
  peer_manager_error error;
  size_t added = 0;
  unsigned i;

  if (teller == NULL)
    return true;
  for (i = 0; i < GOSSIP; i++) {
    if (!world_gossip(teller, day->clock->now, i, &told[i]))
      return false;
  }
  if (peer_manager_ensure_exists_many(day->pm, told, GOSSIP, &added, &error) != PEER_MANAGER_OK)
    return failed("add what a peer told", &error);
  day->hour.heard += (unsigned)added;
  return true;
}

/* What the library promises, checked: nothing private, and never the asker. */
static bool may_be_told(const peer_manager_address *asker, const peer_manager_address *peer)
{
  if (peer_manager_address_is_private(peer))
    return failed_without_library("answer a peer", "a private address would be shared");
  if (peer_manager_address_equal(asker, peer))
    return failed_without_library("answer a peer", "it would be told about itself");
  return true;
}

static bool answer_someone(struct day *day)
{
  const peer_manager_address *asker = someone(day);
  peer_manager_address answer[SHARED];
  peer_manager_error error;
  size_t i, count = 0;

  if (asker == NULL)
    return true;
  if (peer_manager_get_peers_to_send(day->pm, NULL, asker, SHARED, answer, &count, &error) != PEER_MANAGER_OK)
    return failed("choose peers to share", &error);
  for (i = 0; i < count; i++) {
    if (!may_be_told(asker, &answer[i]))
      return false;
  }
  day->hour.shared += (unsigned)count;
  day->addresses_shared += (unsigned)count;
  day->answers++;
  return true;
}

/* ---- The day ----------------------------------------------------------------------------------------------------- */

static bool purge(struct day *day)
{
  peer_manager_error error;
  size_t removed = 0;

  /* A day is too short for PEER_MANAGER_REALLY_DEAD, with which a real node removes peers. */
  if (peer_manager_remove_peers_with_many_failures(day->pm, PEER_MANAGER_MAX_FAILURES, &removed, &error)
      != PEER_MANAGER_OK)
    return failed("remove the dead", &error);
  printf("       removed: %zu peers that failed %d times or more\n", removed, PEER_MANAGER_MAX_FAILURES);
  return true;
}

static bool turn(struct day *day)
{
  hang_up_what_ends(day);
  return dial_peers(day)
         && (!is_time(day, &day->next_talk, TALKING) || (hear_gossip(day) && answer_someone(day)))
         && sleep_a_while(day);
}

static bool end_hour(struct day *day)
{
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_error error;

  if (peer_manager_get_stats(day->pm, &stats, &error) != PEER_MANAGER_OK)
    return failed("count the peers", &error);
  day->hour.known = stats.peers;
  day->hour.due = stats.ready;
  day->hour.connected = day->connected;
  day->hour.slots = SLOTS;
  day->forgiven = stats.forgiven_failures;
  print_hour(&day->hour);
  if (day->outage.dials_failed > 0 && day->after.slots == 0)
    day->after = day->hour;
  if (world_is_down(day->clock->now - 1))
    day->outage = day->hour;
  return true;
}

/* What the table shows, in words. */
static void print_remarks(const struct day *day)
{
  if (day->after.slots > 0)
    printf("\nLook at %02u:00: the line was down, and %u dials failed. An hour later %zu of %zu places were taken again.\n"
           "The node had said that it was offline, so failures did not count: ",
           day->outage.number, day->outage.dials_failed, day->after.connected, day->after.slots);
  else
    printf("\nFailures while the node had said that it was offline did not count: ");
  printf("%" PRIu64 " of this day, which made no peer\nwait for longer than a minute.\n", day->forgiven);
  printf("%u addresses were shared in %u answers: none private, none the asker's own.\n", day->addresses_shared,
         day->answers);
}

bool live_one_day(peer_manager *pm, struct sim_clock *clock)
{
  const int64_t morning = clock->now;
  static const struct hour empty_hour = {0};
  struct day day = {0};
  unsigned hour;

  day.pm = pm;
  day.clock = clock;
  day.next_rotation = morning + ROTATION;
  print_hours_header();
  for (hour = 0; hour < 24; hour++) {
    const int64_t begins = morning + (int64_t)hour * HOUR;

    day.hour = empty_hour;
    day.hour.number = hour;
    if (world_is_down(begins))
      printf("       the line is down\n");
    if (hour == PURGE_HOUR && !purge(&day))
      return false;
    while (clock->now < begins + HOUR) {
      if (!turn(&day))
        return false;
    }
    if (!end_hour(&day))
      return false;
  }
  print_remarks(&day);
  return true;
}
