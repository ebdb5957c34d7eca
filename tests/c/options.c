/* The header's section on opening and closing: options of every size, what is refused, files, clocks. */
#include "check.h"

/* Options as a newer library's header would have them. */
typedef struct larger_options {
  peer_manager_options options;
  unsigned char tail[24];
} larger_options;

static void the_options_have_their_layout(void) {
  CHECK(sizeof(uint32_t) * 2 == offsetof(peer_manager_options, db_path));
  CHECK(offsetof(peer_manager_options, struct_size) == 0);
  CHECK(offsetof(peer_manager_options, durability) == 4);
  CHECK(offsetof(peer_manager_options, busy_timeout_ms) == 8 + sizeof(char *));
  CHECK(offsetof(peer_manager_options, flush_interval_ms) == 12 + sizeof(char *));
  CHECK(offsetof(peer_manager_options, on_corrupt) == 16 + sizeof(char *));
  CHECK(offsetof(peer_manager_options, has_rng_seed) == 20 + sizeof(char *));
#if UINTPTR_MAX == UINT64_MAX
  CHECK(sizeof(peer_manager_options) == 112);
  CHECK(offsetof(peer_manager_options, rng_seed) == 32);
  CHECK(offsetof(peer_manager_options, clock) == 40);
  CHECK(offsetof(peer_manager_options, clock_context) == 48);
  CHECK(offsetof(peer_manager_options, max_peers) == 56);
  CHECK(offsetof(peer_manager_options, max_peers_per_netgroup) == 64);
  CHECK(offsetof(peer_manager_options, share_cache_seconds) == 68);
  CHECK(offsetof(peer_manager_options, share_max_percent) == 72);
  CHECK(offsetof(peer_manager_options, reserved) == 76);
  CHECK(offsetof(peer_manager_options, reach) == 80);
  CHECK(offsetof(peer_manager_options, name_groups) == 84);
  CHECK(offsetof(peer_manager_options, keep_history) == 88);
  CHECK(offsetof(peer_manager_options, backoff_seconds) == 92);
  CHECK(offsetof(peer_manager_options, max_backoff_exponent) == 96);
  CHECK(offsetof(peer_manager_options, reserved2) == 100);
  CHECK(offsetof(peer_manager_options, asmap_path) == 104);
#endif
}

static void the_macro_and_the_function_initialise_alike(void) {
  const peer_manager_options by_macro = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_options by_function;
  check_fill(&by_function, sizeof by_function);
  peer_manager_options_init(&by_function, sizeof by_function);
  CHECK(by_function.struct_size == sizeof(peer_manager_options));
  CHECK(by_function.struct_size == by_macro.struct_size);
  CHECK(by_function.durability == by_macro.durability && by_macro.durability == PEER_MANAGER_DURABILITY_COMMIT);
  CHECK(by_function.db_path == NULL && by_macro.db_path == NULL);
  CHECK(by_function.busy_timeout_ms == 0 && by_macro.busy_timeout_ms == 0);
  CHECK(by_function.flush_interval_ms == 0 && by_macro.flush_interval_ms == 0);
  CHECK(by_function.on_corrupt == by_macro.on_corrupt && by_macro.on_corrupt == PEER_MANAGER_ON_CORRUPT_FAIL);
  CHECK(by_function.has_rng_seed == 0 && by_macro.has_rng_seed == 0);
  CHECK(by_function.rng_seed == 0 && by_macro.rng_seed == 0);
  CHECK(by_function.clock == NULL && by_macro.clock == NULL);
  CHECK(by_function.clock_context == NULL && by_macro.clock_context == NULL);
  CHECK(by_function.max_peers == 0 && by_macro.max_peers == 0);
  CHECK(by_function.max_peers_per_netgroup == 0 && by_macro.max_peers_per_netgroup == 0);
  CHECK(by_function.share_cache_seconds == 0 && by_macro.share_cache_seconds == 0);
  CHECK(by_function.share_max_percent == 0 && by_macro.share_max_percent == 0);
  CHECK(by_function.reserved == 0 && by_macro.reserved == 0);
  CHECK(by_function.reach == 0 && by_macro.reach == PEER_MANAGER_REACH_SPECIFICATION);
  CHECK(by_function.name_groups == 0 && by_macro.name_groups == 0);
  CHECK(by_function.keep_history == 0 && by_macro.keep_history == 0);
  CHECK(by_function.backoff_seconds == 0 && by_macro.backoff_seconds == 0);
  CHECK(by_function.max_backoff_exponent == 0 && by_macro.max_backoff_exponent == 0);
  CHECK(by_function.reserved2 == 0 && by_macro.reserved2 == 0);
  CHECK(by_function.asmap_path == NULL && by_macro.asmap_path == NULL);
}

