/* A node in miniature: what the files of this example share. */

#ifndef NODE_H
#define NODE_H

#include "peer_manager.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFAULT_PORT 11625

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define MOST_PLACES 64 /* connections, and seeds, that can be asked for */
#define MOST_SEEDS 64
#define MOST_BANS 64    /* that can be asked for at a time */
#define MOST_SECONDS (365 * DAY)

/* The clock that the library reads. The program turns it, so that a day passes in an instant. */
struct sim_clock {
  int64_t now; /* seconds since the Unix epoch */
};

/* What happened in one hour, and how things stand at its end: a row of the table. */
struct hour {
  unsigned number;
  unsigned dials_ok;
  unsigned dials_failed;
  unsigned heard;  /* addresses that peers told us and that we did not know */
  unsigned shared; /* addresses that we told peers */
  uint64_t known;
  uint64_t due;
  size_t connected;
  size_t slots;
};

/* What the caller of the program wants; NULL for what it does not want. */
struct arguments {
  bool help;
  const char *list; /* to live a day with */
  const char *database;
  const char *import;
  const char *export;
  bool metrics;
  const char *bans[MOST_BANS]; /* SUBJECT or SUBJECT,SECONDS */
  size_t ban_count;
  const char *unbans[MOST_BANS];
  size_t unban_count;
  bool lists_bans;
  const char *listen; /* where a node on sockets listens; the rest is its own */
  bool is_local;
  const char *seeds[MOST_SEEDS];
  size_t seed_count;
  unsigned long connections; /* that it makes */
  unsigned long seconds;     /* for so long; 0: until it gets a signal */
};

/* What came of a list. */
struct imported {
  size_t read; /* addresses; `bad` lines were none */
  size_t added;
  size_t bad;
};

/* arguments.c: false, with the usage on standard error, when they make no sense. */
bool read_arguments(int argc, char **argv, struct arguments *out);

/* node.c: says on standard error what could not be done, and why. Always false, so that `return failed(...)` hands
 * the failure on to the caller, up to main, which frees what there is. */
bool failed(const char *what, const peer_manager_error *error);
bool failed_without_library(const char *what, const char *reason);
bool failed_on_file(const char *what, const char *path, const char *reason);

/* node.c: what is asked for besides a life, a simulated day's or a real one. */
bool before_life(peer_manager *pm, const struct arguments *wanted, int64_t now);
bool after_life(peer_manager *pm, const struct arguments *wanted);

/* bans.c */
bool change_bans(peer_manager *pm, const struct arguments *wanted, int64_t now);
bool print_bans(peer_manager *pm);

/* real.c: a node on sockets. */
bool run_real_node(const struct arguments *wanted);

/* import.c: adds the addresses of a text file; the first `preferred` of them become preferred peers. Lines that are no
 * address are reported on standard error, and no failure. */
bool import_peers(peer_manager *pm, const char *path, size_t preferred, struct imported *out);

/* export.c: writes the addresses of all peers to a text file. */
bool export_peers(peer_manager *pm, const char *path);

/* metrics.c: prints the counts as Prometheus reads them. */
bool print_metrics(peer_manager *pm);

/* day.c: connects, listens and answers for a day, turning the clock. */
bool live_one_day(peer_manager *pm, struct sim_clock *clock);

/* world.c: the network that is made up. The same questions have the same answers in every run. */
bool world_is_down(int64_t now);
bool world_answers(const peer_manager_address *peer, int64_t now);
int64_t world_connection_length(const peer_manager_address *peer, int64_t now);
bool world_gossip(const peer_manager_address *teller, int64_t now, unsigned nth, peer_manager_address *out);
size_t world_pick(int64_t now, size_t count);

/* report.c: the tables. */
void print_title(void);
void print_section(const char *title);
void print_hours_header(void);
void print_hour(const struct hour *hour);
bool print_peers(const peer_manager_snapshot *peers, int64_t now);
void print_next_steps(void);

#endif
