/* The header's section on choosing peers: which are eligible, how many come, in what order. */
#include "check.h"

/* A query as a newer library's header would have it. */
typedef struct larger_query {
  peer_manager_query query;
  unsigned char tail[24];
} larger_query;

enum { EACH = 5, NOW = 1000 };

/* What a program passes that was compiled against 0.1.0. */
#define SIZE_OF_0_1_0 offsetof(peer_manager_query, seniority)

/*
 * Peers of each type on ports 1 to EACH at 8.8.<type>.1: the odd ports are due, the even ones are not; the failures
 * are the port minus one.
 */
static peer_manager *open_with_peers(int64_t *now) {
  peer_manager *pm = check_open(NULL, now);
  static const char *const hosts[] = {"8.8.0.1", "8.8.1.1", "8.8.2.1"};
  uint32_t type;
  uint16_t port;
  for (type = 0; type < 3; type++) {
    for (port = 1; port <= EACH; port++) {
      peer_manager_record record = check_record(hosts[type], port, port % 2 == 1 ? NOW : NOW + 1, port - 1u, type);
      REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
    }
  }
  return pm;
}

static uint32_t type_of(const peer_manager_address *address) {
  return (uint32_t)(address->host[4] - '0');
}

static void the_query_has_its_layout(void) {
  CHECK(offsetof(peer_manager_query, struct_size) == 0);
  CHECK(offsetof(peer_manager_query, type_filter) == 4);
  CHECK(offsetof(peer_manager_query, use_next_attempt) == 8);
  CHECK(offsetof(peer_manager_query, has_max_num_failures) == 12);
  CHECK(offsetof(peer_manager_query, max_num_failures) == 16);
  CHECK(offsetof(peer_manager_query, max_per_netgroup) == 20);
  CHECK(offsetof(peer_manager_query, exclude) == 24);
  CHECK(offsetof(peer_manager_query, exclude_count) == 24 + sizeof(void *));
  /* Since 0.2.0, behind what 0.1.0 had. */
  CHECK(SIZE_OF_0_1_0 == 24 + sizeof(void *) + sizeof(size_t));
  CHECK(offsetof(peer_manager_query, apart) == SIZE_OF_0_1_0 + 4);
  CHECK(offsetof(peer_manager_query, networks) == SIZE_OF_0_1_0 + 8);
  CHECK(offsetof(peer_manager_query, share_key) == SIZE_OF_0_1_0 + 12);
  CHECK(offsetof(peer_manager_query, heard_since) == SIZE_OF_0_1_0 + 16);
  CHECK(offsetof(peer_manager_query, reached_since) == SIZE_OF_0_1_0 + 24);
  CHECK(sizeof(peer_manager_query) == SIZE_OF_0_1_0 + 32);
}

static void the_macro_and_the_function_initialise_alike(void) {
  const peer_manager_query by_macro = PEER_MANAGER_QUERY_INIT;
  peer_manager_query by_function;
  check_fill(&by_function, sizeof by_function);
  peer_manager_query_init(&by_function, sizeof by_function);
  CHECK(memcmp(&by_macro, &by_function, sizeof by_macro) == 0);
  CHECK(by_macro.struct_size == sizeof by_macro);
  CHECK(by_macro.type_filter == PEER_MANAGER_FILTER_ANY_OUTBOUND);
  CHECK(by_macro.use_next_attempt != 0 && by_macro.has_max_num_failures != 0);
  CHECK(by_macro.max_num_failures == 120 && by_macro.max_per_netgroup == 0);
  CHECK(by_macro.exclude == NULL && by_macro.exclude_count == 0);
  CHECK(by_macro.seniority == 0 && by_macro.apart == 0 && by_macro.networks == 0 && by_macro.share_key == 0);
  CHECK(by_macro.heard_since == 0 && by_macro.reached_since == 0);
}

/* The caller's struct may be older or newer; no byte behind it changes, and what is known has its default. */
static void init_writes_the_caller_s_size_and_no_more(void) {
  const peer_manager_query defaults = PEER_MANAGER_QUERY_INIT;
  larger_query guarded;
  unsigned char *const bytes = (unsigned char *)&guarded;
  size_t size, i;
  for (size = 0; size <= sizeof guarded; size++) {
    const uint32_t said = (uint32_t)size;
    const size_t known = size < sizeof defaults ? size : sizeof defaults;
    check_fill(&guarded, sizeof guarded);
    peer_manager_query_init(&guarded.query, size);
    CHECK(check_is_filled(bytes + size, sizeof guarded - size));
    if (size < sizeof said) {
      CHECK(check_is_filled(bytes, size));
      continue;
    }
    CHECK(memcmp(bytes, &said, sizeof said) == 0);
    CHECK(memcmp(bytes + sizeof said, (const unsigned char *)&defaults + sizeof said, known - sizeof said) == 0);
    for (i = known; i < size; i++) CHECK(bytes[i] == 0);
  }
  peer_manager_query_init(NULL, sizeof guarded);
}

