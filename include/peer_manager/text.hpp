/**
 * @file text.hpp
 * @brief Values as text, for logs: to_string, operator<< for streams, std::format. Include peer_manager.hpp.
 *
 * Streams cost nothing where none is used: only iosfwd is included. std::format is there where the standard library
 * says so (__cpp_lib_format); a value takes the format of a text, such as {:>30}.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_format)
#include <format> /* which <chrono> brings with it anyway */
#endif

#include "address.hpp"
#include "enums.hpp"
#include "error.hpp"
#include "values.hpp"

namespace peermanager {

namespace detail {

/* The name of a value, or such as "PeerType(7)" for one that has none. */
template <class Enum>
std::string name(const char* type, Enum value, std::initializer_list<std::string_view> names) {
  const auto number = static_cast<std::uint32_t>(value);
  if (number < names.size()) return std::string(names.begin()[number]);
  return std::string(type) + '(' + std::to_string(number) + ')';
}

/* Such as 2026-01-31T12:34:56Z, for any time at all. std::chrono has no text of it before C++20. */
inline std::string text(sys_seconds time) {
  const std::int64_t seconds = time.time_since_epoch().count();
  const std::int64_t second = (seconds % 86400 + 86400) % 86400;
  /* Days since 1 March of the year 0, when a year ends with its leap day: 400 years are 146,097 days. */
  const std::int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0) + 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day = days - era * 146097;
  const std::int64_t years = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const std::int64_t day_of_year = day - (365 * years + years / 4 - years / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
  const std::int64_t year = era * 400 + years + (month >= 10 ? 1 : 0);
  char out[64];
  std::snprintf(out, sizeof out, "%04lld-%02d-%02dT%02d:%02d:%02dZ", static_cast<long long>(year),
                static_cast<int>(month < 10 ? month + 3 : month - 9),
                static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1), static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return out;
}

inline std::string text(const std::optional<sys_seconds>& time) { return time ? text(*time) : "never"; }

}  // namespace detail

/** A value as text, for people: enumerations as in "any outbound" and "ipv4|onion", an Address as "host:port", times in
 * UTC as in 2026-01-31T12:34:56Z. The text of an Address is what Address::parse reads; that of other values may change
 * with the version. Streams and std::format write the same. @{ */
[[nodiscard]] inline std::string to_string(PeerType type) {
  return detail::name("PeerType", type, {"inbound", "outbound", "preferred"});
}
[[nodiscard]] inline std::string to_string(Backoff backoff) {
  return detail::name("Backoff", backoff, {"hard reset", "reset", "increase"});
}
[[nodiscard]] inline std::string to_string(TypeFilter filter) {
  return detail::name("TypeFilter", filter,
                      {"inbound only", "outbound only", "preferred only", "any outbound", "any", "not preferred"});
}
[[nodiscard]] inline std::string to_string(Purpose purpose) {
  return detail::name("Purpose", purpose, {"connect", "feeler"});
}
[[nodiscard]] inline std::string to_string(Durability durability) {
  return detail::name("Durability", durability, {"commit", "sync", "deferred"});
}
[[nodiscard]] inline std::string to_string(OnCorrupt on_corrupt) {
  return detail::name("OnCorrupt", on_corrupt, {"fail", "quarantine"});
}
[[nodiscard]] inline std::string to_string(Reach reach) {
  return detail::name("Reach", reach, {"specification", "public", "private"});
}
[[nodiscard]] inline std::string to_string(Networks networks) {
  if (networks == Networks::All) return "all";
  auto left = static_cast<std::uint32_t>(networks);
  std::string text;
  std::uint32_t bit = 1;
  for (const std::string_view name : {"ipv4", "ipv6", "onion", "i2p", "name"}) {
    if ((left & bit) != 0) (text += text.empty() ? "" : "|") += name;
    left &= ~bit;
    bit <<= 1;
  }
  if (left != 0) (text += text.empty() ? "" : "|") += "Networks(" + std::to_string(left) + ')';
  return text;
}
[[nodiscard]] inline std::string to_string(Status status) { return std::string(status_name(status)); }
[[nodiscard]] inline std::string to_string(const Failure& failure) {
  return to_string(failure.status()) + ": " + failure.message();
}
[[nodiscard]] inline std::string to_string(const Error& error) {
  return to_string(error.status()) + ": " + error.what();
}
[[nodiscard]] inline std::string to_string(const Address& address) { return address.to_string(); }
[[nodiscard]] inline std::string to_string(const Record& record) {
  return (record.address.empty() ? "no address" : record.address.to_string()) + ' ' + to_string(record.type) + ", " +
         std::to_string(record.num_failures) + (record.num_failures == 1 ? " failure" : " failures") +
         ", next attempt " + detail::text(record.next_attempt);
}
[[nodiscard]] inline std::string to_string(const History& history) {
  return "first heard " + detail::text(history.first_heard) + ", last heard " + detail::text(history.last_heard) +
         ", first reached " + detail::text(history.first_reached) + ", last reached " +
         detail::text(history.last_reached) + ", last attempt " + detail::text(history.last_attempt);
}
[[nodiscard]] inline std::string to_string(const Ban& ban) {
  return ban.subject + (ban.until == for_good ? " for good" : " until " + detail::text(ban.until));
}
/** @} */

namespace detail {

template <class T, class... Types>
inline constexpr bool is_one_of = (std::is_same_v<T, Types> || ...);

/* The types of to_string, by name: nothing else is written by the operator, whatever it converts to. */
template <class T>
using HasText = std::enable_if_t<is_one_of<T, PeerType, Backoff, TypeFilter, Purpose, Durability, OnCorrupt, Reach,
                                           Networks, Status, Failure, Error, Address, Record, History, Ban>>;

}  // namespace detail

/** Writes the text of a value to a stream. */
template <class Traits, class T, class = detail::HasText<T>>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const T& value) {
  return out << std::basic_string_view<char, Traits>(to_string(value).c_str());
}

