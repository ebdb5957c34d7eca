/* Makes a table in memory, with a library of the version that its header says. */

#include <peer_manager.h>

int main(void)
{
  peer_manager *pm = NULL;

  if (peer_manager_new_in_memory(&pm, NULL) != PEER_MANAGER_OK)
    return 1;
  peer_manager_free(pm);
  return peer_manager_version_number() == PEER_MANAGER_VERSION_NUMBER ? 0 : 1;
}
