/* The header's section on what became of a damaged file: refused by default, set aside when that is asked for. */
#include "check.h"
#include "files.h"

static const char garbage[] = "Once upon a time this was a database, and it had peers. Then somebody wrote a letter over it.";

static void write_garbage(const char *path) {
  FILE *file = fopen(path, "wb");
  REQUIRE(file != NULL);
  REQUIRE(fwrite(garbage, sizeof garbage, 1, file) == 1);
  REQUIRE(fclose(file) == 0);
}

static void is_garbage(const char *path) {
  char bytes[sizeof garbage + 1];
  FILE *file = fopen(path, "rb");
  REQUIRE(file != NULL);
  CHECK(fread(bytes, 1, sizeof bytes, file) == sizeof garbage);
  CHECK(memcmp(bytes, garbage, sizeof garbage) == 0);
  REQUIRE(fclose(file) == 0);
}

/* Overwrites the first bytes of a database, by which it is known as one. */
static void damage(const char *path) {
  FILE *file = fopen(path, "r+b");
  REQUIRE(file != NULL);
  REQUIRE(fwrite(garbage, 16, 1, file) == 1);
  REQUIRE(fclose(file) == 0);
}

static peer_manager_options options_for(const char *path, uint32_t on_corrupt) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.db_path = path;
  options.on_corrupt = on_corrupt;
  return options;
}

static void a_damaged_file_is_refused_unless_something_else_is_asked_for(const char *directory) {
  peer_manager_options options;
  peer_manager *pm = NULL;
  char path[4096];
  check_path(path, sizeof path, directory, "refused.db");
  write_garbage(path);
  options = options_for(path, PEER_MANAGER_ON_CORRUPT_FAIL);
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "refused.db", peer_manager_open, &options, &pm);
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "on_corrupt QUARANTINE", peer_manager_open, &options, &pm);
  CHECK(check_error.sqlite_code == 26);
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "not a database", peer_manager_new_with_db, path, &pm);
  CHECK(pm == NULL);
  is_garbage(path);
}

/* What a host that is content with less asks for. */
static void the_answer_comes_in_parts(peer_manager *pm, const char *expected, uint64_t saved, uint64_t lost) {
  char path[4096];
  uint64_t out_saved, out_lost;
  size_t needed = strlen(expected) + 1;
  size_t capacity;
  check_fill(path, sizeof path);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, path, sizeof path, &out_saved, &out_lost);
  CHECK_TEXT(path, expected);
  CHECK(check_is_filled(path + needed, sizeof path - needed));
  CHECK(out_saved == saved && out_lost == lost);
  check_fill(path, sizeof path);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, path, needed, NULL, NULL);
  CHECK_TEXT(path, expected);
  CHECK(check_is_filled(path + needed, sizeof path - needed));
  check_fill(&out_saved, sizeof out_saved);
  check_fill(&out_lost, sizeof out_lost);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, NULL, 0, &out_saved, NULL);
  CHECK(out_saved == saved && check_is_filled(&out_lost, sizeof out_lost));
  check_fill(&out_saved, sizeof out_saved);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, NULL, 0, NULL, &out_lost);
  CHECK(out_lost == lost && check_is_filled(&out_saved, sizeof out_saved));
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, NULL, 0, NULL, NULL);
  check_fill(path, sizeof path);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, path, 0, NULL, NULL);
  CHECK(check_is_filled(path, sizeof path));
  CHECK(peer_manager_get_quarantine(pm, path, sizeof path, NULL, NULL, NULL) == PEER_MANAGER_OK);
  CHECK_TEXT(path, expected);
  /* A path that does not fit is not cut off, and nothing is written. */
  for (capacity = 1; capacity < needed; capacity++) {
    check_fill(path, sizeof path);
    check_fill(&out_saved, sizeof out_saved);
    check_fill(&out_lost, sizeof out_lost);
    REFUSES("larger buffer", peer_manager_get_quarantine, pm, path, capacity, &out_saved, &out_lost);
    CHECK(check_is_filled(path, sizeof path));
    CHECK(check_is_filled(&out_saved, sizeof out_saved) && check_is_filled(&out_lost, sizeof out_lost));
  }
  REFUSES("path is NULL", peer_manager_get_quarantine, pm, NULL, 1, NULL, NULL);
  REFUSES("path has", peer_manager_get_quarantine, pm, path, SIZE_MAX, NULL, NULL);
}

