// What a manager knows of peers, and how it changes.

#include <array>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

TEST(a_new_peer_is_inbound_and_ready) {
  Manager manager = check::quiet_manager();
  manager.ensure_exists(address("1.2.3.4"));
  manager.ensure_exists(address("1.2.3.4"));
  CHECK(manager.peer_count() == 1);
  CHECK(manager.load(address("1.2.3.4")) == Record{address("1.2.3.4"), at(kNow), 0, PeerType::Inbound});
  CHECK(manager.load(address("1.2.3.4")) == Record::make(address("1.2.3.4"), at(kNow)));
  FAILS(Status::NotFound, "9.9.9.9", manager.try_load(address("9.9.9.9")));
  THROWS(Status::NotFound, "9.9.9.9", manager.load(address("9.9.9.9")));
}

TEST(records_are_ready_when_their_time_has_come) {
  const Record record = Record::make(address("1.2.3.4"), at(100));
  CHECK(record.is_ready(at(100)) && !record.is_ready(at(99)));
  FAILS(Status::InvalidAddress, "", Record::try_make(Address(), at(0)));
  THROWS(Status::InvalidAddress, "", Record::make(Address(), at(0)));
}

TEST(many_are_added_at_once_or_none) {
  Manager manager = check::quiet_manager();
  const std::vector<Address> some = {address("1.1.1.1"), address("2.2.2.2"), address("1.1.1.1")};
  CHECK(manager.ensure_exists_many(some) == 2);
  CHECK(manager.ensure_exists_many(std::array{address("2.2.2.2"), address("3.3.3.3")}) == 1);
  CHECK(manager.ensure_exists_many({}) == 0);
  const Address with_hole[] = {address("4.4.4.4"), Address(), address("5.5.5.5")};
  FAILS(Status::InvalidAddress, "1", manager.try_ensure_exists_many(with_hole));
  THROWS(Status::InvalidAddress, "", manager.ensure_exists_many(with_hole));
  CHECK(manager.peer_count() == 3);
}

TEST(a_stored_record_comes_back) {
  Manager manager = check::quiet_manager();
  for (const std::int64_t time : {std::int64_t{0}, kNow, INT64_MAX, INT64_MIN, std::int64_t{-1}}) {
    const Record record{address("1.2.3.4"), at(time), UINT32_MAX, PeerType::Preferred};
    manager.store(record);
    CHECK(manager.load(record.address) == record);
  }
}

TEST(many_are_stored_at_once_or_none) {
  Manager manager = check::quiet_manager();
  const Record a{address("1.1.1.1"), at(1), 1, PeerType::Outbound};
  const Record b{address("2.2.2.2"), at(2), 2, PeerType::Preferred};
  const Record bad{address("3.3.3.3"), at(2), 2, static_cast<PeerType>(77)};
  manager.store_many(std::vector<Record>{a, b});
  manager.store_many({});
  CHECK(manager.load(a.address) == a && manager.load(b.address) == b);
  FAILS(Status::InvalidArgument, "1", manager.try_store_many(std::array{b, bad}));
  THROWS(Status::InvalidArgument, "", manager.store_many(std::array{bad}));
  THROWS(Status::InvalidArgument, "", manager.store(bad));
  CHECK(manager.peer_count() == 2);
}

TEST(what_is_seen_changes_the_type) {
  Manager manager = check::quiet_manager();
  const Address peer = address("1.2.3.4");
  const auto type = [&] { return manager.load(peer).type; };
  manager.update_type(peer, PeerType::Outbound, false);
  CHECK(type() == PeerType::Outbound);
  manager.update_type(peer, PeerType::Preferred, false);
  CHECK(type() == PeerType::Preferred);
  manager.update_type(peer, PeerType::Outbound, false);
  CHECK(type() == PeerType::Preferred);
  manager.update_type(peer, PeerType::Outbound, true);
  CHECK(type() == PeerType::Outbound);
}

TEST(a_dial_changes_the_next_attempt) {
  Manager manager = check::quiet_manager();
  const Address peer = address("1.2.3.4");
  manager.update_backoff(peer, Backoff::Increase);
  manager.update_backoff(peer, Backoff::Increase);
  Record record = manager.load(peer);
  CHECK(record.num_failures == 2 && record.next_attempt > at(kNow) && record.next_attempt <= at(kNow + 40));
  manager.update(peer, PeerType::Outbound, false, Backoff::Reset);
  record = manager.load(peer);
  CHECK(record.num_failures == 0 && record.type == PeerType::Outbound);
  CHECK(record.next_attempt > at(kNow) && record.next_attempt <= at(kNow + 10));
  manager.update_backoff(peer, Backoff::HardReset);
  CHECK(manager.load(peer).is_ready(at(kNow)));
}

TEST(unknown_enumerators_are_refused) {
  Manager manager = check::quiet_manager();
  const Address peer = address("1.2.3.4");
  FAILS(Status::InvalidArgument, "backoff", manager.try_update_backoff(peer, static_cast<Backoff>(3)));
  FAILS(Status::InvalidArgument, "observed_type", manager.try_update_type(peer, static_cast<PeerType>(3), false));
  THROWS(Status::InvalidArgument, "", manager.update(peer, PeerType::Inbound, false, static_cast<Backoff>(~0u)));
  THROWS(Status::InvalidArgument, "", manager.update_type(peer, static_cast<PeerType>(~0u), false));
  THROWS(Status::InvalidArgument, "", manager.update_backoff(peer, static_cast<Backoff>(9)));
  CHECK(manager.peer_count() == 0);
}

