/*
 * Signals: the thread of DEFERRED takes none that the application waits for, and a file that may not grow any further
 * (RLIMIT_FSIZE) is an error, not the end of the process, whatever the application does with SIGXFSZ.
 *
 * Each test runs in a process of its own, because what it is about would end it.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/*
 * In a child, the thread sanitizer starts a thread of its own, which leaves SIGPIPE open (and the signals of faults), so
 * that it takes what this program waits for.
 */
#if defined(__SANITIZE_THREAD__)
#define HAS_FOREIGN_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_FOREIGN_THREAD 1
#endif
#endif
#ifndef HAS_FOREIGN_THREAD
#define HAS_FOREIGN_THREAD 0
#endif

enum { BATCH = 100, BATCHES = 20 };

/* A log with a few pages, and its index, have room; BATCHES batches have not. */
static const rlim_t SMALL = 128 * 1024;

/* Runs a test in a child, whose checks count here as one. */
static void in_a_child(void (*test)(const char *), const char *path) {
  int status = 0;
  pid_t child;
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_failures = check_count = 0;
    test(path);
    exit(check_failures == 0 && check_count > 0 ? 0 : 1);
  }
  REQUIRE(waitpid(child, &status, 0) == child);
  if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    fprintf(stderr, "  %s: %s %d\n", path, WIFSIGNALED(status) ? "ended by signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
}

static peer_manager *open_with(const char *path, uint32_t durability, uint32_t flush_interval_ms) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.durability = durability;
  options.flush_interval_ms = flush_interval_ms;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static peer_manager_status add_batch(peer_manager *pm, int number) {
  static peer_manager_address batch[BATCH];
  char host[64];
  int i;
  for (i = 0; i < BATCH; i++) {
    REQUIRE(snprintf(host, sizeof host, "node-%d-of-batch-%d.example.org", i, number) > 0);
    batch[i] = check_address(host, 1);
  }
  check_prepare();
  return peer_manager_ensure_exists_many(pm, batch, BATCH, NULL, &check_error);
}

/* The database, the disk or the system refuses: anything but success and a defect. */
static void is_refused_by_the_file(peer_manager_status status) {
  CHECK(status == PEER_MANAGER_ERROR_DATABASE || status == PEER_MANAGER_ERROR_DISK_FULL);
  CHECK(check_error.status == status);
  CHECK(check_line_of_utf8(check_error.message, sizeof check_error.message) > 0);
}

/* Files may have this many bytes from now on. */
static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  limit.rlim_cur = bytes;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static int is_blocked(int signal) {
  sigset_t mask;
  REQUIRE(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
  return sigismember(&mask, signal);
}

static int is_pending(int signal) {
  sigset_t pending;
  REQUIRE(sigpending(&pending) == 0);
  return sigismember(&pending, signal);
}

static void block(int signal) {
  sigset_t set;
  REQUIRE(sigemptyset(&set) == 0 && sigaddset(&set, signal) == 0);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

/* As a host with sigwait or signalfd does: blocked in its own thread, after the manager was opened. */
static void what_the_application_waits_for_is_not_taken_by_the_thread(const char *path) {
  const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGXFSZ, SIGPIPE};
  peer_manager *pm = open_with(path, PEER_MANAGER_DURABILITY_DEFERRED, 1);
  size_t i;
  for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    sigset_t set;
    int taken = 0;
    if (signals[i] == SIGPIPE && HAS_FOREIGN_THREAD) {
      fprintf(stderr, "skipped: SIGPIPE, which a thread of the sanitizer's takes\n");
      continue;
    }
    CHECK(!is_blocked(signals[i]));
    block(signals[i]);
    CHECK(add_batch(pm, (int)i) == PEER_MANAGER_OK);
    /* To the process: whichever thread does not block it takes it. By default SIGCHLD is ignored, the others kill. */
    REQUIRE(kill(getpid(), signals[i]) == 0);
    REQUIRE(sigemptyset(&set) == 0 && sigaddset(&set, signals[i]) == 0);
    CHECK(sigwait(&set, &taken) == 0 && taken == signals[i]);
  }
  (void)SUCCEEDS(peer_manager_flush, pm);
  peer_manager_free(pm);
}

static void no_call_changes_the_mask(const char *path) {
  static const uint32_t durabilities[] = {PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED};
  size_t i;
  block(SIGUSR1);
  limit_files(1024 * 1024 * 1024);
  for (i = 0; i < 2; i++) {
    peer_manager *pm = open_with(path, durabilities[i], 1);
    int signal;
    CHECK(add_batch(pm, (int)i) == PEER_MANAGER_OK);
    (void)SUCCEEDS(peer_manager_flush, pm);
    for (signal = 1; signal < 32; signal++) CHECK(is_blocked(signal) == (signal == SIGUSR1));
    peer_manager_free(pm);
    for (signal = 1; signal < 32; signal++) CHECK(is_blocked(signal) == (signal == SIGUSR1));
  }
}

/* Adds batches until one is refused, because the log has no room. */
static size_t fill(peer_manager *pm) {
  size_t count;
  int number = 0;
  peer_manager_status status = PEER_MANAGER_OK;
  while (number < BATCHES && status == PEER_MANAGER_OK) {
    count = peer_manager_peer_count(pm);
    status = add_batch(pm, number++);
  }
  is_refused_by_the_file(status);
  CHECK(peer_manager_peer_count(pm) == count);
  CHECK(check_stats(pm).failed_writes == 1);
  return count;
}