/* A caller of any version has a struct of its own size; not a byte behind it may change. */
static void init_writes_the_caller_s_size_and_no_more(void) {
  larger_options guarded;
  unsigned char *const bytes = (unsigned char *)&guarded;
  uint32_t said = 0;
  size_t size, i;
  for (size = 0; size <= sizeof guarded; size++) {
    check_fill(&guarded, sizeof guarded);
    peer_manager_options_init(&guarded.options, size);
    CHECK(check_is_filled(bytes + size, sizeof guarded - size));
    if (size < sizeof said) {
      CHECK(check_is_filled(bytes, size));
      continue;
    }
    memcpy(&said, bytes, sizeof said);
    CHECK(said == size);
    for (i = sizeof said; i < size; i++) CHECK(bytes[i] == 0);
  }
  peer_manager_options_init(NULL, sizeof guarded);
  peer_manager_options_init(NULL, 0);
}

static void options_of_another_size_are_read_as_far_as_known(void) {
  larger_options larger;
  peer_manager *pm = NULL;
  uint32_t size;
  size_t i;
  peer_manager_options_init(&larger.options, sizeof larger);
  (void)SUCCEEDS(peer_manager_open, &larger.options, &pm);
  peer_manager_free(pm);
  pm = NULL;
  for (i = 0; i < sizeof larger.tail; i++) {
    larger.tail[i] = 1;
    FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "peer_manager_options", peer_manager_open, &larger.options, &pm);
    larger.tail[i] = 0;
  }
  for (size = 0; size < offsetof(peer_manager_options, reach); size++) {
    larger.options.struct_size = size;
    REFUSES("struct_size", peer_manager_open, &larger.options, &pm);
  }
  larger.options.struct_size = UINT32_MAX;
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "peer_manager_options", peer_manager_open, &larger.options, &pm);
  CHECK(pm == NULL);
}

static void null_is_refused_by_name_and_freeing_it_does_nothing(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  REFUSES("options is NULL", peer_manager_open, NULL, &pm);
  REFUSES("out is NULL", peer_manager_open, &options, NULL);
  REFUSES("out is NULL", peer_manager_new_in_memory, NULL);
  REFUSES("db_path is NULL", peer_manager_new_with_db, NULL, &pm);
  REFUSES("pm is NULL", peer_manager_flush, NULL);
  CHECK(pm == NULL);
  peer_manager_free(NULL);
}

static void a_null_output_makes_no_file(const char *directory) {
  char path[4096];
  FILE *file;
  check_path(path, sizeof path, directory, "never.db");
  REFUSES("out is NULL", peer_manager_new_with_db, path, NULL);
  file = fopen(path, "rb");
  CHECK(file == NULL);
  if (file != NULL) fclose(file);
}

static void unknown_enumerators_and_numbers_are_refused(void) {
  static const uint32_t unknown[] = {3, 4, 255, UINT32_MAX};
  peer_manager *pm = NULL;
  size_t i;
  for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    options.durability = unknown[i];
    REFUSES("durability", peer_manager_open, &options, &pm);
    options.durability = PEER_MANAGER_DURABILITY_COMMIT;
    options.on_corrupt = unknown[i];
    REFUSES("on_corrupt", peer_manager_open, &options, &pm);
  }
  {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    options.on_corrupt = 2;
    REFUSES("on_corrupt", peer_manager_open, &options, &pm);
    options.on_corrupt = 0;
    options.share_max_percent = 101;
    REFUSES("share_max_percent", peer_manager_open, &options, &pm);
    options.share_max_percent = 50;
    REFUSES("share_cache_seconds", peer_manager_open, &options, &pm);
    options.share_max_percent = 0;
    options.reserved = 1;
    FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "reserved", peer_manager_open, &options, &pm);
  }
  CHECK(pm == NULL);
}

