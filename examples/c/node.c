/* A node in miniature: it reads a list of addresses, lives through a day with them, closes its database, opens it
 * again and checks that everything is still there.
 *
 *   node LIST [DATABASE]
 *
 * With DATABASE the peers are kept there, and the next run begins with them on the morning after. Without, the
 * database is a temporary file. The clock and the network are simulated and the seed is fixed, so that every run
 * with the same library prints the same.
 *
 *   node [--database DATABASE] [--ban SUBJECT]... [--import FILE] [--export FILE] [--bans] [--metrics]
 *
 * lives no day: it bans hosts and prefixes, adds the addresses of a text file, writes those of all peers to one, and
 * prints the bans, and the counts as Prometheus reads them. With LIST, it does the first before the day and the others after it.
 *
 *   node --listen ADDRESS [--local] [--seed ADDRESS]...
 *
 * is a node on sockets, with the clock and the random numbers of the library: real.c. */

#define _POSIX_C_SOURCE 200809L

#include "node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MORNING INT64_C(1767225600) /* 1 January 2026, 00:00 UTC */
#define SEED 42
#define PREFERRED_PEERS 2

#define PATH_CAPACITY 1024

/* Where the database is, and whether it goes away at the end. */
struct place {
  char directory[PATH_CAPACITY]; /* the temporary one; empty when the caller named a database */
  char database[PATH_CAPACITY + 16];
};

bool failed(const char *what, const peer_manager_error *error)
{
  fflush(stdout); /* so that the message comes after what was printed before it */
  fprintf(stderr, "node: cannot %s: %s (%s)\n", what, error->message, peer_manager_status_name(error->status));
  return false;
}

bool failed_without_library(const char *what, const char *reason)
{
  fflush(stdout);
  fprintf(stderr, "node: cannot %s: %s\n", what, reason);
  return false;
}

bool failed_on_file(const char *what, const char *path, const char *reason)
{
  fflush(stdout);
  fprintf(stderr, "node: cannot %s \"%s\": %s\n", what, path, reason);
  return false;
}

/* ---- The database file ------------------------------------------------------------------------------------- */

static bool choose_place(const char *named, struct place *place)
{
  const char *parent = getenv("TMPDIR");
  int length;

  place->directory[0] = '\0';
  if (named != NULL) {
    length = snprintf(place->database, sizeof place->database, "%s", named);
    if (length < 0 || (size_t)length >= sizeof place->database)
      return failed_without_library("use the database", "its path is too long");
    return true;
  }
  if (parent == NULL || parent[0] == '\0')
    parent = "/tmp";
  length = snprintf(place->directory, sizeof place->directory, "%s/peer_manager-XXXXXX", parent);
  if (length < 0 || (size_t)length >= sizeof place->directory) {
    place->directory[0] = '\0';
    return failed_without_library("make a temporary directory", "TMPDIR is too long");
  }
  if (mkdtemp(place->directory) == NULL) {
    place->directory[0] = '\0';
    return failed_without_library("make a temporary directory", strerror(errno));
  }
  snprintf(place->database, sizeof place->database, "%s/peers.db", place->directory);
  return true;
}

static bool clean_place(const struct place *place)
{
  /* The last two are SQLite's. It removes them itself when a database is closed, but not after a failure. */
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char path[sizeof place->database + 8];
  size_t i;

  if (place->directory[0] == '\0')
    return true;
  for (i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    snprintf(path, sizeof path, "%s%s", place->database, suffixes[i]);
    if (unlink(path) != 0 && errno != ENOENT)
      return failed_without_library("remove the temporary database", strerror(errno));
  }
  if (rmdir(place->directory) != 0)
    return failed_without_library("remove the temporary directory", strerror(errno));
  return true;
}

/* ---- Opening ----------------------------------------------------------------------------------------------- */

static int64_t read_clock(void *context)
{
  const struct sim_clock *clock = context;
  return clock->now;
}

/* The clock must outlive the peer manager. A real node leaves clock and seed alone: with a seed that others can
 * guess, they can guess whom it dials. */
