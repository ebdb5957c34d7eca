/* The same calls as Bench.java makes, so many times in C: what they cost without Java. The functions of the library are passed
 * in, so that it is the very one that Java has loaded. */

#include <peer_manager.h>
#include <stdlib.h>

typedef peer_manager_status load_function(peer_manager *, const peer_manager_address *, peer_manager_record *, peer_manager_error *);
typedef peer_manager_status update_backoff_function(peer_manager *, const peer_manager_address *, uint32_t, peer_manager_error *);
typedef peer_manager_status load_random_peers_function(peer_manager *, const peer_manager_query *, size_t, peer_manager_address *,
                                                       size_t *, peer_manager_error *);
typedef peer_manager_status get_all_peers_function(peer_manager *, peer_manager_snapshot **, peer_manager_error *);
typedef peer_manager_status snapshot_get_function(const peer_manager_snapshot *, size_t, peer_manager_record *, peer_manager_error *);
typedef size_t snapshot_count_function(const peer_manager_snapshot *);
typedef void snapshot_free_function(peer_manager_snapshot *);

/* Each returns how many calls failed. */
int64_t bench_load(load_function *call, peer_manager *pm, const peer_manager_address *address, int64_t times);
int64_t bench_update_backoff(update_backoff_function *call, peer_manager *pm, const peer_manager_address *address, int64_t times);
int64_t bench_load_random_peers(load_random_peers_function *call, peer_manager *pm, size_t size, int64_t times);
int64_t bench_snapshot(get_all_peers_function *take, snapshot_count_function *count, snapshot_get_function *get,
                       snapshot_free_function *done, peer_manager *pm, int64_t times);

int64_t bench_load(load_function *call, peer_manager *pm, const peer_manager_address *address, int64_t times) {
  int64_t failed = 0;
  for (int64_t i = 0; i < times; i++) {
    peer_manager_record record;
    peer_manager_error error;
    failed += call(pm, address, &record, &error) != PEER_MANAGER_OK;
  }
  return failed;
}

int64_t bench_update_backoff(update_backoff_function *call, peer_manager *pm, const peer_manager_address *address,
                             int64_t times) {
  int64_t failed = 0;
  for (int64_t i = 0; i < times; i++) {
    peer_manager_error error;
    failed += call(pm, address, PEER_MANAGER_BACKOFF_INCREASE, &error) != PEER_MANAGER_OK;
  }
  return failed;
}

int64_t bench_load_random_peers(load_random_peers_function *call, peer_manager *pm, size_t size, int64_t times) {
  peer_manager_address *out = malloc(size * sizeof *out);
  int64_t failed = out == NULL;
  for (int64_t i = 0; i < times && out != NULL; i++) {
    peer_manager_query query = PEER_MANAGER_QUERY_INIT;
    peer_manager_error error;
    size_t count = 0;
    query.type_filter = PEER_MANAGER_FILTER_ANY;
    query.use_next_attempt = 0;
    query.has_max_num_failures = 0;
    failed += call(pm, &query, size, out, &count, &error) != PEER_MANAGER_OK || count != size;
  }
  free(out);
  return failed;
}

int64_t bench_snapshot(get_all_peers_function *take, snapshot_count_function *count, snapshot_get_function *get,
                       snapshot_free_function *done, peer_manager *pm, int64_t times) {
  int64_t failed = 0;
  for (int64_t i = 0; i < times; i++) {
    peer_manager_snapshot *snapshot = NULL;
    peer_manager_error error;
    if (take(pm, &snapshot, &error) != PEER_MANAGER_OK) {
      return 1;
    }
    size_t n = count(snapshot);
    for (size_t j = 0; j < n; j++) {
      peer_manager_record record;
      failed += get(snapshot, j, &record, &error) != PEER_MANAGER_OK;
    }
    done(snapshot);
  }
  return failed;
}
