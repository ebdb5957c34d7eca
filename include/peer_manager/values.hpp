/**
 * @file values.hpp
 * @brief The other values: Record, History, Ban, Query, Options, Stats, Quarantine and their enumerations. Include
 * peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "address.hpp"

namespace peermanager {

/** A time: whole seconds since the Unix epoch. The same type as std::chrono::sys_seconds of C++20. */
using sys_seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

/** The current time of the system's clock. */
[[nodiscard]] inline sys_seconds system_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

/** What a peer is to us. */
enum class PeerType : std::uint32_t {
  Inbound = PEER_MANAGER_TYPE_INBOUND,    /**< Never dialled successfully yet. */
  Outbound = PEER_MANAGER_TYPE_OUTBOUND,  /**< Dialled successfully at least once. */
  Preferred = PEER_MANAGER_TYPE_PREFERRED /**< Chosen by the operator. */
};

/** How an attempt to reach a peer went. */
enum class Backoff : std::uint32_t {
  HardReset = PEER_MANAGER_BACKOFF_HARD_RESET, /**< Reset the failures to 0; the peer is due at once. */
  Reset = PEER_MANAGER_BACKOFF_RESET,          /**< It succeeded: reset the failures to 0, wait 1 to 10 seconds. */
  Increase = PEER_MANAGER_BACKOFF_INCREASE     /**< It failed: wait for a random time, up to twice as long as before. */
};

/** Which types of peers are eligible. */
enum class TypeFilter : std::uint32_t {
  InboundOnly = PEER_MANAGER_FILTER_INBOUND_ONLY,
  OutboundOnly = PEER_MANAGER_FILTER_OUTBOUND_ONLY,
  PreferredOnly = PEER_MANAGER_FILTER_PREFERRED_ONLY,
  AnyOutbound = PEER_MANAGER_FILTER_ANY_OUTBOUND, /**< Outbound and preferred. */
  Any = PEER_MANAGER_FILTER_ANY,
  NotPreferred = PEER_MANAGER_FILTER_NOT_PREFERRED /**< Inbound and outbound. */
};

/** Networks that addresses belong to, by the form of their hosts; sets of them are made with |. */
enum class Networks : std::uint32_t {
  All = 0,
  IPv4 = PEER_MANAGER_NETWORK_IPV4,
  IPv6 = PEER_MANAGER_NETWORK_IPV6,   /**< Also those that wrap an IPv4 address. */
  Onion = PEER_MANAGER_NETWORK_ONION, /**< Tor's onion services. */
  I2P = PEER_MANAGER_NETWORK_I2P,     /**< I2P's destinations. */
  Name = PEER_MANAGER_NETWORK_NAME    /**< All other names. */
};

