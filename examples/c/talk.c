/* What nodes tell each other, a line each:
 *
 *   the one that dialled   hello PORT      where it listens; the host is that of the socket
 *                          ask             for more addresses, later
 *   the other, each time   peer ADDRESS    at most SHARED of them
 *                          end             or `full`, and then it hangs up
 *
 * A node hears addresses only from peers that it chose itself and asked. Anything else ends the connection. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (10 * MILLISECONDS) /* until an answer is there, or sent */

/* ---- Answering ----------------------------------------------------------------------------------------------------- */

/* The peers to tell this one: none that failed often, and none of the operator's own. With a shared list
 * (share_cache_seconds), there is one for each of the node's own addresses. */
static bool choose_answer(struct real *node, const struct connection *asker, peer_manager_address answer[SHARED],
                          size_t *count)
{
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_error error;

  query.type_filter = PEER_MANAGER_FILTER_NOT_PREFERRED;
  query.use_next_attempt = 0;
  query.max_num_failures = PEER_MANAGER_MAX_FAILURES;
  query.share_key = asker->own;
  if (peer_manager_get_peers_to_send(node->pm, &query, &asker->peer, SHARED, answer, count, &error) != PEER_MANAGER_OK)
    return failed("choose peers to share", &error);
  return true;
}

static bool answer(struct real *node, struct connection *connection)
{
  peer_manager_address peers[SHARED];
  char line[LINE_CAPACITY], address[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  peer_manager_error error;
  size_t i, count = 0;

  if (!choose_answer(node, connection, peers, &count))
    return false;
  for (i = 0; i < count; i++) {
    if (peer_manager_address_format(&peers[i], address, sizeof address, &error) != PEER_MANAGER_OK)
      return failed("write an address", &error);
    snprintf(line, sizeof line, "peer %s", address);
    wire_put(&connection->wire, line); /* an answer has room for SHARED of them, and the one before is sent */
  }
  wire_put(&connection->wire, connection->role == SURPLUS ? "full" : "end");
  connection->deadline = now_ms() + PATIENCE;
  return true;
}

/* ---- What accepted connections say ----------------------------------------------------------------------------------- */

static bool parse_port(const char *text, uint16_t *out)
{
  char *end;
  unsigned long port;

  if (*text < '1' || *text > '9')
    return false;
  port = strtoul(text, &end, 10);
  *out = (uint16_t)port;
  return *end == '\0' && port <= UINT16_MAX;
}

/* A node that listens on all interfaces learns its own addresses by being reached at them. */
static bool learn_own_address(struct real *node, struct connection *connection)
{
  peer_manager_address own;
  peer_manager_error error;
  size_t i;

  if (!own_address_of(connection->wire.fd, &own))
    return true;
  for (i = 0; i < node->own_count; i++) {
    if (peer_manager_address_equal(&node->own[i], &own)) {
      connection->own = (uint32_t)i;
      return true;
    }
  }
  if (node->own_count == OWN_ADDRESSES)
    return true;
  connection->own = (uint32_t)node->own_count;
  node->own[node->own_count++] = own;
  if (peer_manager_set_own_addresses(node->pm, node->own, node->own_count, &error) != PEER_MANAGER_OK)
    return failed("say which addresses are the node's own", &error);
  print_event("own address", &own, NULL);
  return true;
}

/* The peer that has connected is one to dial, too. Its type is not updated: an inbound connection says nothing about
 * whether it can be reached, and would make a preferred peer an outbound one. */
static bool hear_of_peer(struct real *node, const peer_manager_address *peer)
{
  peer_manager_error error;
  const peer_manager_status status = peer_manager_ensure_exists(node->pm, peer, &error);

  node->heard++;
  node->heard_routable += peer_manager_address_is_routable(peer) ? 1 : 0;
  if (status != PEER_MANAGER_OK && status != PEER_MANAGER_ERROR_REFUSED && status != PEER_MANAGER_ERROR_LIMIT)
    return failed("add a peer that has connected", &error);
  return true;
}

static bool hear_hello(struct real *node, struct connection *connection, const char *port)
{
  size_t i;

  if (!parse_port(port, &connection->peer.port))
    return end_connection(node, connection, "it sent a bad hello");
  if (!learn_own_address(node, connection))
    return false;
  for (i = 0; i < node->own_count; i++) {
    if (peer_manager_address_equal(&node->own[i], &connection->peer))
      return end_connection(node, connection, "it is this node itself");
  }
  if (!hear_of_peer(node, &connection->peer) || !answer(node, connection))
    return false;
  connection->stage = STANDING;
  print_event("accepted", &connection->peer, connection->role == SURPLUS ? "one too many" : NULL);
  explain_silence(node);
  return true;
}

static bool hear_as_acceptor(struct real *node, struct connection *connection, const char *line)
{
  if (connection->stage == GREETING && strncmp(line, "hello ", 6) == 0)
    return hear_hello(node, connection, line + 6);
  if (connection->stage == STANDING && connection->role == ACCEPTED && strcmp(line, "ask") == 0) {
    if (wire_is_sent(&connection->wire))
      return answer(node, connection);
    return end_connection(node, connection, "it asked again before it had read the answer");
  }
  return end_connection(node, connection, "it sent what makes no sense");
}

/* ---- What dialled connections say ------------------------------------------------------------------------------------ */

/* Names are left out, because this node does not resolve any; other nodes will do. */
static bool hear_address(struct real *node, struct connection *connection, const char *text)
{
  peer_manager_address *const address = &connection->heard[connection->heard_count];
  struct sockaddr_storage ignored;
  size_t length;

  if (connection->heard_count == SHARED)
    return end_connection(node, connection, "it sent too many addresses");
  if (peer_manager_address_parse(text, 0, address, NULL) != PEER_MANAGER_OK)
    return end_connection(node, connection, "it sent what is no address");
  if (peer_manager_address_to_sockaddr(address, &ignored, &length, NULL) == PEER_MANAGER_OK)
    connection->heard_count++;
  return true;
}

/* While there is something new and a place for it, there may be more. */
static void ask_sooner(struct real *node)
{
  const int64_t soon = now_ms() + node->pace->asking_first;

  if (count_connections(node, DIALLED, CONNECTING) == node->places)
    return;
  node->asking = node->pace->asking_first;
  if (soon < node->next_asking)
    node->next_asking = soon;
}

static bool take_in_answer(struct real *node, struct connection *connection)
{
  const size_t count = connection->heard_count;
  peer_manager_error error;
  char detail[64];
  size_t i, added = 0;

  if (peer_manager_ensure_exists_many(node->pm, connection->heard, count, &added, &error) != PEER_MANAGER_OK)
    return failed("add what a peer told", &error);
  for (i = 0; i < count; i++)
    node->heard_routable += peer_manager_address_is_routable(&connection->heard[i]) ? 1 : 0;
  node->heard += count;
  connection->heard_count = 0;
  connection->deadline = NEVER;
  if (added > 0) {
    snprintf(detail, sizeof detail, "%zu addresses, %zu of them new", count, added);
    print_event("heard from", &connection->peer, detail);
    ask_sooner(node);
  }
  explain_silence(node);
  return true;
}

static bool hear_as_dialler(struct real *node, struct connection *connection, const char *line)
{
  const bool is_full = strcmp(line, "full") == 0;

  if (connection->deadline == NEVER)
    return end_connection(node, connection, "it spoke unasked");
  if (strncmp(line, "peer ", 5) == 0)
    return hear_address(node, connection, line + 5);
  if (strcmp(line, "end") != 0 && !(is_full && connection->stage == GREETING))
    return end_connection(node, connection, "it sent what makes no sense");
  if (!take_in_answer(node, connection))
    return false;
  return connection->stage == STANDING || peer_answered(node, connection, is_full);
}

/* ---- Speaking ---------------------------------------------------------------------------------------------------------- */

/* The connection was made: says where this node listens, which asks for the first answer. */
bool greet(struct real *node, struct connection *connection)
{
  const int result = dial_result(connection->wire.fd);
  char line[LINE_CAPACITY];

  if (result != 0)
    return end_connection(node, connection, strerror(result));
  connection->stage = GREETING;
  snprintf(line, sizeof line, "hello %" PRIu16, node->port);
  wire_put(&connection->wire, line); /* it is the first */
  return true;
}

static bool ask(struct real *node, struct connection *connection)
{
  const char *reason;

  if (connection->deadline != NEVER || !wire_put(&connection->wire, "ask")) /* it owes an answer already */
    return true;
  connection->deadline = now_ms() + PATIENCE;
  return wire_send(&connection->wire, &reason) || end_connection(node, connection, reason);
}

/* Asks one of the peers for addresses, or all of them while a place is free; half as often each time. */
bool ask_peers(struct real *node)
{
  const bool is_any_free = count_connections(node, DIALLED, CONNECTING) < node->places;
  struct connection *const one = someone(node);
  size_t i;

  node->asking = 2 * node->asking < node->pace->asking ? 2 * node->asking : node->pace->asking;
  if (one == NULL || !is_any_free)
    return one == NULL || ask(node, one);
  for (i = 0; i < node->capacity; i++) {
    struct connection *const connection = &node->connections[i];
    if (connection->wire.fd >= 0 && connection->role == DIALLED && connection->stage == STANDING
        && !ask(node, connection))
      return false;
  }
  return true;
}

/* ---- One connection ------------------------------------------------------------------------------------------------------ */

static bool hear_lines(struct real *node, struct connection *connection)
{
  char line[LINE_CAPACITY];

  while (connection->wire.fd >= 0 && wire_take_line(&connection->wire, line)) {
    const bool is_accepted = connection->role == ACCEPTED || connection->role == SURPLUS;
    if (!(is_accepted ? hear_as_acceptor : hear_as_dialler)(node, connection, line))
      return false;
  }
  if (connection->wire.fd >= 0 && wire_is_full(&connection->wire))
    return end_connection(node, connection, "its line is too long");
  return true;
}

/* Once an accepted connection has its answer it may be silent for as long as it likes, and a surplus one has to go. */
static bool after_answer(struct real *node, struct connection *connection)
{
  if (connection->stage != STANDING || !wire_is_sent(&connection->wire))
    return true;
  if (connection->role == SURPLUS)
    return end_connection(node, connection, "this node is full");
  if (connection->role == ACCEPTED)
    connection->deadline = NEVER;
  return true;
}

/* Does what the socket is ready for. */
bool serve(struct real *node, struct connection *connection, short events)
{
  const char *reason = NULL;

  if (connection->stage == CONNECTING) {
    if (!greet(node, connection))
      return false;
  } else if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (!wire_receive(&connection->wire, &reason))
      return end_connection(node, connection, reason);
    if (!hear_lines(node, connection))
      return false;
  }
  if (connection->wire.fd < 0)
    return true;
  if (!wire_send(&connection->wire, &reason))
    return end_connection(node, connection, reason);
  return after_answer(node, connection);
}
