// Whom to dial, whom to tell others about, and all peers at once.

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <set>
#include <vector>

#include "check.hpp"

#if defined(__cpp_lib_ranges)
#include <ranges>
#endif

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

// Of each type one that is due, one that is not, and one that has failed too often.
Manager nine_peers() {
  Manager manager = check::quiet_manager();
  const std::array types = {PeerType::Inbound, PeerType::Outbound, PeerType::Preferred};
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto port = static_cast<std::uint16_t>(10 * (i + 1));
    manager.store({Address("8.8.8.8", port), at(kNow), 0, types[i]});
    manager.store({Address("8.8.8.8", static_cast<std::uint16_t>(port + 1)), at(kNow + 1), 0, types[i]});
    manager.store({Address("8.8.8.8", static_cast<std::uint16_t>(port + 2)), at(kNow), 121, types[i]});
  }
  return manager;
}

std::set<int> ports(const std::vector<Address>& addresses) {
  std::set<int> result;
  for (const Address& address : addresses) result.insert(address.port());
  CHECK(result.size() == addresses.size());
  return result;
}

TEST(a_query_says_who_is_eligible) {
  const Manager manager = nine_peers();
  CHECK(ports(manager.load_random_peers({}, 9)) == std::set<int>{20, 30});
  CHECK(ports(manager.load_random_peers({TypeFilter::Any}, 9)) == std::set<int>{10, 20, 30});
  CHECK(ports(manager.load_random_peers({TypeFilter::InboundOnly}, 9)) == std::set<int>{10});
  CHECK(ports(manager.load_random_peers({TypeFilter::OutboundOnly, false}, 9)) == std::set<int>{20, 21});
  CHECK(ports(manager.load_random_peers({TypeFilter::PreferredOnly, true, std::nullopt}, 9)) == std::set<int>{30, 32});
  CHECK(ports(manager.load_random_peers({TypeFilter::NotPreferred}, 9)) == std::set<int>{10, 20});
  CHECK(manager.load_random_peers(Query::all(), 9).size() == 9);
  Query query = Query::all();
  query.exclude = {address("8.8.8.8:10"), address("8.8.8.8:32"), address("9.9.9.9")};
  CHECK(ports(manager.load_random_peers(query, 9)) == std::set<int>{11, 12, 20, 21, 22, 30, 31});
}

TEST(a_bad_query_is_refused) {
  const Manager manager = nine_peers();
  FAILS(Status::InvalidArgument, "type_filter", manager.try_load_random_peers({static_cast<TypeFilter>(77)}, 1));
  Query query;
  query.exclude = {address("1.2.3.4"), Address()};
  THROWS(Status::InvalidAddress, "1", manager.load_random_peers(query, 1));
  THROWS(Status::InvalidAddress, "1", manager.get_peers_to_send(Address(), 1, query));
}

TEST(a_size_may_be_anything) {
  const Manager manager = nine_peers();
  CHECK(manager.load_random_peers(Query::all(), 0).empty());
  CHECK(manager.load_random_peers(Query::all(), 4).size() == 4);
  CHECK(manager.load_random_peers(Query::all(), std::numeric_limits<std::size_t>::max()).size() == 9);
  CHECK(manager.get_peers_to_send(Address(), std::numeric_limits<std::size_t>::max()).size() == 9);
  Span<Address> impossible(nullptr, std::numeric_limits<std::size_t>::max());
  FAILS(Status::InvalidArgument, "", manager.try_load_random_peers(Query::all(), impossible));
}

TEST(answers_go_into_an_array_of_the_caller) {
  const Manager manager = nine_peers();
  std::array<Address, 4> out;
  CHECK(manager.load_random_peers({}, out) == 2);
  CHECK(!out[1].empty() && out[2].empty());
  CHECK(manager.get_peers_to_send(address("8.8.8.8:30"), out) == 4);
  CHECK(std::find(out.begin(), out.end(), address("8.8.8.8:30")) == out.end());
#if defined(__cpp_lib_span)
  CHECK(manager.load_random_peers({}, std::span(out).first(1)) == 1);
  const std::span<Address> view = Span<Address>(out);
  CHECK(view.data() == out.data() && view.size() == out.size());
#endif
}

