/*
 * A fault for the address sanitizer: a manager is used after it was freed. It is the library's code in Rust that
 * reads it, so the fault is seen only if that is instrumented.
 */
#include "../check.h"

int main(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_free(pm);
  printf("%lu peers\n", (unsigned long)peer_manager_peer_count(pm));
  return 0;
}
