/* The header's section on addresses: canonical forms, what is refused, privacy, and socket addresses. */
#include "check.h"
#include "sockets.h"

static void the_address_has_its_layout(void) {
  CHECK(sizeof(peer_manager_address) == 256);
  CHECK(offsetof(peer_manager_address, host) == 0);
  CHECK(offsetof(peer_manager_address, port) == 254);
}

static const struct {
  const char *spelling;
  const char *canonical;
} hosts[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"2001:db8::0:1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::FFFF:c000:0201", "192.0.2.1"},
    {"::", "::"},
    {"Core-Live-A.Stellar.ORG.", "core-live-a.stellar.org"},
    {"localhost", "localhost"},
    {"under_score.example", "under_score.example"},
    {"ABCDEFGHIJKLMNOP.onion", "abcdefghijklmnop.onion"},
};

static const char *const bad_hosts[] = {
    "", " ", ".", "..", "a..b", ".a", "a b", "a/b", "a:1", "1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4.", "1.2.3.4/8", "-a",
    "a-", "a.-b", "[::1]", "::1%eth0", "fe80::1%1", ":::", "12345::", "1:2:3:4:5:6:7:8:9", "http://a", "a@b", "\xC3\xA9.example",
    "a.1", "0x7f.1", "*", "%00", "0x7f000001", "0X7F000001", "127.0.0.0x1", "0x7f000001.", "017700000001", "0x", "a.0xff",
};

static void every_spelling_becomes_the_canonical_one(void) {
  peer_manager_address out;
  size_t i, j;
  for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    check_fill(&out, sizeof out);
    (void)SUCCEEDS(peer_manager_address_init, hosts[i].spelling, 11625, &out);
    CHECK_TEXT(out.host, hosts[i].canonical);
    CHECK(out.port == 11625);
    for (j = strlen(out.host); j < sizeof out.host; j++) CHECK(out.host[j] == '\0');
    CHECK(peer_manager_address_init(hosts[i].spelling, 1, &out, NULL) == PEER_MANAGER_OK);
  }
}

static void what_is_no_address_is_refused_and_writes_nothing(void) {
  peer_manager_address out;
  size_t i;
  check_fill(&out, sizeof out);
  for (i = 0; i < sizeof bad_hosts / sizeof bad_hosts[0]; i++) {
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "is not a peer address", peer_manager_address_init, bad_hosts[i], 1, &out);
  }
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port 0", peer_manager_address_init, "192.0.2.1", 0, &out);
  REFUSES("host is not UTF-8", peer_manager_address_init, "caf\xE9", 1, &out);
  REFUSES("text is not UTF-8", peer_manager_address_parse, "\xFF\xFE", 1, &out);
  REFUSES("host is NULL", peer_manager_address_init, NULL, 1, &out);
  REFUSES("text is NULL", peer_manager_address_parse, NULL, 1, &out);
  CHECK(check_is_filled(&out, sizeof out));
  REFUSES("out is NULL", peer_manager_address_init, "192.0.2.1", 1, NULL);
  REFUSES("out is NULL", peer_manager_address_parse, "192.0.2.1", 1, NULL);
}

/* 253 characters are the longest name, 63 the longest label; one more is too many. */
static void names_and_labels_have_their_limits(void) {
  char name[260];
  char label[70];
  peer_manager_address out;
  size_t i;
  for (i = 0; i < sizeof name; i++) name[i] = i % 2 == 0 ? 'a' : '.';
  name[253] = '\0';
  (void)SUCCEEDS(peer_manager_address_init, name, 65535, &out);
  CHECK(strlen(out.host) == 253);
  memcpy(name + 253, ".", 2);
  (void)SUCCEEDS(peer_manager_address_init, name, 65535, &out);
  memcpy(name + 253, "aa", 3);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "253", peer_manager_address_init, name, 1, &out);
  memset(label, 'a', sizeof label);
  label[63] = '\0';
  (void)SUCCEEDS(peer_manager_address_init, label, 1, &out);
  label[63] = 'a';
  label[64] = '\0';
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "63", peer_manager_address_init, label, 1, &out);
}

