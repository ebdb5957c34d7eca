#include "RandomPeerSource.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace stellar {

namespace {

constexpr std::size_t kBatchSize = 1000;

PeerTypeFilter onlyType(PeerType type) {
  switch (type) {
    case PeerType::INBOUND:
      return PeerTypeFilter::INBOUND_ONLY;
    case PeerType::OUTBOUND:
      return PeerTypeFilter::OUTBOUND_ONLY;
    case PeerType::PREFERRED:
      return PeerTypeFilter::PREFERRED_ONLY;
  }
  throw std::invalid_argument("no such PeerType");
}

}  // namespace

PeerQuery RandomPeerSource::maxFailures(std::size_t maxFailures, bool outbound) {
  return {false, maxFailures, outbound ? PeerTypeFilter::ANY_OUTBOUND : PeerTypeFilter::INBOUND_ONLY};
}

PeerQuery RandomPeerSource::nextAttemptCutoff(PeerType peerType) {
  return {true, peermanager::really_dead, onlyType(peerType)};
}

RandomPeerSource::RandomPeerSource(PeerManager& peerManager, PeerQuery peerQuery)
    : mPeerManager(peerManager), mPeerQuery(std::move(peerQuery)) {}

std::vector<PeerBareAddress> RandomPeerSource::getRandomPeers(std::size_t size,
                                                              std::function<bool(PeerBareAddress const&)> pred) {
  if (mPeerCache.size() < size) mPeerCache = mPeerManager.loadRandomPeers(mPeerQuery, std::max(size, kBatchSize));

  std::vector<PeerBareAddress> result;
  while (result.size() < size && !mPeerCache.empty()) {
    PeerBareAddress candidate = std::move(mPeerCache.back());
    mPeerCache.pop_back();
    if (pred(candidate)) result.push_back(std::move(candidate));
  }
  return result;
}

}  // namespace stellar
