/* What the caller of the program wants. */

#define _POSIX_C_SOURCE 200809L

#include "node.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(FILE *out, const char *program)
{
  fprintf(out,
          "usage: %s [OPTION]... LIST [DATABASE]\n"
          "       %s [OPTION]... [--database DATABASE]\n"
          "       %s --listen ADDRESS [--local] [--seed ADDRESS]... [--connections N] [--seconds S]\n"
          "          [OPTION]... [--database DATABASE]\n"
          "\n"
          "The first lives a simulated day with the addresses of LIST, without any network.\n"
          "The second lives no day.\n"
          "The third is a node on sockets, until it gets SIGTERM or SIGINT.\n"
          "  --listen ADDRESS  where it listens: an IP address and a port; port 0 is any that is free\n"
          "  --local           for a network on one machine or a LAN: private addresses are told to others like any\n"
          "  --seed ADDRESS    an IP address and a port of a peer to begin with; may be repeated (at most %d times)\n"
          "  --connections N   outbound connections (8; at most %d); twice as many inbound ones may stay\n"
          "  --seconds S       ends after so many seconds\n"
          "Options of all, in the order in which they happen; one of them is needed where no day is lived:\n"
          "  --ban SUBJECT[,SECONDS]  bans a host, such as 203.0.113.7, or a prefix, such as 203.0.113.0/24, for good or for so\n"
          "                           many seconds, and removes its peers; may be repeated (at most %d times), as --unban may\n"
          "  --unban SUBJECT          ends a ban\n"
          "  --import FILE            adds the addresses of a file\n"
          "  --export FILE            writes the addresses of all peers to a file\n"
          "  --bans                   prints the bans\n"
          "  --metrics                prints the counts\n"
          "--database DATABASE keeps the peers and the bans in a file; without it they are gone at the end.\n"
          "--help or -h prints this.\n",
          program, program, program, MOST_SEEDS, MOST_PLACES, MOST_BANS);
}

/* NULL for the reason when getopt_long has printed it. */
static bool usage(const char *program, const char *reason)
{
  if (reason != NULL)
    fprintf(stderr, "node: %s\n", reason);
  print_usage(stderr, program);
  return false;
}

/* A number from 1 to `most`. */
static bool read_number(const char *text, unsigned long most, unsigned long *out)
{
  char *end;

  if (*text < '1' || *text > '9')
    return false;
  errno = 0;
  *out = strtoul(text, &end, 10);
  return errno == 0 && *end == '\0' && *out <= most;
}

/* Why the arguments make no sense together, or NULL. Options of the node on sockets say nothing without --listen; with
 * it, there is no day. */
static const char *objection(const struct arguments *wanted, bool has_live_options)
{
  const bool has_task = wanted->import != NULL || wanted->export != NULL || wanted->metrics
                        || wanted->ban_count + wanted->unban_count > 0 || wanted->lists_bans;

  if (wanted->listen != NULL)
    return wanted->list == NULL ? NULL : "a node on sockets lives no day: give either --listen or LIST";
  if (has_live_options)
    return "--local, --seed, --connections and --seconds need --listen";
  return wanted->list != NULL || has_task ? NULL : "there is nothing to do";
}

bool read_arguments(int argc, char **argv, struct arguments *out)
{
  static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {"import", required_argument, NULL, 'i'},
    {"export", required_argument, NULL, 'e'},
    {"metrics", no_argument, NULL, 'm'},
    {"ban", required_argument, NULL, 'b'},
    {"unban", required_argument, NULL, 'u'},
    {"bans", no_argument, NULL, 'B'},
    {"database", required_argument, NULL, 'd'},
    {"listen", required_argument, NULL, 'l'},
    {"local", no_argument, NULL, 'p'},
    {"seed", required_argument, NULL, 's'},
    {"connections", required_argument, NULL, 'c'},
    {"seconds", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
  };
  const char *const program = argc > 0 ? argv[0] : "node";
  const char *reason;
  bool has_live_options = false;
  int option;

  out->connections = 8;
  while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    switch (option) {
      case 'h':
        print_usage(stdout, program);
        out->help = true;
        return true;
      case 'i': out->import = optarg; break;
      case 'e': out->export = optarg; break;
      case 'm': out->metrics = true; break;
      case 'B': out->lists_bans = true; break;
      case 'b':
        if (out->ban_count == MOST_BANS)
          return usage(program, "--ban is given too often");
        out->bans[out->ban_count++] = optarg;
        break;
      case 'u':
        if (out->unban_count == MOST_BANS)
          return usage(program, "--unban is given too often");
        out->unbans[out->unban_count++] = optarg;
        break;
      case 'd': out->database = optarg; break;
      case 'l': out->listen = optarg; break;
      case 'p': out->is_local = true; break;
      case 's':
        if (out->seed_count == MOST_SEEDS)
          return usage(program, "--seed is given too often");
        out->seeds[out->seed_count++] = optarg;
        break;
      case 'c':
        if (!read_number(optarg, MOST_PLACES, &out->connections))
          return usage(program, "--connections needs a whole number from 1 to its bound");
        break;
      case 't':
        if (!read_number(optarg, MOST_SECONDS, &out->seconds))
          return usage(program, "--seconds needs a whole number, from 1 to a year of them");
        break;
      default: return usage(program, NULL); /* getopt_long has said what is wrong */
    }
    has_live_options = has_live_options || strchr("psct", option) != NULL;
  }
  if (optind < argc)
    out->list = argv[optind++];
  if (optind < argc && out->database == NULL)
    out->database = argv[optind++];
  reason = optind < argc ? "there are too many arguments" : objection(out, has_live_options);
  return reason == NULL || usage(program, reason);
}
