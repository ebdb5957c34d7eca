/* The header's section on reading and writing peers, in memory and on a file. */
#include "check.h"

static const uint32_t unknown_numbers[] = {3, 4, 255, 256, UINT32_MAX};
enum { UNKNOWN_NUMBERS = sizeof unknown_numbers / sizeof unknown_numbers[0] };

static void null_is_refused_by_name(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, 0);
  size_t count = 12345;
  REFUSES("pm is NULL", peer_manager_ensure_exists, NULL, &address);
  REFUSES("address is NULL", peer_manager_ensure_exists, pm, NULL);
  REFUSES("pm is NULL", peer_manager_ensure_exists_many, NULL, &address, 1, &count);
  REFUSES("addresses is NULL", peer_manager_ensure_exists_many, pm, NULL, 1, &count);
  REFUSES("pm is NULL", peer_manager_load, NULL, &address, &record);
  REFUSES("address is NULL", peer_manager_load, pm, NULL, &record);
  REFUSES("out is NULL", peer_manager_load, pm, &address, NULL);
  REFUSES("pm is NULL", peer_manager_store, NULL, &record);
  REFUSES("record is NULL", peer_manager_store, pm, NULL);
  REFUSES("pm is NULL", peer_manager_store_many, NULL, &record, 1);
  REFUSES("records is NULL", peer_manager_store_many, pm, NULL, 1);
  REFUSES("pm is NULL", peer_manager_update_type, NULL, &address, 0, 0);
  REFUSES("address is NULL", peer_manager_update_type, pm, NULL, 0, 0);
  REFUSES("pm is NULL", peer_manager_update_backoff, NULL, &address, 0);
  REFUSES("address is NULL", peer_manager_update_backoff, pm, NULL, 0);
  REFUSES("pm is NULL", peer_manager_update, NULL, &address, 0, 0, 0);
  REFUSES("address is NULL", peer_manager_update, pm, NULL, 0, 0, 0);
  REFUSES("pm is NULL", peer_manager_remove, NULL, &address);
  REFUSES("address is NULL", peer_manager_remove, pm, NULL);
  REFUSES("pm is NULL", peer_manager_remove_peers_with_many_failures, NULL, 0, &count);
  REFUSES("pm is NULL", peer_manager_limit_next_attempt, NULL, 0, &count);
  REFUSES("pm is NULL", peer_manager_clear_all, NULL);
  CHECK(count == 12345);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void null_with_a_count_of_zero_is_an_empty_array(void) {
  peer_manager *pm = check_open(NULL, NULL);
  size_t inserted = 12345;
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, NULL, 0, &inserted);
  CHECK(inserted == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, NULL, 0, NULL);
  (void)SUCCEEDS(peer_manager_store_many, pm, NULL, 0);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

/* The first count wraps around to 0 bytes when multiplied, the second to one element, the third to a huge negative. */
static void counts_that_no_memory_holds_are_refused(void) {
  static const size_t counts[] = {SIZE_MAX / 256 + 1, SIZE_MAX / 256 + 2, SIZE_MAX, SIZE_MAX / 256, SIZE_MAX / 2};
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, 0);
  size_t inserted = 12345;
  size_t i;
  for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    REFUSES("addresses", peer_manager_ensure_exists_many, pm, &address, counts[i], &inserted);
    REFUSES("addresses", peer_manager_ensure_exists_many, pm, NULL, counts[i], &inserted);
    REFUSES("records", peer_manager_store_many, pm, &record, counts[i]);
    REFUSES("records", peer_manager_store_many, pm, NULL, counts[i]);
  }
  CHECK(inserted == 12345);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void unknown_enumerators_are_refused(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  size_t i;
  for (i = 0; i < UNKNOWN_NUMBERS; i++) {
    const uint32_t number = unknown_numbers[i];
    peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, number);
    REFUSES("peer_type", peer_manager_store, pm, &record);
    REFUSES("records[0]", peer_manager_store_many, pm, &record, 1);
    REFUSES("observed_type", peer_manager_update_type, pm, &address, number, 0);
    REFUSES("backoff", peer_manager_update_backoff, pm, &address, number);
    REFUSES("observed_type", peer_manager_update, pm, &address, number, 0, 0);
    REFUSES("backoff", peer_manager_update, pm, &address, 0, 0, number);
  }
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void refuses_everywhere(peer_manager *pm, const peer_manager_address *bad, peer_manager_status status,
                               const char *fragment) {
  peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, 0);
  peer_manager_record out;
  check_fill(&out, sizeof out);
  record.address = *bad;
  FAILS(status, fragment, peer_manager_ensure_exists, pm, bad);
  FAILS(status, fragment, peer_manager_ensure_exists_many, pm, bad, 1, NULL);
  FAILS(status, fragment, peer_manager_load, pm, bad, &out);
  FAILS(status, fragment, peer_manager_store, pm, &record);
  FAILS(status, fragment, peer_manager_store_many, pm, &record, 1);
  FAILS(status, fragment, peer_manager_update_type, pm, bad, 0, 0);
  FAILS(status, fragment, peer_manager_update_backoff, pm, bad, 0);
  FAILS(status, fragment, peer_manager_update, pm, bad, 0, 0, 0);
  FAILS(status, fragment, peer_manager_remove, pm, bad);
  CHECK(check_is_filled(&out, sizeof out));
  CHECK(peer_manager_peer_count(pm) == 0);
}

