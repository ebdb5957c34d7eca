#include "addresses.h"

#include <stdlib.h>
#include <string.h>

/* Copies a host of `length` bytes. One that is too long is left without its end, which the library refuses. */
static void put(peer_manager_address *out, const char *host, size_t length, uint16_t port) {
  if (length > sizeof out->host) {
    length = sizeof out->host;
  }
  memcpy(out->host, host, length);
  memset(out->host + length, 0, sizeof out->host - length);
  out->port = port;
}

peer_manager_address address_of(const char *host, uint16_t port) {
  peer_manager_address address;
  put(&address, host, strlen(host), port);
  return address;
}

peer_manager_address *addresses_of(const char *hosts, const uint16_t *ports, size_t count) {
  peer_manager_address *addresses = count == 0 ? NULL : calloc(count, sizeof *addresses);
  if (addresses == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < count; i++) {
    size_t length = strcspn(hosts, "\n");
    put(&addresses[i], hosts, length, ports[i]);
    hosts += length + (hosts[length] == '\n');
  }
  return addresses;
}

char *put_host(char *out, const peer_manager_address *address) {
  /* memmove, because a draw's hosts are packed where its addresses are. */
  size_t length = strnlen(address->host, sizeof address->host);
  memmove(out, address->host, length);
  out[length] = '\n';
  return out + length + 1;
}
