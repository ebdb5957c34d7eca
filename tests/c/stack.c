/*
 * How much stack calls take: less than the 64 KiB that the header promises to be enough, a thread of musl has 128. Every
 * function is called on a thread whose stack is painted below the caller before the call; where the paint is gone
 * afterwards, the call has been. The work is what takes most: opening, a file that is set aside, batches that evict, every
 * option of a query, long addresses.
 *
 * `stack DIRECTORY list` prints what each function took.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "check.h"

/* What a call may take, and what the thread has. Optimised less than the library that is shipped, calls take more. */
enum { PROMISED = 64 << 10, STACK = 512 << 10, SLACK = 1024, PEERS = 3000, FUNCTIONS = 80 };

static unsigned char *lowest; /* the end of the stack, towards which it grows */
static int is_watched;        /* by what would take every stroke of the brush for a fault */

typedef struct taken {
  const char *name;
  size_t bytes;
} taken;

static taken all_taken[FUNCTIONS];
static size_t functions;

#if defined(__GNUC__)
#define OUT_OF_LINE __attribute__((noinline))
#else
#define OUT_OF_LINE
#endif

/* Paints the stack below the caller's frame, up to what this function itself stands on. */
OUT_OF_LINE static void paint(void) {
  unsigned char here;
  volatile unsigned char *byte = lowest;
  /* A number: compilers may assume of pointers into different objects that neither is reached from the other. */
  const uintptr_t end = (uintptr_t)&here - SLACK;
  while (!is_watched && (uintptr_t)byte < end) *byte++ = CHECK_FILL;
}

/* How far below this frame, which is about where the call's was, the paint is gone. */
OUT_OF_LINE static void measure(const char *name) {
  unsigned char here;
  const volatile unsigned char *byte = lowest;
  size_t bytes = 0;
  size_t i;
  if (!is_watched) {
    while (*byte == CHECK_FILL) byte++;
    bytes = (size_t)((uintptr_t)&here - (uintptr_t)byte);
  }
  for (i = 0; i < functions && strcmp(all_taken[i].name, name) != 0; i++) continue;
  if (i == functions) {
    REQUIRE(functions < FUNCTIONS);
    all_taken[functions].name = name;
    all_taken[functions++].bytes = 0;
  }
  if (bytes > all_taken[i].bytes) all_taken[i].bytes = bytes;
}

