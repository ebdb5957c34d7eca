/*
 * A fault for the address sanitizer: a text is read after it was freed, by the SQLite that is in the static library.
 * sqlite3_complete() reads it byte by byte, so the fault is seen only if SQLite is instrumented.
 */
#include "../check.h"

#ifdef __cplusplus
extern "C"
#endif
int sqlite3_complete(const char *sql);

int main(void) {
  char *text = (char *)calloc(1, 8);
  REQUIRE(text != NULL);
  free(text);
  printf("%d\n", sqlite3_complete(text));
  return 0;
}