static void text_is_parsed_with_or_without_a_port(void) {
  static const struct {
    const char *text;
    uint16_t default_port;
    const char *formatted;
  } good[] = {
      {"1.2.3.4", 11625, "1.2.3.4:11625"},
      {"1.2.3.4:1", 11625, "1.2.3.4:1"},
      {"1.2.3.4:65535", 0, "1.2.3.4:65535"},
      {"[2001:DB8::1]:11625", 0, "[2001:db8::1]:11625"},
      {"[2001:db8::1]", 7, "[2001:db8::1]:7"},
      {"2001:db8::1", 7, "[2001:db8::1]:7"},
      {"[::ffff:1.2.3.4]:5", 0, "1.2.3.4:5"},
      {"Core-Live-A.stellar.org.:11625", 0, "core-live-a.stellar.org:11625"},
  };
  static const char *const bad[] = {"", ":", ":1", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:+1", "1.2.3.4:-1",
                                    "1.2.3.4: 1", " 1.2.3.4:1", "1.2.3.4:1 ", "1.2.3.4:01", "[1.2.3.4]:1", "[::1", "::1]:1",
                                    "[::1]1", "[::1]:", "[]:1", "[fe80::1%eth0]:1", "a:1:2", "1.2.3.4:99999999999999999999"};
  peer_manager_address out;
  char buffer[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  size_t i;
  for (i = 0; i < sizeof good / sizeof good[0]; i++) {
    (void)SUCCEEDS(peer_manager_address_parse, good[i].text, good[i].default_port, &out);
    (void)SUCCEEDS(peer_manager_address_format, &out, buffer, sizeof buffer);
    CHECK_TEXT(buffer, good[i].formatted);
    CHECK(peer_manager_address_parse(good[i].text, good[i].default_port, &out, NULL) == PEER_MANAGER_OK);
  }
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "is not a peer address", peer_manager_address_parse, bad[i], 11625, &out);
  }
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port is missing", peer_manager_address_parse, "1.2.3.4", 0, &out);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port is missing", peer_manager_address_parse, "2001:db8::1", 0, &out);
}

static void format_fits_exactly_or_writes_nothing(void) {
  const char *const text = "[2001:db8::1]:11625";
  const size_t needed = strlen(text) + 1;
  peer_manager_address address = check_address("2001:DB8::1", 11625);
  char buffer[64];
  size_t capacity;
  for (capacity = 0; capacity < needed; capacity++) {
    check_fill(buffer, sizeof buffer);
    REFUSES("buffer", peer_manager_address_format, &address, buffer, capacity);
    CHECK(check_is_filled(buffer, sizeof buffer));
  }
  (void)SUCCEEDS(peer_manager_address_format, &address, buffer, needed);
  CHECK_TEXT(buffer, text);
  CHECK(check_is_filled(buffer + needed, sizeof buffer - needed));
  CHECK(peer_manager_address_format(&address, buffer, needed, NULL) == PEER_MANAGER_OK);
}

static void format_checks_its_arguments(void) {
  peer_manager_address address = check_address("192.0.2.1", 1);
  peer_manager_address endless = check_endless_address();
  peer_manager_address latin1 = check_latin1_address();
  char buffer[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
  REFUSES("address", peer_manager_address_format, NULL, buffer, sizeof buffer);
  REFUSES("buffer", peer_manager_address_format, &address, NULL, sizeof buffer);
  REFUSES("buffer", peer_manager_address_format, &address, NULL, 0);
  REFUSES("buffer", peer_manager_address_format, &address, buffer, SIZE_MAX);
  REFUSES("UTF-8", peer_manager_address_format, &latin1, buffer, sizeof buffer);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "254", peer_manager_address_format, &endless, buffer, sizeof buffer);
  address.port = 0;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port 0", peer_manager_address_format, &address, buffer, sizeof buffer);
}

