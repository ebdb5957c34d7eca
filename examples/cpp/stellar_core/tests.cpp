// The methods of the classes: what they do where stellar-core leaves it open, and what they do differently.

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "testing.h"

namespace {

using namespace stellar;
using namespace stellar::testing;
using TypeUpdate = PeerManager::TypeUpdate;

int typeOf(PeerManager& peers, PeerBareAddress const& address) { return peers.load(address).first.mType; }

TEST(core_addresses) {
  PeerBareAddress const empty;
  CHECK(empty.isEmpty() && empty.getType() == PeerBareAddress::Type::EMPTY && empty.getIP().empty());
  CHECK(empty.getPort() == 0 && empty.toString() == "(empty)" && !empty.isPrivate() && !empty.isLocalhost());
  PeerBareAddress const a("127.0.0.1", 80);
  CHECK(!a.isEmpty() && a.getType() == PeerBareAddress::Type::IPv4 && a.getIP() == "127.0.0.1" && a.getPort() == 80);
  CHECK(a.toString() == "127.0.0.1:80" && a.isLocalhost());
  CHECK(!PeerBareAddress("127.0.0.2", 1).isLocalhost() && !PeerBareAddress("localhost", 1).isLocalhost());
  CHECK(numbered(1) == numbered(1) && numbered(1) != numbered(2) && !(numbered(1) == PeerBareAddress("8.8.4.4", 1)));
  // By port first, as in stellar-core.
  CHECK(PeerBareAddress("9.9.9.9", 1) < numbered(2) && PeerBareAddress("8.8.4.4", 1) < numbered(1));
  CHECK(!(numbered(1) < numbered(1)) && !(numbered(2) < PeerBareAddress("9.9.9.9", 1)));
  CHECK(PeerBareAddress(peermanager::Address("8.8.8.8", 1)) == numbered(1));
  CHECK(PeerBareAddress(peermanager::Address()).isEmpty());
}

TEST(core_only_the_three_blocks_of_private_addresses_are_private) {
  auto const isPrivate = [](char const* ip) { return PeerBareAddress(ip, 0).isPrivate(); };
  for (char const* ip :
       {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"})
    CHECK(isPrivate(ip));
  for (char const* ip : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
                         "127.0.0.1", "169.254.1.1", "100.64.0.1", "a.local", "fc00::1", "10.0.0"})
    CHECK(!isPrivate(ip));
}

TEST(core_a_name_is_looked_up) {
  CHECK(resolve("localhost") == PeerBareAddress("127.0.0.1", 11625));
  CHECK(resolve("localhost:7", 8) == PeerBareAddress("127.0.0.1", 7));
  CHECK(throws<std::runtime_error>([] { resolve("a..b"); }));
  CHECK(throws<std::runtime_error>([] { resolve("1.2.3.4", 0); }));
  CHECK(throws<std::runtime_error>([] { resolve("[::1]:5"); }));
}

TEST(core_what_is_no_address_with_a_port_finds_nothing) {
  PeerManager peers(quiet());
  peers.store(numbered(1), {tmOf(5), 200, OUTBOUND}, false);
  for (PeerBareAddress const& none :
       {PeerBareAddress(), PeerBareAddress("8.8.8.9", 0), PeerBareAddress("8.8.8", 1),
        PeerBareAddress("random string", 80), PeerBareAddress("::1", 80),
        PeerBareAddress(std::string("8.8.8.8\0", 8), 1), PeerBareAddress("a.example", 80)}) {
    peers.ensureExists(none);
    peers.update(none, PeerType::PREFERRED, true);
    peers.update(none, BackOffUpdate::INCREASE);
    peers.update(none, PeerType::OUTBOUND, false, BackOffUpdate::RESET);
    peers.store(none, {tmOf(5), 200, OUTBOUND}, false);
    peers.store(none, {tmOf(5), 200, OUTBOUND}, true);
    peers.storePeers({{none, {tmOf(5), 200, OUTBOUND}}});
    auto const [record, known] = peers.load(none);
    CHECK(!known && secondsOf(record.mNextAttempt) == kNow && record.mNumFailures == 0 && record.mType == INBOUND);
    peers.removePeersWithManyFailures(0, &none);
    CHECK(peers.manager().peer_count() == 1 && knows(peers, numbered(1)));
  }
  peers.update(numbered(1), BackOffUpdate::RESET);
  CHECK(peers.getPeersToSend(9, PeerBareAddress()).size() == 1);
  CHECK(peers.getPeersToSend(9, PeerBareAddress("8.8.8.8", 0)).size() == 1);
}

TEST(core_peers_that_are_not_ipv4_are_not_seen) {
  PeerManager peers(quiet());
  peers.manager().ensure_exists(peermanager::Address::parse("[2001:470::1]:1"));
  peers.manager().ensure_exists(peermanager::Address::parse("a.example.org:1"));
  peers.ensureExists(numbered(1));
  CHECK(peers.loadRandomPeers({false, std::nullopt, PeerTypeFilter::INBOUND_ONLY}, 9) == std::vector{numbered(1)});
  CHECK(peers.getPeersToSend(9, PeerBareAddress()) == std::vector{numbered(1)});
  CHECK(peers.loadAllPeers().size() == 1 && peers.manager().peer_count() == 3);
}

TEST(core_what_a_bound_or_a_policy_refuses_is_left_out) {
  peermanager::Options options = quiet();
  options.max_peers = 1;
  options.reach = peermanager::Reach::Public;
  PeerManager peers(options);
  peers.ensureExists(localhost(1));
  CHECK(peers.loadAllPeers().empty());
  peers.ensureExists(numbered(1));
  peers.ensureExists(numbered(2));
  peers.update(numbered(2), BackOffUpdate::INCREASE);
  CHECK(peers.loadAllPeers().size() == 1 && knows(peers, numbered(1)));
  CHECK(peers.manager().get_stats().refused_peers == 3);
  // What stellar-core cannot have is an error still.
  CHECK(throws<peermanager::Error>([&] { peers.update(numbered(1), static_cast<PeerType>(3), true); }));
}

TEST(core_ensure_exists_and_load) {
  PeerManager peers(quiet());
  auto const [made, unknown] = peers.load(numbered(1));
  CHECK(!unknown && secondsOf(made.mNextAttempt) == kNow && made.mNumFailures == 0 && made.mType == 0);
  CHECK(peers.loadAllPeers().empty());
  peers.ensureExists(numbered(1));
  auto const [loaded, known] = peers.load(numbered(1));
  CHECK(known && loaded == made);
}

TEST(core_store) {
  PeerManager peers(quiet());
  PeerRecord const record{tmOf(123456789), 3, PREFERRED};
  for (bool const inDatabase : {false, true, false}) {
    peers.store(numbered(1), record, inDatabase);
    CHECK(peers.load(numbered(1)) == std::pair(record, true));
  }
  PeerRecord const other{tmOf(5), 0, 0};
  peers.store(numbered(1), other, true);
  CHECK(peers.load(numbered(1)).first == other && !(other == record));
  CHECK(throws<peermanager::Error>([&] { peers.store(numbered(1), {tmOf(5), 0, 3}, true); }));
  CHECK(throws<peermanager::Error>([&] { peers.store(numbered(1), {tmOf(5), 0, -1}, true); }));
  CHECK(peers.load(numbered(1)).first == other);
}

TEST(core_numbers_beyond_the_types_of_core_are_cut) {
  PeerManager peers(quiet());
  peers.manager().store({numbered(1).get(), check::at(INT64_MAX), UINT32_MAX, peermanager::PeerType::Inbound});
  peers.manager().store({numbered(2).get(), check::at(INT64_MIN), 0, peermanager::PeerType::Inbound});
  CHECK(peers.load(numbered(1)).first.mNumFailures == UINT32_MAX);
  CHECK(peers.load(numbered(1)).first.mNextAttempt.tm_year == 9999 - 1900);
  CHECK(peers.load(numbered(2)).first.mNextAttempt.tm_year == -1900);
  if constexpr (sizeof(std::size_t) > sizeof(std::uint32_t)) {
    std::size_t const many = std::size_t{UINT32_MAX} + 1;
    peers.store(numbered(2), {tmOf(5), many, 0}, true);
    CHECK(peers.load(numbered(2)).first.mNumFailures == UINT32_MAX);
    CHECK(peers.loadRandomPeers({true, many, PeerTypeFilter::INBOUND_ONLY}, 9) == std::vector{numbered(2)});
    peers.removePeersWithManyFailures(many);
    peers.removePeersWithManyFailures(SIZE_MAX, nullptr);
    CHECK(peers.loadAllPeers().size() == 2);
  }
}

TEST(core_a_time_of_fields_beyond_their_range_is_the_one_they_carry_over_to) {
  PeerManager peers(quiet());
  std::tm time{};
  CHECK(secondsOf(time) == -2209075200);  // no day of January is the last of December
  peers.store(numbered(1), {{}, 11, INBOUND}, false);
  CHECK(secondsOf(peers.load(numbered(1)).first.mNextAttempt) == -2209075200);
  CHECK(peers.load(numbered(1)).first == PeerRecord{{}, 11, INBOUND});
  time = tmOf(kNow);
  time.tm_sec += 100;
  peers.store(numbered(1), {time, 0, INBOUND}, true);
  CHECK(secondsOf(peers.load(numbered(1)).first.mNextAttempt) == kNow + 100);
}

TEST(core_update_of_the_type) {
  PeerManager peers(quiet());
  auto const a = numbered(1);
  peers.update(a, TypeUpdate::ENSURE_NOT_PREFERRED);
  CHECK(typeOf(peers, a) == INBOUND);
  peers.update(a, TypeUpdate::ENSURE_OUTBOUND);
  CHECK(typeOf(peers, a) == OUTBOUND);
  peers.update(a, TypeUpdate::SET_PREFERRED);
  CHECK(typeOf(peers, a) == PREFERRED);
  peers.update(a, TypeUpdate::ENSURE_OUTBOUND);
  CHECK(typeOf(peers, a) == PREFERRED);
  peers.update(a, TypeUpdate::ENSURE_NOT_PREFERRED);
  CHECK(typeOf(peers, a) == OUTBOUND);

  peers.update(a, PeerType::PREFERRED, false);
  peers.update(a, PeerType::OUTBOUND, false);
  CHECK(typeOf(peers, a) == PREFERRED);
  peers.update(a, PeerType::OUTBOUND, true);
  CHECK(typeOf(peers, a) == OUTBOUND);
  peers.update(a, PeerType::PREFERRED, true);
  peers.update(a, PeerType::INBOUND, false);
  CHECK(typeOf(peers, a) == OUTBOUND);
  CHECK(throws<std::invalid_argument>([&] { peers.update(a, static_cast<TypeUpdate>(3)); }));
  CHECK(throws<peermanager::Error>([&] { peers.update(a, static_cast<PeerType>(-1), true); }));
}

TEST(core_update_of_the_back_off) {
  PeerManager peers(quiet());
  auto const a = numbered(1);
  for (std::size_t n = 1; n <= 12; ++n) {
    peers.update(a, BackOffUpdate::INCREASE);
    PeerRecord const record = peers.load(a).first;
    std::time_t const wait = secondsOf(record.mNextAttempt) - kNow;
    CHECK(record.mNumFailures == n && wait >= 1 && wait <= 10 << std::min<std::size_t>(n, 10));
  }
  peers.update(a, BackOffUpdate::RESET);
  std::time_t const wait = secondsOf(peers.load(a).first.mNextAttempt) - kNow;
  CHECK(peers.load(a).first.mNumFailures == 0 && wait >= 1 && wait <= 10);
  peers.update(a, BackOffUpdate::HARD_RESET);
  CHECK(secondsOf(peers.load(a).first.mNextAttempt) == kNow);
  CHECK(throws<peermanager::Error>([&] { peers.update(a, static_cast<BackOffUpdate>(3)); }));
}

TEST(core_update_of_both) {
  PeerManager peers(quiet());
  auto const a = numbered(1);
  peers.update(a, PeerType::OUTBOUND, false, BackOffUpdate::INCREASE);
  CHECK(typeOf(peers, a) == 1 && peers.load(a).first.mNumFailures == 1);
  peers.update(a, TypeUpdate::SET_PREFERRED, BackOffUpdate::RESET);
  CHECK(typeOf(peers, a) == 2 && peers.load(a).first.mNumFailures == 0);
}

TEST(core_load_random_peers) {
  PeerManager peers(quiet());
  peers.store(numbered(1), {tmOf(kNow), 0, 0}, false);
  peers.store(numbered(2), {tmOf(kNow), 5, 1}, false);
  peers.store(numbered(3), {tmOf(kNow + 1), 11, 2}, false);
  auto const ports = [&](PeerQuery const& query, std::size_t size) {
    return portsOf(peers.loadRandomPeers(query, size));
  };
  using Ports = std::set<std::size_t>;
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 9) == Ports{2, 3});
  CHECK(ports({false, 10, PeerTypeFilter::ANY_OUTBOUND}, 9) == Ports{2});
  CHECK(ports({true, std::nullopt, PeerTypeFilter::PREFERRED_ONLY}, 9).empty());
  CHECK(ports({false, 5, PeerTypeFilter::OUTBOUND_ONLY}, 9) == Ports{2});
  CHECK(ports({false, 4, PeerTypeFilter::OUTBOUND_ONLY}, 9).empty());
  CHECK(ports({true, 0, PeerTypeFilter::INBOUND_ONLY}, 9) == Ports{1});
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 1).size() == 1);
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 0).empty());
}