static void bad_addresses_are_refused_by_every_function(void) {
  static const char *const hostile[] = {"", "1.2.3", "a b", "'; DROP TABLE peers; --", "::1%eth0", "\n", "[::1]"};
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address bad;
  size_t i;
  for (i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    bad = check_address(hostile[i], 1);
    refuses_everywhere(pm, &bad, PEER_MANAGER_ERROR_INVALID_ADDRESS, "is not a peer address");
  }
  bad = check_address("192.0.2.1", 0);
  refuses_everywhere(pm, &bad, PEER_MANAGER_ERROR_INVALID_ADDRESS, "port 0");
  bad = check_endless_address();
  refuses_everywhere(pm, &bad, PEER_MANAGER_ERROR_INVALID_ADDRESS, "no NUL");
  bad = check_latin1_address();
  refuses_everywhere(pm, &bad, PEER_MANAGER_ERROR_INVALID_ARGUMENT, "UTF-8");
  peer_manager_free(pm);
}

/* A caller may spell a host as it likes in each call, and it is one peer. */
static void each_spelling_is_the_same_peer(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address spelling = check_address("Example.ORG.", 7);
  peer_manager_record record = check_record("EXAMPLE.org", 7, 1, 2, PEER_MANAGER_TYPE_OUTBOUND);
  size_t inserted = 0;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &spelling);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
  record.num_failures = 3;
  (void)SUCCEEDS(peer_manager_store_many, pm, &record, 1);
  spelling = check_address("eXample.org", 7);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, &spelling, 1, &inserted);
  CHECK(inserted == 0);
  (void)SUCCEEDS(peer_manager_update_type, pm, &spelling, PEER_MANAGER_TYPE_PREFERRED, 0);
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &spelling, PEER_MANAGER_BACKOFF_INCREASE);
  CHECK(peer_manager_peer_count(pm) == 1);
  record = check_load(pm, "EXAMPLE.ORG", 7);
  CHECK_TEXT(record.address.host, "example.org");
  CHECK(record.num_failures == 4);
  CHECK(record.peer_type == PEER_MANAGER_TYPE_PREFERRED);
  spelling = check_address("example.org.", 7);
  (void)SUCCEEDS(peer_manager_remove, pm, &spelling);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void what_is_known_already_stays_as_it_is(void) {
  int64_t now = 100;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_record record = check_record("192.0.2.1", 1, 5, 6, PEER_MANAGER_TYPE_PREFERRED);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &record.address);
  record = check_load(pm, "192.0.2.1", 1);
  CHECK(record.next_attempt == 5 && record.num_failures == 6 && record.peer_type == PEER_MANAGER_TYPE_PREFERRED);
  peer_manager_free(pm);
}

/* The record's memory holds the address that is asked for, and the answer. */
static void load_may_write_over_the_address_that_it_was_given(void) {
  int64_t now = 100;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_record record = check_record("Example.ORG", 7, -1, 99, 99);
  const peer_manager_record before = record;
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "example.org:7", peer_manager_load, pm, &record.address, &record);
  CHECK(memcmp(&record, &before, sizeof record) == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &record.address);
  (void)SUCCEEDS(peer_manager_load, pm, &record.address, &record);
  CHECK_TEXT(record.address.host, "example.org");
  CHECK(record.next_attempt == 100 && record.num_failures == 0 && record.peer_type == PEER_MANAGER_TYPE_INBOUND);
  peer_manager_free(pm);
}

