/*
 * A panic is put into every exported function in turn, by the environment variable PEER_MANAGER_PANIC_IN, which only
 * a library built for tests reads. None may cross into this program: the function answers INTERNAL or its neutral
 * value, a manager that it happened in answers no more, and a fresh manager works.
 *
 * The two lists below must name all functions of the header; tests/capi/c_programs.rs compares them.
 */
#include <time.h>

#include "check.h"
#include "sockets.h"

/* Valid arguments for every function. */
typedef struct scene {
  peer_manager *pm;
  peer_manager *out_pm;
  peer_manager_snapshot *snapshot;
  peer_manager_snapshot *out_snapshot;
  peer_manager_address address;
  peer_manager_address own;
  peer_manager_address out_address;
  peer_manager_address routable;
  peer_manager_address banned;
  peer_manager_record record;
  peer_manager_history history;
  peer_manager_options options;
  peer_manager_query query;
  peer_manager_stats stats;
  peer_manager_ban_entry ban;
  struct sockaddr_in v4;
  struct sockaddr_storage storage;
  int64_t due;
  size_t count;
  uint64_t netgroup;
  char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
} scene;

/*
 * Functions that return a status: the name, the status without a panic, whether a manager breaks, the arguments.
 * A connection of another copy of SQLite is refused without being touched, so no real one is needed here.
 */
