/**
 * @file values.hpp
 * @brief What is known of a peer: Record and History; and Ban. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "address.hpp"
#include "compare.hpp"
#include "enums.hpp"

namespace peermanager {

/** All that is known of one peer. */
struct Record {
  Address address;                   /**< Where it listens. */
  sys_seconds next_attempt{};        /**< When it may be dialled next. */
  std::uint32_t num_failures = 0;    /**< Failures since the last success. */
  PeerType type = PeerType::Inbound; /**< What it is to us. */

  /** The record of a peer that was just heard of: inbound, no failures, due at now. */
  static Result<Record> try_make(const Address& address, sys_seconds now) noexcept {
    peer_manager_record record;
    peer_manager_error error;
    if (peer_manager_record_init(&address.c_get(), seconds(now), &record, &error) != PEER_MANAGER_OK)
      return Failure(error);
    return from_c(record);
  }
#if defined(__cpp_exceptions)
  /** try_make, or throws. */
  [[nodiscard]] static Record make(const Address& address, sys_seconds now) { return try_make(address, now).value(); }
#endif

  /** Whether the next attempt is due. */
  [[nodiscard]] bool is_ready(sys_seconds now) const noexcept {
    const peer_manager_record record = to_c();
    return peer_manager_record_is_ready(&record, seconds(now));
  }

  /** Converts a record that the library has written. */
  [[nodiscard]] static Record from_c(const peer_manager_record& record) noexcept {
    Record result;
    result.address.raw_ = record.address;
    result.next_attempt = sys_seconds(std::chrono::seconds(record.next_attempt));
    result.num_failures = record.num_failures;
    result.type = static_cast<PeerType>(record.peer_type);
    return result;
  }
  /** The record of C. */
  [[nodiscard]] peer_manager_record to_c() const noexcept {
    return {address.c_get(), seconds(next_attempt), num_failures, static_cast<std::uint32_t>(type)};
  }

private:
  static std::int64_t seconds(sys_seconds time) noexcept { return time.time_since_epoch().count(); }
};

template <>
struct detail::Fields<Record> : Ordered {
  static auto of(const Record& record) noexcept {
    return std::tie(record.address, record.next_attempt, record.num_failures, record.type);
  }
};

/** When a peer was heard of, reached and tried; nothing for never, and for what is not known. Kept with
 * Options::keep_history only. */
struct History {
  /** When the peer was inserted; of one that was there before its history was kept, when something was noted first. */
  std::optional<sys_seconds> first_heard = {};
  /** When it was last inserted, or named by gossip (ensure_exists), to the day: gossip moves it only if it differs by a
   * day or more. */
  std::optional<sys_seconds> last_heard = {};
  std::optional<sys_seconds> first_reached = {}; /**< When it was first reached: Backoff::Reset or HardReset. */
  std::optional<sys_seconds> last_reached = {};  /**< When it was last reached. */
  std::optional<sys_seconds> last_attempt = {};  /**< When an attempt to reach it last failed: Backoff::Increase. */

  /** Converts a history that the library has written. */
  [[nodiscard]] static History from_c(const peer_manager_history& history) noexcept {
    return {time(history.first_heard), time(history.last_heard), time(history.first_reached),
            time(history.last_reached), time(history.last_attempt)};
  }

private:
  static std::optional<sys_seconds> time(std::int64_t seconds) noexcept {
    if (seconds == 0) return std::nullopt;
    return sys_seconds(std::chrono::seconds(seconds));
  }
};

template <>
struct detail::Fields<History> : Ordered {
  static auto of(const History& history) noexcept {
    return std::tie(history.first_heard, history.last_heard, history.first_reached, history.last_reached,
                    history.last_attempt);
  }
};

/** The end of a ban that has none. */
inline constexpr sys_seconds for_good = sys_seconds::max();
static_assert(for_good.time_since_epoch().count() == std::numeric_limits<std::int64_t>::max());

/** A host or a prefix that is refused until a time. */
struct Ban {
  std::string subject;          /**< In canonical form: a host, or a prefix such as 203.0.113.0/24. */
  sys_seconds until = for_good; /**< The first second at which it is over; for_good if it has no end. */
};

template <>
struct detail::Fields<Ban> : Ordered {
  static auto of(const Ban& ban) noexcept { return std::tie(ban.subject, ban.until); }
};

/** The most bytes of data that go with a peer. */
inline constexpr std::size_t data_capacity = PEER_MANAGER_DATA_CAPACITY;

}  // namespace peermanager

/** @cond  Doxygen does not know the class template. */
/* Values as keys of std::unordered_map. The hash has no secret: where strangers choose the values, use another. */
template <>
struct std::hash<peermanager::Record> : peermanager::detail::Hasher {};
template <>
struct std::hash<peermanager::History> : peermanager::detail::Hasher {};
template <>
struct std::hash<peermanager::Ban> : peermanager::detail::Hasher {};
/** @endcond */
