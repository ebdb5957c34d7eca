/*
 * A process that forks while it has a file open: the child may read what is in memory, and must not touch the file.
 */
#include "check.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* A pipe from one process to the other, for signals of one byte. */
typedef struct signal_pipe {
  int ends[2];
} signal_pipe;

static void make_signal(signal_pipe *signal) {
  REQUIRE(pipe(signal->ends) == 0);
}

static void give_signal(const signal_pipe *signal) {
  REQUIRE(write(signal->ends[1], "!", 1) == 1);
}

static void await_signal(const signal_pipe *signal) {
  char byte = 0;
  REQUIRE(read(signal->ends[0], &byte, 1) == 1);
}

static void drop_signal(const signal_pipe *signal) {
  CHECK(close(signal->ends[0]) == 0);
  CHECK(close(signal->ends[1]) == 0);
}

/*
 * The end of a child. Another program takes its place, as is usual after a fork: what the child has of its parent's and
 * may not close is no leak, but who looks for leaks at the end of a process would take it for one.
 */
static void end_child(void) {
  fflush(NULL);
  execl("/bin/sh", "sh", "-c", check_failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
  _exit(2);
}

static void await_child(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int is_there(const char *path, const char *suffix) {
  char name[4200];
  struct stat status;
  REQUIRE(snprintf(name, sizeof name, "%s%s", path, suffix) < (int)sizeof name);
  return stat(name, &status) == 0;
}

/* A sum of all bytes of a file, and its length; 0 for none. */
static uint64_t digest(const char *path, const char *suffix) {
  char name[4200];
  uint64_t sum = 14695981039346656037u;
  int byte;
  FILE *file;
  REQUIRE(snprintf(name, sizeof name, "%s%s", path, suffix) < (int)sizeof name);
  file = fopen(name, "rb");
  if (file == NULL) return 0;
  while ((byte = getc(file)) != EOF) sum = (sum ^ (uint64_t)byte) * 1099511628211u;
  REQUIRE(fclose(file) == 0);
  return sum;
}

static peer_manager *open_with(const char *path, uint32_t durability) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.durability = durability;
  /* A group is committed when the test flushes, and not before. */
  options.flush_interval_ms = 3600000;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static void add(peer_manager *pm, const char *host, uint16_t port) {
  peer_manager_address address = check_address(host, port);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
}

/* Memory answers in the child as it did in the parent. */
static void the_child_may_read(peer_manager *pm, size_t count) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_address out[16];
  size_t found = 99;
  CHECK(peer_manager_peer_count(pm) == count);
  CHECK(check_load(pm, "192.0.2.1", 1).address.port == 1);
  (void)SUCCEEDS(peer_manager_load_random_peers, pm, &query, 16, out, &found);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.peers == count);
}

/* Every call that writes says no, names the file and the reason, and changes nothing. */
static void the_child_may_not_write(peer_manager *pm, size_t count) {
  const peer_manager_address known = check_address("192.0.2.1", 1);
  const peer_manager_address unknown = check_address("192.0.2.99", 1);
  const peer_manager_address both[] = {unknown, check_address("192.0.2.98", 1)};
  const peer_manager_record record = check_record("192.0.2.97", 1, 5, 6, PEER_MANAGER_TYPE_OUTBOUND);
  const peer_manager_record records[] = {record, check_record("192.0.2.1", 1, 5, 6, PEER_MANAGER_TYPE_OUTBOUND)};
  const peer_manager_record before = check_load(pm, "192.0.2.1", 1);
  peer_manager_record after;
#define IS_REFUSED(function, ...) FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "fork", function, __VA_ARGS__)
  IS_REFUSED(peer_manager_ensure_exists, pm, &unknown);
  IS_REFUSED(peer_manager_ensure_exists_many, pm, both, 2, NULL);
  IS_REFUSED(peer_manager_store, pm, &record);
  IS_REFUSED(peer_manager_store_many, pm, records, 2);
  IS_REFUSED(peer_manager_update_type, pm, &known, PEER_MANAGER_TYPE_PREFERRED, 0);
  IS_REFUSED(peer_manager_update_backoff, pm, &known, PEER_MANAGER_BACKOFF_INCREASE);
  IS_REFUSED(peer_manager_update, pm, &known, PEER_MANAGER_TYPE_PREFERRED, 0, PEER_MANAGER_BACKOFF_HARD_RESET);
  IS_REFUSED(peer_manager_remove, pm, &known);
  IS_REFUSED(peer_manager_remove_peers_with_many_failures, pm, 0, NULL);
  IS_REFUSED(peer_manager_limit_next_attempt, pm, INT64_MIN, NULL);
  IS_REFUSED(peer_manager_clear_all, pm);
  IS_REFUSED(peer_manager_flush, pm);
#undef IS_REFUSED
  CHECK(strstr(check_error.message, ".db") != NULL);
  CHECK(peer_manager_peer_count(pm) == count);
  after = check_load(pm, "192.0.2.1", 1);
  CHECK(memcmp(&before, &after, sizeof before) == 0);
}

/* The parent's file in the child's eyes: there, and nobody else's. */
static void the_file_is_still_the_parent_s(const char *path) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.busy_timeout_ms = 1;
  CHECK(is_there(path, "-lock") && is_there(path, "-wal") && is_there(path, "-shm"));
  FAILS(PEER_MANAGER_ERROR_BUSY, "another peer manager has it open", peer_manager_open, &options, &pm);
  CHECK(pm == NULL);
}

