/*
 * A fault for the leak detection of the address sanitizer: snapshots that are not freed. There are a few, because a
 * pointer that a register happens to keep would hide the last one.
 */
#include "../check.h"

int main(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_snapshot *snapshot = NULL;
  int i;
  for (i = 0; i < 4; i++) REQUIRE(SUCCEEDS(peer_manager_get_all_peers, pm, &snapshot));
  snapshot = NULL;
  peer_manager_free(pm);
  return CHECK_RESULT();
}
