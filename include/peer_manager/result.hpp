/**
 * @file result.hpp
 * @brief Result, what a call returns that can fail. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_expected)
#include <expected>
#endif

#include "error.hpp"

#if defined(__clang__)
#define PEER_MANAGER_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define PEER_MANAGER_LIFETIMEBOUND
#endif

namespace peermanager {

template <class T>
class Result;

namespace detail {

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

/* Calls a function with the value of a result, or with nothing where the value is nothing. */
template <class Function, class Self>
decltype(auto) call_with_value(Function&& function, Self&& self) {
  if constexpr (std::is_void_v<typename std::decay_t<Self>::value_type>)
    return std::invoke(std::forward<Function>(function));
  else
    return std::invoke(std::forward<Function>(function), *std::forward<Self>(self));
}

/* The members of Result, for results that are lvalues, constant or rvalues. */

template <class Self, class Function>
auto and_then(Self&& self, Function&& function) {
  using Next = std::decay_t<decltype(call_with_value(std::forward<Function>(function), std::forward<Self>(self)))>;
  static_assert(is_result<Next>, "what and_then calls returns a Result");
  return self.has_value() ? call_with_value(std::forward<Function>(function), std::forward<Self>(self))
                          : Next(std::forward<Self>(self).error());
}

template <class Self, class Function>
auto transform(Self&& self, Function&& function) {
  using Value = std::decay_t<decltype(call_with_value(std::forward<Function>(function), std::forward<Self>(self)))>;
  if (!self.has_value()) return Result<Value>(std::forward<Self>(self).error());
  if constexpr (std::is_void_v<Value>) {
    call_with_value(std::forward<Function>(function), std::forward<Self>(self));
    return Result<Value>(); /* dependent: Result<void> is not complete yet */
  } else {
    return Result<Value>(call_with_value(std::forward<Function>(function), std::forward<Self>(self)));
  }
}

template <class Self, class Function>
std::decay_t<Self> or_else(Self&& self, Function&& function) {
  static_assert(std::is_same_v<std::decay_t<Self>,
                               std::decay_t<decltype(std::invoke(function, std::forward<Self>(self).error()))>>,
                "what or_else calls returns the same type of Result");
  if (self.has_value()) return std::forward<Self>(self);
  return std::invoke(std::forward<Function>(function), std::forward<Self>(self).error());
}

/* What Result has whatever its value is: the chains, which are those of std::expected. */
template <class Derived>
class Chains {
public:
  /** Returns what the function returns for the value, a Result too; a failure is passed on. @{ */
  template <class Function>
  auto and_then(Function&& function) & {
    return detail::and_then(self(*this), std::forward<Function>(function));
  }
  template <class Function>
  auto and_then(Function&& function) const& {
    return detail::and_then(self(*this), std::forward<Function>(function));
  }
  template <class Function>
  auto and_then(Function&& function) && {
    return detail::and_then(std::move(self(*this)), std::forward<Function>(function));
  }
  /** @} */

  /** Returns a Result with what the function makes of the value; a failure is passed on. @{ */
  template <class Function>
  auto transform(Function&& function) & {
    return detail::transform(self(*this), std::forward<Function>(function));
  }
  template <class Function>
  auto transform(Function&& function) const& {
    return detail::transform(self(*this), std::forward<Function>(function));
  }
  template <class Function>
  auto transform(Function&& function) && {
    return detail::transform(std::move(self(*this)), std::forward<Function>(function));
  }
  /** @} */

  /** Returns what the function returns for the Failure, a Result of the same type; a success is passed on. @{ */
  template <class Function>
  Derived or_else(Function&& function) const& {
    return detail::or_else(self(*this), std::forward<Function>(function));
  }
  template <class Function>
  Derived or_else(Function&& function) && {
    return detail::or_else(std::move(self(*this)), std::forward<Function>(function));
  }
  /** @} */

private:
  static Derived& self(Chains& chains) noexcept { return static_cast<Derived&>(chains); }
  static const Derived& self(const Chains& chains) noexcept { return static_cast<const Derived&>(chains); }
};

}  // namespace detail

/** A value, or why there is none: the std::expected of C++23, for all standards, and converted from it and to it where
 * there is one. Reading the one that is not there is undefined, except by value(), which throws, and so is not there
 * without exceptions.
 *
 * What is read of a temporary is a value, not a reference into it: `for (auto& peer : *peers.try_next_to_dial(…))` and
 * `const auto& peer = peers.try_load(…).value();` are sound. */
template <class T>
class [[nodiscard]] Result : public detail::Chains<Result<T>> {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a Result holds a value");
  static constexpr bool moves_without_throwing = std::is_nothrow_move_constructible_v<T>;

public:
  /** As std::expected has them. @{ */
  using value_type = T;
  using error_type = Failure;
  /** @} */

  /** A success. */
  Result(T value) noexcept(moves_without_throwing) : state_(std::in_place_index<0>, std::move(value)) {}
  /** A failure. */
  Result(Failure failure) noexcept : state_(std::in_place_index<1>, std::move(failure)) {}

