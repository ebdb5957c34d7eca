/*
 * A host that uses SQLite itself and lends its connection. With the library's own copy of SQLite (the bundled build)
 * it is refused before the connection is touched; with the system's copy, which both then share, the host sees every
 * change through its own connection and finds its settings, its transactions and its statements as it left them.
 */
#include <sqlite3.h>

#include "check.h"

static const peer_manager_record example = {{"example.org", 11625}, 100, 3, PEER_MANAGER_TYPE_OUTBOUND};

/* Whether the host's transaction is open, as the host wants it to stay; and nothing of ours is left behind. */
static void is_as_the_host_left_it(sqlite3 *db, int autocommit) {
  CHECK(sqlite3_next_stmt(db, NULL) == NULL);
  CHECK((sqlite3_get_autocommit(db) != 0) == (autocommit != 0));
}

static void run(sqlite3 *db, const char *sql) {
  REQUIRE(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* The first column of the first row as text, "" when there is none. */
static void ask(sqlite3 *db, const char *sql, char *answer, size_t capacity) {
  sqlite3_stmt *statement = NULL;
  const unsigned char *text = NULL;
  REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
  if (sqlite3_step(statement) == SQLITE_ROW) text = sqlite3_column_text(statement, 0);
  snprintf(answer, capacity, "%s", text == NULL ? "" : (const char *)text);
  REQUIRE(sqlite3_finalize(statement) == SQLITE_OK);
}

static void answers(sqlite3 *db, const char *sql, const char *expected) {
  char answer[256];
  ask(db, sql, answer, sizeof answer);
  CHECK_TEXT(answer, expected);
}

static sqlite3 *open_host(const char *path) {
  sqlite3 *db = NULL;
  REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
  return db;
}

static peer_manager *lend(sqlite3 *db) {
  peer_manager *pm = NULL;
  REQUIRE(SUCCEEDS(peer_manager_from_connection, db, sqlite3_libversion(), &pm));
  REQUIRE(pm != NULL);
  return pm;
}

static void null_is_refused_by_name(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm = NULL;
  REFUSES("db is NULL", peer_manager_from_connection, NULL, sqlite3_libversion(), &pm);
  REFUSES("sqlite_libversion is NULL", peer_manager_from_connection, db, NULL, &pm);
  REFUSES("out is NULL", peer_manager_from_connection, db, sqlite3_libversion(), NULL);
  CHECK(pm == NULL);
  answers(db, "SELECT count(*) FROM sqlite_master", "0");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* The text is the same, but the pointer is not: so says a host with another copy of the same version. */
static void another_copy_of_sqlite_is_refused_before_the_connection_is_touched(void) {
  char copy[32];
  peer_manager *pm = NULL;
  snprintf(copy, sizeof copy, "%s", sqlite3_libversion());
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "another copy of SQLite", peer_manager_from_connection,
        (struct sqlite3 *)(uintptr_t)16, copy, &pm);
  CHECK(pm == NULL);
}

/* An address at which nothing is: the library would crash if it looked. */
static void the_bundled_build_refuses_any_connection_untouched(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm = NULL;
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "system-sqlite", peer_manager_from_connection, (struct sqlite3 *)(uintptr_t)16,
        sqlite3_libversion(), &pm);
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "peer_manager_new_with_db", peer_manager_from_connection, db, sqlite3_libversion(), &pm);
  CHECK(pm == NULL);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT count(*) FROM sqlite_master", "0");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void the_table_is_made_and_changes_are_the_host_s_to_see(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm = lend(db);
  peer_manager_record records[2] = {check_record("192.0.2.1", 1, 5, 0, 0), check_record("192.0.2.1", 2, 6, 10, 2)};
  peer_manager_address new_one = check_address("2001:DB8::1", 7);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT name FROM sqlite_master WHERE type = 'table'", "peers");
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT ip || '|' || port || '|' || nextattempt || '|' || numfailures || '|' || type FROM peers",
          "example.org|11625|100|3|1");
  (void)SUCCEEDS(peer_manager_store_many, pm, records, 2);
  is_as_the_host_left_it(db, 1);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &new_one);
  is_as_the_host_left_it(db, 1);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, &new_one, 1, NULL);
  answers(db, "SELECT group_concat(port) FROM (SELECT port FROM peers ORDER BY port)", "1,2,7,11625");
  (void)SUCCEEDS(peer_manager_update, pm, &new_one, PEER_MANAGER_TYPE_PREFERRED, 0, PEER_MANAGER_BACKOFF_INCREASE);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT ip || '|' || numfailures || '|' || type FROM peers WHERE port = 7", "2001:db8::1|1|2");
  (void)SUCCEEDS(peer_manager_remove, pm, &new_one);
  is_as_the_host_left_it(db, 1);
  (void)SUCCEEDS(peer_manager_remove_peers_with_many_failures, pm, 10, NULL);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT count(*) FROM peers", "2");
  (void)SUCCEEDS(peer_manager_flush, pm);
  is_as_the_host_left_it(db, 1);
  (void)SUCCEEDS(peer_manager_clear_all, pm);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT count(*) FROM peers", "0");
  peer_manager_free(pm);
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void what_the_host_has_already_is_read(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager *pm = lend(db);
  peer_manager_free(pm);
  run(db, "INSERT INTO peers VALUES ('example.org', 7, 1, 2, 2), ('not a host', 1, 0, 0, 0)");
  pm = lend(db);
  CHECK(check_load(pm, "example.org", 7).num_failures == 2);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.peers == 1 && stats.skipped_rows == 1);
  answers(db, "SELECT count(*) FROM peers", "2");
  is_as_the_host_left_it(db, 1);
  peer_manager_free(pm);
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* Inside the host's transaction our changes are part of it: they vanish or stay with it. */
static void changes_share_the_fate_of_the_host_s_transaction(const char *directory) {
  peer_manager_record records[2] = {check_record("192.0.2.1", 1, 5, 0, 0), check_record("192.0.2.1", 2, 6, 0, 0)};
  char path[4096];
  sqlite3 *db;
  peer_manager *pm;
  check_path(path, sizeof path, directory, "host.db");
  db = open_host(path);
  pm = lend(db);
  run(db, "BEGIN");
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  is_as_the_host_left_it(db, 0);
  (void)SUCCEEDS(peer_manager_store_many, pm, records, 2);
  is_as_the_host_left_it(db, 0);
  answers(db, "SELECT count(*) FROM peers", "3");
  run(db, "ROLLBACK");
  answers(db, "SELECT count(*) FROM peers", "0");
  /* Memory keeps what it was told, until the record is stored again. */
  CHECK(peer_manager_peer_count(pm) == 3);
  run(db, "BEGIN");
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  (void)SUCCEEDS(peer_manager_store_many, pm, records, 2);
  (void)SUCCEEDS(peer_manager_remove, pm, &records[0].address);
  (void)SUCCEEDS(peer_manager_flush, pm);
  is_as_the_host_left_it(db, 0);
  run(db, "COMMIT");
  peer_manager_free(pm);
  CHECK(sqlite3_close(db) == SQLITE_OK);
  db = open_host(path);
  answers(db, "SELECT group_concat(port) FROM (SELECT port FROM peers ORDER BY port)", "2,11625");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* The table itself can be made in a transaction of the host's, and goes with it. */
static void a_manager_may_be_opened_inside_the_host_s_transaction(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm;
  run(db, "BEGIN");
  pm = lend(db);
  is_as_the_host_left_it(db, 0);
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  peer_manager_free(pm);
  is_as_the_host_left_it(db, 0);
  run(db, "ROLLBACK");
  answers(db, "SELECT count(*) FROM sqlite_master", "0");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void the_host_s_settings_stay_as_they_are(const char *directory) {
  static const char *const settings[] = {
      "PRAGMA journal_mode", "PRAGMA busy_timeout", "PRAGMA synchronous",  "PRAGMA foreign_keys",
      "PRAGMA cache_size",   "PRAGMA temp_store",   "PRAGMA user_version", "PRAGMA application_id",
      "PRAGMA encoding",     "PRAGMA locking_mode",
  };
  enum { SETTINGS = sizeof settings / sizeof settings[0] };
  char before[SETTINGS][256];
  char path[4096];
  sqlite3 *db;
  peer_manager *pm;
  int i;
  check_path(path, sizeof path, directory, "settings.db");
  db = open_host(path);
  run(db, "PRAGMA journal_mode = TRUNCATE; PRAGMA busy_timeout = 1234; PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON;"
          "PRAGMA cache_size = 321; PRAGMA user_version = 77");
  for (i = 0; i < SETTINGS; i++) ask(db, settings[i], before[i], sizeof before[i]);
  CHECK_TEXT(before[0], "truncate");
  CHECK_TEXT(before[1], "1234");
  pm = lend(db);
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  (void)SUCCEEDS(peer_manager_flush, pm);
  for (i = 0; i < SETTINGS; i++) answers(db, settings[i], before[i]);
  peer_manager_free(pm);
  for (i = 0; i < SETTINGS; i++) answers(db, settings[i], before[i]);
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* A table of that name which is not ours is the host's: it is refused and left alone. */
static void a_table_that_is_not_ours_is_refused_and_left(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm = NULL;
  run(db, "CREATE TABLE peers (nickname TEXT); INSERT INTO peers VALUES ('bob')");
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "nickname", peer_manager_from_connection, db, sqlite3_libversion(), &pm);
  CHECK(pm == NULL);
  is_as_the_host_left_it(db, 1);
  answers(db, "SELECT nickname FROM peers", "bob");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* A write that another connection's lock refuses changes neither the file nor memory. */
static void a_locked_file_is_busy_and_changes_nothing(const char *directory) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager *pm = NULL;
  char path[4096];
  sqlite3 *db;
  check_path(path, sizeof path, directory, "busy.db");
  options.db_path = path;
  options.busy_timeout_ms = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  db = open_host(path);
  run(db, "BEGIN IMMEDIATE");
  FAILS(PEER_MANAGER_ERROR_BUSY, "busy.db", peer_manager_store, pm, &example);
  CHECK((check_error.sqlite_code & 0xFF) == SQLITE_BUSY);
  FAILS(PEER_MANAGER_ERROR_BUSY, "busy.db", peer_manager_store_many, pm, &example, 1);
  CHECK(peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.failed_writes == 4);
  run(db, "ROLLBACK");
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  answers(db, "SELECT count(*) FROM peers", "1");
  CHECK(sqlite3_close(db) == SQLITE_OK);
  peer_manager_free(pm);
}

/* The library closes what it opened, and this it did not open. */
static void freeing_the_manager_leaves_the_connection_open(void) {
  sqlite3 *db = open_host(":memory:");
  peer_manager *pm = NULL;
  REQUIRE(peer_manager_from_connection(db, sqlite3_libversion(), &pm, NULL) == PEER_MANAGER_OK);
  (void)SUCCEEDS(peer_manager_store, pm, &example);
  peer_manager_free(pm);
  is_as_the_host_left_it(db, 1);
  run(db, "UPDATE peers SET numfailures = 9");
  answers(db, "SELECT numfailures FROM peers", "9");
  CHECK(sqlite3_close(db) == SQLITE_OK);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  null_is_refused_by_name();
  another_copy_of_sqlite_is_refused_before_the_connection_is_touched();
  if (strstr(peer_manager_build_info(), "(bundled)") != NULL) {
    the_bundled_build_refuses_any_connection_untouched();
    return CHECK_RESULT();
  }
  the_table_is_made_and_changes_are_the_host_s_to_see();
  what_the_host_has_already_is_read();
  changes_share_the_fate_of_the_host_s_transaction(directory);
  a_manager_may_be_opened_inside_the_host_s_transaction();
  the_host_s_settings_stay_as_they_are(directory);
  a_table_that_is_not_ours_is_refused_and_left();
  a_locked_file_is_busy_and_changes_nothing(directory);
  freeing_the_manager_leaves_the_connection_open();
  return CHECK_RESULT();
}
