// When peers were heard of, reached and tried.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

constexpr std::int64_t kDay = 86400;

Options keeping_history(std::int64_t& now) {
  Options options;
  options.keep_history = true;
  options.clock = [&now] { return at(now); };
  return options;
}

// Peers heard of at kNow + 100, 200 and 300; the first was reached at kNow + 1000.
Manager three_heard(std::int64_t& now) {
  Manager peers = Manager::open(keeping_history(now));
  for (std::uint16_t port = 1; port <= 3; ++port) {
    now = kNow + port * 100;
    peers.ensure_exists(Address("8.8.8.8", port));
  }
  now = kNow + 1000;
  peers.update_backoff(Address("8.8.8.8", 1), Backoff::Reset);
  return peers;
}

TEST(a_history_outlives_its_manager) {
  const check::Directory directory;
  const Address peer = address("192.0.2.1");
  for (const Durability durability : {Durability::Commit, Durability::Sync, Durability::Deferred}) {
    std::int64_t now = kNow;
    Options options = keeping_history(now);
    options.db_path = directory.file(("peers" + std::to_string(static_cast<int>(durability))).c_str());
    options.durability = durability;
    Manager peers = Manager::open(options);
    peers.ensure_exists(peer);
    CHECK(peers.load_history(peer) == History{at(kNow), at(kNow)});
    now = kNow + 5;
    peers.update_backoff(peer, Backoff::Increase);
    now = kNow + 7;
    peers.update(peer, PeerType::Outbound, false, Backoff::Reset);
    now = kNow + 9;
    peers.update_backoff(peer, Backoff::HardReset);
    History expected{at(kNow), at(kNow), at(kNow + 7), at(kNow + 9), at(kNow + 5)};
    CHECK(peers.load_history(peer) == expected);
    peers.close();
    peers = Manager::open(options);
    CHECK(*peers.try_load_history(peer) == expected);
    now = kNow + kDay - 1;
    peers.ensure_exists(peer);  // to the day
    CHECK(peers.load_history(peer) == expected);
    now = kNow + kDay;
    peers.ensure_exists(peer);
    CHECK(peers.load_history(peer) != expected);
    expected.last_heard = at(now);
    CHECK(peers.load_history(peer) == expected);
    peers.remove(peer);
    FAILS(Status::NotFound, "192.0.2.1", peers.try_load_history(peer));
  }
}

TEST(queries_ask_since_when) {
  std::int64_t now = 0;
  const Manager peers = three_heard(now);
  const auto ports = [&](std::optional<sys_seconds> heard, std::optional<sys_seconds> reached) {
    Query query = Query::all();
    query.heard_since = heard;
    query.reached_since = reached;
    std::string seen;
    for (const Address& peer : peers.load_random_peers(query, 9)) seen += std::to_string(peer.port());
    std::sort(seen.begin(), seen.end());
    CHECK(peers.get_peers_to_send(Address(), 9, query).size() == seen.size());
    return seen;
  };
  CHECK(ports({}, {}) == "123" && ports(at(0), at(0)) == "123" && ports(at(kNow + 100), {}) == "123");
  // The first was heard of at 100, and reached later.
  CHECK(ports(at(kNow + 201), {}) == "13" && ports(at(kNow + 1000), {}) == "1" && ports(at(kNow + 1001), {}).empty());
  CHECK(ports({}, at(1)) == "1" && ports({}, at(kNow + 1000)) == "1" && ports({}, at(kNow + 1001)).empty());
  CHECK(ports(at(kNow + 300), at(kNow + 1000)) == "1" && ports(sys_seconds::max(), {}).empty());
}

TEST(a_snapshot_has_the_histories) {
  std::int64_t now = 0;
  Manager peers = three_heard(now);
  const Snapshot snapshot = peers.get_all_peers();
  peers.clear_all();  // it is one point in time
  peers.close();
  CHECK(snapshot.size() == 3);
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    const std::uint16_t port = snapshot[i].address.port();
    History expected{at(kNow + port * 100), at(kNow + port * 100)};
    if (port == 1) expected.first_reached = expected.last_reached = at(kNow + 1000);
    CHECK(snapshot.history(i) == expected && *snapshot.try_history(i) == expected);
  }
  for (const std::size_t index : {std::size_t{3}, std::numeric_limits<std::size_t>::max()})
    FAILS(Status::InvalidArgument, "index", snapshot.try_history(index));
  THROWS(Status::InvalidArgument, "index", snapshot.history(3));
  FAILS(Status::InvalidArgument, "snapshot", Snapshot().try_history(0));
}

TEST(peers_that_are_no_longer_heard_of_are_removed) {
  std::int64_t now = 0;
  Manager peers = three_heard(now);
  for (const std::int64_t since : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0}, kNow + 200})
    CHECK(peers.remove_peers_not_heard_since(at(since)) == 0);
  CHECK(peers.remove_peers_not_heard_since(at(kNow + 300)) == 1);
  CHECK(*peers.try_remove_peers_not_heard_since(sys_seconds::max()) == 1);
  CHECK(peers.peer_count() == 1 && peers.load(Address("8.8.8.8", 1)).num_failures == 0);  // it was reached
}

TEST(without_histories_none_is_asked_for) {
  Manager peers = check::quiet_manager();
  const Address peer = address("8.8.8.8");
  peers.ensure_exists(peer);
  FAILS(Status::Unsupported, "keep_history", peers.try_load_history(peer));
  THROWS(Status::Unsupported, "keep_history", peers.load_history(peer));
  FAILS(Status::Unsupported, "keep_history", peers.try_remove_peers_not_heard_since(sys_seconds::max()));
  THROWS(Status::Unsupported, "keep_history", peers.remove_peers_not_heard_since(at(0)));
  const Snapshot snapshot = peers.get_all_peers();
  FAILS(Status::Unsupported, "keep_history", snapshot.try_history(0));
  Query query;
  query.heard_since = at(kNow);
  FAILS(Status::InvalidArgument, "heard_since", peers.try_load_random_peers(query, 1));
  query = {};
  query.reached_since = at(kNow);
  FAILS(Status::InvalidArgument, "reached_since", peers.try_get_peers_to_send(Address(), 1, query));
  CHECK(peers.peer_count() == 1);
  std::int64_t now = kNow;
  const Manager with = Manager::open(keeping_history(now));
  FAILS(Status::NotFound, "8.8.8.8", with.try_load_history(peer));
  FAILS(Status::InvalidAddress, "", with.try_load_history(Address()));
  FAILS(Status::InvalidArgument, "pm", Manager().try_load_history(peer));
  FAILS(Status::InvalidArgument, "pm", Manager().try_remove_peers_not_heard_since(at(0)));
}

TEST(histories_tell_which_outbound_peers_are_dead) {
  for (const bool keep : {false, true}) {
    std::int64_t now = kNow;
    Options options = keeping_history(now);
    options.keep_history = keep;
    options.max_peers = 1;
    Manager peers = Manager::open(options);
    peers.update(address("8.8.8.8"), PeerType::Outbound, false, Backoff::Reset);
    for (std::uint32_t n = 0; n < max_failures; ++n) peers.update_backoff(address("8.8.8.8"), Backoff::Increase);
    now += 31 * kDay;
    const Result<void> added = peers.try_ensure_exists(address("9.9.9.9"));
    CHECK(added.status() == (keep ? Status::Ok : Status::Limit));
  }
}

}  // namespace