static void types_change_as_the_specification_says(void) {
  static const struct {
    uint32_t before, observed;
    uint8_t preferred_type_known;
    uint32_t after;
  } cases[] = {
      {0, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 1}, {0, 1, 1, 1}, {0, 2, 0, 2}, {0, 2, 1, 2}, {1, 0, 0, 1}, {1, 0, 1, 1}, {1, 1, 0, 1},
      {1, 1, 1, 1}, {1, 2, 0, 2}, {1, 2, 1, 2}, {2, 0, 0, 1}, {2, 0, 1, 1}, {2, 1, 0, 2}, {2, 1, 1, 1}, {2, 1, 255, 1}, {2, 2, 0, 2},
      {2, 2, 1, 2},
  };
  peer_manager *pm = check_open(NULL, NULL);
  size_t i;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    peer_manager_record record = check_record("192.0.2.1", 1, 7, 3, cases[i].before);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
    (void)SUCCEEDS(peer_manager_update_type, pm, &record.address, cases[i].observed, cases[i].preferred_type_known);
    record = check_load(pm, "192.0.2.1", 1);
    CHECK(record.peer_type == cases[i].after);
    CHECK(record.next_attempt == 7 && record.num_failures == 3);
    record.peer_type = cases[i].before;
    (void)SUCCEEDS(peer_manager_store, pm, &record);
    (void)SUCCEEDS(peer_manager_update, pm, &record.address, cases[i].observed, cases[i].preferred_type_known, PEER_MANAGER_BACKOFF_INCREASE);
    record = check_load(pm, "192.0.2.1", 1);
    CHECK(record.peer_type == cases[i].after);
    CHECK(record.num_failures == 4);
  }
  peer_manager_free(pm);
}

static void failures_grow_and_the_wait_stays_within_its_bounds(void) {
  int64_t now = 1000;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address address = check_address("192.0.2.1", 1);
  uint32_t n;
  for (n = 1; n <= 15; n++) {
    const int64_t longest = (int64_t)10 << (n < 10 ? n : 10);
    peer_manager_record record;
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_INCREASE);
    record = check_load(pm, "192.0.2.1", 1);
    CHECK(record.num_failures == n);
    CHECK(record.next_attempt >= now + 1 && record.next_attempt <= now + longest);
  }
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_RESET);
  CHECK(check_load(pm, "192.0.2.1", 1).num_failures == 0);
  CHECK(check_load(pm, "192.0.2.1", 1).next_attempt >= now + 1);
  CHECK(check_load(pm, "192.0.2.1", 1).next_attempt <= now + 10);
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &address, PEER_MANAGER_BACKOFF_HARD_RESET);
  CHECK(check_load(pm, "192.0.2.1", 1).num_failures == 0);
  CHECK(check_load(pm, "192.0.2.1", 1).next_attempt == now);
  peer_manager_free(pm);
}

/* At the ends of the numbers the arithmetic stops instead of wrapping around. */
static void the_ends_of_time_and_of_failures_saturate(void) {
  int64_t now = INT64_MAX;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_record record = check_record("192.0.2.1", 1, 0, UINT32_MAX, 0);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &record.address, PEER_MANAGER_BACKOFF_INCREASE);
  record = check_load(pm, "192.0.2.1", 1);
  CHECK(record.num_failures == UINT32_MAX);
  CHECK(record.next_attempt == INT64_MAX);
  peer_manager_free(pm);
}

static void removing_tells_what_was_there(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.9", 1);
  size_t removed = 12345;
  uint32_t i;
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "192.0.2.9:1", peer_manager_remove, pm, &address);
  for (i = 0; i < 10; i++) {
    peer_manager_record record = check_record("192.0.2.1", (uint16_t)(i + 1), 0, i, 0);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
  }
  (void)SUCCEEDS(peer_manager_remove_peers_with_many_failures, pm, UINT32_MAX, &removed);
  CHECK(removed == 0);
  (void)SUCCEEDS(peer_manager_remove_peers_with_many_failures, pm, 7, &removed);
  CHECK(removed == 3);
  (void)SUCCEEDS(peer_manager_remove_peers_with_many_failures, pm, 6, NULL);
  CHECK(peer_manager_peer_count(pm) == 6);
  (void)SUCCEEDS(peer_manager_remove_peers_with_many_failures, pm, 0, &removed);
  CHECK(removed == 6 && peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_clear_all, pm);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void no_peer_waits_beyond_the_limit(const char *directory) {
  enum { COUNT = 10 };
  int64_t now = 1000;
  size_t changed = 12345;
  peer_manager *pm;
  char path[4096];
  int round, i;
  check_path(path, sizeof path, directory, "limit.db");
  pm = check_open(path, &now);
  for (i = 0; i < COUNT; i++) {
    peer_manager_record record = check_record("192.0.2.1", (uint16_t)(i + 1), 1000 + i, (uint32_t)i, (uint32_t)i % 3);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
  }
  (void)SUCCEEDS(peer_manager_limit_next_attempt, pm, INT64_MAX, &changed);
  CHECK(changed == 0);
  (void)SUCCEEDS(peer_manager_limit_next_attempt, pm, 1006, &changed);
  CHECK(changed == 3);
  (void)SUCCEEDS(peer_manager_limit_next_attempt, pm, 1005, NULL);
  /* In memory and, when it is opened again, in the file. */
  for (round = 0; round < 2; round++) {
    for (i = 0; i < COUNT; i++) {
      const peer_manager_record record = check_load(pm, "192.0.2.1", (uint16_t)(i + 1));
      CHECK(record.next_attempt == (i < 5 ? 1000 + i : 1005));
      CHECK(record.num_failures == (uint32_t)i && record.peer_type == (uint32_t)i % 3);
    }
    peer_manager_free(pm);
    pm = check_open(path, &now);
  }
  (void)SUCCEEDS(peer_manager_limit_next_attempt, pm, INT64_MIN, &changed);
  CHECK(changed == COUNT && check_load(pm, "192.0.2.1", 1).next_attempt == INT64_MIN);
  peer_manager_free(pm);
}

