// The same small program as peers.lua, peers.rb and Program.cs, in C: what it prints is what they must print.
//
//   peers DATABASE

#include <peer_manager.h>
#include <stdio.h>
#include <stdlib.h>

static peer_manager_error error;

// Each call that fails is an error of the language: in C, the end.
static void check(peer_manager_status status) {
  if (status == PEER_MANAGER_OK) return;
  printf("error %s: %s\n", peer_manager_status_name(status), error.message);
  exit(1);
}

static void print(const char *what, const peer_manager_address *address, const char *rest) {
  char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  check(peer_manager_address_format(address, text, sizeof text, &error));
  printf("%s %s%s\n", what, text, rest);
}

int main(int argc, char **argv) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.db_path = argc > 1 ? argv[1] : "peers.db";
  options.has_rng_seed = 1;  // a real node leaves the seed alone
  options.rng_seed = 42;
  peer_manager *peers = NULL;
  check(peer_manager_open(&options, &peers, &error));

  peer_manager_address heard[16], dial[6], told[4];
  for (uint16_t i = 0; i < 16; i++) {
    char text[32];
    snprintf(text, sizeof text, "8.%d.4.4", i);
    check(peer_manager_address_parse(text, (uint16_t)(11625 + i), &heard[i], &error));
  }
  size_t inserted = 0, dialled = 0, count = 0;
  check(peer_manager_ensure_exists_many(peers, heard, 16, &inserted, &error));
  printf("heard of %zu new peers\n", inserted);

  check(peer_manager_next_to_dial(peers, PEER_MANAGER_DIAL_CONNECT, NULL, 0, 6, dial, &dialled, &error));
  for (size_t i = 0; i < dialled; i++) {
    if (dial[i].port % 3 != 0) {  // it answered
      check(peer_manager_update(peers, &dial[i], PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET, &error));
    } else {
      check(peer_manager_update_backoff(peers, &dial[i], PEER_MANAGER_BACKOFF_INCREASE, &error));
    }
    peer_manager_record record;
    check(peer_manager_load(peers, &dial[i], &record, &error));
    char rest[64];
    snprintf(rest, sizeof rest, ": type %u, failures %u", (unsigned)record.peer_type, (unsigned)record.num_failures);
    print("dialled", &record.address, rest);
  }
  check(peer_manager_get_peers_to_send(peers, NULL, &dial[0], 4, told, &count, &error));
  for (size_t i = 0; i < count; i++) print("told", &told[i], "");

  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  check(peer_manager_get_stats(peers, &stats, &error));
  printf("%d peers, %d outbound\n", (int)stats.peers, (int)stats.outbound);

  peer_manager_address address;
  peer_manager_record record;
  peer_manager_status status = peer_manager_address_parse("256.1.1.1:80", 0, &address, &error);
  printf("error %s: %s\n", peer_manager_status_name(status), error.message);
  check(peer_manager_address_parse("1.1.1.1:1", 0, &address, &error));
  status = peer_manager_load(peers, &address, &record, &error);
  printf("error %s: %s\n", peer_manager_status_name(status), error.message);
  peer_manager_free(peers);
  return 0;
}