static bool open_peers(const char *database, struct sim_clock *clock, peer_manager **out)
{
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_error error;

  options.db_path = database;
  options.clock = read_clock;
  options.clock_context = clock;
  options.has_rng_seed = 1;
  options.rng_seed = SEED;
  if (peer_manager_open(&options, out, &error) != PEER_MANAGER_OK)
    return failed("open the peers", &error);
  return true;
}

/* Sets the clock to the morning after the day that the database remembers. No peer waits for more than
 * 10 * 2^10 seconds, so when the last day ended the latest attempt was at most that far away. (A century is more than
 * this program lives through: what is later was not written by it, and would only make the sums overflow.) */
static bool wake_up(peer_manager *pm, struct sim_clock *clock)
{
  const int64_t longest_wait = INT64_C(10) << 10;
  peer_manager_snapshot *peers = NULL;
  peer_manager_error error;
  peer_manager_record record;
  int64_t since_first, latest = FIRST_MORNING;
  size_t i, count;
  bool ok = true;

  if (peer_manager_get_all_peers(pm, &peers, &error) != PEER_MANAGER_OK)
    return failed("look at all peers", &error);
  count = peer_manager_snapshot_count(peers);
  for (i = 0; i < count && ok; i++) {
    if (peer_manager_snapshot_get(peers, i, &record, &error) != PEER_MANAGER_OK)
      ok = failed("read a peer of the snapshot", &error);
    else if (record.next_attempt > latest && record.next_attempt < FIRST_MORNING + 36500 * (int64_t)DAY)
      latest = record.next_attempt;
  }
  peer_manager_snapshot_free(peers);
  if (!ok)
    return false;

  since_first = latest - FIRST_MORNING - longest_wait;
  if (since_first > 0)
    clock->now = FIRST_MORNING + (since_first + DAY - 1) / DAY * DAY;
  printf("day %" PRId64 "; the database knows %zu peers\n", (clock->now - FIRST_MORNING) / DAY + 1, count);
  return true;
}

/* ---- Closing and opening again ------------------------------------------------------------------------------- */

static bool same_record(const peer_manager_record *a, const peer_manager_record *b)
{
  return peer_manager_address_equal(&a->address, &b->address) && a->next_attempt == b->next_attempt
         && a->num_failures == b->num_failures && a->peer_type == b->peer_type;
}

/* Counts the peers of a snapshot that the peer manager knows exactly so. */
static bool count_same(peer_manager *pm, const peer_manager_snapshot *before, size_t *out)
{
  const size_t count = peer_manager_snapshot_count(before);
  peer_manager_record then, now;
  peer_manager_status status;
  peer_manager_error error;
  size_t i, same = 0;

  for (i = 0; i < count; i++) {
    if (peer_manager_snapshot_get(before, i, &then, &error) != PEER_MANAGER_OK)
      return failed("read a peer of the snapshot", &error);
    status = peer_manager_load(pm, &then.address, &now, &error);
    if (status == PEER_MANAGER_OK)
      same += same_record(&then, &now) ? 1 : 0;
    else if (status != PEER_MANAGER_ERROR_NOT_FOUND) /* a lost peer is what we look for, not the end */
      return failed("load a peer", &error);
  }
  *out = same;
  return true;
}

/* The snapshot was taken from a peer manager that is freed by now: it outlives it. */
static bool check_reopened(const char *database, struct sim_clock *clock, const peer_manager_snapshot *before)
{
  const size_t count = peer_manager_snapshot_count(before);
  peer_manager *pm = NULL;
  size_t same = 0, found = 0;
  bool ok;

  if (!open_peers(database, clock, &pm))
    return false;
  ok = count_same(pm, before, &same);
  found = peer_manager_peer_count(pm);
  peer_manager_free(pm);
  if (!ok)
    return false;
  printf("%zu of %zu peers came back as they were\n", same, count);
  if (same != count || found != count)
    return failed_without_library("trust the database", "the peers that came back are not those that went in");
  return true;
}

/* ---- The program --------------------------------------------------------------------------------------------- */