static void a_damaged_file_is_set_aside_when_that_is_asked_for(const char *directory) {
  peer_manager_options options;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_record record = check_record("example.org", 11625, 77, 3, PEER_MANAGER_TYPE_PREFERRED);
  peer_manager_record after;
  peer_manager *pm = NULL;
  char path[4096], aside[4096];
  check_path(path, sizeof path, directory, "aside.db");
  pm = check_open(path, NULL);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
  peer_manager_free(pm);
  damage(path);
  options = options_for(path, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  pm = NULL;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  after = check_load(pm, "example.org", 11625);
  CHECK(after.next_attempt == 77 && after.num_failures == 3 && after.peer_type == PEER_MANAGER_TYPE_PREFERRED);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.peers == 1 && stats.skipped_rows == 0);
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, aside, sizeof aside, NULL, NULL);
  CHECK(strstr(aside, "aside.db.damaged-2") != NULL && aside[strlen(aside) - 1] == 'Z');
  the_answer_comes_in_parts(pm, aside, 1, 0);
  peer_manager_free(pm);
  /* The next start is like any other. */
  pm = NULL;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(peer_manager_peer_count(pm) == 1);
  the_answer_comes_in_parts(pm, "", 0, 0);
  peer_manager_free(pm);
}

static void what_was_set_aside_keeps_its_bytes(const char *directory) {
  peer_manager_options options;
  peer_manager *pm = NULL;
  char path[4096], aside[4096];
  uint64_t saved = 99, lost = 99;
  check_path(path, sizeof path, directory, "letter.db");
  write_garbage(path);
  options = options_for(path, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  options.durability = PEER_MANAGER_DURABILITY_DEFERRED;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, aside, sizeof aside, &saved, &lost);
  CHECK(saved == 0 && lost == 0);
  peer_manager_free(pm);
  is_garbage(aside);
}

static void without_damage_there_is_nothing_to_tell(const char *directory) {
  peer_manager_options options;
  peer_manager *pm = NULL;
  char path[4096];
  check_path(path, sizeof path, directory, "sound.db");
  options = options_for(path, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  the_answer_comes_in_parts(pm, "", 0, 0);
  peer_manager_free(pm);
  options = options_for(NULL, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  pm = NULL;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  the_answer_comes_in_parts(pm, "", 0, 0);
  peer_manager_free(pm);
  REFUSES("pm is NULL", peer_manager_get_quarantine, NULL, path, sizeof path, NULL, NULL);
}

/* The text of a path ends at its NUL, and must be UTF-8. */
static void a_path_is_text_up_to_its_nul(const char *directory) {
  peer_manager_options options;
  peer_manager *pm = NULL;
  char path[4096], longer[4096];
  check_path(path, sizeof path, directory, "short.db");
  check_path(longer, sizeof longer, directory, "short.db_and_more");
  longer[strlen(path)] = 0;
  options = options_for(longer, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  peer_manager_free(pm);
  CHECK(file_exists(path));
  pm = NULL;
  check_path(path, sizeof path, directory, "caf\xE9.db");
  options = options_for(path, PEER_MANAGER_ON_CORRUPT_QUARANTINE);
  REFUSES("options->db_path is not UTF-8", peer_manager_open, &options, &pm);
  CHECK(!file_exists(path));
  check_path(path, sizeof path, directory, "caf\xC3\xA9.db");
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(file_exists(path));
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  a_damaged_file_is_refused_unless_something_else_is_asked_for(directory);
  a_damaged_file_is_set_aside_when_that_is_asked_for(directory);
  what_was_set_aside_keeps_its_bytes(directory);
  without_damage_there_is_nothing_to_tell(directory);
  a_path_is_text_up_to_its_nul(directory);
  return CHECK_RESULT();
}
