// Random peers one batch at a time, with the interface of stellar-core's RandomPeerSource.

#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "PeerManager.h"

namespace stellar {

// Draws a batch of peers and deals it out until it runs short, so that callers meet each peer of a batch once.
// One thread at a time.
class RandomPeerSource {
public:
  // Peers that have failed at most so often: outbound and preferred ones, or inbound ones.
  static PeerQuery maxFailures(std::size_t maxFailures, bool outbound);
  // Peers of one type whose next attempt is due and that have failed at most 120 times: those whom to dial. At 120
  // failures stellar-core removes a peer; getPeersToSend has no peer with more than 10.
  static PeerQuery nextAttemptCutoff(PeerType peerType);

  // The manager must outlive the source.
  explicit RandomPeerSource(PeerManager& peerManager, PeerQuery peerQuery);

  // At most size peers for which pred is true. Those for which it is false are used up too. When the batch holds fewer
  // than size peers, a new one is drawn first.
  std::vector<PeerBareAddress> getRandomPeers(std::size_t size, std::function<bool(PeerBareAddress const&)> pred);

private:
  PeerManager& mPeerManager;
  PeerQuery const mPeerQuery;
  std::vector<PeerBareAddress> mPeerCache;  // dealt from the end
};

}  // namespace stellar