TEST(core_removal_with_an_address_is_of_its_host_on_all_ports) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 5; ++n) {
    peers.store(numbered(n), {tmOf(kNow), n, static_cast<int>(n % 3)}, false);
    peers.store(PeerBareAddress("8.8.8.80", numbered(n).getPort()), {tmOf(kNow), n, 0}, false);
  }
  PeerBareAddress const accepted("8.8.8.8", 0);  // before HELLO
  PeerBareAddress const stranger("8.8.8.1", 1);
  peers.removePeersWithManyFailures(0, &stranger);
  peers.removePeersWithManyFailures(6, &accepted);
  CHECK(peers.loadAllPeers().size() == 10);
  peers.removePeersWithManyFailures(4, &accepted);
  CHECK(peers.loadAllPeers().size() == 8 && knows(peers, numbered(3)) && !knows(peers, numbered(4)));
  PeerBareAddress const one = numbered(1);
  peers.removePeersWithManyFailures(2, &one);
  CHECK(peers.loadAllPeers().size() == 6 && knows(peers, one) && !knows(peers, numbered(2)));
  peers.removePeersWithManyFailures(5);
  CHECK(peers.loadAllPeers().size() == 5 && knows(peers, PeerBareAddress("8.8.8.80", 4)));
  peers.removePeersWithManyFailures(0);
  CHECK(peers.loadAllPeers().empty());
}