#define FALLIBLE_FUNCTIONS(X) \
  X(peer_manager_address_init, PEER_MANAGER_OK, 0, ("192.0.2.1", 1, &s->out_address, e)) \
  X(peer_manager_address_parse, PEER_MANAGER_OK, 0, ("192.0.2.1:1", 0, &s->out_address, e)) \
  X(peer_manager_address_format, PEER_MANAGER_OK, 0, (&s->address, s->text, sizeof s->text, e)) \
  X(peer_manager_address_netgroup, PEER_MANAGER_OK, 1, (s->pm, &s->address, &s->netgroup, e)) \
  X(peer_manager_address_from_sockaddr, PEER_MANAGER_OK, 0, \
    ((const struct sockaddr *)(const void *)&s->v4, sizeof s->v4, &s->out_address, e)) \
  X(peer_manager_address_to_sockaddr, PEER_MANAGER_OK, 0, (&s->address, &s->storage, &s->count, e)) \
  X(peer_manager_record_init, PEER_MANAGER_OK, 0, (&s->address, 0, &s->record, e)) \
  X(peer_manager_open, PEER_MANAGER_OK, 0, (&s->options, &s->out_pm, e)) \
  X(peer_manager_new_in_memory, PEER_MANAGER_OK, 0, (&s->out_pm, e)) \
  X(peer_manager_new_with_db, PEER_MANAGER_OK, 0, (database_path, &s->out_pm, e)) \
  X(peer_manager_from_connection, PEER_MANAGER_ERROR_UNSUPPORTED, 0, \
    ((struct sqlite3 *)(uintptr_t)16, "another copy", &s->out_pm, e)) \
  X(peer_manager_flush, PEER_MANAGER_OK, 1, (s->pm, e)) \
  X(peer_manager_ensure_exists, PEER_MANAGER_OK, 1, (s->pm, &s->address, e)) \
  X(peer_manager_ensure_exists_many, PEER_MANAGER_OK, 1, (s->pm, &s->address, 1, &s->count, e)) \
  X(peer_manager_load, PEER_MANAGER_OK, 1, (s->pm, &s->address, &s->record, e)) \
  X(peer_manager_store, PEER_MANAGER_OK, 1, (s->pm, &s->record, e)) \
  X(peer_manager_store_many, PEER_MANAGER_OK, 1, (s->pm, &s->record, 1, e)) \
  X(peer_manager_update_type, PEER_MANAGER_OK, 1, (s->pm, &s->address, PEER_MANAGER_TYPE_OUTBOUND, 0, e)) \
  X(peer_manager_update_backoff, PEER_MANAGER_OK, 1, (s->pm, &s->address, PEER_MANAGER_BACKOFF_INCREASE, e)) \
  X(peer_manager_update, PEER_MANAGER_OK, 1, (s->pm, &s->address, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET, e)) \
  X(peer_manager_remove, PEER_MANAGER_OK, 1, (s->pm, &s->address, e)) \
  X(peer_manager_remove_peers_with_many_failures, PEER_MANAGER_OK, 1, (s->pm, 1, &s->count, e)) \
  X(peer_manager_limit_next_attempt, PEER_MANAGER_OK, 1, (s->pm, 0, &s->count, e)) \
  X(peer_manager_clear_all, PEER_MANAGER_OK, 1, (s->pm, e)) \
  X(peer_manager_import, PEER_MANAGER_OK, 1, (s->pm, import_path, &s->count, e)) \
  X(peer_manager_load_random_peers, PEER_MANAGER_OK, 1, (s->pm, &s->query, 1, &s->out_address, &s->count, e)) \
  X(peer_manager_get_peers_to_send, PEER_MANAGER_OK, 1, (s->pm, NULL, NULL, 1, &s->out_address, &s->count, e)) \
  X(peer_manager_next_to_dial, PEER_MANAGER_OK, 1, \
    (s->pm, PEER_MANAGER_DIAL_CONNECT, &s->address, 1, 1, &s->out_address, &s->count, e)) \
  X(peer_manager_next_due, PEER_MANAGER_OK, 1, (s->pm, &s->due, e)) \
  X(peer_manager_set_online, PEER_MANAGER_OK, 1, (s->pm, 0, e)) \
  X(peer_manager_set_own_addresses, PEER_MANAGER_OK, 1, (s->pm, &s->own, 1, e)) \
  X(peer_manager_ban, PEER_MANAGER_OK, 1, (s->pm, "203.0.113.8", INT64_MAX, &s->count, e)) \
  X(peer_manager_unban, PEER_MANAGER_OK, 1, (s->pm, "203.0.113.7", e)) \
  X(peer_manager_get_bans, PEER_MANAGER_OK, 1, (s->pm, 1, &s->ban, &s->count, e)) \
  X(peer_manager_get_all_peers, PEER_MANAGER_OK, 1, (s->pm, &s->out_snapshot, e)) \
  X(peer_manager_snapshot_get, PEER_MANAGER_OK, 0, (s->snapshot, 0, &s->record, e)) \
  X(peer_manager_snapshot_get_history, PEER_MANAGER_OK, 0, (s->snapshot, 0, &s->history, e)) \
  X(peer_manager_load_history, PEER_MANAGER_OK, 1, (s->pm, &s->address, &s->history, e)) \
  X(peer_manager_remove_peers_not_heard_since, PEER_MANAGER_OK, 1, (s->pm, 0, &s->count, e)) \
  X(peer_manager_set_data, PEER_MANAGER_OK, 1, (s->pm, &s->address, "id", 2, e)) \
  X(peer_manager_get_data, PEER_MANAGER_OK, 1, (s->pm, &s->address, s->text, sizeof s->text, &s->count, e)) \
  X(peer_manager_snapshot_get_data, PEER_MANAGER_OK, 0, (s->snapshot, 0, s->text, sizeof s->text, &s->count, e)) \
  X(peer_manager_remove_host, PEER_MANAGER_OK, 1, (s->pm, "203.0.113.9", &s->count, e)) \
  X(peer_manager_get_stats, PEER_MANAGER_OK, 1, (s->pm, &s->stats, e)) \
  X(peer_manager_get_quarantine, PEER_MANAGER_OK, 1, (s->pm, s->text, sizeof s->text, NULL, NULL, e))

