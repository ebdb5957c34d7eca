// What the tests of the adapter share.

#pragma once

#include <ctime>
#include <set>

#include "../tests/check.hpp"
#include "RandomPeerSource.h"

namespace stellar::testing {

using check::kNow;
using BackOffUpdate = PeerManager::BackOffUpdate;

// The numbers of PeerType, as a PeerRecord has them.
enum { INBOUND, OUTBOUND, PREFERRED };

// A table in memory whose clock stands still and whose draws repeat.
inline peermanager::Options quiet() {
  peermanager::Options options;
  options.rng_seed = 1;
  options.clock = [] { return check::at(kNow); };
  return options;
}

inline std::tm tmOf(std::time_t seconds) {
  std::tm result{};
  gmtime_r(&seconds, &result);
  return result;
}

inline std::time_t secondsOf(std::tm time) { return timegm(&time); }

inline PeerBareAddress numbered(std::size_t port) {
  return PeerBareAddress("8.8.8.8", static_cast<unsigned short>(port));
}

inline PeerBareAddress localhost(std::size_t port) {
  return PeerBareAddress("127.0.0.1", static_cast<unsigned short>(port));
}

inline bool knows(PeerManager& peers, PeerBareAddress const& address) { return peers.load(address).second; }

inline std::set<std::size_t> portsOf(std::vector<PeerBareAddress> const& addresses) {
  std::set<std::size_t> result;
  for (PeerBareAddress const& address : addresses) result.insert(address.getPort());
  return result;
}

inline bool always(PeerBareAddress const&) { return true; }

// What stands for stellar-core's Application where only its type counts.
struct NoApplication {};

inline PeerBareAddress resolve(std::string const& text, unsigned short port = PeerBareAddress::DEFAULT_PEER_PORT) {
  NoApplication app;
  return PeerBareAddress::resolve(text, app, port);
}

// Whether the call throws such an exception.
template <class Exception, class Function>
bool throws(Function function) {
  try {
    function();
  } catch (Exception const&) {
    return true;
  }
  return false;
}

}  // namespace stellar::testing