/* An output may be the memory of an input: the text of the host, the address that is formatted. */
static void outputs_may_alias_inputs(void) {
  peer_manager_address address = check_address("Example.ORG.", 11625);
  (void)SUCCEEDS(peer_manager_address_init, address.host, address.port, &address);
  CHECK_TEXT(address.host, "example.org");
  address = check_address("[2001:DB8::1]:7", 1);
  (void)SUCCEEDS(peer_manager_address_parse, address.host, 0, &address);
  CHECK_TEXT(address.host, "2001:db8::1");
  CHECK(address.port == 7);
  (void)SUCCEEDS(peer_manager_address_format, &address, address.host, sizeof address.host);
  CHECK_TEXT(address.host, "[2001:db8::1]:7");
}

static void equality_is_of_canonical_addresses(void) {
  peer_manager_address a = check_address("EXAMPLE.org.", 1);
  peer_manager_address b = check_address("example.ORG", 1);
  peer_manager_address other_port = check_address("example.org", 2);
  peer_manager_address mapped = check_address("::ffff:192.0.2.1", 1);
  peer_manager_address v4 = check_address("192.0.2.1", 1);
  peer_manager_address endless = check_endless_address();
  peer_manager_address latin1 = check_latin1_address();
  CHECK(peer_manager_address_equal(&a, &b));
  CHECK(peer_manager_address_equal(&a, &a));
  CHECK(peer_manager_address_equal(&mapped, &v4));
  CHECK(!peer_manager_address_equal(&a, &other_port));
  CHECK(!peer_manager_address_equal(&a, &v4));
  CHECK(!peer_manager_address_equal(&a, NULL));
  CHECK(!peer_manager_address_equal(NULL, &a));
  CHECK(!peer_manager_address_equal(NULL, NULL));
  CHECK(!peer_manager_address_equal(&endless, &endless));
  CHECK(!peer_manager_address_equal(&latin1, &latin1));
}

static void private_networks_are_known_to_their_last_address(void) {
  static const char *const is_private[] = {
      "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "0.0.0.0",
      "0.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.255.255",
      "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "fe80::", "febf:ffff::1", "fc00::",
      "fdff:ffff::1", "ff00::", "ff02::1", "localhost", "LocalHost.", "::ffff:10.0.0.1",
      "192.0.0.0", "192.0.0.8", "192.0.0.255", "198.18.0.0", "198.19.255.255", "::2", "::8.8.8.8", "64:ff9b:1::1", "fec0::1",
      "64:ff9b::10.1.2.3", "2002:c0a8:101::1", "::ffff:0:127.0.0.1", "2001::f5fe:fdfc", "Foo.LocalHost", "nas.local.",
      "api.internal", "fritz.home.arpa"};
  static const char *const is_public[] = {
      "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "1.0.0.0",
      "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "223.255.255.255",
      "192.0.0.9", "192.0.0.10", "192.0.1.0", "198.17.255.255", "198.20.0.0", "64:ff9b:2::1", "64:ff9b::8.8.8.8",
      "2002:808:808::1", "local", "home.arpa", "fe00::1", "fbff::1", "2001:db8::1", "example.org", "localhost.example", "::ffff:8.8.8.8"};
  peer_manager_address endless = check_endless_address();
  size_t i;
  for (i = 0; i < sizeof is_private / sizeof is_private[0]; i++) {
    peer_manager_address address = check_address(is_private[i], 1);
    if (!CHECK(peer_manager_address_is_private(&address))) fprintf(stderr, "  %s\n", is_private[i]);
  }
  for (i = 0; i < sizeof is_public / sizeof is_public[0]; i++) {
    peer_manager_address address = check_address(is_public[i], 1);
    if (!CHECK(!peer_manager_address_is_private(&address))) fprintf(stderr, "  %s\n", is_public[i]);
  }
  CHECK(!peer_manager_address_is_private(NULL));
  CHECK(!peer_manager_address_is_private(&endless));
}

