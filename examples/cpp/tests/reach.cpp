// Where a node's peers are, which netgroups they are of, and the constants of the back-off.

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

Options quiet_options() {
  Options options;
  options.rng_seed = 1;
  options.clock = [] { return at(kNow); };
  return options;
}

bool same_netgroup(const Manager& manager, const char* a, const char* b) {
  return manager.netgroup(address(a)) == manager.netgroup(address(b));
}

TEST(a_public_node_hears_nothing_of_what_is_not_routable) {
  Options options = quiet_options();
  options.reach = Reach::Public;
  Manager manager = Manager::open(options);
  const std::array heard = {address("192.0.2.1"), address("8.8.8.8")};
  FAILS(Status::Refused, "192.0.2.1:11625", manager.try_ensure_exists(heard[0]));
  THROWS(Status::Refused, "10.0.0.1:11625", manager.ensure_exists(address("10.0.0.1")));
  CHECK(manager.ensure_exists_many(heard) == 1 && manager.get_stats().refused_peers == 3);
  manager.store({heard[0], at(kNow), 0, PeerType::Preferred});
  CHECK(manager.load_random_peers({}, 9) == std::vector{heard[0]});
  CHECK(manager.get_peers_to_send(Address(), 9) == std::vector{heard[1]});
}

TEST(a_private_node_tells_of_private_addresses) {
  Options options = quiet_options();
  for (const Reach reach : {Reach::Specification, Reach::Private}) {
    options.reach = reach;
    Manager manager = Manager::open(options);
    manager.ensure_exists(address("10.0.0.1"));
    CHECK(manager.get_peers_to_send(Address(), 9).size() == (reach == Reach::Private ? 1 : 0));
    CHECK(same_netgroup(manager, "10.0.0.1:5", "10.0.0.1:6") == (reach != Reach::Private));
  }
  options.reach = static_cast<Reach>(3);
  FAILS(Status::InvalidArgument, "reach", Manager::try_open(options));
}

TEST(a_netgroup_is_a_number_that_its_addresses_have_in_common) {
  const Manager manager = check::quiet_manager();
  CHECK(same_netgroup(manager, "1.2.3.4", "1.2.200.1") && !same_netgroup(manager, "1.2.3.4", "1.3.3.4"));
  CHECK(*manager.try_netgroup(address("1.2.3.4")) == manager.netgroup(address("::ffff:1.2.9.9")));
  FAILS(Status::InvalidAddress, "", manager.try_netgroup(Address()));
  FAILS(Status::InvalidArgument, "pm", Manager().try_netgroup(address("1.2.3.4")));
  THROWS(Status::InvalidAddress, "", manager.netgroup(Address()));
}

TEST(names_are_a_netgroup_each_or_one_together) {
  Options options = quiet_options();
  for (const bool together : {false, true}) {
    options.name_groups = together;
    CHECK(same_netgroup(Manager::open(options), "a.example.org", "b.example.net") == together);
  }
}

// AS 64500: 9.0.0.0/8, of which 9.128.0.0/9 is AS 64501's, and 2a01:4f8::/32. AS 64501: 23.0.0.0/9.
constexpr unsigned char kMap[] = {
    0x8b, 0x4e, 0x6a, 0x7f, 0x80, 0xfd, 0x01, 0xf6, 0x07, 0xd8, 0x1f, 0x60, 0x7f, 0x80, 0xfd, 0x01, 0xf6, 0x07,
    0xd8, 0x1f, 0x60, 0x7f, 0x80, 0xfd, 0xc1, 0xf7, 0xff, 0xdf, 0xff, 0xa3, 0x88, 0x5d, 0x06, 0xc9, 0xfb, 0x59,
    0xde, 0x2f, 0x7b, 0x4e, 0xde, 0x2f, 0xfb, 0x2b, 0xec, 0x0f, 0xb1, 0x3f, 0xf9, 0xde, 0x90, 0xf7, 0x33,
};

// Writes the first bytes of the map.
void write_map(const std::string& path, std::size_t size) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(kMap), static_cast<std::streamsize>(size));
  CHECK(file.flush().good());
}

