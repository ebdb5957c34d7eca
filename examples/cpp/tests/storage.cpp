// Options, files, borrowed connections, many threads.

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "check.hpp"

#if defined(HAVE_SQLITE3)
#include <sqlite3.h>
#endif

namespace {

using namespace peermanager;
using check::address;
using check::at;

TEST(a_file_keeps_the_peers) {
  const check::Directory directory;
  const std::string file = directory.file("peers.db");
  for (const Durability durability : {Durability::Commit, Durability::Sync, Durability::Deferred}) {
    const Record record{address("1.2.3.4"), at(static_cast<int>(durability) + 5), 3, PeerType::Outbound};
    Options options;
    options.db_path = file;
    options.durability = durability;
    Manager manager = Manager::open(options);
    CHECK(manager.get_stats().durability == durability && !manager.get_quarantine());
    manager.store(record);
    manager.flush();
    manager.close();
    CHECK(Manager::open(file).load(record.address) == record);
  }
}

TEST(a_file_has_one_manager) {
  const check::Directory directory;
  Options options;
  options.db_path = directory.file("peers.db");
  options.busy_timeout = std::chrono::milliseconds(1);
  const Manager first = Manager::open(options);
  FAILS(Status::Busy, "peers.db", Manager::try_open(options));
  THROWS(Status::Busy, "peers.db", Manager::open(options));
}

TEST(bad_options_are_refused) {
  using std::chrono::milliseconds;
  const auto refused = [](Status status, std::string_view fragment, auto change) {
    Options options;
    change(options);
    FAILS(status, fragment, Manager::try_open(options));
  };
  const auto bad = Status::InvalidArgument;
  refused(bad, "busy_timeout", [](Options& o) { o.busy_timeout = milliseconds(-1); });
  refused(bad, "busy_timeout", [](Options& o) { o.busy_timeout = milliseconds(std::int64_t{1} << 32); });
  refused(bad, "flush_interval", [](Options& o) { o.flush_interval = milliseconds::min(); });
  refused(bad, "share_cache", [](Options& o) { o.share_cache = std::chrono::seconds::max(); });
  refused(bad, "durability", [](Options& o) { o.durability = static_cast<Durability>(9); });
  refused(bad, "on_corrupt", [](Options& o) { o.on_corrupt = static_cast<OnCorrupt>(9); });
  refused(bad, "NUL", [](Options& o) { o.db_path = std::string("a\0b", 3); });
  refused(bad, "path", [](Options& o) { o.db_path = ""; });
  refused(bad, "path", [](Options& o) { o.db_path = ":memory:"; });
  refused(bad, "UTF-8", [](Options& o) { o.db_path = "/nonexistent/\xFF"; });
  refused(bad, "101", [](Options& o) { o.share_max_percent = 101; });
  THROWS(bad, "NUL", Manager::open(std::string_view("a\0b", 3)));
}

TEST(a_seed_repeats_the_choices) {
  const auto choices = [](std::uint64_t seed) {
    Options options;
    options.rng_seed = seed;
    options.clock = [] { return at(0); };
    Manager manager = Manager::open(options);
    for (std::uint16_t port = 1; port <= 100; ++port) manager.ensure_exists(Address("1.2.3.4", port));
    return manager.load_random_peers(Query::all(), 100);
  };
  CHECK(choices(1) == choices(1) && choices(1) != choices(2));
}

TEST(a_damaged_file_is_refused_or_set_aside) {
  const check::Directory directory;
  Options options;
  options.db_path = directory.file("peers.db");
  std::ofstream(*options.db_path) << std::string(5000, 'x');
  FAILS(Status::Corrupt, "peers.db", Manager::try_open(options));
  options.on_corrupt = OnCorrupt::Quarantine;
  const Manager manager = Manager::open(options);
  const std::optional<Quarantine> quarantine = manager.get_quarantine();
  CHECK(quarantine && quarantine->path.find("peers.db.damaged-") != std::string::npos);
  CHECK(quarantine && quarantine->saved == 0 && std::filesystem::file_size(quarantine->path) == 5000);
}

TEST(a_connection_of_another_sqlite_is_refused) {
  FAILS(Status::InvalidArgument, "db", Manager::try_from_connection(nullptr, "3.40.1"));
  int not_a_connection = 0;
  sqlite3* const db = reinterpret_cast<sqlite3*>(&not_a_connection);
  FAILS(Status::InvalidArgument, "sqlite_libversion", Manager::try_from_connection(db, nullptr));
  THROWS(Status::Unsupported, "SQLite", Manager::from_connection(db, "3.40.1"));
}

#if defined(HAVE_SQLITE3)
// With the library that shares the system's SQLite it works; the one that bundles its own must refuse.
TEST(a_connection_is_borrowed_where_sqlite_is_shared) {
  sqlite3* db = nullptr;
  CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
  Result<Manager> manager = Manager::try_from_connection(db, sqlite3_libversion());
  if (build_info().find("system") == std::string_view::npos) {
    FAILS(Status::Unsupported, "SQLite", manager);
  } else if (CHECK(manager)) {
    manager->store({address("1.2.3.4"), at(7), 3, PeerType::Preferred});
    const auto is_seven = [](void* seen, int, char** values, char**) {
      *static_cast<bool*>(seen) = std::string_view(values[0]) == "7";
      return 0;
    };
    bool seen = false;
    CHECK(sqlite3_exec(db, "SELECT nextattempt FROM peers", is_seven, &seen, nullptr) == SQLITE_OK && seen);
    manager->close();
  }
  CHECK(sqlite3_close(db) == SQLITE_OK);
}
#endif

TEST(many_threads_use_one_manager) {
  Manager manager = check::quiet_manager();
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (std::uint16_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint16_t i = 1; i <= 250; ++i) {
        const Address peer("8.8.8.8", static_cast<std::uint16_t>(thread * 250 + i));
        const bool ok = manager.try_ensure_exists(peer) && manager.try_update_backoff(peer, Backoff::Increase) &&
                        manager.try_load_random_peers(Query::all(), 5) && manager.try_get_all_peers() &&
                        manager.try_load(peer)->num_failures == 1;
        failures += ok ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0 && manager.peer_count() == 1000);
}

}  // namespace
