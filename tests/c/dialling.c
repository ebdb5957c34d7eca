/* The header's section on dialling: whom to dial, when, while offline, and never the node itself. */
#include "check.h"

enum { NOW = 1000, MINUTE = 60 };

static const char *const own_message = "it is an address of this node itself";

static void put(peer_manager *pm, const char *host, uint16_t port, int64_t next_attempt, uint32_t num_failures,
                uint32_t peer_type) {
  const peer_manager_record record = check_record(host, port, next_attempt, num_failures, peer_type);
  REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
}

/* A due inbound peer in each of so many netgroups, "8.1" being the first that was heard of. */
static void put_inbound(peer_manager *pm, int netgroups) {
  char host[32];
  int n;
  for (n = 1; n <= netgroups; n++) {
    (void)snprintf(host, sizeof host, "8.%d.0.1", n);
    put(pm, host, 1, NOW, 0, PEER_MANAGER_TYPE_INBOUND);
  }
}

static size_t next(peer_manager *pm, uint32_t purpose, const peer_manager_address *busy, size_t busy_count,
                   peer_manager_address *out, size_t size) {
  size_t count = 12345;
  (void)SUCCEEDS(peer_manager_next_to_dial, pm, purpose, busy, busy_count, size, out, &count);
  CHECK(count <= size);
  return count <= size ? count : 0;
}

static int is_among(const char *host, const peer_manager_address *answer, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) {
    if (strcmp(answer[i].host, host) == 0) return 1;
  }
  return 0;
}

static int netgroup_of(const peer_manager_address *address) {
  return atoi(address->host + 2);
}

static void bad_arguments_are_refused_and_nothing_is_written(void) {
  static const size_t sizes[] = {SIZE_MAX / 256 + 1, SIZE_MAX / 256 + 2, SIZE_MAX, SIZE_MAX / 256, SIZE_MAX / 2};
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address out, some[3];
  int64_t due = 12345;
  size_t count = 12345;
  size_t i;
  put(pm, "8.8.8.8", 1, NOW + 1, 0, PEER_MANAGER_TYPE_INBOUND);
  check_fill(&out, sizeof out);
  some[0] = check_address("8.8.8.8", 1);
  some[1] = check_address("9.9.9.9", 1);
  some[2] = check_address("1.2.3", 1);

  REFUSES("pm is NULL", peer_manager_next_to_dial, NULL, PEER_MANAGER_DIAL_CONNECT, NULL, 0, 1, &out, &count);
  REFUSES("busy is NULL", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_CONNECT, NULL, 1, 1, &out, &count);
  REFUSES("out is NULL", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_FEELER, NULL, 0, 1, NULL, &count);
  REFUSES("out_count is NULL", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_FEELER, NULL, 0, 1, &out, NULL);
  REFUSES("purpose is 2, which is none of its values; use PEER_MANAGER_DIAL_CONNECT or _FEELER",
          peer_manager_next_to_dial, pm, 2, NULL, 0, 1, &out, &count);
  REFUSES("purpose is 4294967295", peer_manager_next_to_dial, pm, UINT32_MAX, NULL, 0, 1, &out, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "busy[2]", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_CONNECT, some, 3,
        1, &out, &count);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    REFUSES("out", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, sizes[i], &out, &count);
    REFUSES("busy", peer_manager_next_to_dial, pm, PEER_MANAGER_DIAL_CONNECT, some, sizes[i], 1, &out, &count);
    REFUSES("addresses", peer_manager_set_own_addresses, pm, some, sizes[i]);
  }
  CHECK(check_is_filled(&out, sizeof out) && count == 12345);

  REFUSES("pm is NULL", peer_manager_next_due, NULL, &due);
  REFUSES("out is NULL", peer_manager_next_due, pm, NULL);
  CHECK(due == 12345);
  REFUSES("pm is NULL", peer_manager_set_online, NULL, 0);

  REFUSES("pm is NULL", peer_manager_set_own_addresses, NULL, some, 1);
  REFUSES("addresses is NULL", peer_manager_set_own_addresses, pm, NULL, 1);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "addresses[2]", peer_manager_set_own_addresses, pm, some, 3);
  some[1] = check_latin1_address();
  REFUSES("addresses[1]", peer_manager_set_own_addresses, pm, some, 2);
  /* The first of the list was valid, and is not the node's own for that. */
  CHECK(peer_manager_peer_count(pm) == 1);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &some[0]);
  peer_manager_free(pm);
}

