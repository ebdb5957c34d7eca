/* Lines over a socket that does not block. A line is printable ASCII and a newline, shorter than LINE_CAPACITY: what a
 * stranger sends takes no more memory than that. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void wire_open(struct wire *wire, int fd)
{
  wire->fd = fd;
  wire->received = wire->sent = wire->unsent = 0;
}

void wire_close(struct wire *wire)
{
  close(wire->fd); /* nothing is lost that anybody waits for */
  wire->fd = -1;
}

static bool would_block(void)
{
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Reads once, so that no peer keeps the node from the others by sending without end. Lines are taken before the next
 * call, so there is room. */
bool wire_receive(struct wire *wire, const char **reason)
{
  const ssize_t length = recv(wire->fd, wire->in + wire->received, sizeof wire->in - wire->received, 0);

  if (length < 0) {
    *reason = strerror(errno);
    return would_block();
  }
  if (length == 0) {
    *reason = "it hung up";
    return false;
  }
  wire->received += (size_t)length;
  return true;
}

/* Characters that are not printable become '?', which is in no command and no address: a NUL would hide what follows. */
bool wire_take_line(struct wire *wire, char line[LINE_CAPACITY])
{
  const char *const end = memchr(wire->in, '\n', wire->received);
  size_t i, length;

  if (end == NULL)
    return false;
  length = (size_t)(end - wire->in);
  for (i = 0; i < length; i++)
    line[i] = wire->in[i] >= ' ' && wire->in[i] <= '~' ? wire->in[i] : '?';
  line[length] = '\0';
  wire->received -= length + 1;
  memmove(wire->in, end + 1, wire->received);
  return true;
}

/* Whether the line that has begun is too long, once all whole lines are taken. */
bool wire_is_full(const struct wire *wire)
{
  return wire->received == sizeof wire->in;
}

bool wire_put(struct wire *wire, const char *line)
{
  const size_t length = strlen(line);

  if (wire->sent == wire->unsent)
    wire->sent = wire->unsent = 0;
  if (length >= sizeof wire->out - wire->unsent)
    return false;
  memcpy(wire->out + wire->unsent, line, length);
  wire->out[wire->unsent + length] = '\n';
  wire->unsent += length + 1;
  return true;
}

/* Sends what the socket takes now. SIGPIPE is ignored: that the other end has gone is a reason like others. */
bool wire_send(struct wire *wire, const char **reason)
{
  ssize_t length;

  if (wire_is_sent(wire))
    return true;
  length = send(wire->fd, wire->out + wire->sent, wire->unsent - wire->sent, 0);
  if (length < 0) {
    *reason = strerror(errno);
    return would_block();
  }
  wire->sent += (size_t)length;
  return true;
}

bool wire_is_sent(const struct wire *wire)
{
  return wire->sent == wire->unsent;
}
