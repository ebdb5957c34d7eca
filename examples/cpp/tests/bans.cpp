// Hosts and prefixes that are refused until a time.

#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

// A manager in memory with a clock that the test moves.
Manager with_clock(std::int64_t& now) {
  Options options;
  options.clock = [&now] { return at(now); };
  return Manager::open(options);
}

TEST(the_banned_are_removed_and_refused_until_the_end) {
  std::int64_t now = kNow;
  Manager peers = with_clock(now);
  const Address banned = address("203.0.113.7:9");
  peers.ensure_exists_many(
      std::array{address("203.0.113.7:1"), address("[::ffff:203.0.113.8]:1"), address("203.0.114.1")});
  peers.store({banned, at(0), 0, PeerType::Preferred});
  CHECK(peers.ban("203.0.113.99/24", at(kNow + 60)) == 3 && peers.peer_count() == 1);
  const std::string why = "203.0.113.0/24 is banned until 1700000060";
  FAILS(Status::Refused, why, peers.try_ensure_exists(banned));
  FAILS(Status::Refused, why, peers.try_store({banned, at(0), 0, PeerType::Preferred}));
  FAILS(Status::Refused, why, peers.try_update_type(banned, PeerType::Preferred, true));
  FAILS(Status::Refused, why, peers.try_update_backoff(banned, Backoff::Reset));
  THROWS(Status::Refused, why, peers.update(banned, PeerType::Outbound, false, Backoff::Reset));
  CHECK(peers.ensure_exists_many(std::array{banned, address("203.0.114.2")}) == 1);
  CHECK(peers.get_stats().refused_peers == 6 && peers.get_stats().bans == 1);
  now = kNow + 59;
  CHECK(peers.is_banned(address("203.0.113.255")));
  now = kNow + 60;
  CHECK(!peers.is_banned(address("203.0.113.255")) && peers.get_stats().bans == 0);
  FAILS(Status::NotFound, "203.0.113.0/24 is not banned", peers.try_unban("203.0.113.0/24"));
  peers.ensure_exists(banned);
}

TEST(a_banned_host_is_one_in_every_spelling) {
  Manager peers = check::quiet_manager();
  CHECK(peers.ban("2002:cb00:7107::1", for_good) == 0);
  CHECK(peers.is_banned(address("203.0.113.7")) && *peers.try_is_banned(address("64:ff9b::203.0.113.7")));
  CHECK(!peers.is_banned(address("203.0.113.6")) && !peers.is_banned(address("2001:db8::1")));
  peers.unban("203.0.113.7/32");
  CHECK(!peers.is_banned(address("2002:cb00:7107::1")));
  peers.ban("Node.Example.", for_good);
  CHECK(peers.is_banned(address("node.EXAMPLE")) && !peers.is_banned(address("a.node.example")));
}

TEST(bans_are_listed_in_order_while_they_last) {
  std::int64_t now = kNow;
  Manager peers = with_clock(now);
  CHECK(peers.bans().empty());
  std::string longest(253, 'a');
  for (std::size_t i = 49; i < longest.size(); i += 50) longest[i] = '.';
  peers.ban(longest, for_good);
  peers.ban("2001:DB8::/32", at(kNow + 5));
  peers.ban("203.0.113.0/24", at(kNow + 7));
  peers.ban("198.51.100.1", at(kNow + 1));
  std::vector<Ban> expected = {{"198.51.100.1", at(kNow + 1)},
                               {"203.0.113.0/24", at(kNow + 7)},
                               {"2001:db8::/32", at(kNow + 5)},
                               {longest, for_good}};
  CHECK(peers.bans() == expected);
  peers.ban("203.0.113.0/24", for_good);  // moves the end
  expected[1].until = for_good;
  now = kNow + 1;
  expected.erase(expected.begin());
  CHECK(peers.bans() == expected && *peers.try_bans() == expected);
  // More than there is room for at first.
  for (const std::size_t count : {15u, 16u, 17u, 33u, 200u}) {
    Manager many = check::quiet_manager();
    for (std::size_t i = 0; i < count; ++i) many.ban("10.0." + std::to_string(i) + ".0/24", for_good);
    const std::vector<Ban> bans = many.bans();
    CHECK(bans.size() == count && many.get_stats().bans == count);
    for (std::size_t i = 0; i < bans.size(); ++i)
      CHECK(bans[i] == Ban{"10.0." + std::to_string(i) + ".0/24", for_good});
  }
}

