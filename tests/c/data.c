/* Data of the application's that goes with a peer, and the removal of a host. */
#include "check.h"

#define NOW 1700000000

static int has_data(peer_manager *pm, const peer_manager_address *address, const void *expected, size_t size) {
  unsigned char data[PEER_MANAGER_DATA_CAPACITY];
  size_t read = 12345;
  return SUCCEEDS(peer_manager_get_data, pm, address, data, sizeof data, &read) && read == size &&
         memcmp(data, expected, size) == 0;
}

static void bad_arguments_are_refused_and_nothing_is_written(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_snapshot *snapshot = NULL;
  const peer_manager_address known = check_address("203.0.113.7", 1), unknown = check_address("203.0.113.8", 1);
  peer_manager_address bad = known;
  unsigned char data[PEER_MANAGER_DATA_CAPACITY], untouched[PEER_MANAGER_DATA_CAPACITY];
  size_t size = 12345;
  bad.port = 0;
  check_fill(data, sizeof data);
  check_fill(untouched, sizeof untouched);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &known);
  (void)SUCCEEDS(peer_manager_set_data, pm, &known, "node id", 7);

  REFUSES("pm is NULL", peer_manager_set_data, NULL, &known, "x", 1);
  REFUSES("address is NULL", peer_manager_set_data, pm, NULL, "x", 1);
  REFUSES("data is NULL", peer_manager_set_data, pm, &known, NULL, 1);
  REFUSES("cannot keep 256 bytes of data for 203.0.113.7:1; a peer has at most 255", peer_manager_set_data, pm, &known,
          data, PEER_MANAGER_DATA_CAPACITY + 1);
  REFUSES("cannot keep ", peer_manager_set_data, pm, &known, data, SIZE_MAX);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port", peer_manager_set_data, pm, &bad, "x", 1);
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "203.0.113.8", peer_manager_set_data, pm, &unknown, "x", 1);

  REFUSES("pm is NULL", peer_manager_get_data, NULL, &known, data, sizeof data, &size);
  REFUSES("address is NULL", peer_manager_get_data, pm, NULL, data, sizeof data, &size);
  REFUSES("out is NULL", peer_manager_get_data, pm, &known, NULL, 7, &size);
  REFUSES("out_size is NULL", peer_manager_get_data, pm, &known, data, sizeof data, NULL);
  REFUSES("out has 6 bytes, but the data has 7; PEER_MANAGER_DATA_CAPACITY is always enough", peer_manager_get_data, pm, &known, data, 6,
          &size);
  REFUSES("out has 0 bytes, but the data has 7", peer_manager_get_data, pm, &known, NULL, 0, &size);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port", peer_manager_get_data, pm, &bad, data, sizeof data, &size);
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "203.0.113.8", peer_manager_get_data, pm, &unknown, data, sizeof data, &size);

  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  REFUSES("snapshot is NULL", peer_manager_snapshot_get_data, NULL, 0, data, sizeof data, &size);
  REFUSES("index is 1, but the snapshot has 1 peers", peer_manager_snapshot_get_data, snapshot, 1, data, sizeof data, &size);
  REFUSES("out is NULL", peer_manager_snapshot_get_data, snapshot, 0, NULL, 7, &size);
  REFUSES("out_size is NULL", peer_manager_snapshot_get_data, snapshot, 0, data, sizeof data, NULL);
  REFUSES("out has 6 bytes", peer_manager_snapshot_get_data, snapshot, 0, data, 6, &size);
  peer_manager_snapshot_free(snapshot);

  REFUSES("pm is NULL", peer_manager_remove_host, NULL, "203.0.113.7", &size);
  REFUSES("host is NULL", peer_manager_remove_host, pm, NULL, &size);
  REFUSES("host is not UTF-8", peer_manager_remove_host, pm, "caf\xE9.example", &size);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "203.0.113.7:1", peer_manager_remove_host, pm, "203.0.113.7:1", &size);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "203.0.113.0/24", peer_manager_remove_host, pm, "203.0.113.0/24", &size);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "", peer_manager_remove_host, pm, "", &size);

  CHECK(size == 12345 && memcmp(data, untouched, sizeof data) == 0);
  CHECK(has_data(pm, &known, "node id", 7) && peer_manager_peer_count(pm) == 1);
  peer_manager_free(pm);
}

