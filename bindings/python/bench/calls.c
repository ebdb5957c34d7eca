/* What the calls of calls.py cost in C: the same peers, the same calls. It prints a name and nanoseconds a call, the least
 * of many short turns, because a machine with other work to do adds to a turn, and never takes away from it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "peer_manager.h"

enum { PEERS = 10000, DRAWN = 50, TURNS = 200 };

static peer_manager *pm;
static peer_manager_address one, drawn[DRAWN];
static volatile size_t sink;

static void check(peer_manager_status status) {
  if (status != PEER_MANAGER_OK) {
    fprintf(stderr, "calls: %s\n", peer_manager_status_name(status));
    exit(1);
  }
}

static void load_random_peers(void) {
  size_t count;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  check(peer_manager_load_random_peers(pm, &query, DRAWN, drawn, &count, NULL));
  sink = count;
}

static void get_peers_to_send(void) {
  size_t count;
  check(peer_manager_get_peers_to_send(pm, NULL, &one, DRAWN, drawn, &count, NULL));
  sink = count;
}

static void next_to_dial(void) {
  size_t count;
  check(peer_manager_next_to_dial(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, 8, drawn, &count, NULL));
  sink = count;
}

static void load(void) {
  peer_manager_record record;
  check(peer_manager_load(pm, &one, &record, NULL));
  sink = record.num_failures;
}

static void update_backoff(void) { check(peer_manager_update_backoff(pm, &one, PEER_MANAGER_BACKOFF_RESET, NULL)); }

static void ensure_exists(void) { check(peer_manager_ensure_exists(pm, &one, NULL)); }

static void iterate(void) {
  peer_manager_snapshot *snapshot;
  peer_manager_record record;
  check(peer_manager_get_all_peers(pm, &snapshot, NULL));
  size_t count = peer_manager_snapshot_count(snapshot);
  for (size_t i = 0; i < count; i++) {
    check(peer_manager_snapshot_get(snapshot, i, &record, NULL));
    sink = record.num_failures;
  }
  peer_manager_snapshot_free(snapshot);
}

static double least(void (*call)(void), int calls) {
  double best = 1e300;
  for (int turn = 0; turn < TURNS; turn++) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < calls; i++) {
      call();
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    double each = ((after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec)) / calls;
    best = each < best ? each : best;
  }
  return best;
}

int main(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.has_rng_seed = 1;
  options.rng_seed = 1;
  check(peer_manager_open(&options, &pm, NULL));
  for (int i = 0; i < PEERS; i++) {
    peer_manager_record record = {.next_attempt = 0, .peer_type = PEER_MANAGER_TYPE_OUTBOUND};
    char host[32];
    snprintf(host, sizeof host, "52.%d.%d.7", i / 250, i % 250);
    check(peer_manager_address_init(host, 11625, &record.address, NULL));
    check(peer_manager_store(pm, &record, NULL));
    one = record.address;
  }
  printf("load_random_peers %.0f\n", least(load_random_peers, 20));
  printf("get_peers_to_send %.0f\n", least(get_peers_to_send, 20));
  printf("next_to_dial %.0f\n", least(next_to_dial, 20));
  printf("load %.0f\n", least(load, 200));
  printf("ensure_exists %.0f\n", least(ensure_exists, 200));
  printf("update_backoff %.0f\n", least(update_backoff, 200));
  printf("iterate %.1f\n", least(iterate, 1) / PEERS);
  peer_manager_free(pm);
  return 0;
}