static void a_child_leaves_the_file_to_its_parent(const char *directory, const char *name, uint32_t durability) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm;
  signal_pipe go_on, freed;
  uint64_t database, log;
  char path[4096];
  pid_t child;
  check_path(path, sizeof path, directory, name);
  pm = open_with(path, durability);
  add(pm, "192.0.2.1", 1);
  (void)SUCCEEDS(peer_manager_flush, pm);
  add(pm, "192.0.2.2", 1);
  add(pm, "192.0.2.3", 1);
  database = digest(path, "");
  log = digest(path, "-wal");
  CHECK(database != 0 && log != 0);
  make_signal(&go_on);
  make_signal(&freed);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    the_child_may_read(pm, 3);
    the_child_may_not_write(pm, 3);
    the_file_is_still_the_parent_s(path);
    CHECK(digest(path, "") == database && digest(path, "-wal") == log);
    /* The parent goes on while the child has its copy, and the child's copy does not follow. */
    give_signal(&freed);
    await_signal(&go_on);
    the_child_may_read(pm, 3);
    database = digest(path, "");
    log = digest(path, "-wal");
    peer_manager_free(pm);
    CHECK(digest(path, "") == database && digest(path, "-wal") == log);
    the_file_is_still_the_parent_s(path);
    give_signal(&freed);
    drop_signal(&go_on);
    drop_signal(&freed);
    end_child();
  }
  await_signal(&freed);
  add(pm, "192.0.2.4", 1);
  give_signal(&go_on);
  await_signal(&freed);
  await_child(child);
  the_file_is_still_the_parent_s(path);
  add(pm, "192.0.2.5", 1);
  (void)SUCCEEDS(peer_manager_flush, pm);
  peer_manager_free(pm);
  CHECK(!is_there(path, "-lock") && !is_there(path, "-wal") && !is_there(path, "-shm"));
  options.db_path = path;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(peer_manager_peer_count(pm) == 5);
  peer_manager_free(pm);
  drop_signal(&go_on);
  drop_signal(&freed);
}

/* With DEFERRED a change is one of memory first, in the child as well; it never gets further there. */
static void with_deferred_the_changes_of_a_child_stay_in_its_memory(const char *directory) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager *pm;
  uint64_t database, log;
  char path[4096];
  pid_t child;
  check_path(path, sizeof path, directory, "deferred.db");
  pm = open_with(path, PEER_MANAGER_DURABILITY_DEFERRED);
  add(pm, "192.0.2.1", 1);
  (void)SUCCEEDS(peer_manager_flush, pm);
  /* Pending at the fork: the parent writes it, and the child does not. */
  add(pm, "192.0.2.2", 1);
  database = digest(path, "");
  log = digest(path, "-wal");
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    peer_manager_address known = check_address("192.0.2.1", 1);
    the_child_may_read(pm, 2);
    add(pm, "192.0.2.66", 1);
    (void)SUCCEEDS(peer_manager_remove, pm, &known);
    CHECK(peer_manager_peer_count(pm) == 2);
    CHECK(check_load(pm, "192.0.2.66", 1).address.port == 1);
    FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "fork", peer_manager_flush, pm);
    FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "deferred.db", peer_manager_flush, pm);
    (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
    CHECK(stats.pending_writes == 3);
    CHECK(digest(path, "") == database && digest(path, "-wal") == log);
    the_file_is_still_the_parent_s(path);
    peer_manager_free(pm);
    CHECK(digest(path, "") == database && digest(path, "-wal") == log);
    the_file_is_still_the_parent_s(path);
    end_child();
  }
  await_child(child);
  CHECK(peer_manager_peer_count(pm) == 2);
  add(pm, "192.0.2.3", 1);
  (void)SUCCEEDS(peer_manager_flush, pm);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.pending_writes == 0 && stats.failed_writes == 0);
  add(pm, "192.0.2.4", 1);
  peer_manager_free(pm);
  CHECK(!is_there(path, "-lock") && !is_there(path, "-wal"));
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 4);
  CHECK(check_load(pm, "192.0.2.1", 1).address.port == 1);
  peer_manager_free(pm);
}

/* What a child ought to do: open a peer manager of its own once its parent's is gone. */
static void a_child_may_open_the_file_after_its_parent(const char *directory) {
  signal_pipe freed;
  char path[4096];
  peer_manager *pm;
  pid_t child;
  check_path(path, sizeof path, directory, "inherited.db");
  make_signal(&freed);
  pm = open_with(path, PEER_MANAGER_DURABILITY_COMMIT);
  add(pm, "192.0.2.1", 1);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    peer_manager *own;
    peer_manager_free(pm);
    await_signal(&freed);
    own = check_open(path, NULL);
    CHECK(peer_manager_peer_count(own) == 1);
    add(own, "192.0.2.2", 1);
    peer_manager_free(own);
    drop_signal(&freed);
    end_child();
  }
  peer_manager_free(pm);
  give_signal(&freed);
  await_child(child);
  drop_signal(&freed);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 2);
  peer_manager_free(pm);
}

/* A table in memory has nothing to share. */
static void a_table_in_memory_goes_on_in_both(void) {
  peer_manager *pm = check_open(NULL, NULL);
  pid_t child;
  add(pm, "192.0.2.1", 1);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    add(pm, "192.0.2.2", 1);
    the_child_may_read(pm, 2);
    (void)SUCCEEDS(peer_manager_flush, pm);
    peer_manager_free(pm);
    end_child();
  }
  await_child(child);
  the_child_may_read(pm, 1);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  a_child_leaves_the_file_to_its_parent(directory, "commit.db", PEER_MANAGER_DURABILITY_COMMIT);
  a_child_leaves_the_file_to_its_parent(directory, "sync.db", PEER_MANAGER_DURABILITY_SYNC);
  with_deferred_the_changes_of_a_child_stay_in_its_memory(directory);
  a_child_may_open_the_file_after_its_parent(directory);
  a_table_in_memory_goes_on_in_both();
  return CHECK_RESULT();
}
