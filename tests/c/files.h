/* What a test asks the system about a file. Its path is UTF-8, which the C library of Windows does not take. */
#ifndef PEER_MANAGER_TESTS_FILES_H
#define PEER_MANAGER_TESTS_FILES_H

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/stat.h>
#endif

static inline int file_exists(const char *path) {
#if defined(_WIN32)
  wchar_t wide[4096];
  const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, sizeof wide / sizeof wide[0]);
  return length > 0 && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
#else
  struct stat status;
  return stat(path, &status) == 0;
#endif
}

#endif
