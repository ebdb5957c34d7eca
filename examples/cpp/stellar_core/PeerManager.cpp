#include "PeerManager.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace stellar {

namespace {

namespace pm = peermanager;

// The years 0 and 9999: what lies further off is shown so. Not every time of the library has a year that fits in a tm.
constexpr std::int64_t kFirstSecond = -62167219200;
constexpr std::int64_t kLastSecond = 253402300799;

std::tm toTm(pm::sys_seconds time) {
  std::int64_t const seconds = time.time_since_epoch().count();
  auto const shown = static_cast<std::time_t>(std::min(std::max(seconds, kFirstSecond), kLastSecond));
  std::tm result{};
  gmtime_r(&shown, &result);
  return result;
}

pm::sys_seconds fromTm(std::tm time) { return pm::sys_seconds(std::chrono::seconds(timegm(&time))); }

PeerRecord fromRecord(pm::Record const& record) {
  return {toTm(record.next_attempt), record.num_failures, static_cast<int>(record.type)};
}

// The library counts failures in 32 bits.
std::uint32_t cut(std::size_t numFailures) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(numFailures, std::numeric_limits<std::uint32_t>::max()));
}

// A type that does not exist is refused by the library.
pm::Record toRecord(pm::Address const& address, PeerRecord const& record) {
  return {address, fromTm(record.mNextAttempt), cut(record.mNumFailures), static_cast<pm::PeerType>(record.mType)};
}

// Throws what a change failed with, unless a bound or a policy of the options refused the peer.
void unlessRefused(pm::Result<void> const& done) {
  if (done.status() != pm::Status::Limit && done.status() != pm::Status::Refused) done.value();
}

pm::Options withLoopback(pm::Options options) {
  if (options.reach == pm::Reach::Specification) options.reach = pm::Reach::Private;
  return options;
}

// The enumerators have the same numbers.
pm::PeerType toType(PeerType type) { return static_cast<pm::PeerType>(type); }
pm::Backoff toBackoff(PeerManager::BackOffUpdate backOff) { return static_cast<pm::Backoff>(backOff); }

// What was seen when an update of this kind is due: ENSURE_NOT_PREFERRED is what an inbound connection means.
PeerType seen(PeerManager::TypeUpdate type) {
  switch (type) {
    case PeerManager::TypeUpdate::ENSURE_OUTBOUND:
      return PeerType::OUTBOUND;
    case PeerManager::TypeUpdate::SET_PREFERRED:
      return PeerType::PREFERRED;
    case PeerManager::TypeUpdate::ENSURE_NOT_PREFERRED:
      return PeerType::INBOUND;
  }
  throw std::invalid_argument("no such TypeUpdate: " + std::to_string(static_cast<int>(type)));
}

}  // namespace

bool operator==(PeerRecord const& x, PeerRecord const& y) {
  return fromTm(x.mNextAttempt) == fromTm(y.mNextAttempt) && x.mNumFailures == y.mNumFailures && x.mType == y.mType;
}

PeerManager::PeerManager(pm::Options options, bool allowPrivateAddresses)
    : mManager(pm::Manager::open(withLoopback(options))),
      mNow(options.clock ? options.clock : pm::system_now),
      mAllowPrivateAddresses(allowPrivateAddresses) {}

void PeerManager::dropAll() { mManager.clear_all(); }

void PeerManager::ensureExists(PeerBareAddress const& address) {
  if (!address.get().empty()) unlessRefused(mManager.try_ensure_exists(address.get()));
}

void PeerManager::update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown) {
  if (address.get().empty()) return;
  unlessRefused(mManager.try_update_type(address.get(), toType(observedType), preferredTypeKnown));
}

void PeerManager::update(PeerBareAddress const& address, TypeUpdate type) { update(address, seen(type), false); }

void PeerManager::update(PeerBareAddress const& address, BackOffUpdate backOff) {
  if (!address.get().empty()) unlessRefused(mManager.try_update_backoff(address.get(), toBackoff(backOff)));
}

void PeerManager::update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown,
                         BackOffUpdate backOff) {
  if (address.get().empty()) return;
  unlessRefused(mManager.try_update(address.get(), toType(observedType), preferredTypeKnown, toBackoff(backOff)));
}