TEST(bans_survive_a_restart) {
  const check::Directory directory;
  const Address known = address("203.0.113.7");
  Manager::open(directory.file("theirs.db")).ensure_exists(known);
  for (const Durability durability : {Durability::Commit, Durability::Sync, Durability::Deferred}) {
    Options options;
    options.db_path = directory.file(("peers" + std::to_string(static_cast<int>(durability))).c_str());
    options.durability = durability;
    Manager peers = Manager::open(options);
    peers.ensure_exists(known);
    CHECK(peers.ban("203.0.113.0/24", for_good) == 1);
    peers.close();
    peers = Manager::open(options);
    CHECK(peers.peer_count() == 0 && peers.bans() == std::vector{Ban{"203.0.113.0/24", for_good}});
    // Nor does it come back with what another node knows.
    CHECK(peers.import_from(directory.file("theirs.db")) == 0);
    peers.unban("203.0.113.0/24");
    peers.close();
    peers = Manager::open(options);
    peers.ensure_exists(known);
    CHECK(peers.bans().empty());
  }
}

TEST(bad_bans_are_refused_and_nothing_is_done) {
  Manager peers = check::quiet_manager();
  peers.ensure_exists(address("203.0.113.7"));
  for (const std::string& subject :
       {std::string(), std::string("203.0.113"), std::string("203.0.113.0/33"), std::string("203.0.113.0/"),
        std::string("203.0.113.7:80"), std::string("example.org/8"), std::string("[2001:db8::1]"),
        std::string(511, 'a')}) {
    FAILS(Status::InvalidAddress, "is neither a host nor a prefix: ", peers.try_ban(subject, for_good));
    FAILS(Status::InvalidAddress, "is neither a host nor a prefix: ", peers.try_unban(subject));
  }
  for (const std::size_t size : {512u, 100000u}) {
    FAILS(Status::InvalidAddress, "longer than any host or prefix", peers.try_ban(std::string(size, 'a'), for_good));
    FAILS(Status::InvalidAddress, "longer than any host or prefix", peers.try_unban(std::string(size, 'a')));
  }
  const std::string_view nul("203.0.113.7\0", 12);
  FAILS(Status::InvalidArgument, "subject contains a NUL byte", peers.try_ban(nul, for_good));
  FAILS(Status::InvalidArgument, "subject contains a NUL byte", peers.try_unban(nul));
  FAILS(Status::InvalidArgument, "subject is not UTF-8", peers.try_ban("caf\xE9.example", for_good));
  for (const std::int64_t until : {kNow, std::int64_t{0}, std::numeric_limits<std::int64_t>::min()})
    FAILS(Status::InvalidArgument, "give a later time", peers.try_ban("203.0.113.7", at(until)));
  THROWS(Status::InvalidArgument, "give a later time", peers.ban("203.0.113.7", at(kNow)));
  THROWS(Status::NotFound, "203.0.113.7 is not banned", peers.unban("203.0.113.7"));
  FAILS(Status::InvalidAddress, "empty", peers.try_is_banned(Address()));
  THROWS(Status::InvalidAddress, "empty", peers.is_banned(Address()));
  CHECK(peers.peer_count() == 1 && peers.bans().empty());
  peers.close();
  FAILS(Status::InvalidArgument, "pm", peers.try_ban("203.0.113.7", for_good));
  FAILS(Status::InvalidArgument, "pm", peers.try_unban("203.0.113.7"));
  FAILS(Status::InvalidArgument, "pm", peers.try_is_banned(address("203.0.113.7")));
  FAILS(Status::InvalidArgument, "pm", peers.try_bans());
}

TEST(a_clock_that_throws_is_heard_by_who_asks_for_bans) {
  bool throws = false;
  Options options;
  options.clock = [&throws] {
    if (throws) throw std::runtime_error("no time");
    return at(kNow);
  };
  Manager peers = Manager::open(options);
  peers.ban("203.0.113.7", for_good);
  throws = true;
  FAILS(Status::ClockFailed, "clock", peers.try_is_banned(address("203.0.113.7")));
  FAILS(Status::ClockFailed, "clock", peers.try_bans());
  FAILS(Status::ClockFailed, "clock", peers.try_ban("203.0.113.8", for_good));
  throws = false;
  CHECK(peers.bans().size() == 2);  // it was carried out
}

}  // namespace
