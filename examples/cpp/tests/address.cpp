// Addresses: parsing, spelling, order, sockets.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_set>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using namespace std::string_view_literals;
using check::address;

TEST(text_becomes_a_canonical_address) {
  CHECK(Address::parse("[2001:DB8:0:0::1]:11625").to_string() == "[2001:db8::1]:11625");
  CHECK(Address::parse("Core-Live-A.Stellar.ORG.:11625").host() == "core-live-a.stellar.org");
  CHECK(Address::parse("1.2.3.4", 7).port() == 7);
  CHECK(Address("::ffff:8.8.4.4", 80).to_string() == "8.8.4.4:80");
  CHECK(Address("2001:db8::2", 1).host() == "2001:db8::2");
}

TEST(bad_text_is_refused_with_the_message_of_the_library) {
  FAILS(Status::InvalidAddress, "ends in a number like an IPv4 address", Address::try_parse("256.1.1.1:1"));
  FAILS(Status::InvalidAddress, "the port is missing; write host:port", Address::try_parse("example.org"));
  FAILS(Status::InvalidAddress, "", Address::try_make("", 1));
  FAILS(Status::InvalidAddress, "", Address::try_make("1.2.3.4", 0));
  FAILS(Status::InvalidArgument, "UTF-8", Address::try_make("caf\xE9.example", 1));
  THROWS(Status::InvalidAddress, "the host is empty", Address::parse(":11625"));
  THROWS(Status::InvalidAddress, "", Address("1.2.3", 1));
}

TEST(a_nul_inside_is_an_error_and_no_end) {
  FAILS(Status::InvalidArgument, "NUL", Address::try_parse("1.2.3.4:5\0.example.org:6"sv));
  FAILS(Status::InvalidArgument, "NUL", Address::try_make("1.2.3.4\0"sv, 5));
  FAILS(Status::InvalidArgument, "NUL", Address::try_parse(std::string(100000, '\0')));
}

TEST(text_of_any_length_is_taken_in) {
  const std::string longest =
      std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' + std::string(61, 'd');
  CHECK(Address::parse(longest + ":65535").host() == longest);
  CHECK(Address::parse(longest + ":65535").to_string() == longest + ":65535");
  for (const std::size_t length : {254u, 510u, 511u, 512u, 513u, 1000000u}) {
    FAILS(Status::InvalidAddress, "", Address::try_parse(std::string(length, 'a'), 1));
    FAILS(Status::InvalidAddress, "", Address::try_make(std::string(length, 'a'), 1));
  }
}

TEST(a_view_need_not_end_in_a_nul) {
  const std::string_view all = "1.2.3.4:567";
  CHECK(Address::parse(all.substr(0, 9)).to_string() == "1.2.3.4:5");
}

TEST(addresses_are_values) {
  const Address a = address("1.2.3.4:1");
  const Address b = address("1.2.3.4:2");
  Address copy = a;
  CHECK(copy == a && a != b && a < b && b > a && a <= copy && a >= copy);
  copy = b;
  CHECK(copy == b);
  CHECK(std::set<Address>({a, b, a}).size() == 2);
  CHECK(std::unordered_set<Address>({a, b, a}).size() == 2);
}

TEST(equality_agrees_with_that_of_the_library) {
  const std::vector<Address> all = {address("1.2.3.4:1"), address("1.2.3.4:2"),  address("::1"),
                                    address("a.example"), address("A.example."), address("::ffff:1.2.3.4")};
  for (const Address& a : all) {
    for (const Address& b : all) CHECK((a == b) == peer_manager_address_equal(&a.c_get(), &b.c_get()));
  }
}

TEST(no_address_is_a_value_too) {
  const Address none;
  CHECK(none.empty() && none.port() == 0 && none.host().empty() && none.to_string().empty());
  CHECK(!none.is_private() && !none.is_routable());
  CHECK(none == Address() && none != address("1.2.3.4"));
  CHECK(!address("1.2.3.4").empty());
}

TEST(private_addresses_are_known) {
  CHECK(address("10.1.2.3").is_private() && address("localhost").is_private() && address("::1").is_private());
  CHECK(!address("8.8.8.8").is_private() && !address("example.org").is_private());
}

TEST(routable_addresses_are_known) {
  for (const char* text : {"8.8.8.8", "[2600::1]", "example.org"}) CHECK(address(text).is_routable());
  for (const char* text : {"10.1.2.3", "192.0.2.1", "::ffff:203.0.113.1", "[2001:db8::1]", "localhost", "node.test"})
    CHECK(!address(text).is_routable());
}

TEST(addresses_of_c_are_checked) {
  peer_manager_address c;
  std::memset(&c, 'a', sizeof c);
  FAILS(Status::InvalidAddress, "", Address::try_from_c(c));
  std::strcpy(c.host, "Example.ORG.");
  c.port = 5;
  CHECK(Address::from_c(c).to_string() == "example.org:5");
  c.port = 0;
  THROWS(Status::InvalidAddress, "", Address::from_c(c));
}

TEST(socket_addresses_go_both_ways) {
  for (const char* text : {"1.2.3.4:11625", "[2001:db8::1]:80"}) {
    const SocketAddress socket = address(text).to_sockaddr();
    CHECK(Address::from_sockaddr(socket.get(), socket.length).to_string() == text);
  }
  const SocketAddress socket = address("1.2.3.4:5").to_sockaddr();
  sockaddr_in in;
  CHECK(socket.length == sizeof in && socket.storage.ss_family == AF_INET);
  std::memcpy(&in, &socket.storage, sizeof in);
  CHECK(in.sin_port == htons(5) && in.sin_addr.s_addr == htonl(0x01020304));
}

TEST(bad_socket_addresses_are_refused) {
  const SocketAddress socket = address("1.2.3.4:5").to_sockaddr();
  FAILS(Status::Unsupported, "", address("example.org").try_to_sockaddr());
  FAILS(Status::InvalidAddress, "", Address().try_to_sockaddr());
  FAILS(Status::InvalidArgument, "", Address::try_from_sockaddr(nullptr, 16));
  FAILS(Status::InvalidArgument, "", Address::try_from_sockaddr(socket.get(), 3));
  sockaddr other{};
  other.sa_family = AF_UNIX;
  THROWS(Status::InvalidAddress, "", Address::from_sockaddr(&other, sizeof other));
  THROWS(Status::Unsupported, "", address("example.org").to_sockaddr());
}

}  // namespace