static void a_path_that_is_no_file_s_is_refused(const char *directory) {
  char path[4096];
  peer_manager *pm = NULL;
  REFUSES("UTF-8", peer_manager_new_with_db, "caf\xE9.db", &pm);
  check_path(path, sizeof path, directory, "missing/peers.db");
  FAILS(PEER_MANAGER_ERROR_DATABASE, "cannot open", peer_manager_new_with_db, path, &pm);
  FAILS(PEER_MANAGER_ERROR_INVALID_ARGUMENT, "path", peer_manager_new_with_db, "", &pm);
  {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    options.db_path = "\xFF";
    REFUSES("db_path", peer_manager_open, &options, &pm);
    options.db_path = "";
    REFUSES("path", peer_manager_open, &options, &pm);
  }
  CHECK(pm == NULL);
}

static void a_file_that_is_no_database_is_refused_and_left_as_it_is(const char *directory) {
  static const char garbage[] = "This is a letter to a friend, and by no means a database. It is long enough to be read as one, "
                                "if somebody were to try, because a header of SQLite has no more than a hundred bytes.";
  char path[4096];
  char after[sizeof garbage + 1];
  peer_manager *pm = NULL;
  FILE *file;
  check_path(path, sizeof path, directory, "letter.txt");
  file = fopen(path, "wb");
  REQUIRE(file != NULL);
  REQUIRE(fwrite(garbage, sizeof garbage, 1, file) == 1);
  REQUIRE(fclose(file) == 0);
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "letter.txt", peer_manager_new_with_db, path, &pm);
  CHECK(check_error.sqlite_code == 26);
  CHECK(pm == NULL);
  file = fopen(path, "rb");
  REQUIRE(file != NULL);
  CHECK(fread(after, 1, sizeof after, file) == sizeof garbage);
  CHECK(fclose(file) == 0);
  CHECK(memcmp(after, garbage, sizeof garbage) == 0);
}

static void what_is_written_is_there_when_the_file_is_opened_again(const char *directory) {
  static const uint32_t durabilities[] = {PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_SYNC};
  static const char *const names[] = {"commit.db", "sync.db"};
  size_t i;
  for (i = 0; i < 2; i++) {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
    peer_manager_record record = check_record("Example.ORG.", 11625, INT64_MIN, UINT32_MAX, PEER_MANAGER_TYPE_PREFERRED);
    peer_manager_record after;
    peer_manager *pm = NULL;
    char path[4096];
    check_path(path, sizeof path, directory, names[i]);
    options.db_path = path;
    options.durability = durabilities[i];
    REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
    (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
    CHECK(stats.durability == durabilities[i]);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
    (void)SUCCEEDS(peer_manager_flush, pm);
    CHECK(peer_manager_flush(pm, NULL) == PEER_MANAGER_OK);
    peer_manager_free(pm);
    pm = NULL;
    REQUIRE(SUCCEEDS(peer_manager_new_with_db, path, &pm));
    CHECK(peer_manager_peer_count(pm) == 1);
    after = check_load(pm, "example.org", 11625);
    CHECK(after.next_attempt == INT64_MIN);
    CHECK(after.num_failures == UINT32_MAX);
    CHECK(after.peer_type == PEER_MANAGER_TYPE_PREFERRED);
    peer_manager_free(pm);
  }
}

static void the_options_are_read_during_the_call_only(const char *directory) {
  char path[4096];
  char reused[4096];
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager *pm = NULL;
  check_path(path, sizeof path, directory, "borrowed.db");
  check_path(reused, sizeof reused, directory, "borrowed.db");
  options.db_path = reused;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  check_fill(&options, sizeof options);
  memset(reused, 'x', sizeof reused);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_flush, pm);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 1);
  peer_manager_free(pm);
}

