/* Sockets: where the node listens, and from where it dials. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_CAPACITY 300

/* A socket that does not block, and that no program which the node may start inherits. */
static bool prepare(int fd)
{
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static int close_for(int fd, int error)
{
  close(fd);
  errno = error;
  return -1;
}

static int new_socket(int family)
{
  const int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0)
    return -1;
  return prepare(fd) ? fd : close_for(fd, errno);
}

/* ---- Listening --------------------------------------------------------------------------------------------------- */

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
  if (address->ss_family == AF_INET6)
    ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
  else
    ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static uint16_t get_port(const struct sockaddr_storage *address)
{
  return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                              : ((const struct sockaddr_in *)address)->sin_port);
}

static bool is_any_interface(const struct sockaddr_storage *address)
{
  if (address->ss_family == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
  return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* "host:port"; port 0, which no peer has, is any that is free. */
static bool parse_listen(const char *text, struct sockaddr_storage *out, socklen_t *out_length)
{
  char host[TEXT_CAPACITY];
  const char *const colon = strrchr(text, ':');
  /* An IPv6 address without brackets has no port. */
  const bool is_any_port = colon != NULL && strcmp(colon, ":0") == 0 && (*text == '[' || strchr(text, ':') == colon);
  peer_manager_address address;
  peer_manager_error error;
  size_t length;

  snprintf(host, sizeof host, "%.*s", is_any_port ? (int)(colon - text) : (int)sizeof host, text);
  if (peer_manager_address_parse(host, DEFAULT_PORT, &address, &error) != PEER_MANAGER_OK
      || peer_manager_address_to_sockaddr(&address, out, &length, &error) != PEER_MANAGER_OK)
    return failed("listen", &error);
  if (is_any_port)
    set_port(out, 0);
  *out_length = (socklen_t)length;
  return true;
}

/* A node that listens on one address dials from its host: so a peer sees the address that the node listens on. */
bool open_listener(struct real *node, const char *address)
{
  const int yes = 1;
  struct sockaddr_storage *const local = &node->local;

  if (!parse_listen(address, local, &node->local_length))
    return false;
  node->family = local->ss_family;
  node->listener = new_socket(node->family);
  /* A node that was stopped can start again at once, although its old connections linger in the kernel. */
  if (node->listener < 0 || setsockopt(node->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0
      || bind(node->listener, (struct sockaddr *)local, node->local_length) != 0
      || listen(node->listener, SOMAXCONN) != 0
      || getsockname(node->listener, (struct sockaddr *)local, &node->local_length) != 0)
    return failed_on_file("listen on", address, strerror(errno));
  node->port = get_port(local);
  set_port(local, 0);
  if (is_any_interface(local))
    node->local_length = 0;
  return true;
}

/* The address at which this end of a connection was reached; that of the listening socket, if it has one host. */
bool own_address_of(int fd, peer_manager_address *out)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && !is_any_interface(&address)
         && peer_manager_address_from_sockaddr((struct sockaddr *)&address, length, out, NULL) == PEER_MANAGER_OK;
}

/* ---- Connections --------------------------------------------------------------------------------------------------- */

/* Begins to dial; dial_result says how that went once the socket can be written to. Names are not dialled: to resolve one
 * may take long, which a node does in another thread. */
int dial_socket(const struct real *node, const peer_manager_address *peer)
{
  const int yes = 1;
  struct sockaddr_storage address;
  size_t length;
  int fd;

  if (peer_manager_address_to_sockaddr(peer, &address, &length, NULL) != PEER_MANAGER_OK) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  fd = new_socket(address.ss_family);
  if (fd < 0)
    return -1;
  /* Connections stand for hours without a word; the kernel finds out when the other end has gone without one. */
  if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes) != 0)
    return close_for(fd, errno);
  if (node->local_length > 0 && node->family == address.ss_family
      && bind(fd, (const struct sockaddr *)&node->local, node->local_length) != 0)
    return close_for(fd, errno);
  if (connect(fd, (struct sockaddr *)&address, (socklen_t)length) != 0 && errno != EINPROGRESS)
    return close_for(fd, errno);
  return fd;
}

/* 0, or what errno would be. */
int dial_result(int fd)
{
  int result = 0;
  socklen_t length = sizeof result;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &length) == 0 ? result : errno;
}

int accept_socket(const struct real *node, peer_manager_address *from)
{
  const int yes = 1;
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  peer_manager_error error;
  const int fd = accept(node->listener, (struct sockaddr *)&address, &length);

  if (fd < 0)
    return -1;
  if (!prepare(fd) || setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes) != 0)
    return close_for(fd, errno);
  /* A link-local address has a scope, and is no address for others. */
  if (peer_manager_address_from_sockaddr((struct sockaddr *)&address, length, from, &error) != PEER_MANAGER_OK)
    return close_for(fd, EAFNOSUPPORT);
  return fd;
}
