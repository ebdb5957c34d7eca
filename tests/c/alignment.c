/*
 * Pointers that are not aligned, as a caller has them that cuts structs out of a buffer: each is refused by its name, and
 * nothing is read or written through it.
 */
#include "check.h"
#include "sockets.h"

/* Memory with the alignment of everything, of which `at` makes pointers that lack it. */
static union {
  unsigned char bytes[4096];
  void *pointer;
  int64_t number;
} memory;

static void *at(size_t offset) {
  return memory.bytes + offset;
}

static void nothing_was_written(void) {
  CHECK(check_is_filled(memory.bytes, sizeof memory.bytes));
}

/* The message names the argument. */
#define MISALIGNED(name, function, ...) \
  (REFUSES(name " is not aligned; ", function, __VA_ARGS__), nothing_was_written())

static void inputs_and_outputs_are_refused_by_name(void) {
  peer_manager *pm = check_open(NULL, NULL);
  const peer_manager_address address = check_address("192.0.2.1", 1);
  const peer_manager_record record = check_record("192.0.2.1", 1, 0, 0, 0);
  const peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out;
  peer_manager_snapshot *snapshot = NULL;
  char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  size_t count = 12345;
  check_fill(memory.bytes, sizeof memory.bytes);
  MISALIGNED("out", peer_manager_address_init, "192.0.2.1", 1, (peer_manager_address *)at(1));
  MISALIGNED("out", peer_manager_address_parse, "192.0.2.1:1", 0, (peer_manager_address *)at(1));
  MISALIGNED("address", peer_manager_address_format, (const peer_manager_address *)at(1), text, sizeof text);
  MISALIGNED("address", peer_manager_record_init, (const peer_manager_address *)at(1), 0, (peer_manager_record *)at(0));
  MISALIGNED("out", peer_manager_record_init, &address, 0, (peer_manager_record *)at(2));
  MISALIGNED("address", peer_manager_ensure_exists, pm, (const peer_manager_address *)at(1));
  MISALIGNED("addresses", peer_manager_ensure_exists_many, pm, (const peer_manager_address *)at(1), 1, &count);
  MISALIGNED("addresses", peer_manager_ensure_exists_many, pm, (const peer_manager_address *)at(1), 0, &count);
  MISALIGNED("out_inserted", peer_manager_ensure_exists_many, pm, &address, 1, (size_t *)at(1));
  MISALIGNED("address", peer_manager_load, pm, (const peer_manager_address *)at(1), (peer_manager_record *)at(0));
  MISALIGNED("out", peer_manager_load, pm, &address, (peer_manager_record *)at(2));
  MISALIGNED("record", peer_manager_store, pm, (const peer_manager_record *)at(2));
  MISALIGNED("records", peer_manager_store_many, pm, (const peer_manager_record *)at(2), 1);
  MISALIGNED("address", peer_manager_update_type, pm, (const peer_manager_address *)at(1), 0, 0);
  MISALIGNED("address", peer_manager_update_backoff, pm, (const peer_manager_address *)at(1), 0);
  MISALIGNED("address", peer_manager_update, pm, (const peer_manager_address *)at(1), 0, 0, 0);
  MISALIGNED("address", peer_manager_remove, pm, (const peer_manager_address *)at(1));
  MISALIGNED("out_removed", peer_manager_remove_peers_with_many_failures, pm, 0, (size_t *)at(1));
  MISALIGNED("out_changed", peer_manager_limit_next_attempt, pm, 0, (size_t *)at(1));
  MISALIGNED("out_inserted", peer_manager_import, pm, "no such file", (size_t *)at(1));
  MISALIGNED("out", peer_manager_load_random_peers, pm, &query, 1, (peer_manager_address *)at(1), &count);
  MISALIGNED("out_count", peer_manager_load_random_peers, pm, &query, 1, &out, (size_t *)at(1));
  MISALIGNED("exclude", peer_manager_get_peers_to_send, pm, NULL, (const peer_manager_address *)at(1), 1, &out, &count);
  MISALIGNED("out", peer_manager_get_peers_to_send, pm, NULL, NULL, 1, (peer_manager_address *)at(1), &count);
  MISALIGNED("out_count", peer_manager_get_peers_to_send, pm, NULL, NULL, 1, &out, (size_t *)at(1));
  MISALIGNED("busy", peer_manager_next_to_dial, pm, 0, (const peer_manager_address *)at(1), 1, 1, &out, &count);
  MISALIGNED("out", peer_manager_next_to_dial, pm, 0, NULL, 0, 1, (peer_manager_address *)at(1), &count);
  MISALIGNED("out_count", peer_manager_next_to_dial, pm, 0, NULL, 0, 1, &out, (size_t *)at(1));
  MISALIGNED("out", peer_manager_next_due, pm, (int64_t *)at(2));
  MISALIGNED("addresses", peer_manager_set_own_addresses, pm, (const peer_manager_address *)at(1), 1);
  MISALIGNED("out_removed", peer_manager_ban, pm, "192.0.2.1", INT64_MAX, (size_t *)at(2));
  MISALIGNED("out", peer_manager_get_bans, pm, 1, (peer_manager_ban_entry *)at(2), &count);
  MISALIGNED("address", peer_manager_set_data, pm, (const peer_manager_address *)at(1), "x", 1);
  MISALIGNED("address", peer_manager_get_data, pm, (const peer_manager_address *)at(1), text, sizeof text, &count);
  MISALIGNED("out_size", peer_manager_get_data, pm, &address, text, sizeof text, (size_t *)at(2));
  MISALIGNED("out_removed", peer_manager_remove_host, pm, "192.0.2.1", (size_t *)at(2));
  MISALIGNED("out", peer_manager_get_all_peers, pm, (peer_manager_snapshot **)at(2));
  MISALIGNED("out_saved", peer_manager_get_quarantine, pm, text, sizeof text, (uint64_t *)at(2), NULL);
  MISALIGNED("out_lost", peer_manager_get_quarantine, pm, text, sizeof text, NULL, (uint64_t *)at(2));
  MISALIGNED("out", peer_manager_new_in_memory, (peer_manager **)at(2));
  MISALIGNED("out", peer_manager_new_with_db, "a database", (peer_manager **)at(2));
  REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  MISALIGNED("out", peer_manager_snapshot_get, snapshot, 0, (peer_manager_record *)at(2));
  MISALIGNED("out", peer_manager_snapshot_get_history, snapshot, 0, (peer_manager_history *)at(2));
  MISALIGNED("out_size", peer_manager_snapshot_get_data, snapshot, 0, text, sizeof text, (size_t *)at(2));
  MISALIGNED("address", peer_manager_load_history, pm, (const peer_manager_address *)at(1), (peer_manager_history *)at(0));
  MISALIGNED("out", peer_manager_load_history, pm, &address, (peer_manager_history *)at(2));
  MISALIGNED("out_removed", peer_manager_remove_peers_not_heard_since, pm, 0, (size_t *)at(1));
  peer_manager_snapshot_free(snapshot);
  /* Not even what was to be stored is there: the batch was refused before it did anything. */
  CHECK(count == 12345 && peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_store, pm, &record);
  REFUSES("out_removed", peer_manager_remove_peers_with_many_failures, pm, 0, (size_t *)at(1));
  CHECK(peer_manager_peer_count(pm) == 1);
  peer_manager_free(pm);
}

