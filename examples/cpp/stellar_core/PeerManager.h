// The table of peers with the interface of stellar-core's PeerManager, over this library.

#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "PeerBareAddress.h"

namespace stellar {

enum class PeerType { INBOUND, OUTBOUND, PREFERRED };

enum class PeerTypeFilter { INBOUND_ONLY, OUTBOUND_ONLY, PREFERRED_ONLY, ANY_OUTBOUND };

// What is known of a peer; its key is a PeerBareAddress.
struct PeerRecord {
  std::tm mNextAttempt{};  // UTC; fields beyond their range carry over, as timegm has it
  std::size_t mNumFailures{0};
  int mType{0};
};

bool operator==(PeerRecord const& x, PeerRecord const& y);

struct PeerQuery {
  bool mUseNextAttempt;
  std::optional<std::size_t> mMaxNumFailures;  // none: no bound
  PeerTypeFilter mTypeFilter;
};

// Any number of threads may use it at once. What fails is thrown as peermanager::Error. What is no IPv4 address with a
// port is never found, and a change of it does nothing. Peers at other addresses, which only the library itself can
// bring in, are not seen here.
class PeerManager {
public:
  using Peers = std::vector<std::pair<PeerBareAddress, PeerRecord>>;

  enum class TypeUpdate { ENSURE_OUTBOUND, SET_PREFERRED, ENSURE_NOT_PREFERRED };
  enum class BackOffUpdate { HARD_RESET, RESET, INCREASE };

  // Takes the place of the constructor with an Application: the options name the file and the clock. The last argument
  // is what stellar-core's configuration calls ALLOW_PRIVATE_ADDRESSES_FOR_TESTING: whether getPeersToSend has them.
  //
  // The library is opened with Reach::Private unless the options ask for Reach::Public, because stellar-core tells
  // others about loopback addresses; getPeersToSend leaves out what stellar-core takes for private. Under Reach::Public
  // it has neither.
  explicit PeerManager(peermanager::Options options, bool allowPrivateAddresses = false);

  // Forgets all peers.
  void dropAll();

  // Makes sure that the address is known; a new one is inbound and may be dialled now. One that a bound or a policy of
  // the options refuses is left out, here and in the updates, and counted by the library: no gossip ends a node.
  void ensureExists(PeerBareAddress const& address);

  // Notes of what type the peer was seen to be, and whether it is certain that it is not preferred otherwise.
  void update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown);
  void update(PeerBareAddress const& address, TypeUpdate type);
  // Notes how a dial went.
  void update(PeerBareAddress const& address, BackOffUpdate backOff);
  // Both in one change.
  void update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown, BackOffUpdate backOff);
  void update(PeerBareAddress const& address, TypeUpdate type, BackOffUpdate backOff);

  // What is known of the address, and true; or what would be known if it were new, and false. A failure count that the
  // library cannot hold is cut, here and in store.
  std::pair<PeerRecord, bool> load(PeerBareAddress const& address);

  // Stores the record, whether the address is known or not: inDatabase says nothing here.
  void store(PeerBareAddress const& address, PeerRecord const& peerRecord, bool inDatabase);

  // At most size peers that the query admits, at random.
  std::vector<PeerBareAddress> loadRandomPeers(PeerQuery const& query, std::size_t size);

  // Forgets the peers that have failed at least so often; with an address, only those with its host, on any port. Cost:
  // with an address, linear in the table, and a peer that becomes good meanwhile may be removed.
  void removePeersWithManyFailures(std::size_t minNumFailures, PeerBareAddress const* address = nullptr);

  // Whom to tell the peer at this address about: not itself, no private address, no peer with more than 10 failures;
  // preferred peers first, then outbound, then inbound ones.
  std::vector<PeerBareAddress> getPeersToSend(std::size_t size, PeerBareAddress const& address);

  Peers loadAllPeers();
  // In one transaction: all or none; what is no IPv4 address with a port is left out.
  void storePeers(Peers const& peers);

  // The library, for what stellar-core does not have.
  peermanager::Manager& manager() { return mManager; }

private:
  void removeHost(std::string const& ip, std::uint32_t minNumFailures);

  peermanager::Manager mManager;
  std::function<peermanager::sys_seconds()> mNow;
  bool mAllowPrivateAddresses;
};

}  // namespace stellar