TEST(peers_are_forgotten) {
  Manager manager = check::quiet_manager();
  for (std::uint32_t n = 0; n < 20; ++n)
    manager.store({Address("1.2.3.4", static_cast<std::uint16_t>(n + 1)), at(0), n, PeerType::Inbound});
  manager.remove(address("1.2.3.4:1"));
  THROWS(Status::NotFound, "", manager.remove(address("1.2.3.4:1")));
  CHECK(manager.remove_peers_with_many_failures(max_failures) == 10);
  CHECK(manager.peer_count() == 9);
  manager.clear_all();
  CHECK(manager.peer_count() == 0);
  manager.ensure_exists(address("5.6.7.8"));
  CHECK(manager.remove_peers_with_many_failures(0) == 1);
}

TEST(no_peer_waits_beyond_the_limit) {
  Manager manager = check::quiet_manager();
  for (std::uint16_t port = 1; port <= 10; ++port)
    manager.store({Address("1.2.3.4", port), at(kNow + port), 7, PeerType::Outbound});
  CHECK(manager.limit_next_attempt(at(kNow + 7)) == 3);
  CHECK(*manager.try_limit_next_attempt(at(kNow + 7)) == 0);
  CHECK(manager.limit_next_attempt(at(kNow + 5)) == 5);
  for (const Record& record : manager.get_all_peers()) {
    const int port = record.address.port();
    CHECK(record.next_attempt == at(kNow + (port < 5 ? port : 5)) && record.num_failures == 7);
  }
  CHECK(manager.limit_next_attempt(sys_seconds::min()) == 10);
}

TEST(the_stats_count) {
  Manager manager = check::quiet_manager();
  manager.store({address("1.1.1.1"), at(kNow), 0, PeerType::Inbound});
  manager.store({address("1.1.2.2"), at(kNow + 1), 0, PeerType::Outbound});
  manager.store({address("a.example"), at(kNow), 0, PeerType::Preferred});
  const Stats stats = manager.get_stats();
  CHECK(stats.peers == 3 && stats.inbound == 1 && stats.outbound == 1 && stats.preferred == 1);
  CHECK(stats.ready == 2 && stats.netgroups == 2 && stats.durability == Durability::Commit);
  CHECK(stats.pending_writes == 0 && stats.failed_writes == 0 && stats.skipped_rows == 0 && stats.refused_peers == 0);
  CHECK(stats.log_bytes == 0 && stats.forgiven_failures == 0 && stats.rejected_rows == 0);
}

TEST(a_manager_can_be_moved_and_closed) {
  static_assert(!std::is_copy_constructible_v<Manager> && std::is_nothrow_move_constructible_v<Manager> &&
                std::is_nothrow_move_assignable_v<Manager>);
  Manager a = check::quiet_manager();
  a.ensure_exists(address("1.2.3.4"));
  Manager b = std::move(a);
  CHECK(!a && b && b.peer_count() == 1);
  a = std::move(b);
  CHECK(a && !b && a.load(address("1.2.3.4")).next_attempt == at(kNow));
  Manager other = check::quiet_manager(5);
  a.swap(other);
  CHECK(a.peer_count() == 0 && other.peer_count() == 1);
  a = std::move(other);
  CHECK(a.peer_count() == 1);
  a.close();
  a.close();
  CHECK(!a && a.c_get() == nullptr);
}

TEST(a_closed_manager_answers_with_an_error) {
  Manager manager = check::quiet_manager();
  manager.close();
  const Address peer = address("1.2.3.4");
  const auto status = Status::InvalidArgument;
  Address out[2];
  FAILS(status, "pm", manager.try_flush());
  FAILS(status, "pm", manager.try_ensure_exists(peer));
  FAILS(status, "pm", manager.try_ensure_exists_many({}));
  FAILS(status, "pm", manager.try_load(peer));
  FAILS(status, "pm", manager.try_store(Record::make(peer, at(0))));
  FAILS(status, "pm", manager.try_store_many({}));
  FAILS(status, "pm", manager.try_update_type(peer, PeerType::Inbound, false));
  FAILS(status, "pm", manager.try_update_backoff(peer, Backoff::Reset));
  FAILS(status, "pm", manager.try_update(peer, PeerType::Inbound, false, Backoff::Reset));
  FAILS(status, "pm", manager.try_remove(peer));
  FAILS(status, "pm", manager.try_remove_peers_with_many_failures(1));
  FAILS(status, "pm", manager.try_limit_next_attempt(at(0)));
  FAILS(status, "pm", manager.try_set_online(false));
  FAILS(status, "pm", manager.try_set_own_addresses({}));
  FAILS(status, "pm", manager.try_clear_all());
  FAILS(status, "pm", manager.try_next_to_dial(Purpose::Connect, {}, 3));
  FAILS(status, "pm", manager.try_next_to_dial(Purpose::Feeler, {}, out));
  FAILS(status, "pm", manager.try_next_due());
  FAILS(status, "pm", manager.try_load_random_peers({}, 3));
  FAILS(status, "pm", manager.try_load_random_peers({}, out));
  FAILS(status, "pm", manager.try_get_peers_to_send(peer, 3));
  FAILS(status, "pm", manager.try_get_peers_to_send(peer, out));
  FAILS(status, "pm", manager.try_get_all_peers());
  FAILS(status, "pm", manager.try_get_stats());
  FAILS(status, "pm", manager.try_get_quarantine());
  THROWS(status, "pm", manager.flush());
  THROWS(status, "pm", manager.get_stats());
  THROWS(status, "pm", manager.clear_all());
  CHECK(manager.peer_count() == 0);
}

}  // namespace
