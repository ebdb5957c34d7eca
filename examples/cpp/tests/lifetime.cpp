// What is made of a temporary outlives it: each loop here would read freed memory if its range were a reference into
// the Result, and the build with -fsanitize=address would say so.

#include <string>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;

// With this many, a vector that is gone is certainly memory that was freed.
constexpr std::size_t kPeers = 64;

Manager full_manager() {
  Options options;
  options.rng_seed = 1;
  options.clock = [] { return check::at(check::kNow); };
  options.keep_history = true;
  Manager manager = Manager::open(options);
  std::vector<Address> peers;
  for (std::size_t i = 0; i < kPeers; ++i) peers.emplace_back("8." + std::to_string(i) + ".4.4", 11625);
  manager.ensure_exists_many(peers);
  for (std::size_t i = 0; i < kPeers; ++i) manager.ban("9.9.9." + std::to_string(i), for_good);
  return manager;
}

// How many addresses there are, reading each.
template <class Range>
std::size_t read(Range&& range) {
  std::size_t count = 0;
  for (const auto& peer : range) count += peer.host().substr(0, 2) == "8." ? 1u : 0u;
  return count;
}

TEST(a_loop_over_what_a_temporary_result_holds_is_sound) {
  const Manager manager = full_manager();
  const Query query = Query::all();
  std::size_t count = 0;
  for (const Address& peer : *manager.try_load_random_peers(query, kPeers)) count += peer.port();
  CHECK(count == kPeers * 11625);
  count = 0;
  for (Address& peer : manager.try_load_random_peers(query, kPeers).value()) count += peer.port();
  CHECK(count == kPeers * 11625);
  count = 0;
  for (auto& peer : manager.try_load_random_peers(query, kPeers).value_or({})) count += peer.port();
  CHECK(count == kPeers * 11625);
  count = 0;
  for (auto&& ban : *manager.try_bans()) count += ban.subject.substr(0, 6) == "9.9.9." ? 1u : 0u;
  CHECK(count == kPeers);
  count = 0;
  for (const auto& peer : *manager.try_get_peers_to_send(Address(), kPeers)) count += peer.port();
  CHECK(count == kPeers * 11625);
  count = 0;
  const auto same = [](std::vector<Address> peers) { return peers; };
  for (const auto& peer : *manager.try_next_to_dial(Purpose::Feeler, {}, 8).transform(same)) count += peer.port();
  CHECK(count == 8 * 11625);
}

TEST(a_loop_over_a_temporary_snapshot_is_sound) {
  const Manager manager = full_manager();
  std::size_t count = 0;
  for (const Record& record : manager.get_all_peers()) count += record.address.port();
  for (const Record& record : *manager.try_get_all_peers()) count += record.address.port();
  for (auto record : manager.try_get_all_peers().value()) count += record.address.port();
  CHECK(count == 3 * kPeers * 11625);
}

TEST(a_loop_over_what_a_throwing_form_returns_is_sound) {
  const Manager manager = full_manager();
  CHECK(read(manager.load_random_peers(Query::all(), kPeers)) == kPeers);
  CHECK(read(manager.get_peers_to_send(Address(), kPeers)) == kPeers);
  std::size_t count = 0;
  for (const Ban& ban : manager.bans()) count += ban.subject.size() > 6 ? 1u : 0u;
  for (const Address& peer : manager.next_to_dial(Purpose::Feeler, {}, 8)) count += peer.host().size() > 6 ? 1u : 0u;
  CHECK(count == kPeers + 8);
}

TEST(what_is_bound_to_a_temporary_lives_on) {
  const Manager manager = full_manager();
  const Record& record = *manager.try_load(address("8.1.4.4"));
  const Record& same = manager.try_load(address("8.1.4.4")).value();
  const Failure& failure = manager.try_load(address("1.1.1.1")).error();
  const std::vector<Ban>& bans = *manager.try_bans();
  CHECK(record == same && record.address.host() == "8.1.4.4" && bans.size() == kPeers);
  CHECK(failure.message() == std::string("no peer 1.1.1.1:11625 in the table"));
}

}  // namespace
