/*
 * Windows has this DLL, from which Rust's standard library takes its random numbers; Wine before version 9 does not. Only for
 * tests: .ci/windows puts it where such a Wine finds it.
 */
#include <windows.h>

#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length);

BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  while (length > 0) {
    const ULONG part = length > 1u << 20 ? 1u << 20 : (ULONG)length;
    if (!RtlGenRandom(data, part)) return FALSE;
    data += part;
    length -= part;
  }
  return TRUE;
}
