// The table of peers that a C++ node writes in an afternoon: a std::unordered_map from "host:port" to a record, behind a
// reader-writer lock. Compiled to a shared object with those of the library's functions that benches/versus calls, so
// that the harness loads it as if it were a build of the library: what the caller passes and gets is the same.
//
// It does less: the text is the key as it comes (two spellings of an address are two peers, and no text is refused), no
// byte after a host's NUL is cleared, nothing is on disk, and a draw looks at every peer.

#include <charconv>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

// The shared object exports the functions of the header; what else is in here is hidden, so that calls of it are direct.
#pragma GCC visibility push(default)
#include "peer_manager.h"

extern "C" const char *peer_manager_versus_rows(void);
#pragma GCC visibility pop

namespace {

struct Record {
  std::string host;
  std::uint16_t port;
  std::uint32_t num_failures;
  std::int64_t next_attempt;
  std::uint32_t type;
};

// Finds text without making a std::string of it.
struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

using Peers = std::unordered_map<std::string, Record, Hash, std::equal_to<>>;

// "host:port" on the stack.
class Key {
 public:
  explicit Key(const peer_manager_address &address) : host_length_(std::strlen(address.host)) {
    std::memcpy(text_, address.host, host_length_);
    text_[host_length_] = ':';
    end_ = std::to_chars(text_ + host_length_ + 1, text_ + sizeof text_, address.port).ptr;
  }

  std::string_view text() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }
  std::string_view host() const { return {text_, host_length_}; }

 private:
  std::size_t host_length_;
  char *end_;
  char text_[PEER_MANAGER_ADDRESS_TEXT_CAPACITY];
};

std::mt19937_64 &rng() {
  static thread_local std::mt19937_64 rng{std::random_device{}()};
  return rng;
}

// A number from `least` to `most`.
template <typename Number>
Number random_from(Number least, Number most) {
  return std::uniform_int_distribution<Number>{least, most}(rng());
}

void write_address(const Record &peer, peer_manager_address *out) {
  std::memcpy(out->host, peer.host.c_str(), peer.host.size() + 1);
  out->port = peer.port;
}

peer_manager_status fail(peer_manager_status status, const char *why, peer_manager_error *error) {
  if (error != nullptr) {
    *error = {};
    error->status = status;
    std::strncpy(error->message, why, sizeof error->message - 1);
  }
  return status;
}

peer_manager_status lacks(const char *what, peer_manager_error *error) {
  return fail(PEER_MANAGER_ERROR_UNSUPPORTED, what, error);
}

bool passes(std::uint32_t type, std::uint32_t filter) {
  switch (filter) {
    case PEER_MANAGER_FILTER_ANY:
      return true;
    case PEER_MANAGER_FILTER_ANY_OUTBOUND:
      return type != PEER_MANAGER_TYPE_INBOUND;
    default:  // the numbers of the other filters are those of the types
      return type == filter;
  }
}

void update_type(Record &peer, std::uint32_t observed, bool preferred_type_known) {
  if (observed == PEER_MANAGER_TYPE_PREFERRED) {
    peer.type = PEER_MANAGER_TYPE_PREFERRED;
  } else if (observed == PEER_MANAGER_TYPE_OUTBOUND) {
    if (peer.type == PEER_MANAGER_TYPE_INBOUND || preferred_type_known) peer.type = PEER_MANAGER_TYPE_OUTBOUND;
  } else if (peer.type == PEER_MANAGER_TYPE_PREFERRED) {
    peer.type = PEER_MANAGER_TYPE_OUTBOUND;
  }
}

void update_backoff(Record &peer, std::uint32_t backoff, std::int64_t now) {
  if (backoff == PEER_MANAGER_BACKOFF_INCREASE) {
    ++peer.num_failures;
    const std::uint32_t doublings = peer.num_failures < 10 ? peer.num_failures : 10;
    peer.next_attempt = now + random_from<std::int64_t>(1, std::int64_t{10} << doublings);
  } else {
    peer.num_failures = 0;
    peer.next_attempt = backoff == PEER_MANAGER_BACKOFF_RESET ? now + random_from<std::int64_t>(1, 10) : now;
  }
}

}  // namespace

struct peer_manager {
  std::shared_mutex lock;
  Peers peers;
  std::int64_t (*clock)(void *);
  void *clock_context;

  // The peer of that address, a new one if there was none; whoever calls this holds the lock.
  std::pair<Record &, bool> ensure(const Key &key, std::uint16_t port, std::int64_t now) {
    if (const auto known = peers.find(key.text()); known != peers.end()) return {known->second, false};
    Record peer{std::string{key.host()}, port, 0, now, PEER_MANAGER_TYPE_INBOUND};
    return {peers.emplace(key.text(), std::move(peer)).first->second, true};
  }
};

const char *peer_manager_versus_rows() {
  return "load load-1k load-100k load-ipv6 known known-1k known-100k insert-remove insert-remove-1k insert-remove-100k "
         "update failed failed-1k failed-10k failed-61k failed-ipv6 good good-1k good-10k good-61k fifty-1k";
}

const char *peer_manager_build_info() { return "std::unordered_map behind std::shared_mutex, " __VERSION__; }

void peer_manager_options_init(peer_manager_options *options, size_t struct_size) {
  std::memset(options, 0, struct_size);
  options->struct_size = static_cast<std::uint32_t>(struct_size);
}

void peer_manager_query_init(peer_manager_query *query, size_t) { *query = PEER_MANAGER_QUERY_INIT; }

