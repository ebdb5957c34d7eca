/*
 * A fault for the thread sanitizer: the program writes a text while the SQLite that is in the static library reads
 * it. sqlite3_complete() reads it byte by byte, so the fault is seen only if both are instrumented.
 */
#include <pthread.h>

#include "../check.h"

#ifdef __cplusplus
extern "C"
#endif
int sqlite3_complete(const char *sql);

static char text[8];

static void *complete(void *argument) {
  (void)argument;
  (void)sqlite3_complete(text);
  return NULL;
}

int main(void) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, complete, NULL) == 0);
  text[0] = ';';
  REQUIRE(pthread_join(thread, NULL) == 0);
  return CHECK_RESULT();
}
