/* The header's section on records: how one is made and when it is ready. */
#include "check.h"

static void the_record_has_its_layout(void) {
  CHECK(sizeof(peer_manager_record) == 272);
  CHECK(offsetof(peer_manager_record, address) == 0);
  CHECK(offsetof(peer_manager_record, next_attempt) == 256);
  CHECK(offsetof(peer_manager_record, num_failures) == 264);
  CHECK(offsetof(peer_manager_record, peer_type) == 268);
}

static void a_new_record_is_inbound_and_ready_now(void) {
  static const int64_t times[] = {0, 1, -1, 1700000000, INT64_MAX, INT64_MIN};
  size_t i;
  for (i = 0; i < sizeof times / sizeof times[0]; i++) {
    peer_manager_address address = check_address("Example.ORG.", 11625);
    peer_manager_record record;
    check_fill(&record, sizeof record);
    (void)SUCCEEDS(peer_manager_record_init, &address, times[i], &record);
    CHECK_TEXT(record.address.host, "example.org");
    CHECK(record.address.port == 11625);
    CHECK(record.next_attempt == times[i]);
    CHECK(record.num_failures == 0);
    CHECK(record.peer_type == PEER_MANAGER_TYPE_INBOUND);
    CHECK(peer_manager_record_is_ready(&record, times[i]));
    CHECK(peer_manager_record_init(&address, times[i], &record, NULL) == PEER_MANAGER_OK);
  }
}

/* A caller has a record with an address in it and wants the rest filled in. */
static void the_address_may_lie_in_the_record(void) {
  peer_manager_record record = check_record("2001:DB8::1", 7, 99, 99, 99);
  (void)SUCCEEDS(peer_manager_record_init, &record.address, 5, &record);
  CHECK_TEXT(record.address.host, "2001:db8::1");
  CHECK(record.address.port == 7);
  CHECK(record.next_attempt == 5);
  CHECK(record.num_failures == 0);
  CHECK(record.peer_type == PEER_MANAGER_TYPE_INBOUND);
}

static void a_bad_address_makes_no_record(void) {
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_address bad = check_address("256.1.1.1", 1);
  peer_manager_address no_port = check_address("192.0.2.1", 0);
  peer_manager_address endless = check_endless_address();
  peer_manager_address latin1 = check_latin1_address();
  peer_manager_record out;
  check_fill(&out, sizeof out);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "256.1.1.1", peer_manager_record_init, &bad, 0, &out);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port 0", peer_manager_record_init, &no_port, 0, &out);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "no NUL", peer_manager_record_init, &endless, 0, &out);
  REFUSES("UTF-8", peer_manager_record_init, &latin1, 0, &out);
  REFUSES("address is NULL", peer_manager_record_init, NULL, 0, &out);
  CHECK(check_is_filled(&out, sizeof out));
  REFUSES("out is NULL", peer_manager_record_init, &address, 0, NULL);
}

static void a_failed_init_leaves_the_record_that_holds_the_address(void) {
  peer_manager_record record = check_record("1.2.3", 7, 1, 2, 3);
  const peer_manager_record before = record;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "1.2.3", peer_manager_record_init, &record.address, 5, &record);
  CHECK(memcmp(&record, &before, sizeof record) == 0);
}

static void a_record_is_ready_from_its_next_attempt_on(void) {
  peer_manager_record record = check_record("192.0.2.1", 1, 100, 0, PEER_MANAGER_TYPE_INBOUND);
  CHECK(!peer_manager_record_is_ready(&record, 99));
  CHECK(peer_manager_record_is_ready(&record, 100));
  CHECK(peer_manager_record_is_ready(&record, 101));
  record.next_attempt = INT64_MIN;
  CHECK(peer_manager_record_is_ready(&record, INT64_MIN));
  CHECK(peer_manager_record_is_ready(&record, INT64_MAX));
  record.next_attempt = INT64_MAX;
  CHECK(!peer_manager_record_is_ready(&record, INT64_MAX - 1));
  CHECK(peer_manager_record_is_ready(&record, INT64_MAX));
}

static void no_record_is_never_ready(void) {
  CHECK(!peer_manager_record_is_ready(NULL, INT64_MAX));
  CHECK(!peer_manager_record_is_ready(NULL, INT64_MIN));
}

int main(void) {
  the_record_has_its_layout();
  a_new_record_is_inbound_and_ready_now();
  the_address_may_lie_in_the_record();
  a_bad_address_makes_no_record();
  a_failed_init_leaves_the_record_that_holds_the_address();
  a_record_is_ready_from_its_next_attempt_on();
  no_record_is_never_ready();
  return CHECK_RESULT();
}