/* Two preferred peers of one netgroup, two outbound ones of another, and inbound ones of eight more. */
static void known_peers_come_first_and_netgroups_once(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  const peer_manager_address neighbour = check_address("::ffff:7.1.200.200", 9);
  peer_manager_address out[8];
  int round;
  put_inbound(pm, 8);
  put(pm, "7.1.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_OUTBOUND);
  put(pm, "7.1.0.2", 1, NOW, 0, PEER_MANAGER_TYPE_OUTBOUND);
  put(pm, "7.0.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_PREFERRED);
  put(pm, "7.0.0.2", 1, NOW, 0, PEER_MANAGER_TYPE_PREFERRED);
  for (round = 0; round < 50; round++) {
    size_t count = next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, out, 5);
    CHECK(count == 5);
    CHECK(is_among("7.0.0.1", out, 2) && is_among("7.0.0.2", out, 2));
    CHECK(strncmp(out[2].host, "7.1.0.", 6) == 0);
    CHECK(out[3].host[0] == '8' && out[4].host[0] == '8' && netgroup_of(&out[3]) != netgroup_of(&out[4]));
    /* Next to a peer that is busy, whether or not that is in the table, nothing is dialled. */
    count = next(pm, PEER_MANAGER_DIAL_CONNECT, &neighbour, 1, out, 3);
    CHECK(count == 3 && out[0].host[2] == '0' && out[1].host[2] == '0' && out[2].host[0] == '8');
  }
  peer_manager_free(pm);
}

/* With fewer netgroups than twice the places, so that a network of two operators can form. */
static void in_a_small_network_netgroups_do_not_count(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address out[16];
  peer_manager_address busy[2];
  uint16_t port;
  size_t count, i;
  for (port = 1; port <= 6; port++) {
    put(pm, "8.1.0.1", port, NOW, 0, PEER_MANAGER_TYPE_INBOUND);
    put(pm, "8.2.0.1", port, NOW, 0, PEER_MANAGER_TYPE_OUTBOUND);
  }
  CHECK(next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, out, 16) == 12);
  CHECK(netgroup_of(&out[5]) == 2 && netgroup_of(&out[6]) == 1);
  busy[0] = check_address("8.1.0.1", 1);
  busy[1] = check_address("8.2.0.1", 1);
  count = next(pm, PEER_MANAGER_DIAL_CONNECT, busy, 2, out, 16);
  CHECK(count == 10);
  for (i = 0; i < count; i++) CHECK(out[i].port != 1);
  /* For one place two netgroups are enough to be looked at. */
  CHECK(next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, out, 1) == 1 && netgroup_of(&out[0]) == 2);
  peer_manager_free(pm);
}

static void only_who_is_due_and_not_dead_is_dialled(void) {
  static const uint32_t purposes[] = {PEER_MANAGER_DIAL_CONNECT, PEER_MANAGER_DIAL_FEELER};
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address out[8];
  size_t i;
  put(pm, "8.1.0.1", 1, NOW, PEER_MANAGER_REALLY_DEAD, PEER_MANAGER_TYPE_INBOUND);
  put(pm, "8.2.0.1", 1, NOW, PEER_MANAGER_REALLY_DEAD + 1, PEER_MANAGER_TYPE_INBOUND);
  put(pm, "8.3.0.1", 1, NOW + 1, 0, PEER_MANAGER_TYPE_INBOUND);
  for (i = 0; i < 2; i++) {
    now = NOW;
    CHECK(next(pm, purposes[i], NULL, 0, out, 8) == 1 && is_among("8.1.0.1", out, 1));
    now = NOW + 1;
    CHECK(next(pm, purposes[i], NULL, 0, out, 8) == 2 && is_among("8.3.0.1", out, 2));
    CHECK(next(pm, purposes[i], NULL, 0, NULL, 0) == 0);
  }
  peer_manager_free(pm);
}

/* The most senior of sixteen draws: all of them are of the younger half in one place of 65,536. */
static void a_place_goes_to_a_peer_that_has_been_known_for_long(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address out;
  int round, senior = 0;
  put_inbound(pm, 40);
  for (round = 0; round < 400; round++) {
    CHECK(next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, &out, 1) == 1);
    senior += netgroup_of(&out) <= 20;
  }
  CHECK(senior >= 398);
  peer_manager_free(pm);
}