/* Functions that do not: the name, and what is true of the scene after a panic, and only then. */
#define NEUTRAL_FUNCTIONS(X) \
  X(peer_manager_version_number, peer_manager_version_number() == 0) \
  X(peer_manager_version_string, strcmp(peer_manager_version_string(), "unknown") == 0) \
  X(peer_manager_build_info, strcmp(peer_manager_build_info(), "unknown") == 0) \
  X(peer_manager_status_name, strcmp(peer_manager_status_name(PEER_MANAGER_OK), "UNKNOWN") == 0) \
  X(peer_manager_address_equal, !peer_manager_address_equal(&s->address, &s->address)) \
  X(peer_manager_address_is_private, !peer_manager_address_is_private(&s->address)) \
  X(peer_manager_address_is_routable, !peer_manager_address_is_routable(&s->routable)) \
  X(peer_manager_record_is_ready, !peer_manager_record_is_ready(&s->record, INT64_MAX)) \
  X(peer_manager_options_init, (peer_manager_options_init(&s->options, sizeof s->options), s->options.rng_seed == 7)) \
  X(peer_manager_query_init, (peer_manager_query_init(&s->query, sizeof s->query), s->query.max_num_failures == 7)) \
  X(peer_manager_stats_init, (peer_manager_stats_init(&s->stats, sizeof s->stats), s->stats.peers == 7)) \
  X(peer_manager_peer_count, peer_manager_peer_count(s->pm) == 0) \
  X(peer_manager_is_banned, !peer_manager_is_banned(s->pm, &s->banned)) \
  X(peer_manager_snapshot_count, peer_manager_snapshot_count(s->snapshot) == 0) \
  X(peer_manager_free, free_left_the_manager(s)) \
  X(peer_manager_snapshot_free, snapshot_free_left_the_snapshot(s))

static char database_path[4096];
static char import_path[4096];

/* The injected panic comes before the function's work, so what was to be freed is still there. */
static int panic_is_on(void) {
  const char *named = getenv("PEER_MANAGER_PANIC_IN");
  return named != NULL && named[0] != 0;
}

static int free_left_the_manager(scene *s) {
  const int remains = panic_is_on();
  peer_manager_free(s->pm);
  if (!remains) s->pm = NULL;
  return s->pm != NULL && peer_manager_peer_count(s->pm) == 1;
}

static int snapshot_free_left_the_snapshot(scene *s) {
  const int remains = panic_is_on();
  peer_manager_snapshot_free(s->snapshot);
  if (!remains) s->snapshot = NULL;
  return s->snapshot != NULL && peer_manager_snapshot_count(s->snapshot) == 1;
}

static void inject(const char *function) {
#if defined(_WIN32)
  /* getenv reads the C library's own environment; and to that, no text means no variable. */
  static char setting[256];
  REQUIRE(snprintf(setting, sizeof setting, "PEER_MANAGER_PANIC_IN=%s", function) > 0 && _putenv(setting) == 0);
  REQUIRE(SetEnvironmentVariableA("PEER_MANAGER_PANIC_IN", function));
#else
  REQUIRE(setenv("PEER_MANAGER_PANIC_IN", function, 1) == 0);
#endif
}

/* It stays set: the library looks at it only if it was set at the first call. */
static void stop_injecting(void) {
  inject("");
}

static void set_up(scene *s) {
  memset(s, 0, sizeof *s);
  peer_manager_options_init(&s->options, sizeof s->options);
  s->options.keep_history = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &s->options, &s->pm));
  s->address = check_address("10.0.0.1", 1);
  s->routable = check_address("8.8.8.8", 1);
  s->own = check_address("10.0.0.2", 1);
  s->banned = check_address("203.0.113.7", 1);
  /* It waits, for peer_manager_next_due. */
  s->record = check_record("10.0.0.1", 1, INT64_MAX, 1, PEER_MANAGER_TYPE_OUTBOUND);
  REQUIRE(SUCCEEDS(peer_manager_store, s->pm, &s->record));
  REQUIRE(SUCCEEDS(peer_manager_ban, s->pm, "203.0.113.7", INT64_MAX, NULL));
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, s->pm, &s->snapshot));
  peer_manager_query_init(&s->query, sizeof s->query);
  peer_manager_stats_init(&s->stats, sizeof s->stats);
  s->options.rng_seed = 7;
  s->query.max_num_failures = 7;
  s->stats.peers = 7;
  s->v4.sin_family = AF_INET;
  s->v4.sin_port = htons(1);
  s->v4.sin_addr.s_addr = htonl(0x0A000001);
}