TEST(core_get_peers_to_send) {
  PeerManager peers(quiet());
  peers.store(numbered(1), {tmOf(kNow), 0, 0}, false);
  peers.store(numbered(2), {tmOf(kNow + 99), 10, 1}, false);
  peers.store(numbered(3), {tmOf(kNow), 11, 1}, false);
  peers.store(numbered(4), {tmOf(kNow), 0, 2}, false);
  peers.store(PeerBareAddress("10.1.2.3", 1), {tmOf(kNow), 0, 2}, false);
  CHECK(peers.getPeersToSend(9, PeerBareAddress()) == std::vector{numbered(4), numbered(2), numbered(1)});
  CHECK(peers.getPeersToSend(9, numbered(4)) == std::vector{numbered(2), numbered(1)});
  CHECK(peers.getPeersToSend(1, numbered(4)) == std::vector{numbered(2)});
  CHECK(peers.getPeersToSend(0, numbered(4)).empty());
  CHECK(peers.getPeersToSend(SIZE_MAX, numbered(4)).size() == 2);
}

// Private peers are preferred here, so each comes before those that may be told.
TEST(core_private_peers_take_no_place_of_others) {
  for (bool const allowPrivateAddresses : {false, true}) {
    PeerManager peers(quiet(), allowPrivateAddresses);
    for (std::size_t n = 1; n <= 40; ++n) {
      auto const port = static_cast<unsigned short>(n);
      peers.update(PeerBareAddress("192.168.0.1", port), PeerType::PREFERRED, true);
      if (n <= 7) peers.ensureExists(numbered(n));
      if (n <= 3) peers.update(localhost(n), PeerType::OUTBOUND, false);
    }
    for (std::size_t const size : {1U, 3U, 9U, 10U, 11U, 45U, 49U, 50U, 51U}) {
      auto const told = peers.getPeersToSend(size, PeerBareAddress());
      CHECK(told.size() == std::min<std::size_t>(size, allowPrivateAddresses ? 50 : 10));
      CHECK(std::set(told.begin(), told.end()).size() == told.size());
      CHECK(allowPrivateAddresses ==
            std::any_of(told.begin(), told.end(), [](auto& peer) { return peer.isPrivate(); }));
    }
  }
}