static void data_outlives_the_manager_and_ends_with_its_peer(const char *directory) {
  int64_t now = NOW;
  char path[4096];
  const peer_manager_address first = check_address("203.0.113.7", 1), second = check_address("2001:db8::1", 2);
  unsigned char longest[PEER_MANAGER_DATA_CAPACITY], exact[3];
  size_t size = 12345, i;
  peer_manager *pm;
  check_path(path, sizeof path, directory, "data.db");
  for (i = 0; i < sizeof longest; ++i) {
    longest[i] = (unsigned char)(255 - i);
  }
  pm = check_open(path, &now);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &first);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &second);
  CHECK(has_data(pm, &first, "", 0));
  (void)SUCCEEDS(peer_manager_set_data, pm, &first, longest, sizeof longest);
  (void)SUCCEEDS(peer_manager_set_data, pm, &second, "a\0b", 3);
  peer_manager_free(pm);

  pm = check_open(path, &now);
  CHECK(has_data(pm, &first, longest, sizeof longest) && has_data(pm, &second, "a\0b", 3));
  CHECK(SUCCEEDS(peer_manager_get_data, pm, &second, exact, sizeof exact, &size) && size == 3 && exact[2] == 'b');
  (void)SUCCEEDS(peer_manager_set_data, pm, &first, NULL, 0);
  CHECK(SUCCEEDS(peer_manager_get_data, pm, &first, NULL, 0, &size) && size == 0);
  (void)SUCCEEDS(peer_manager_remove, pm, &second);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &second);
  peer_manager_free(pm);

  pm = check_open(path, &now);
  CHECK(has_data(pm, &first, "", 0) && has_data(pm, &second, "", 0));
  peer_manager_free(pm);
}

static void a_snapshot_has_the_data_of_its_moment(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_snapshot *snapshot = NULL;
  peer_manager_record record;
  char data[PEER_MANAGER_DATA_CAPACITY];
  size_t i, size;
  for (i = 1; i <= 3; ++i) {
    const peer_manager_address address = check_address("203.0.113.7", (uint16_t)i);
    (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
    (void)SUCCEEDS(peer_manager_set_data, pm, &address, "abc", i - 1);
  }
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  peer_manager_free(pm);
  CHECK(peer_manager_snapshot_count(snapshot) == 3);
  for (i = 0; i < 3; ++i) {
    size = 12345;
    (void)SUCCEEDS(peer_manager_snapshot_get, snapshot, i, &record);
    CHECK(SUCCEEDS(peer_manager_snapshot_get_data, snapshot, i, data, sizeof data, &size) && size == record.address.port - 1u &&
          memcmp(data, "abc", size) == 0);
  }
  peer_manager_snapshot_free(snapshot);
}

static void a_host_is_removed_on_all_its_ports(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  size_t count = 12345;
  uint16_t port;
  const peer_manager_address other = check_address("2001:db8::2", 1);
  for (port = 1; port <= 3; ++port) {
    const peer_manager_address address = check_address("2001:db8::1", port);
    (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  }
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &other);
  CHECK(SUCCEEDS(peer_manager_remove_host, pm, "2001:0DB8::0001", &count) && count == 3);
  CHECK(SUCCEEDS(peer_manager_remove_host, pm, "2001:db8::1", &count) && count == 0);
  CHECK(peer_manager_peer_count(pm) == 1);
  CHECK(SUCCEEDS(peer_manager_remove_host, pm, "2001:db8::2", NULL) && peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  bad_arguments_are_refused_and_nothing_is_written();
  data_outlives_the_manager_and_ends_with_its_peer(check_directory(argc, argv));
  a_snapshot_has_the_data_of_its_moment();
  a_host_is_removed_on_all_its_ports();
  return CHECK_RESULT();
}
