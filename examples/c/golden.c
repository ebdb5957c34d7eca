/*
 * Replays a script of operations and prints the transcript; see ../golden/README.md.
 *
 *   golden SCENARIO DATABASE      DATABASE is the path of a file that is not there yet
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peer_manager.h>

enum { MAX_WORDS = 64, MAX_ANSWER = 64, DEFAULT_PORT = 11625 };

static const char *database;
static peer_manager *pm;
static int64_t now;
static peer_manager_error failure;
static char *words[MAX_WORDS];
static size_t word_count;

/* What is wrong with a script ends the program. */
static void wrong(const char *what, const char *word) {
  fprintf(stderr, "golden: %s: %s\n", what, word);
  exit(2);
}

static const char *word(size_t n) {
  if (n >= word_count) wrong("a word is missing after", words[0]);
  return words[n];
}

static int64_t read_clock(void *context) {
  (void)context;
  return now;
}

/* The number of a name in a list, which ends with NULL; the lists are in the order of the header's constants. */
static uint32_t number_of(const char *name, const char *const *names) {
  uint32_t n;
  for (n = 0; names[n] != NULL; n++) {
    if (strcmp(name, names[n]) == 0) return n;
  }
  wrong("no such name", name);
  return 0;
}

static const char *const types[] = {"INBOUND", "OUTBOUND", "PREFERRED", NULL};
static const char *const backoffs[] = {"HARD_RESET", "RESET", "INCREASE", NULL};
static const char *const filters[] = {"INBOUND_ONLY", "OUTBOUND_ONLY", "PREFERRED_ONLY", "ANY_OUTBOUND", "ANY", NULL};
static const char *const durabilities[] = {"COMMIT", "SYNC", "DEFERRED", NULL};

static peer_manager_status parse(const char *text, peer_manager_address *address) {
  return peer_manager_address_parse(text, DEFAULT_PORT, address, &failure);
}

/* Addresses from the words, from the first on. */
static peer_manager_status parse_all(size_t first, peer_manager_address *addresses, size_t *count) {
  peer_manager_status status = PEER_MANAGER_OK;
  size_t n;
  for (n = first; n < word_count && status == PEER_MANAGER_OK; n++) status = parse(words[n], &addresses[n - first]);
  *count = word_count > first ? word_count - first : 0;
  return status;
}

static peer_manager_status parse_record(const char *address, const char *next_attempt, const char *failures, const char *type,
                                        peer_manager_record *record) {
  memset(record, 0, sizeof *record);
  record->next_attempt = (int64_t)strtoll(next_attempt, NULL, 10);
  record->num_failures = (uint32_t)strtoul(failures, NULL, 10);
  record->peer_type = number_of(type, types);
  return parse(address, &record->address);
}

/* What a query asks for, from three words. */
static peer_manager_query read_query(const char *filter, const char *use_next_attempt, const char *max_failures) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  query.type_filter = number_of(filter, filters);
  query.use_next_attempt = use_next_attempt[0] == '1';
  query.has_max_num_failures = max_failures[0] != '-';
  query.max_num_failures = (uint32_t)strtoul(max_failures, NULL, 10);
  return query;
}

static const char *text_of(const peer_manager_address *address) {
  static char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  if (peer_manager_address_format(address, text, sizeof text, &failure)) wrong(failure.message, address->host);
  return text;
}

static void print_record(char *line, size_t capacity, const peer_manager_record *record) {
  snprintf(line, capacity, "  %s %" PRId64 " %" PRIu32 " %s\n", text_of(&record->address), record->next_attempt,
           record->num_failures, types[record->peer_type]);
}

static void print_addresses(const peer_manager_address *addresses, size_t count) {
  size_t n;
  for (n = 0; n < count; n++) printf("  %s\n", text_of(&addresses[n]));
}

static peer_manager_status open_manager(void) {
  const int is_file = strcmp(word(1), "file") == 0;
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.db_path = is_file ? database : NULL;
  options.durability = is_file ? number_of(word(2), durabilities) : PEER_MANAGER_DURABILITY_COMMIT;
  options.has_rng_seed = 1;
  options.rng_seed = (uint64_t)strtoull(word(is_file ? 3 : 2), NULL, 10);
  options.clock = read_clock;
  return peer_manager_open(&options, &pm, &failure);
}

