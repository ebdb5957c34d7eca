#include "PeerBareAddress.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <memory>

namespace stellar {

namespace {

// The address of the library for a host and a port, or the empty one if the host is not IPv4 or there is no port.
peermanager::Address ipv4Address(std::string const& ip, unsigned short port) {
  in_addr unused{};
  if (port == 0 || inet_pton(AF_INET, ip.c_str(), &unused) != 1) return {};
  auto made = peermanager::Address::try_make(ip, port);
  return made ? *made : peermanager::Address();
}

// The first IPv4 address of a name, with a port.
peermanager::Address lookedUp(peermanager::Address const& name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::string const host(name.host());
  int const status = getaddrinfo(host.c_str(), std::to_string(name.port()).c_str(), &hints, &found);
  if (status != 0) throw std::runtime_error("cannot resolve \"" + host + "\": " + gai_strerror(status));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owner(found, freeaddrinfo);
  return peermanager::Address::from_sockaddr(found->ai_addr, found->ai_addrlen);
}

}  // namespace

PeerBareAddress::PeerBareAddress(std::string ip, unsigned short port)
    : mType(Type::IPv4),
      mIP(std::move(ip)),
      mPort(port),
      mText(mIP + ":" + std::to_string(port)),
      mAddress(ipv4Address(mIP, port)) {
  if (mIP.empty()) throw std::runtime_error("the host of a peer is empty; use PeerBareAddress() for no address");
}

PeerBareAddress::PeerBareAddress(peermanager::Address const& address) {
  if (!address.empty()) *this = PeerBareAddress(std::string(address.host()), address.port());
}

PeerBareAddress PeerBareAddress::resolved(std::string const& ipPort, unsigned short defaultPort) {
  peermanager::Address const address = peermanager::Address::parse(ipPort, defaultPort);
  if (address.host().find(':') != std::string_view::npos)
    throw std::runtime_error("cannot resolve \"" + ipPort + "\": an IPv6 address; use IPv4");
  PeerBareAddress const result(address);
  return result.bytes() ? result : PeerBareAddress(lookedUp(address));
}

std::string PeerBareAddress::textOf(Bytes const& bytes) {
  std::string text;
  for (std::uint8_t const byte : bytes) text += (text.empty() ? "" : ".") + std::to_string(byte);
  return text;
}

std::optional<PeerBareAddress::Bytes> PeerBareAddress::bytes() const {
  Bytes result;
  if (inet_pton(AF_INET, mIP.c_str(), result.data()) != 1) return std::nullopt;
  return result;
}

bool PeerBareAddress::isPrivate() const {
  std::optional<Bytes> const ip = bytes();
  if (!ip) return false;
  std::uint8_t const first = (*ip)[0];
  std::uint8_t const second = (*ip)[1];
  return first == 10 || (first == 172 && second / 16 == 1) || (first == 192 && second == 168);
}

bool PeerBareAddress::isLocalhost() const { return mIP == "127.0.0.1"; }

}  // namespace stellar
