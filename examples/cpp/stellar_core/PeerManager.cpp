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
  constexpr auto most = static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  return {toTm(record.next_attempt), static_cast<int>(std::min(record.num_failures, most)),
          static_cast<int>(record.type)};
}

// A type that does not exist is refused by the library.
pm::Record toRecord(PeerBareAddress const& address, PeerRecord const& record) {
  if (record.mNumFailures < 0) throw std::invalid_argument("mNumFailures of a peer is negative; use 0 or more");
  return {address.get(), fromTm(record.mNextAttempt), static_cast<std::uint32_t>(record.mNumFailures),
          static_cast<pm::PeerType>(record.mType)};
}

std::vector<PeerBareAddress> fromAddresses(std::vector<pm::Address> const& addresses) {
  std::vector<PeerBareAddress> result;
  result.reserve(addresses.size());
  for (pm::Address const& address : addresses) result.emplace_back(address);
  return result;
}

std::size_t checkedSize(int size) {
  if (size < 0) throw std::invalid_argument("the number of peers is negative; use 0 or more");
  return static_cast<std::size_t>(size);
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

PeerManager::PeerManager(pm::Options const& options)
    : mManager(pm::Manager::open(options)), mNow(options.clock ? options.clock : pm::system_now) {}

void PeerManager::dropAll() { mManager.clear_all(); }

void PeerManager::ensureExists(PeerBareAddress const& address) { mManager.ensure_exists(address.get()); }

void PeerManager::update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown) {
  mManager.update_type(address.get(), toType(observedType), preferredTypeKnown);
}

void PeerManager::update(PeerBareAddress const& address, TypeUpdate type) { update(address, seen(type), false); }

void PeerManager::update(PeerBareAddress const& address, BackOffUpdate backOff) {
  mManager.update_backoff(address.get(), toBackoff(backOff));
}

void PeerManager::update(PeerBareAddress const& address, PeerType observedType, bool preferredTypeKnown,
                         BackOffUpdate backOff) {
  mManager.update(address.get(), toType(observedType), preferredTypeKnown, toBackoff(backOff));
}

void PeerManager::update(PeerBareAddress const& address, TypeUpdate type, BackOffUpdate backOff) {
  update(address, seen(type), false, backOff);
}

std::pair<PeerRecord, bool> PeerManager::load(PeerBareAddress const& address) {
  pm::Result<pm::Record> const known = mManager.try_load(address.get());
  if (known.status() == pm::Status::NotFound) return {fromRecord(pm::Record::make(address.get(), mNow())), false};
  return {fromRecord(known.value()), true};
}

void PeerManager::store(PeerBareAddress const& address, PeerRecord const& peerRecord, bool) {
  mManager.store(toRecord(address, peerRecord));
}

std::vector<PeerBareAddress> PeerManager::loadRandomPeers(PeerQuery const& query, int size) {
  std::size_t const wanted = checkedSize(size);
  if (query.mMaxNumFailures && *query.mMaxNumFailures < 0) return {};  // no peer has failed less than never
  pm::Query eligible;
  eligible.type_filter = static_cast<pm::TypeFilter>(query.mTypeFilter);
  eligible.use_next_attempt = query.mUseNextAttempt;
  eligible.max_num_failures.reset();
  if (query.mMaxNumFailures) eligible.max_num_failures = static_cast<std::uint32_t>(*query.mMaxNumFailures);
  return fromAddresses(mManager.load_random_peers(eligible, wanted));
}

void PeerManager::removePeersWithManyFailures(int minNumFailures, PeerBareAddress const* address) {
  auto const atLeast = static_cast<std::uint32_t>(std::max(minNumFailures, 0));
  if (address == nullptr) {
    mManager.remove_peers_with_many_failures(atLeast);
    return;
  }
  pm::Result<pm::Record> const known = mManager.try_load(address->get());
  if (known.status() == pm::Status::NotFound || known.value().num_failures < atLeast) return;
  pm::Result<void> const removed = mManager.try_remove(address->get());
  if (removed.status() != pm::Status::NotFound) removed.value();  // another thread may have been faster
}

std::vector<PeerBareAddress> PeerManager::getPeersToSend(int size, PeerBareAddress const& address) {
  pm::Query eligible;
  eligible.type_filter = pm::TypeFilter::Any;
  eligible.use_next_attempt = false;
  eligible.max_num_failures = pm::max_failures;
  return fromAddresses(mManager.get_peers_to_send(address.get(), checkedSize(size), eligible));
}

PeerManager::Peers PeerManager::loadAllPeers() {
  pm::Snapshot const snapshot = mManager.get_all_peers();
  Peers result;
  result.reserve(snapshot.size());
  for (pm::Record const& record : snapshot) result.emplace_back(PeerBareAddress(record.address), fromRecord(record));
  return result;
}

void PeerManager::storePeers(Peers const& peers) {
  std::vector<pm::Record> records;
  records.reserve(peers.size());
  for (auto const& [address, record] : peers) records.push_back(toRecord(address, record));
  mManager.store_many(records);
}

}  // namespace stellar