static void queries_of_another_size_are_read_as_far_as_known(void) {
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  larger_query larger;
  peer_manager_address out;
  size_t count = 0;
  uint32_t size;
  peer_manager_query_init(&larger.query, sizeof larger);
  (void)SUCCEEDS(peer_manager_load_random_peers, pm, &larger.query, 1, &out, &count);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &larger.query, NULL, 1, &out, &count);
  CHECK(count == 1);
  larger.tail[sizeof larger.tail - 1] = 1;
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "peer_manager_query", peer_manager_load_random_peers, pm, &larger.query, 1, &out, &count);
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "filter", peer_manager_get_peers_to_send, pm, &larger.query, NULL, 1, &out, &count);
  for (size = 0; size < SIZE_OF_0_1_0; size++) {
    larger.query.struct_size = size;
    REFUSES("struct_size", peer_manager_load_random_peers, pm, &larger.query, 1, &out, &count);
    REFUSES("struct_size", peer_manager_get_peers_to_send, pm, &larger.query, NULL, 1, &out, &count);
  }
  peer_manager_free(pm);
}

/* The memory ends where the struct of 0.1.0 does, so that a memory checker sees a read behind it. */
static void the_query_of_0_1_is_served_as_before(void) {
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query *old = (peer_manager_query *)malloc(SIZE_OF_0_1_0);
  peer_manager_query later;
  peer_manager_address out[EACH];
  size_t count = 0;
  REQUIRE(old != NULL);
  peer_manager_query_init(old, SIZE_OF_0_1_0);
  old->type_filter = PEER_MANAGER_FILTER_OUTBOUND_ONLY;
  CHECK(SUCCEEDS(peer_manager_load_random_peers, pm, old, EACH, out, &count) && count == 3);
  CHECK(SUCCEEDS(peer_manager_get_peers_to_send, pm, old, NULL, EACH, out, &count) && count == 3);
  free(old);
  /* What is behind the caller's size counts for nothing, whatever is there. */
  check_fill(&later, sizeof later);
  peer_manager_query_init(&later, SIZE_OF_0_1_0);
  later.type_filter = PEER_MANAGER_FILTER_OUTBOUND_ONLY;
  CHECK(SUCCEEDS(peer_manager_load_random_peers, pm, &later, EACH, out, &count) && count == 3);
  later.struct_size = sizeof later;
  REFUSES("query->", peer_manager_load_random_peers, pm, &later, EACH, out, &count);
  peer_manager_free(pm);
}