static void a_change_beyond_the_limit_is_refused(const char *path) {
  peer_manager *pm = open_with(path, PEER_MANAGER_DURABILITY_COMMIT, 0);
  size_t count;
  limit_files(SMALL);
  count = fill(pm);
  CHECK(!is_blocked(SIGXFSZ) && !is_pending(SIGXFSZ));
  limit_files(RLIM_INFINITY);
  CHECK(add_batch(pm, BATCHES) == PEER_MANAGER_OK);
  (void)SUCCEEDS(peer_manager_flush, pm);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == count + BATCH);
  peer_manager_free(pm);
}

static void deferred_changes_wait_until_the_limit_is_raised(const char *path) {
  peer_manager *pm = open_with(path, PEER_MANAGER_DURABILITY_DEFERRED, 1);
  int number;
  limit_files(SMALL);
  for (number = 0; number < BATCHES; number++) CHECK(add_batch(pm, number) == PEER_MANAGER_OK);
  /* On this thread; and the other one tries, too, all the while. */
  for (number = 0; number < 3; number++) {
    check_prepare();
    is_refused_by_the_file(peer_manager_flush(pm, &check_error));
  }
  CHECK(check_stats(pm).pending_writes > 0 && check_stats(pm).failed_writes >= 3);
  CHECK(!is_blocked(SIGXFSZ) && !is_pending(SIGXFSZ));
  limit_files(RLIM_INFINITY);
  (void)SUCCEEDS(peer_manager_flush, pm);
  CHECK(check_stats(pm).pending_writes == 0);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == (size_t)BATCHES * BATCH);
  peer_manager_free(pm);
}

/* What is committed is in the log, and closing moves it into the database: that may not grow either. */
static void freeing_below_the_limit_survives(const char *path) {
  static const uint32_t durabilities[] = {PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED};
  size_t i, count = 0;
  for (i = 0; i < 2; i++) {
    peer_manager *pm = open_with(path, durabilities[i], UINT32_MAX);
    CHECK(add_batch(pm, (int)i) == PEER_MANAGER_OK);
    count += durabilities[i] == PEER_MANAGER_DURABILITY_COMMIT ? BATCH : 0;
    limit_files(8192);
    peer_manager_free(pm);
    CHECK(!is_blocked(SIGXFSZ) && !is_pending(SIGXFSZ));
    limit_files(RLIM_INFINITY);
  }
  {
    peer_manager *pm = check_open(path, NULL);
    CHECK(peer_manager_peer_count(pm) == count);
    peer_manager_free(pm);
  }
}

static void opening_below_the_limit_is_refused(const char *path) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  uint32_t durability;
  options.db_path = path;
  limit_files(1000);
  for (durability = PEER_MANAGER_DURABILITY_COMMIT; durability <= PEER_MANAGER_DURABILITY_DEFERRED; durability++) {
    options.durability = durability;
    check_prepare();
    is_refused_by_the_file(peer_manager_open(&options, &pm, &check_error));
    CHECK(pm == NULL && !is_blocked(SIGXFSZ) && !is_pending(SIGXFSZ));
  }
  limit_files(RLIM_INFINITY);
  pm = check_open(path, NULL);
  peer_manager_free(pm);
}

/* An application that blocks SIGXFSZ finds none that is the library's, and keeps one that is its own. */
static void a_signal_of_the_application_s_own_stays_pending(const char *path) {
  peer_manager *pm = open_with(path, PEER_MANAGER_DURABILITY_COMMIT, 0);
  block(SIGXFSZ);
  limit_files(SMALL);
  (void)fill(pm);
  CHECK(is_blocked(SIGXFSZ) && !is_pending(SIGXFSZ));
  REQUIRE(raise(SIGXFSZ) == 0);
  CHECK(is_pending(SIGXFSZ));
  is_refused_by_the_file(add_batch(pm, BATCHES));
  CHECK(is_blocked(SIGXFSZ) && is_pending(SIGXFSZ));
  peer_manager_free(pm);
  CHECK(is_pending(SIGXFSZ));
}

static volatile sig_atomic_t handled;

static void handle(int signal) {
  (void)signal;
  handled++;
}

static void a_handler_of_the_application_s_is_not_called(const char *path) {
  struct sigaction action;
  peer_manager *pm = open_with(path, PEER_MANAGER_DURABILITY_COMMIT, 0);
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  REQUIRE(sigaction(SIGXFSZ, &action, NULL) == 0);
  limit_files(SMALL);
  (void)fill(pm);
  peer_manager_free(pm);
  CHECK(handled == 0);
  REQUIRE(raise(SIGXFSZ) == 0);
  CHECK(handled == 1);
}

int main(int argc, char **argv) {
  static const struct {
    void (*test)(const char *);
    const char *name;
  } tests[] = {
      {what_the_application_waits_for_is_not_taken_by_the_thread, "waits.db"},
      {no_call_changes_the_mask, "mask.db"},
      {a_change_beyond_the_limit_is_refused, "commit.db"},
      {deferred_changes_wait_until_the_limit_is_raised, "deferred.db"},
      {freeing_below_the_limit_survives, "free.db"},
      {opening_below_the_limit_is_refused, "open.db"},
      {a_signal_of_the_application_s_own_stays_pending, "pending.db"},
      {a_handler_of_the_application_s_is_not_called, "handler.db"},
  };
  const char *directory = check_directory(argc, argv);
  char path[4096];
  size_t i;
  for (i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    check_path(path, sizeof path, directory, tests[i].name);
    in_a_child(tests[i].test, path);
  }
  return CHECK_RESULT();
}
