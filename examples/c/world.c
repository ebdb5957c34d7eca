/* The network that is made up: nobody is contacted, and what happens here says nothing about the hosts that bear these
 * names. Every address has a character that follows from a hash of its text: some never answer, the others answer more
 * or less often. A real node has sockets where this example has this file. */

#include "node.h"

#include <stdio.h>

#define DEAD_PERCENT 12   /* of all names and addresses never answer */
#define WORST_PERCENT 40  /* how often the least reliable of the others answers */

/* What is asked of the hash. The numbers need only differ; others make another world. */
enum question { IS_ALIVE = 58, RELIABILITY, ANSWERS, LENGTH, PICK, GOSSIP };

/* FNV-1a over the address and two numbers, with a last stir, because its low bits are poor. */
static uint64_t hash(const peer_manager_address *peer, uint64_t question, uint64_t number)
{
  uint64_t value = UINT64_C(0xcbf29ce484222325) ^ question;
  const char *c;

  for (c = peer->host; *c != '\0'; c++)
    value = (value ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  value = (value ^ peer->port) * UINT64_C(0x100000001b3);
  value = (value ^ number) * UINT64_C(0x9e3779b97f4a7c15);
  value ^= value >> 32;
  value *= UINT64_C(0xd6e8feb86659fd93);
  return value ^ (value >> 32);
}

/* Whether our own line is cut: for an hour after lunch. All peers seem dead then, and none is to blame. */
bool world_is_down(int64_t now)
{
  return now % DAY / HOUR == 13;
}

/* Whether somebody picks up there, at that time. */
bool world_answers(const peer_manager_address *peer, int64_t now)
{
  const uint64_t character = hash(peer, IS_ALIVE, 0) % 100;
  const uint64_t reliability = WORST_PERCENT + hash(peer, RELIABILITY, 0) % (100 - WORST_PERCENT);

  if (world_is_down(now))
    return false;
  if (peer_manager_address_is_private(peer)) /* the peer that told us meant a host of its own network */
    return false;
  return character >= DEAD_PERCENT && hash(peer, ANSWERS, (uint64_t)now) % 100 < reliability;
}

/* How long a connection that is made now will last: from half an hour to five hours. */
int64_t world_connection_length(const peer_manager_address *peer, int64_t now)
{
  return 30 * MINUTE + (int64_t)(hash(peer, LENGTH, (uint64_t)now) % (4 * HOUR + 30 * MINUTE));
}

/* The nth address that a peer tells us now. Most are from the networks that are set aside for examples; some are
 * private, because nodes do gossip about those. */
bool world_gossip(const peer_manager_address *teller, int64_t now, unsigned nth, peer_manager_address *out)
{
  const uint64_t value = hash(teller, (uint64_t)GOSSIP + nth, (uint64_t)now);
  const unsigned host = (unsigned)(value >> 32) % 40 + 1;
  peer_manager_error error;
  char text[48];

  switch (value % 6) {
    case 0: case 1: snprintf(text, sizeof text, "198.51.100.%u", host); break;
    case 2: case 3: snprintf(text, sizeof text, "203.0.113.%u", host); break;
    case 4: snprintf(text, sizeof text, "2001:db8::%x", host); break;
    default: snprintf(text, sizeof text, "192.168.1.%u", host); break;
  }
  if (peer_manager_address_init(text, DEFAULT_PORT, out, &error) != PEER_MANAGER_OK)
    return failed("make an address", &error);
  return true;
}

/* One of several; count is not 0. */
size_t world_pick(int64_t now, size_t count)
{
  static const peer_manager_address nobody = {"", 0};
  return (size_t)(hash(&nobody, PICK, (uint64_t)now) % count);
}
