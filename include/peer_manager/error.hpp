/**
 * @file error.hpp
 * @brief What can go wrong: Status, Failure and Error. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "../peer_manager.h"

#if defined(__clang__)
#define PEER_MANAGER_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define PEER_MANAGER_LIFETIMEBOUND
#endif

namespace peermanager {

/** Why a call did nothing; the numbers are those of C, whose header describes each. */
enum class Status : std::int32_t {
  ClockFailed = -1, /**< In C++ only: Options::clock threw. Failure::cause has the exception. */
  Ok = PEER_MANAGER_OK,
  InvalidArgument = PEER_MANAGER_ERROR_INVALID_ARGUMENT,
  InvalidAddress = PEER_MANAGER_ERROR_INVALID_ADDRESS,
  NotFound = PEER_MANAGER_ERROR_NOT_FOUND,
  Database = PEER_MANAGER_ERROR_DATABASE,
  Corrupt = PEER_MANAGER_ERROR_CORRUPT,
  Busy = PEER_MANAGER_ERROR_BUSY,
  DiskFull = PEER_MANAGER_ERROR_DISK_FULL,
  Limit = PEER_MANAGER_ERROR_LIMIT,
  Unsupported = PEER_MANAGER_ERROR_UNSUPPORTED,
  Internal = PEER_MANAGER_ERROR_INTERNAL,
  Refused = PEER_MANAGER_ERROR_REFUSED,
  NoMemory = PEER_MANAGER_ERROR_NO_MEMORY
};

/** The name of a status, for logs: "OK", "NOT_FOUND" and so on; "UNKNOWN" for any other number. */
[[nodiscard]] inline std::string_view status_name(Status status) noexcept {
  if (status == Status::ClockFailed) return "CLOCK_FAILED";
  return peer_manager_status_name(static_cast<std::int32_t>(status));
}

class Failure;

/** What the throwing forms throw; what() is the message of the library: one line, safe to print. */
class Error : public std::runtime_error {
public:
  /** Makes the exception of a failure. */
  explicit Error(const Failure& failure);
  /** Why the call did nothing. */
  [[nodiscard]] Status status() const noexcept { return status_; }
  /** SQLite's extended result code; 0 where SQLite was not involved. */
  [[nodiscard]] int sqlite_code() const noexcept { return sqlite_code_; }

private:
  Status status_;
  int sqlite_code_;
};

/** What failed, as a value. Making and copying it does not allocate. */
class Failure {
public:
  /** The failure that a C function has written. */
  explicit Failure(const peer_manager_error& error) noexcept : error_(error) {}

  /** A failure that the C++ side has found; the message is cut to what fits. */
  Failure(Status status, std::string_view message) noexcept : error_() {
    error_.status = static_cast<std::int32_t>(status);
    message.copy(error_.message, sizeof error_.message - 1);
  }

  /** The failure of a call during which the clock threw. */
  explicit Failure(std::exception_ptr thrown) noexcept
      : Failure(Status::ClockFailed, "the clock threw an exception during the call; mend the clock") {
    cause_ = std::move(thrown);
  }

  /** Why the call did nothing. */
  [[nodiscard]] Status status() const noexcept { return static_cast<Status>(error_.status); }
  /** SQLite's extended result code; 0 where SQLite was not involved. */
  [[nodiscard]] int sqlite_code() const noexcept { return error_.sqlite_code; }
  /** One line of UTF-8, NUL-terminated: what failed, on what, and what to do. Lives as long as the failure. */
  [[nodiscard]] const char* message() const noexcept PEER_MANAGER_LIFETIMEBOUND { return error_.message; }
  /** What the clock threw; null for every status but ClockFailed. */
  [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }

#if defined(__cpp_exceptions)
  /** Throws the failure as an exception: what the clock threw, or an Error. */
  [[noreturn]] void raise() const {
    if (cause_) std::rethrow_exception(cause_);
    throw Error(*this);
  }
#endif

  /** Whether all of it is the same. @{ */
  [[nodiscard]] friend bool operator==(const Failure& a, const Failure& b) noexcept {
    return a.status() == b.status() && a.sqlite_code() == b.sqlite_code() && a.cause_ == b.cause_ &&
           std::string_view(a.message()) == b.message();
  }
  [[nodiscard]] friend bool operator!=(const Failure& a, const Failure& b) noexcept { return !(a == b); }
  /** @} */

private:
  peer_manager_error error_;
  std::exception_ptr cause_;
};

inline Error::Error(const Failure& failure)
    : std::runtime_error(failure.message()), status_(failure.status()), sqlite_code_(failure.sqlite_code()) {}

/** The version of the library that is loaded: major * 1000000 + minor * 1000 + patch. */
[[nodiscard]] inline std::uint32_t version_number() noexcept { return peer_manager_version_number(); }
/** The version of the library that is loaded, as text. */
[[nodiscard]] inline std::string_view version_string() noexcept { return peer_manager_version_string(); }
/** How the library that is loaded was built, in one line, for logs and bug reports. */
[[nodiscard]] inline std::string_view build_info() noexcept { return peer_manager_build_info(); }

/** The version of these headers, to be compared with version_number(). */
inline constexpr std::uint32_t header_version_number = PEER_MANAGER_VERSION_NUMBER;
/** The version of these headers as text. */
inline constexpr std::string_view header_version_string = PEER_MANAGER_VERSION_STRING;
/** The number of failures from which a node usually tells others no more about a peer. */
inline constexpr std::uint32_t max_failures = PEER_MANAGER_MAX_FAILURES;
/** The most failures with which a peer is dialled still. */
inline constexpr std::uint32_t really_dead = PEER_MANAGER_REALLY_DEAD;

}  // namespace peermanager

#undef PEER_MANAGER_LIFETIMEBOUND
