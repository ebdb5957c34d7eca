/**
 * @file span.hpp
 * @brief Span, a view of an array. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

#if defined(__clang__)
#define PEER_MANAGER_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define PEER_MANAGER_LIFETIMEBOUND
#endif

namespace peermanager {

/** A view of an array that somebody else owns: a pointer and a size. It is made from anything that has data() and
 * size() (std::vector, std::array, std::span) and from C arrays, and converts to std::span where there is one. It is a
 * type of our own so that the signatures are the same under every standard, and units compiled under several can be
 * linked. */
template <class T>
class Span {
public:
  /** Nothing. */
  constexpr Span() noexcept = default;
  /** size elements, beginning at data. */
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  /** A container's elements. */
  template <class Container,
            class = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::data(std::declval<Container&>()))> (*)[], T (*)[]>>>
  constexpr Span(Container&& container PEER_MANAGER_LIFETIMEBOUND) noexcept
      : data_(std::data(container)), size_(std::size(container)) {}

  /** The first element. */
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  /** How many. */
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  /** The first element. */
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  /** Past the last one. */
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }

#if defined(__cpp_lib_span)
  /** The same as a std::span. */
  [[nodiscard]] constexpr operator std::span<T>() const noexcept { return {data_, size_}; }
#endif

private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace peermanager

#undef PEER_MANAGER_LIFETIMEBOUND