static void what_is_set_aside_is_neither_private_nor_routable(void) {
  static const char *const reserved[] = {
      "192.0.2.55", "198.51.100.7", "203.0.113.255", "192.88.99.1", "2001:db8:1::1", "3fff:1::1", "3fff:fff::1", "100::7", "5f00::1",
      "2001:2::1", "2001:1ff::1", "2002:cb00:7109::1", "64:ff9b::192.0.2.1", "host.test", "Printer.EXAMPLE.", "x.invalid"};
  static const char *const routable[] = {"8.8.8.8", "192.0.3.1", "2001:db9::1", "2001:200::1", "2001:3::1", "2001:20::1", "4000::1",
                                         "3fff:1000::1", "5f01::1", "100:0:0:1::1", "2001:0:53aa:64c:0:fbff:f7f7:f7f7",
                                         "example.org", "test", "abcdefghijklmnop.onion"};
  peer_manager_address endless = check_endless_address();
  peer_manager_address private_one = check_address("10.0.0.1", 1);
  size_t i;
  for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
    peer_manager_address address = check_address(reserved[i], 1);
    if (!CHECK(!peer_manager_address_is_private(&address) && !peer_manager_address_is_routable(&address))) {
      fprintf(stderr, "  %s\n", reserved[i]);
    }
  }
  for (i = 0; i < sizeof routable / sizeof routable[0]; i++) {
    peer_manager_address address = check_address(routable[i], 1);
    if (!CHECK(peer_manager_address_is_routable(&address))) fprintf(stderr, "  %s\n", routable[i]);
  }
  CHECK(!peer_manager_address_is_routable(&private_one));
  CHECK(!peer_manager_address_is_routable(NULL));
  CHECK(!peer_manager_address_is_routable(&endless));
}

static uint64_t netgroup_of(peer_manager *pm, const char *host, uint16_t port) {
  peer_manager_address address = check_address(host, port);
  uint64_t netgroup = 0;
  (void)SUCCEEDS(peer_manager_address_netgroup, pm, &address, &netgroup);
  return netgroup;
}

static void six_spellings_of_a_host_are_one_netgroup(void) {
  static const char *const spellings[] = {"8.8.8.8", "::ffff:8.8.1.1", "64:ff9b::8.8.2.2", "2002:808:303::1", "::ffff:0:8.8.4.4",
                                          "2001:0:53aa:64c:0:fbff:f7f7:f7f7"};
  peer_manager *pm = check_open(NULL, NULL);
  size_t i;
  for (i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    if (!CHECK(netgroup_of(pm, spellings[i], 7) == netgroup_of(pm, "8.8.9.9", 1))) fprintf(stderr, "  %s\n", spellings[i]);
  }
  CHECK(netgroup_of(pm, "8.9.8.8", 1) != netgroup_of(pm, "8.8.8.8", 1));
  CHECK(netgroup_of(pm, "2001:470:1234::1", 1) == netgroup_of(pm, "2001:470:1fff::9", 1));
  CHECK(netgroup_of(pm, "2001:470:1234::1", 1) != netgroup_of(pm, "2001:470:2234::1", 1));
  CHECK(netgroup_of(pm, "2a00:1450::1", 1) == netgroup_of(pm, "2a00:1450:4001::1", 1));
  CHECK(netgroup_of(pm, "Example.org", 1) == netgroup_of(pm, "example.ORG.", 2));
  CHECK(netgroup_of(pm, "example.org", 1) != netgroup_of(pm, "example.net", 1));
  CHECK(netgroup_of(pm, "127.0.0.1", 1) == netgroup_of(pm, "127.0.0.2", 2));
  peer_manager_free(pm);
}

