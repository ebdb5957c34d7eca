// Result, Failure, Error, statuses and versions.

#include <memory>
#include <stdexcept>
#include <type_traits>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;

static_assert(std::is_base_of_v<std::runtime_error, Error> && std::is_nothrow_copy_constructible_v<Error>);
static_assert(std::is_nothrow_copy_constructible_v<Failure> && !std::is_convertible_v<Result<int>, bool>);
static_assert(noexcept(Address::try_parse("")) && noexcept(Manager::try_in_memory()) && noexcept(
    std::declval<Manager&>().try_ensure_exists(
        Address())) && noexcept(std::declval<Manager&>().try_load_random_peers(Query(), Span<Address>())));

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