/** The networks of both; All, which stands for no choice, adds nothing. */
[[nodiscard]] constexpr Networks operator|(Networks a, Networks b) noexcept {
  return static_cast<Networks>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/** What a connection is for. */
enum class Purpose : std::uint32_t {
  Connect = PEER_MANAGER_DIAL_CONNECT, /**< To stay. */
  Feeler = PEER_MANAGER_DIAL_FEELER    /**< To find out whether a peer can be reached, and to hang up. */
};

/** When a change is on disk. */
enum class Durability : std::uint32_t {
  Commit = PEER_MANAGER_DURABILITY_COMMIT,    /**< On return it survives a crash of the process. */
  Sync = PEER_MANAGER_DURABILITY_SYNC,        /**< On return it survives a loss of power. */
  Deferred = PEER_MANAGER_DURABILITY_DEFERRED /**< Later, by a thread of the library. */
};

/** What to do with a damaged file. */
enum class OnCorrupt : std::uint32_t {
  Fail = PEER_MANAGER_ON_CORRUPT_FAIL,            /**< Refuse it and leave it as it is. */
  Quarantine = PEER_MANAGER_ON_CORRUPT_QUARANTINE /**< Set it aside and start with what can be read from it. */
};

/** Where the node's peers are. */
enum class Reach : std::uint32_t {
  /** Everything is stored and drawn, and private addresses are never told to others. */
  Specification = PEER_MANAGER_REACH_SPECIFICATION,
  /** On the Internet: gossip of a new address that is not routable is refused (Status::Refused; in a batch left out and
   * counted in Stats::refused_peers). One that gets in otherwise is drawn only as a preferred peer, and never told. */
  Public = PEER_MANAGER_REACH_PUBLIC,
  /** One machine, a LAN, containers: private addresses are told like any, and each with its port is a netgroup. */
  Private = PEER_MANAGER_REACH_PRIVATE
};

/** All that is known of one peer. */
struct Record {
  Address address;                   /**< Where it listens. */
  sys_seconds next_attempt{};        /**< When it may be dialled next. */
  std::uint32_t num_failures = 0;    /**< Failures since the last success. */
  PeerType type = PeerType::Inbound; /**< What it is to us. */

  /** The record of a peer that was just heard of: inbound, no failures, due at now. */
  static Result<Record> try_make(const Address& address, sys_seconds now) noexcept {
    peer_manager_record record;
    peer_manager_error error;
    if (peer_manager_record_init(&address.c_get(), seconds(now), &record, &error) != PEER_MANAGER_OK)
      return Failure(error);
    return from_c(record);
  }
#if defined(__cpp_exceptions)
  /** try_make, or throws. */
  [[nodiscard]] static Record make(const Address& address, sys_seconds now) { return try_make(address, now).value(); }
#endif

  /** Whether the next attempt is due. */
  [[nodiscard]] bool is_ready(sys_seconds now) const noexcept {
    const peer_manager_record record = to_c();
    return peer_manager_record_is_ready(&record, seconds(now));
  }

  /** Converts a record that the library has written. */
  [[nodiscard]] static Record from_c(const peer_manager_record& record) noexcept {
    Record result;
    result.address.raw_ = record.address;
    result.next_attempt = sys_seconds(std::chrono::seconds(record.next_attempt));
    result.num_failures = record.num_failures;
    result.type = static_cast<PeerType>(record.peer_type);
    return result;
  }
  /** The record of C. */
  [[nodiscard]] peer_manager_record to_c() const noexcept {
    return {address.c_get(), seconds(next_attempt), num_failures, static_cast<std::uint32_t>(type)};
  }

  /** Whether all fields are the same. @{ */
  [[nodiscard]] friend bool operator==(const Record& a, const Record& b) noexcept {
    return a.address == b.address && a.next_attempt == b.next_attempt && a.num_failures == b.num_failures &&
           a.type == b.type;
  }
  [[nodiscard]] friend bool operator!=(const Record& a, const Record& b) noexcept { return !(a == b); }
  /** @} */

private:
  static std::int64_t seconds(sys_seconds time) noexcept { return time.time_since_epoch().count(); }
};

/** When a peer was heard of, reached and tried; nothing for never, and for what is not known. Kept with
 * Options::keep_history only. */
struct History {
  /** When the peer was inserted; of one that was there before its history was kept, when something was noted first. */
  std::optional<sys_seconds> first_heard = {};
  /** When it was last inserted, or named by gossip (ensure_exists), to the day: gossip moves it only if it differs by a day
   * or more. */
  std::optional<sys_seconds> last_heard = {};
  std::optional<sys_seconds> first_reached = {}; /**< When it was first reached: Backoff::Reset or HardReset. */
  std::optional<sys_seconds> last_reached = {};  /**< When it was last reached. */
  std::optional<sys_seconds> last_attempt = {};  /**< When an attempt to reach it last failed: Backoff::Increase. */

  /** Converts a history that the library has written. */
  [[nodiscard]] static History from_c(const peer_manager_history& history) noexcept {
    return {time(history.first_heard), time(history.last_heard), time(history.first_reached),
            time(history.last_reached), time(history.last_attempt)};
  }

  /** Whether all times are the same. @{ */
  [[nodiscard]] friend bool operator==(const History& a, const History& b) noexcept {
    return a.first_heard == b.first_heard && a.last_heard == b.last_heard && a.first_reached == b.first_reached &&
           a.last_reached == b.last_reached && a.last_attempt == b.last_attempt;
  }
  [[nodiscard]] friend bool operator!=(const History& a, const History& b) noexcept { return !(a == b); }
  /** @} */

private:
  static std::optional<sys_seconds> time(std::int64_t seconds) noexcept {
    if (seconds == 0) return std::nullopt;
    return sys_seconds(std::chrono::seconds(seconds));
  }
};

/** The end of a ban that has none. */
inline constexpr sys_seconds for_good = sys_seconds::max();
static_assert(for_good.time_since_epoch().count() == std::numeric_limits<std::int64_t>::max());

/** A host or a prefix that is refused until a time. */
struct Ban {
  std::string subject;          /**< In canonical form: a host, or a prefix such as 203.0.113.0/24. */
  sys_seconds until = for_good; /**< The first second at which it is over; for_good if it has no end. */

  /** Whether both are the same. @{ */
  [[nodiscard]] friend bool operator==(const Ban& a, const Ban& b) noexcept {
    return a.subject == b.subject && a.until == b.until;
  }
  [[nodiscard]] friend bool operator!=(const Ban& a, const Ban& b) noexcept { return !(a == b); }
  /** @} */
};

/** The most bytes of data that go with a peer. */
inline constexpr std::size_t data_capacity = PEER_MANAGER_DATA_CAPACITY;

/** Which peers are eligible. The default is for dialling in a node that has had connections before: outbound and preferred
 * peers whose next attempt is due and that have failed at most 120 times. */
struct Query {
  TypeFilter type_filter = TypeFilter::AnyOutbound;            /**< Which types. */
  bool use_next_attempt = true;                                /**< Only peers whose next attempt is due. */
  std::optional<std::uint32_t> max_num_failures = really_dead; /**< The most failures; none for no bound. */
  /** If not 0: at most this many peers of one netgroup, and each draw picks a netgroup first, so that an attacker's share is
   * the share of netgroups it holds, not of addresses. */
  std::uint32_t max_per_netgroup = 0;
  std::vector<Address> exclude = {}; /**< Peers to leave out, e.g. those connected now. */
  /** If more than 1, at most 64: each place in the answer goes to the most senior of this many draws. Of inbound peers that
   * is the one heard of first, of the others the one that became outbound or preferred first. A flood cannot be old. */
  std::uint32_t seniority = 0;
  bool apart = false;                /**< Leaves out every peer of a netgroup that an address in exclude is in. */
  Networks networks = Networks::All; /**< Only peers of these networks. */
  /** For get_peers_to_send with Options::share_cache: which of the shared lists answers, 0 to 15. With one for each network
   * and each local address, the answers do not show that they are of one node. */
  std::uint32_t share_key = 0;
  /** Only peers that were heard of, or reached, at or after this time, which is known to the day (History::last_heard); none
   * for any. Needs Options::keep_history. This and reached_since cost a draw for each peer that they leave out. */
  std::optional<sys_seconds> heard_since = {};
  /** Only peers that were reached at or after this time; none for any. Needs Options::keep_history. */
  std::optional<sys_seconds> reached_since = {};

  /** Every peer, whatever its type, failures and next attempt. */
  [[nodiscard]] static Query all() { return {TypeFilter::Any, false, std::nullopt}; }

  /** The query of C, which borrows `exclude`: it must not outlive this one. */
  [[nodiscard]] peer_manager_query to_c() const noexcept {
    peer_manager_query query = PEER_MANAGER_QUERY_INIT;
    query.type_filter = static_cast<std::uint32_t>(type_filter);
    query.use_next_attempt = use_next_attempt ? 1 : 0;
    query.has_max_num_failures = max_num_failures ? 1 : 0;
    query.max_num_failures = max_num_failures.value_or(0);
    query.max_per_netgroup = max_per_netgroup;
    query.exclude = exclude.empty() ? nullptr : detail::raw(exclude.data());
    query.exclude_count = exclude.size();
    query.seniority = seniority;
    query.apart = apart ? 1 : 0;
    query.networks = static_cast<std::uint32_t>(networks);
    query.share_key = share_key;
    query.heard_since = heard_since ? heard_since->time_since_epoch().count() : 0;
    query.reached_since = reached_since ? reached_since->time_since_epoch().count() : 0;
    return query;
  }
};

/** How a manager is opened. By default: a table in memory, the system's clock, no bounds. */
struct Options {
  std::optional<std::string> db_path = {};     /**< The database file, created if missing; none: memory only. */
  Durability durability = Durability::Commit;  /**< When a change is on disk. */
  std::chrono::milliseconds busy_timeout{0};   /**< How long to wait for a lock; 0 for 5 s. */
  std::chrono::milliseconds flush_interval{0}; /**< With Deferred, how long a change may wait; 0 for 100 ms. */
  OnCorrupt on_corrupt = OnCorrupt::Fail;      /**< What to do with a damaged file. */
  std::optional<std::uint64_t> rng_seed = {};  /**< For tests: every random choice follows it. */
  /** The time; none for the system's clock. Many threads may call it at once, and it may use the same manager. If it
   * throws, the call under way is carried out with the time that the clock returned last (or the system's, before it
   * returned any), and then throws what the clock threw, or returns ClockFailed. */
  std::function<sys_seconds()> clock = {};
  /** The most peers in the table; 0 for no bound. A new peer in a full table evicts the inbound peer with the most failures:
   * of its own netgroup if one there has failed, else of any. If no inbound peer has failed, it is refused with
   * Status::Limit, in a batch left out, and counted in Stats::refused_peers. Outbound and preferred peers are not
   * evicted; but with keep_history an outbound peer that has failed at least max_failures times and was not reached for 30
   * days is, before a new one is refused. */
  std::uint64_t max_peers = 0;
  /** The most peers of one netgroup (an IPv4 /16, an IPv6 /32, each name one of its own; reach, name_groups and asmap_path
   * may say otherwise); 0 for no bound. A new peer in a full netgroup evicts only a peer of that netgroup. */
  std::uint32_t max_peers_per_netgroup = 0;
  /** get_peers_to_send answers everyone from one shared list, which is used for this long and a random time of up to half
   * as long again, so that no peer learns the table by asking often; 0 draws anew each time. */
  std::chrono::seconds share_cache{0};
  std::uint32_t share_max_percent = 0; /**< How much of each type the shared list may hold; 0 for no limit. */
  Reach reach = Reach::Specification;  /**< Where the node's peers are. */
  bool name_groups = false;            /**< All DNS names are one netgroup, and .onion and .i2p are 16 each. */
  /** A History is kept of each peer, in memory and in a table of its own in the file. Only then do load_history,
   * Query::heard_since and Query::reached_since have an answer. */
  bool keep_history = false;
  /** The unit of the back-off, at most 3600 s; 0 for 10. After n failures a peer waits for 1 s to
   * backoff * 2^min(n, max_backoff_exponent). */
  std::chrono::seconds backoff{0};
  std::uint32_t max_backoff_exponent = 0; /**< How often the back-off doubles, at most 20; 0 for 10. */
  /** A map of the Internet's autonomous systems, in the format of Bitcoin Core's asmap.dat: all IP addresses of one system
   * are one netgroup then. A file that is no such map is refused with Status::InvalidArgument. It is read once, by open. */
  std::optional<std::string> asmap_path = {};
};

/** Counts of what is in the table and of what happened since it was opened. */
struct Stats {
  Durability durability = Durability::Commit; /**< How it was opened. */
  std::uint64_t peers = 0;                    /**< All peers. */
  std::uint64_t inbound = 0;                  /**< Inbound ones. */
  std::uint64_t outbound = 0;                 /**< Outbound ones. */
  std::uint64_t preferred = 0;                /**< Preferred ones. */
  std::uint64_t ready = 0;                    /**< Those whose next attempt is due. */
  std::uint64_t netgroups = 0;                /**< Options::max_peers_per_netgroup says what is one. */
  std::uint64_t pending_writes = 0;           /**< With Deferred: changes that are not in the file yet. */
  std::uint64_t failed_writes = 0;            /**< Writes to the database that failed. */
  std::uint64_t skipped_rows = 0;             /**< Rows of the database that were not valid peers. */
  std::uint64_t refused_peers = 0;            /**< Peers that a bound or a policy refused, also when it was opened. */
  std::uint64_t bans = 0;                     /**< Bans that last. */
  std::uint64_t log_bytes = 0;                /**< The size of the write-ahead log in bytes. */
  std::uint64_t forgiven_failures = 0;        /**< Failures that did not count, because the node was offline. */
  std::uint64_t rejected_rows = 0;            /**< Changes that the file's own constraints refused. */
};

/** What happened to a file that was damaged when it was opened with OnCorrupt::Quarantine. */
struct Quarantine {
  std::string path;        /**< Where the damaged file is now. */
  std::uint64_t saved = 0; /**< Peers that were read from it and are in the new file. */
  std::uint64_t lost = 0;  /**< Rows that could not be read, of those that left any trace. */
};

namespace detail {

/* A duration as C takes it: false when it is negative or too long. */
template <class Duration>
bool fits(Duration duration, std::uint32_t& out) noexcept {
  if (duration.count() < 0 || duration.count() > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(duration.count());
  return true;
}

}  // namespace detail
}  // namespace peermanager