static void a_netgroup_is_written_for_an_address_only(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address good = check_address("8.8.8.8", 1);
  peer_manager_address bad = check_address("1.2.3", 1);
  uint64_t netgroup = 4711;
  REFUSES("pm is NULL", peer_manager_address_netgroup, NULL, &good, &netgroup);
  REFUSES("address is NULL", peer_manager_address_netgroup, pm, NULL, &netgroup);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "1.2.3", peer_manager_address_netgroup, pm, &bad, &netgroup);
  CHECK(netgroup == 4711);
  REFUSES("out is NULL", peer_manager_address_netgroup, pm, &good, NULL);
  CHECK(peer_manager_address_netgroup(pm, &good, &netgroup, NULL) == PEER_MANAGER_OK);
  peer_manager_free(pm);
}

static struct sockaddr_in v4_socket(const char *host, uint16_t port) {
  struct sockaddr_in v4;
  memset(&v4, 0, sizeof v4);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  REQUIRE(inet_pton(AF_INET, host, &v4.sin_addr) == 1);
  return v4;
}

static struct sockaddr_in6 v6_socket(const char *host, uint16_t port) {
  struct sockaddr_in6 v6;
  memset(&v6, 0, sizeof v6);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  REQUIRE(inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
  return v6;
}

static void addresses_make_the_way_through_socket_addresses_and_back(void) {
  static const char *const ips[] = {"192.0.2.1", "255.255.255.255", "2001:db8::1", "::1", "::"};
  size_t i;
  for (i = 0; i < sizeof ips / sizeof ips[0]; i++) {
    peer_manager_address address = check_address(ips[i], 11625);
    peer_manager_address back;
    struct sockaddr_storage storage;
    size_t length = 0;
    check_fill(&back, sizeof back);
    (void)SUCCEEDS(peer_manager_address_to_sockaddr, &address, &storage, &length);
    CHECK(length == (strchr(ips[i], ':') != NULL ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)));
    (void)SUCCEEDS(peer_manager_address_from_sockaddr, (const struct sockaddr *)&storage, length, &back);
    CHECK_TEXT(back.host, ips[i]);
    CHECK(back.port == 11625);
    CHECK(peer_manager_address_to_sockaddr(&address, &storage, &length, NULL) == PEER_MANAGER_OK);
    CHECK(peer_manager_address_from_sockaddr((const struct sockaddr *)&storage, sizeof storage, &back, NULL) == PEER_MANAGER_OK);
  }
}

static void socket_addresses_are_what_the_system_understands(void) {
  peer_manager_address v4_address = check_address("::ffff:192.0.2.1", 11625);
  peer_manager_address v6_address = check_address("2001:db8::1", 11625);
  struct sockaddr_in v4 = v4_socket("192.0.2.1", 11625);
  struct sockaddr_in6 v6 = v6_socket("2001:db8::1", 11625);
  struct sockaddr_storage storage;
  size_t length = 0;
  (void)SUCCEEDS(peer_manager_address_to_sockaddr, &v4_address, &storage, &length);
  CHECK(length == sizeof v4 && memcmp(&storage, &v4, sizeof v4) == 0);
  (void)SUCCEEDS(peer_manager_address_to_sockaddr, &v6_address, &storage, &length);
  CHECK(length == sizeof v6 && memcmp(&storage, &v6, sizeof v6) == 0);
}

/* accept on a dual-stack socket reports IPv4 callers as mapped addresses, and a buffer may lie anywhere. */
static void a_socket_address_may_be_mapped_and_unaligned(void) {
  struct sockaddr_in6 mapped = v6_socket("::ffff:192.0.2.1", 7);
  char bytes[sizeof mapped + 8];
  size_t offset;
  for (offset = 0; offset < 8; offset++) {
    peer_manager_address address;
    const void *place = bytes + offset;
    check_fill(&address, sizeof address);
    memcpy(bytes + offset, &mapped, sizeof mapped);
    (void)SUCCEEDS(peer_manager_address_from_sockaddr, (const struct sockaddr *)place, sizeof mapped, &address);
    CHECK_TEXT(address.host, "192.0.2.1");
    CHECK(address.port == 7);
  }
}

