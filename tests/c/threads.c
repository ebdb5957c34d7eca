/*
 * Eight threads on one manager with a database file. Each change reads, modifies and writes a record; if one were
 * not atomic, an increment would be lost and the totals would not be exact. Afterwards the file says what memory says.
 */
#include <pthread.h>

#include "check.h"

enum { THREADS = 8, SHARED = 7, OWN = 10, ROUNDS = 40 };

/* What one thread is given and what it reports; the checks of check.h belong to the main thread. */
typedef struct worker {
  peer_manager *pm;
  int number;
  int failures;
} worker;

static peer_manager_address shared_peer(int index) {
  return check_address("192.0.2.1", (uint16_t)(index + 1));
}

/* An address that only this thread adds, changes and removes. */
static peer_manager_address own_peer(int thread, int index) {
  return check_address("Example.ORG", (uint16_t)(1000 + thread * OWN + index));
}

static int is_sound(const peer_manager_record *record) {
  return record->peer_type <= PEER_MANAGER_TYPE_PREFERRED && record->num_failures <= THREADS * ROUNDS &&
         record->address.port != 0 && record->next_attempt >= 1000 && record->next_attempt <= 1000 + 10240;
}

static int a_query_is_answered_soundly(peer_manager *pm) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_address out[SHARED + 1];
  peer_manager_snapshot *snapshot = NULL;
  size_t count = 0;
  size_t i;
  int failures = 0;
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.use_next_attempt = 0;
  query.has_max_num_failures = 0;
  failures += peer_manager_load_random_peers(pm, &query, SHARED + 1, out, &count, NULL) != PEER_MANAGER_OK;
  failures += count < SHARED;
  failures += peer_manager_get_peers_to_send(pm, NULL, NULL, SHARED, out, &count, NULL) != PEER_MANAGER_OK;
  failures += peer_manager_get_stats(pm, &stats, NULL) != PEER_MANAGER_OK;
  failures += stats.peers != stats.inbound + stats.outbound + stats.preferred;
  failures += peer_manager_get_all_peers(pm, &snapshot, NULL) != PEER_MANAGER_OK;
  count = peer_manager_snapshot_count(snapshot);
  for (i = 0; i < count; i++) {
    peer_manager_record record;
    failures += peer_manager_snapshot_get(snapshot, i, &record, NULL) != PEER_MANAGER_OK;
    failures += !is_sound(&record);
  }
  peer_manager_snapshot_free(snapshot);
  return failures;
}

/* Only the last status counts: a NULL error must do in every thread. */
static void *work(void *argument) {
  worker *self = (worker *)argument;
  peer_manager *pm = self->pm;
  int round, i;
  for (round = 0; round < ROUNDS; round++) {
    peer_manager_address own = own_peer(self->number, round % OWN);
    peer_manager_record record;
    peer_manager_error error;
    for (i = 0; i < SHARED; i++) {
      peer_manager_address shared = shared_peer((i + self->number) % SHARED);
      self->failures += peer_manager_update_backoff(pm, &shared, PEER_MANAGER_BACKOFF_INCREASE, &error) != PEER_MANAGER_OK;
    }
    self->failures += peer_manager_ensure_exists(pm, &own, &error) != PEER_MANAGER_OK;
    self->failures += peer_manager_update(pm, &own, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_INCREASE, &error) != PEER_MANAGER_OK;
    self->failures += peer_manager_load(pm, &own, &record, &error) != PEER_MANAGER_OK;
    self->failures += record.num_failures != 1u || record.peer_type != PEER_MANAGER_TYPE_OUTBOUND;
    if (round % OWN == self->number) self->failures += a_query_is_answered_soundly(pm);
    if (round < ROUNDS - OWN) {
      self->failures += peer_manager_remove(pm, &own, &error) != PEER_MANAGER_OK;
      self->failures += peer_manager_load(pm, &own, &record, &error) != PEER_MANAGER_ERROR_NOT_FOUND;
    }
  }
  return NULL;
}

static void eight_threads_work_on_one_manager(peer_manager *pm) {
  pthread_t threads[THREADS];
  worker workers[THREADS];
  int i;
  for (i = 0; i < THREADS; i++) {
    workers[i].pm = pm;
    workers[i].number = i;
    workers[i].failures = 0;
    REQUIRE(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(workers[i].failures == 0);
  }
}

static void no_update_is_lost(peer_manager *pm) {
  int i, thread;
  CHECK(peer_manager_peer_count(pm) == SHARED + THREADS * OWN);
  for (i = 0; i < SHARED; i++) {
    CHECK(check_load(pm, "192.0.2.1", (uint16_t)(i + 1)).num_failures == THREADS * ROUNDS);
  }
  for (thread = 0; thread < THREADS; thread++) {
    for (i = 0; i < OWN; i++) {
      peer_manager_record record = check_load(pm, "example.org", own_peer(thread, i).port);
      CHECK(record.num_failures == 1 && record.peer_type == PEER_MANAGER_TYPE_OUTBOUND);
    }
  }
}

static void the_file_says_what_memory_said(const peer_manager_snapshot *memory, peer_manager *reopened) {
  size_t count = peer_manager_snapshot_count(memory);
  size_t i;
  CHECK(count == peer_manager_peer_count(reopened));
  for (i = 0; i < count; i++) {
    peer_manager_record before;
    peer_manager_record after;
    check_fill(&after, sizeof after);
    (void)SUCCEEDS(peer_manager_snapshot_get, memory, i, &before);
    (void)SUCCEEDS(peer_manager_load, reopened, &before.address, &after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
  }
}

/* Many threads that want the same new address add it once. */
static void *add(void *argument) {
  worker *self = (worker *)argument;
  peer_manager_address addresses[20];
  size_t inserted = 0;
  int i;
  for (i = 0; i < 20; i++) addresses[i] = check_address("198.51.100.1", (uint16_t)(i + 1));
  if (peer_manager_ensure_exists_many(self->pm, addresses, 20, &inserted, NULL) != PEER_MANAGER_OK) inserted = 1000;
  self->failures = (int)inserted;
  return NULL;
}

static void a_new_peer_is_counted_as_new_by_one_thread_only(void) {
  peer_manager *pm = check_open(NULL, NULL);
  pthread_t threads[THREADS];
  worker workers[THREADS];
  int inserted = 0;
  int i;
  for (i = 0; i < THREADS; i++) {
    workers[i].pm = pm;
    REQUIRE(pthread_create(&threads[i], NULL, add, &workers[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    inserted += workers[i].failures;
  }
  CHECK(inserted == 20);
  CHECK(peer_manager_peer_count(pm) == 20);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  int64_t now = 1000;
  peer_manager_snapshot *memory = NULL;
  peer_manager *pm;
  char path[4096];
  check_path(path, sizeof path, check_directory(argc, argv), "threads.db");
  pm = check_open(path, &now);
  eight_threads_work_on_one_manager(pm);
  no_update_is_lost(pm);
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &memory));
  peer_manager_free(pm);
  pm = check_open(path, &now);
  no_update_is_lost(pm);
  the_file_says_what_memory_said(memory, pm);
  peer_manager_snapshot_free(memory);
  peer_manager_free(pm);
  a_new_peer_is_counted_as_new_by_one_thread_only();
  return CHECK_RESULT();
}
