/*
 * A process that forks while it has a file open: the child may read what is in memory, and must not touch the file.
 */
#include "check.h"

#include <signal.h>
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

/* The parent's file in the child's eyes: there, and no other's. */
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

/* With DEFERRED a change is one of memory first; but no journal has a child's memory, so it gets no changes there either. */
static void with_deferred_the_parent_writes_what_was_pending_at_the_fork(const char *directory) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager *pm;
  uint64_t database, log;
  char path[4096];
  pid_t child;
  check_path(path, sizeof path, directory, "pending.db");
  pm = open_with(path, PEER_MANAGER_DURABILITY_DEFERRED);
  add(pm, "192.0.2.1", 1);
  (void)SUCCEEDS(peer_manager_flush, pm);
  add(pm, "192.0.2.2", 1);
  database = digest(path, "");
  log = digest(path, "-wal");
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    the_child_may_not_write(pm, 2);
    (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
    CHECK(stats.pending_writes == 1 && stats.failed_writes == 0);
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

/*
 * A node is killed, and a child of its, which never called the library after the fork, lives on: a helper, a shell. The
 * file is free all the same.
 */
static void a_child_does_not_keep_a_dead_parent_s_file(const char *directory, const char *name, uint32_t durability) {
  signal_pipe ready, end;
  char path[4096], byte;
  peer_manager *pm;
  pid_t node;
  int status = 0;
  check_path(path, sizeof path, directory, name);
  make_signal(&ready);
  make_signal(&end);
  fflush(NULL);
  node = fork();
  REQUIRE(node >= 0);
  if (node == 0) {
    pm = open_with(path, durability);
    add(pm, "192.0.2.1", 1);
    (void)SUCCEEDS(peer_manager_flush, pm);
    if (fork() == 0) {
      REQUIRE(close(end.ends[1]) == 0);
      give_signal(&ready);
      /* Until the first process is done; its end of the other pipe is closed when this one is gone. */
      (void)!read(end.ends[0], &byte, 1);
      _exit(0);
    }
    pause();
    _exit(2);
  }
  REQUIRE(close(ready.ends[1]) == 0);
  await_signal(&ready);
  REQUIRE(kill(node, SIGKILL) == 0);
  REQUIRE(waitpid(node, &status, 0) == node && WIFSIGNALED(status));
  {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    options.db_path = path;
    options.busy_timeout_ms = 1;
    pm = NULL;
    (void)SUCCEEDS(peer_manager_open, &options, &pm);
    CHECK(peer_manager_peer_count(pm) == 1);
    peer_manager_free(pm);
  }
  REQUIRE(close(end.ends[1]) == 0);
  CHECK(read(ready.ends[0], &byte, 1) == 0);
  CHECK(close(ready.ends[0]) == 0 && close(end.ends[0]) == 0);
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

enum { PEERS = 1000, DRAWN = 8, CHILDREN = 2 };

/* What a process chose at random: peers, and how long those that failed have to wait. */
typedef struct choices {
  peer_manager_address drawn[DRAWN];
  peer_manager_address told[DRAWN];
  int64_t next_attempts[DRAWN];
} choices;

/* A table of PEERS peers, all with failures enough for waiting times that are not the same by accident. */
static peer_manager *open_for_choices(int has_seed) {
  static int64_t now = 1000;
  static peer_manager_record records[PEERS];
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  char host[64];
  int i;
  options.has_rng_seed = has_seed ? 1 : 0;
  options.rng_seed = 1;
  /* It stands still, so that a waiting time is what was drawn. */
  options.clock = check_clock;
  options.clock_context = &now;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  for (i = 0; i < PEERS; i++) {
    REQUIRE(snprintf(host, sizeof host, "node-%d.example.org", i) > 0);
    records[i] = check_record(host, 1, 0, 9, PEER_MANAGER_TYPE_OUTBOUND);
  }
  REQUIRE(SUCCEEDS(peer_manager_store_many, pm, records, PEERS));
  return pm;
}

static choices choose(peer_manager *pm) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  choices made;
  size_t count = 0;
  int i;
  memset(&made, 0, sizeof made);
  REQUIRE(SUCCEEDS(peer_manager_load_random_peers, pm, &query, DRAWN, made.drawn, &count) && count == DRAWN);
  REQUIRE(SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, DRAWN, made.told, &count) && count == DRAWN);
  for (i = 0; i < DRAWN; i++) {
    char host[64];
    peer_manager_address address;
    REQUIRE(snprintf(host, sizeof host, "node-%d.example.org", i) > 0);
    address = check_address(host, 1);
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
    made.next_attempts[i] = check_load(pm, host, 1).next_attempt;
  }
  return made;
}

