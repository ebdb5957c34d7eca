// Each method of the two classes, as stellar-core documents it.

#include <algorithm>
#include <set>
#include <stdexcept>

#include "../tests/check.hpp"
#include "RandomPeerSource.h"

namespace {

using namespace stellar;
using check::kNow;
using TypeUpdate = PeerManager::TypeUpdate;
using BackOffUpdate = PeerManager::BackOffUpdate;

peermanager::Options quiet() {
  peermanager::Options options;
  options.rng_seed = 1;
  options.clock = [] { return check::at(kNow); };
  return options;
}

std::tm tmOf(std::time_t seconds) {
  std::tm result{};
  gmtime_r(&seconds, &result);
  return result;
}

std::time_t secondsOf(std::tm time) { return timegm(&time); }

PeerBareAddress numbered(int port) { return PeerBareAddress("8.8.8.8", static_cast<unsigned short>(port)); }

int typeOf(PeerManager& peers, PeerBareAddress const& address) { return peers.load(address).first.mType; }

bool always(PeerBareAddress const&) { return true; }

// Whether the call throws such an exception.
template <class Exception, class Function>
bool throws(Function function) {
  try {
    function();
  } catch (Exception const&) {
    return true;
  }
  return false;
}

TEST(core_addresses) {
  PeerBareAddress const empty;
  CHECK(empty.isEmpty() && empty.getType() == PeerBareAddress::Type::EMPTY && empty.getIP().empty());
  PeerBareAddress const a("127.0.0.1", 80);
  CHECK(a.getType() == PeerBareAddress::Type::IPv4 && a.getIP() == "127.0.0.1" && a.getPort() == 80);
  CHECK(a.toString() == "127.0.0.1:80" && a.isPrivate() && a.isLocalhost());
  CHECK(PeerBareAddress::resolve("8.8.8.8").getPort() == 11625 && PeerBareAddress::resolve("8.8.8.8:7").getPort() == 7);
  CHECK(PeerBareAddress::resolve("[::1]:5").getType() == PeerBareAddress::Type::IPv6);
  CHECK(PeerBareAddress::resolve("a.example").getType() == PeerBareAddress::Type::HOSTNAME);
  CHECK(PeerBareAddress::resolve("::1").isLocalhost() && PeerBareAddress::resolve("localhost").isLocalhost());
  CHECK(!PeerBareAddress::resolve("127.example").isLocalhost() && !numbered(1).isPrivate());
  CHECK(numbered(1) == numbered(1) && numbered(1) != numbered(2) && numbered(1) < numbered(2));
  CHECK(throws<peermanager::Error>([] { PeerBareAddress("256.1.1.1", 1); }));
  CHECK(throws<std::runtime_error>([] { PeerBareAddress::resolve("1.2.3.4/8"); }));
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
  PeerRecord const record{tmOf(123456789), 3, static_cast<int>(PeerType::PREFERRED)};
  for (bool const inDatabase : {false, true, false}) {
    peers.store(numbered(1), record, inDatabase);
    CHECK(peers.load(numbered(1)) == std::pair(record, true));
  }
  PeerRecord const other{tmOf(5), 0, 0};
  peers.store(numbered(1), other, true);
  CHECK(peers.load(numbered(1)).first == other && !(other == record));
  CHECK(throws<std::invalid_argument>([&] { peers.store(numbered(1), {tmOf(5), -1, 0}, true); }));
  CHECK(throws<peermanager::Error>([&] { peers.store(numbered(1), {tmOf(5), 0, 3}, true); }));
  CHECK(throws<peermanager::Error>([&] { peers.store(numbered(1), {tmOf(5), 0, -1}, true); }));
  CHECK(throws<peermanager::Error>([&] { peers.store(PeerBareAddress(), other, false); }));
  CHECK(peers.load(numbered(1)).first == other);
}

TEST(core_numbers_beyond_the_types_of_core_are_cut) {
  PeerManager peers(quiet());
  peers.manager().store({numbered(1).get(), check::at(INT64_MAX), UINT32_MAX, peermanager::PeerType::Inbound});
  peers.manager().store({numbered(2).get(), check::at(INT64_MIN), 0, peermanager::PeerType::Inbound});
  CHECK(peers.load(numbered(1)).first.mNumFailures == INT32_MAX);
  CHECK(peers.load(numbered(1)).first.mNextAttempt.tm_year == 9999 - 1900);
  CHECK(peers.load(numbered(2)).first.mNextAttempt.tm_year == -1900);
}

TEST(core_update_of_the_type) {
  PeerManager peers(quiet());
  auto const a = numbered(1);
  enum { INBOUND, OUTBOUND, PREFERRED };
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
  for (int n = 1; n <= 12; ++n) {
    peers.update(a, BackOffUpdate::INCREASE);
    PeerRecord const record = peers.load(a).first;
    std::time_t const wait = secondsOf(record.mNextAttempt) - kNow;
    CHECK(record.mNumFailures == n && wait >= 1 && wait <= 10 << std::min(n, 10));
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
  auto const ports = [&](PeerQuery const& query, int size) {
    std::set<int> result;
    for (auto const& address : peers.loadRandomPeers(query, size)) result.insert(address.getPort());
    return result;
  };
  using Ports = std::set<int>;
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 9) == Ports{2, 3});
  CHECK(ports({false, 10, PeerTypeFilter::ANY_OUTBOUND}, 9) == Ports{2});
  CHECK(ports({true, std::nullopt, PeerTypeFilter::PREFERRED_ONLY}, 9).empty());
  CHECK(ports({false, 5, PeerTypeFilter::OUTBOUND_ONLY}, 9) == Ports{2});
  CHECK(ports({false, 4, PeerTypeFilter::OUTBOUND_ONLY}, 9).empty());
  CHECK(ports({true, 0, PeerTypeFilter::INBOUND_ONLY}, 9) == Ports{1});
  CHECK(ports({true, -1, PeerTypeFilter::INBOUND_ONLY}, 9).empty());
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 1).size() == 1);
  CHECK(ports({false, std::nullopt, PeerTypeFilter::ANY_OUTBOUND}, 0).empty());
  CHECK(throws<std::invalid_argument>([&] { peers.loadRandomPeers({false, 0, PeerTypeFilter::ANY_OUTBOUND}, -1); }));
}

