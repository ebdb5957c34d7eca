/*
 * Replays a script of operations and prints the transcript; see ../../golden/README.md.
 *
 *   golden SCRIPT DATABASE      DATABASE is the path of a file that is not there yet; further ones have a number behind it
 */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

peer_manager *pm;
peer_manager_error failure;

static const char *database;
static unsigned database_number;
static int64_t now;

void wrong(const char *what, const char *word) {
  fprintf(stderr, "golden: %s: %s\n", what, word);
  exit(2);
}

static int64_t read_clock(void *context) {
  (void)context;
  return now;
}

static void set_option(peer_manager_options *options, const char *field) {
  const char *value;
  if ((value = value_of(field, "max_peers")) != NULL) {
    options->max_peers = read_unsigned(value);
  } else if ((value = value_of(field, "max_peers_per_netgroup")) != NULL) {
    options->max_peers_per_netgroup = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "share_cache_seconds")) != NULL) {
    options->share_cache_seconds = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "share_max_percent")) != NULL) {
    options->share_max_percent = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "reach")) != NULL) {
    options->reach = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "name_groups")) != NULL) {
    options->name_groups = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "keep_history")) != NULL) {
    options->keep_history = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "backoff_seconds")) != NULL) {
    options->backoff_seconds = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "max_backoff_exponent")) != NULL) {
    options->max_backoff_exponent = (uint32_t)read_unsigned(value);
  } else {
    wrong("no such option", field);
  }
}

static peer_manager_status open_manager(void) {
  const bool is_file = strcmp(word(1), "file") == 0;
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  char path[MAX_LINE];
  size_t n = 2;
  if (is_file) {
    if (database_number == 0) {
      snprintf(path, sizeof path, "%s", database);
    } else {
      snprintf(path, sizeof path, "%s.%u", database, database_number);
    }
    options.db_path = path;
    options.durability = number_of(word(n++), durabilities);
  } else if (strcmp(word(1), "memory") != 0) {
    wrong("neither memory nor file", word(1));
  }
  options.has_rng_seed = 1;
  options.rng_seed = read_unsigned(word(n++));
  options.clock = read_clock;
  for (; n < word_count; n++) set_option(&options, word(n));
  return peer_manager_open(&options, &pm, &failure);
}

static peer_manager_status parse_address(const char *text) {
  peer_manager_address address;
  if (peer_manager_address_parse(text, 0, &address, &failure)) return failure.status;
  say("%s %s", text_of(&address), peer_manager_address_is_private(&address) ? "private" : "public");
  return PEER_MANAGER_OK;
}

/* An operation, and the rest of its line behind it. */
static peer_manager_status operate(const char *operation, const char *rest) {
  peer_manager_status status = PEER_MANAGER_OK;
  if (strcmp(operation, "clock") == 0) {
    now = read_number(word(1));
  } else if (strcmp(operation, "new_file") == 0) {
    database_number++;
  } else if (strcmp(operation, "open") == 0) {
    return open_manager();
  } else if (strcmp(operation, "close") == 0) {
    peer_manager_free(pm);
    pm = NULL;
  } else if (strcmp(operation, "address") == 0) {
    return parse_address(rest);
  } else if (pm == NULL) {
    wrong("no peer manager is open for", operation);
  } else if (!change_peers(operation, &status) && !choose_peers(operation, &status) && !look_at_peers(operation, &status) &&
             !set_policy(operation, &status)) {
    wrong("no such operation", operation);
  }
  return status;
}

static void play(char *line) {
  static const char sorted[] = "sorted ";
  const bool is_sorted = strncmp(line, sorted, sizeof sorted - 1) == 0;
  char rest[MAX_LINE];
  const char *space;
  printf("> %s\n", line);
  if (is_sorted) line += sizeof sorted - 1;
  space = strchr(line, ' ');
  snprintf(rest, sizeof rest, "%s", space == NULL ? "" : space + 1);
  read_words(line);
  if (operate(word(0), rest) == PEER_MANAGER_OK) {
    if (is_sorted) sort_lines();
    print_lines();
  } else {
    drop_lines();
    printf("  error %s: %s\n", peer_manager_status_name(failure.status), failure.message);
  }
}

/* Plays a line of a script, or of a transcript, which may be one. */
static void play_line(char *line, bool is_transcript) {
  const bool is_passed_over = line[0] == '\0' || line[0] == '#';
  if (!is_transcript) {
    if (!is_passed_over) play(line);
  } else if (is_passed_over) {
    puts(line);
  } else if (strncmp(line, "> ", 2) == 0) {
    play(line + 2);
  } else if (strncmp(line, "  ", 2) != 0) {
    wrong("no operation", line);
  }
}

static bool read_line(FILE *script, char *line, size_t size) {
  if (fgets(line, (int)size, script) == NULL) return false;
  if (strchr(line, '\n') == NULL && !feof(script)) wrong("too long a line", line);
  line[strcspn(line, "\n")] = '\0';
  return true;
}

/* Whether the first line that is neither empty nor a comment is one of a transcript. */
static bool looks_like_a_transcript(FILE *script) {
  static char line[MAX_LINE];
  bool is_transcript = false;
  while (read_line(script, line, sizeof line)) {
    if (line[0] == '\0' || line[0] == '#') continue;
    is_transcript = strncmp(line, "> ", 2) == 0;
    break;
  }
  rewind(script);
  return is_transcript;
}

int main(int argc, char **argv) {
  static char line[MAX_LINE];
  FILE *script;
  bool is_transcript;
  if (argc != 3) wrong("usage", "golden SCRIPT DATABASE");
  database = argv[2];
  script = fopen(argv[1], "r");
  if (script == NULL) wrong("cannot open", argv[1]);
  is_transcript = looks_like_a_transcript(script);
  while (read_line(script, line, sizeof line)) play_line(line, is_transcript);
  fclose(script);
  peer_manager_free(pm);
  return 0;
}