static void a_feeler_is_an_inbound_peer_a_netgroup_first_and_a_senior_one(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address busy = check_address("8.2.0.1", 1);
  peer_manager_address out;
  uint16_t port;
  int round, of_the_small_netgroup = 0, of_the_older_half = 0;
  put(pm, "8.2.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_INBOUND);
  for (port = 1; port <= 200; port++) put(pm, "8.1.0.1", port, NOW, 0, PEER_MANAGER_TYPE_INBOUND);
  put(pm, "8.3.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_OUTBOUND);
  put(pm, "8.4.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_PREFERRED);
  for (round = 0; round < 400; round++) {
    CHECK(next(pm, PEER_MANAGER_DIAL_FEELER, NULL, 0, &out, 1) == 1);
    CHECK(netgroup_of(&out) <= 2);
    of_the_small_netgroup += netgroup_of(&out) == 2;
    CHECK(next(pm, PEER_MANAGER_DIAL_FEELER, &busy, 1, &out, 1) == 1 && netgroup_of(&out) == 1);
    of_the_older_half += out.port <= 100;
  }
  /* Each of 64 draws is of the small netgroup every second time; drawn uniformly, one in 200 would be. */
  CHECK(of_the_small_netgroup >= 390);
  CHECK(of_the_older_half >= 390);
  peer_manager_free(pm);
}

static void what_is_busy_may_be_the_memory_of_the_output(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address connections[8];
  size_t count, i, j;
  put_inbound(pm, 8);
  CHECK(next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, connections, 3) == 3);
  count = next(pm, PEER_MANAGER_DIAL_CONNECT, connections, 3, connections + 3, 5);
  CHECK(count == 5);
  for (i = 0; i < 8; i++) {
    for (j = 0; j < i; j++) CHECK(!peer_manager_address_equal(&connections[i], &connections[j]));
  }
  check_fill(connections, sizeof connections);
  CHECK(next(pm, PEER_MANAGER_DIAL_FEELER, NULL, 0, connections, 2) == 2);
  CHECK(check_is_filled(connections + 2, sizeof connections - 2 * sizeof connections[0]));
  peer_manager_free(pm);
}

static void the_next_peer_to_become_due_is_known(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  int64_t due = 12345;
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "no peer waits", peer_manager_next_due, pm, &due);
  put(pm, "8.1.0.1", 1, NOW, 0, PEER_MANAGER_TYPE_INBOUND);
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "no peer waits", peer_manager_next_due, pm, &due);
  CHECK(due == 12345);
  put(pm, "8.2.0.1", 1, INT64_MAX, 0, PEER_MANAGER_TYPE_INBOUND);
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == INT64_MAX);
  put(pm, "8.3.0.1", 1, NOW + 9, 500, PEER_MANAGER_TYPE_PREFERRED);
  put(pm, "8.4.0.1", 1, NOW + 7, 0, PEER_MANAGER_TYPE_OUTBOUND);
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == NOW + 7);
  now = NOW + 6;
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == NOW + 7);
  now = NOW + 7;
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == NOW + 9);
  now = NOW + 9;
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == INT64_MAX);
  now = NOW;
  CHECK(SUCCEEDS(peer_manager_next_due, pm, &due) && due == NOW + 7);
  peer_manager_free(pm);
}

static void a_peer_is_not_to_blame_while_the_node_is_offline(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  const peer_manager_address peer = check_address("8.1.0.1", 1);
  peer_manager_record record;
  int round;
  put(pm, "8.1.0.1", 1, NOW, 9, PEER_MANAGER_TYPE_OUTBOUND);
  (void)SUCCEEDS(peer_manager_set_online, pm, 0);
  for (round = 0; round < 100; round++) {
    if (round % 2 == 0) {
      (void)SUCCEEDS(peer_manager_update_backoff, pm, &peer, PEER_MANAGER_BACKOFF_INCREASE);
    } else {
      (void)SUCCEEDS(peer_manager_update, pm, &peer, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_INCREASE);
    }
    record = check_load(pm, "8.1.0.1", 1);
    CHECK(record.num_failures == 9);
    CHECK(record.next_attempt > NOW && record.next_attempt <= NOW + MINUTE);
  }
  CHECK(check_stats(pm).forgiven_failures == 100);
  /* What went well counts, and what the operator wants. */
  (void)SUCCEEDS(peer_manager_update_backoff, pm, &peer, PEER_MANAGER_BACKOFF_HARD_RESET);
  record = check_load(pm, "8.1.0.1", 1);
  CHECK(record.num_failures == 0 && record.next_attempt == NOW);
  CHECK(check_stats(pm).forgiven_failures == 100);
  /* Any number but 0 is online. */
  (void)SUCCEEDS(peer_manager_set_online, pm, 255);
  for (round = 1; round <= 20; round++) {
    (void)SUCCEEDS(peer_manager_update_backoff, pm, &peer, PEER_MANAGER_BACKOFF_INCREASE);
    CHECK(check_load(pm, "8.1.0.1", 1).num_failures == (uint32_t)round);
  }
  CHECK(check_stats(pm).forgiven_failures == 100);
  peer_manager_free(pm);
}

