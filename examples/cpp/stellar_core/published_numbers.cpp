// What stellar-core's own tests expect of its classes, written anew: a test for each case of
// src/overlay/test/PeerManagerTests.cpp, and for those of OverlayTests.cpp and OverlayManagerTests.cpp that look at the
// table. The numbers and addresses are theirs.

#include <algorithm>
#include <map>
#include <stdexcept>

#include "testing.h"
#include "xdr.h"

namespace {

using namespace stellar;
using namespace stellar::testing;

constexpr std::size_t kReallyDead = 120;  // REALLY_DEAD_NUM_FAILURES_CUTOFF of its configuration

bool isRefused(std::string const& text) {
  return throws<std::runtime_error>([&] { resolve(text); });
}

TEST(published_to_xdr) {
  PeerBareAddress const address = resolve("1.25.50.200:256");
  CHECK(address.getIP() == "1.25.50.200" && address.getPort() == 256);
  auto const xdr = toXdr<PeerAddress>(address);
  CHECK(xdr.ip.type() == IPv4 && xdr.ip.ipv4() == std::array<std::uint8_t, 4>{1, 25, 50, 200});
  CHECK(xdr.port == 256 && xdr.numFailures == 0);

  for (int const type : {INBOUND, OUTBOUND, PREFERRED}) {
    PeerManager peers(quiet());
    auto [record, known] = peers.load(address);
    CHECK(!known);
    record.mType = type;
    peers.store(address, record, false);
    CHECK(peers.load(address) == std::pair(record, true));
  }
}

TEST(published_private_addresses) {
  CHECK(!PeerBareAddress("1.2.3.4", 15).isPrivate());
  for (char const* ip : {"10.1.2.3", "172.17.1.2", "192.168.1.2"}) CHECK(PeerBareAddress(ip, 15).isPrivate());
}

TEST(published_create_peer_record) {
  CHECK(throws<std::runtime_error>([] { PeerBareAddress("", 0); }));
  CHECK(throws<std::runtime_error>([] { PeerBareAddress("", 80); }));
  PeerBareAddress const text("random string", 80);
  CHECK(text.getIP() == "random string" && text.getPort() == 80);
  CHECK(localhost(80).getIP() == "127.0.0.1" && localhost(80).getPort() == 80);
}

TEST(published_parse_peer_record) {
  for (char const* text :
       {"", "random string", "127.0.0.256", "256.256.256.256", "127.0.0.1/8", "127.0.0.1/16", "127.0.0.1/24",
        "2001:db8:a0b:12f0::1", "2001:0db8:0a0b:12f0:0000:0000:0000:0001", "10000:db8:a0b:12f0::1",
        "2001:0db8:0a0b:12f0:0000:10000:0000:0001", "2001:db8:a0b:12f0::1/16", "2001:db8:a0b:12f0::1/32",
        "2001:db8:a0b:12f0::1/64", "127.0.0.2:", "127.0.0.2:-1", "127.0.0.2:0", "127.0.0.2:65536", "127.0.0.2:65537"})
    CHECK(isRefused(text));
  for (std::string const ip : {"127.0.0.2", "8.8.8.8"}) {
    CHECK(resolve(ip) == PeerBareAddress(ip, 11625));
    CHECK(resolve(ip, 10) == PeerBareAddress(ip, 10));
  }
  for (int const port : {1, 1234, 65534, 65535}) {
    PeerBareAddress const expected("127.0.0.2", static_cast<unsigned short>(port));
    CHECK(resolve("127.0.0.2:" + std::to_string(port)) == expected);
  }
}

// Three times, two numbers of failures and three types, under each of the queries.
TEST(published_load_random_peers) {
  PeerManager peers(quiet());
  std::map<std::size_t, PeerRecord> records;
  for (std::time_t const time : {kNow - 1, kNow, kNow + 1})
    for (std::size_t const failures : {0U, 1U})
      for (int const type : {INBOUND, OUTBOUND, PREFERRED}) {
        std::size_t const port = records.size() + 1;
        records[port] = {tmOf(time), failures, type};
        peers.store(localhost(port), records[port], false);
      }
  CHECK(records.size() == 18);

  std::map<PeerTypeFilter, std::set<int>> const types = {{PeerTypeFilter::INBOUND_ONLY, {INBOUND}},
                                                         {PeerTypeFilter::OUTBOUND_ONLY, {OUTBOUND}},
                                                         {PeerTypeFilter::PREFERRED_ONLY, {PREFERRED}},
                                                         {PeerTypeFilter::ANY_OUTBOUND, {OUTBOUND, PREFERRED}}};
  for (bool const useNextAttempt : {false, true})
    for (std::optional<std::size_t> const most :
         {std::optional<std::size_t>(), std::optional<std::size_t>(0), std::optional<std::size_t>(1)})
      for (auto const& [filter, admitted] : types) {
        std::set<std::size_t> expected;
        for (auto const& [port, record] : records) {
          bool const due = !useNextAttempt || secondsOf(record.mNextAttempt) <= kNow;
          bool const alive = !most || record.mNumFailures <= *most;
          if (due && alive && admitted.count(record.mType) > 0) expected.insert(port);
        }
        auto const drawn = peers.loadRandomPeers({useNextAttempt, most, filter}, 1000);
        CHECK(portsOf(drawn) == expected && drawn.size() == expected.size());
      }
}

struct Sharing {
  std::size_t inbound, failedInbound, outbound, failedOutbound;
  std::size_t asked, told;
};

TEST(published_get_peers_to_send) {
  for (Sharing const& row : {Sharing{0, 0, 0, 0, 0, 0},
                             {0, 0, 0, 0, 10, 0},
                             {0, 0, 0, 0, 50, 0},
                             // fewer than asked for
                             {8, 0, 0, 0, 10, 8},
                             {8, 0, 0, 0, 50, 8},
                             {0, 0, 8, 0, 10, 8},
                             {0, 0, 8, 0, 50, 8},
                             {4, 0, 4, 0, 10, 8},
                             {4, 0, 4, 0, 50, 8},
                             // as many
                             {8, 0, 0, 0, 8, 8},
                             {0, 0, 8, 0, 8, 8},
                             {4, 0, 4, 0, 8, 8},
                             // more
                             {50, 0, 0, 0, 30, 30},
                             {0, 0, 50, 0, 30, 30},
                             {25, 0, 25, 0, 30, 30},
                             // more, but half of them have failed 11 times
                             {25, 25, 0, 0, 30, 25},
                             {0, 0, 25, 25, 30, 25},
                             {13, 12, 13, 12, 30, 26}}) {
    PeerManager peers(quiet());
    std::size_t port = 0;
    std::size_t const inboundFrom = port;
    while (port < inboundFrom + row.inbound) peers.ensureExists(localhost(++port));
    std::set<std::size_t> failed;
    for (std::size_t n = 0; n < row.failedInbound; ++n) {
      peers.store(localhost(++port), {{}, 11, INBOUND}, false);
      failed.insert(port);
    }
    for (std::size_t n = 0; n < row.outbound; ++n) peers.update(localhost(++port), PeerType::OUTBOUND, false);
    for (std::size_t n = 0; n < row.failedOutbound; ++n) {
      peers.store(localhost(++port), {{}, 11, OUTBOUND}, false);
      failed.insert(port);
    }
    auto const told = peers.getPeersToSend(row.asked, PeerBareAddress("127.0.0.255", 1));
    CHECK(told.size() == row.told && portsOf(told).size() == row.told);
    for (PeerBareAddress const& address : told) CHECK(failed.count(address.getPort()) == 0);
  }
}

TEST(published_peers_with_up_to_120_failures_are_dialled) {
  PeerManager peers(quiet());
  std::size_t port = 0;
  for (std::size_t const failures : {0U, 120U, 121U})
    for (int const type : {INBOUND, OUTBOUND}) peers.store(localhost(++port), {tmOf(kNow), failures, type}, false);
  RandomPeerSource source(peers, RandomPeerSource::nextAttemptCutoff(PeerType::OUTBOUND));
  CHECK(portsOf(source.getRandomPeers(50, always)) == std::set<std::size_t>{2, 4});
}

TEST(published_purge_of_the_table) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 5; ++n) peers.store(localhost(n), {tmOf(kNow), n, INBOUND}, false);
  peers.removePeersWithManyFailures(3);
  for (std::size_t n = 1; n <= 5; ++n) CHECK(knows(peers, localhost(n)) == (n < 3));
  PeerBareAddress const two = localhost(2);
  peers.removePeersWithManyFailures(3, &two);
  CHECK(knows(peers, two));
  peers.removePeersWithManyFailures(2, &two);
  CHECK(!knows(peers, two) && knows(peers, localhost(1)));
}