TEST(core_a_shared_list_has_no_private_peers_either) {
  peermanager::Options options = quiet();
  options.share_cache = std::chrono::seconds(60);
  PeerManager peers(options);
  for (std::size_t n = 1; n <= 30; ++n) {
    peers.update(PeerBareAddress("172.16.0.1", numbered(n).getPort()), PeerType::PREFERRED, true);
    peers.ensureExists(numbered(n));
  }
  auto const told = peers.getPeersToSend(5, PeerBareAddress());
  CHECK(told.size() == 5 && portsOf(told) == portsOf(peers.getPeersToSend(5, numbered(99))));
  CHECK(std::none_of(told.begin(), told.end(), [](auto& peer) { return peer.isPrivate(); }));
  CHECK(peers.getPeersToSend(99, PeerBareAddress()).size() == 30);
}

TEST(core_a_node_on_the_internet_does_not_tell_others_of_loopback) {
  peermanager::Options options = quiet();
  options.reach = peermanager::Reach::Public;
  PeerManager peers(options);
  peers.update(localhost(1), PeerType::PREFERRED, true);
  peers.ensureExists(numbered(1));
  CHECK(peers.getPeersToSend(9, PeerBareAddress()) == std::vector{numbered(1)});
}

TEST(core_all_peers_go_out_and_come_back) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 50; ++n)
    peers.store(numbered(n), {tmOf(kNow + static_cast<std::time_t>(n)), n, static_cast<int>(n % 3)}, false);
  PeerManager::Peers const all = peers.loadAllPeers();
  peers.dropAll();
  CHECK(all.size() == 50 && peers.loadAllPeers().empty());
  peers.storePeers(all);
  CHECK(peers.loadAllPeers().size() == 50);
  for (auto const& [address, record] : all) CHECK(peers.load(address) == std::pair(record, true));
  PeerManager::Peers bad = all;
  bad[7].second.mType = 9;
  peers.dropAll();
  CHECK(throws<peermanager::Error>([&] { peers.storePeers(bad); }));
  CHECK(peers.loadAllPeers().empty());
}

