// Compiled with -fno-exceptions and -fno-rtti: all that is needed is there. Prints and returns as the other tests do.

#include <cstdio>
#include <type_traits>

#include "peer_manager.hpp"

namespace {

using namespace peermanager;

int checks = 0;
int failures = 0;

void check(bool holds, int line) {
  ++checks;
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: failed\n", __FILE__, line);
}

#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), __LINE__)

// The throwing forms must not be there.
template <class T, class = void>
struct HasFlush : std::false_type {};
template <class T>
struct HasFlush<T, std::void_t<decltype(std::declval<T&>().flush())>> : std::true_type {};
static_assert(!HasFlush<Manager>::value);
template <class T, class = void>
struct HasValue : std::false_type {};
template <class T>
struct HasValue<T, std::void_t<decltype(std::declval<T&>().value())>> : std::true_type {};
static_assert(!HasValue<Result<int>>::value && !HasValue<Result<void>>::value);

void live() {
  Options options;
  options.keep_history = true;
  options.clock = [] { return sys_seconds(std::chrono::seconds(100)); };
  Result<Manager> opened = Manager::try_open(options);
  CHECK(opened);
  if (!opened) return;
  Manager& peers = *opened;

  const Result<Address> peer = Address::try_parse("1.2.3.4:5");
  CHECK(peer && peers.try_ensure_exists(*peer) && peers.try_ensure_exists_many(Span<const Address>(&*peer, 1)));
  CHECK(peers.try_update(*peer, PeerType::Outbound, false, Backoff::HardReset));
  CHECK(peers.try_update_type(*peer, PeerType::Preferred, false) &&
        peers.try_update_backoff(*peer, Backoff::HardReset));
  const Result<Record> record = peers.try_load(*peer);
  CHECK(record && record->type == PeerType::Preferred && record->is_ready(sys_seconds(std::chrono::seconds(100))));
  CHECK(peers.try_store(*record) && peers.try_store_many(Span<const Record>(&*record, 1)) && peers.try_flush());

  const auto chosen = peers.try_load_random_peers({}, 8);
  CHECK(chosen && chosen->size() == 1 && chosen->front() == *peer);
  const auto told = peers.try_get_peers_to_send(*peer, 8);
  CHECK(told && told->empty());
  const auto next = peers.try_next_to_dial(Purpose::Connect, {}, 8);
  CHECK(next && next->size() == 1 && next->front() == *peer && peers.try_next_due() && !*peers.try_next_due());
  CHECK(peers.try_netgroup(*peer) && *peers.try_netgroup(*peer) == *peers.try_netgroup(*peer));
  CHECK(peers.try_set_online(true) && peers.try_set_own_addresses({}));
  const auto history = peers.try_load_history(*peer);
  CHECK(history && history->first_heard == sys_seconds(std::chrono::seconds(100)) && !history->last_attempt);
  CHECK(*peers.try_remove_peers_not_heard_since(sys_seconds::max()) == 0);
  CHECK(peers.try_ban("2001:db8::/32", for_good) && !*peers.try_is_banned(*peer) && peers.try_bans()->size() == 1);
  CHECK(peers.try_unban("2001:db8::/32") && peers.try_bans()->empty());
  const std::uint8_t id[] = {1, 0, 2};
  CHECK(peers.try_set_data(*peer, id) && peers.try_data(*peer)->size() == 3 && (*peers.try_data(*peer))[2] == 2);
  CHECK(*peers.try_remove_host("9.9.9.9") == 0);
  const Result<Snapshot> all = peers.try_get_all_peers();
  int seen = 0;
  for (const Record& one : *all) seen += one == *record ? 1 : 0;
  CHECK(all->try_history(0) && *all->try_history(0) == *history);
  CHECK(all->try_data(0) && all->try_data(0)->size() == 3);
  CHECK(seen == 1 && all->try_get(0) && all->try_get(1).status() == Status::InvalidArgument);
  CHECK(peers.try_get_stats()->preferred == 1 && !*peers.try_get_quarantine());
  CHECK(*peers.try_limit_next_attempt(sys_seconds::max()) == 0);
  CHECK(*peers.try_remove_peers_with_many_failures(1) == 0 && peers.try_remove(*peer));
  CHECK(peers.try_remove(*peer).status() == Status::NotFound && peers.try_clear_all());
  CHECK(Address::try_parse("?").error().message()[0] != '\0');
  peers.close();
  CHECK(peers.try_flush().status() == Status::InvalidArgument);
}

}  // namespace

int main() {
  live();
  std::printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
