/* The words of a script, and what they stand for. */
#include "player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t word_count;
static char *words[MAX_WORDS];

const char *const types[] = {"INBOUND", "OUTBOUND", "PREFERRED", NULL};
const char *const backoffs[] = {"HARD_RESET", "RESET", "INCREASE", NULL};
const char *const filters[] = {"INBOUND_ONLY", "OUTBOUND_ONLY", "PREFERRED_ONLY", "ANY_OUTBOUND",
                               "ANY",          "NOT_PREFERRED", NULL};
const char *const durabilities[] = {"COMMIT", "SYNC", "DEFERRED", NULL};
const char *const purposes[] = {"CONNECT", "FEELER", NULL};

void read_words(char *line) {
  char *next;
  word_count = 0;
  for (next = strtok(line, " "); next != NULL; next = strtok(NULL, " ")) {
    if (word_count == MAX_WORDS) wrong("too many words behind", words[0]);
    words[word_count++] = next;
  }
}

char *word_to_cut(size_t n) {
  if (n >= word_count) wrong("a word is missing after", words[0]);
  return words[n];
}

const char *word(size_t n) {
  return word_to_cut(n);
}

int64_t read_number(const char *text) {
  char *end;
  long long number;
  errno = 0;
  number = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') wrong("no number", text);
  return (int64_t)number;
}

uint64_t read_unsigned(const char *text) {
  char *end;
  unsigned long long number;
  errno = 0;
  number = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || text[0] == '-') wrong("no number", text);
  return (uint64_t)number;
}

bool read_truth(const char *text) {
  if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) wrong("neither 0 nor 1", text);
  return text[0] == '1';
}

uint32_t number_of(const char *name, const char *const *names) {
  uint32_t n;
  for (n = 0; names[n] != NULL; n++) {
    if (strcmp(name, names[n]) == 0) return n;
  }
  wrong("no such name", name);
  return 0;
}

peer_manager_status read_address(const char *text, peer_manager_address *address) {
  return peer_manager_address_parse(text, DEFAULT_PORT, address, &failure);
}

peer_manager_status read_addresses(size_t first, peer_manager_address *addresses, size_t *count) {
  size_t n;
  *count = 0;
  for (n = first; n < word_count; n++) {
    if (strchr(words[n], '=') != NULL) continue;
    if (read_address(words[n], &addresses[*count])) return failure.status;
    ++*count;
  }
  return PEER_MANAGER_OK;
}

peer_manager_status read_record(char *const parts[4], peer_manager_record *record) {
  memset(record, 0, sizeof *record);
  record->next_attempt = read_number(parts[1]);
  record->num_failures = (uint32_t)read_unsigned(parts[2]);
  record->peer_type = number_of(parts[3], types);
  return read_address(parts[0], &record->address);
}

const char *value_of(const char *field, const char *name) {
  const size_t length = strlen(name);
  return strncmp(field, name, length) == 0 && field[length] == '=' ? field + length + 1 : NULL;
}
