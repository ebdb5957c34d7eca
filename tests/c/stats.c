/* The header's section on counts: what they say, and that no byte outside the caller's struct is written. */
#include "check.h"

/* What a program passes that was compiled against 0.1.0. */
enum { SIZE_OF_0_1_0 = 88 };

/* Stats as a newer library's header would have them. */
typedef struct larger_stats {
  peer_manager_stats stats;
  unsigned char tail[32];
} larger_stats;

static void the_stats_have_their_layout(void) {
  CHECK(sizeof(peer_manager_stats) == 120);
  CHECK(offsetof(peer_manager_stats, struct_size) == 0);
  CHECK(offsetof(peer_manager_stats, durability) == 4);
  CHECK(offsetof(peer_manager_stats, peers) == 8);
  CHECK(offsetof(peer_manager_stats, inbound) == 16);
  CHECK(offsetof(peer_manager_stats, outbound) == 24);
  CHECK(offsetof(peer_manager_stats, preferred) == 32);
  CHECK(offsetof(peer_manager_stats, ready) == 40);
  CHECK(offsetof(peer_manager_stats, netgroups) == 48);
  CHECK(offsetof(peer_manager_stats, pending_writes) == 56);
  CHECK(offsetof(peer_manager_stats, failed_writes) == 64);
  CHECK(offsetof(peer_manager_stats, skipped_rows) == 72);
  CHECK(offsetof(peer_manager_stats, refused_peers) == 80);
  /* Since 0.2.0, behind what 0.1.0 had. */
  CHECK(offsetof(peer_manager_stats, bans) == SIZE_OF_0_1_0);
  CHECK(offsetof(peer_manager_stats, log_bytes) == 96);
  CHECK(offsetof(peer_manager_stats, forgiven_failures) == 104);
  CHECK(offsetof(peer_manager_stats, rejected_rows) == 112);
}

static void the_macro_and_the_function_initialise_alike(void) {
  const peer_manager_stats by_macro = PEER_MANAGER_STATS_INIT;
  peer_manager_stats by_function;
  check_fill(&by_function, sizeof by_function);
  peer_manager_stats_init(&by_function, sizeof by_function);
  CHECK(memcmp(&by_macro, &by_function, sizeof by_macro) == 0);
  CHECK(by_macro.struct_size == sizeof by_macro);
  CHECK(by_macro.peers == 0 && by_macro.refused_peers == 0);
  CHECK(by_macro.bans == 0 && by_macro.log_bytes == 0);
  CHECK(by_macro.forgiven_failures == 0 && by_macro.rejected_rows == 0);
}

static void init_writes_the_caller_s_size_and_no_more(void) {
  larger_stats guarded;
  unsigned char *const bytes = (unsigned char *)&guarded;
  size_t size, i;
  for (size = 0; size <= sizeof guarded; size++) {
    const uint32_t said = (uint32_t)size;
    check_fill(&guarded, sizeof guarded);
    peer_manager_stats_init(&guarded.stats, size);
    CHECK(check_is_filled(bytes + size, sizeof guarded - size));
    if (size < sizeof said) {
      CHECK(check_is_filled(bytes, size));
      continue;
    }
    CHECK(memcmp(bytes, &said, sizeof said) == 0);
    for (i = sizeof said; i < size; i++) CHECK(bytes[i] == 0);
  }
  peer_manager_stats_init(NULL, sizeof guarded);
}

static void null_is_refused_by_name(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  const peer_manager_stats before = stats;
  REFUSES("pm is NULL", peer_manager_get_stats, NULL, &stats);
  REFUSES("out is NULL", peer_manager_get_stats, pm, NULL);
  CHECK(memcmp(&stats, &before, sizeof stats) == 0);
  peer_manager_free(pm);
}

/* The memory ends where the caller's struct does, so that a memory checker sees a write behind it too. */
static void the_caller_s_struct_is_all_that_is_written(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_stats *exact = (peer_manager_stats *)malloc(sizeof *exact);
  peer_manager_address address = check_address("192.0.2.1", 1);
  REQUIRE(exact != NULL);
  peer_manager_stats_init(exact, sizeof *exact);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  (void)SUCCEEDS(peer_manager_get_stats, pm, exact);
  CHECK(exact->peers == 1);
  CHECK(exact->struct_size == sizeof *exact);
  free(exact);
  peer_manager_free(pm);
}

