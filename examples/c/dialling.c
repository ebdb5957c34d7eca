/* Whom to dial, and how it went: the loop of a node as the header describes it. This is the file to copy from. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONLINE 2 /* with fewer connections, its own line is taken to be cut */
#define PATIENCE (10 * MILLISECONDS) /* until a peer has answered */

size_t count_connections(const struct real *node, enum role role, enum stage at_least)
{
  size_t i, count = 0;

  for (i = 0; i < node->capacity; i++) {
    const struct connection *const connection = &node->connections[i];
    count += connection->wire.fd >= 0 && connection->role == role && connection->stage >= at_least ? 1 : 0;
  }
  return count;
}

struct connection *free_connection(const struct real *node)
{
  size_t i;

  for (i = 0; i < node->capacity; i++) {
    if (node->connections[i].wire.fd < 0)
      return &node->connections[i];
  }
  return NULL; /* not where the counts of all roles are within their limits */
}

/* ---- Chance -------------------------------------------------------------------------------------------------------- */

/* One of several, as strangers cannot guess; without the kernel's random numbers the first. */
static size_t pick(size_t count)
{
  uint32_t value = 0;
  const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

  if (fd >= 0) {
    if (read(fd, &value, sizeof value) != (ssize_t)sizeof value)
      value = 0;
    close(fd);
  }
  return value % count;
}

/* One of the peers that this node is connected to, or NULL. */
struct connection *someone(const struct real *node)
{
  const size_t count = count_connections(node, DIALLED, STANDING);
  size_t i, nth;

  if (count == 0)
    return NULL;
  nth = pick(count);
  for (i = 0; i < node->capacity; i++) {
    struct connection *const connection = &node->connections[i];
    if (connection->wire.fd >= 0 && connection->role == DIALLED && connection->stage == STANDING && nth-- == 0)
      return connection;
  }
  return NULL; /* not after counting them */
}

/* ---- How it went --------------------------------------------------------------------------------------------------- */

/* Whether the node is online decides whether a failure counts against the peer, so it is said before each outcome, too. */
static bool say_whether_online(struct real *node)
{
  const bool is_online = count_connections(node, DIALLED, STANDING) >= ONLINE;
  peer_manager_error error;

  if (is_online == node->is_online)
    return true;
  node->is_online = is_online;
  printf("%s\n", is_online ? "online" : "offline: with so few connections, no peer is blamed for not answering");
  if (peer_manager_set_online(node->pm, node->is_online, &error) != PEER_MANAGER_OK)
    return failed("say whether the node is online", &error);
  return true;
}

/* One that was evicted meanwhile may have no room, and one that has turned out to be this node itself is refused. */
static bool is_noted(peer_manager_status status)
{
  return status == PEER_MANAGER_OK || status == PEER_MANAGER_ERROR_LIMIT || status == PEER_MANAGER_ERROR_REFUSED;
}

static bool dial_failed(struct real *node, const peer_manager_address *peer, const char *reason)
{
  peer_manager_error error;

  print_event("no answer from", peer, reason);
  node->not_before = node->round_began + node->pace->pause;
  if (!say_whether_online(node))
    return false;
  if (!is_noted(peer_manager_update_backoff(node->pm, peer, PEER_MANAGER_BACKOFF_INCREASE, &error)))
    return failed("note a failure", &error);
  return true;
}

/* The first answer is complete: the peer was reached. One that is full is known from now on, too, but waits longer each
 * time. 0: a dial does not tell who is preferred, so a preferred peer stays so. */
bool peer_answered(struct real *node, struct connection *connection, bool is_full)
{
  const uint32_t backoff = is_full ? PEER_MANAGER_BACKOFF_INCREASE : PEER_MANAGER_BACKOFF_RESET;
  peer_manager_error error;

  if (!say_whether_online(node))
    return false;
  if (!is_noted(
        peer_manager_update(node->pm, &connection->peer, PEER_MANAGER_TYPE_OUTBOUND, 0, backoff, &error)))
    return failed("note a success", &error);
  connection->stage = STANDING;
  if (connection->role == DIALLED && !is_full) {
    print_event("connected to", &connection->peer, NULL);
    return true;
  }
  print_event("reached", &connection->peer, is_full ? "it is full" : NULL);
  if (is_full)
    node->not_before = node->round_began + node->pace->pause;
  wire_close(&connection->wire);
  return true;
}