#if defined(__cpp_lib_format)
namespace detail {

template <class T>
struct Formatter : std::formatter<std::string_view> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    return std::formatter<std::string_view>::format(to_string(value), context);
  }
};

}  // namespace detail
#endif

}  // namespace peermanager

/** @cond  Doxygen does not know the class template. */
#if defined(__cpp_lib_format)
template <>
struct std::formatter<peermanager::PeerType> : peermanager::detail::Formatter<peermanager::PeerType> {};
template <>
struct std::formatter<peermanager::Backoff> : peermanager::detail::Formatter<peermanager::Backoff> {};
template <>
struct std::formatter<peermanager::TypeFilter> : peermanager::detail::Formatter<peermanager::TypeFilter> {};
template <>
struct std::formatter<peermanager::Purpose> : peermanager::detail::Formatter<peermanager::Purpose> {};
template <>
struct std::formatter<peermanager::Durability> : peermanager::detail::Formatter<peermanager::Durability> {};
template <>
struct std::formatter<peermanager::OnCorrupt> : peermanager::detail::Formatter<peermanager::OnCorrupt> {};
template <>
struct std::formatter<peermanager::Reach> : peermanager::detail::Formatter<peermanager::Reach> {};
template <>
struct std::formatter<peermanager::Networks> : peermanager::detail::Formatter<peermanager::Networks> {};
template <>
struct std::formatter<peermanager::Status> : peermanager::detail::Formatter<peermanager::Status> {};
template <>
struct std::formatter<peermanager::Failure> : peermanager::detail::Formatter<peermanager::Failure> {};
template <>
struct std::formatter<peermanager::Error> : peermanager::detail::Formatter<peermanager::Error> {};
template <>
struct std::formatter<peermanager::Address> : peermanager::detail::Formatter<peermanager::Address> {};
template <>
struct std::formatter<peermanager::Record> : peermanager::detail::Formatter<peermanager::Record> {};
template <>
struct std::formatter<peermanager::History> : peermanager::detail::Formatter<peermanager::History> {};
template <>
struct std::formatter<peermanager::Ban> : peermanager::detail::Formatter<peermanager::Ban> {};
#endif
/** @endcond */
