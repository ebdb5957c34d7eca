/* The header's section on taking over the peers of another file. */
#include "check.h"
#include "files.h"

/* A file with three peers, closed. */
static void write_source(const char *path) {
  peer_manager *pm = check_open(path, NULL);
  peer_manager_record records[3];
  records[0] = check_record("192.0.2.1", 11625, 77, 3, PEER_MANAGER_TYPE_PREFERRED);
  records[1] = check_record("2001:db8::1", 11625, -5, 0, PEER_MANAGER_TYPE_OUTBOUND);
  records[2] = check_record("example.org", 11625, INT64_C(10000000000), 12, PEER_MANAGER_TYPE_INBOUND);
  REQUIRE(SUCCEEDS(peer_manager_store_many, pm, records, 3));
  peer_manager_free(pm);
}

static void is_what_the_source_has(peer_manager *pm, const char *host, int64_t next_attempt, uint32_t num_failures,
                                   uint32_t peer_type) {
  peer_manager_record record = check_load(pm, host, 11625);
  CHECK(record.next_attempt == next_attempt);
  CHECK(record.num_failures == num_failures);
  CHECK(record.peer_type == peer_type);
}

static void new_peers_come_as_they_are_and_known_ones_stay(const char *source, const char *own) {
  peer_manager *pm = check_open(own, NULL);
  peer_manager_record known = check_record("192.0.2.1", 11625, 9, 0, PEER_MANAGER_TYPE_INBOUND);
  size_t inserted = 99;
  int run;
  (void)SUCCEEDS(peer_manager_store, pm, &known);
  (void)SUCCEEDS(peer_manager_import, pm, source, &inserted);
  CHECK(inserted == 2);
  /* The second time they are known; and after another start they are still there. */
  for (run = 0; run < 2; run++) {
    CHECK(peer_manager_peer_count(pm) == 3);
    is_what_the_source_has(pm, "192.0.2.1", 9, 0, PEER_MANAGER_TYPE_INBOUND);
    is_what_the_source_has(pm, "2001:db8::1", -5, 0, PEER_MANAGER_TYPE_OUTBOUND);
    is_what_the_source_has(pm, "example.org", INT64_C(10000000000), 12, PEER_MANAGER_TYPE_INBOUND);
    (void)SUCCEEDS(peer_manager_import, pm, source, &inserted);
    CHECK(inserted == 0);
    if (own == NULL) break;
    peer_manager_free(pm);
    pm = check_open(own, NULL);
  }
  peer_manager_free(pm);
}

static void the_number_of_new_peers_need_not_be_asked_for(const char *source) {
  peer_manager *pm = check_open(NULL, NULL);
  (void)SUCCEEDS(peer_manager_import, pm, source, NULL);
  CHECK(peer_manager_peer_count(pm) == 3);
  peer_manager_free(pm);
}

static void the_own_file_has_nothing_new(const char *path) {
  peer_manager *pm = check_open(path, NULL);
  size_t inserted = 99;
  (void)SUCCEEDS(peer_manager_import, pm, path, &inserted);
  CHECK(inserted == 0 && peer_manager_peer_count(pm) == 3);
  peer_manager_free(pm);
}

static void a_file_that_another_has_open_can_be_imported(const char *source) {
  peer_manager *other = check_open(source, NULL);
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address newest = check_address("192.0.2.9", 1);
  size_t inserted = 99;
  (void)SUCCEEDS(peer_manager_ensure_exists, other, &newest);
  (void)SUCCEEDS(peer_manager_import, pm, source, &inserted);
  CHECK(inserted == 4);
  (void)SUCCEEDS(peer_manager_remove, other, &newest);
  peer_manager_free(pm);
  peer_manager_free(other);
}

static void what_is_no_database_of_peers_changes_nothing(const char *directory, const char *source) {
  peer_manager *pm = check_open(NULL, NULL);
  size_t inserted;
  char path[4096];
  FILE *file;
  check_fill(&inserted, sizeof inserted);
  check_path(path, sizeof path, directory, "missing.db");
  FAILS(PEER_MANAGER_ERROR_DATABASE, "there is no such file", peer_manager_import, pm, path, &inserted);
  CHECK(!file_exists(path));
  FAILS(PEER_MANAGER_ERROR_DATABASE, "not a file", peer_manager_import, pm, directory, &inserted);
  check_path(path, sizeof path, directory, "letter.db");
  file = fopen(path, "wb");
  REQUIRE(file != NULL && fputs("Dear reader, there is not one peer in this letter.", file) >= 0);
  REQUIRE(fclose(file) == 0);
  FAILS(PEER_MANAGER_ERROR_CORRUPT, "letter.db", peer_manager_import, pm, path, &inserted);
  REFUSES("path is NULL", peer_manager_import, pm, NULL, &inserted);
  REFUSES("path \"\"", peer_manager_import, pm, "", &inserted);
  REFUSES("path is not UTF-8", peer_manager_import, pm, "caf\xE9.db", &inserted);
  REFUSES("pm is NULL", peer_manager_import, NULL, source, &inserted);
  CHECK(check_is_filled(&inserted, sizeof inserted));
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

/* Nothing is left beside a file that was only read. */
static void the_source_is_left_alone(const char *source) {
  char beside[4096 + 8];
  CHECK(snprintf(beside, sizeof beside, "%s-wal", source) > 0 && !file_exists(beside));
  CHECK(snprintf(beside, sizeof beside, "%s-shm", source) > 0 && !file_exists(beside));
  CHECK(snprintf(beside, sizeof beside, "%s-lock", source) > 0 && !file_exists(beside));
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char source[4096], own[4096];
  check_path(source, sizeof source, directory, "source.db");
  check_path(own, sizeof own, directory, "own.db");
  write_source(source);
  new_peers_come_as_they_are_and_known_ones_stay(source, NULL);
  new_peers_come_as_they_are_and_known_ones_stay(source, own);
  the_number_of_new_peers_need_not_be_asked_for(source);
  the_source_is_left_alone(source);
  the_own_file_has_nothing_new(own);
  a_file_that_another_has_open_can_be_imported(source);
  what_is_no_database_of_peers_changes_nothing(directory, source);
  the_source_is_left_alone(source);
  return CHECK_RESULT();
}
