/* The operations about what the node knows of itself and of whom it refuses. */
#include "player.h"

#include <string.h>

static peer_manager_status ban(void) {
  size_t removed;
  if (peer_manager_ban(pm, word(1), read_number(word(2)), &removed, &failure)) return failure.status;
  say("removed %zu", removed);
  return PEER_MANAGER_OK;
}

static peer_manager_status is_banned(void) {
  peer_manager_address address;
  if (read_address(word(1), &address)) return failure.status;
  say(peer_manager_is_banned(pm, &address) ? "true" : "false");
  return PEER_MANAGER_OK;
}

static peer_manager_status get_bans(void) {
  static peer_manager_ban_entry bans[MAX_ANSWER];
  size_t count, n;
  if (peer_manager_get_bans(pm, MAX_ANSWER, bans, &count, &failure)) return failure.status;
  if (count > MAX_ANSWER) wrong("more bans than this player has room for behind", word(0));
  for (n = 0; n < count; n++) say("%s %" PRId64, bans[n].subject, bans[n].until);
  sort_lines();
  return PEER_MANAGER_OK;
}

static peer_manager_status set_own_addresses(void) {
  peer_manager_address addresses[MAX_WORDS];
  size_t count;
  if (read_addresses(1, addresses, &count)) return failure.status;
  return peer_manager_set_own_addresses(pm, addresses, count, &failure);
}

bool set_policy(const char *operation, peer_manager_status *status) {
  if (strcmp(operation, "ban") == 0) {
    *status = ban();
  } else if (strcmp(operation, "unban") == 0) {
    *status = peer_manager_unban(pm, word(1), &failure);
  } else if (strcmp(operation, "is_banned") == 0) {
    *status = is_banned();
  } else if (strcmp(operation, "get_bans") == 0) {
    *status = get_bans();
  } else if (strcmp(operation, "set_own_addresses") == 0) {
    *status = set_own_addresses();
  } else if (strcmp(operation, "set_online") == 0) {
    *status = peer_manager_set_online(pm, read_truth(word(1)), &failure);
  } else {
    return false;
  }
  return true;
}
