/* The header's section on what is known of a peer's past. */
#include "check.h"

enum { START = 1700000000, DAY = 86400 };

static peer_manager *open_with_history(const char *path, int64_t *now) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.keep_history = 1;
  options.has_rng_seed = 1;
  options.clock = check_clock;
  options.clock_context = now;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static int is_history(const peer_manager_history *history, int64_t first_heard, int64_t last_heard, int64_t first_reached,
                      int64_t last_reached, int64_t last_attempt) {
  return history->first_heard == first_heard && history->last_heard == last_heard &&
         history->first_reached == first_reached && history->last_reached == last_reached &&
         history->last_attempt == last_attempt;
}

static void the_struct_is_laid_out_as_promised(void) {
  CHECK(sizeof(peer_manager_history) == 40);
  CHECK(offsetof(peer_manager_history, first_heard) == 0);
  CHECK(offsetof(peer_manager_history, last_heard) == 8);
  CHECK(offsetof(peer_manager_history, first_reached) == 16);
  CHECK(offsetof(peer_manager_history, last_reached) == 24);
  CHECK(offsetof(peer_manager_history, last_attempt) == 32);
}

static void what_is_refused_writes_nothing(void) {
  int64_t now = START;
  peer_manager *without = check_open(NULL, &now);
  peer_manager *pm = open_with_history(NULL, &now);
  peer_manager_snapshot *snapshot = NULL;
  const peer_manager_address known = check_address("192.0.2.1", 1);
  const peer_manager_address unknown = check_address("192.0.2.2", 1);
  peer_manager_address bad = known;
  peer_manager_history history;
  size_t count = 12345;
  bad.port = 0;
  check_fill(&history, sizeof history);
  (void)SUCCEEDS(peer_manager_ensure_exists, without, &known);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &known);
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "keep_history", peer_manager_load_history, without, &known, &history);
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "keep_history", peer_manager_remove_peers_not_heard_since, without, 0, &count);
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "192.0.2.2", peer_manager_load_history, pm, &unknown, &history);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port", peer_manager_load_history, pm, &bad, &history);
  REFUSES("pm is NULL", peer_manager_load_history, NULL, &known, &history);
  REFUSES("address is NULL", peer_manager_load_history, pm, NULL, &history);
  REFUSES("out is NULL", peer_manager_load_history, pm, &known, NULL);
  REFUSES("pm is NULL", peer_manager_remove_peers_not_heard_since, NULL, 0, &count);
  REFUSES("snapshot is NULL", peer_manager_snapshot_get_history, NULL, 0, &history);
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, without, &snapshot));
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "keep_history", peer_manager_snapshot_get_history, snapshot, 0, &history);
  REFUSES("index is 1", peer_manager_snapshot_get_history, snapshot, 1, &history);
  peer_manager_snapshot_free(snapshot);
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  REFUSES("index is 1", peer_manager_snapshot_get_history, snapshot, 1, &history);
  REFUSES("out is NULL", peer_manager_snapshot_get_history, snapshot, 0, NULL);
  CHECK(check_is_filled(&history, sizeof history) && count == 12345);
  peer_manager_snapshot_free(snapshot);
  peer_manager_free(without);
  peer_manager_free(pm);
}

static void a_history_outlives_the_manager(const char *directory) {
  int64_t now = START;
  char path[4096];
  const peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_history history;
  peer_manager *pm;
  check_path(path, sizeof path, directory, "history.db");
  pm = open_with_history(path, &now);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  now = START + 5;
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
  now = START + 7;
  (void)SUCCEEDS(peer_manager_update, pm, &address, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET);
  peer_manager_free(pm);
  pm = open_with_history(path, &now);
  (void)SUCCEEDS(peer_manager_load_history, pm, &address, &history);
  CHECK(is_history(&history, START, START, START + 7, START + 7, START + 5));
  now = START + DAY;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_load_history, pm, &address, &history);
  CHECK(is_history(&history, START, START + DAY, START + 7, START + 7, START + 5));
  peer_manager_free(pm);
}

static void queries_and_snapshots_follow_histories(void) {
  int64_t now = START;
  peer_manager *pm = open_with_history(NULL, &now);
  peer_manager_snapshot *snapshot = NULL;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address peers[3], out[4];
  size_t count, i;
  uint16_t port;
  for (port = 1; port <= 3; port++) {
    now = START + port * 100;
    peers[port - 1] = check_address("192.0.2.1", port);
    (void)SUCCEEDS(peer_manager_ensure_exists, pm, &peers[port - 1]);
  }
  now = START + 1000;
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &peers[0], PEER_MANAGER_BACKOFF_RESET);
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.use_next_attempt = 0;
  query.heard_since = START + 300;
  CHECK(check_draw(pm, &query, out, 4) == 2);
  for (i = 0; i < 2; i++) CHECK(out[i].port == 1 || out[i].port == 3);
  query.heard_since = START + 1000;
  CHECK(check_draw(pm, &query, out, 4) == 1 && out[0].port == 1);
  query.heard_since = 0;
  query.reached_since = 1;
  CHECK(check_draw(pm, &query, out, 4) == 1 && out[0].port == 1);
  query.reached_since = START + 1001;
  CHECK(check_draw(pm, &query, out, 4) == 0);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, 4, out, &count);
  CHECK(count == 0);
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  for (i = 0; i < 3; i++) {
    peer_manager_record record;
    peer_manager_history history;
    int64_t heard;
    check_fill(&history, sizeof history);
    (void)SUCCEEDS(peer_manager_snapshot_get, snapshot, i, &record);
    (void)SUCCEEDS(peer_manager_snapshot_get_history, snapshot, i, &history);
    heard = START + record.address.port * 100;
    if (record.address.port == 1) {
      CHECK(is_history(&history, heard, heard, START + 1000, START + 1000, 0));
    } else {
      CHECK(is_history(&history, heard, heard, 0, 0, 0));
    }
  }
  peer_manager_snapshot_free(snapshot);
  (void)SUCCEEDS(peer_manager_remove_peers_not_heard_since, pm, START + 300, &count);
  CHECK(count == 1 && peer_manager_peer_count(pm) == 2);
  (void)SUCCEEDS(peer_manager_remove_peers_not_heard_since, pm, INT64_MAX, NULL);
  CHECK(peer_manager_peer_count(pm) == 1);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  the_struct_is_laid_out_as_promised();
  what_is_refused_writes_nothing();
  a_history_outlives_the_manager(check_directory(argc, argv));
  queries_and_snapshots_follow_histories();
  return CHECK_RESULT();
}
