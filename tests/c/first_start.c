/*
 * The first start is like every other: when open has returned, every file that will be needed is open and something has
 * been written. So nothing that happens to the process afterwards stops a write: no more descriptors, a directory of
 * another name, another root directory, another user.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* chroot */
#endif
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t DURABILITIES[] = {PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_SYNC,
                                        PEER_MANAGER_DURABILITY_DEFERRED};

/* How a file is before it is opened. */
typedef enum beginning { IS_MISSING, IS_SET_ASIDE, IS_OLD, BEGINNINGS } beginning;

static peer_manager *open_file(const char *path, uint32_t durability) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  options.db_path = path;
  options.durability = durability;
  options.on_corrupt = PEER_MANAGER_ON_CORRUPT_QUARANTINE;
  options.flush_interval_ms = 3600000;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  return pm;
}

static void begin(const char *path, beginning how) {
  FILE *file;
  if (how == IS_OLD) {
    peer_manager_free(open_file(path, PEER_MANAGER_DURABILITY_COMMIT));
  } else if (how == IS_SET_ASIDE) {
    file = fopen(path, "wb");
    REQUIRE(file != NULL);
    REQUIRE(fputs("this is no database, and longer than a header of one would be", file) >= 0);
    REQUIRE(fclose(file) == 0);
  }
}

/* Writes what takes more than one page of everything. */
static void write_peers(peer_manager *pm) {
  peer_manager_address address;
  char host[64];
  int i;
  for (i = 0; i < 300; i++) {
    REQUIRE(snprintf(host, sizeof host, "52.1.%d.%d", i / 200, i % 200 + 1) > 0);
    address = check_address(host, 11625);
    CHECK(SUCCEEDS(peer_manager_ensure_exists, pm, &address));
  }
  CHECK(SUCCEEDS(peer_manager_flush, pm));
}

static void expect_peers(const char *path, size_t count) {
  peer_manager *pm = check_open(path, NULL);
  CHECK(peer_manager_peer_count(pm) == count);
  peer_manager_free(pm);
}

static void no_descriptor_is_left(const char *path, uint32_t durability, beginning how) {
  int taken[4096];
  int count = 0;
  struct rlimit before, few;
  peer_manager *pm;
  begin(path, how);
  pm = open_file(path, durability);
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = before;
  few.rlim_cur = 200;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  while (count < 4096 && (taken[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
  CHECK(errno == EMFILE);
  write_peers(pm);
  while (count > 0) close(taken[--count]);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  peer_manager_free(pm);
  expect_peers(path, 300);
}

static void the_directory_is_renamed(const char *directory, uint32_t durability, beginning how) {
  char before[4096], after[4096], path[4200];
  peer_manager *pm;
  check_path(before, sizeof before, directory, "before");
  check_path(after, sizeof after, directory, "after");
  check_path(path, sizeof path, before, "peers.db");
  REQUIRE(mkdir(before, 0755) == 0);
  begin(path, how);
  pm = open_file(path, durability);
  REQUIRE(rename(before, after) == 0);
  write_peers(pm);
  peer_manager_free(pm);
  check_path(path, sizeof path, after, "peers.db");
  expect_peers(path, 300);
  /* Out of the way of the next one. */
  check_path(path, sizeof path, directory, "done");
  REQUIRE(snprintf(path + strlen(path), 64, "-%u-%d", (unsigned)durability, (int)how) > 0);
  REQUIRE(rename(after, path) == 0);
}

static void the_process_changes_root_and_user(const char *directory, uint32_t durability, beginning how) {
  char path[4200], prison[4200];
  pid_t child;
  int status = 0;
  if (geteuid() != 0) {
    printf("skipped: only root can change the root directory\n");
    return;
  }
  REQUIRE(snprintf(path, sizeof path, "%s/root-%u-%d.db", directory, (unsigned)durability, (int)how) > 0);
  REQUIRE(snprintf(prison, sizeof prison, "%s/prison-%u-%d", directory, (unsigned)durability, (int)how) > 0);
  REQUIRE(mkdir(prison, 0755) == 0);
  fflush(NULL);
  child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    peer_manager *pm;
    begin(path, how);
    pm = open_file(path, durability);
    REQUIRE(chroot(prison) == 0 && chdir("/") == 0);
    REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    write_peers(pm);
    peer_manager_free(pm);
    fflush(NULL);
    _exit(check_failures == 0 ? 0 : 1);
  }
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  expect_peers(path, 300);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char path[4200];
  size_t durability;
  int how;
  for (durability = 0; durability < 3; durability++) {
    for (how = 0; how < (int)BEGINNINGS; how++) {
      REQUIRE(snprintf(path, sizeof path, "%s/few-%d-%d.db", directory, (int)durability, how) > 0);
      no_descriptor_is_left(path, DURABILITIES[durability], (beginning)how);
      the_directory_is_renamed(directory, DURABILITIES[durability], (beginning)how);
      the_process_changes_root_and_user(directory, DURABILITIES[durability], (beginning)how);
    }
  }
  return CHECK_RESULT();
}