TEST(strangers_are_told_the_best_first_and_nothing_private) {
  Manager manager = nine_peers();
  manager.store({address("10.0.0.1"), at(kNow), 0, PeerType::Preferred});
  const std::vector<Address> told = manager.get_peers_to_send(address("8.8.8.8:30"), 20);
  CHECK(told.size() == 8);
  CHECK(std::is_sorted(told.begin(), told.end(),
                       [](const Address& a, const Address& b) { return a.port() / 10 > b.port() / 10; }));
  CHECK(std::none_of(told.begin(), told.end(), [](const Address& a) { return a.is_private() || a.port() == 30; }));
  CHECK(manager.get_peers_to_send(Address(), 20).size() == 9);
  CHECK(ports(manager.get_peers_to_send(Address(), 20, Query{})) == std::set<int>{20, 30});
}

TEST(a_snapshot_is_a_range) {
  Manager manager = nine_peers();
  const Snapshot snapshot = manager.get_all_peers();
  manager.close();
  std::set<int> seen;
  for (const Record& record : snapshot) seen.insert(record.address.port());
  CHECK(seen.size() == 9 && snapshot.size() == 9 && !snapshot.empty());
  CHECK(snapshot[3] == *(snapshot.begin() + 3) && snapshot.get(3) == snapshot.begin()[3]);
  CHECK(snapshot.begin()->address == snapshot[0].address);
  CHECK(std::count_if(snapshot.begin(), snapshot.end(), [](const Record& r) { return r.num_failures == 121; }) == 3);
  std::vector<Record> copy(snapshot.begin(), snapshot.end());
  CHECK(copy.size() == 9 && std::equal(copy.begin(), copy.end(), snapshot.begin()));
}

TEST(a_snapshot_has_no_peer_past_its_end) {
  const Snapshot snapshot = nine_peers().get_all_peers();
  FAILS(Status::InvalidArgument, "index", snapshot.try_get(9));
  THROWS(Status::InvalidArgument, "index", snapshot[std::numeric_limits<std::size_t>::max()]);
  CHECK(snapshot.end()->address.empty() && snapshot.begin()[-1].address.empty());
  CHECK(Snapshot::Iterator()->address.empty());
}

TEST(iterators_count_in_both_directions) {
  const Snapshot snapshot = nine_peers().get_all_peers();
  auto i = snapshot.begin();
  CHECK(*i++ == snapshot[0] && *i == snapshot[1] && *++i == snapshot[2] && *i-- == snapshot[2] && *--i == snapshot[0]);
  CHECK(snapshot.end() - snapshot.begin() == 9 && (i += 4) - snapshot.begin() == 4 && *(i -= 1) == snapshot[3]);
  CHECK(2 + snapshot.begin() == snapshot.begin() + 2 && snapshot.end() - 9 == snapshot.begin());
  CHECK(snapshot.begin() < snapshot.end() && snapshot.end() > i && i <= i && i >= i && i != snapshot.end());
#if defined(__cpp_lib_ranges)
  static_assert(std::random_access_iterator<Snapshot::Iterator>);
  static_assert(std::ranges::random_access_range<const Snapshot> && std::ranges::sized_range<const Snapshot>);
  CHECK(std::ranges::count_if(snapshot, [](const Record& r) { return r.type == PeerType::Preferred; }) == 3);
#endif
}

TEST(a_snapshot_can_be_moved) {
  static_assert(!std::is_copy_constructible_v<Snapshot> && std::is_nothrow_move_constructible_v<Snapshot>);
  Snapshot a = nine_peers().get_all_peers();
  const auto first = a.begin();
  Snapshot b = std::move(a);
  CHECK(a.empty() && a.begin() == a.end() && b.size() == 9 && *first == b[0]);
  FAILS(Status::InvalidArgument, "snapshot", a.try_get(0));
  a = std::move(b);
  CHECK(a.size() == 9 && b.empty() && b.c_get() == nullptr);
  peer_manager_snapshot* handle = nullptr;
  const Manager manager = nine_peers();
  CHECK(peer_manager_get_all_peers(manager.c_get(), &handle, nullptr) == PEER_MANAGER_OK);
  CHECK(Snapshot(handle).size() == 9);
}

}  // namespace
