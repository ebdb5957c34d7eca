/* The options that say which peers a node has: reach, name_groups, and how long they wait. */
#include "check.h"

enum { NOW = 1700000000 };

static const char *const elsewhere[] = {"10.1.2.3", "192.0.2.1", "64:ff9b::10.0.0.1", "2001:db8::1", "nas.local", "host.test"};
enum { ELSEWHERE = sizeof elsewhere / sizeof elsewhere[0] };

/* A peer manager whose clock stands at NOW, with a file or in memory. */
static peer_manager *open_with(peer_manager_options options, const char *path) {
  static int64_t now = NOW;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.clock = check_clock;
  options.clock_context = &now;
  options.has_rng_seed = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static peer_manager *open_reaching(uint32_t reach, const char *path) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.reach = reach;
  return open_with(options, path);
}

static void store(peer_manager *pm, const char *host, uint32_t type) {
  peer_manager_record record = check_record(host, 1, NOW, 0, type);
  REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
}

static size_t drawn(peer_manager *pm, peer_manager_address *out, size_t size) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  size_t count = 0, by_netgroup = 0;
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.max_per_netgroup = (uint32_t)size;
  REQUIRE(SUCCEEDS(peer_manager_load_random_peers, pm, &query, size, out, &by_netgroup));
  query.max_per_netgroup = 0;
  REQUIRE(SUCCEEDS(peer_manager_load_random_peers, pm, &query, size, out, &count));
  CHECK(count == by_netgroup);
  return count;
}

static size_t told(peer_manager *pm, peer_manager_address *out, size_t size) {
  size_t count = 0;
  REQUIRE(SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, size, out, &count));
  return count;
}

static void on_the_internet_gossip_of_what_is_not_routable_is_refused(void) {
  peer_manager *pm = open_reaching(PEER_MANAGER_REACH_PUBLIC, NULL);
  peer_manager_address batch[ELSEWHERE + 1];
  size_t i, inserted = 0;
  for (i = 0; i < ELSEWHERE; i++) {
    batch[i] = check_address(elsewhere[i], 1);
    FAILS(PEER_MANAGER_ERROR_REFUSED, "reach PUBLIC refuses gossip", peer_manager_ensure_exists, pm, &batch[i]);
  }
  CHECK(check_stats(pm).refused_peers == 2 * ELSEWHERE);
  batch[ELSEWHERE] = check_address("8.8.8.8", 1);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, batch, ELSEWHERE + 1, &inserted);
  CHECK(inserted == 1);
  CHECK(check_stats(pm).refused_peers == 3 * ELSEWHERE && peer_manager_peer_count(pm) == 1);
  store(pm, elsewhere[0], PEER_MANAGER_TYPE_INBOUND);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &batch[0]);
  peer_manager_free(pm);
}

static void what_is_not_routable_is_drawn_only_if_preferred_and_never_told(const char *directory) {
  char path[4096];
  peer_manager_address out[ELSEWHERE];
  peer_manager *pm;
  int i;
  check_path(path, sizeof path, directory, "reach.db");
  pm = open_reaching(PEER_MANAGER_REACH_PUBLIC, path);
  store(pm, elsewhere[0], PEER_MANAGER_TYPE_PREFERRED);
  for (i = 1; i < ELSEWHERE; i++) store(pm, elsewhere[i], i % 2 == 0 ? PEER_MANAGER_TYPE_INBOUND : PEER_MANAGER_TYPE_OUTBOUND);
  for (i = 0; i < 2; i++) {
    CHECK(drawn(pm, out, ELSEWHERE) == 1);
    CHECK_TEXT(out[0].host, elsewhere[0]);
    CHECK(told(pm, out, ELSEWHERE) == 0);
    /* The same from the file. */
    peer_manager_free(pm);
    pm = open_reaching(PEER_MANAGER_REACH_PUBLIC, path);
    CHECK(peer_manager_peer_count(pm) == ELSEWHERE);
  }
  peer_manager_free(pm);
  pm = open_reaching(PEER_MANAGER_REACH_SPECIFICATION, path);
  CHECK(drawn(pm, out, ELSEWHERE) == ELSEWHERE && told(pm, out, ELSEWHERE) == 3);
  peer_manager_free(pm);
  pm = open_reaching(PEER_MANAGER_REACH_PRIVATE, path);
  CHECK(drawn(pm, out, ELSEWHERE) == ELSEWHERE && told(pm, out, ELSEWHERE) == ELSEWHERE);
  peer_manager_free(pm);
}

static uint64_t netgroup_of(peer_manager *pm, const char *host, uint16_t port) {
  peer_manager_address address = check_address(host, port);
  uint64_t netgroup = 0;
  (void)SUCCEEDS(peer_manager_address_netgroup, pm, &address, &netgroup);
  return netgroup;
}