static bool import_list(peer_manager *pm, const char *list)
{
  struct imported imported = {0};

  print_section("import");
  if (!import_peers(pm, list, PREFERRED_PEERS, &imported))
    return false;
  printf("%zu addresses read: %zu new, %zu known already or there twice; %zu lines skipped\n", imported.read,
         imported.added, imported.read - imported.added, imported.bad);
  return true;
}

/* What is asked for besides a life: the bans, and the list that goes in before it. */
bool before_life(peer_manager *pm, const struct arguments *wanted, int64_t now)
{
  struct imported ignored;
  return change_bans(pm, wanted, now)
         && (wanted->import == NULL || import_peers(pm, wanted->import, 0, &ignored));
}

/* And what comes out after it. */
bool after_life(peer_manager *pm, const struct arguments *wanted)
{
  if (wanted->export != NULL && !export_peers(pm, wanted->export))
    return false;
  if (wanted->lists_bans && wanted->list != NULL)
    print_section("bans");
  if (wanted->lists_bans && !print_bans(pm))
    return false;
  if (!wanted->metrics)
    return true;
  if (wanted->list != NULL)
    print_section("metrics");
  return print_metrics(pm);
}

/* Opens, imports, lives a day, and takes the snapshot; the peer manager is closed afterwards in any case. */
static bool first_life(const struct arguments *wanted, const char *database, struct sim_clock *clock,
                       peer_manager_snapshot **out)
{
  peer_manager *pm = NULL;
  peer_manager_error error;
  bool ok;

  if (!open_peers(database, clock, &pm))
    return false;
  ok = wake_up(pm, clock) && import_list(pm, wanted->list) && before_life(pm, wanted, clock->now) && live_one_day(pm, clock);
  if (ok && peer_manager_get_all_peers(pm, out, &error) != PEER_MANAGER_OK)
    ok = failed("look at all peers", &error);
  ok = ok && print_peers(*out, clock->now) && after_life(pm, wanted);
  peer_manager_free(pm);
  return ok;
}

static bool run_day(const struct arguments *wanted, const char *database)
{
  struct sim_clock clock = {FIRST_MORNING};
  peer_manager_snapshot *peers = NULL;
  bool ok;

  print_title();
  ok = first_life(wanted, database, &clock, &peers);
  if (ok) {
    print_section("closed and opened again");
    ok = check_reopened(database, &clock, peers);
  }
  peer_manager_snapshot_free(peers); /* NULL is fine */
  if (ok)
    print_next_steps();
  return ok;
}

/* In the database that was named, or in memory; here the clock and the seed are the library's own. */
static bool run_without_day(const struct arguments *wanted)
{
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_error error;
  peer_manager *pm = NULL;
  bool ok;

  options.db_path = wanted->database;
  if (peer_manager_open(&options, &pm, &error) != PEER_MANAGER_OK)
    return failed("open the peers", &error);
  ok = before_life(pm, wanted, (int64_t)time(NULL)) && after_life(pm, wanted);
  peer_manager_free(pm);
  return ok;
}

static bool run(const struct arguments *wanted)
{
  struct place place;
  bool ok;

  if (wanted->listen != NULL)
    return run_real_node(wanted);
  if (wanted->list == NULL)
    return run_without_day(wanted);
  if (!choose_place(wanted->database, &place))
    return false;
  ok = run_day(wanted, place.database);
  return clean_place(&place) && ok;
}

int main(int argc, char **argv)
{
  struct arguments wanted = {0};
  bool ok;

  if (!read_arguments(argc, argv, &wanted))
    return 2;
  if (wanted.help)
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  /* The shared library may be another one than the header that this was compiled with. A newer one is fine. */
  if (peer_manager_version_number() < PEER_MANAGER_VERSION_NUMBER) {
    failed_without_library("start", "the library is older than " PEER_MANAGER_VERSION_STRING);
    return EXIT_FAILURE;
  }
  ok = run(&wanted);
  if (fflush(stdout) != 0)
    ok = failed_without_library("print", strerror(errno));
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