static peer_manager_status store_many(void) {
  peer_manager_record records[MAX_WORDS];
  size_t n;
  for (n = 1; n < word_count; n++) {
    const char *parts[4];
    size_t part;
    for (part = 0; part < 4; part++) parts[part] = strtok(part == 0 ? words[n] : NULL, ",");
    if (parts[3] == NULL) wrong("a record has four parts", words[n]);
    if (parse_record(parts[0], parts[1], parts[2], parts[3], &records[n - 1])) return failure.status;
  }
  return peer_manager_store_many(pm, records, word_count - 1, &failure);
}

static peer_manager_status load_random_peers(void) {
  peer_manager_address exclude[MAX_WORDS], answer[MAX_ANSWER];
  peer_manager_query query = read_query(word(1), word(2), word(3));
  size_t count = 0;
  query.exclude = exclude;
  if (parse_all(5, exclude, &query.exclude_count)) return failure.status;
  if (peer_manager_load_random_peers(pm, &query, strtoul(word(4), NULL, 10), answer, &count, &failure)) return failure.status;
  print_addresses(answer, count);
  return PEER_MANAGER_OK;
}

static peer_manager_status get_peers_to_send(void) {
  peer_manager_address exclude, answer[MAX_ANSWER];
  peer_manager_query filter = PEER_MANAGER_QUERY_INIT;
  const int has_filter = strcmp(word(1), "-") != 0, has_exclude = strcmp(word(2), "-") != 0;
  const size_t size = strtoul(word(3), NULL, 10);
  size_t count = 0;
  if (has_filter) {
    const char *type = strtok(words[1], ","), *use_next_attempt = strtok(NULL, ","), *max_failures = strtok(NULL, ",");
    if (max_failures == NULL) wrong("a filter has three parts", type);
    filter = read_query(type, use_next_attempt, max_failures);
  }
  if (has_exclude && parse(word(2), &exclude)) return failure.status;
  if (peer_manager_get_peers_to_send(pm, has_filter ? &filter : NULL, has_exclude ? &exclude : NULL, size, answer, &count,
                                     &failure))
    return failure.status;
  print_addresses(answer, count);
  return PEER_MANAGER_OK;
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static peer_manager_status get_all_peers(void) {
  enum { LINE = PEER_MANAGER_ADDRESS_TEXT_CAPACITY + 64 };
  peer_manager_snapshot *snapshot = NULL;
  char **lines;
  size_t count, n;
  if (peer_manager_get_all_peers(pm, &snapshot, &failure)) return failure.status;
  count = peer_manager_snapshot_count(snapshot);
  lines = (char **)calloc(count + 1, sizeof *lines);
  for (n = 0; lines != NULL && n < count; n++) {
    peer_manager_record record;
    lines[n] = (char *)malloc(LINE);
    if (lines[n] == NULL || peer_manager_snapshot_get(snapshot, n, &record, &failure)) wrong("cannot read", "a snapshot");
    print_record(lines[n], LINE, &record);
  }
  peer_manager_snapshot_free(snapshot);
  if (lines == NULL) wrong("no memory for", "a snapshot");
  qsort(lines, count, sizeof *lines, compare_lines);
  for (n = 0; n < count; n++) {
    fputs(lines[n], stdout);
    free(lines[n]);
  }
  free(lines);
  return PEER_MANAGER_OK;
}

static peer_manager_status get_stats(void) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  if (peer_manager_get_stats(pm, &stats, &failure)) return failure.status;
  printf("  durability %" PRIu32 "\n  peers %" PRIu64 "\n  inbound %" PRIu64 "\n", stats.durability, stats.peers, stats.inbound);
  printf("  outbound %" PRIu64 "\n  preferred %" PRIu64 "\n  ready %" PRIu64 "\n", stats.outbound, stats.preferred, stats.ready);
  printf("  netgroups %" PRIu64 "\n  pending_writes %" PRIu64 "\n", stats.netgroups, stats.pending_writes);
  printf("  failed_writes %" PRIu64 "\n  skipped_rows %" PRIu64 "\n", stats.failed_writes, stats.skipped_rows);
  printf("  refused_peers %" PRIu64 "\n", stats.refused_peers);
  return PEER_MANAGER_OK;
}

