// Where a peer listens, with the interface of stellar-core's class of that name.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "peer_manager.hpp"

namespace stellar {

// A host and a port. As in stellar-core any text is a host and 0 is a port: a socket that was accepted has none before
// HELLO. But the table has peers at IPv4 addresses with ports only, so any other value finds nothing there.
class PeerBareAddress {
public:
  enum class Type { EMPTY, IPv4 };
  using Bytes = std::array<std::uint8_t, 4>;

  static constexpr unsigned short DEFAULT_PEER_PORT = 11625;

  PeerBareAddress() = default;
  // Throws std::runtime_error if ip is empty.
  explicit PeerBareAddress(std::string ip, unsigned short port);
  explicit PeerBareAddress(peermanager::Address const& address);
  // From a PeerAddress of stellar-core's XDR. Throws std::runtime_error if that is an IPv6 address.
  template <class Xdr, class = decltype(std::declval<Xdr const&>().ip.ipv4())>
  explicit PeerBareAddress(Xdr const& address)
      : PeerBareAddress(textOf(bytesOf(address)), static_cast<unsigned short>(address.port)) {}

  // Reads "host" or "host:port", and looks a name up, for which it may wait. Throws std::runtime_error if this is no
  // IPv4 address and no name of one. The application is not used: stellar-core needs it for its own resolver.
  template <class Application>
  static PeerBareAddress resolve(std::string const& ipPort, Application&,
                                 unsigned short defaultPort = DEFAULT_PEER_PORT) {
    return resolved(ipPort, defaultPort);
  }

  bool isEmpty() const { return mType == Type::EMPTY; }
  Type getType() const { return mType; }
  std::string const& getIP() const { return mIP; }
  unsigned short getPort() const { return mPort; }
  std::string const& toString() const { return mText; }
  // In 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16. The library has a longer list, with loopback in it.
  bool isPrivate() const;
  // 127.0.0.1, and no other address of loopback.
  bool isLocalhost() const;

  // The four bytes of the host, if it is an IPv4 address.
  std::optional<Bytes> bytes() const;
  // The address of the library; empty if this is no IPv4 address with a port.
  peermanager::Address const& get() const { return mAddress; }

  friend bool operator==(PeerBareAddress const& x, PeerBareAddress const& y) {
    return x.mPort == y.mPort && x.mIP == y.mIP;
  }
  friend bool operator!=(PeerBareAddress const& x, PeerBareAddress const& y) { return !(x == y); }
  // By port, then by host.
  friend bool operator<(PeerBareAddress const& x, PeerBareAddress const& y) {
    return x.mPort != y.mPort ? x.mPort < y.mPort : x.mIP < y.mIP;
  }

private:
  static PeerBareAddress resolved(std::string const& ipPort, unsigned short defaultPort);
  static std::string textOf(Bytes const& bytes);

  template <class Xdr>
  static Bytes bytesOf(Xdr const& address) {
    if (static_cast<int>(address.ip.type()) != 0) throw std::runtime_error("a peer has an IPv6 address; use IPv4");
    auto const& ip = address.ip.ipv4();
    return {ip[0], ip[1], ip[2], ip[3]};
  }

  Type mType{Type::EMPTY};
  std::string mIP;
  unsigned short mPort{0};
  std::string mText{"(empty)"};
  peermanager::Address mAddress;
};

// The address on the wire: Xdr is PeerAddress of stellar-core's XDR. Throws std::runtime_error if the host is no IPv4
// address.
template <class Xdr>
Xdr toXdr(PeerBareAddress const& address) {
  std::optional<PeerBareAddress::Bytes> const bytes = address.bytes();
  if (!bytes) throw std::runtime_error("not an IPv4 address: " + address.toString());
  Xdr result{};
  result.ip.type(static_cast<std::decay_t<decltype(result.ip.type())>>(0));  // IPv4 in the protocol
  auto& ip = result.ip.ipv4();
  for (std::size_t i = 0; i < bytes->size(); ++i) ip[i] = (*bytes)[i];
  result.port = address.getPort();
  result.numFailures = 0;
  return result;
}

}  // namespace stellar
