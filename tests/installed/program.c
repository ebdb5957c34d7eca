/* A program that uses an installed library as its users do. It compiles as C and as C++. */
#ifdef __cplusplus
#include <peer_manager.hpp>
#else
#include <peer_manager.h>
#endif

#include <stdio.h>
#include <string.h>

int main(void) {
  peer_manager_error error;
  peer_manager_address address;
  peer_manager *pm = NULL;
  if (strcmp(peer_manager_version_string(), PEER_MANAGER_VERSION_STRING) != 0) {
    fprintf(stderr, "the header is of %s, the library of %s\n", PEER_MANAGER_VERSION_STRING,
            peer_manager_version_string());
    return 1;
  }
  if (peer_manager_new_in_memory(&pm, &error) != PEER_MANAGER_OK ||
      peer_manager_address_parse("192.0.2.1:11625", 0, &address, &error) != PEER_MANAGER_OK ||
      peer_manager_ensure_exists(pm, &address, &error) != PEER_MANAGER_OK) {
    fprintf(stderr, "%s\n", error.message);
    peer_manager_free(pm);
    return 1;
  }
  printf("peers %u, %s\n", (unsigned)peer_manager_peer_count(pm), peer_manager_build_info());
  peer_manager_free(pm);
  return 0;
}
