/* The structs of the sockets API: Unix has them in several headers, Windows in Winsock's. */
#ifndef PEER_MANAGER_TESTS_SOCKETS_H
#define PEER_MANAGER_TESTS_SOCKETS_H

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>

/* As in afunix.h, which not every compiler for Windows comes with. */
struct sockaddr_un {
  ADDRESS_FAMILY sun_family;
  char sun_path[108];
};
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

#endif
