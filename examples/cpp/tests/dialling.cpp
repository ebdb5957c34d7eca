// Whom to dial and when, while the node is offline, and never the node itself.

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

// A peer of each type in a netgroup of its own, "8.1" to "8.3", and an inbound one in each of twenty more.
Manager a_node() {
  Manager manager = check::quiet_manager();
  manager.store({address("8.1.0.1"), at(kNow), 0, PeerType::Preferred});
  manager.store({address("8.2.0.1"), at(kNow), 0, PeerType::Outbound});
  manager.store({address("8.3.0.1"), at(kNow), 0, PeerType::Inbound});
  for (int i = 10; i < 30; ++i) manager.ensure_exists(address("8." + std::to_string(i) + ".0.1"));
  return manager;
}

TEST(known_peers_are_dialled_first) {
  const Manager manager = a_node();
  const std::vector<Address> chosen = manager.next_to_dial(Purpose::Connect, {}, 3);
  CHECK(chosen.size() == 3 && chosen[0] == address("8.1.0.1") && chosen[1] == address("8.2.0.1"));
  const std::array busy = {address("8.1.0.1"), address("8.2.77.77")};
  const std::vector<Address> others = manager.next_to_dial(Purpose::Connect, busy, 3);
  CHECK(others.size() == 3 && std::find(others.begin(), others.end(), address("8.2.0.1")) == others.end());
  CHECK(manager.next_to_dial(Purpose::Connect, busy, std::numeric_limits<std::size_t>::max()).size() == 22);
  CHECK(manager.next_to_dial(Purpose::Connect, busy, 0).empty());
}

TEST(a_feeler_is_a_peer_that_was_only_heard_of) {
  const Manager manager = a_node();
  for (int round = 0; round < 50; ++round) {
    const Address feeler = manager.next_to_dial(Purpose::Feeler, {}, 1).at(0);
    CHECK(manager.load(feeler).type == PeerType::Inbound);
  }
}

TEST(dials_go_into_an_array_of_the_caller) {
  const Manager manager = a_node();
  std::array<Address, 30> out;
  CHECK(manager.next_to_dial(Purpose::Feeler, {}, out) == 21);
  CHECK(!out[20].empty() && out[21].empty());
  CHECK(*manager.try_next_to_dial(Purpose::Connect, Span<const Address>(out.data(), 21), out) == 2);
  Span<Address> impossible(nullptr, std::numeric_limits<std::size_t>::max());
  FAILS(Status::InvalidArgument, "out", manager.try_next_to_dial(Purpose::Connect, {}, impossible));
}

TEST(bad_dials_are_refused) {
  const Manager manager = a_node();
  FAILS(Status::InvalidArgument, "purpose", manager.try_next_to_dial(static_cast<Purpose>(2), {}, 1));
  THROWS(Status::InvalidArgument, "purpose", manager.next_to_dial(static_cast<Purpose>(77), {}, 1));
  const std::array busy = {address("8.1.0.1"), Address()};
  FAILS(Status::InvalidAddress, "busy[1]", manager.try_next_to_dial(Purpose::Connect, busy, 1));
}

TEST(the_next_peer_to_become_due_is_known) {
  Manager manager = a_node();
  CHECK(!manager.next_due() && manager.try_next_due().has_value());
  manager.store({address("8.1.0.1"), at(kNow + 9), 0, PeerType::Preferred});
  manager.store({address("8.2.0.1"), at(kNow + 7), 0, PeerType::Outbound});
  CHECK(manager.next_due() == at(kNow + 7) && *manager.try_next_due() == at(kNow + 7));
}

TEST(no_peer_is_to_blame_while_the_node_is_offline) {
  Manager manager = a_node();
  manager.set_online(false);
  manager.update_backoff(address("8.1.0.1"), Backoff::Increase);
  const Record record = manager.load(address("8.1.0.1"));
  CHECK(record.num_failures == 0 && record.next_attempt > at(kNow) && record.next_attempt <= at(kNow + 60));
  CHECK(manager.get_stats().forgiven_failures == 1);
  manager.set_online(true);
  manager.update_backoff(address("8.1.0.1"), Backoff::Increase);
  CHECK(manager.load(address("8.1.0.1")).num_failures == 1 && manager.get_stats().forgiven_failures == 1);
}

TEST(a_node_is_never_a_peer_of_its_own) {
  Manager manager = a_node();
  const std::array own = {Address("::ffff:8.1.0.1", 11625), address("node.example")};
  manager.set_own_addresses(own);
  CHECK(manager.peer_count() == 22);
  FAILS(Status::Refused, "8.1.0.1:11625", manager.try_ensure_exists(address("8.1.0.1")));
  THROWS(Status::Refused, "node itself", manager.update(own[1], PeerType::Outbound, false, Backoff::Reset));
  CHECK(manager.ensure_exists_many(own) == 0 && manager.get_stats().refused_peers == 4);
  const std::array with_hole = {address("8.2.0.1"), Address()};
  FAILS(Status::InvalidAddress, "addresses[1]", manager.try_set_own_addresses(with_hole));
  CHECK(manager.peer_count() == 22);
  manager.set_own_addresses({});
  manager.ensure_exists(address("8.1.0.1"));
}

TEST(a_query_may_prefer_age_and_keep_to_networks) {
  Manager manager = check::quiet_manager();
  for (const char* host : {"1.2.3.4", "[2001:db8::1]", "a.onion", "b.i2p", "example.org"}) {
    manager.store({address(host), at(kNow), 0, PeerType::Outbound});
  }
  Query query;
  CHECK(query.max_num_failures == 120u && manager.load_random_peers(query, 9).size() == 5);
  query.networks = Networks::IPv4 | Networks::Onion;
  CHECK(manager.load_random_peers(query, 9).size() == 2);
  query.networks = Networks::I2P;
  CHECK(manager.load_random_peers(query, 9) == std::vector{address("b.i2p")});
  CHECK((Networks::IPv6 | Networks::All) == Networks::IPv6);
  FAILS(Status::InvalidArgument, "query->networks",
        manager.try_load_random_peers({TypeFilter::Any, true, 1, 0, {}, 0, false, static_cast<Networks>(32)}, 1));
  query = Query{};
  query.exclude = {address("1.2.200.200")};
  CHECK(manager.load_random_peers(query, 9).size() == 5);
  query.apart = true;
  CHECK(manager.load_random_peers(query, 9).size() == 4);
  query.seniority = 64;
  int oldest = 0;
  for (int round = 0; round < 100; ++round)
    oldest += manager.load_random_peers(query, 1).at(0) == address("[2001:db8::1]");
  CHECK(oldest == 100);
  query.seniority = 65;
  FAILS(Status::InvalidArgument, "seniority", manager.try_load_random_peers(query, 1));
  query.seniority = 0;
  query.share_key = 16;
  FAILS(Status::InvalidArgument, "share_key", manager.try_get_peers_to_send(Address(), 1, query));
}

}  // namespace
