/* A node that lives on sockets: how it begins, with what, and how it ends. */

#define _POSIX_C_SOURCE 200809L

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


/* On the Internet a dial costs strangers something, so what can wait is done seldom. A network of one machine has
 * no strangers, and should stand while its owner looks at it. */
static const struct pace internet = {
  .feeler = 2 * MINUTE * MILLISECONDS,
  .asking_first = 2 * MILLISECONDS,
  .asking = 15 * MINUTE * MILLISECONDS,
  .rotation = REAL_ROTATION * MILLISECONDS,
  .pause = 30 * MILLISECONDS,
};
static const struct pace one_machine = {
  .feeler = 3 * MILLISECONDS,
  .asking_first = 1 * MILLISECONDS,
  .asking = 2 * MILLISECONDS,
  .rotation = REAL_ROTATION * MILLISECONDS,
  .pause = 1 * MILLISECONDS,
};

/* ---- Signals --------------------------------------------------------------------------------------------------------- */

/* A signal that comes just before poll would be slept through, were it not for this pipe: it can be read from then on. */
static int stop_pipe[2] = {-1, -1};

static void stop(int signal)
{
  const int error = errno;
  const ssize_t written = write(stop_pipe[1], "", 1);

  (void)signal;
  (void)written; /* if the pipe is full, there is something to read */
  errno = error;
}

static bool catch_signals(void)
{
  struct sigaction action;

  if (pipe(stop_pipe) != 0 || fcntl(stop_pipe[1], F_SETFL, O_NONBLOCK) != 0)
    return failed_without_library("catch signals", strerror(errno));
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, NULL); /* these fail for unknown signals only */
  action.sa_handler = stop;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  return true;
}

/* ---- Beginning and end ----------------------------------------------------------------------------------------------- */

/* Clock and random numbers are the library's own. What an attacker could fill has a bound. */
static bool open_table(struct real *node, const struct arguments *wanted)
{
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_error error;

  options.db_path = wanted->database;
  if (wanted->is_local) {
    options.reach = PEER_MANAGER_REACH_PRIVATE;
    options.backoff_seconds = 1; /* a peer that was started a little later is not left waiting */
    options.max_backoff_exponent = 5;
  } else {
    options.reach = PEER_MANAGER_REACH_PUBLIC;
    options.max_peers = 20000;
    options.max_peers_per_netgroup = 16;
    /* Who asks again and again does not get the whole table. In a network of thousands, for a day and with
     * share_max_percent; here that would be two peers of a dozen. */
    options.share_cache_seconds = HOUR;
  }
  if (peer_manager_open(&options, &node->pm, &error) != PEER_MANAGER_OK)
    return failed("open the peers", &error);
  return true;
}

/* The operator chose them, so they are preferred: a private one is dialled even where gossip of such is refused. */
static bool add_seeds(struct real *node, const struct arguments *wanted)
{
  peer_manager_address seed;
  peer_manager_status status;
  peer_manager_error error;
  size_t i;

  for (i = 0; i < wanted->seed_count; i++) {
    status = peer_manager_address_parse(wanted->seeds[i], DEFAULT_PORT, &seed, &error);
    if (status == PEER_MANAGER_OK)
      status = peer_manager_update_type(node->pm, &seed, PEER_MANAGER_TYPE_PREFERRED, 1, &error);
    if (status == PEER_MANAGER_ERROR_REFUSED) { /* all nodes of a network may be started with the same seeds */
      print_event("no seed", &seed, "it is this node itself");
      continue;
    }
    if (status != PEER_MANAGER_OK)
      return failed("add a seed", &error);
    node->heard++;
    node->heard_routable += peer_manager_address_is_routable(&seed) ? 1 : 0;
  }
  return true;
}

static bool start_listening(struct real *node, const char *address)
{
  peer_manager_error error;

  if (!open_listener(node, address))
    return false;
  printf("listening on port %u\n", (unsigned)node->port);
  if (!own_address_of(node->listener, &node->own[0]))
    return true; /* it listens on all interfaces, and learns its addresses when it is reached at them */
  node->own_count = 1;
  if (peer_manager_set_own_addresses(node->pm, node->own, node->own_count, &error) != PEER_MANAGER_OK)
    return failed("say which address is the node's own", &error);
  print_event("own address", &node->own[0], NULL);
  return true;
}

static bool make_places(struct real *node, size_t places)
{
  size_t i;

  node->places = places;
  node->capacity = places + 1 + 2 * places + MOST_SURPLUS; /* 1: the feeler */
  node->connections = calloc(node->capacity, sizeof *node->connections);
  if (node->connections == NULL)
    return failed_without_library("make room for connections", "out of memory");
  for (i = 0; i < node->capacity; i++)
    node->connections[i].wire.fd = -1;
  return true;
}

static void close_all(struct real *node)
{
  size_t i;

  for (i = 0; node->connections != NULL && i < node->capacity; i++) {
    if (node->connections[i].wire.fd >= 0)
      wire_close(&node->connections[i].wire);
  }
  free(node->connections);
  node->connections = NULL;
  if (node->listener >= 0)
    close(node->listener);
  for (i = 0; i < 2; i++) {
    if (stop_pipe[i] >= 0)
      close(stop_pipe[i]);
  }
}

/* ---- The node -------------------------------------------------------------------------------------------------------- */

static bool begin_and_live(struct real *node, const struct arguments *wanted)
{
  const int64_t now = now_ms();
  struct pollfd *fds;
  bool ok;

  if (!catch_signals() || !start_listening(node, wanted->listen) || !add_seeds(node, wanted)
      || !make_places(node, wanted->connections))
    return false;
  fds = calloc(node->capacity + 2, sizeof *fds);
  if (fds == NULL)
    return failed_without_library("make room for connections", "out of memory");
  node->next_feeler = now + node->pace->feeler;
  node->asking = node->pace->asking_first;
  node->next_asking = now + node->asking;
  node->next_rotation = now + node->pace->rotation;
  fds[0].fd = stop_pipe[0];
  ok = live(node, fds, wanted->seconds == 0 ? NEVER : now + (int64_t)wanted->seconds * MILLISECONDS);
  if (ok)
    print_connections(node);
  free(fds);
  return ok;
}

bool run_real_node(const struct arguments *wanted)
{
  struct real node = {0};
  bool ok;

  setvbuf(stdout, NULL, _IOLBF, 0); /* others read along */
  node.is_local = wanted->is_local;
  node.pace = wanted->is_local ? &one_machine : &internet;
  node.is_online = true; /* as the peer manager takes it to be */
  node.listener = -1;
  if (!open_table(&node, wanted))
    return false;
  ok = before_life(node.pm, wanted, (int64_t)time(NULL)) && begin_and_live(&node, wanted) && after_life(node.pm, wanted);
  close_all(&node);
  peer_manager_free(node.pm);
  return ok;
}
