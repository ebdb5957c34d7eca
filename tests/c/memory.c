/* Memory that the system refuses: the call fails with PEER_MANAGER_ERROR_NO_MEMORY, or does without, and never aborts. */
#include "check.h"

#include <sys/resource.h>
#include <unistd.h>

#define PEERS 200000
#define STEP (4 << 20)
#define MOST_STEPS 60
#define MOST_COPIES 200

static peer_manager_address addresses[2 * PEERS];
static int all_failures;

/* IPv4 addresses: their text takes no memory of its own. */
static void make_addresses(void) {
  unsigned n;
  for (n = 0; n < 2 * PEERS; n++) {
    memset(&addresses[n], 0, sizeof addresses[n]);
    (void)snprintf(addresses[n].host, sizeof addresses[n].host, "52.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
    addresses[n].port = 11625;
  }
}

/* The address space that this process has, in bytes; 0 where that cannot be found out. */
static size_t address_space(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%lu", &pages) != 1) pages = 0;
  (void)fclose(file);
  return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void allow(size_t bytes) {
  struct rlimit limit;
  REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = bytes == 0 || bytes > limit.rlim_max ? limit.rlim_max : bytes;
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* Whether a limit has any effect: emulators of other processors accept one and leave it at that. */
static int limits_hold(void) {
  void *volatile memory;
  allow(address_space() + STEP);
  memory = malloc((size_t)16 * STEP);
  allow(0);
  free(memory);
  return memory == NULL;
}

typedef struct world {
  const char *source;
  peer_manager *pm;
} world;

/* What is tried. Returns the status; what it makes is freed again. */
typedef peer_manager_status (*attempt)(world *w);

static peer_manager_status adds(world *w) {
  size_t inserted = 0;
  peer_manager_status status =
      peer_manager_ensure_exists_many(w->pm, addresses + PEERS, PEERS, &inserted, &check_error);
  if (status == PEER_MANAGER_OK) CHECK(inserted == PEERS);
  return status;
}

static peer_manager_status imports(world *w) {
  size_t inserted = 0;
  peer_manager_status status = peer_manager_import(w->pm, w->source, &inserted, &check_error);
  if (status == PEER_MANAGER_OK) CHECK(inserted == PEERS);
  return status;
}

static peer_manager_status opens(world *w) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  peer_manager_status status;
  options.db_path = w->source;
  status = peer_manager_open(&options, &pm, &check_error);
  if (status == PEER_MANAGER_OK) CHECK(peer_manager_peer_count(pm) == PEERS);
  CHECK((pm != NULL) == (status == PEER_MANAGER_OK));
  peer_manager_free(pm);
  return status;
}

/* Tries it with more and more memory until it succeeds. Before that, all that it says is NO_MEMORY. */
static void fails_until_there_is_memory(world *w, attempt call, const char *name) {
  size_t before = w->pm == NULL ? 0 : peer_manager_peer_count(w->pm);
  peer_manager_status status = PEER_MANAGER_ERROR_INTERNAL;
  int step, failures = 0;
  for (step = 1; step < MOST_STEPS; step++) {
    allow(address_space() + (size_t)step * STEP);
    status = call(w);
    allow(0);
    if (status == PEER_MANAGER_OK) break;
    failures++;
    if (!CHECK(status == PEER_MANAGER_ERROR_NO_MEMORY)) fprintf(stderr, "%s: %s\n", name, check_error.message);
    if (w->pm != NULL) CHECK(peer_manager_peer_count(w->pm) == before);
  }
  CHECK(status == PEER_MANAGER_OK);
  printf("%s failed %d times\n", name, failures);
  all_failures += failures;
}

/* Keeps copies of a table until there is no memory for another one. */
static void copies_are_taken_as_long_as_there_is_memory(peer_manager *pm) {
  peer_manager_snapshot *snapshots[MOST_COPIES] = {NULL};
  peer_manager_status status = PEER_MANAGER_OK;
  int count = 0;
  allow(address_space() + STEP);
  while (status == PEER_MANAGER_OK && count < MOST_COPIES) {
    status = peer_manager_get_all_peers(pm, &snapshots[count++], &check_error);
  }
  allow(0);
  CHECK(status == PEER_MANAGER_ERROR_NO_MEMORY);
  CHECK(check_error.status == status);
  CHECK(snapshots[count - 1] == NULL);
  while (count > 0) {
    count--;
    if (snapshots[count] != NULL) CHECK(peer_manager_snapshot_count(snapshots[count]) == PEERS);
    peer_manager_snapshot_free(snapshots[count]);
  }
}

static peer_manager *with_peers(const char *path, size_t first) {
  peer_manager *pm = check_open(path, NULL);
  size_t inserted = 0;
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses + first, PEERS, &inserted);
  CHECK(inserted == PEERS);
  return pm;
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char source[512];
  world w;
  check_path(source, sizeof source, directory, "source.db");
  make_addresses();
  CHECK(addresses[2 * PEERS - 1].port == 11625);
  /* Sanitizers and valgrind take address space of their own, which a limit would refuse them. */
  if (check_is_watched() || address_space() == 0 || !limits_hold()) {
    fprintf(stderr, "skipped: a limit on memory would not be the library's alone here\n");
    return CHECK_RESULT();
  }
  memset(&w, 0, sizeof w);
  w.source = source;
  peer_manager_free(with_peers(source, PEERS));
  fails_until_there_is_memory(&w, opens, "open");
  w.pm = with_peers(NULL, 0);
  copies_are_taken_as_long_as_there_is_memory(w.pm);
  fails_until_there_is_memory(&w, imports, "import");
  peer_manager_free(w.pm);
  w.pm = with_peers(NULL, 0);
  fails_until_there_is_memory(&w, adds, "ensure_exists_many");
  CHECK(peer_manager_peer_count(w.pm) == 2 * PEERS);
  CHECK(all_failures > 0);
  peer_manager_free(w.pm);
  return CHECK_RESULT();
}
