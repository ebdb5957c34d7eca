// What stands for stellar-core's PeerAddress in the tests: a struct of XDR with the same access to its fields.

#pragma once

#include <array>
#include <cstdint>

namespace stellar::testing {

enum IPAddrType : std::int32_t { IPv4 = 0, IPv6 = 1 };

class IPAddress {
public:
  IPAddrType type() const { return mType; }
  void type(IPAddrType type) { mType = type; }
  std::array<std::uint8_t, 4> const& ipv4() const { return mBytes; }
  std::array<std::uint8_t, 4>& ipv4() { return mBytes; }

private:
  IPAddrType mType{IPv6};  // so that one who forgets to set it is found out
  std::array<std::uint8_t, 4> mBytes{};
};

struct PeerAddress {
  IPAddress ip;
  std::uint32_t port{0};
  std::uint32_t numFailures{99};
};

}  // namespace stellar::testing
