/* Paths on Windows: as long as they may be, UTF-8 in and out, and files that are open. */
#include "../c/check.h"
#include <windows.h>

static const char garbage[] = "Once upon a time this was a database, and it had peers. Then somebody wrote a letter over it.";

static wchar_t *wide(const char *path) {
  static wchar_t places[2][8192];
  static int next;
  wchar_t *text = places[next++ % 2];
  REQUIRE(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, text, 8192) > 0);
  return text;
}

static HANDLE open_shared(const char *path, DWORD access, DWORD share, DWORD disposition) {
  return CreateFileW(wide(path), access, share, NULL, disposition, 0, NULL);
}

static void write_garbage(const char *path) {
  DWORD written = 0;
  const HANDLE file = open_shared(path, GENERIC_WRITE, 0, CREATE_ALWAYS);
  REQUIRE(file != INVALID_HANDLE_VALUE);
  REQUIRE(WriteFile(file, garbage, sizeof garbage, &written, NULL) && written == sizeof garbage);
  REQUIRE(CloseHandle(file));
}

static int exists(const char *path) {
  return GetFileAttributesW(wide(path)) != INVALID_FILE_ATTRIBUTES;
}

static peer_manager_options options_for(const char *path) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.db_path = path;
  options.on_corrupt = PEER_MANAGER_ON_CORRUPT_QUARANTINE;
  return options;
}

/* A file is made, found by another spelling, set aside when damaged; and the answer leads to it. */
static void a_path_is_written_as_people_write_it(const char *path) {
  peer_manager_options options = options_for(path);
  peer_manager *pm = NULL, *second = NULL;
  size_t inserted = 0;
  char aside[16384], beside[8192];
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  REQUIRE(peer_manager_peer_count(pm) == 0);
  (void)SUCCEEDS(peer_manager_store, pm, (peer_manager_record[]){check_record("192.0.2.1", 1, 5, 1, PEER_MANAGER_TYPE_OUTBOUND)});
  CHECK(snprintf(beside, sizeof beside, "%s.", path) > 0);
  options.db_path = beside;
  FAILS(PEER_MANAGER_ERROR_BUSY, "another peer manager", peer_manager_open, &options, &second);
  CHECK(snprintf(beside, sizeof beside, "%s-lock", path) > 0 && exists(beside));
  CHECK(!DeleteFileW(wide(path)) && !DeleteFileW(wide(beside)));
  CHECK(!MoveFileW(wide(path), wide(beside)));
  peer_manager_free(pm);
  CHECK(!exists(beside));
  REQUIRE(SUCCEEDS(peer_manager_new_in_memory, &pm));
  (void)SUCCEEDS(peer_manager_import, pm, path, &inserted);
  CHECK(inserted == 1);
  peer_manager_free(pm);
  CHECK(snprintf(beside, sizeof beside, "%s-wal", path) > 0 && !exists(beside));
  write_garbage(path);
  options.db_path = path;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_get_quarantine, pm, aside, sizeof aside, NULL, NULL);
  CHECK(strncmp(aside, "\\\\", 2) != 0 && exists(aside));
  CHECK(strstr(aside, ".db.damaged-2") != NULL);
  peer_manager_free(pm);
}

/* What another program has open is set aside if that program allows it; if not, everything is as it was. */
static void an_open_file_is_set_aside_if_that_is_allowed(const char *path) {
  peer_manager_options options = options_for(path);
  peer_manager *pm = NULL;
  HANDLE other;
  write_garbage(path);
  other = open_shared(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING);
  REQUIRE(other != INVALID_HANDLE_VALUE);
  FAILS(PEER_MANAGER_ERROR_BUSY, "another program has the file open; close it there", peer_manager_open, &options, &pm);
  CHECK(GetFileSize(other, NULL) == sizeof garbage && exists(path));
  CloseHandle(other);
  other = open_shared(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, OPEN_EXISTING);
  REQUIRE(other != INVALID_HANDLE_VALUE);
  if (CHECK(SUCCEEDS(peer_manager_open, &options, &pm))) peer_manager_free(pm);
  CloseHandle(other);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char path[4096];
  size_t i;
  check_path(path, sizeof path, directory, "short.db");
  a_path_is_written_as_people_write_it(path);
  check_path(path, sizeof path, directory, "\xC5\xBC\xC3\xB3\xC5\x82w.db");
  a_path_is_written_as_people_write_it(path);
  check_path(path, sizeof path, directory, "open.db");
  an_open_file_is_set_aside_if_that_is_allowed(path);
  /* More than 1,500 characters, more than SQLite takes on its own as well. */
  REQUIRE(GetFullPathNameA(directory, 2000, path, NULL) > 0);
  for (i = 0; i < 8; i++) {
    char verbatim[4200];
    strcat(path, "\\");
    memset(path + strlen(path), 0, 201);
    memset(path + strlen(path), 'n', 200);
    CHECK(snprintf(verbatim, sizeof verbatim, "\\\\?\\%s", path) > 0);
    REQUIRE(CreateDirectoryW(wide(verbatim), NULL));
  }
  strcat(path, "\\peers.db");
  CHECK(strlen(path) > 1600);
  a_path_is_written_as_people_write_it(path);
  return CHECK_RESULT();
}
