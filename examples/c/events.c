/* What the node that lives on sockets prints: a line for each event that matters, and how things stand at the end. */

#include "real.h"

#include <inttypes.h>
#include <stdio.h>

static void print_address(const peer_manager_address *address)
{
  char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  peer_manager_error error;

  if (peer_manager_address_format(address, text, sizeof text, &error) == PEER_MANAGER_OK)
    printf("%s", text);
  else
    printf("(%s)", error.message);
}

/* `detail` may be NULL. */
void print_event(const char *event, const peer_manager_address *peer, const char *detail)
{
  printf("%s ", event);
  print_address(peer);
  if (detail != NULL)
    printf(": %s", detail);
  putchar('\n');
}

/* How many connections there are, if that has changed. */
void print_standing(struct real *node)
{
  struct standing now;

  now.out = count_connections(node, DIALLED, STANDING);
  now.in = count_connections(node, ACCEPTED, STANDING);
  now.known = peer_manager_peer_count(node->pm);
  if (now.out == node->printed.out && now.in == node->printed.in && now.known == node->printed.known)
    return;
  node->printed = now;
  printf("now %zu of %zu connected, %zu accepted, %zu known\n", now.out, node->places, now.in, now.known);
}

/* Once, when all that the node has heard of, its seeds too, are addresses that mean nothing to strangers: else ten nodes on
 * one machine would share nothing, and not say why. */
void explain_silence(struct real *node)
{
  if (node->is_local || node->has_explained || node->heard == 0 || node->heard_routable > 0)
    return;
  node->has_explained = true;
  printf("all addresses that this node has heard of so far (%" PRIu64 ") are private or reserved, so it neither keeps them nor"
         " tells others about them; for a network on one machine or a LAN, start every node with --local\n",
         node->heard);
}

/* The peers, and what is known, at the end. */
void print_connections(const struct real *node)
{
  static const struct {
    enum role role;
    const char *name;
  } kinds[] = {{DIALLED, "connected to"}, {ACCEPTED, "accepted"}};
  size_t i, k;

  printf("at the end:\n");
  for (k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    for (i = 0; i < node->capacity; i++) {
      const struct connection *const connection = &node->connections[i];
      if (connection->wire.fd >= 0 && connection->stage == STANDING && connection->role == kinds[k].role)
        print_event(kinds[k].name, &connection->peer, NULL);
    }
  }
  printf("%zu peers known\n", peer_manager_peer_count(node->pm));
}