static void tear_down(scene *s) {
  peer_manager_snapshot_free(s->snapshot);
  peer_manager_snapshot_free(s->out_snapshot);
  peer_manager_free(s->pm);
  peer_manager_free(s->out_pm);
}

#define DEFINE_CALL(name, status, breaks, arguments) \
  static peer_manager_status call_##name(scene *s, peer_manager_error *e) { \
    (void)s; \
    return name arguments; \
  }
FALLIBLE_FUNCTIONS(DEFINE_CALL)

#define DEFINE_ANSWER(name, is_neutral) \
  static int is_neutral_##name(scene *s) { \
    (void)s; \
    return is_neutral; \
  }
NEUTRAL_FUNCTIONS(DEFINE_ANSWER)

typedef struct fallible {
  const char *name;
  peer_manager_status status;
  int breaks;
  peer_manager_status (*call)(scene *, peer_manager_error *);
} fallible;

typedef struct neutral {
  const char *name;
  int (*is_neutral)(scene *);
} neutral;

#define FALLIBLE_ROW(name, status, breaks, arguments) {#name, status, breaks, call_##name},
static const fallible fallibles[] = {FALLIBLE_FUNCTIONS(FALLIBLE_ROW)};

#define NEUTRAL_ROW(name, is_neutral) {#name, is_neutral_##name},
static const neutral neutrals[] = {NEUTRAL_FUNCTIONS(NEUTRAL_ROW)};

enum { FALLIBLES = sizeof fallibles / sizeof fallibles[0], NEUTRALS = sizeof neutrals / sizeof neutrals[0] };

/* What a manager answers depends on whether a panic was caught in it. */
static void the_manager_answers(scene *s, int is_broken) {
  size_t i;
  for (i = 0; i < FALLIBLES; i++) {
    if (!fallibles[i].breaks) continue;
    if (is_broken) {
      FAILS(PEER_MANAGER_ERROR_INTERNAL, "an earlier call panicked", fallibles[i].call, s);
      CHECK(peer_manager_peer_count(s->pm) == 0);
    } else {
      peer_manager_snapshot_free(s->out_snapshot);
      s->out_snapshot = NULL;
      /* The peer may have been removed by an earlier call of this loop. */
      CHECK(peer_manager_store(s->pm, &s->record, NULL) == PEER_MANAGER_OK);
      (void)SUCCEEDS(fallibles[i].call, s);
    }
  }
}

static void without_a_panic_the_arguments_are_valid(const fallible *function) {
  scene s;
  set_up(&s);
  check_prepare();
  if (!CHECK(function->call(&s, &check_error) == function->status)) fprintf(stderr, "  %s\n", function->name);
  tear_down(&s);
}

static void a_panic_becomes_internal(const fallible *function, int with_error) {
  scene s;
  set_up(&s);
  inject(function->name);
  check_prepare();
  if (!CHECK(function->call(&s, with_error ? &check_error : NULL) == PEER_MANAGER_ERROR_INTERNAL)) {
    fprintf(stderr, "  %s; was the library built with the feature panic-injection?\n", function->name);
  }
  stop_injecting();
  if (with_error) {
    CHECK(check_error.status == PEER_MANAGER_ERROR_INTERNAL);
    CHECK(check_error.sqlite_code == 0);
    CHECK(check_line_of_utf8(check_error.message, sizeof check_error.message) > 0);
    CHECK(strstr(check_error.message, function->name) == check_error.message);
  } else {
    CHECK(check_is_filled(&check_error, sizeof check_error));
  }
  CHECK(s.out_pm == NULL && s.out_snapshot == NULL);
  the_manager_answers(&s, function->breaks);
  tear_down(&s);
}

