/*
 * What the C tests share. A check that fails is printed and counted, and the test goes on; CHECK_RESULT() is what
 * main returns. None of this is assert(): NDEBUG must not turn a test into nothing.
 *
 * The programs are written in the common subset of C99 and C++11, because both kinds of caller include the header.
 */
#ifndef PEER_MANAGER_TESTS_CHECK_H
#define PEER_MANAGER_TESTS_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer_manager.h"

/* Counts of this program; used by its main thread only. */
static int check_failures;
static int check_count;

/* What every call writes its errors to. */
static peer_manager_error check_error;

/* The byte that outputs are filled with before a call that must not touch them. */
#define CHECK_FILL 0xA5

static inline int check_that(int holds, const char *expression, const char *file, int line) {
  check_count++;
  if (!holds) {
    check_failures++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, expression);
  }
  return holds;
}

/* A statement that must hold; the test goes on when it does not. */
#define CHECK(expression) check_that((expression) ? 1 : 0, #expression, __FILE__, __LINE__)

/* A statement without which the rest of the test makes no sense. */
#define REQUIRE(expression) \
  do { \
    if (!CHECK(expression)) exit(1); \
  } while (0)

#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)

static inline void check_text(const char *actual, const char *expected, const char *expression, const char *file,
                              int line) {
  if (!check_that(strcmp(actual, expected) == 0, expression, file, line)) {
    fprintf(stderr, "  is \"%s\" instead of \"%s\"\n", actual, expected);
  }
}

static inline void check_fill(void *bytes, size_t size) {
  memset(bytes, CHECK_FILL, size);
}

static inline int check_is_filled(const void *bytes, size_t size) {
  const unsigned char *byte = (const unsigned char *)bytes;
  size_t i;
  for (i = 0; i < size; i++) {
    if (byte[i] != CHECK_FILL) return 0;
  }
  return 1;
}

/* Fills the error, so that it is seen whether the call wrote it. */
static inline void check_prepare(void) {
  check_fill(&check_error, sizeof check_error);
}

/* The length of well-formed UTF-8 without control characters, or -1; at most `capacity` bytes with the NUL. */
static inline int check_line_of_utf8(const char *text, size_t capacity) {
  const unsigned char *byte = (const unsigned char *)text;
  size_t i = 0;
  while (i < capacity) {
    size_t more = byte[i] < 0x80 ? 0 : byte[i] >> 5 == 6 ? 1 : byte[i] >> 4 == 14 ? 2 : byte[i] >> 3 == 30 ? 3 : 9;
    if (byte[i] == 0) return (int)i;
    if (byte[i] < 0x20 || byte[i] == 0x7F || more == 9) return -1;
    for (i++; more > 0; more--, i++) {
      if (i >= capacity || byte[i] >> 6 != 2) return -1;
    }
  }
  return -1;
}

static inline int check_succeeded(peer_manager_status status, const char *call, const char *file, int line) {
  int holds = check_that(status == PEER_MANAGER_OK, call, file, line);
  if (!holds) {
    fprintf(stderr, "  status %d: %.248s\n", (int)status, check_error.message);
    return 0;
  }
  return check_that(check_is_filled(&check_error, sizeof check_error), "the error is untouched on success", file, line);
}

static inline void check_failed(peer_manager_status status, peer_manager_status expected, const char *fragment,
                                const char *call, const char *file, int line) {
  if (!check_that(status == expected, call, file, line)) {
    fprintf(stderr, "  status %d instead of %d\n", (int)status, (int)expected);
    if (status == PEER_MANAGER_OK) return;
  }
  check_that(check_error.status == status, "error.status is the status returned", file, line);
  if (!check_that(check_line_of_utf8(check_error.message, sizeof check_error.message) > 0,
                  "the message is one line of NUL-terminated UTF-8", file, line)) {
    return;
  }
  if (!check_that(strstr(check_error.message, fragment) != NULL, "the message says what it should", file, line)) {
    fprintf(stderr, "  \"%s\" is not in \"%s\"\n", fragment, check_error.message);
  }
}