TEST(with_a_map_addresses_of_one_system_are_one_netgroup) {
  const check::Directory directory;
  Options options = quiet_options();
  const Manager by_prefix = Manager::open(options);
  const std::string path = directory.file("asmap.dat");
  write_map(path, sizeof kMap);
  options.asmap_path = path;
  Manager manager = Manager::open(options);
  // The file is read once.
  CHECK(std::filesystem::remove(path));
  for (const char* of_64500 : {"9.127.0.1", "2a01:4f8::1", "64:ff9b::9.1.0.1"}) {
    CHECK(same_netgroup(manager, "9.0.0.1", of_64500) && !same_netgroup(by_prefix, "9.0.0.1", of_64500));
  }
  CHECK(same_netgroup(manager, "9.128.0.1", "23.1.0.1") && !same_netgroup(manager, "9.128.0.1", "9.0.0.1"));
  // Those that it does not know are as without it.
  CHECK(same_netgroup(manager, "23.128.0.1", "23.128.9.9") && !same_netgroup(manager, "23.128.0.1", "23.129.0.1"));
  CHECK(!same_netgroup(manager, "2a01:4f9::1", "2a01:4f8::1"));

  manager.ensure_exists_many(std::array{address("9.0.0.1"), address("9.1.0.1"), address("2a01:4f8::1"),
                                        address("9.128.0.1"), address("23.1.0.1")});
  CHECK(manager.get_stats().netgroups == 2);
  Query query;
  query.type_filter = TypeFilter::Any;
  query.max_per_netgroup = 1;
  CHECK(manager.load_random_peers(query, 9).size() == 2);
}

TEST(a_map_that_is_cut_off_is_refused) {
  const check::Directory directory;
  Options options = quiet_options();
  const std::string path = directory.file("asmap.dat");
  options.asmap_path = path;
  write_map(path, sizeof kMap - 1);
  FAILS(Status::InvalidArgument, "asmap.dat\" cannot be used: it is cut off", Manager::try_open(options));
  write_map(path, 0);
  THROWS(Status::InvalidArgument, "asmap.dat\" cannot be used: it is empty", Manager::open(options));
}

TEST(a_map_that_cannot_be_used_is_refused) {
  const check::Directory directory;
  Options options = quiet_options();
  options.asmap_path = directory.file("none.dat");
  FAILS(Status::InvalidArgument, "none.dat\" cannot be used: ", Manager::try_open(options));
  THROWS(Status::InvalidArgument, "none.dat\" cannot be used: ", Manager::open(options));
  options.asmap_path = std::string("a\0b", 3);
  FAILS(Status::InvalidArgument, "asmap_path contains a NUL", Manager::try_open(options));
}

TEST(the_back_off_has_the_unit_and_the_limit_of_the_options) {
  Options options = quiet_options();
  options.backoff = std::chrono::hours(1);
  options.max_backoff_exponent = 1;
  Manager manager = Manager::open(options);
  bool long_wait = false;
  for (int round = 0; round < 100; ++round) {
    manager.update_backoff(address("1.2.3.4"), Backoff::Increase);
    const auto wait = manager.load(address("1.2.3.4")).next_attempt - at(kNow);
    CHECK(wait >= std::chrono::seconds(1) && wait <= std::chrono::hours(2));
    if (round < 10) long_wait |= wait > std::chrono::seconds(100);
  }
  CHECK(long_wait);
  options.backoff = std::chrono::seconds(3601);
  FAILS(Status::InvalidArgument, "backoff_seconds", Manager::try_open(options));
  for (const std::int64_t seconds : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    options.backoff = std::chrono::seconds(seconds);
    FAILS(Status::InvalidArgument, "backoff is negative or too long", Manager::try_open(options));
  }
  options.backoff = std::chrono::seconds(0);
  options.max_backoff_exponent = 21;
  FAILS(Status::InvalidArgument, "max_backoff_exponent", Manager::try_open(options));
}

}  // namespace
