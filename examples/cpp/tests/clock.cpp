// The clock: what it may do, and what happens when it throws.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

// What no catch clause for std::exception takes.
struct Strange {
  int number;
};

Manager with_clock(std::function<sys_seconds()> clock) {
  Options options;
  options.clock = std::move(clock);
  return Manager::open(options);
}

// The number that the call throws; -1 when it throws nothing.
template <class Function>
int thrown_by(Function function) {
  try {
    function();
    return -1;
  } catch (const Strange& strange) {
    return strange.number;
  }
}

TEST(the_clock_is_followed) {
  std::int64_t now = kNow;
  Manager manager = with_clock([&] { return at(now); });
  manager.ensure_exists(address("1.1.1.1"));
  now = -5;
  manager.ensure_exists(address("2.2.2.2"));
  CHECK(manager.load(address("1.1.1.1")).next_attempt == at(kNow));
  CHECK(manager.load(address("2.2.2.2")).next_attempt == at(-5));
}

TEST(without_a_clock_it_is_the_systems) {
  Manager manager = Manager::in_memory();
  const sys_seconds before = system_now();
  manager.ensure_exists(address("1.1.1.1"));
  const sys_seconds time = manager.load(address("1.1.1.1")).next_attempt;
  CHECK(time >= before && time <= system_now());
}

TEST(what_the_clock_throws_comes_out_of_the_call) {
  bool broken = false;
  Manager manager = with_clock([&] {
    if (broken) throw Strange{7};
    return at(kNow);
  });
  broken = true;
  Address out[1];
  const Address peer = address("1.1.1.1");
  CHECK(thrown_by([&] { manager.ensure_exists(peer); }) == 7);
  CHECK(thrown_by([&] { manager.ensure_exists_many({&peer, 1}); }) == 7);
  CHECK(thrown_by([&] { manager.update_backoff(peer, Backoff::Increase); }) == 7);
  CHECK(thrown_by([&] { manager.update(peer, PeerType::Outbound, false, Backoff::Reset); }) == 7);
  CHECK(thrown_by([&] { static_cast<void>(manager.load_random_peers({}, 1)); }) == 7);
  CHECK(thrown_by([&] { static_cast<void>(manager.load_random_peers({}, out)); }) == 7);
  CHECK(thrown_by([&] { static_cast<void>(manager.get_peers_to_send(Address(), 1, Query())); }) == 7);
  CHECK(thrown_by([&] { static_cast<void>(manager.get_stats()); }) == 7);

  // The calls were carried out with the last good time, and nothing sticks.
  broken = false;
  const Record record = manager.load(peer);
  CHECK(record.type == PeerType::Outbound && record.num_failures == 0);
  CHECK(record.next_attempt > at(kNow) && record.next_attempt <= at(kNow + 10));
  CHECK(manager.get_stats().peers == 1);
}

TEST(the_result_keeps_what_the_clock_threw) {
  bool broken = false;
  Manager manager = with_clock([&] {
    if (broken) throw Strange{8};
    return at(kNow);
  });
  broken = true;
  const Result<void> result = manager.try_ensure_exists(address("1.1.1.1"));
  FAILS(Status::ClockFailed, "clock", result);
  CHECK(result.error().cause() != nullptr);
  CHECK(thrown_by([&] { result.value(); }) == 8);
  THROWS(Status::ClockFailed, "clock", throw Error(result.error()));
}

TEST(a_clock_that_throws_from_the_start_prevents_opening) {
  CHECK(thrown_by([] { with_clock([]() -> sys_seconds { throw Strange{9}; }); }) == 9);
  Options options;
  options.clock = []() -> sys_seconds { throw Strange{9}; };
  FAILS(Status::ClockFailed, "clock", Manager::try_open(options));
}

TEST(the_clock_may_use_the_manager) {
  Manager manager;
  bool inside = false;
  std::size_t seen = 0;
  manager = with_clock([&] {
    if (manager && !inside) {
      inside = true;
      manager.ensure_exists(address("2.2.2.2"));
      seen = manager.peer_count();
      inside = false;
    }
    return at(kNow);
  });
  manager.ensure_exists(address("1.1.1.1"));
  CHECK(seen == 1 && manager.peer_count() == 2);
}

TEST(what_a_call_within_the_clock_throws_stays_there_when_it_is_caught) {
  Manager inner = with_clock([first = true]() mutable {
    if (!first) throw Strange{1};
    first = false;
    return at(kNow);
  });
  int caught = 0;
  Manager outer = with_clock([&] {
    if (thrown_by([&] { inner.update_backoff(address("2.2.2.2"), Backoff::Increase); }) == 1) ++caught;
    return at(kNow);
  });
  caught = 0;
  outer.ensure_exists(address("1.1.1.1"));
  CHECK(caught == 1);
  CHECK(outer.try_get_stats().has_value() && inner.peer_count() == 1);
}

TEST(what_a_call_within_the_clock_throws_goes_through_when_it_is_not_caught) {
  Manager inner = check::quiet_manager();
  bool broken = false;
  Manager outer = with_clock([&] {
    if (broken) inner.remove(address("2.2.2.2"));
    return at(kNow);
  });
  broken = true;
  THROWS(Status::NotFound, "2.2.2.2", outer.ensure_exists(address("1.1.1.1")));
  FAILS(Status::ClockFailed, "", outer.try_ensure_exists(address("3.3.3.3")));
  CHECK(outer.peer_count() == 2);
}

TEST(each_thread_gets_what_its_own_call_threw) {
  static thread_local int me = 0;
  me = 0;
  Manager manager = with_clock([] {
    if (me % 2 == 1) throw Strange{me};
    return at(kNow);
  });
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        me = thread + 10 * i;
        const int thrown =
            thrown_by([&] { manager.ensure_exists(Address("1.2.3.4", static_cast<std::uint16_t>(me + 1))); });
        right += thrown == (me % 2 == 1 ? me : -1) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 800);
}

TEST(the_clock_moves_with_its_manager) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = owned;
  Manager a = with_clock([owned = std::move(owned)] { return at(*owned); });
  Manager b = std::move(a);
  b.ensure_exists(address("1.1.1.1"));
  CHECK(b.load(address("1.1.1.1")).next_attempt == at(1) && !alive.expired());
  b.close();
  CHECK(alive.expired());
}

TEST(c_code_that_uses_the_handle_is_safe_from_the_clock) {
  bool broken = false;
  Manager manager = with_clock([&] {
    if (broken) throw Strange{3};
    return at(kNow);
  });
  broken = true;
  const Address peer = address("1.1.1.1");
  CHECK(peer_manager_ensure_exists(manager.c_get(), &peer.c_get(), nullptr) == PEER_MANAGER_OK);
  CHECK(manager.load(peer).next_attempt == at(kNow));
}

}  // namespace
