// Result with its chains, Failure, Error, statuses and versions.

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;

static_assert(std::is_base_of_v<std::runtime_error, Error> && std::is_nothrow_copy_constructible_v<Error>);
static_assert(std::is_nothrow_copy_constructible_v<Failure> && !std::is_convertible_v<Result<int>, bool>);
static_assert(noexcept(Address::try_parse(std::string_view())) && noexcept(Manager::try_in_memory()) && noexcept(
    std::declval<Manager&>().try_ensure_exists(
        Address())) && noexcept(std::declval<Manager&>().try_load_random_peers(std::declval<const Query&>(),
                                                                               Span<Address>())));

TEST(a_result_has_a_value_or_an_error) {
  const Result<Address> good = Address::try_parse("1.2.3.4:5");
  CHECK(good && good.has_value() && good.status() == Status::Ok);
  CHECK(good->port() == 5 && (*good).port() == 5 && good.value().port() == 5);
  const Result<Address> bad = Address::try_parse("?");
  CHECK(!bad && !bad.has_value() && bad.status() == Status::InvalidAddress);
  CHECK(bad.value_or(*good) == *good && good.value_or(Address()) == *good);
  CHECK(bad.error().sqlite_code() == 0 && !bad.error().cause());
  THROWS(Status::InvalidAddress, bad.error().message(), bad.value());
}

TEST(a_result_of_nothing_succeeds_or_not) {
  Manager manager = check::quiet_manager();
  const Result<void> good = manager.try_ensure_exists(address("1.2.3.4"));
  CHECK(good && good.status() == Status::Ok);
  good.value();
  const Result<void> bad = manager.try_remove(address("5.6.7.8"));
  CHECK(!bad && bad.status() == Status::NotFound);
  THROWS(Status::NotFound, "no peer 5.6.7.8:11625 in the table", bad.value());
}

TEST(a_result_holds_what_can_only_be_moved) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  CHECK(**result == 3);
  const std::unique_ptr<int> taken = std::move(result).value();
  CHECK(*taken == 3);
  CHECK(*Result<std::unique_ptr<int>>(Failure(Status::Busy, "")).value_or(std::make_unique<int>(4)) == 4);
  Result<Manager> manager = Manager::try_in_memory();
  const Manager owner = *std::move(manager);
  CHECK(owner && !*manager);
}

// What is read of a temporary is a value: see tests/lifetime.cpp.
using Bans = Result<std::vector<Ban>>;
static_assert(std::is_same_v<decltype(*std::declval<Bans>()), std::vector<Ban>>);
static_assert(std::is_same_v<decltype(*std::declval<const Bans>()), std::vector<Ban>>);
static_assert(std::is_same_v<decltype(std::declval<Bans>().value()), std::vector<Ban>>);
static_assert(std::is_same_v<decltype(std::declval<const Bans>().value()), std::vector<Ban>>);
static_assert(std::is_same_v<decltype(std::declval<Bans>().value_or(std::vector<Ban>())), std::vector<Ban>>);
static_assert(std::is_same_v<decltype(std::declval<Bans>().error()), Failure>);
static_assert(std::is_same_v<decltype(std::declval<Result<void>>().error()), Failure>);
static_assert(std::is_same_v<decltype(*std::declval<Bans&>()), std::vector<Ban>&>);
static_assert(std::is_same_v<decltype(*std::declval<const Bans&>()), const std::vector<Ban>&>);

Result<std::uint16_t> port_of(const Address& peer) {
  if (peer.port() < 1024) return Failure(Status::Refused, "a port below 1024");
  return peer.port();
}

