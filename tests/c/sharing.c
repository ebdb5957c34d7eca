/* Choosing by netgroup, and sharing one choice with everyone for a while. */
#include "check.h"

enum { EACH = 20, NETGROUPS = 5, PEERS = EACH * NETGROUPS };

/* Outbound peers that are due, in netgroups "8.0" to "8.4". */
static void fill(peer_manager *pm) {
  char host[32];
  int netgroup, n;
  for (netgroup = 0; netgroup < NETGROUPS; netgroup++) {
    for (n = 0; n < EACH; n++) {
      peer_manager_record record;
      (void)snprintf(host, sizeof host, "8.%d.0.%d", netgroup, n);
      record = check_record(host, 1, 0, 0, PEER_MANAGER_TYPE_OUTBOUND);
      REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
    }
  }
}

static int netgroup_of(const peer_manager_address *address) {
  return address->host[2] - '0';
}

/* The most that any netgroup has given. */
static int largest_share(const peer_manager_address *answer, size_t count) {
  int given[NETGROUPS] = {0};
  int largest = 0;
  size_t i;
  for (i = 0; i < count; i++) {
    int netgroup = netgroup_of(&answer[i]);
    REQUIRE(netgroup >= 0 && netgroup < NETGROUPS);
    given[netgroup]++;
    if (given[netgroup] > largest) largest = given[netgroup];
  }
  return largest;
}

static int is_same(const peer_manager_address *a, const peer_manager_address *b, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) {
    if (!peer_manager_address_equal(&a[i], &b[i])) return 0;
  }
  return 1;
}

static void no_netgroup_gives_more_than_it_may(void) {
  static const uint32_t bounds[] = {1, 2, 7, EACH, UINT32_MAX};
  int64_t now = 1000;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address answer[PEERS];
  size_t count, i;
  fill(pm);
  for (i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
    const uint32_t most = EACH;
    const size_t each = bounds[i] < most ? bounds[i] : most;
    peer_manager_query query = PEER_MANAGER_QUERY_INIT;
    query.max_per_netgroup = bounds[i];
    (void)SUCCEEDS(peer_manager_load_random_peers, pm, &query, PEERS, answer, &count);
    CHECK(count == each * NETGROUPS && largest_share(answer, count) == (int)each);
    (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, PEERS, answer, &count);
    CHECK(count == each * NETGROUPS && largest_share(answer, count) == (int)each);
    (void)SUCCEEDS(peer_manager_load_random_peers, pm, &query, 3, answer, &count);
    CHECK(count == 3);
  }
  peer_manager_free(pm);
}

static peer_manager *open_sharing(int64_t *now, uint32_t seconds, uint32_t percent) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.clock = check_clock;
  options.clock_context = now;
  options.has_rng_seed = 1;
  options.share_cache_seconds = seconds;
  options.share_max_percent = percent;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  fill(pm);
  return pm;
}

static void everyone_is_told_of_the_same_peers_for_a_while(void) {
  int64_t now = 1000;
  peer_manager *pm = open_sharing(&now, 100, 0);
  peer_manager_address first[10], again[11], asker;
  size_t count;
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 10, first, &count);
  CHECK(count == 10);
  now += 99;
  asker = check_address("9.9.9.9", 1);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, &asker, 10, again, &count);
  CHECK(count == 10 && is_same(first, again, 10));
  /* One who is among them is told of the others, and of one more. */
  asker = first[0];
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, &asker, 10, again, &count);
  CHECK(count == 10 && is_same(first + 1, again, 9) && !peer_manager_address_equal(&again[9], &asker));
  /* That peer is at the end of what is told from then on. */
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 11, again, &count);
  CHECK(count == 11 && is_same(first, again, 10));
  now += 52;
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 10, again, &count);
  CHECK(count == 10 && !is_same(first, again, 10));
  peer_manager_free(pm);
}

static void no_asker_is_told_of_more_than_the_percentage(void) {
  int64_t now = 1000;
  peer_manager *pm = open_sharing(&now, 100, 23);
  peer_manager_address first[PEERS], again[PEERS];
  size_t count;
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, PEERS, first, &count);
  CHECK(count == 23);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, &first[5], PEERS, again, &count);
  CHECK(count == 22 && is_same(first, again, 5) && is_same(first + 6, again + 5, 17));
  /* One that is gone does not count: another one is drawn in its place. */
  (void)SUCCEEDS(peer_manager_remove, pm, &first[0]);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, PEERS, again, &count);
  CHECK(count == 23 && is_same(first + 1, again, 22));
  peer_manager_free(pm);
}

static void each_type_has_a_part_of_its_own(void) {
  int64_t now = 1000;
  peer_manager *pm = open_sharing(&now, 100, 10);
  peer_manager_query inbound = PEER_MANAGER_QUERY_INIT;
  peer_manager_query outbound = PEER_MANAGER_QUERY_INIT;
  peer_manager_address answer[2 * PEERS];
  size_t count;
  int n;
  inbound.type_filter = PEER_MANAGER_FILTER_INBOUND_ONLY;
  outbound.type_filter = PEER_MANAGER_FILTER_OUTBOUND_ONLY;
  for (n = 0; n < PEERS; n++) {
    char host[32];
    peer_manager_address address;
    (void)snprintf(host, sizeof host, "9.9.0.%d", n);
    address = check_address(host, 1);
    REQUIRE(SUCCEEDS(peer_manager_ensure_exists, pm, &address));
  }
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &inbound, NULL, PEERS, answer, &count);
  CHECK(count == PEERS / 10);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &outbound, NULL, PEERS, answer, &count);
  CHECK(count == PEERS / 10);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 2 * PEERS, answer, &count);
  CHECK(count == 2 * PEERS / 10);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  (void)check_directory(argc, argv);
  no_netgroup_gives_more_than_it_may();
  everyone_is_told_of_the_same_peers_for_a_while();
  no_asker_is_told_of_more_than_the_percentage();
  each_type_has_a_part_of_its_own();
  return CHECK_RESULT();
}