static void in_a_network_of_its_own_each_private_address_with_its_port_is_a_netgroup(void) {
  peer_manager *pm = open_reaching(PEER_MANAGER_REACH_PRIVATE, NULL);
  static const char *const hosts[] = {"127.0.0.1", "10.0.0.1", "fd00::1", "localhost", "nas.local"};
  const size_t count = sizeof hosts / sizeof hosts[0];
  size_t a, b;
  for (a = 0; a < count; a++) {
    CHECK(netgroup_of(pm, hosts[a], 1) == netgroup_of(pm, hosts[a], 1));
    CHECK(netgroup_of(pm, hosts[a], 1) != netgroup_of(pm, hosts[a], 2));
    for (b = 0; b < a; b++) CHECK(netgroup_of(pm, hosts[a], 1) != netgroup_of(pm, hosts[b], 1));
  }
  CHECK(netgroup_of(pm, "8.8.8.8", 1) == netgroup_of(pm, "8.8.9.9", 2));
  peer_manager_free(pm);
}

static void names_can_count_by_their_keys(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm;
  char name[64];
  int i, j, groups = 0;
  uint64_t seen[32];
  options.name_groups = 1;
  pm = open_with(options, NULL);
  CHECK(netgroup_of(pm, "example.org", 1) == netgroup_of(pm, "other.example.net", 2));
  for (i = 0; i < 32; i++) {
    (void)snprintf(name, sizeof name, "%cbcdefghijklmnop.onion", "abcdefghijklmnopqrstuvwxyz234567"[i]);
    seen[i] = netgroup_of(pm, name, 1);
    CHECK(seen[i] != netgroup_of(pm, "example.org", 1));
    for (j = 0; j < i && seen[j] != seen[i];) j++;
    groups += j == i;
  }
  CHECK(groups == 16);
  CHECK(netgroup_of(pm, "abcd.onion", 1) != netgroup_of(pm, "abcd.b32.i2p", 1));
  peer_manager_free(pm);
}

static void the_back_off_has_its_unit_and_its_end(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_address address = check_address("8.8.8.8", 1);
  peer_manager *pm;
  int64_t longest = 0;
  int i;
  options.backoff_seconds = 2;
  options.max_backoff_exponent = 2;
  pm = open_with(options, NULL);
  for (i = 0; i < 200; i++) {
    int64_t wait;
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
    wait = check_load(pm, "8.8.8.8", 1).next_attempt - NOW;
    CHECK(wait >= 1 && wait <= 8);
    if (wait > longest) longest = wait;
  }
  CHECK(longest == 8);
  for (i = 0; i < 50; i++) {
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_RESET);
    CHECK(check_load(pm, "8.8.8.8", 1).next_attempt - NOW <= 2);
  }
  peer_manager_free(pm);
}

static void what_makes_no_sense_is_refused_and_what_is_not_there_yet_is_unsupported(void) {
  const peer_manager_options defaults = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_options options = defaults;
  peer_manager *pm = NULL;
  options.reach = 3;
  REFUSES("options->reach is 3", peer_manager_open, &options, &pm);
  options = defaults;
  options.name_groups = 2;
  REFUSES("options->name_groups is 2", peer_manager_open, &options, &pm);
  options = defaults;
  options.backoff_seconds = 3601;
  REFUSES("backoff_seconds is 3601", peer_manager_open, &options, &pm);
  options.backoff_seconds = 3600;
  options.max_backoff_exponent = 21;
  REFUSES("max_backoff_exponent is 21", peer_manager_open, &options, &pm);
  options.max_backoff_exponent = 20;
  (void)SUCCEEDS(peer_manager_open, &options, &pm);
  peer_manager_free(pm);
  pm = NULL;
  options = defaults;
  options.share_max_percent = 50;
  REFUSES("share_cache_seconds", peer_manager_open, &options, &pm);
  options = defaults;
  options.reserved2 = 1;
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "options->reserved2 is not 0", peer_manager_open, &options, &pm);
  CHECK(pm == NULL);
}

/* A program that was compiled against 0.1.0 has neither these fields nor room for them. */
static void options_of_the_first_version_ask_for_the_specification(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_address address = check_address("10.0.0.1", 1);
  peer_manager *pm = NULL;
  options.struct_size = offsetof(peer_manager_options, reach);
  check_fill(&options.reach, sizeof options - offsetof(peer_manager_options, reach));
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  on_the_internet_gossip_of_what_is_not_routable_is_refused();
  what_is_not_routable_is_drawn_only_if_preferred_and_never_told(directory);
  in_a_network_of_its_own_each_private_address_with_its_port_is_a_netgroup();
  names_can_count_by_their_keys();
  the_back_off_has_its_unit_and_its_end();
  what_makes_no_sense_is_refused_and_what_is_not_there_yet_is_unsupported();
  options_of_the_first_version_ask_for_the_specification();
  return CHECK_RESULT();
}