static void null_and_sizes_that_no_memory_holds_are_refused(void) {
  static const size_t sizes[] = {SIZE_MAX / 256 + 1, SIZE_MAX / 256 + 2, SIZE_MAX, SIZE_MAX / 256, SIZE_MAX / 2};
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out;
  size_t count = 12345;
  size_t i;
  check_fill(&out, sizeof out);
  REFUSES("pm is NULL", peer_manager_load_random_peers, NULL, &query, 1, &out, &count);
  REFUSES("query is NULL", peer_manager_load_random_peers, pm, NULL, 1, &out, &count);
  REFUSES("out is NULL", peer_manager_load_random_peers, pm, &query, 1, NULL, &count);
  REFUSES("out_count is NULL", peer_manager_load_random_peers, pm, &query, 1, &out, NULL);
  REFUSES("pm is NULL", peer_manager_get_peers_to_send, NULL, NULL, NULL, 1, &out, &count);
  REFUSES("out is NULL", peer_manager_get_peers_to_send, pm, NULL, NULL, 1, NULL, &count);
  REFUSES("out_count is NULL", peer_manager_get_peers_to_send, pm, NULL, NULL, 1, &out, NULL);
  query.exclude_count = 1;
  REFUSES("exclude is NULL", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    query.exclude_count = 0;
    REFUSES("out", peer_manager_load_random_peers, pm, &query, sizes[i], &out, &count);
    REFUSES("out", peer_manager_get_peers_to_send, pm, NULL, NULL, sizes[i], &out, &count);
    query.exclude = &out;
    query.exclude_count = sizes[i];
    REFUSES("exclude", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
    REFUSES("exclude", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  }
  CHECK(check_is_filled(&out, sizeof out));
  CHECK(count == 12345);
  peer_manager_free(pm);
}

static void unknown_filters_and_bad_exclusions_are_refused(void) {
  static const uint32_t unknown[] = {6, 7, 255, UINT32_MAX};
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  const peer_manager_query defaults = PEER_MANAGER_QUERY_INIT;
  peer_manager_query query = defaults;
  peer_manager_address exclude[3];
  peer_manager_address out;
  size_t count = 12345;
  size_t i;
  check_fill(&out, sizeof out);
  for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    query.type_filter = unknown[i];
    REFUSES("type_filter", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
    REFUSES("type_filter", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  }
  query = defaults;
  exclude[0] = check_address("8.8.0.1", 1);
  exclude[1] = check_address("8.8.0.1", 2);
  exclude[2] = check_address("1.2.3", 1);
  query.exclude = exclude;
  query.exclude_count = 3;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "exclude[2]", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "exclude[2]", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  exclude[1] = check_latin1_address();
  REFUSES("exclude[1]", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  exclude[0] = check_endless_address();
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "exclude[0]", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "1.2.3", peer_manager_get_peers_to_send, pm, NULL, &exclude[2], 1, &out, &count);
  CHECK(check_is_filled(&out, sizeof out));
  CHECK(count == 12345);
  peer_manager_free(pm);
}

static void each_filter_lets_through_its_types(void) {
  static const struct {
    uint32_t filter;
    int lets_through[3];
  } filters[] = {
      {PEER_MANAGER_FILTER_INBOUND_ONLY, {1, 0, 0}},
      {PEER_MANAGER_FILTER_OUTBOUND_ONLY, {0, 1, 0}},
      {PEER_MANAGER_FILTER_PREFERRED_ONLY, {0, 0, 1}},
      {PEER_MANAGER_FILTER_ANY_OUTBOUND, {0, 1, 1}},
      {PEER_MANAGER_FILTER_ANY, {1, 1, 1}},
      {PEER_MANAGER_FILTER_NOT_PREFERRED, {1, 1, 0}},
  };
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_address out[3 * EACH];
  size_t f, i;
  for (f = 0; f < sizeof filters / sizeof filters[0]; f++) {
    peer_manager_query query = PEER_MANAGER_QUERY_INIT;
    const int *lets_through = filters[f].lets_through;
    const size_t types = (size_t)(lets_through[0] + lets_through[1] + lets_through[2]);
    size_t count;
    query.type_filter = filters[f].filter;
    count = check_draw(pm, &query, out, 3 * EACH);
    CHECK(count == types * 3);
    for (i = 0; i < count; i++) {
      CHECK(lets_through[type_of(&out[i])]);
      CHECK(out[i].port % 2 == 1);
    }
    query.use_next_attempt = 0;
    CHECK(check_draw(pm, &query, out, 3 * EACH) == types * EACH);
    query.max_num_failures = 1;
    CHECK(check_draw(pm, &query, out, 3 * EACH) == types * 2);
    query.has_max_num_failures = 0;
    CHECK(check_draw(pm, &query, out, 3 * EACH) == types * EACH);
  }
  peer_manager_free(pm);
}

static void a_draw_is_without_replacement_and_writes_only_what_it_counts(void) {
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out[3 * EACH + 2];
  size_t size, i, j;
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.use_next_attempt = 0;
  for (size = 0; size <= 3 * EACH + 2; size++) {
    size_t count;
    check_fill(out, sizeof out);
    count = check_draw(pm, &query, out, size);
    CHECK(count == (size < 3 * EACH ? size : 3 * EACH));
    CHECK(check_is_filled(out + count, sizeof out - count * sizeof out[0]));
    for (i = 0; i < count; i++) {
      for (j = 0; j < i; j++) CHECK(!peer_manager_address_equal(&out[i], &out[j]));
    }
  }
  CHECK(check_draw(pm, &query, NULL, 0) == 0);
  peer_manager_free(pm);
}

static void what_is_excluded_stays_out_in_any_spelling(void) {
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address exclude[4];
  peer_manager_address out[EACH];
  size_t count = 0;
  exclude[0] = check_address("::ffff:8.8.1.1", 1);
  exclude[1] = check_address("::FFFF:808:101", 3);
  exclude[2] = check_address("nobody.example", 3);
  exclude[3] = exclude[0];
  query.type_filter = PEER_MANAGER_FILTER_OUTBOUND_ONLY;
  query.exclude = exclude;
  query.exclude_count = 4;
  count = check_draw(pm, &query, out, EACH);
  CHECK(count == 1 && out[0].port == 5);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, &out[0], EACH, out, &count);
  CHECK(count == 0);
  peer_manager_free(pm);
}

/* A node draws twice into one array and leaves out what it has there. */
static void the_exclusions_may_be_the_memory_of_the_output(void) {
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out[2 * EACH];
  peer_manager_address first[2 * EACH];
  size_t count, i, j;
  query.use_next_attempt = 0;
  CHECK(check_draw(pm, &query, out, EACH) == EACH);
  memcpy(first, out, sizeof first);
  query.exclude = out;
  query.exclude_count = EACH;
  count = check_draw(pm, &query, out, 2 * EACH);
  CHECK(count == EACH);
  for (i = 0; i < count; i++) {
    for (j = 0; j < EACH; j++) CHECK(!peer_manager_address_equal(&out[i], &first[j]));
  }
  out[0] = check_address("8.8.2.1", 1);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, &out[0], 1, &out[0], &count);
  CHECK(count == 1 && type_of(&out[0]) == 2 && out[0].port != 1);
  peer_manager_free(pm);
}

static void one_seed_gives_the_same_choices_twice(void) {
  int64_t now = NOW;
  peer_manager *const pms[2] = {open_with_peers(&now), open_with_peers(&now)};
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out[2][3 * EACH];
  int round;
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.use_next_attempt = 0;
  for (round = 0; round < 20; round++) {
    size_t counts[2] = {0, 0};
    int i;
    memset(out, 0, sizeof out);
    for (i = 0; i < 2; i++) {
      peer_manager_address address = check_address("8.8.0.1", 1);
      if (round % 2 == 0) {
        counts[i] = check_draw(pms[i], &query, out[i], 3 * EACH);
      } else {
        (void)SUCCEEDS(peer_manager_get_peers_to_send, pms[i], NULL, NULL, 3 * EACH, out[i], &counts[i]);
      }
      (void)SUCCEEDS(peer_manager_update_backoff, pms[i], &address, PEER_MANAGER_BACKOFF_INCREASE);
    }
    CHECK(counts[0] == counts[1]);
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    CHECK(check_load(pms[0], "8.8.0.1", 1).next_attempt == check_load(pms[1], "8.8.0.1", 1).next_attempt);
  }
  peer_manager_free(pms[0]);
  peer_manager_free(pms[1]);
}

static void what_is_sent_is_public_and_sorted_by_type(void) {
  static const char *const hidden[] = {"10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fe80::1", "localhost"};
  int64_t now = NOW;
  peer_manager *pm = open_with_peers(&now);
  peer_manager_query filter = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out[32];
  size_t count = 0;
  size_t i;
  for (i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    peer_manager_record record = check_record(hidden[i], 1, 0, 0, PEER_MANAGER_TYPE_PREFERRED);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
  }
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 32, out, &count);
  CHECK(count == 3 * EACH);
  for (i = 0; i < count; i++) {
    CHECK(!peer_manager_address_is_private(&out[i]));
    CHECK(i == 0 || type_of(&out[i]) <= type_of(&out[i - 1]));
  }
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &filter, NULL, 32, out, &count);
  CHECK(count == 2 * 3);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, EACH, out, &count);
  CHECK(count == EACH);
  for (i = 0; i < count; i++) CHECK(type_of(&out[i]) == PEER_MANAGER_TYPE_PREFERRED);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 0, NULL, &count);
  CHECK(count == 0);
  CHECK(peer_manager_load_random_peers(pm, &filter, 32, out, &count, NULL) == PEER_MANAGER_OK);
  CHECK(peer_manager_get_peers_to_send(pm, NULL, NULL, 32, out, &count, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
}

int main(void) {
  the_query_has_its_layout();
  the_macro_and_the_function_initialise_alike();
  init_writes_the_caller_s_size_and_no_more();
  queries_of_another_size_are_read_as_far_as_known();
  null_and_sizes_that_no_memory_holds_are_refused();
  unknown_filters_and_bad_exclusions_are_refused();
  the_query_of_0_1_is_served_as_before();
  each_filter_lets_through_its_types();
  a_draw_is_without_replacement_and_writes_only_what_it_counts();
  what_is_excluded_stays_out_in_any_spelling();
  the_exclusions_may_be_the_memory_of_the_output();
  one_seed_gives_the_same_choices_twice();
  what_is_sent_is_public_and_sorted_by_type();
  return CHECK_RESULT();
}
