// Where a peer listens, with the interface of stellar-core's class of that name.

#pragma once

#include <string>

#include "peer_manager.hpp"

namespace stellar {

class PeerBareAddress {
public:
  enum class Type { EMPTY, IPv4, IPv6, HOSTNAME };

  static constexpr unsigned short DEFAULT_PEER_PORT = 11625;

  PeerBareAddress() = default;
  // Throws peermanager::Error for what is no address.
  explicit PeerBareAddress(std::string const& ip, unsigned short port);
  explicit PeerBareAddress(peermanager::Address const& address);

  // Reads "host" or "host:port". Names stay names: nothing is looked up.
  static PeerBareAddress resolve(std::string const& ipPort, unsigned short defaultPort = DEFAULT_PEER_PORT);

  bool isEmpty() const { return mAddress.empty(); }
  Type getType() const;
  std::string const& getIP() const { return mIP; }
  unsigned short getPort() const { return mAddress.port(); }
  std::string toString() const { return mAddress.to_string(); }
  bool isPrivate() const { return mAddress.is_private(); }
  bool isLocalhost() const;

  // The address of the library.
  peermanager::Address const& get() const { return mAddress; }

  friend bool operator==(PeerBareAddress const& x, PeerBareAddress const& y) { return x.mAddress == y.mAddress; }
  friend bool operator!=(PeerBareAddress const& x, PeerBareAddress const& y) { return x.mAddress != y.mAddress; }
  friend bool operator<(PeerBareAddress const& x, PeerBareAddress const& y) { return x.mAddress < y.mAddress; }

private:
  peermanager::Address mAddress;
  std::string mIP;  // the host, because getIP returns a reference
};

}  // namespace stellar
