/* What an operation prints: its lines are kept until it has succeeded. */
#include "player.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest line: data, or two addresses. */
enum { LONGEST = 1024 };

static char **lines;
static size_t line_count, capacity;

void say(const char *format, ...) {
  char *line = (char *)malloc(LONGEST);
  va_list arguments;
  if (line_count == capacity) {
    capacity = capacity == 0 ? 64 : 2 * capacity;
    lines = (char **)realloc(lines, capacity * sizeof *lines);
  }
  if (line == NULL || lines == NULL) wrong("no memory for", format);
  va_start(arguments, format);
  vsnprintf(line, LONGEST, format, arguments);
  va_end(arguments);
  lines[line_count++] = line;
}

const char *text_of(const peer_manager_address *address) {
  static char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  if (peer_manager_address_format(address, text, sizeof text, &failure)) wrong(failure.message, address->host);
  return text;
}

void say_addresses(const peer_manager_address *addresses, size_t count) {
  size_t n;
  for (n = 0; n < count; n++) say("%s", text_of(&addresses[n]));
}

void say_record(const peer_manager_record *record) {
  say("%s %" PRId64 " %" PRIu32 " %s", text_of(&record->address), record->next_attempt, record->num_failures,
      types[record->peer_type]);
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void sort_lines(void) {
  if (line_count > 0) qsort(lines, line_count, sizeof *lines, compare_lines);
}

void print_lines(void) {
  size_t n;
  for (n = 0; n < line_count; n++) printf("  %s\n", lines[n]);
  drop_lines();
}

void drop_lines(void) {
  while (line_count > 0) free(lines[--line_count]);
}