TEST(core_remove_peers_with_many_failures) {
  PeerManager peers(quiet());
  for (int n = 1; n <= 5; ++n) peers.store(numbered(n), {tmOf(kNow), n, 0}, false);
  auto const known = [&](int n) { return peers.load(numbered(n)).second; };
  PeerBareAddress const three = numbered(3);
  PeerBareAddress const stranger = numbered(99);
  peers.removePeersWithManyFailures(4, &three);
  CHECK(known(3));
  peers.removePeersWithManyFailures(3, &three);
  CHECK(!known(3) && known(4) && known(5));
  peers.removePeersWithManyFailures(1, &stranger);
  CHECK(peers.loadAllPeers().size() == 4);
  peers.removePeersWithManyFailures(5);
  CHECK(known(4) && !known(5));
  peers.removePeersWithManyFailures(-1);
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
  CHECK(throws<std::invalid_argument>([&] { peers.getPeersToSend(-1, numbered(4)); }));
}

TEST(core_all_peers_go_out_and_come_back) {
  PeerManager peers(quiet());
  for (int n = 1; n <= 50; ++n) peers.store(numbered(n), {tmOf(kNow + n), n, n % 3}, false);
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
  CHECK(query.mUseNextAttempt && query.mMaxNumFailures == 10 && query.mTypeFilter == PeerTypeFilter::INBOUND_ONLY);
  CHECK(RandomPeerSource::nextAttemptCutoff(PeerType::OUTBOUND).mTypeFilter == PeerTypeFilter::OUTBOUND_ONLY);
  CHECK(RandomPeerSource::nextAttemptCutoff(PeerType::PREFERRED).mTypeFilter == PeerTypeFilter::PREFERRED_ONLY);
  CHECK(throws<std::invalid_argument>([] { RandomPeerSource::nextAttemptCutoff(static_cast<PeerType>(9)); }));
}

TEST(core_a_batch_is_dealt_out_before_the_next_is_drawn) {
  PeerManager peers(quiet());
  for (int n = 1; n <= 10; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  std::set<PeerBareAddress> seen;
  for (int i = 0; i < 5; ++i) {
    for (auto const& address : source.getRandomPeers(2, always)) CHECK(seen.insert(address).second);
    peers.ensureExists(numbered(100 + i));  // these are not in the batch
  }
  CHECK(seen.size() == 10 && seen.count(numbered(100)) == 0);
  // The batch is used up, so the next one is drawn, with the new peers in it.
  CHECK(source.getRandomPeers(15, always).size() == 15);
}

TEST(core_a_batch_that_runs_short_is_replaced) {
  PeerManager peers(quiet());
  for (int n = 1; n <= 5; ++n) peers.ensureExists(numbered(n));
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
  for (int n = 1; n <= 6; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  int asked = 0;
  auto const even = [&](PeerBareAddress const& address) { return ++asked, address.getPort() % 2 == 0; };
  CHECK(source.getRandomPeers(6, even).size() == 3 && asked == 6);
  auto const none = [&](PeerBareAddress const&) { return ++asked, false; };
  CHECK(source.getRandomPeers(1, none).empty() && asked == 12);
  CHECK(source.getRandomPeers(0, none).empty() && asked == 12);
  CHECK(throws<std::invalid_argument>([&] { source.getRandomPeers(-1, none); }));
}

TEST(core_a_batch_is_as_large_as_what_is_asked_for) {
  PeerManager peers(quiet());
  for (int n = 1; n <= 1500; ++n) peers.ensureExists(numbered(n));
  RandomPeerSource source(peers, RandomPeerSource::maxFailures(10, false));
  CHECK(source.getRandomPeers(1200, always).size() == 1200);
  CHECK(source.getRandomPeers(1, always).size() == 1);
  peers.dropAll();
  // A batch holds a thousand if fewer are asked for; one has been dealt.
  CHECK(source.getRandomPeers(999, always).size() == 999);
  CHECK(source.getRandomPeers(1, always).empty());
}

}  // namespace
