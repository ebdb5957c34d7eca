/*
 * Processes that are killed while they change a file: what they have acknowledged is in the file afterwards, and the file
 * is sound. Each process acknowledges a change, through a pipe, when it promises to survive the process: with COMMIT and
 * SYNC when the call has returned, with DEFERRED when a flush has. It is killed after so many acknowledgements, while it
 * goes on.
 *
 * PEER_MANAGER_TEST_SEED repeats a run.
 */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 8, PEERS = 40, FLUSH_EVERY = 5, MOST_ACKNOWLEDGED = 120 };

static const uint32_t DURABILITIES[] = {PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_SYNC,
                                        PEER_MANAGER_DURABILITY_DEFERRED};

static uint64_t state;

/* Any numbers will do that differ from run to run (xorshift64). */
static uint32_t below(uint32_t bound) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % bound;
}

static peer_manager *open_file(const char *path, uint32_t durability) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.durability = durability;
  options.flush_interval_ms = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static peer_manager_address peer(uint32_t number) {
  char host[32];
  snprintf(host, sizeof host, "52.0.%u.1", (unsigned)(number % PEERS));
  return check_address(host, 11625);
}

/* Change number n gives this time to peer n % PEERS, so the times of a peer only grow. */
static int64_t time_of(uint32_t number) {
  return 1000000 + (int64_t)number;
}

/* In the child: changes the file until it is killed, and acknowledges. */
static void live(const char *path, uint32_t durability, uint32_t first, int to_parent) {
  peer_manager *pm = open_file(path, durability);
  uint32_t number;
  for (number = first;; number++) {
    peer_manager_record record;
    memset(&record, 0, sizeof record);
    record.address = peer(number);
    record.next_attempt = time_of(number);
    if (peer_manager_store(pm, &record, &check_error) != PEER_MANAGER_OK) break;
    if (durability == PEER_MANAGER_DURABILITY_DEFERRED) {
      if (number % FLUSH_EVERY != 0) continue;
      if (peer_manager_flush(pm, &check_error) != PEER_MANAGER_OK) break;
    }
    if (write(to_parent, &number, sizeof number) != (ssize_t)sizeof number) break;
  }
  fprintf(stderr, "the child ended by itself: %.248s\n", check_error.message);
  _exit(1);
}

/* Reads the next acknowledgement; 0 if there is none any more. */
static int is_acknowledged(int from_child, uint32_t *number) {
  ssize_t length;
  do {
    length = read(from_child, number, sizeof *number);
  } while (length < 0 && errno == EINTR);
  return length == (ssize_t)sizeof *number;
}

/* Lets a process begin with change number `first`, kills it, and returns the number of the last change acknowledged. */
static uint32_t killed(const char *path, uint32_t durability, uint32_t first) {
  const uint32_t wanted = 1 + below(MOST_ACKNOWLEDGED);
  uint32_t seen = 0;
  uint32_t last = first - 1;
  int ends[2];
  int status = 0;
  pid_t child;
  fflush(NULL);
  REQUIRE(pipe(ends) == 0);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    (void)close(ends[0]);
    live(path, durability, first, ends[1]);
  }
  CHECK(close(ends[1]) == 0);
  while (seen < wanted && is_acknowledged(ends[0], &last)) seen++;
  CHECK(seen == wanted);
  CHECK(kill(child, SIGKILL) == 0);
  /* What it acknowledged before the signal came counts, too. */
  while (is_acknowledged(ends[0], &last)) continue;
  CHECK(close(ends[0]) == 0);
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return last;
}

/* Each peer is as a change made it that is not older than the last one acknowledged. Returns the last change in the file. */
static uint32_t nothing_is_lost(const char *path, uint32_t durability, uint32_t acknowledged) {
  peer_manager *pm = open_file(path, durability);
  uint32_t newest = 0;
  uint32_t i;
  CHECK(check_stats(pm).skipped_rows == 0);
  for (i = 0; i < PEERS && i < acknowledged; i++) {
    const uint32_t number = acknowledged - i;
    const peer_manager_address address = peer(number);
    peer_manager_record record = check_load(pm, address.host, address.port);
    CHECK(record.next_attempt >= time_of(number));
    CHECK((record.next_attempt - time_of(number)) % PEERS == 0);
    if (record.next_attempt - 1000000 > newest) newest = (uint32_t)(record.next_attempt - 1000000);
  }
  peer_manager_free(pm);
  return newest;
}

static void killed_again_and_again(const char *directory, uint32_t durability) {
  char path[4096];
  char name[16];
  uint32_t newest = 0;
  int kills;
  snprintf(name, sizeof name, "killed-%u.db", (unsigned)durability);
  check_path(path, sizeof path, directory, name);
  for (kills = 0; kills < KILLS; kills++) {
    const uint32_t acknowledged = killed(path, durability, newest + 1);
    newest = nothing_is_lost(path, durability, acknowledged);
    CHECK(newest >= acknowledged);
  }
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  const char *given = getenv("PEER_MANAGER_TEST_SEED");
  size_t i;
  state = given == NULL ? (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid() : strtoull(given, NULL, 10);
  if (state == 0) state = 1;
  fprintf(stderr, "PEER_MANAGER_TEST_SEED=%llu\n", (unsigned long long)state);
  for (i = 0; i < sizeof DURABILITIES / sizeof DURABILITIES[0]; i++) killed_again_and_again(directory, DURABILITIES[i]);
  return CHECK_RESULT();
}