TEST(a_chain_goes_on_with_the_value_and_stops_at_the_first_failure) {
  CHECK(Address::try_parse("1.2.3.4:11625").and_then(port_of).value_or(0) == 11625);
  CHECK(Address::try_parse("1.2.3.4:80").and_then(port_of).status() == Status::Refused);
  CHECK(Address::try_parse("?").and_then(port_of).status() == Status::InvalidAddress);
  CHECK(Address::try_parse("?").and_then(port_of).value_or(0) == 0);

  // A call on the value, a call without one, and nothing but its success.
  Manager manager = check::quiet_manager();
  const auto known = [&](const Address& peer) { return manager.try_ensure_exists(peer); };
  const auto count = [&] { return Result<std::size_t>(manager.peer_count()); };
  CHECK(Address::try_parse("1.2.3.4:5").and_then(known).and_then(count) == 1);
  CHECK(Address::try_parse("?").and_then(known).and_then(count).status() == Status::InvalidAddress);
}

TEST(a_value_is_transformed_where_there_is_one) {
  const auto text = [](const Address& peer) { return peer.to_string(); };
  CHECK(Address::try_parse("1.2.3.4", 5).transform(text) == std::string("1.2.3.4:5"));
  CHECK(Address::try_parse("?").transform(text).status() == Status::InvalidAddress);
  int calls = 0;
  const Result<void> done = Address::try_parse("1.2.3.4", 5).transform([&](const Address&) { ++calls; });
  CHECK(done && calls == 1);
  CHECK(done.transform([&] { return ++calls; }) == 2 && calls == 2);
  CHECK(Result<void>(Failure(Status::Busy, "")).transform([&] { ++calls; }).status() == Status::Busy && calls == 2);
  CHECK(Address::try_parse("1.2.3.4", 5).transform(&Address::port) == std::uint16_t{5});
}

TEST(a_failure_can_be_made_good_or_another) {
  const auto home = [](const Failure&) { return Address::try_parse("127.0.0.1:1"); };
  const auto stay = [](const Failure&) { return Result<Address>(Failure(Status::NotFound, "no such place")); };
  CHECK(Address::try_parse("?").or_else(home)->to_string() == "127.0.0.1:1");
  CHECK(Address::try_parse("1.2.3.4:5").or_else(home)->to_string() == "1.2.3.4:5");
  CHECK(Address::try_parse("?").or_else(stay).status() == Status::NotFound);
  const auto absent = [](const Failure& failure) {
    return failure.status() == Status::NotFound ? Result<void>() : Result<void>(failure);
  };
  Manager manager = check::quiet_manager();
  CHECK(manager.try_remove(address("1.2.3.4")).or_else(absent));
  CHECK(manager.try_flush().or_else(absent));
  CHECK(Manager().try_flush().or_else(absent).status() == Status::InvalidArgument);
}

TEST(chains_work_on_variables_and_move_what_can_only_be_moved) {
  Result<Address> peer = Address::try_parse("1.2.3.4:5");
  CHECK(peer.transform([](Address& one) { return one = address("5.6.7.8:9"), one.port(); }) == std::uint16_t{9});
  CHECK(peer->host() == "5.6.7.8" && std::as_const(peer).transform(&Address::port) == std::uint16_t{9});
  const auto seen = [](Manager manager) { return Result<std::size_t>(manager.peer_count()); };
  CHECK(Manager::try_in_memory().and_then(seen) == 0);
  Result<Manager> manager = Manager::try_in_memory();
  CHECK(std::move(manager).and_then(seen) == 0 && !*manager);
  CHECK(Manager::try_open("/nonexistent/directory/peers.db")
            .or_else([](const Failure&) { return Manager::try_in_memory(); })
            .transform([](Manager&& table) { return table.try_flush().has_value(); })
            .value_or(false));
}

TEST(results_and_failures_are_compared) {
  const Result<Address> good = Address::try_parse("1.2.3.4:5");
  const Result<Address> bad = Address::try_parse("?");
  CHECK(good == address("1.2.3.4:5") && good == Address::try_parse("1.2.3.4:5") && good != bad);
  CHECK(bad == Address::try_parse("?") && bad == bad.error() && bad != Failure(Status::InvalidAddress, ""));
  CHECK(Manager().try_flush() == Manager().try_flush() && Manager().try_flush() != Result<void>());
  CHECK(bad.error() == Address::try_parse("?").error() && bad.error() != Address::try_parse("!").error());
  CHECK(Failure(Status::Busy, "x") != Failure(Status::Limit, "x"));
}

