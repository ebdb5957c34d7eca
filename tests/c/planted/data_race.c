/*
 * A fault for the thread sanitizer: two threads give the library the same output. Both writes are made by the
 * library's code in Rust, after the last lock is released, so the fault is seen only if that is instrumented, and
 * whichever thread comes first.
 */
#include <pthread.h>

#include "../check.h"

static peer_manager *pm;
static size_t inserted;

static void *add(void *address) {
  (void)peer_manager_ensure_exists_many(pm, (const peer_manager_address *)address, 1, &inserted, NULL);
  return NULL;
}

int main(void) {
  peer_manager_address address = check_address("192.0.2.1", 11625);
  pthread_t threads[2];
  int i;
  pm = check_open(NULL, NULL);
  for (i = 0; i < 2; i++) REQUIRE(pthread_create(&threads[i], NULL, add, &address) == 0);
  for (i = 0; i < 2; i++) REQUIRE(pthread_join(threads[i], NULL) == 0);
  peer_manager_free(pm);
  return CHECK_RESULT();
}
