/**
 * @file address.hpp
 * @brief Address, where a peer listens. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "compare.hpp"
#include "result.hpp"

#if defined(PEER_MANAGER_HAS_SOCKADDR)
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <sys/socket.h>
#endif
#endif

#if defined(__clang__)
#define PEER_MANAGER_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define PEER_MANAGER_LIFETIMEBOUND
#endif

namespace peermanager {

class Address;

namespace detail {

/* Text as C takes it: a copy on the stack that ends with a NUL. */
class AddressText {
public:
  explicit AddressText(std::string_view text) noexcept : length_(text.size()) {
    has_nul_ = text.find('\0') != std::string_view::npos;
    if (length_ < sizeof buffer_) buffer_[text.copy(buffer_, sizeof buffer_ - 1)] = '\0';
  }

  /* Succeeds when c_str() is the text; else one of the messages says why it is not. */
  Result<void> check(std::string_view has_nul, std::string_view too_long) const noexcept {
    if (has_nul_) return Failure(Status::InvalidArgument, has_nul);
    if (length_ >= sizeof buffer_) return Failure(Status::InvalidAddress, too_long);
    return {};
  }
  Result<void> check() const noexcept {
    return check("the address contains a NUL byte; leave it out",
                 "the text is longer than any peer address; write host:port");
  }
  const char* c_str() const noexcept { return buffer_; }

private:
  std::size_t length_;
  bool has_nul_;
  char buffer_[512]; /* no address is longer than PEER_MANAGER_ADDRESS_TEXT_CAPACITY */
};

peer_manager_address* raw(Address* addresses) noexcept;
const peer_manager_address* raw(const Address* addresses) noexcept;

}  // namespace detail

#if defined(PEER_MANAGER_HAS_SOCKADDR)
/** A socket address, as connect takes it. */
struct SocketAddress {
  sockaddr_storage storage; /**< An AF_INET or AF_INET6 address. */
  socklen_t length;         /**< Its size in bytes. */

  /** The address as system calls take it. */
  [[nodiscard]] const sockaddr* get() const noexcept PEER_MANAGER_LIFETIMEBOUND {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};
#endif

/** Where a peer listens: a host (IPv4, IPv6 or a name) and a port, always in canonical form. A value of 256 bytes; a
 * default-constructed one is empty, and every call refuses it as InvalidAddress. */
class Address {
public:
  /** No address. */
  Address() noexcept : raw_() {}

  /** Makes an address from a host (IPv6 without brackets) and a port. */
  static Result<Address> try_make(std::string_view host, std::uint16_t port) noexcept {
    const detail::AddressText text(host);
    if (auto checked = text.check(); !checked) return checked.error();
    return made([&](auto* out, auto* error) { return peer_manager_address_init(text.c_str(), port, out, error); });
  }

  /** Makes an address from text such as "1.2.3.4:11625", "[2001:db8::1]:11625" or "example.org:11625"; with a
   * default_port other than 0 the text need not have a port. */
  static Result<Address> try_parse(std::string_view host_and_port, std::uint16_t default_port = 0) noexcept {
    const detail::AddressText text(host_and_port);
    if (auto checked = text.check(); !checked) return checked.error();
    return made(
        [&](auto* out, auto* error) { return peer_manager_address_parse(text.c_str(), default_port, out, error); });
  }

  /** Makes an address from one of C, in any spelling. */
  static Result<Address> try_from_c(const peer_manager_address& address) noexcept {
    peer_manager_record record;
    return made([&](auto* out, auto* error) {
      const peer_manager_status status = peer_manager_record_init(&address, 0, &record, error);
      if (status == PEER_MANAGER_OK) *out = record.address;
      return status;
    });
  }

#if defined(PEER_MANAGER_HAS_SOCKADDR)
  /** Makes an address from a socket address, as accept and getpeername give it. */
  static Result<Address> try_from_sockaddr(const sockaddr* address, std::size_t size) noexcept {
    return made([&](auto* out, auto* error) { return peer_manager_address_from_sockaddr(address, size, out, error); });
  }

