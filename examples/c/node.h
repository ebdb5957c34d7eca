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
  uint64_t ready;
  size_t connected;
  size_t slots;
};

/* node.c: says on standard error what could not be done, and why. Always false, so that `return failed(...)` hands
 * the failure on to the caller, up to main, which frees what there is. */
bool failed(const char *what, const peer_manager_error *error);
bool failed_without_library(const char *what, const char *reason);

/* import.c: adds the addresses of a text file; the first `preferred` of them become preferred peers. */
bool import_peers(peer_manager *pm, const char *path, size_t preferred);

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

#endif
