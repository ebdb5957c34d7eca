// The table of peers with the interface of stellar-core's PeerManager, over this library.

#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "PeerBareAddress.h"

namespace stellar {

enum class PeerType { INBOUND, OUTBOUND, PREFERRED };

enum class PeerTypeFilter { INBOUND_ONLY, OUTBOUND_ONLY, PREFERRED_ONLY, ANY_OUTBOUND };

// What is known of a peer; its key is a PeerBareAddress.
struct PeerRecord {
  std::tm mNextAttempt{};  // UTC
  int mNumFailures{0};
  int mType{0};
};

bool operator==(PeerRecord const& x, PeerRecord const& y);

struct PeerQuery {
  bool mUseNextAttempt;
  std::optional<int> mMaxNumFailures;  // none: no bound
  PeerTypeFilter mTypeFilter;
};

// Any number of threads may use it at once. What the library refuses is thrown as peermanager::Error.
class PeerManager {
public:
  using Peers = std::vector<std::pair<PeerBareAddress, PeerRecord>>;

  enum class TypeUpdate { ENSURE_OUTBOUND, SET_PREFERRED, ENSURE_NOT_PREFERRED };
  enum class BackOffUpdate { HARD_RESET, RESET, INCREASE };

  // Takes the place of the constructor with an Application: the options name the file and the clock.
  explicit PeerManager(peermanager::Options const& options);

  // Forgets all peers.
  void dropAll();

  // Makes sure that the address is known; a new one is inbound and may be dialled now.
  void ensureExists(PeerBareAddress const& address);

  // Notes of what type the peer was seen to be, and whether it is certain that it is not preferred otherwise.
  void update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown);
  void update(PeerBareAddress const& address, TypeUpdate type);
  // Notes how a dial went.
  void update(PeerBareAddress const& address, BackOffUpdate backOff);
  // Both in one change.
  void update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown, BackOffUpdate backOff);
  void update(PeerBareAddress const& address, TypeUpdate type, BackOffUpdate backOff);

  // What is known of the address, and true; or what would be known if it were new, and false.
  std::pair<PeerRecord, bool> load(PeerBareAddress const& address);

  // Stores the record, whether the address is known or not: inDatabase says nothing here.
  void store(PeerBareAddress const& address, PeerRecord const& peerRecord, bool inDatabase);

  // At most size peers that the query admits, at random.
  std::vector<PeerBareAddress> loadRandomPeers(PeerQuery const& query, int size);

  // Forgets the peers that have failed at least so often; with an address, that one at most.
  void removePeersWithManyFailures(int minNumFailures, PeerBareAddress const* address = nullptr);

  // Whom to tell the peer at this address about: no private address, not itself, the best first.
  std::vector<PeerBareAddress> getPeersToSend(int size, PeerBareAddress const& address);

  Peers loadAllPeers();
  // In one transaction: all or none.
  void storePeers(Peers const& peers);

  // The library, for what stellar-core does not have.
  peermanager::Manager& manager() { return mManager; }

private:
  peermanager::Manager mManager;
  std::function<peermanager::sys_seconds()> mNow;
};

}  // namespace stellar
