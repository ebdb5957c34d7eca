/* The loop of a node on sockets: it does what is due, sleeps until there is something to do, and serves the sockets that have
 * something, in one thread. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define LONGEST_SLEEP (MINUTE * MILLISECONDS)
#define PATIENCE (10 * MILLISECONDS) /* until a stranger has said hello */

/* ---- Time ---------------------------------------------------------------------------------------------------------- */

static int64_t read_milliseconds(clockid_t clock)
{
  struct timespec time = {0, 0};

  clock_gettime(clock, &time); /* it fails for unknown clocks only */
  return (int64_t)time.tv_sec * MILLISECONDS + time.tv_nsec / 1000000;
}

int64_t now_ms(void)
{
  return read_milliseconds(CLOCK_MONOTONIC);
}

/* ---- What is due ----------------------------------------------------------------------------------------------------- */

/* Whether it is time for what is done every so often; then it is not, for so long. */
static bool is_time(int64_t *next, int64_t every)
{
  const int64_t now = now_ms();

  if (now < *next)
    return false;
  *next = now + every;
  return true;
}

static bool end_what_is_late(struct real *node)
{
  size_t i;

  for (i = 0; i < node->capacity; i++) {
    struct connection *const connection = &node->connections[i];
    if (connection->wire.fd >= 0 && connection->deadline <= now_ms()
        && !end_connection(node, connection, "it takes too long"))
      return false;
  }
  return true;
}

static bool do_what_is_due(struct real *node)
{
  return end_what_is_late(node) && (!is_time(&node->next_rotation, node->pace->rotation) || rotate(node))
         && (!is_time(&node->next_asking, node->asking) || ask_peers(node)) && dial_peers(node);
}

/* ---- Sleeping ---------------------------------------------------------------------------------------------------------- */

static void sooner(int64_t *wake, int64_t when)
{
  if (when < *wake)
    *wake = when;
}

/* With a free place, when it can be given: when the pause after a failure is over, else when a peer becomes due. */
static bool next_dial(const struct real *node, int64_t *out)
{
  const int64_t now = now_ms();
  peer_manager_status status;
  peer_manager_error error;
  int64_t due;

  *out = NEVER;
  if (count_connections(node, DIALLED, CONNECTING) == node->places)
    return true;
  if (node->not_before > now) {
    *out = node->not_before;
    return true;
  }
  if (node->rotated_until > now)
    *out = node->rotated_until;
  status = peer_manager_next_due(node->pm, &due, &error);
  if (status == PEER_MANAGER_ERROR_NOT_FOUND) /* no peer waits */
    return true;
  if (status != PEER_MANAGER_OK)
    return failed("find out when to wake up", &error);
  if (due < (INT64_MAX - now) / MILLISECONDS) /* the library's clock is that of the day */
    sooner(out, now + due * MILLISECONDS - read_milliseconds(CLOCK_REALTIME));
  return true;
}

static bool choose_sleep(const struct real *node, int64_t end, int *out)
{
  const int64_t now = now_ms();
  int64_t wake;
  size_t i;

  if (!next_dial(node, &wake))
    return false;
  sooner(&wake, now + LONGEST_SLEEP); /* in case the clock is set meanwhile */
  sooner(&wake, end);
  sooner(&wake, node->next_feeler);
  sooner(&wake, node->next_asking);
  sooner(&wake, node->next_rotation);
  if (node->next_accept > now)
    sooner(&wake, node->next_accept);
  for (i = 0; i < node->capacity; i++) {
    if (node->connections[i].wire.fd >= 0)
      sooner(&wake, node->connections[i].deadline);
  }
  *out = wake > now ? (int)(wake - now) : 0;
  return true;
}

/* ---- Accepting --------------------------------------------------------------------------------------------------------- */

/* Twice as many as the node itself makes may stay. While even the surplus has no place, others wait in the kernel. */
static bool can_accept(const struct real *node, enum role *out)
{
  *out = count_connections(node, ACCEPTED, CONNECTING) < 2 * node->places ? ACCEPTED : SURPLUS;
  return now_ms() >= node->next_accept
         && (*out == ACCEPTED || count_connections(node, SURPLUS, CONNECTING) < MOST_SURPLUS);
}

/* When it fails, the other end may have gone already; or the system lacks something, and that passes. */
static void accept_one(struct real *node)
{
  struct connection *const connection = free_connection(node);
  peer_manager_address from;
  enum role role;
  int fd;

  if (connection == NULL || !can_accept(node, &role))
    return;
  fd = accept_socket(node, &from);
  if (fd < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED)
      node->next_accept = now_ms() + MILLISECONDS;
    return;
  }
  wire_open(&connection->wire, fd);
  connection->role = role;
  connection->stage = GREETING;
  connection->peer = from;
  connection->deadline = now_ms() + PATIENCE;
  connection->own = 0;
}

/* ---- The loop ---------------------------------------------------------------------------------------------------------- */

/* poll leaves out what has a negative descriptor. */
static void prepare_poll(const struct real *node, struct pollfd *fds)
{
  enum role ignored;
  size_t i;

  fds[1].fd = can_accept(node, &ignored) ? node->listener : -1;
  fds[0].events = fds[1].events = POLLIN;
  for (i = 0; i < node->capacity; i++) {
    const struct connection *const connection = &node->connections[i];
    fds[2 + i].fd = connection->wire.fd;
    fds[2 + i].events = connection->stage == CONNECTING ? POLLOUT : POLLIN;
    if (!wire_is_sent(&connection->wire))
      fds[2 + i].events |= POLLOUT;
  }
}

/* Lives until `end`, or until fds[0] can be read. */
bool live(struct real *node, struct pollfd *fds, int64_t end)
{
  size_t i;
  int milliseconds;

  while (now_ms() < end) {
    if (!do_what_is_due(node) || !choose_sleep(node, end, &milliseconds))
      return false;
    print_standing(node);
    prepare_poll(node, fds);
    if (poll(fds, (nfds_t)node->capacity + 2, milliseconds) < 0) {
      if (errno == EINTR)
        continue;
      return failed_without_library("wait for the sockets", strerror(errno));
    }
    if (fds[0].revents != 0)
      return true;
    for (i = 0; i < node->capacity; i++) {
      if (fds[2 + i].revents != 0 && !serve(node, &node->connections[i], fds[2 + i].revents))
        return false;
    }
    if (fds[1].revents != 0)
      accept_one(node); /* last: it takes a place that had no events */
  }
  return true;
}
