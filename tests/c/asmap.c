/* Netgroups by autonomous system. */
#include "check.h"

enum { NOW = 1700000000 };

/* AS 64500: 9.0.0.0/8, of which 9.128.0.0/9 is AS 64501's, and 2a01:4f8::/32. AS 64501: 23.0.0.0/9. */
static const unsigned char map[] = {
    0x8b, 0x4e, 0x6a, 0x7f, 0x80, 0xfd, 0x01, 0xf6, 0x07, 0xd8, 0x1f, 0x60, 0x7f, 0x80, 0xfd, 0x01, 0xf6, 0x07,
    0xd8, 0x1f, 0x60, 0x7f, 0x80, 0xfd, 0xc1, 0xf7, 0xff, 0xdf, 0xff, 0xa3, 0x88, 0x5d, 0x06, 0xc9, 0xfb, 0x59,
    0xde, 0x2f, 0x7b, 0x4e, 0xde, 0x2f, 0xfb, 0x2b, 0xec, 0x0f, 0xb1, 0x3f, 0xf9, 0xde, 0x90, 0xf7, 0x33,
};

static void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  REQUIRE(file != NULL);
  REQUIRE(size == 0 || fwrite(bytes, size, 1, file) == 1);
  REQUIRE(fclose(file) == 0);
}

static peer_manager_options with_map(const char *path) {
  static int64_t now = NOW;
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  options.asmap_path = path;
  options.clock = check_clock;
  options.clock_context = &now;
  options.has_rng_seed = 1;
  return options;
}

static uint64_t netgroup_of(peer_manager *pm, const char *host) {
  peer_manager_address address = check_address(host, 1);
  uint64_t netgroup = 0;
  (void)SUCCEEDS(peer_manager_address_netgroup, pm, &address, &netgroup);
  return netgroup;
}

static void addresses_of_one_system_are_of_one_netgroup(const char *path) {
  const peer_manager_options options = with_map(path);
  peer_manager *pm = NULL;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(netgroup_of(pm, "9.0.0.1") == netgroup_of(pm, "9.127.0.1"));
  CHECK(netgroup_of(pm, "9.0.0.1") == netgroup_of(pm, "2a01:4f8::1"));
  CHECK(netgroup_of(pm, "9.0.0.1") == netgroup_of(pm, "64:ff9b::9.1.0.1"));
  CHECK(netgroup_of(pm, "9.128.0.1") == netgroup_of(pm, "23.1.0.1"));
  CHECK(netgroup_of(pm, "9.128.0.1") != netgroup_of(pm, "9.0.0.1"));
  /* Not in the map. */
  CHECK(netgroup_of(pm, "23.128.0.1") == netgroup_of(pm, "23.128.9.9"));
  CHECK(netgroup_of(pm, "23.128.0.1") != netgroup_of(pm, "23.129.0.1"));
  CHECK(netgroup_of(pm, "2a01:4f9::1") != netgroup_of(pm, "2a01:4f8::1"));
  CHECK(netgroup_of(pm, "example.org") != netgroup_of(pm, "example.net"));
  peer_manager_free(pm);
}

static void they_are_bounded_drawn_and_told_as_one(const char *path) {
  static const char *const hosts[] = {"9.0.0.1", "9.1.0.1", "9.2.0.1", "2a01:4f8::1", "23.0.0.1", "23.1.0.1", "23.200.0.1"};
  enum { HOSTS = sizeof hosts / sizeof hosts[0] };
  peer_manager_options options = with_map(path);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address addresses[HOSTS], out[HOSTS];
  peer_manager *pm = NULL;
  size_t i, count = 0, inserted = 0;
  for (i = 0; i < HOSTS; i++) addresses[i] = check_address(hosts[i], 1);
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  query.max_per_netgroup = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, HOSTS, &inserted);
  CHECK(inserted == HOSTS && check_stats(pm).netgroups == 3);
  (void)SUCCEEDS(peer_manager_load_random_peers, pm, &query, HOSTS, out, &count);
  CHECK(count == 3);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, HOSTS, out, &count);
  CHECK(count == 3);
  peer_manager_free(pm);
  pm = NULL;
  options.max_peers_per_netgroup = 2;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, addresses, HOSTS, &inserted);
  CHECK(inserted == 5 && check_stats(pm).refused_peers == 2 && check_stats(pm).netgroups == 3);
  addresses[0] = check_address("9.3.0.1", 1);
  FAILS(PEER_MANAGER_ERROR_LIMIT, "max_peers_per_netgroup", peer_manager_ensure_exists, pm, &addresses[0]);
  peer_manager_free(pm);
}

static void a_file_that_is_no_map_is_refused_with_what_is_wrong(const char *path) {
  static const char not_utf8[] = {(char)0xff, (char)0xfe, 0};
  peer_manager_options options = with_map(path);
  peer_manager *pm = NULL;
  write_file(path, map, sizeof map - 1);
  REFUSES("cannot be used: it is cut off", peer_manager_open, &options, &pm);
  write_file(path, map, 0);
  REFUSES("cannot be used: it is empty", peer_manager_open, &options, &pm);
  write_file(path, "This is not a map.", 18);
  REFUSES("cannot be used: it is ", peer_manager_open, &options, &pm);
  REQUIRE(remove(path) == 0);
  REFUSES("cannot be used: ", peer_manager_open, &options, &pm);
  options.asmap_path = "";
  REFUSES("asmap_path \"\" cannot be used: ", peer_manager_open, &options, &pm);
  options.asmap_path = "/";
  REFUSES("cannot be used: it is not a regular file", peer_manager_open, &options, &pm);
  options.asmap_path = not_utf8;
  REFUSES("options->asmap_path", peer_manager_open, &options, &pm);
  CHECK(pm == NULL);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  char path[4096];
  check_path(path, sizeof path, directory, "asmap.dat");
  write_file(path, map, sizeof map);
  addresses_of_one_system_are_of_one_netgroup(path);
  they_are_bounded_drawn_and_told_as_one(path);
  a_file_that_is_no_map_is_refused_with_what_is_wrong(path);
  return CHECK_RESULT();
}