#if defined(__cpp_lib_expected)
std::expected<Record, Failure> lookup(const Manager& manager, const Address& peer) { return manager.try_load(peer); }
std::expected<bool, Failure> banned(const Manager& manager, const Address& peer) { return manager.try_is_banned(peer); }
std::expected<void, Failure> flush(Manager& manager) { return manager.try_flush(); }
Result<std::size_t> back(std::expected<std::size_t, Failure> expected) { return expected; }

TEST(a_result_is_a_std_expected_and_back) {
  Manager manager = check::quiet_manager();
  const Address peer = address("1.2.3.4");
  const auto missing = lookup(manager, peer);
  CHECK(!missing && missing.error().status() == Status::NotFound);
  manager.ensure_exists(peer);
  CHECK(lookup(manager, peer) && lookup(manager, peer)->address == peer);
  CHECK(lookup(manager, peer).value_or(Record()).num_failures == 0);

  // false is a value.
  CHECK(banned(manager, peer) && !*banned(manager, peer) && !banned(manager, Address()));
  CHECK(manager.try_is_banned(peer).to_expected() == false);

  CHECK(flush(manager) && manager.try_flush().to_expected());
  manager.close();
  CHECK(flush(manager).error().status() == Status::InvalidArgument);
  CHECK(Result<void>(flush(manager)).status() == Status::InvalidArgument &&
        Result<void>(std::expected<void, Failure>()));

  CHECK(back(3) == 3 && back(std::unexpected(Failure(Status::Busy, "x"))) == Failure(Status::Busy, "x"));
#if __cpp_lib_expected >= 202211L
  // A chain may go over both.
  const Result<std::size_t> answer = Result<int>(2).to_expected().transform([](int n) { return std::size_t(n) * 2; });
  CHECK(answer == 4);
#endif
  // What can only be moved moves.
  std::expected<Manager, Failure> table = Manager::try_in_memory();
  CHECK(table && *table);
  const Result<Manager> again = std::move(table);
  CHECK(again && *again && !*table);
}
#endif

TEST(a_long_message_is_cut) {
  const Failure failure(Status::Limit, std::string(1000, 'x'));
  CHECK(failure.message() == std::string(sizeof peer_manager_error::message - 1, 'x'));
}

TEST(an_error_is_an_ordinary_exception) {
  try {
    static_cast<void>(Manager::open("/nonexistent/directory/peers.db"));
    CHECK(false);
  } catch (const std::runtime_error& error) {
    CHECK(std::string_view(error.what()).find("/nonexistent/directory/peers.db") != std::string_view::npos);
  }
  try {
    static_cast<void>(Manager::open("/nonexistent/directory/peers.db"));
    CHECK(false);
  } catch (const Error& error) {
    const Error copy = error;
    CHECK(copy.status() == Status::Database && copy.what() == std::string_view(error.what()));
    CHECK((error.sqlite_code() & 0xFF) == 14);  // SQLITE_CANTOPEN
  }
}

TEST(statuses_have_names) {
  CHECK(status_name(Status::Ok) == "OK" && status_name(Status::DiskFull) == "DISK_FULL");
  CHECK(status_name(Status::Refused) == "REFUSED" && static_cast<int>(Status::Refused) == 11);
  CHECK(status_name(Status::NoMemory) == "NO_MEMORY" && static_cast<int>(Status::NoMemory) == 12);
  CHECK(status_name(Status::ClockFailed) == "CLOCK_FAILED");
  CHECK(status_name(static_cast<Status>(77)) == "UNKNOWN");
}

TEST(the_versions_agree) {
  CHECK(version_string() == header_version_string);
  CHECK(version_number() == header_version_number);
  CHECK(header_version_string == CARGO_VERSION);
  CHECK(build_info().find(CARGO_VERSION) != std::string_view::npos);
  CHECK(max_failures == 10 && really_dead == 120);
}

}  // namespace