TEST(published_purge_at_the_start) {
  PeerManager peers(quiet());
  for (std::size_t n = 1; n <= 5; ++n) peers.store(localhost(n), {tmOf(kNow), 117 + n, INBOUND}, false);
  peers.removePeersWithManyFailures(kReallyDead);
  for (std::size_t n = 1; n <= 5; ++n) CHECK(knows(peers, localhost(n)) == (117 + n <= 119));
}

// A peer with 11 to 119 failures is dialled still; one good connection forgives them, and one more failure than 119 is
// the end.
TEST(published_a_peer_with_119_failures_gets_one_more_chance) {
  for (bool const answers : {true, false}) {
    PeerManager peers(quiet());
    peers.store(localhost(1), {{}, 119, INBOUND}, false);
    for (std::size_t n = 11; n < 119; ++n) peers.store(localhost(n), {{}, n, INBOUND}, false);
    RandomPeerSource source(peers, RandomPeerSource::nextAttemptCutoff(PeerType::INBOUND));
    CHECK(source.getRandomPeers(1000, always).size() == 109);

    PeerBareAddress const dialled = localhost(1);
    peers.update(dialled, BackOffUpdate::INCREASE);  // before each dial
    CHECK(peers.load(dialled).first.mNumFailures == 120);
    if (answers) {
      peers.update(dialled, PeerType::OUTBOUND, true);
      peers.update(dialled, BackOffUpdate::RESET);
    }
    peers.removePeersWithManyFailures(kReallyDead, &dialled);  // when the connection ends
    CHECK(knows(peers, dialled) == answers);
    if (answers) CHECK(peers.load(dialled).first.mNumFailures == 0);
    CHECK(knows(peers, localhost(118)));
  }
}

