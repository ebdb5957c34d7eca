/* Writes a list of addresses, one a line, as import.c reads it. The lines are sorted, so that two lists can be compared.
 *
 * The list is written to a file next to the one that is wanted, which then takes its place at once: whatever happens
 * meanwhile, there is the old list or the new one, never half of one. */

#define _POSIX_C_SOURCE 200809L

#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef char line_text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];

static int compare_lines(const void *left, const void *right)
{
  return strcmp(left, right);
}

/* The addresses of a snapshot as sorted text; NULL if that fails. */
static line_text *make_lines(const peer_manager_snapshot *peers)
{
  const size_t count = peer_manager_snapshot_count(peers);
  line_text *lines = calloc(count > 0 ? count : 1, sizeof *lines);
  peer_manager_record record;
  peer_manager_error error;
  size_t i;

  if (lines == NULL) {
    failed_without_library("list the addresses", "out of memory");
    return NULL;
  }
  for (i = 0; i < count; i++) {
    if (peer_manager_snapshot_get(peers, i, &record, &error) != PEER_MANAGER_OK
        || peer_manager_address_format(&record.address, lines[i], sizeof lines[i], &error) != PEER_MANAGER_OK) {
      failed("list the addresses", &error);
      free(lines);
      return NULL;
    }
  }
  qsort(lines, count, sizeof *lines, compare_lines);
  return lines;
}

/* Writes the lines to a new file and sees that they are on the disk. False with errno when that fails. */
static bool write_new_file(const char *path, line_text *lines, size_t count)
{
  const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
  size_t i;
  bool ok = true;

  if (file == NULL) {
    if (descriptor >= 0)
      close(descriptor);
    return false;
  }
  for (i = 0; i < count && ok; i++)
    ok = fprintf(file, "%s\n", lines[i]) >= 0;
  ok = ok && fflush(file) == 0 && fsync(descriptor) == 0;
  if (!ok) {
    const int reason = errno;
    fclose(file);
    errno = reason;
    return false;
  }
  return fclose(file) == 0;
}

/* Whether there is nothing at the path, or a file: a device or a link is not to be replaced by a list. */
static bool is_replaceable(const char *path)
{
  struct stat status;

  if (lstat(path, &status) != 0 || S_ISREG(status.st_mode))
    return true;
  return failed_on_file("write", path, "it is there and no regular file; give another path");
}

static bool write_list(const char *path, line_text *lines, size_t count)
{
  const size_t capacity = strlen(path) + 32;
  char *const temporary = malloc(capacity);
  bool ok;

  if (temporary == NULL)
    return failed_without_library("write the list", "out of memory");
  snprintf(temporary, capacity, "%s.tmp-%ld", path, (long)getpid());
  ok = write_new_file(temporary, lines, count) && rename(temporary, path) == 0;
  if (!ok) {
    const int reason = errno;
    if (reason != EEXIST) /* then it is somebody else's */
      unlink(temporary);
    failed_on_file("write", path, strerror(reason));
  }
  free(temporary);
  return ok;
}

bool export_peers(peer_manager *pm, const char *path)
{
  peer_manager_snapshot *peers = NULL;
  peer_manager_error error;
  line_text *lines;
  bool ok;

  if (!is_replaceable(path))
    return false;
  if (peer_manager_get_all_peers(pm, &peers, &error) != PEER_MANAGER_OK)
    return failed("look at all peers", &error);
  lines = make_lines(peers);
  ok = lines != NULL && write_list(path, lines, peer_manager_snapshot_count(peers));
  free(lines);
  peer_manager_snapshot_free(peers);
  return ok;
}