static void a_batch_is_done_wholly_or_not_at_all(const char *directory) {
  enum { COUNT = 8 };
  peer_manager_address addresses[COUNT];
  peer_manager_record records[COUNT];
  peer_manager *pm;
  char path[4096];
  char fragment[32];
  size_t inserted = 12345;
  uint16_t i;
  check_path(path, sizeof path, directory, "batch.db");
  pm = check_open(path, NULL);
  for (i = 0; i < COUNT; i++) {
    addresses[i] = check_address("192.0.2.1", (uint16_t)(i + 1));
    records[i] = check_record("192.0.2.1", (uint16_t)(i + 1), 0, i, PEER_MANAGER_TYPE_OUTBOUND);
  }
  for (i = 0; i < COUNT; i++) {
    addresses[i].port = 0;
    snprintf(fragment, sizeof fragment, "addresses[%d]", i);
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, fragment, peer_manager_ensure_exists_many, pm, addresses, COUNT, &inserted);
    addresses[i].port = (uint16_t)(i + 1);
    snprintf(fragment, sizeof fragment, "records[%d]", i);
    records[i].address.port = 0;
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, fragment, peer_manager_store_many, pm, records, COUNT);
    records[i].address.port = (uint16_t)(i + 1);
    records[i].peer_type = 3;
    REFUSES(fragment, peer_manager_store_many, pm, records, COUNT);
    records[i].peer_type = PEER_MANAGER_TYPE_OUTBOUND;
  }
  CHECK(inserted == 12345);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, COUNT / 2, &inserted);
  CHECK(inserted == COUNT / 2);
  addresses[0] = addresses[COUNT - 1];
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, COUNT, &inserted);
  CHECK(inserted == COUNT - COUNT / 2);
  records[0] = check_record("192.0.2.1", COUNT, 9, 9, PEER_MANAGER_TYPE_PREFERRED);
  records[1] = records[COUNT - 1];
  (void)SUCCEEDS(peer_manager_store_many, pm, records, COUNT);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == COUNT);
  CHECK(check_load(pm, "192.0.2.1", COUNT).num_failures == COUNT - 1);
  CHECK(check_load(pm, "192.0.2.1", 1).peer_type == PEER_MANAGER_TYPE_INBOUND);
  peer_manager_free(pm);
}

/* The same calls as above without an error to write to. */
static void calls_succeed_without_an_error_to_write_to(const char *directory) {
  peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, 0);
  peer_manager *pm;
  char path[4096];
  check_path(path, sizeof path, directory, "quiet.db");
  pm = check_open(path, NULL);
  CHECK(peer_manager_ensure_exists(pm, &record.address, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_ensure_exists_many(pm, &record.address, 1, NULL, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_store(pm, &record, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_store_many(pm, &record, 1, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_load(pm, &record.address, &record, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_update_type(pm, &record.address, 1, 0, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_update_backoff(pm, &record.address, 2, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_update(pm, &record.address, 2, 0, 2, NULL) == PEER_MANAGER_OK);
  CHECK(check_load(pm, "192.0.2.1", 1).num_failures == 2);
  CHECK(peer_manager_remove(pm, &record.address, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_remove_peers_with_many_failures(pm, 1, NULL, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_limit_next_attempt(pm, 0, NULL, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_clear_all(pm, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  null_is_refused_by_name();
  null_with_a_count_of_zero_is_an_empty_array();
  counts_that_no_memory_holds_are_refused();
  unknown_enumerators_are_refused();
  bad_addresses_are_refused_by_every_function();
  each_spelling_is_the_same_peer();
  what_is_known_already_stays_as_it_is();
  load_may_write_over_the_address_that_it_was_given();
  types_change_as_the_specification_says();
  failures_grow_and_the_wait_stays_within_its_bounds();
  the_ends_of_time_and_of_failures_saturate();
  removing_tells_what_was_there();
  no_peer_waits_beyond_the_limit(directory);
  a_batch_is_done_wholly_or_not_at_all(directory);
  calls_succeed_without_an_error_to_write_to(directory);
  return CHECK_RESULT();
}