peer_manager_status peer_manager_open(const peer_manager_options *options, peer_manager **out,
                                      peer_manager_error *error) {
  if (options->db_path != nullptr) return lacks("a hash map has no file", error);
  if (options->max_peers != 0 || options->max_peers_per_netgroup != 0) return lacks("it has no bounds", error);
  if (options->clock == nullptr) return lacks("it needs a clock", error);
  *out = new peer_manager{{}, {}, options->clock, options->clock_context};
  return PEER_MANAGER_OK;
}

void peer_manager_free(peer_manager *pm) { delete pm; }

peer_manager_status peer_manager_flush(peer_manager *, peer_manager_error *) { return PEER_MANAGER_OK; }

peer_manager_status peer_manager_ensure_exists(peer_manager *pm, const peer_manager_address *address,
                                               peer_manager_error *) {
  const std::int64_t now = pm->clock(pm->clock_context);
  const Key key{*address};
  const std::unique_lock hold{pm->lock};
  pm->ensure(key, address->port, now);
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_ensure_exists_many(peer_manager *pm, const peer_manager_address *addresses,
                                                    size_t count, size_t *out_inserted, peer_manager_error *) {
  const std::int64_t now = pm->clock(pm->clock_context);
  std::size_t inserted = 0;
  {
    const std::unique_lock hold{pm->lock};
    for (std::size_t i = 0; i < count; ++i) {
      if (pm->ensure(Key{addresses[i]}, addresses[i].port, now).second) ++inserted;
    }
  }
  if (out_inserted != nullptr) *out_inserted = inserted;
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_load(peer_manager *pm, const peer_manager_address *address, peer_manager_record *out,
                                      peer_manager_error *error) {
  const Key key{*address};
  const std::shared_lock hold{pm->lock};
  const auto found = pm->peers.find(key.text());
  if (found == pm->peers.end()) return fail(PEER_MANAGER_ERROR_NOT_FOUND, "no such peer", error);
  const Record &peer = found->second;
  write_address(peer, &out->address);
  out->next_attempt = peer.next_attempt;
  out->num_failures = peer.num_failures;
  out->peer_type = peer.type;
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_store_many(peer_manager *pm, const peer_manager_record *records, size_t count,
                                            peer_manager_error *) {
  const std::unique_lock hold{pm->lock};
  for (std::size_t i = 0; i < count; ++i) {
    const peer_manager_record &record = records[i];
    const Key key{record.address};
    Record peer{std::string{key.host()}, record.address.port, record.num_failures, record.next_attempt,
                record.peer_type};
    pm->peers.insert_or_assign(std::string{key.text()}, std::move(peer));
  }
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_update_backoff(peer_manager *pm, const peer_manager_address *address,
                                                std::uint32_t backoff, peer_manager_error *) {
  const std::int64_t now = pm->clock(pm->clock_context);
  const Key key{*address};
  const std::unique_lock hold{pm->lock};
  update_backoff(pm->ensure(key, address->port, now).first, backoff, now);
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_update(peer_manager *pm, const peer_manager_address *address,
                                        std::uint32_t observed_type, std::uint8_t preferred_type_known,
                                        std::uint32_t backoff, peer_manager_error *) {
  const std::int64_t now = pm->clock(pm->clock_context);
  const Key key{*address};
  const std::unique_lock hold{pm->lock};
  Record &peer = pm->ensure(key, address->port, now).first;
  update_type(peer, observed_type, preferred_type_known != 0);
  update_backoff(peer, backoff, now);
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_remove(peer_manager *pm, const peer_manager_address *address,
                                        peer_manager_error *error) {
  const Key key{*address};
  const std::unique_lock hold{pm->lock};
  const auto found = pm->peers.find(key.text());
  if (found == pm->peers.end()) return fail(PEER_MANAGER_ERROR_NOT_FOUND, "no such peer", error);
  pm->peers.erase(found);
  return PEER_MANAGER_OK;
}

peer_manager_status peer_manager_load_random_peers(peer_manager *pm, const peer_manager_query *query, size_t size,
                                                   peer_manager_address *out, size_t *out_count,
                                                   peer_manager_error *error) {
  if (query->max_per_netgroup != 0 || query->exclude_count != 0) return lacks("it has plain queries only", error);
  const std::int64_t now = pm->clock(pm->clock_context);
  std::vector<const Record *> eligible;
  const std::shared_lock hold{pm->lock};
  for (const auto &[key, peer] : pm->peers) {
    if (query->use_next_attempt != 0 && peer.next_attempt > now) continue;
    if (query->has_max_num_failures != 0 && peer.num_failures > query->max_num_failures) continue;
    if (passes(peer.type, query->type_filter)) eligible.push_back(&peer);
  }
  const std::size_t count = size < eligible.size() ? size : eligible.size();
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(eligible[i], eligible[random_from(i, eligible.size() - 1)]);
    write_address(*eligible[i], &out[i]);
  }
  *out_count = count;
  return PEER_MANAGER_OK;
}

// What no row above calls.

peer_manager_status peer_manager_get_peers_to_send(peer_manager *, const peer_manager_query *,
                                                   const peer_manager_address *, size_t, peer_manager_address *,
                                                   size_t *, peer_manager_error *error) {
  return lacks("it shares no peers", error);
}

void peer_manager_stats_init(peer_manager_stats *stats, size_t struct_size) { std::memset(stats, 0, struct_size); }

peer_manager_status peer_manager_get_stats(peer_manager *, peer_manager_stats *, peer_manager_error *error) {
  return lacks("it counts nothing", error);
}

peer_manager_status peer_manager_get_all_peers(peer_manager *, peer_manager_snapshot **, peer_manager_error *error) {
  return lacks("it has no snapshots", error);
}

void peer_manager_snapshot_free(peer_manager_snapshot *) {}
