/* The header's section on looking at everything: the count of peers, and snapshots. */
#include "check.h"

enum { PEERS = 50 };

static peer_manager *open_with_peers(void) {
  peer_manager *pm = check_open(NULL, NULL);
  uint16_t port;
  for (port = 1; port <= PEERS; port++) {
    static const char *const hosts[] = {"192.0.2.1", "2001:db8::1", "example.org"};
    peer_manager_record record = check_record(hosts[port % 3], port, -(int64_t)port, port * 2u, port % 3u);
    REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
  }
  return pm;
}

static peer_manager_snapshot *take(peer_manager *pm) {
  peer_manager_snapshot *snapshot = NULL;
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  REQUIRE(snapshot != NULL);
  return snapshot;
}

static void holds_the_peers(const peer_manager_snapshot *snapshot) {
  int seen[PEERS + 1] = {0};
  size_t i;
  CHECK(peer_manager_snapshot_count(snapshot) == PEERS);
  for (i = 0; i < PEERS; i++) {
    peer_manager_record record;
    uint16_t port;
    check_fill(&record, sizeof record);
    (void)SUCCEEDS(peer_manager_snapshot_get, snapshot, i, &record);
    port = record.address.port;
    REQUIRE(port >= 1 && port <= PEERS);
    seen[port]++;
    CHECK(record.next_attempt == -(int64_t)port);
    CHECK(record.num_failures == port * 2u);
    CHECK(record.peer_type == port % 3u);
    CHECK(strlen(record.address.host) >= 9);
  }
  for (i = 1; i <= PEERS; i++) CHECK(seen[i] == 1);
}

static void null_counts_as_nothing_and_is_freed_without_effect(void) {
  CHECK(peer_manager_peer_count(NULL) == 0);
  CHECK(peer_manager_snapshot_count(NULL) == 0);
  peer_manager_snapshot_free(NULL);
}

static void null_is_refused_by_name(void) {
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = NULL;
  peer_manager_record record;
  check_fill(&record, sizeof record);
  REFUSES("pm is NULL", peer_manager_get_all_peers, NULL, &snapshot);
  CHECK(snapshot == NULL);
  REFUSES("out is NULL", peer_manager_get_all_peers, pm, NULL);
  snapshot = take(pm);
  REFUSES("snapshot is NULL", peer_manager_snapshot_get, NULL, 0, &record);
  REFUSES("out is NULL", peer_manager_snapshot_get, snapshot, 0, NULL);
  CHECK(check_is_filled(&record, sizeof record));
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

static void an_index_past_the_end_is_refused(void) {
  static const size_t beyond[] = {PEERS, PEERS + 1, SIZE_MAX, SIZE_MAX / 2};
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = take(pm);
  peer_manager_record record;
  size_t i;
  check_fill(&record, sizeof record);
  for (i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    REFUSES("index", peer_manager_snapshot_get, snapshot, beyond[i], &record);
  }
  CHECK(check_is_filled(&record, sizeof record));
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

static void the_count_follows_every_change(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  CHECK(peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  CHECK(peer_manager_peer_count(pm) == 1);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  CHECK(peer_manager_peer_count(pm) == 1);
  address.port = 2;
  (void)SUCCEEDS(peer_manager_update_type, pm, &address, PEER_MANAGER_TYPE_OUTBOUND, 0);
  CHECK(peer_manager_peer_count(pm) == 2);
  (void)SUCCEEDS(peer_manager_remove, pm, &address);
  CHECK(peer_manager_peer_count(pm) == 1);
  (void)SUCCEEDS(peer_manager_clear_all, pm);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void a_snapshot_holds_every_peer_once(void) {
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = take(pm);
  holds_the_peers(snapshot);
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

static void an_empty_table_has_an_empty_snapshot(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_snapshot *snapshot = take(pm);
  peer_manager_record record;
  CHECK(peer_manager_snapshot_count(snapshot) == 0);
  REFUSES("index", peer_manager_snapshot_get, snapshot, 0, &record);
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

static void a_snapshot_stays_as_it_was_when_the_table_changes(void) {
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = take(pm);
  peer_manager_snapshot *later;
  peer_manager_address address = check_address("198.51.100.1", 1);
  (void)SUCCEEDS(peer_manager_clear_all, pm);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  later = take(pm);
  CHECK(peer_manager_snapshot_count(later) == 1);
  holds_the_peers(snapshot);
  peer_manager_snapshot_free(later);
  holds_the_peers(snapshot);
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

static void a_snapshot_outlives_its_manager(void) {
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = take(pm);
  peer_manager_free(pm);
  holds_the_peers(snapshot);
  peer_manager_snapshot_free(snapshot);
}

static void snapshots_are_taken_and_read_without_an_error_to_write_to(void) {
  peer_manager *pm = open_with_peers();
  peer_manager_snapshot *snapshot = NULL;
  peer_manager_record record;
  REQUIRE(peer_manager_get_all_peers(pm, &snapshot, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_snapshot_get(snapshot, PEERS - 1, &record, NULL) == PEER_MANAGER_OK);
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(pm);
}

int main(void) {
  null_counts_as_nothing_and_is_freed_without_effect();
  null_is_refused_by_name();
  an_index_past_the_end_is_refused();
  the_count_follows_every_change();
  a_snapshot_holds_every_peer_once();
  an_empty_table_has_an_empty_snapshot();
  a_snapshot_stays_as_it_was_when_the_table_changes();
  a_snapshot_outlives_its_manager();
  snapshots_are_taken_and_read_without_an_error_to_write_to();
  return CHECK_RESULT();
}