/* A call that returns a status, which is OK. */
#define CALL(function, arguments) \
  do { \
    peer_manager_status status_; \
    paint(); \
    status_ = function arguments; \
    measure(#function); \
    if (!CHECK(status_ == PEER_MANAGER_OK)) fprintf(stderr, "  " #function ": %.248s\n", check_error.message); \
  } while (0)

/* A call that returns something else, or that fails. */
#define CALL_ANY(function, arguments) \
  do { \
    paint(); \
    (void)function arguments; \
    measure(#function); \
  } while (0)

static char path[4096];
static char other_path[4096];
static peer_manager_address peers[PEERS];
static peer_manager_record records[PEERS];
static peer_manager_address out[PEERS];
static peer_manager_ban_entry bans[8];
static peer_manager_options options;
static peer_manager_query query;
static peer_manager_stats stats;
static peer_manager_history history;
static peer_manager_record record;
static struct sockaddr_storage storage;
static char text[4096];

#define LONGEST "a23456789.b23456789.c23456789.d23456789.e23456789.f23456789.g23456789.h23456789.i23456789." \
  "j23456789.k23456789.l23456789.m23456789.n23456789.o23456789.p23456789.q23456789.r23456789." \
  "s23456789.t23456789.u23456789.v23456789.w23456789.example.org"

static void make_peers(void) {
  unsigned n;
  for (n = 0; n < PEERS; n++) {
    memset(&peers[n], 0, sizeof peers[n]);
    peers[n].port = 11625;
    if (n % 3 == 0) {
      snprintf(peers[n].host, sizeof peers[n].host, "52.%u.%u.7", n >> 8, n & 255);
    } else if (n % 3 == 1) {
      snprintf(peers[n].host, sizeof peers[n].host, "2a00:%x::1", n);
    } else {
      snprintf(peers[n].host, sizeof peers[n].host, "n%u." LONGEST, n);
    }
    records[n].address = peers[n];
    records[n].next_attempt = (int64_t)n;
    records[n].num_failures = n % 130;
    records[n].peer_type = n % 3;
  }
}

static void pure_functions(void) {
  size_t length = 0;
  memset(&storage, 0, sizeof storage);
  CALL_ANY(peer_manager_version_number, ());
  CALL_ANY(peer_manager_version_string, ());
  CALL_ANY(peer_manager_build_info, ());
  CALL_ANY(peer_manager_status_name, (PEER_MANAGER_OK));
  CALL(peer_manager_address_init, (LONGEST, 1, &out[0], &check_error));
  CALL(peer_manager_address_parse, ("[2a00:1450::ffff:1.2.3.4]:1", 0, &out[0], &check_error));
  CALL_ANY(peer_manager_address_parse, ("\x01\x02 not an address \xFF", 0, &out[0], &check_error));
  CALL(peer_manager_address_format, (&peers[2], text, sizeof text, &check_error));
  CALL_ANY(peer_manager_address_equal, (&peers[2], &peers[2]));
  CALL_ANY(peer_manager_address_is_private, (&peers[2]));
  CALL_ANY(peer_manager_address_is_routable, (&peers[1]));
  CALL(peer_manager_address_to_sockaddr, (&peers[1], &storage, &length, &check_error));
  CALL(peer_manager_address_from_sockaddr,
       ((const struct sockaddr *)(const void *)&storage, length, &out[0], &check_error));
  CALL(peer_manager_record_init, (&peers[2], 0, &record, &check_error));
  CALL_ANY(peer_manager_record_is_ready, (&records[0], 1));
  CALL_ANY(peer_manager_options_init, (&options, sizeof options));
  CALL_ANY(peer_manager_query_init, (&query, sizeof query));
  CALL_ANY(peer_manager_stats_init, (&stats, sizeof stats));
}

static void queries(peer_manager *pm) {
  size_t count = 0;
  int64_t due = 0;
  uint64_t netgroup = 0;
  size_t i;
  for (i = 0; i < 4; i++) {
    peer_manager_query_init(&query, sizeof query);
    query.exclude = peers;
    query.exclude_count = 500;
    query.type_filter = PEER_MANAGER_FILTER_ANY;
    query.max_per_netgroup = i % 2 == 0 ? 0 : 1;
    query.seniority = i < 2 ? 0 : 8;
    query.apart = i == 3;
    query.heard_since = i == 1 ? 1 : 0;
    CALL(peer_manager_load_random_peers, (pm, &query, 500, out, &count, &check_error));
  }
  CALL(peer_manager_get_peers_to_send, (pm, NULL, &peers[0], 500, out, &count, &check_error));
  CALL(peer_manager_next_to_dial, (pm, PEER_MANAGER_DIAL_CONNECT, peers, 8, 100, out, &count, &check_error));
  CALL(peer_manager_next_to_dial, (pm, PEER_MANAGER_DIAL_FEELER, peers, 8, 100, out, &count, &check_error));
  /* It fails when no peer waits, which is a matter of chance here. */
  CALL_ANY(peer_manager_next_due, (pm, &due, &check_error));
  CALL(peer_manager_address_netgroup, (pm, &peers[1], &netgroup, &check_error));
}

static void reading(peer_manager *pm) {
  peer_manager_snapshot *snapshot = NULL;
  size_t count = 0;
  uint64_t saved = 0, lost = 0;
  CALL(peer_manager_load, (pm, &peers[2], &record, &check_error));
  CALL(peer_manager_load_history, (pm, &peers[2], &history, &check_error));
  CALL(peer_manager_get_data, (pm, &peers[2], text, sizeof text, &count, &check_error));
  CALL_ANY(peer_manager_peer_count, (pm));
  stats.struct_size = sizeof stats;
  CALL(peer_manager_get_stats, (pm, &stats, &check_error));
  CALL(peer_manager_get_bans, (pm, 8, bans, &count, &check_error));
  CALL_ANY(peer_manager_is_banned, (pm, &peers[2]));
  CALL_ANY(peer_manager_get_quarantine, (pm, text, sizeof text, &saved, &lost, &check_error));
  CALL(peer_manager_get_all_peers, (pm, &snapshot, &check_error));
  CALL_ANY(peer_manager_snapshot_count, (snapshot));
  CALL(peer_manager_snapshot_get, (snapshot, 0, &record, &check_error));
  CALL(peer_manager_snapshot_get_history, (snapshot, 0, &history, &check_error));
  CALL(peer_manager_snapshot_get_data, (snapshot, 0, text, sizeof text, &count, &check_error));
  CALL_ANY(peer_manager_snapshot_free, (snapshot));
}

static void changes(peer_manager *pm) {
  size_t count = 0;
  CALL(peer_manager_ensure_exists_many, (pm, peers, PEERS, &count, &check_error));
  CALL(peer_manager_store_many, (pm, records, PEERS / 2, &check_error));
  CALL(peer_manager_ensure_exists, (pm, &peers[2], &check_error));
  CALL(peer_manager_store, (pm, &records[2], &check_error));
  CALL(peer_manager_update_type, (pm, &peers[2], PEER_MANAGER_TYPE_OUTBOUND, 0, &check_error));
  CALL(peer_manager_update_backoff, (pm, &peers[2], PEER_MANAGER_BACKOFF_INCREASE, &check_error));
  CALL(peer_manager_update,
       (pm, &peers[2], PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET, &check_error));
  CALL(peer_manager_set_data, (pm, &peers[2], text, 255, &check_error));
  CALL(peer_manager_set_own_addresses, (pm, &peers[5], 2, &check_error));
  CALL(peer_manager_set_online, (pm, 0, &check_error));
  CALL(peer_manager_set_online, (pm, 1, &check_error));
  CALL(peer_manager_ban, (pm, "52.1.0.0/16", INT64_MAX, &count, &check_error));
  CALL(peer_manager_ban, (pm, "n8." LONGEST, INT64_MAX, &count, &check_error));
}

static void removals(peer_manager *pm) {
  size_t count = 0;
  CALL(peer_manager_unban, (pm, "52.1.0.0/16", &check_error));
  CALL(peer_manager_import, (pm, other_path, &count, &check_error));
  CALL(peer_manager_limit_next_attempt, (pm, 5, &count, &check_error));
  CALL(peer_manager_remove, (pm, &peers[2], &check_error));
  CALL(peer_manager_remove_host, (pm, "2a00:1::1", &count, &check_error));
  CALL(peer_manager_remove_peers_with_many_failures, (pm, 120, &count, &check_error));
  CALL(peer_manager_remove_peers_not_heard_since, (pm, 1, &count, &check_error));
  CALL(peer_manager_flush, (pm, &check_error));
  CALL(peer_manager_clear_all, (pm, &check_error));
}

static void on_a_file(uint32_t durability) {
  peer_manager *pm = NULL;
  peer_manager_options_init(&options, sizeof options);
  options.db_path = path;
  options.durability = durability;
  options.keep_history = 1;
  options.max_peers = PEERS / 2;
  options.max_peers_per_netgroup = 16;
  options.name_groups = 1;
  options.share_cache_seconds = 60;
  options.on_corrupt = PEER_MANAGER_ON_CORRUPT_QUARANTINE;
  CALL(peer_manager_open, (&options, &pm, &check_error));
  if (pm == NULL) return;
  changes(pm);
  queries(pm);
  reading(pm);
  CALL_ANY(peer_manager_free, (pm));
  CALL(peer_manager_open, (&options, &pm, &check_error));
  removals(pm);
  CALL_ANY(peer_manager_free, (pm));
}

/* The first page stays, all others are garbage: pages are searched for peers one by one. */
static void damage(const char *file_path) {
  FILE *file = fopen(file_path, "r+b");
  int byte;
  long at;
  REQUIRE(file != NULL);
  for (at = 4096; fseek(file, at, SEEK_SET) == 0 && (byte = fgetc(file)) != EOF; at += 8192) {
    REQUIRE(fseek(file, at, SEEK_SET) == 0);
    REQUIRE(fputc(byte ^ 0xFF, file) != EOF);
  }
  REQUIRE(fclose(file) == 0);
}

static void on_a_damaged_file(void) {
  peer_manager *pm = NULL;
  CALL(peer_manager_new_with_db, (path, &pm, &check_error));
  CALL(peer_manager_ensure_exists_many, (pm, peers, PEERS, NULL, &check_error));
  CALL(peer_manager_flush, (pm, &check_error));
  CALL_ANY(peer_manager_free, (pm));
  damage(path);
  pm = NULL;
  CALL_ANY(peer_manager_new_with_db, (path, &pm, &check_error));
  CHECK(pm == NULL && check_error.status == PEER_MANAGER_ERROR_CORRUPT);
  options.max_peers = 0;
  CALL(peer_manager_open, (&options, &pm, &check_error));
  CALL(peer_manager_get_quarantine, (pm, text, sizeof text, NULL, NULL, &check_error));
  CALL_ANY(peer_manager_free, (pm));
}

static void *measured(void *context) {
  peer_manager *pm = NULL;
  (void)context;
  pure_functions();
  CALL(peer_manager_new_with_db, (other_path, &pm, &check_error));
  CALL(peer_manager_ensure_exists_many, (pm, peers, PEERS / 3, NULL, &check_error));
  CALL_ANY(peer_manager_free, (pm));
  on_a_file(PEER_MANAGER_DURABILITY_COMMIT);
  on_a_file(PEER_MANAGER_DURABILITY_DEFERRED);
  on_a_damaged_file();
  CALL(peer_manager_new_in_memory, (&pm, &check_error));
  changes(pm);
  CALL_ANY(peer_manager_free, (pm));
  CALL_ANY(peer_manager_from_connection, ((struct sqlite3 *)(uintptr_t)16, "another copy", &pm, &check_error));
  return NULL;
}

/* On a stack that is known from end to end. It is not under guard: 512 KiB are far more than may be taken. */
static void on_a_painted_stack(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  void *stack = NULL;
  int created;
  int joined;
  REQUIRE(posix_memalign(&stack, 64 << 10, STACK) == 0);
  lowest = (unsigned char *)stack;
  /* The C library keeps something of the thread at the upper end, never at the lower one. */
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstack(&attributes, stack, STACK) == 0);
  /* Nothing is checked while the thread runs, because checks are counted without a lock. */
  created = pthread_create(&thread, &attributes, measured, NULL);
  joined = created == 0 ? pthread_join(thread, NULL) : created;
  REQUIRE(created == 0 && joined == 0);
  CHECK(pthread_attr_destroy(&attributes) == 0);
  free(stack);
}

int main(int argc, char **argv) {
  const int is_list = argc == 3 && strcmp(argv[2], "list") == 0;
  const char *directory = check_directory(is_list ? 2 : argc, argv);
  size_t most = 0;
  size_t i;
  check_path(path, sizeof path, directory, "stack.db");
  check_path(other_path, sizeof other_path, directory, "other.db");
  is_watched = check_is_watched();
  if (is_watched) fprintf(stderr, "skipped: the stack is not the library's alone here, so nothing is measured\n");
  make_peers();
  on_a_painted_stack();
  for (i = 0; i < functions; i++) {
    if (is_list) printf("%8zu %s\n", all_taken[i].bytes, all_taken[i].name);
    if (all_taken[i].bytes > all_taken[most].bytes) most = i;
    if (!CHECK(all_taken[i].bytes < PROMISED)) {
      fprintf(stderr, "  %s takes %zu bytes of stack\n", all_taken[i].name, all_taken[i].bytes);
    }
  }
  REQUIRE(functions > 0);
  printf("most: %zu bytes, %s\n", all_taken[most].bytes, all_taken[most].name);
  return CHECK_RESULT();
}
