/**
 * @file compare.hpp
 * @brief How values are compared and hashed: field by field. Include peer_manager.hpp.
 *
 * Each value type names its fields once, in a specialisation of detail::Fields; the operators and std::hash follow from
 * that, the same under every standard.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#if defined(__cpp_impl_three_way_comparison) && __has_include(<compare>)
#include <compare>
#endif

namespace peermanager {

namespace detail {

/* `static auto of(const T&)` makes a tuple of the fields. Derived from Ordered where `<` has a meaning. */
template <class T>
struct Fields;

struct Ordered {
  using order = void;
};

template <class T, class = decltype(Fields<T>::of)>
using HasFields = void;

template <class T>
using HasOrder = typename Fields<T>::order;

/* Hashes what fields are made of. There is no secret in it. */
struct Hasher {
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  template <class Clock, class Duration>
  std::size_t operator()(std::chrono::time_point<Clock, Duration> time) const noexcept {
    return (*this)(time.time_since_epoch().count());
  }
  template <class T>
  std::size_t operator()(const std::optional<T>& field) const noexcept {
    return field ? (*this)(*field) + 1 : 0;
  }
  template <class T, class = std::enable_if_t<std::is_class_v<T>>, class = HasFields<T>>
  std::size_t operator()(const T& value) const noexcept {
    return std::apply([this](const auto&... fields) { return this->all(fields...); }, Fields<T>::of(value));
  }
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>>>
  std::size_t operator()(T value) const noexcept {
    return std::hash<T>()(value);
  }

private:
  template <class... T>
  std::size_t all(const T&... fields) const noexcept {
    std::size_t hash = 0;
    /* Odd, so that no bit of what was there is lost. */
    ((hash = hash * static_cast<std::size_t>(0x9E3779B97F4A7C15U) + (*this)(fields)), ...);
    return hash;
  }
};

}  // namespace detail

/** Whether all fields are the same. @{ */
template <class T, class = detail::HasFields<T>>
[[nodiscard]] bool operator==(const T& a, const T& b) noexcept {
  return detail::Fields<T>::of(a) == detail::Fields<T>::of(b);
}
template <class T, class = detail::HasFields<T>>
[[nodiscard]] bool operator!=(const T& a, const T& b) noexcept {
  return !(a == b);
}
/** @} */

/** An order for maps and sorting: by the first field in which they differ, in the order in which the fields are
 * declared. Address, Record, History and Ban have one. @{ */
#if defined(__cpp_impl_three_way_comparison) && __has_include(<compare>)
template <class T, class = detail::HasOrder<T>>
[[nodiscard]] std::strong_ordering operator<=>(const T& a, const T& b) noexcept {
  /* Not the <=> of tuples: not every standard library that has <=> has it for optional and time_point. */
  const auto of_a = detail::Fields<T>::of(a);
  const auto of_b = detail::Fields<T>::of(b);
  if (of_a < of_b) return std::strong_ordering::less;
  return of_b < of_a ? std::strong_ordering::greater : std::strong_ordering::equal;
}
#else
template <class T, class = detail::HasOrder<T>>
[[nodiscard]] bool operator<(const T& a, const T& b) noexcept {
  return detail::Fields<T>::of(a) < detail::Fields<T>::of(b);
}
template <class T, class = detail::HasOrder<T>>
[[nodiscard]] bool operator>(const T& a, const T& b) noexcept {
  return b < a;
}
template <class T, class = detail::HasOrder<T>>
[[nodiscard]] bool operator<=(const T& a, const T& b) noexcept {
  return !(b < a);
}
template <class T, class = detail::HasOrder<T>>
[[nodiscard]] bool operator>=(const T& a, const T& b) noexcept {
  return !(a < b);
}
#endif
/** @} */

}  // namespace peermanager
