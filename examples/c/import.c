/* Reads a list of addresses, one a line. A line that is no address is reported and skipped: a list that people edit
 * has such lines, and the others are still good. */

#include "node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any address; what is longer is no address. */
#define LINE_CAPACITY 512

/* An array that grows. */
struct addresses {
  peer_manager_address *items;
  size_t count;
  size_t capacity;
};

static bool append(struct addresses *list, const peer_manager_address *address)
{
  if (list->count == list->capacity) {
    const size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
    peer_manager_address *items = NULL;
    if (capacity <= SIZE_MAX / sizeof *items)
      items = realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
      return failed_without_library("read the list", "out of memory");
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = *address;
  return true;
}

/* Reads a line of any length; false at the end of the file. fgets would not do here: it hides a NUL in the line,
 * which then takes the line's end with it. */
static bool read_line(FILE *file, char *line, size_t capacity, bool *too_long)
{
  size_t length = 0;
  int c = getc(file);

  *too_long = false;
  if (c == EOF)
    return false;
  for (; c != EOF && c != '\n'; c = getc(file)) {
    if (length + 1 < capacity)
      line[length++] = c == '\0' ? '?' : (char)c; /* '?' is in no address */
    else
      *too_long = true;
  }
  line[length] = '\0';
  return true;
}

/* Cuts off white space at both ends, the CR of a CRLF too: the parser takes none. */
static char *trim(char *line)
{
  static const char white[] = " \t\r";
  size_t length;

  line += strspn(line, white);
  length = strlen(line);
  while (length > 0 && strchr(white, line[length - 1]) != NULL)
    line[--length] = '\0';
  return line;
}

static void report_bad_line(const char *path, unsigned long number, const char *reason)
{
  fflush(stdout); /* so that it comes after what was printed before it */
  fprintf(stderr, "%s:%lu: %s\n", path, number, reason);
}

/* Reads the whole file; fails only when it cannot be read, or when there is no memory. */
static bool read_list(FILE *file, const char *path, struct addresses *good, size_t *out_bad)
{
  char line[LINE_CAPACITY];
  unsigned long number = 0;
  size_t bad = 0;
  bool too_long;

  while (read_line(file, line, sizeof line, &too_long)) {
    const char *text = trim(line);
    peer_manager_address address;
    peer_manager_error error;

    number++;
    if (text[0] == '\0' && !too_long)
      continue;
    if (text[0] == '#')
      continue;
    if (too_long) {
      bad++;
      report_bad_line(path, number, "longer than any address");
    } else if (peer_manager_address_parse(text, DEFAULT_PORT, &address, &error) != PEER_MANAGER_OK) {
      bad++;
      report_bad_line(path, number, error.message);
    } else if (!append(good, &address)) {
      return false;
    }
  }
  if (ferror(file))
    return failed_on_file("read", path, strerror(errno));
  *out_bad = bad;
  return true;
}

/* All addresses go in as one transaction, which is many times faster than one for each. */
static bool add_peers(peer_manager *pm, const struct addresses *list, size_t preferred, size_t *out_new)
{
  peer_manager_error error;
  size_t i;

  if (peer_manager_ensure_exists_many(pm, list->items, list->count, out_new, &error) != PEER_MANAGER_OK)
    return failed("add the peers of the list", &error);
  for (i = 0; i < preferred && i < list->count; i++) {
    /* 1: this list says who is preferred. (It matters only for a type other than PREFERRED.) */
    if (peer_manager_update_type(pm, &list->items[i], PEER_MANAGER_TYPE_PREFERRED, 1, &error) != PEER_MANAGER_OK)
      return failed("make a peer preferred", &error);
  }
  return true;
}

bool import_peers(peer_manager *pm, const char *path, size_t preferred, struct imported *out)
{
  struct addresses list = {NULL, 0, 0};
  FILE *const file = fopen(path, "r");
  bool ok;

  if (file == NULL)
    return failed_on_file("read", path, strerror(errno));
  ok = read_list(file, path, &list, &out->bad);
  fclose(file); /* it was only read: there is nothing that closing could lose */
  ok = ok && add_peers(pm, &list, preferred, &out->added);
  out->read = list.count;
  free(list.items);
  return ok;
}
