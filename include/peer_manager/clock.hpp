/**
 * @file clock.hpp
 * @brief How a clock in C++ is called from C. Nothing here is for users. Include peer_manager.hpp.
 *
 * No exception may cross the library. What the clock throws is kept by the innermost Call of the thread, and comes out
 * when the function of the library has returned. The library calls the clock on the thread that called it, so the
 * innermost Call is the right one, also when the clock uses a manager itself.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

#include "enums.hpp"
#include "result.hpp"

namespace peermanager::detail {

/* A call into the library that is under way on this thread. */
class Call {
public:
  Call() noexcept : outer_(innermost()) { innermost() = this; }
  ~Call() { innermost() = outer_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /* The result of the call, when the library has returned. */
  Result<void> result(peer_manager_status status, const peer_manager_error& error) noexcept {
    if (thrown_) return Failure(std::move(thrown_));
    if (status != PEER_MANAGER_OK) return Failure(error);
    return {};
  }

  /* Keeps what was thrown. It is lost if C code uses the handle by itself. */
  static void keep(std::exception_ptr thrown) noexcept {
    Call* const call = innermost();
    if (call != nullptr && !call->thrown_) call->thrown_ = std::move(thrown);
  }

private:
  static Call*& innermost() noexcept {
    thread_local Call* call = nullptr;
    return call;
  }

  Call* const outer_;
  std::exception_ptr thrown_;
};

/* Calls the library and turns what it returns into a result. */
template <class Function>
Result<void> call(Function function) noexcept {
  Call scope;
  peer_manager_error error;
  const peer_manager_status status = function(&error);
  return scope.result(status, error);
}

/* The clock of a manager; it stays where it is as long as the handle lives. */
class Clock {
public:
  explicit Clock(std::function<sys_seconds()> read) : read_(std::move(read)), last_(seconds(system_now())) {}

  /* What the library calls. */
  static std::int64_t now(void* context) noexcept {
    Clock& clock = *static_cast<Clock*>(context);
#if defined(__cpp_exceptions)
    try {
      return clock.tell();
    } catch (...) {
      Call::keep(std::current_exception());
      return clock.last_.load(std::memory_order_relaxed);
    }
#else
    return clock.tell();
#endif
  }

private:
  static std::int64_t seconds(sys_seconds time) noexcept { return time.time_since_epoch().count(); }

  std::int64_t tell() {
    const std::int64_t time = seconds(read_());
    last_.store(time, std::memory_order_relaxed);
    return time;
  }

  const std::function<sys_seconds()> read_;
  std::atomic<std::int64_t> last_;
};

}  // namespace peermanager::detail