// The lists of the configuration, read at the start; or resolved later, when gossip has brought in two of them before.
TEST(published_peers_of_the_configuration) {
  for (bool const startup : {true, false}) {
    PeerManager peers(quiet());
    if (!startup)
      for (std::size_t const port : {2011U, 64000U}) peers.ensureExists(localhost(port));
    auto const storeList = [&](std::initializer_list<unsigned short> ports, PeerType type) {
      for (unsigned short const port : ports) {
        PeerBareAddress const peer = resolve("127.0.0.1:" + std::to_string(port));
        if (startup)
          peers.update(peer, type, false, BackOffUpdate::HARD_RESET);
        else
          peers.update(peer, type, false);
      }
    };
    storeList({64000, 64001, 64002}, PeerType::OUTBOUND);
    storeList({2011, 2012, 2013, 2014}, PeerType::PREFERRED);
    std::map<std::size_t, int> types;
    for (auto const& [address, record] : peers.loadAllPeers()) types[address.getPort()] = record.mType;
    CHECK(types == std::map<std::size_t, int>{{2011, PREFERRED},
                                              {2012, PREFERRED},
                                              {2013, PREFERRED},
                                              {2014, PREFERRED},
                                              {64000, OUTBOUND},
                                              {64001, OUTBOUND},
                                              {64002, OUTBOUND}});
  }
}

}  // namespace
