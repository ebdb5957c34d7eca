/*
 * A fault for the address sanitizer: an output is shorter than the program says. The library writes past it, but only
 * the program knows where it ends, so the fault is seen only if the program is instrumented.
 */
#include "../check.h"

int main(void) {
  peer_manager_address address = check_address("192.0.2.1", 11625);
  char text[8];
  (void)peer_manager_address_format(&address, text, PEER_MANAGER_ADDRESS_TEXT_CAPACITY, NULL);
  printf("%.8s\n", text);
  return 0;
}
