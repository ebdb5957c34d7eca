/* What the same look-up costs a C program: the other side of main.js.
 *
 *   load PEERS ASKED CALLS ROUNDS      prints the nanoseconds a call, of each round of so many calls about ASKED peers
 */

#include <peer_manager.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEP 7919 /* a prime: the next peer is far away in memory, as in main.js */

static double seconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const peer_manager_error *error)
{
  fprintf(stderr, "load: %s\n", error->message);
  exit(1);
}

int main(int argc, char **argv)
{
  const size_t count = argc > 4 ? strtoul(argv[1], NULL, 10) : 0, asked = argc > 4 ? strtoul(argv[2], NULL, 10) : 0;
  const size_t calls = argc > 4 ? strtoul(argv[3], NULL, 10) : 0, rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
  peer_manager_address *addresses = count > 0 ? calloc(count, sizeof *addresses) : NULL;
  peer_manager *pm = NULL;
  peer_manager_error error;
  size_t i, round, added, at = 0;
  uint64_t sum = 0;

  if (addresses == NULL || asked == 0 || asked > count) {
    fprintf(stderr, "usage: load PEERS ASKED CALLS ROUNDS\n");
    return 2;
  }
  for (i = 0; i < count; i++) {
    char host[32];

    snprintf(host, sizeof host, "1.%zu.%zu.%zu", i >> 16, (i >> 8) & 255, i & 255);
    if (peer_manager_address_init(host, 11625, &addresses[i], &error) != PEER_MANAGER_OK)
      fail(&error);
  }
  if (peer_manager_new_in_memory(&pm, &error) != PEER_MANAGER_OK
      || peer_manager_ensure_exists_many(pm, addresses, count, &added, &error) != PEER_MANAGER_OK)
    fail(&error);
  for (round = 0; round < rounds; round++) {
    const double start = seconds();

    for (i = 0; i < calls; i++) {
      peer_manager_record record;

      if (peer_manager_load(pm, &addresses[at], &record, &error) != PEER_MANAGER_OK)
        fail(&error);
      sum += record.num_failures + record.address.port;
      at = (at + STEP) % asked;
    }
    printf("%.1f\n", (seconds() - start) / (double)calls * 1e9);
  }
  peer_manager_free(pm);
  free(addresses);
  return sum == rounds * calls * 11625 ? 0 : 1;
}