/* peer_manager_peer_count and peer_manager_is_banned have no status, but they are a manager's: they break the manager too. */
static void a_panic_becomes_the_neutral_value(const neutral *function) {
  scene s;
  int is_neutral;
  set_up(&s);
  CHECK(!function->is_neutral(&s));
  tear_down(&s);
  set_up(&s);
  inject(function->name);
  is_neutral = function->is_neutral(&s);
  stop_injecting();
  if (!CHECK(is_neutral)) fprintf(stderr, "  %s\n", function->name);
  the_manager_answers(&s, strcmp(function->name, "peer_manager_peer_count") == 0
                            || strcmp(function->name, "peer_manager_is_banned") == 0);
  tear_down(&s);
}

/* Another thread's panic: no call of this one has failed, and none may answer OK while nothing will be written. */
static void a_panic_of_the_thread_that_writes_breaks_the_manager(const char *directory) {
  /* So many waits of a millisecond are longer than anything takes here, however slow the machine. */
  int patience = 120000;
  const struct timespec millisecond = {0, 1000000};
  char path[4096];
  scene s;
  size_t i;
  set_up(&s);
  peer_manager_free(s.pm);
  s.pm = NULL;
  check_path(path, sizeof path, directory, "deferred.db");
  s.options.db_path = path;
  s.options.durability = PEER_MANAGER_DURABILITY_DEFERRED;
  s.options.flush_interval_ms = 1;
  /* Set before there is a thread that reads it, and until that has ended. */
  inject("deferred thread");
  REQUIRE(SUCCEEDS(peer_manager_open, &s.options, &s.pm));
  CHECK(peer_manager_store(s.pm, &s.record, NULL) == PEER_MANAGER_OK);
  while (peer_manager_store(s.pm, &s.record, NULL) == PEER_MANAGER_OK && --patience > 0) {
    nanosleep(&millisecond, NULL);
  }
  CHECK(patience > 0);
  stop_injecting();
  for (i = 0; i < FALLIBLES; i++) {
    if (!fallibles[i].breaks) continue;
    FAILS(PEER_MANAGER_ERROR_INTERNAL, "deferred.db", fallibles[i].call, &s);
    CHECK(s.out_snapshot == NULL);
  }
  CHECK(peer_manager_peer_count(s.pm) == 0);
  tear_down(&s);
  /* Freed, it lets go of the file. */
  peer_manager_free(check_open(path, NULL));
}

/* What broke is the one manager, never the library. */
static void a_fresh_manager_works(void) {
  scene s;
  set_up(&s);
  the_manager_answers(&s, 0);
  tear_down(&s);
}

int main(int argc, char **argv) {
  size_t i;
  check_path(database_path, sizeof database_path, check_directory(argc, argv), "panic.db");
  check_path(import_path, sizeof import_path, check_directory(argc, argv), "import.db");
  stop_injecting();
  peer_manager_free(check_open(import_path, NULL));
  for (i = 0; i < FALLIBLES; i++) {
    without_a_panic_the_arguments_are_valid(&fallibles[i]);
    a_panic_becomes_internal(&fallibles[i], 1);
    a_panic_becomes_internal(&fallibles[i], 0);
    a_fresh_manager_works();
  }
  for (i = 0; i < NEUTRALS; i++) {
    a_panic_becomes_the_neutral_value(&neutrals[i]);
    a_fresh_manager_works();
  }
  a_panic_of_the_thread_that_writes_breaks_the_manager(check_directory(argc, argv));
  a_fresh_manager_works();
  return CHECK_RESULT();
}