/* The operations whose first word after the name is an address. */
static peer_manager_status operate_on_address(const char *operation) {
  peer_manager_address address;
  if (parse(word(1), &address)) return failure.status;
  if (strcmp(operation, "ensure_exists") == 0) return peer_manager_ensure_exists(pm, &address, &failure);
  if (strcmp(operation, "remove") == 0) return peer_manager_remove(pm, &address, &failure);
  if (strcmp(operation, "update_type") == 0)
    return peer_manager_update_type(pm, &address, number_of(word(2), types), word(3)[0] == '1', &failure);
  if (strcmp(operation, "update_backoff") == 0)
    return peer_manager_update_backoff(pm, &address, number_of(word(2), backoffs), &failure);
  if (strcmp(operation, "update") == 0)
    return peer_manager_update(pm, &address, number_of(word(2), types), word(3)[0] == '1', number_of(word(4), backoffs), &failure);
  if (strcmp(operation, "load") == 0) {
    peer_manager_record record;
    char line[PEER_MANAGER_ADDRESS_TEXT_CAPACITY + 64];
    if (peer_manager_load(pm, &address, &record, &failure)) return failure.status;
    print_record(line, sizeof line, &record);
    fputs(line, stdout);
    return PEER_MANAGER_OK;
  }
  wrong("no such operation", operation);
  return PEER_MANAGER_ERROR_INTERNAL;
}

static peer_manager_status operate(const char *operation, const char *rest) {
  size_t count = 0;
  if (strcmp(operation, "clock") == 0) {
    now = (int64_t)strtoll(word(1), NULL, 10);
  } else if (strcmp(operation, "open") == 0) {
    return open_manager();
  } else if (strcmp(operation, "close") == 0) {
    peer_manager_free(pm);
    pm = NULL;
  } else if (strcmp(operation, "ensure_exists_many") == 0) {
    peer_manager_address addresses[MAX_WORDS];
    if (parse_all(1, addresses, &count)) return failure.status;
    if (peer_manager_ensure_exists_many(pm, addresses, count, &count, &failure)) return failure.status;
    printf("  inserted %lu\n", (unsigned long)count);
  } else if (strcmp(operation, "store") == 0) {
    peer_manager_record record;
    if (parse_record(word(1), word(2), word(3), word(4), &record)) return failure.status;
    return peer_manager_store(pm, &record, &failure);
  } else if (strcmp(operation, "store_many") == 0) {
    return store_many();
  } else if (strcmp(operation, "remove_peers_with_many_failures") == 0) {
    const uint32_t min_num_failures = (uint32_t)strtoul(word(1), NULL, 10);
    if (peer_manager_remove_peers_with_many_failures(pm, min_num_failures, &count, &failure)) return failure.status;
    printf("  removed %lu\n", (unsigned long)count);
  } else if (strcmp(operation, "clear_all") == 0) {
    return peer_manager_clear_all(pm, &failure);
  } else if (strcmp(operation, "flush") == 0) {
    return peer_manager_flush(pm, &failure);
  } else if (strcmp(operation, "load_random_peers") == 0) {
    return load_random_peers();
  } else if (strcmp(operation, "get_peers_to_send") == 0) {
    return get_peers_to_send();
  } else if (strcmp(operation, "peer_count") == 0) {
    printf("  %lu\n", (unsigned long)peer_manager_peer_count(pm));
  } else if (strcmp(operation, "get_all_peers") == 0) {
    return get_all_peers();
  } else if (strcmp(operation, "get_stats") == 0) {
    return get_stats();
  } else if (strcmp(operation, "address") == 0) {
    peer_manager_address address;
    if (peer_manager_address_parse(rest, 0, &address, &failure)) return failure.status;
    printf("  %s %s\n", text_of(&address), peer_manager_address_is_private(&address) ? "private" : "public");
  } else {
    return operate_on_address(operation);
  }
  return PEER_MANAGER_OK;
}

static void play(char *line) {
  char rest[1024];
  const char *space = strchr(line, ' ');
  char *next;
  snprintf(rest, sizeof rest, "%s", space == NULL ? "" : space + 1);
  printf("> %s\n", line);
  word_count = 0;
  for (next = strtok(line, " "); next != NULL; next = strtok(NULL, " ")) {
    if (word_count == MAX_WORDS) wrong("too many words in", rest);
    words[word_count++] = next;
  }
  if (operate(words[0], rest) != PEER_MANAGER_OK)
    printf("  error %s: %s\n", peer_manager_status_name(failure.status), failure.message);
}

int main(int argc, char **argv) {
  char line[1024];
  FILE *script;
  if (argc != 3) wrong("usage", "golden SCENARIO DATABASE");
  database = argv[2];
  script = fopen(argv[1], "r");
  if (script == NULL) wrong("cannot open", argv[1]);
  while (fgets(line, sizeof line, script) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] != '\0' && line[0] != '#') play(line);
  }
  fclose(script);
  return 0;
}