/* A child's choices; `descend` is how many processes lie between. */
static choices choose_in_a_child(peer_manager *pm, int descend) {
  int ends[2];
  choices made;
  pid_t child;
  char *into = (char *)&made;
  size_t left = sizeof made;
  REQUIRE(pipe(ends) == 0);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    made = descend > 0 ? choose_in_a_child(pm, descend - 1) : choose(pm);
    REQUIRE(write(ends[1], &made, sizeof made) == (ssize_t)sizeof made);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    peer_manager_free(pm);
    end_child();
  }
  while (left > 0) {
    const ssize_t got = read(ends[0], into, left);
    REQUIRE(got > 0);
    into += got;
    left -= (size_t)got;
  }
  CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
  await_child(child);
  return made;
}

/* No stranger who sees one of them can tell what another one chooses. */
static void parent_and_children_choose_differently(int has_seed) {
  peer_manager *pm = open_for_choices(has_seed);
  choices made[CHILDREN + 2];
  int i, j;
  for (i = 0; i < CHILDREN; i++) made[i] = choose_in_a_child(pm, 0);
  made[CHILDREN] = choose_in_a_child(pm, 1);
  made[CHILDREN + 1] = choose(pm);
  for (i = 0; i < CHILDREN + 2; i++) {
    for (j = 0; j < i; j++) {
      CHECK(memcmp(made[i].drawn, made[j].drawn, sizeof made[i].drawn) != 0);
      CHECK(memcmp(made[i].told, made[j].told, sizeof made[i].told) != 0);
      CHECK(memcmp(made[i].next_attempts, made[j].next_attempts, sizeof made[i].next_attempts) != 0);
    }
  }
  peer_manager_free(pm);
}

/* The seed holds where the manager was opened, in a child as well: it is the fork in between that parts them. */
static void a_manager_that_a_child_opens_follows_its_seed(void) {
  choices here, there;
  peer_manager *pm = open_for_choices(1);
  pid_t child;
  here = choose(pm);
  peer_manager_free(pm);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    pm = open_for_choices(1);
    there = choose(pm);
    CHECK(memcmp(here.drawn, there.drawn, sizeof here.drawn) == 0);
    CHECK(memcmp(here.told, there.told, sizeof here.told) == 0);
    peer_manager_free(pm);
    end_child();
  }
  await_child(child);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  a_child_leaves_the_file_to_its_parent(directory, "commit.db", PEER_MANAGER_DURABILITY_COMMIT);
  a_child_leaves_the_file_to_its_parent(directory, "sync.db", PEER_MANAGER_DURABILITY_SYNC);
  a_child_leaves_the_file_to_its_parent(directory, "deferred.db", PEER_MANAGER_DURABILITY_DEFERRED);
  with_deferred_the_parent_writes_what_was_pending_at_the_fork(directory);
  a_child_may_open_the_file_after_its_parent(directory);
  a_child_does_not_keep_a_dead_parent_s_file(directory, "killed.db", PEER_MANAGER_DURABILITY_COMMIT);
  a_child_does_not_keep_a_dead_parent_s_file(directory, "killed-deferred.db", PEER_MANAGER_DURABILITY_DEFERRED);
  a_table_in_memory_goes_on_in_both();
  parent_and_children_choose_differently(0);
  parent_and_children_choose_differently(1);
  a_manager_that_a_child_opens_follows_its_seed();
  return CHECK_RESULT();
}
