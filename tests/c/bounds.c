/* The bounds on a table: max_peers and max_peers_per_netgroup, and what they refuse. */
#include "check.h"

static peer_manager *open_with_bounds(const char *path, uint64_t max_peers, uint32_t max_peers_per_netgroup) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.max_peers = max_peers;
  options.max_peers_per_netgroup = max_peers_per_netgroup;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static void store(peer_manager *pm, const char *host, uint32_t num_failures, uint32_t type) {
  peer_manager_record record = check_record(host, 1, 0, num_failures, type);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
}

static int knows(peer_manager *pm, const char *host) {
  peer_manager_address address = check_address(host, 1);
  peer_manager_record record;
  return peer_manager_load(pm, &address, &record, NULL) == PEER_MANAGER_OK;
}

static uint64_t refused(peer_manager *pm) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  return stats.refused_peers;
}

/* FAILS makes each call twice. */
static void every_call_that_brings_a_new_peer_can_be_refused(void) {
  peer_manager *pm = open_with_bounds(NULL, 1, 0);
  peer_manager_address new_peer = check_address("8.8.0.2", 1);
  peer_manager_record record = check_record("8.8.0.2", 1, 0, 0, PEER_MANAGER_TYPE_PREFERRED);
  store(pm, "8.8.0.1", 99, PEER_MANAGER_TYPE_OUTBOUND);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers", peer_manager_ensure_exists, pm, &new_peer);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "8.8.0.2:1", peer_manager_store, pm, &record);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers", peer_manager_update_type, pm, &new_peer, PEER_MANAGER_TYPE_OUTBOUND, 0);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers", peer_manager_update_backoff, pm, &new_peer, PEER_MANAGER_BACKOFF_INCREASE);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers", peer_manager_update, pm, &new_peer, PEER_MANAGER_TYPE_OUTBOUND, 0,
        PEER_MANAGER_BACKOFF_RESET);
  CHECK(peer_manager_peer_count(pm) == 1 && knows(pm, "8.8.0.1"));
  CHECK(refused(pm) == 10);
  peer_manager_free(pm);
}

static void in_a_batch_those_that_are_refused_are_left_out_and_counted(void) {
  peer_manager *pm = open_with_bounds(NULL, 0, 2);
  peer_manager_address addresses[4];
  peer_manager_record records[2];
  size_t inserted = 12345;
  addresses[0] = check_address("8.8.0.1", 1);
  addresses[1] = check_address("::ffff:8.8.255.2", 1);
  addresses[2] = check_address("8.8.0.3", 1);
  addresses[3] = check_address("8.9.0.1", 1);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, 4, &inserted);
  CHECK(inserted == 3);
  CHECK(!knows(pm, "8.8.0.3") && knows(pm, "8.9.0.1"));
  records[0] = check_record("8.8.0.4", 1, 0, 0, PEER_MANAGER_TYPE_PREFERRED);
  records[1] = check_record("8.8.0.1", 1, 0, 7, PEER_MANAGER_TYPE_INBOUND);
  (void)SUCCEEDS(peer_manager_store_many, pm, records, 2);
  CHECK(!knows(pm, "8.8.0.4") && check_load(pm, "8.8.0.1", 1).num_failures == 7);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, 3, &inserted);
  CHECK(inserted == 0);
  CHECK(refused(pm) == 3);
  peer_manager_free(pm);
}

static void the_worst_inbound_peer_that_failed_gives_way(void) {
  peer_manager *pm = open_with_bounds(NULL, 4, 0);
  peer_manager_address new_peer = check_address("9.9.0.1", 1);
  store(pm, "8.1.0.1", 3, PEER_MANAGER_TYPE_INBOUND);
  store(pm, "8.2.0.1", 5, PEER_MANAGER_TYPE_INBOUND);
  store(pm, "8.3.0.1", 99, PEER_MANAGER_TYPE_OUTBOUND);
  store(pm, "8.4.0.1", 99, PEER_MANAGER_TYPE_PREFERRED);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &new_peer);
  CHECK(!knows(pm, "8.2.0.1") && knows(pm, "8.1.0.1") && knows(pm, "9.9.0.1"));
  new_peer = check_address("9.10.0.1", 1);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &new_peer);
  CHECK(!knows(pm, "8.1.0.1") && knows(pm, "8.3.0.1") && knows(pm, "8.4.0.1"));
  CHECK(peer_manager_peer_count(pm) == 4 && refused(pm) == 0);
  new_peer = check_address("9.11.0.1", 1);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers", peer_manager_ensure_exists, pm, &new_peer);
  peer_manager_free(pm);
}

static void a_full_netgroup_says_which_bound_refuses(void) {
  peer_manager *pm = open_with_bounds(NULL, UINT64_MAX, 1);
  peer_manager_address other_port = check_address("Node.Example.org.", 2);
  store(pm, "node.example.org", 0, PEER_MANAGER_TYPE_INBOUND);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers_per_netgroup", peer_manager_ensure_exists, pm, &other_port);
  store(pm, "other.example.org", 0, PEER_MANAGER_TYPE_INBOUND);
  peer_manager_free(pm);
}

static void a_file_that_is_too_large_keeps_its_rows(const char *directory) {
  char path[4096];
  peer_manager *pm;
  check_path(path, sizeof path, directory, "bounds.db");
  pm = open_with_bounds(path, 0, 0);
  store(pm, "8.1.0.1", 0, PEER_MANAGER_TYPE_INBOUND);
  store(pm, "8.2.0.1", 9, PEER_MANAGER_TYPE_OUTBOUND);
  store(pm, "8.3.0.1", 30, PEER_MANAGER_TYPE_PREFERRED);
  peer_manager_free(pm);
  pm = open_with_bounds(path, 2, 0);
  CHECK(peer_manager_peer_count(pm) == 2 && refused(pm) == 1);
  CHECK(!knows(pm, "8.1.0.1") && knows(pm, "8.2.0.1") && knows(pm, "8.3.0.1"));
  peer_manager_free(pm);
  pm = open_with_bounds(path, UINT64_MAX, UINT32_MAX);
  CHECK(peer_manager_peer_count(pm) == 3 && refused(pm) == 0);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  every_call_that_brings_a_new_peer_can_be_refused();
  in_a_batch_those_that_are_refused_are_left_out_and_counted();
  the_worst_inbound_peer_that_failed_gives_way();
  a_full_netgroup_says_which_bound_refuses();
  a_file_that_is_too_large_keeps_its_rows(directory);
  return CHECK_RESULT();
}
