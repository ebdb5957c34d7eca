/* What the caller of the program wants. */

#define _POSIX_C_SOURCE 200809L

#include "node.h"

#include <getopt.h>
#include <stdio.h>

static bool usage(const char *program)
{
  fprintf(stderr,
          "usage: %s [--import FILE] [--export FILE] [--metrics] LIST [DATABASE]\n"
          "       %s [--import FILE] [--export FILE] [--metrics] [--database DATABASE]\n",
          program, program);
  return false;
}

bool read_arguments(int argc, char **argv, struct arguments *out)
{
  static const struct option options[] = {
    {"import", required_argument, NULL, 'i'},
    {"export", required_argument, NULL, 'e'},
    {"metrics", no_argument, NULL, 'm'},
    {"database", required_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
  };
  const char *const program = argc > 0 ? argv[0] : "node";
  int option;

  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
      case 'i': out->import = optarg; break;
      case 'e': out->export = optarg; break;
      case 'm': out->metrics = true; break;
      case 'd': out->database = optarg; break;
      default: return usage(program); /* getopt_long has said what is wrong */
    }
  }
  if (optind < argc)
    out->list = argv[optind++];
  if (optind < argc && out->database == NULL)
    out->database = argv[optind++];
  if (optind < argc || (out->list == NULL && out->import == NULL && out->export == NULL && !out->metrics))
    return usage(program);
  return true;
}