/* The call function(arguments..., error) must succeed and leave the error as it is. */
#define SUCCEEDS(function, ...) \
  (check_prepare(), check_succeeded(function(__VA_ARGS__, &check_error), #function "(" #__VA_ARGS__ ")", __FILE__, __LINE__))

/*
 * The call function(arguments..., error) must fail with this status and a message with this fragment. It is done
 * a second time with a NULL error: the status is the same, because a call that failed has changed nothing.
 */
#define FAILS(status, fragment, function, ...) \
  (check_prepare(), \
   check_failed(function(__VA_ARGS__, &check_error), (status), (fragment), #function "(" #__VA_ARGS__ ")", __FILE__, __LINE__), \
   (void)check_that(function(__VA_ARGS__, NULL) == (status), #function "(" #__VA_ARGS__ ", NULL)", __FILE__, __LINE__))

/* The most frequent failure: an argument that can never be right. */
#define REFUSES(fragment, function, ...) FAILS(PEER_MANAGER_ERROR_INVALID_ARGUMENT, fragment, function, __VA_ARGS__)

/* An address filled in by hand, in the spelling given, with garbage behind the NUL. */
static inline peer_manager_address check_address(const char *host, uint16_t port) {
  peer_manager_address address;
  check_fill(&address, sizeof address);
  memcpy(address.host, host, strlen(host) + 1);
  address.port = port;
  return address;
}

static inline peer_manager_record check_record(const char *host, uint16_t port, int64_t next_attempt,
                                               uint32_t num_failures, uint32_t peer_type) {
  peer_manager_record record;
  record.address = check_address(host, port);
  record.next_attempt = next_attempt;
  record.num_failures = num_failures;
  record.peer_type = peer_type;
  return record;
}

/* An address whose 254 bytes hold no NUL, and one that is not UTF-8. */
static inline peer_manager_address check_endless_address(void) {
  peer_manager_address address = check_address("", 1);
  memset(address.host, 'a', sizeof address.host);
  return address;
}

static inline peer_manager_address check_latin1_address(void) {
  return check_address("caf\xE9.example", 1);
}

/* A clock that stands where its context says. */
static inline int64_t check_clock(void *now) {
  return *(int64_t *)now;
}

static inline void check_path(char *path, size_t capacity, const char *directory, const char *name) {
  int length = snprintf(path, capacity, "%s/%s", directory, name);
  REQUIRE(length > 0 && (size_t)length < capacity);
}

static inline peer_manager_stats check_stats(peer_manager *pm) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  REQUIRE(SUCCEEDS(peer_manager_get_stats, pm, &stats));
  return stats;
}

/* Draws up to size peers, and returns how many there are. */
static inline size_t check_draw(peer_manager *pm, const peer_manager_query *query, peer_manager_address *out,
                                size_t size) {
  size_t count = 12345;
  (void)SUCCEEDS(peer_manager_load_random_peers, pm, query, size, out, &count);
  CHECK(count <= size);
  return count <= size ? count : 0;
}

/* A manager on a file, or in memory when path is NULL; with a clock when now is not NULL; with a fixed seed. */
static inline peer_manager *check_open(const char *path, int64_t *now) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.has_rng_seed = 1;
  options.rng_seed = 1;
  options.clock = now == NULL ? NULL : check_clock;
  options.clock_context = now;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  REQUIRE(pm != NULL);
  return pm;
}

/* Reads what a manager knows of an address that it must know. */
static inline peer_manager_record check_load(peer_manager *pm, const char *host, uint16_t port) {
  peer_manager_address address = check_address(host, port);
  peer_manager_record record;
  memset(&record, 0, sizeof record);
  (void)SUCCEEDS(peer_manager_load, pm, &address, &record);
  return record;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CHECK_HAS_SANITIZER 1
#endif
#endif
#ifndef CHECK_HAS_SANITIZER
#define CHECK_HAS_SANITIZER 0
#endif

/* Whether a sanitizer or valgrind (which preloads objects of its own) uses memory besides the library. */
static inline int check_is_watched(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return CHECK_HAS_SANITIZER || (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL);
}

/* The directory that the harness made for this program's files. */
static inline const char *check_directory(int argc, char **argv) {
  REQUIRE(argc == 2);
  return argv[1];
}

/* What main returns: 0 only if something was checked and all of it held. */
static inline int check_result(void) {
  printf("%d checks, %d failures\n", check_count, check_failures);
  return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#define CHECK_RESULT() check_result()

#endif
