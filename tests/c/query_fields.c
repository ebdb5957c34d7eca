/* What a query may say besides whom it admits: seniority, netgroups to keep away from, networks, a shared list. */
#include "check.h"

enum { NOW = 1000 };

static void put(peer_manager *pm, const char *host, uint16_t port) {
  const peer_manager_record record = check_record(host, port, 0, 0, PEER_MANAGER_TYPE_OUTBOUND);
  REQUIRE(SUCCEEDS(peer_manager_store, pm, &record));
}

/* The message names the field and says what it may be. */
static void fields_beyond_their_range_are_refused(void) {
  static const uint32_t none[] = {32, 33, 64, UINT32_MAX};
  static const uint32_t too_senior[] = {65, UINT32_MAX};
  static const uint32_t no_key[] = {16, UINT32_MAX};
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  const peer_manager_query defaults = PEER_MANAGER_QUERY_INIT;
  peer_manager_query query = defaults;
  peer_manager_address out;
  size_t count = 12345;
  size_t i;
  put(pm, "8.8.8.8", 1);
  check_fill(&out, sizeof out);
  for (i = 0; i < sizeof none / sizeof none[0]; i++) {
    query.networks = none[i];
    REFUSES("query->networks is ", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
    REFUSES("filter->networks is ", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  }
  query = defaults;
  for (i = 0; i < sizeof too_senior / sizeof too_senior[0]; i++) {
    query.seniority = too_senior[i];
    REFUSES("use at most 64 draws", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
    REFUSES("seniority is ", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  }
  query = defaults;
  for (i = 0; i < sizeof no_key / sizeof no_key[0]; i++) {
    query.share_key = no_key[i];
    REFUSES("share_key is ", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
    REFUSES("use 0 to 15", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  }
  query = defaults;
  query.heard_since = 1;
  REFUSES("heard_since is 1, but no history of the peers is kept", peer_manager_load_random_peers, pm, &query, 1, &out, &count);
  query = defaults;
  query.reached_since = -1;
  REFUSES("reached_since", peer_manager_get_peers_to_send, pm, &query, NULL, 1, &out, &count);
  CHECK(check_is_filled(&out, sizeof out) && count == 12345);
  query = defaults;
  query.seniority = 64;
  query.share_key = 15;
  query.networks = 31;
  query.apart = UINT32_MAX;
  CHECK(check_draw(pm, &query, &out, 1) == 1);
  peer_manager_free(pm);
}

static void each_network_lets_through_its_addresses(void) {
  static const struct {
    const char *host;
    uint32_t network;
  } hosts[] = {
      {"1.2.3.4", PEER_MANAGER_NETWORK_IPV4},
      {"::ffff:5.6.7.8", PEER_MANAGER_NETWORK_IPV4},
      {"2001:db8::1", PEER_MANAGER_NETWORK_IPV6},
      {"64:ff9b::102:304", PEER_MANAGER_NETWORK_IPV6},
      {"expyuzz4wqqyqhjn.Onion", PEER_MANAGER_NETWORK_ONION},
      {"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p", PEER_MANAGER_NETWORK_I2P},
      {"onion.example", PEER_MANAGER_NETWORK_NAME},
  };
  enum { HOSTS = sizeof hosts / sizeof hosts[0] };
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out[HOSTS];
  uint32_t networks;
  size_t i;
  for (i = 0; i < HOSTS; i++) put(pm, hosts[i].host, (uint16_t)(i + 1));
  for (networks = 0; networks < 32; networks++) {
    size_t expected = 0;
    size_t count;
    query.networks = networks;
    for (i = 0; i < HOSTS; i++) expected += networks == 0 || (hosts[i].network & networks) != 0;
    count = check_draw(pm, &query, out, HOSTS);
    CHECK(count == expected);
    for (i = 0; i < count; i++) CHECK(networks == 0 || (hosts[out[i].port - 1].network & networks) != 0);
    (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, HOSTS, out, &count);
    CHECK(count == expected);
  }
  peer_manager_free(pm);
}

/* A netgroup is left out whether or not the excluded address is known. */
static void apart_leaves_out_the_netgroups_of_what_is_excluded(void) {
  static const char *const hosts[] = {"8.1.0.1", "8.1.255.255", "8.2.0.1", "2001:db8::1", "2001:db8:ffff::1", "a.example"};
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address exclude[2];
  peer_manager_address out[8];
  size_t i;
  for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++) put(pm, hosts[i], 1);
  exclude[0] = check_address("::ffff:8.1.77.77", 5);
  exclude[1] = check_address("2001:DB8:7::", 1);
  query.exclude = exclude;
  query.exclude_count = 2;
  CHECK(check_draw(pm, &query, out, 8) == 6);
  query.apart = 1;
  CHECK(check_draw(pm, &query, out, 8) == 2);
  CHECK((strcmp(out[0].host, "8.2.0.1") == 0 && strcmp(out[1].host, "a.example") == 0)
        || (strcmp(out[1].host, "8.2.0.1") == 0 && strcmp(out[0].host, "a.example") == 0));
  query.max_per_netgroup = 1;
  CHECK(check_draw(pm, &query, out, 8) == 2);
  query.exclude_count = 1;
  CHECK(check_draw(pm, &query, out, 8) == 3);
  query.exclude_count = 0;
  CHECK(check_draw(pm, &query, out, 8) == 4);
  peer_manager_free(pm);
}

/* Of d draws the most senior wins: that it is of the younger half has a chance of 2^-d. */
static void seniority_prefers_those_that_were_reached_first(void) {
  static const uint32_t draws[] = {0, 1, 2, 8, 64};
  static const int least[] = {140, 140, 260, 390, 400};
  static const int most[] = {260, 260, 340, 400, 400};
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address out;
  uint16_t port;
  size_t i;
  for (port = 1; port <= 40; port++) put(pm, "8.1.0.1", port);
  for (i = 0; i < sizeof draws / sizeof draws[0]; i++) {
    int round, senior = 0;
    query.seniority = draws[i];
    for (round = 0; round < 400; round++) {
      CHECK(check_draw(pm, &query, &out, 1) == 1);
      senior += out.port <= 20;
    }
    CHECK(senior >= least[i] && senior <= most[i]);
  }
  peer_manager_free(pm);
}

/* A list for each key; each stays the same, and nothing in it tells that it is of the same node as another. */
static void each_share_key_has_a_list_of_its_own(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager *pm = NULL;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_address lists[16][20], again[20];
  size_t count = 0;
  uint32_t key, other;
  uint16_t port;
  options.share_cache_seconds = 3600;
  options.share_max_percent = 10;
  options.has_rng_seed = 1;
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  for (port = 1; port <= 200; port++) put(pm, "8.1.0.1", port);
  query.type_filter = PEER_MANAGER_FILTER_ANY;
  memset(lists, 0, sizeof lists);
  for (key = 0; key < 16; key++) {
    query.share_key = key;
    CHECK(SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, 20, lists[key], &count) && count == 20);
  }
  for (key = 0; key < 16; key++) {
    query.share_key = key;
    memset(again, 0, sizeof again);
    (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, &query, NULL, 20, again, &count);
    CHECK(memcmp(again, lists[key], sizeof again) == 0);
    for (other = 0; other < key; other++) CHECK(memcmp(lists[other], lists[key], sizeof again) != 0);
  }
  peer_manager_free(pm);
}

int main(void) {
  fields_beyond_their_range_are_refused();
  each_network_lets_through_its_addresses();
  apart_leaves_out_the_netgroups_of_what_is_excluded();
  seniority_prefers_those_that_were_reached_first();
  each_share_key_has_a_list_of_its_own();
  return CHECK_RESULT();
}
