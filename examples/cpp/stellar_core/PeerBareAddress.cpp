#include "PeerBareAddress.h"

namespace stellar {

PeerBareAddress::PeerBareAddress(peermanager::Address const& address) : mAddress(address), mIP(address.host()) {}

PeerBareAddress::PeerBareAddress(std::string const& ip, unsigned short port)
    : PeerBareAddress(peermanager::Address(ip, port)) {}

PeerBareAddress PeerBareAddress::resolve(std::string const& ipPort, unsigned short defaultPort) {
  return PeerBareAddress(peermanager::Address::parse(ipPort, defaultPort));
}

PeerBareAddress::Type PeerBareAddress::getType() const {
  if (isEmpty()) return Type::EMPTY;
  if (mIP.find(':') != std::string::npos) return Type::IPv6;
  // No name ends in a number: the library refuses those.
  return mIP.back() >= '0' && mIP.back() <= '9' && mIP.find_first_not_of("0123456789.") == std::string::npos
             ? Type::IPv4
             : Type::HOSTNAME;
}

bool PeerBareAddress::isLocalhost() const {
  return mIP == "localhost" || mIP == "::1" || (getType() == Type::IPv4 && mIP.compare(0, 4, "127.") == 0);
}

}  // namespace stellar
