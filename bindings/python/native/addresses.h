/* Addresses as Python has them: a host and a port, or hosts that end in newlines and an array of ports. */
#ifndef PEER_MANAGER_PYTHON_ADDRESSES_H
#define PEER_MANAGER_PYTHON_ADDRESSES_H

#include "peer_manager.h"

peer_manager_address address_of(const char *host, uint16_t port);

/* A copy of `count` hosts and ports, to be freed. NULL if there is not enough memory, and for none. */
peer_manager_address *addresses_of(const char *hosts, const uint16_t *ports, size_t count);

/* Writes the host and a newline; returns the end. */
char *put_host(char *out, const peer_manager_address *address);

#endif