/* Hangs up. If the peer owed an answer, the first or a later one, that is a failure; that a connection ends is none. */
bool end_connection(struct real *node, struct connection *connection, const char *reason)
{
  const bool was_dialled = connection->role == DIALLED || connection->role == FEELER;

  wire_close(&connection->wire);
  if (was_dialled && connection->deadline != NEVER)
    return dial_failed(node, &connection->peer, reason);
  print_event(was_dialled ? "lost" : "hung up on", &connection->peer, reason);
  return true;
}

/* ---- Dialling ------------------------------------------------------------------------------------------------------ */

static bool dial(struct real *node, enum role role, const peer_manager_address *peer)
{
  struct connection *const connection = free_connection(node);
  const int fd = connection == NULL ? -1 : dial_socket(node, peer);

  if (fd < 0)
    return dial_failed(node, peer, connection == NULL ? "no place" : strerror(errno));
  wire_open(&connection->wire, fd);
  connection->role = role;
  connection->stage = CONNECTING;
  connection->peer = *peer;
  connection->deadline = now_ms() + PATIENCE;
  connection->heard_count = 0;
  return true;
}

/* The peers that this node is connected to, or dials. Those that have connected to it do not count: else an attacker that
 * connects from many networks would keep the node from dialling into them. So two nodes may have two connections. For a
 * while, the peer that has just been hung up on counts, too: it is known and due, and would get its place back. */
static size_t list_busy(const struct real *node, peer_manager_address *busy)
{
  size_t i, count = 0;

  for (i = 0; i < node->capacity; i++) {
    const struct connection *const connection = &node->connections[i];
    if (connection->wire.fd >= 0 && (connection->role == DIALLED || connection->role == FEELER))
      busy[count++] = connection->peer;
  }
  if (now_ms() < node->rotated_until)
    busy[count++] = node->rotated;
  return count;
}

/* Dials up to `wanted` peers, as the library chooses. */
static bool dial_some(struct real *node, enum role role, size_t wanted)
{
  const uint32_t purpose = role == FEELER ? PEER_MANAGER_DIAL_FEELER : PEER_MANAGER_DIAL_CONNECT;
  peer_manager_address busy[MOST_PLACES + 2], chosen[MOST_PLACES];
  const size_t busy_count = list_busy(node, busy);
  peer_manager_error error;
  size_t i, count = 0;

  if (peer_manager_next_to_dial(node->pm, purpose, busy, busy_count, wanted, chosen, &count, &error)
      != PEER_MANAGER_OK)
    return failed("choose peers to dial", &error);
  for (i = 0; i < count; i++) {
    if (!dial(node, role, &chosen[i]))
      return false;
  }
  return true;
}

/* Fills the free places, unless dials have failed just now; and tries a feeler, one at a time. */
bool dial_peers(struct real *node)
{
  const size_t taken = count_connections(node, DIALLED, CONNECTING);
  const int64_t now = now_ms();

  if (!say_whether_online(node))
    return false;
  if (taken < node->places && now >= node->not_before) {
    node->round_began = now;
    if (!dial_some(node, DIALLED, node->places - taken))
      return false;
  }
  if (now < node->next_feeler)
    return true;
  node->next_feeler = now + node->pace->feeler;
  return count_connections(node, FEELER, CONNECTING) > 0 || dial_some(node, FEELER, 1);
}

/* Gives a place to another peer. */
bool rotate(struct real *node)
{
  struct connection *const connection = someone(node);

  if (connection == NULL)
    return true;
  node->rotated = connection->peer;
  node->rotated_until = now_ms() + node->pace->pause;
  connection->deadline = NEVER; /* what it may owe is waived */
  return end_connection(node, connection, "another peer's turn");
}
