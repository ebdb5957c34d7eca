/*
 * DEFERRED: calls return at once, a background thread writes, flush waits for it and reports failure, and free leaves
 * nothing behind. Eight threads change the table while the thread writes it.
 */
#include <pthread.h>

#include "check.h"

enum { THREADS = 8, OWN = 50, ROUNDS = 200 };

static peer_manager *open_deferred(const char *path, uint32_t flush_interval_ms) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.durability = PEER_MANAGER_DURABILITY_DEFERRED;
  options.flush_interval_ms = flush_interval_ms;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static void what_is_pending_is_counted_until_the_flush(const char *path) {
  peer_manager *pm = open_deferred(path, UINT32_MAX);
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_address gone = check_address("192.0.2.2", 1);
  CHECK(check_stats(pm).durability == PEER_MANAGER_DURABILITY_DEFERRED);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &gone);
  CHECK(check_stats(pm).pending_writes == 2);
  (void)SUCCEEDS(peer_manager_flush, pm);
  CHECK(check_stats(pm).pending_writes == 0);
  (void)SUCCEEDS(peer_manager_remove, pm, &gone);
  CHECK(check_stats(pm).pending_writes == 1);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 1);
  CHECK(check_load(pm, "192.0.2.1", 1).num_failures == 1);
  peer_manager_free(pm);
}

/* The manager's own thread must not be one that the caller's clock hears from. */
static pthread_t caller;
static int strangers;

static int64_t clock_of_the_caller(void *context) {
  (void)context;
  strangers += !pthread_equal(pthread_self(), caller);
  return 1000;
}

static void the_clock_is_called_on_the_callers_thread(const char *path) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  uint16_t port;
  caller = pthread_self();
  options.db_path = path;
  options.durability = PEER_MANAGER_DURABILITY_DEFERRED;
  options.flush_interval_ms = 1;
  options.clock = clock_of_the_caller;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  for (port = 1; port <= 500; port++) {
    peer_manager_address address = check_address("192.0.2.3", port);
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
  }
  peer_manager_free(pm);
  CHECK(strangers == 0);
}

/* What one thread is given and what it reports; the checks of check.h belong to the main thread. */
typedef struct worker {
  peer_manager *pm;
  int number;
  int failures;
} worker;

static void *work(void *argument) {
  worker *self = (worker *)argument;
  int round;
  for (round = 0; round < ROUNDS; round++) {
    peer_manager_address own = check_address("node.example.org", (uint16_t)(1 + self->number * OWN + round % OWN));
    self->failures += peer_manager_update_backoff(self->pm, &own, PEER_MANAGER_BACKOFF_INCREASE, NULL) != PEER_MANAGER_OK;
    if (round % 7 == 6) self->failures += peer_manager_remove(self->pm, &own, NULL) != PEER_MANAGER_OK;
    if (round % 50 == self->number) self->failures += peer_manager_flush(self->pm, NULL) != PEER_MANAGER_OK;
  }
  return NULL;
}

static void eight_threads_change_what_is_being_written(const char *path) {
  pthread_t threads[THREADS];
  worker workers[THREADS];
  peer_manager *pm = open_deferred(path, 1);
  peer_manager_snapshot *memory = NULL;
  size_t count, i;
  for (i = 0; i < THREADS; i++) {
    workers[i].pm = pm;
    workers[i].number = (int)i;
    workers[i].failures = 0;
    REQUIRE(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(workers[i].failures == 0);
  }
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &memory));
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  count = peer_manager_snapshot_count(memory);
  CHECK(count > 0 && peer_manager_peer_count(pm) == count);
  for (i = 0; i < count; i++) {
    peer_manager_record before, after;
    REQUIRE(SUCCEEDS(peer_manager_snapshot_get, memory, i, &before));
    after = check_load(pm, before.address.host, before.address.port);
    CHECK(after.num_failures == before.num_failures && after.next_attempt == before.next_attempt);
  }
  peer_manager_snapshot_free(memory);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char path[4096];
  check_path(path, sizeof path, directory, "pending.db");
  what_is_pending_is_counted_until_the_flush(path);
  check_path(path, sizeof path, directory, "clock.db");
  the_clock_is_called_on_the_callers_thread(path);
  check_path(path, sizeof path, directory, "threads.db");
  eight_threads_change_what_is_being_written(path);
  return CHECK_RESULT();
}