static void stats_of_another_size_are_served_or_refused(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  larger_stats larger;
  larger_stats before;
  uint32_t size;
  size_t i;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  peer_manager_stats_init(&larger.stats, sizeof larger);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &larger.stats);
  CHECK(larger.stats.peers == 1);
  CHECK(larger.stats.struct_size == sizeof larger);
  for (i = 0; i < sizeof larger.tail; i++) CHECK(larger.tail[i] == 0);
  for (i = 0; i < sizeof larger.tail; i++) {
    peer_manager_stats_init(&larger.stats, sizeof larger);
    larger.tail[i] = 1;
    before = larger;
    FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "peer_manager_stats", peer_manager_get_stats, pm, &larger.stats);
    CHECK(memcmp(&larger, &before, sizeof larger) == 0);
  }
  for (size = 0; size < SIZE_OF_0_1_0; size++) {
    check_fill(&larger, sizeof larger);
    larger.stats.struct_size = size;
    before = larger;
    REFUSES("struct_size", peer_manager_get_stats, pm, &larger.stats);
    CHECK(memcmp(&larger, &before, sizeof larger) == 0);
  }
  peer_manager_free(pm);
}

/* Its memory ends where its struct does, and between the two versions there may be others. */
static void an_older_caller_is_served_with_what_it_knows(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("192.0.2.1", 1);
  const peer_manager_stats *served;
  uint32_t size;
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
  for (size = SIZE_OF_0_1_0; size < sizeof(peer_manager_stats); size++) {
    unsigned char *const exact = (unsigned char *)malloc(size);
    larger_stats guarded;
    REQUIRE(exact != NULL);
    peer_manager_stats_init((peer_manager_stats *)exact, size);
    (void)SUCCEEDS(peer_manager_get_stats, pm, (peer_manager_stats *)exact);
    served = (const peer_manager_stats *)exact;
    CHECK(served->peers == 1 && served->inbound == 1 && served->struct_size == size);
    free(exact);
    check_fill(&guarded, sizeof guarded);
    guarded.stats.struct_size = size;
    (void)SUCCEEDS(peer_manager_get_stats, pm, &guarded.stats);
    CHECK(guarded.stats.peers == 1 && guarded.stats.refused_peers == 0);
    CHECK(check_is_filled((unsigned char *)&guarded + size, sizeof guarded - size));
  }
  peer_manager_free(pm);
}

static void the_counts_are_of_what_is_in_the_table(const char *directory) {
  static const struct {
    const char *host;
    int64_t next_attempt;
    uint32_t type;
  } peers[] = {
      {"192.0.2.1", 100, 0},   {"192.0.99.1", 101, 0}, {"192.1.2.1", 99, 1},   {"2001:db8::1", 100, 1},    {"2001:db8:ffff::1", 200, 1},
      {"2001:db9::1", 0, 2},   {"example.org", 0, 2},  {"www.example.org", 500, 2}, {"::ffff:192.0.2.7", 1, 2},
  };
  int64_t now = 100;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_address local = check_address("192.0.2.1", 1);
  peer_manager *pm;
  char path[4096];
  size_t i;
  check_path(path, sizeof path, directory, "stats.db");
  pm = check_open(path, &now);
  for (i = 0; i < sizeof peers / sizeof peers[0]; i++) {
    peer_manager_record record = check_record(peers[i].host, 1, peers[i].next_attempt, 0, peers[i].type);
    (void)SUCCEEDS(peer_manager_store, pm, &record);
  }
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.durability == PEER_MANAGER_DURABILITY_COMMIT);
  CHECK(stats.peers == 9 && stats.inbound == 2 && stats.outbound == 3 && stats.preferred == 4);
  CHECK(stats.ready == 6);
  /* 192.0/16, 192.1/16, 2001:db8/32, 2001:db9/32, and each of the names. */
  CHECK(stats.netgroups == 6);
  CHECK(stats.bans == 0 && stats.forgiven_failures == 0 && stats.rejected_rows == 0);
  CHECK(stats.pending_writes == 0 && stats.failed_writes == 0 && stats.skipped_rows == 0 && stats.refused_peers == 0);
  now = 200;
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.ready == 8);
  (void)SUCCEEDS(peer_manager_remove, pm, &local);
  CHECK(peer_manager_get_stats(pm, &stats, NULL) == PEER_MANAGER_OK);
  CHECK(stats.peers == 8 && stats.inbound == 1 && stats.netgroups == 6);
  peer_manager_free(pm);
}

static void stats_may_be_used_again_and_again(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  uint16_t port;
  for (port = 1; port <= 5; port++) {
    peer_manager_address address = check_address("192.0.2.1", port);
    (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);
    (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
    CHECK(stats.peers == port);
  }
  (void)SUCCEEDS(peer_manager_clear_all, pm);
  (void)SUCCEEDS(peer_manager_get_stats, pm, &stats);
  CHECK(stats.peers == 0 && stats.netgroups == 0 && stats.ready == 0);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  the_stats_have_their_layout();
  the_macro_and_the_function_initialise_alike();
  init_writes_the_caller_s_size_and_no_more();
  null_is_refused_by_name();
  the_caller_s_struct_is_all_that_is_written();
  stats_of_another_size_are_served_or_refused();
  an_older_caller_is_served_with_what_it_knows();
  the_counts_are_of_what_is_in_the_table(directory);
  stats_may_be_used_again_and_again();
  return CHECK_RESULT();
}