/* The longest wait that can be asked for is 49 days; SQLite itself counts no further than 24. */
static void any_busy_timeout_and_interval_will_do(const char *directory) {
  static const uint32_t milliseconds[] = {0, 1, 60000, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX};
  peer_manager_address address = check_address("192.0.2.1", 1);
  char path[4096];
  size_t i;
  check_path(path, sizeof path, directory, "timeout.db");
  for (i = 0; i < sizeof milliseconds / sizeof milliseconds[0]; i++) {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    peer_manager *pm = NULL;
    options.db_path = path;
    options.busy_timeout_ms = milliseconds[i];
    options.flush_interval_ms = milliseconds[i];
    if (!SUCCEEDS(peer_manager_open, &options, &pm)) continue;
    (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
    peer_manager_free(pm);
  }
}

static void managers_open_without_an_error_to_write_to(const char *directory) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  char path[4096];
  check_path(path, sizeof path, directory, "quiet.db");
  REQUIRE(peer_manager_open(&options, &pm, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
  REQUIRE(peer_manager_new_in_memory(&pm, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_flush(pm, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
  REQUIRE(peer_manager_new_with_db(path, &pm, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
  REQUIRE(SUCCEEDS(peer_manager_new_in_memory, &pm));
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void the_clock_s_time_and_context_reach_the_records(void) {
  int64_t now = 1700000000;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address first = check_address("192.0.2.1", 1);
  peer_manager_address second = check_address("192.0.2.2", 1);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &first);
  now = -5;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &second);
  CHECK(check_load(pm, "192.0.2.1", 1).next_attempt == 1700000000);
  CHECK(check_load(pm, "192.0.2.2", 1).next_attempt == -5);
  peer_manager_free(pm);
}

/* What the clock that calls back has. */
typedef struct reentrant_clock {
  peer_manager *pm;
  int depth;
  int calls;
  int failures;
} reentrant_clock;

/* Calls the manager that asked for the time, with calls that read the table, write it and read the clock again. */
static int64_t ask_again(void *context) {
  reentrant_clock *clock = (reentrant_clock *)context;
  clock->calls++;
  if (clock->pm != NULL && clock->depth == 0) {
    peer_manager_address address = check_address("198.51.100.1", 1);
    peer_manager_query query = PEER_MANAGER_QUERY_INIT;
    peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
    peer_manager_address out;
    size_t count = 0;
    clock->depth++;
    clock->failures += peer_manager_ensure_exists(clock->pm, &address, NULL) != PEER_MANAGER_OK;
    clock->failures += peer_manager_update_backoff(clock->pm, &address, PEER_MANAGER_BACKOFF_INCREASE, NULL) != PEER_MANAGER_OK;
    clock->failures += peer_manager_load_random_peers(clock->pm, &query, 1, &out, &count, NULL) != PEER_MANAGER_OK;
    clock->failures += peer_manager_get_stats(clock->pm, &stats, NULL) != PEER_MANAGER_OK;
    clock->failures += peer_manager_remove(clock->pm, &address, NULL) != PEER_MANAGER_OK;
    clock->failures += peer_manager_flush(clock->pm, NULL) != PEER_MANAGER_OK;
    clock->depth--;
  }
  return 1000;
}

/* If a lock were held while the clock runs, this would hang. */
static void the_clock_may_call_the_manager_that_asks_it(const char *directory) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_address out;
  reentrant_clock clock = {NULL, 0, 0, 0};
  peer_manager *pm = NULL;
  size_t count = 0;
  char path[4096];
  check_path(path, sizeof path, directory, "reentrant.db");
  options.db_path = path;
  options.clock = ask_again;
  options.clock_context = &clock;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  clock.pm = pm;
  clock.calls = 0;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, &address, 1, NULL);
  (void)SUCCEEDS(peer_manager_update_type, pm, &address, PEER_MANAGER_TYPE_OUTBOUND, 0);
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_RESET);
  (void)SUCCEEDS(peer_manager_update, pm, &address, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_HARD_RESET);
  (void)SUCCEEDS(peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  CHECK(count == 1);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.peers == 1);
  CHECK(clock.calls >= 7);
  CHECK(clock.failures == 0);
  clock.pm = NULL;
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  the_options_have_their_layout();
  the_macro_and_the_function_initialise_alike();
  init_writes_the_caller_s_size_and_no_more();
  options_of_another_size_are_read_as_far_as_known();
  null_is_refused_by_name_and_freeing_it_does_nothing();
  a_null_output_makes_no_file(directory);
  unknown_enumerators_and_numbers_are_refused();
  a_path_that_is_no_file_s_is_refused(directory);
  a_file_that_is_no_database_is_refused_and_left_as_it_is(directory);
  what_is_written_is_there_when_the_file_is_opened_again(directory);
  the_options_are_read_during_the_call_only(directory);
  any_busy_timeout_and_interval_will_do(directory);
  managers_open_without_an_error_to_write_to(directory);
  the_clock_s_time_and_context_reach_the_records();
  the_clock_may_call_the_manager_that_asks_it(directory);
  return CHECK_RESULT();
}
