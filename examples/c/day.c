/* A day in the life of a node: every quarter of an hour it dials, listens to what its peers tell, and answers those
 * that ask. This is the file to copy from. */

#include "node.h"

#include <stdio.h>

#define TICK (15 * MINUTE)
#define SLOTS 8       /* connections that the node wants */
#define FEELERS 4     /* peers that it tries at each turn although it may have no slot for them */
#define GOSSIP 2      /* addresses that a peer tells at a time */
#define SHARED 8      /* addresses that a peer is told at a time */
#define PURGE_HOUR 20 /* in the evening those that failed too often are forgotten */

struct connection {
  peer_manager_address peer;
  int64_t ends;
};

struct day {
  peer_manager *pm;
  struct sim_clock *clock;
  struct connection connections[SLOTS];
  size_t connected;
  struct hour hour;
  unsigned answers;
  unsigned addresses_shared;
};

/* ---- Dialling -------------------------------------------------------------------------------------------------- */

static void hang_up_what_ends(struct day *day)
{
  size_t i = 0;

  while (i < day->connected) {
    if (day->connections[i].ends <= day->clock->now || world_is_down(day->clock->now))
      day->connections[i] = day->connections[--day->connected];
    else
      i++;
  }
}

static bool dial(struct day *day, const peer_manager_address *peer)
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
  if (day->connected < SLOTS) {
    day->connections[day->connected].peer = *peer;
    day->connections[day->connected].ends = now + world_connection_length(peer, now);
    day->connected++;
  } /* Otherwise it was a feeler: we know now that the peer is there, and hang up. */
  return true;
}

/* Dials up to `wanted` peers of one kind that are due and that we are not connected to. */
static bool dial_some(struct day *day, uint32_t type_filter, size_t wanted)
{
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address connected[SLOTS];
  peer_manager_address chosen[SLOTS + FEELERS];
  peer_manager_error error;
  size_t i, count = 0;

  for (i = 0; i < day->connected; i++)
    connected[i] = day->connections[i].peer;
  query.type_filter = type_filter;
  query.exclude = connected;
  query.exclude_count = day->connected;
  if (peer_manager_load_random_peers(day->pm, &query, wanted, chosen, &count, &error) != PEER_MANAGER_OK)
    return failed("choose peers to dial", &error);
  for (i = 0; i < count; i++) {
    if (!dial(day, &chosen[i]))
      return false;
  }
  return true;
}

/* First those that the operator chose, then those that answered before, then new ones. The last get a try even when
 * all slots are taken: a node that never tries new peers soon knows old ones only. */
static bool dial_peers(struct day *day)
{
  return dial_some(day, PEER_MANAGER_FILTER_PREFERRED_ONLY, SLOTS - day->connected)
         && dial_some(day, PEER_MANAGER_FILTER_OUTBOUND_ONLY, SLOTS - day->connected)
         && dial_some(day, PEER_MANAGER_FILTER_INBOUND_ONLY, SLOTS - day->connected + FEELERS);
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

  if (peer_manager_remove_peers_with_many_failures(day->pm, PEER_MANAGER_MAX_FAILURES, &removed, &error)
      != PEER_MANAGER_OK)
    return failed("forget the dead", &error);
  printf("       forgotten: %zu peers that failed %d times or more\n", removed, PEER_MANAGER_MAX_FAILURES);
  return true;
}

static bool tick(struct day *day)
{
  hang_up_what_ends(day);
  return dial_peers(day) && hear_gossip(day) && answer_someone(day);
}

static bool end_hour(struct day *day)
{
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_error error;

  if (peer_manager_get_stats(day->pm, &stats, &error) != PEER_MANAGER_OK)
    return failed("count the peers", &error);
  day->hour.known = stats.peers;
  day->hour.ready = stats.ready;
  day->hour.connected = day->connected;
  day->hour.slots = SLOTS;
  print_hour(&day->hour);
  return true;
}

bool live_one_day(peer_manager *pm, struct sim_clock *clock)
{
  const int64_t morning = clock->now;
  static const struct hour empty_hour = {0};
  struct day day = {0};
  unsigned hour;

  day.pm = pm;
  day.clock = clock;
  print_hours_header();
  for (hour = 0; hour < 24; hour++) {
    const int64_t begins = morning + (int64_t)hour * HOUR;

    day.hour = empty_hour;
    day.hour.number = hour;
    if (world_is_down(begins))
      printf("       the line is down\n");
    if (hour == PURGE_HOUR && !purge(&day))
      return false;
    for (clock->now = begins; clock->now < begins + HOUR; clock->now += TICK) {
      if (!tick(&day))
        return false;
    }
    if (!end_hour(&day))
      return false;
  }
  printf("%u addresses shared in %u answers: none private, none the asker's own\n", day.addresses_shared, day.answers);
  return true;
}