  /** Makes a socket address from an IP address; fails as Unsupported for a name. */
  [[nodiscard]] Result<SocketAddress> try_to_sockaddr() const noexcept {
    SocketAddress address{};
    std::size_t size = 0;
    peer_manager_error error;
    if (peer_manager_address_to_sockaddr(&raw_, &address.storage, &size, &error) != PEER_MANAGER_OK)
      return Failure(error);
    address.length = static_cast<socklen_t>(size);
    return address;
  }
#endif

#if defined(__cpp_exceptions)
  /** try_make, or throws. */
  Address(std::string_view host, std::uint16_t port) : Address(try_make(host, port).value()) {}
  /** try_parse, or throws. */
  [[nodiscard]] static Address parse(std::string_view host_and_port, std::uint16_t default_port = 0) {
    return try_parse(host_and_port, default_port).value();
  }
  /** try_from_c, or throws. */
  [[nodiscard]] static Address from_c(const peer_manager_address& address) { return try_from_c(address).value(); }
#if defined(PEER_MANAGER_HAS_SOCKADDR)
  /** try_from_sockaddr, or throws. */
  [[nodiscard]] static Address from_sockaddr(const sockaddr* address, std::size_t size) {
    return try_from_sockaddr(address, size).value();
  }
  /** try_to_sockaddr, or throws. */
  [[nodiscard]] SocketAddress to_sockaddr() const { return try_to_sockaddr().value(); }
#endif
#endif

  /** The host (IPv6 without brackets), NUL-terminated. Valid as long as the address. */
  [[nodiscard]] std::string_view host() const noexcept PEER_MANAGER_LIFETIMEBOUND { return raw_.host; }
  /** The port; 0 only when empty. */
  [[nodiscard]] std::uint16_t port() const noexcept { return raw_.port; }
  /** Whether this is the empty address. */
  [[nodiscard]] bool empty() const noexcept { return raw_.port == 0; }
  /** "host:port", with an IPv6 host in brackets; empty text for the empty address. */
  [[nodiscard]] std::string to_string() const {
    char text[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
    const bool ok = peer_manager_address_format(&raw_, text, sizeof text, nullptr) == PEER_MANAGER_OK;
    return ok ? text : std::string();
  }
  /** Whether it means nothing to a stranger, so that it is not sent to one. */
  [[nodiscard]] bool is_private() const noexcept { return peer_manager_address_is_private(&raw_); }
  /** Whether a stranger on the Internet may be able to reach it: not private, and not set aside for examples or no
   * host. */
  [[nodiscard]] bool is_routable() const noexcept { return peer_manager_address_is_routable(&raw_); }
  /** The address of C. */
  [[nodiscard]] const peer_manager_address& c_get() const noexcept PEER_MANAGER_LIFETIMEBOUND { return raw_; }

private:
  friend struct Record;

  /* The address that a function of C writes, which is canonical. */
  template <class Call>
  static Result<Address> made(Call call) noexcept {
    Address address;
    peer_manager_error error;
    if (call(&address.raw_, &error) != PEER_MANAGER_OK) return Failure(error);
    return address;
  }

  peer_manager_address raw_;
};

namespace detail {

/* Both are canonical, so the same bytes are the same address. */
template <>
struct Fields<Address> : Ordered {
  static auto of(const Address& address) noexcept { return std::tuple(address.host(), address.port()); }
};

/* Arrays of addresses go to C and back without a copy, because an Address has the layout of one of C. */
static_assert(sizeof(Address) == sizeof(peer_manager_address) && std::is_standard_layout_v<Address> &&
              std::is_trivially_copyable_v<Address>);

inline peer_manager_address* raw(Address* addresses) noexcept {
  return reinterpret_cast<peer_manager_address*>(addresses);
}

inline const peer_manager_address* raw(const Address* addresses) noexcept {
  return reinterpret_cast<const peer_manager_address*>(addresses);
}

}  // namespace detail
}  // namespace peermanager

/** @cond  Doxygen does not know the class template. */
/* Addresses as keys of std::unordered_map. The hash has no secret: where strangers choose the addresses, use another.
 */
template <>
struct std::hash<peermanager::Address> : peermanager::detail::Hasher {};
/** @endcond */

#undef PEER_MANAGER_LIFETIMEBOUND