static void a_bad_socket_address_is_refused(void) {
  struct sockaddr_in v4 = v4_socket("192.0.2.1", 1);
  struct sockaddr_in6 v6 = v6_socket("fe80::1", 1);
  struct sockaddr_un un;
  peer_manager_address out;
  const struct sockaddr *const v4_any = (const struct sockaddr *)(const void *)&v4;
  const struct sockaddr *const v6_any = (const struct sockaddr *)(const void *)&v6;
  size_t size;
  check_fill(&out, sizeof out);
  memset(&un, 0, sizeof un);
  un.sun_family = AF_UNIX;
  for (size = 0; size < sizeof v4; size++) {
    REFUSES("sa_len", peer_manager_address_from_sockaddr, v4_any, size, &out);
  }
  for (size = 0; size < sizeof v6; size++) {
    REFUSES("sa_len", peer_manager_address_from_sockaddr, v6_any, size, &out);
  }
  v6.sin6_scope_id = 2;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "scope", peer_manager_address_from_sockaddr, v6_any, sizeof v6, &out);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "AF_INET", peer_manager_address_from_sockaddr,
        (const struct sockaddr *)(const void *)&un, sizeof un, &out);
  v4.sin_port = 0;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "port 0", peer_manager_address_from_sockaddr, v4_any, sizeof v4, &out);
  v4.sin_port = htons(1);
  REFUSES("sa is NULL", peer_manager_address_from_sockaddr, NULL, sizeof v4, &out);
  REFUSES("sa is NULL", peer_manager_address_from_sockaddr, NULL, 0, &out);
  CHECK(check_is_filled(&out, sizeof out));
  REFUSES("out is NULL", peer_manager_address_from_sockaddr, v4_any, sizeof v4, NULL);
}

static void what_cannot_be_a_socket_address_writes_nothing(void) {
  peer_manager_address name = check_address("example.org", 1);
  peer_manager_address v4 = check_address("192.0.2.1", 1);
  peer_manager_address bad = check_address("1.2.3", 1);
  struct sockaddr_storage out;
  size_t length = 12345;
  check_fill(&out, sizeof out);
  FAILS(PEER_MANAGER_ERROR_UNSUPPORTED, "resolve", peer_manager_address_to_sockaddr, &name, &out, &length);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "1.2.3", peer_manager_address_to_sockaddr, &bad, &out, &length);
  REFUSES("address is NULL", peer_manager_address_to_sockaddr, NULL, &out, &length);
  REFUSES("out is NULL", peer_manager_address_to_sockaddr, &v4, NULL, &length);
  REFUSES("out_len is NULL", peer_manager_address_to_sockaddr, &v4, &out, NULL);
  CHECK(check_is_filled(&out, sizeof out));
  CHECK(length == 12345);
}

int main(void) {
  the_address_has_its_layout();
  every_spelling_becomes_the_canonical_one();
  what_is_no_address_is_refused_and_writes_nothing();
  names_and_labels_have_their_limits();
  text_is_parsed_with_or_without_a_port();
  format_fits_exactly_or_writes_nothing();
  format_checks_its_arguments();
  outputs_may_alias_inputs();
  equality_is_of_canonical_addresses();
  private_networks_are_known_to_their_last_address();
  what_is_set_aside_is_neither_private_nor_routable();
  six_spellings_of_a_host_are_one_netgroup();
  a_netgroup_is_written_for_an_address_only();
  addresses_make_the_way_through_socket_addresses_and_back();
  socket_addresses_are_what_the_system_understands();
  a_socket_address_may_be_mapped_and_unaligned();
  a_bad_socket_address_is_refused();
  what_cannot_be_a_socket_address_writes_nothing();
  return CHECK_RESULT();
}