static void the_node_is_never_a_peer_of_its_own(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address own[2], batch[3], out[8];
  peer_manager_record records[3];
  size_t count = 12345;
  put_inbound(pm, 3);
  own[0] = check_address("::FFFF:8.1.0.1", 1);
  own[1] = check_address("Node.Example", 1);
  (void)SUCCEEDS(peer_manager_set_own_addresses, pm, own, 2);
  CHECK(peer_manager_peer_count(pm) == 2);
  CHECK(check_stats(pm).refused_peers == 0);

  /* Alone, in any spelling. Each is refused twice: FAILS calls twice. */
  own[1] = check_address("node.example", 1);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "8.1.0.1:1", peer_manager_ensure_exists, pm, &own[0]);
  FAILS(PEER_MANAGER_ERROR_REFUSED, own_message, peer_manager_ensure_exists, pm, &own[1]);
  records[0] = check_record("8.1.0.1", 1, 0, 0, PEER_MANAGER_TYPE_PREFERRED);
  FAILS(PEER_MANAGER_ERROR_REFUSED, own_message, peer_manager_store, pm, &records[0]);
  FAILS(PEER_MANAGER_ERROR_REFUSED, own_message, peer_manager_update_type, pm, &own[0], PEER_MANAGER_TYPE_PREFERRED, 1);
  FAILS(PEER_MANAGER_ERROR_REFUSED, own_message, peer_manager_update_backoff, pm, &own[0], PEER_MANAGER_BACKOFF_RESET);
  FAILS(PEER_MANAGER_ERROR_REFUSED, own_message, peer_manager_update, pm, &own[0], PEER_MANAGER_TYPE_OUTBOUND, 0,
        PEER_MANAGER_BACKOFF_RESET);
  CHECK(check_stats(pm).refused_peers == 12);

  /* In a batch the others are added. */
  batch[0] = check_address("9.1.0.1", 1);
  batch[1] = own[0];
  batch[2] = check_address("9.2.0.1", 1);
  CHECK(SUCCEEDS(peer_manager_ensure_exists_many, pm, batch, 3, &count) && count == 2);
  CHECK(check_stats(pm).refused_peers == 13);
  records[1] = check_record("9.3.0.1", 1, 0, 0, PEER_MANAGER_TYPE_OUTBOUND);
  records[2] = check_record("node.example", 1, 0, 0, PEER_MANAGER_TYPE_OUTBOUND);
  (void)SUCCEEDS(peer_manager_store_many, pm, records, 3);
  CHECK(check_stats(pm).refused_peers == 15);
  CHECK(peer_manager_peer_count(pm) == 5);

  /* Another port of the same host is another peer. */
  own[0].port = 2;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &own[0]);

  CHECK(next(pm, PEER_MANAGER_DIAL_CONNECT, NULL, 0, out, 8) == 6);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 8, out, &count);
  CHECK(count == 6 && !is_among("node.example", out, count));

  /* A new list is all that counts, an empty one as well. */
  (void)SUCCEEDS(peer_manager_set_own_addresses, pm, batch, 1);
  CHECK(peer_manager_peer_count(pm) == 5);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &own[1]);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "9.1.0.1:1", peer_manager_ensure_exists, pm, &batch[0]);
  (void)SUCCEEDS(peer_manager_set_own_addresses, pm, NULL, 0);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &batch[0]);
  CHECK(peer_manager_peer_count(pm) == 7);
  peer_manager_free(pm);
}

static void own_addresses_leave_the_file_and_the_list_is_not_kept(const char *directory) {
  const peer_manager_address own = check_address("8.1.0.1", 1);
  char path[4096], other[4096];
  peer_manager *pm;
  size_t count = 12345;
  check_path(path, sizeof path, directory, "own.db");
  check_path(other, sizeof other, directory, "other.db");
  pm = check_open(other, NULL);
  put_inbound(pm, 4);
  peer_manager_free(pm);

  pm = check_open(path, NULL);
  put_inbound(pm, 2);
  (void)SUCCEEDS(peer_manager_set_own_addresses, pm, &own, 1);
  /* Nor does it come back with what another node knows. */
  CHECK(SUCCEEDS(peer_manager_import, pm, other, &count) && count == 2);
  CHECK(check_stats(pm).refused_peers == 1);
  peer_manager_free(pm);

  pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == 3);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &own);
  CHECK(peer_manager_peer_count(pm) == 4);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  bad_arguments_are_refused_and_nothing_is_written();
  known_peers_come_first_and_netgroups_once();
  in_a_small_network_netgroups_do_not_count();
  only_who_is_due_and_not_dead_is_dialled();
  a_place_goes_to_a_peer_that_has_been_known_for_long();
  a_feeler_is_an_inbound_peer_a_netgroup_first_and_a_senior_one();
  what_is_busy_may_be_the_memory_of_the_output();
  the_next_peer_to_become_due_is_known();
  a_peer_is_not_to_blame_while_the_node_is_offline();
  the_node_is_never_a_peer_of_its_own();
  own_addresses_leave_the_file_and_the_list_is_not_kept(check_directory(argc, argv));
  return CHECK_RESULT();
}