TEST(core_queries_of_the_random_source) {
  PeerQuery query = RandomPeerSource::maxFailures(7, true);
  CHECK(!query.mUseNextAttempt && query.mMaxNumFailures == 7 && query.mTypeFilter == PeerTypeFilter::ANY_OUTBOUND);
  CHECK(RandomPeerSource::maxFailures(7, false).mTypeFilter == PeerTypeFilter::INBOUND_ONLY);
  query = RandomPeerSource::nextAttemptCutoff(PeerType::INBOUND);
  CHECK(query.mUseNextAttempt && query.mMaxNumFailures == 120 && query.mTypeFilter == PeerTypeFilter::INBOUND_ONLY);
  CHECK(RandomPeerSource::nextAttemptCutoff(PeerType::OUTBOUND).mTypeFilter == PeerTypeFilter::OUTBOUND_ONLY);
  CHECK(RandomPeerSource::nextAttemptCutoff(PeerType::PREFERRED).mTypeFilter == PeerTypeFilter::PREFERRED_ONLY);
  CHECK(throws<std::invalid_argument>([] { RandomPeerSource::nextAttemptCutoff(static_cast<PeerType>(9)); }));
}

TEST(core_a_batch_is_dealt_out_before_the_next_is_drawn) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 10; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  std::set<PeerBareAddress> seen;
  for (std::size_t i = 0; i < 5; ++i) {
    for (auto const& address : source.getRandomPeers(2, always)) CHECK(seen.insert(address).second);
    peers.ensureExists(numbered(100 + i));  // these are not in the batch
  }
  CHECK(seen.size() == 10 && seen.count(numbered(100)) == 0);
  // The batch is used up, so the next one is drawn, with the new peers in it.
  CHECK(source.getRandomPeers(15, always).size() == 15);
}

TEST(core_a_batch_that_runs_short_is_replaced) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 5; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  CHECK(source.getRandomPeers(4, always).size() == 4);
  // One is left, which is too few for two: a new batch of five.
  CHECK(source.getRandomPeers(2, always).size() == 2);
  peers.dropAll();
  CHECK(source.getRandomPeers(3, always).size() == 3);
  CHECK(source.getRandomPeers(1, always).empty());
}

TEST(core_what_the_predicate_refuses_is_used_up) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 6; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  int asked = 0;
  auto const even = [&](PeerBareAddress const& address) { return ++asked, address.getPort() % 2 == 0; };
  CHECK(source.getRandomPeers(6, even).size() == 3 && asked == 6);
  auto const none = [&](PeerBareAddress const&) { return ++asked, false; };
  CHECK(source.getRandomPeers(1, none).empty() && asked == 12);
  CHECK(source.getRandomPeers(0, none).empty() && asked == 12);
}

TEST(core_a_batch_is_as_large_as_what_is_asked_for) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 1500; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  CHECK(source.getRandomPeers(1200, always).size() == 1200);
  CHECK(source.getRandomPeers(1, always).size() == 1);
  peers.dropAll();
  // A batch holds a thousand if fewer are asked for; one has been dealt.
  CHECK(source.getRandomPeers(999, always).size() == 999);
  CHECK(source.getRandomPeers(1, always).empty());
}

}  // namespace