  /** Whether there is a value. */
  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  /** Whether there is a value. */
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
  /** Status::Ok, or why there is no value. */
  [[nodiscard]] Status status() const noexcept { return has_value() ? Status::Ok : error().status(); }

  /** Why there is no value. @{ */
  [[nodiscard]] const Failure& error() const& noexcept { return *std::get_if<1>(&state_); }
  [[nodiscard]] Failure error() && noexcept { return std::move(*std::get_if<1>(&state_)); }
  /** @} */

  /** The value. @{ */
  [[nodiscard]] T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] T operator*() && noexcept(moves_without_throwing) { return std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] T operator*() const&& { return *std::get_if<0>(&state_); }
  [[nodiscard]] T* operator->() noexcept PEER_MANAGER_LIFETIMEBOUND { return std::get_if<0>(&state_); }
  [[nodiscard]] const T* operator->() const noexcept PEER_MANAGER_LIFETIMEBOUND { return std::get_if<0>(&state_); }
  /** @} */

  /** The value, or another one when there is none. @{ */
  template <class U = T>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
  }
  template <class U = T>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  /** @} */

#if defined(__cpp_exceptions)
  /** The value; throws as Failure::raise when there is none. @{ */
  T& value() & { return check(), **this; }
  const T& value() const& { return check(), **this; }
  T value() && { return check(), *std::move(*this); }
  T value() const&& { return check(), **this; }
  /** @} */
#endif

#if defined(__cpp_lib_expected)
  /** The same as a std::expected, and back. Write `std::expected<bool, Failure> answer = result;` or to_expected(), not
   * `answer(result)`: the latter asks a std::expected of bool whether there is a value. @{ */
  Result(std::expected<T, Failure> expected)
      : state_(expected ? State(std::in_place_index<0>, *std::move(expected))
                        : State(std::in_place_index<1>, std::move(expected).error())) {}
  operator std::expected<T, Failure>() const& { return to_expected(); }
  operator std::expected<T, Failure>() && { return std::move(*this).to_expected(); }
  [[nodiscard]] std::expected<T, Failure> to_expected() const& {
    if (has_value()) return **this;
    return std::unexpected(error());
  }
  [[nodiscard]] std::expected<T, Failure> to_expected() && {
    if (has_value()) return *std::move(*this);
    return std::unexpected(std::move(*this).error());
  }
  /** @} */
#endif

  /** Whether both have the same value, or the same failure. @{ */
  [[nodiscard]] friend bool operator==(const Result& a, const Result& b) { return a.state_ == b.state_; }
  [[nodiscard]] friend bool operator!=(const Result& a, const Result& b) { return !(a == b); }
  /** @} */

private:
#if defined(__cpp_exceptions)
  void check() const {
    if (!has_value()) error().raise();
  }
#endif

  using State = std::variant<T, Failure>;
  State state_;
};

/** Success, or why there was none. */
template <>
class [[nodiscard]] Result<void> : public detail::Chains<Result<void>> {
public:
  /** As std::expected has them. @{ */
  using value_type = void;
  using error_type = Failure;
  /** @} */

  /** A success. */
  Result() noexcept = default;
  /** A failure. */
  Result(Failure failure) noexcept : failure_(std::move(failure)) {}

  /** Whether the call succeeded. */
  [[nodiscard]] bool has_value() const noexcept { return !failure_.has_value(); }
  /** Whether the call succeeded. */
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
  /** Status::Ok, or why the call did nothing. */
  [[nodiscard]] Status status() const noexcept { return has_value() ? Status::Ok : failure_->status(); }

  /** Why the call did nothing. @{ */
  [[nodiscard]] const Failure& error() const& noexcept { return *failure_; }
  [[nodiscard]] Failure error() && noexcept { return *std::move(failure_); }
  /** @} */

#if defined(__cpp_exceptions)
  /** Throws as Failure::raise when the call did nothing. */
  void value() const {
    if (failure_) failure_->raise();
  }
#endif

#if defined(__cpp_lib_expected)
  /** The same as a std::expected, and back. @{ */
  Result(std::expected<void, Failure> expected) {
    if (!expected) failure_ = std::move(expected).error();
  }
  operator std::expected<void, Failure>() const { return to_expected(); }
  [[nodiscard]] std::expected<void, Failure> to_expected() const {
    if (failure_) return std::unexpected(*failure_);
    return {};
  }
  /** @} */
#endif

  /** Whether both succeeded, or have the same failure. @{ */
  [[nodiscard]] friend bool operator==(const Result& a, const Result& b) noexcept { return a.failure_ == b.failure_; }
  [[nodiscard]] friend bool operator!=(const Result& a, const Result& b) noexcept { return !(a == b); }
  /** @} */

private:
  std::optional<Failure> failure_;
};

}  // namespace peermanager

#undef PEER_MANAGER_LIFETIMEBOUND
