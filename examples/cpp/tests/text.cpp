// Values as text: to_string, streams, std::format.

#include <iomanip>
#include <limits>
#include <sstream>
#include <string>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;

// All ways to write a value; they must agree.
template <class T>
std::string text(const T& value) {
  std::ostringstream out, padded;
  out << value;
  padded << std::left << std::setfill('.') << std::setw(100) << value;
  std::string expected = to_string(value);
  CHECK(out.str() == expected);
  expected.resize(std::max<std::size_t>(expected.size(), 100), '.');
  CHECK(padded.str() == expected);
#if defined(__cpp_lib_format)
  CHECK(std::format("{}", value) == to_string(value) && std::format("{:.<100}", value) == expected);
#endif
  return to_string(value);
}

TEST(enumerations_have_names) {
  CHECK(text(PeerType::Inbound) == "inbound" && text(PeerType::Preferred) == "preferred");
  CHECK(text(Backoff::HardReset) == "hard reset" && text(Backoff::Increase) == "increase");
  CHECK(text(TypeFilter::InboundOnly) == "inbound only" && text(TypeFilter::AnyOutbound) == "any outbound");
  CHECK(text(TypeFilter::Any) == "any" && text(TypeFilter::NotPreferred) == "not preferred");
  CHECK(text(Purpose::Connect) == "connect" && text(Purpose::Feeler) == "feeler");
  CHECK(text(Durability::Commit) == "commit" && text(Durability::Deferred) == "deferred");
  CHECK(text(OnCorrupt::Fail) == "fail" && text(OnCorrupt::Quarantine) == "quarantine");
  CHECK(text(Reach::Specification) == "specification" && text(Reach::Private) == "private");
  CHECK(text(Status::NotFound) == "NOT_FOUND" && text(Status::ClockFailed) == "CLOCK_FAILED");
}

TEST(sets_of_networks_are_the_names_of_their_members) {
  CHECK(text(Networks::All) == "all" && text(Networks::I2P) == "i2p");
  CHECK(text(Networks::Onion | Networks::IPv4 | Networks::Name) == "ipv4|onion|name");
  CHECK(text(static_cast<Networks>(66)) == "ipv6|Networks(64)" && text(static_cast<Networks>(32)) == "Networks(32)");
}

TEST(a_number_without_a_name_is_written_as_one) {
  CHECK(text(static_cast<PeerType>(7)) == "PeerType(7)" &&
        text(static_cast<Purpose>(4294967295U)) == "Purpose(4294967295)");
  CHECK(text(static_cast<Status>(77)) == "UNKNOWN");
}

TEST(an_address_is_what_parse_reads) {
  for (const char* known : {"1.2.3.4:5", "[2001:db8::1]:11625", "core-live-a.stellar.org:80"}) {
    CHECK(text(address(known)) == known && address(text(address(known))) == address(known));
  }
  CHECK(text(Address()).empty());
}

TEST(a_record_is_one_line) {
  const Record record{address("[2001:db8::1]:5"), at(1769862896), 1, PeerType::Outbound};
  CHECK(text(record) == "[2001:db8::1]:5 outbound, 1 failure, next attempt 2026-01-31T12:34:56Z");
  CHECK(text(Record()) == "no address inbound, 0 failures, next attempt 1970-01-01T00:00:00Z");
}

TEST(a_history_says_what_never_happened) {
  const History history{at(0), at(86400), {}, {}, at(-1)};
  CHECK(text(history) ==
        "first heard 1970-01-01T00:00:00Z, last heard 1970-01-02T00:00:00Z, first reached never, last reached never, "
        "last attempt 1969-12-31T23:59:59Z");
}

TEST(a_ban_ends_or_is_for_good) {
  CHECK(text(Ban{"203.0.113.0/24", at(1767225600)}) == "203.0.113.0/24 until 2026-01-01T00:00:00Z");
  CHECK(text(Ban{"example.org"}) == "example.org for good");
}

TEST(failures_and_errors_begin_with_the_status) {
  const Manager manager = check::quiet_manager();
  const char* const expected = "NOT_FOUND: no peer 1.2.3.4:5 in the table";
  CHECK(text(manager.try_load(address("1.2.3.4:5")).error()) == expected);
  try {
    static_cast<void>(manager.load(address("1.2.3.4:5")));
    CHECK(false);
  } catch (const Error& error) {
    CHECK(text(error) == expected);
  }
}

// The calendar, against a walk through it day by day.
TEST(times_are_dates_of_the_gregorian_calendar) {
  int year = 1599, month = 1, day = 1;
  for (std::int64_t days = -135505; days < 400 * 366; ++days) {
    char expected[64];
    std::snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59Z", year, month, day);
    if (!CHECK(detail::text(at(days * 86400 + 86399)) == expected)) return;
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int last = month == 2 ? (is_leap ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    if (++day > last) day = 1, ++month;
    if (month > 12) month = 1, ++year;
  }
  CHECK(year > 2300);
}

TEST(every_time_has_a_text) {
  constexpr auto longest = std::numeric_limits<std::int64_t>::max();
  CHECK(detail::text(at(longest)) == "292277026596-12-04T15:30:07Z");
  CHECK(detail::text(at(-longest - 1)) == "-292277022657-01-27T08:29:52Z");
  CHECK(detail::text(at(-62135596801)) == "0000-12-31T23:59:59Z");
}

}  // namespace