void PeerManager::update(PeerBareAddress const& address, TypeUpdate type, BackOffUpdate backOff) {
  update(address, seen(type), false, backOff);
}

std::pair<PeerRecord, bool> PeerManager::load(PeerBareAddress const& address) {
  if (!address.get().empty()) {
    pm::Result<pm::Record> const known = mManager.try_load(address.get());
    if (known.status() != pm::Status::NotFound) return {fromRecord(known.value()), true};
  }
  return {{toTm(mNow()), 0, static_cast<int>(PeerType::INBOUND)}, false};
}

void PeerManager::store(PeerBareAddress const& address, PeerRecord const& peerRecord, bool) {
  if (!address.get().empty()) unlessRefused(mManager.try_store(toRecord(address.get(), peerRecord)));
}

std::vector<PeerBareAddress> PeerManager::loadRandomPeers(PeerQuery const& query, std::size_t size) {
  pm::Query eligible;
  eligible.type_filter = static_cast<pm::TypeFilter>(query.mTypeFilter);
  eligible.use_next_attempt = query.mUseNextAttempt;
  eligible.max_num_failures.reset();
  if (query.mMaxNumFailures) eligible.max_num_failures = cut(*query.mMaxNumFailures);
  eligible.networks = pm::Networks::IPv4;  // stellar-core dials no other, and cannot tell others of one
  std::vector<PeerBareAddress> result;
  for (pm::Address const& address : mManager.load_random_peers(eligible, size)) result.emplace_back(address);
  return result;
}

void PeerManager::removePeersWithManyFailures(std::size_t minNumFailures, PeerBareAddress const* address) {
  if (minNumFailures > std::numeric_limits<std::uint32_t>::max()) return;
  auto const atLeast = static_cast<std::uint32_t>(minNumFailures);
  if (address == nullptr)
    mManager.remove_peers_with_many_failures(atLeast);
  else
    removeHost(address->getIP(), atLeast);
}

// The library removes by address, or by failures, but not by host and failures: so this looks through a copy of the
// table.
void PeerManager::removeHost(std::string const& ip, std::uint32_t minNumFailures) {
  pm::Snapshot const snapshot = mManager.get_all_peers();
  for (pm::Record const& record : snapshot) {
    if (record.num_failures < minNumFailures || record.address.host() != ip) continue;
    pm::Result<void> const removed = mManager.try_remove(record.address);
    if (removed.status() != pm::Status::NotFound) removed.value();  // another thread may have been faster
  }
}

std::vector<PeerBareAddress> PeerManager::getPeersToSend(std::size_t size, PeerBareAddress const& address) {
  pm::Query eligible;
  eligible.type_filter = pm::TypeFilter::Any;
  eligible.use_next_attempt = false;
  eligible.max_num_failures = pm::max_failures;
  eligible.networks = pm::Networks::IPv4;
  // What is left out here is drawn, too, so more are asked for until enough are left or there are no more.
  for (std::size_t wanted = size;; wanted *= 2) {
    std::vector<pm::Address> const drawn = mManager.get_peers_to_send(address.get(), wanted, eligible);
    std::vector<PeerBareAddress> result;
    for (pm::Address const& candidate : drawn) {
      if (result.size() == size) break;
      PeerBareAddress peer(candidate);
      if (mAllowPrivateAddresses || !peer.isPrivate()) result.push_back(std::move(peer));
    }
    if (result.size() == size || drawn.size() < wanted) return result;
  }
}

PeerManager::Peers PeerManager::loadAllPeers() {
  pm::Snapshot const snapshot = mManager.get_all_peers();
  Peers result;
  result.reserve(snapshot.size());
  for (pm::Record const& record : snapshot) {
    PeerBareAddress address(record.address);
    if (!address.get().empty()) result.emplace_back(std::move(address), fromRecord(record));
  }
  return result;
}

void PeerManager::storePeers(Peers const& peers) {
  std::vector<pm::Record> records;
  records.reserve(peers.size());
  for (auto const& [address, record] : peers) {
    if (!address.get().empty()) records.push_back(toRecord(address.get(), record));
  }
  mManager.store_many(records);
}

}  // namespace stellar
