/* What Windows shows among the properties of the DLL: its version, which is that of the header. */
#include <stdio.h>
#include <windows.h>

#include "peer_manager.h"

int main(void) {
  static unsigned char block[4096];
  VS_FIXEDFILEINFO *fixed = NULL;
  char *text = NULL;
  UINT size = 0;
  char path[4096];
  const HMODULE library = GetModuleHandleA("peer_manager.dll");
  if (library == NULL || GetModuleFileNameA(library, path, sizeof path) == 0 ||
      !GetFileVersionInfoA(path, 0, sizeof block, block) || !VerQueryValueA(block, "\\", (void **)&fixed, &size) ||
      !VerQueryValueA(block, "\\StringFileInfo\\040904b0\\ProductVersion", (void **)&text, &size)) {
    fprintf(stderr, "the library has no version: error %lu\n", GetLastError());
    return 1;
  }
  if (fixed->dwFileVersionMS != MAKELONG(PEER_MANAGER_VERSION_MINOR, PEER_MANAGER_VERSION_MAJOR) ||
      fixed->dwFileVersionLS != MAKELONG(0, PEER_MANAGER_VERSION_PATCH) ||
      strcmp(text, PEER_MANAGER_VERSION_STRING) != 0 || peer_manager_version_number() != PEER_MANAGER_VERSION_NUMBER) {
    fprintf(stderr, "the version of the library is %s, not %s\n", text, PEER_MANAGER_VERSION_STRING);
    return 1;
  }
  printf("version %s\n", text);
  return 0;
}
