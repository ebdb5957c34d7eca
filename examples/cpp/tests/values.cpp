// Values: equality, order, hash.

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "check.hpp"
#if defined(__cpp_lib_concepts)
#include <concepts>
#endif

namespace {

using namespace peermanager;
using check::address;
using check::at;

template <class T, class = void>
struct HasOrder : std::false_type {};
template <class T>
struct HasOrder<T, std::void_t<decltype(std::declval<T>() < std::declval<T>())>> : std::true_type {};

static_assert(HasOrder<Address>() && HasOrder<Record>() && HasOrder<History>() && HasOrder<Ban>());
static_assert(HasOrder<Snapshot::Iterator>() && !HasOrder<Query>() && !HasOrder<Stats>() && !HasOrder<Quarantine>());
static_assert(!HasOrder<Manager>() && !HasOrder<Options>());

#if defined(__cpp_lib_concepts) && defined(__cpp_lib_three_way_comparison)
static_assert(std::totally_ordered<Address> && std::totally_ordered<Record> && std::equality_comparable<Query>);
static_assert(std::is_same_v<std::compare_three_way_result_t<Address>, std::strong_ordering>);
static_assert(std::is_same_v<std::compare_three_way_result_t<History>, std::strong_ordering>);
#endif

// Of values in ascending order, all comparisons agree, and the hashes differ.
template <class T>
void in_order(const std::vector<T>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      const T a = values[i], b = values[j];
      CHECK((a == b) == (i == j) && (a != b) == (i != j) && (a < b) == (i < j) && (a > b) == (i > j));
      CHECK((a <= b) == (i <= j) && (a >= b) == (i >= j));
#if defined(__cpp_impl_three_way_comparison)
      CHECK((a <=> b < 0) == (i < j) && (a <=> b == 0) == (i == j));
#endif
      CHECK((std::hash<T>()(a) == std::hash<T>()(b)) == (i == j));
    }
  }
  std::vector<T> shuffled(values);
  std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand());  // the same each time
  const std::set<T> sorted(shuffled.begin(), shuffled.end());
  CHECK(std::equal(sorted.begin(), sorted.end(), values.begin(), values.end()));
  CHECK(std::unordered_set<T>(shuffled.begin(), shuffled.end()).size() == values.size());
}

TEST(addresses_are_ordered_by_host_and_port) {
  in_order<Address>({Address(), address("1.2.3.4:1"), address("1.2.3.4:2"), address("1.2.3.40:1"), address("8.8.8.8:1"),
                     address("[2001:db8::1]:1") < address("8.8.8.8:1") ? address("9.9.9.9:1") : address("a.example:1"),
                     address("b.example:1")});
}

TEST(records_are_ordered_by_address_and_then_by_what_is_known) {
  const Address a = address("1.2.3.4"), b = address("5.6.7.8");
  in_order<Record>({{a, at(-5), 9, PeerType::Preferred},
                    {a, at(1), 0, PeerType::Inbound},
                    {a, at(1), 0, PeerType::Outbound},
                    {a, at(1), 3, PeerType::Inbound},
                    {a, at(2), 0, PeerType::Inbound},
                    {b, at(0), 0, PeerType::Inbound}});
}

TEST(histories_are_ordered_never_first) {
  in_order<History>({{},
                     {{}, at(1), {}, {}, {}},
                     {at(1), {}, {}, {}, {}},
                     {at(1), {}, {}, {}, at(0)},
                     {at(1), {}, {}, at(3), {}},
                     {at(1), {}, at(2), {}, {}},
                     {at(2), at(2), at(2), at(2), at(2)}});
}

TEST(bans_are_ordered_by_subject_and_end) {
  in_order<Ban>({{"", at(0)}, {"1.2.3.4", at(1)}, {"1.2.3.4", at(2)}, {"1.2.3.4"}, {"1.2.3.4/16", at(1)}});
}

TEST(the_other_values_are_equal_or_not) {
  Query query;
  CHECK(query == Query() && query != Query::all() && Query::all() == Query::all());
  query.exclude.push_back(address("1.2.3.4"));
  CHECK(query != Query());
  Query since;
  since.reached_since = at(0);
  CHECK(since != Query());
  Manager manager = check::quiet_manager();
  const Stats before = manager.get_stats();
  CHECK(before == manager.get_stats());
  manager.ensure_exists(address("1.2.3.4"));
  CHECK(before != manager.get_stats());
  const Quarantine quarantine{"peers.db.corrupt", 1, 2}, other{"peers.db.corrupt", 1, 3};
  CHECK(quarantine != other);
}

TEST(values_are_keys_and_fit_into_the_containers_of_the_standard) {
  std::map<Address, Record> by_address;
  std::unordered_map<Address, Record> by_hash;
  Manager manager = check::quiet_manager();
  manager.ensure_exists_many(std::vector<Address>{address("1.2.3.4"), address("5.6.7.8")});
  for (const Record& record : manager.get_all_peers()) {
    by_address.emplace(record.address, record);
    by_hash.emplace(record.address, record);
  }
  CHECK(by_address.begin()->first == address("1.2.3.4") &&
        by_hash.at(address("5.6.7.8")) == manager.load(address("5.6.7.8")));
  std::unordered_map<PeerType, int> by_type{{PeerType::Outbound, 1}};
  CHECK(by_type.at(PeerType::Outbound) == 1);
  const std::pair<Address, int> a(address("1.2.3.4"), 1), b(address("1.2.3.4"), 2);
  CHECK(a < b && std::vector<Address>{a.first} < std::vector<Address>{address("2.2.3.4")});
}

}  // namespace