/* What numbers of 64 bits are aligned to in a struct: 4 on some machines of 32 bits. */
typedef struct numbers {
  char before;
  uint64_t number;
} numbers;

static void structs_that_may_grow_are_refused_by_name(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager *opened = NULL;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out;
  size_t count, offset;
  for (offset = 1; offset < 8; offset++) {
    unsigned char before[sizeof memory.bytes];
    if (offset % offsetof(numbers, number) == 0) continue;
    /* The _init functions write bytes, wherever those are. */
    check_fill(memory.bytes, sizeof memory.bytes);
    peer_manager_options_init((peer_manager_options *)at(offset), sizeof(peer_manager_options));
    REFUSES("options is not aligned; ", peer_manager_open, (const peer_manager_options *)at(offset), &opened);
    peer_manager_query_init((peer_manager_query *)at(offset), sizeof(peer_manager_query));
    REFUSES("query is not aligned; ", peer_manager_load_random_peers, pm, (const peer_manager_query *)at(offset), 1, &out,
            &count);
    REFUSES("filter is not aligned; ", peer_manager_get_peers_to_send, pm, (const peer_manager_query *)at(offset), NULL, 1,
            &out, &count);
    peer_manager_stats_init((peer_manager_stats *)at(offset), sizeof(peer_manager_stats));
    memcpy(before, memory.bytes, sizeof before);
    REFUSES("out is not aligned; ", peer_manager_get_stats, pm, (peer_manager_stats *)at(offset));
    CHECK(memcmp(before, memory.bytes, sizeof before) == 0);
  }
  CHECK(opened == NULL);
  query.exclude = (const peer_manager_address *)at(1);
  query.exclude_count = 1;
  REFUSES("query->exclude is not aligned; ", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  peer_manager_free(pm);
}

static void a_handle_that_is_not_aligned_is_none(void) {
  peer_manager *pm = check_open(NULL, NULL);
  const peer_manager_address address = check_address("10.0.0.1", 1);
  peer_manager *const no_pm = (peer_manager *)at(1);
  peer_manager_snapshot *const no_snapshot = (peer_manager_snapshot *)at(1);
  peer_manager_record record;
  check_fill(memory.bytes, sizeof memory.bytes);
  MISALIGNED("out", peer_manager_address_netgroup, pm, &address, (uint64_t *)at(2));
  MISALIGNED("pm", peer_manager_ensure_exists, no_pm, &address);
  MISALIGNED("pm", peer_manager_flush, no_pm);
  MISALIGNED("snapshot", peer_manager_snapshot_get, no_snapshot, 0, &record);
  /* What cannot fail does as for NULL. */
  CHECK(peer_manager_peer_count(no_pm) == 0 && peer_manager_snapshot_count(no_snapshot) == 0);
  peer_manager_free(no_pm);
  peer_manager_snapshot_free(no_snapshot);
  memcpy(at(1), &address, sizeof address);
  CHECK(!peer_manager_address_is_private((const peer_manager_address *)at(1)));
  CHECK(!peer_manager_address_is_routable((const peer_manager_address *)at(1)));
  (void)SUCCEEDS(peer_manager_ban, pm, "10.0.0.1", INT64_MAX, NULL);
  CHECK(peer_manager_is_banned(pm, &address) && !peer_manager_is_banned(no_pm, &address));
  CHECK(!peer_manager_is_banned(pm, (const peer_manager_address *)at(1)));
  CHECK(!peer_manager_address_equal((const peer_manager_address *)at(1), &address));
  CHECK(!peer_manager_address_equal(&address, (const peer_manager_address *)at(1)));
  CHECK(!peer_manager_record_is_ready((const peer_manager_record *)at(2), INT64_MAX));
  peer_manager_free(pm);
}

/* The reason is written all the same, byte by byte; a call that would have succeeded is refused, too. */
static void an_error_that_is_not_aligned_is_refused_and_says_so(void) {
  peer_manager *pm = check_open(NULL, NULL);
  const peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_address out = address;
  check_fill(memory.bytes, sizeof memory.bytes);
  CHECK(peer_manager_ensure_exists(pm, &address, (peer_manager_error *)at(1)) == PEER_MANAGER_ERROR_INVALID_ARGUMENT);
  memcpy(&check_error, at(1), sizeof check_error);
  check_failed(PEER_MANAGER_ERROR_INVALID_ARGUMENT, PEER_MANAGER_ERROR_INVALID_ARGUMENT, "error is not aligned; ",
               "peer_manager_ensure_exists", __FILE__, __LINE__);
  CHECK(memory.bytes[0] == CHECK_FILL && check_is_filled(memory.bytes + 1 + sizeof check_error, 64));
  CHECK(peer_manager_peer_count(pm) == 0);
  CHECK(peer_manager_address_init("192.0.2.9", 1, &out, (peer_manager_error *)at(2))
        == PEER_MANAGER_ERROR_INVALID_ARGUMENT);
  CHECK(peer_manager_address_equal(&out, &address));
  peer_manager_free(pm);
}

/* Text and bytes may begin anywhere. */
static void text_need_not_be_aligned(void) {
  peer_manager_address address;
  char *const text = (char *)at(1);
  memcpy(text, "192.0.2.1:1", 12);
  (void)SUCCEEDS(peer_manager_address_parse, text, 0, &address);
  (void)SUCCEEDS(peer_manager_address_format, &address, (char *)at(101), PEER_MANAGER_ADDRESS_TEXT_CAPACITY);
  CHECK_TEXT((const char *)at(101), "192.0.2.1:1");
}

#if defined(PEER_MANAGER_HAS_SOCKADDR)
static void a_socket_address_need_not_be_aligned_to_be_read(void) {
  struct sockaddr_in v4;
  struct sockaddr_storage storage;
  peer_manager_address address;
  size_t len = 12345;
  memset(&v4, 0, sizeof v4);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(7);
  v4.sin_addr.s_addr = htonl(0xC0000201U);
  memcpy(at(1), &v4, sizeof v4);
  (void)SUCCEEDS(peer_manager_address_from_sockaddr, (const struct sockaddr *)at(1), sizeof v4, &address);
  CHECK_TEXT(address.host, "192.0.2.1");
  check_fill(memory.bytes, sizeof memory.bytes);
  MISALIGNED("out", peer_manager_address_from_sockaddr, (const struct sockaddr *)(const void *)&v4, sizeof v4,
             (peer_manager_address *)at(1));
  MISALIGNED("out", peer_manager_address_to_sockaddr, &address, (struct sockaddr_storage *)at(2), &len);
  MISALIGNED("out_len", peer_manager_address_to_sockaddr, &address, &storage, (size_t *)at(2));
  CHECK(len == 12345);
}
#endif

int main(int argc, char **argv) {
  (void)check_directory(argc, argv);
  inputs_and_outputs_are_refused_by_name();
  structs_that_may_grow_are_refused_by_name();
  a_handle_that_is_not_aligned_is_none();
  an_error_that_is_not_aligned_is_refused_and_says_so();
  text_need_not_be_aligned();
#if defined(PEER_MANAGER_HAS_SOCKADDR)
  a_socket_address_need_not_be_aligned_to_be_read();
#endif
  return CHECK_RESULT();
}
