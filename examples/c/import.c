/* Reads a list of addresses, one a line. A line that is no address is reported and skipped: a list that people edit
 * has such lines, and the others are still good. */

#include "node.h"

#include <ctype.h>
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
  size_t length = strlen(line);

  while (length > 0 && isspace((unsigned char)line[length - 1]))
    line[--length] = '\0';
  while (isspace((unsigned char)*line))
    line++;
  return line;
}

static void print_bad_line(unsigned long number, const char *reason)
{
  printf("  %lu: %s\n", number, reason);
}

/* Reads the whole file; fails only when it cannot be read, or when there is no memory. */
static bool read_list(FILE *file, struct addresses *good, unsigned long *out_bad)
{
  char line[LINE_CAPACITY];
  unsigned long number = 0, bad = 0;
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
      print_bad_line(number, "longer than any address");
    } else if (peer_manager_address_parse(text, DEFAULT_PORT, &address, &error) != PEER_MANAGER_OK) {
      bad++;
      print_bad_line(number, error.message);
    } else if (!append(good, &address)) {
      return false;
    }
  }
  if (ferror(file))
    return failed_without_library("read the list", strerror(errno));
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

bool import_peers(peer_manager *pm, const char *path, size_t preferred)
{
  struct addresses list = {NULL, 0, 0};
  unsigned long bad = 0;
  size_t added = 0;
  FILE *file;
  bool ok;

  print_section("import");
  file = fopen(path, "r");
  if (file == NULL)
    return failed_without_library("open the list", strerror(errno));
  printf("lines that are no address:\n");
  ok = read_list(file, &list, &bad);
  fclose(file); /* it was only read: there is nothing that closing could lose */
  if (ok && bad == 0)
    printf("  none\n");
  ok = ok && add_peers(pm, &list, preferred, &added);
  if (ok)
    printf("%zu addresses read: %zu new, %zu known already or there twice; %lu lines skipped\n", list.count, added,
           list.count - added, bad);
  free(list.items);
  return ok;
}
