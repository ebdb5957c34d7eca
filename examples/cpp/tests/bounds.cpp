// Bounds of the table, and the choice that is shared with everyone.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

// Public addresses of one netgroup.
std::vector<Address> many(const std::string& netgroup, int count) {
  std::vector<Address> addresses;
  for (int i = 0; i < count; ++i)
    addresses.push_back(address(netgroup + '.' + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1)));
  return addresses;
}

template <class Change>
Manager with(Change change) {
  Options options;
  options.rng_seed = 1;
  change(options);
  return Manager::open(options);
}

TEST(a_full_table_refuses_new_peers_until_a_peer_has_failed) {
  Manager peers = with([](Options& o) { o.max_peers = 2; });
  const std::array all = {address("1.2.3.4"), address("5.6.7.8"), address("9.9.9.9")};
  CHECK(peers.ensure_exists_many(all) == 2);
  THROWS(Status::Limit, "9.9.9.9", peers.ensure_exists(all[2]));
  FAILS(Status::Limit, "9.9.9.9", peers.try_store({all[2], at(kNow), 0, PeerType::Outbound}));
  CHECK(peers.get_stats().refused_peers == 3);
  peers.update_backoff(all[0], Backoff::Increase);
  peers.ensure_exists(all[2]);
  FAILS(Status::NotFound, "1.2.3.4", peers.try_load(all[0]));
  CHECK(peers.peer_count() == 2);
}

TEST(a_netgroup_is_bounded_by_itself) {
  Manager peers = with([](Options& o) { o.max_peers_per_netgroup = 3; });
  CHECK(peers.ensure_exists_many(many("1.2", 10)) == 3);
  CHECK(peers.ensure_exists_many(many("1.3", 2)) == 2);
  FAILS(Status::Limit, "1.2.255.1", peers.try_ensure_exists(address("1.2.255.1")));
  CHECK(peers.try_ensure_exists(address("1.3.255.1")));
}

TEST(a_query_takes_no_more_of_a_netgroup_than_it_says) {
  Manager peers = check::quiet_manager();
  peers.ensure_exists_many(many("1.2", 500));
  peers.ensure_exists(address("1.3.0.1"));
  const std::array<std::pair<std::uint32_t, std::size_t>, 3> cases = {{{1, 2}, {3, 4}, {600, 501}}};
  for (const auto& [most, expected] : cases) {
    Query query = Query::all();
    query.max_per_netgroup = most;
    const std::vector<Address> drawn = peers.load_random_peers(query, 1000);
    CHECK(drawn.size() == expected);
    CHECK(std::count(drawn.begin(), drawn.end(), address("1.3.0.1")) == 1);
  }
}

TEST(everyone_is_told_the_same_until_the_choice_ends) {
  std::int64_t now = kNow;
  Manager peers = with([&now](Options& o) {
    o.clock = [&now] { return at(now); };
    o.share_cache = std::chrono::seconds(60);
    o.share_max_percent = 10;
  });
  peers.ensure_exists_many(many("8.8", 200));
  const std::vector<Address> first = peers.get_peers_to_send(address("1.2.3.4"), 50);
  CHECK(first.size() == 20);
  now = kNow + 59;
  CHECK(peers.get_peers_to_send(address("5.6.7.8"), 50) == first);
  now = kNow + 91;
  CHECK(peers.get_peers_to_send(address("1.2.3.4"), 50) != first);
}

}  // namespace
