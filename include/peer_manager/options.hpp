/**
 * @file options.hpp
 * @brief How a table is opened, and what it says of itself: Options, Stats, Quarantine. Include
 * peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "compare.hpp"
#include "enums.hpp"
#include "result.hpp"

namespace peermanager {

namespace detail {

/* A duration as C takes it: false when it is negative or too long. */
template <class Duration>
bool fits(Duration duration, std::uint32_t& out) noexcept {
  if (duration.count() < 0 || duration.count() > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(duration.count());
  return true;
}

}  // namespace detail

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
  /** The most peers in the table; 0 for no bound. A new peer in a full table evicts the inbound peer with the most
   * failures: of its own netgroup if one there has failed, else of any. If no inbound peer has failed, it is refused
   * with Status::Limit, in a batch left out, and counted in Stats::refused_peers. Outbound and preferred peers are not
   * evicted; but with keep_history an outbound peer that has failed at least max_failures times and was not reached for
   * 30 days is, before a new one is refused. */
  std::uint64_t max_peers = 0;
  /** The most peers of one netgroup (an IPv4 /16, an IPv6 /32, each name one of its own; reach, name_groups and
   * asmap_path may say otherwise); 0 for no bound. A new peer in a full netgroup evicts only a peer of that netgroup.
   */
  std::uint32_t max_peers_per_netgroup = 0;
  /** get_peers_to_send answers everyone from one shared list, which is used for this long and a random time of up to
   * half as long again, so that no peer learns the table by asking often; 0 draws anew each time. */
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
  /** A map of the Internet's autonomous systems, in the format of Bitcoin Core's asmap.dat: all IP addresses of one
   * system are one netgroup then. A file that is no such map is refused with Status::InvalidArgument. It is read once,
   * by open. */
  std::optional<std::string> asmap_path = {};

  /** The options of C, which borrow the texts: they must not outlive these. The clock is not in them. Fails as
   * InvalidArgument for what C cannot be given: a NUL in a text, and a time that is negative or too long. */
  [[nodiscard]] Result<peer_manager_options> try_to_c() const noexcept {
    peer_manager_options c = PEER_MANAGER_OPTIONS_INIT;
    if (db_path && db_path->find('\0') != std::string::npos)
      return Failure(Status::InvalidArgument, "db_path contains a NUL byte; leave it out");
    if (asmap_path && asmap_path->find('\0') != std::string::npos)
      return Failure(Status::InvalidArgument, "asmap_path contains a NUL byte; leave it out");
    if (!detail::fits(busy_timeout, c.busy_timeout_ms))
      return Failure(Status::InvalidArgument, "busy_timeout is negative or too long; use 0 to 4294967295 ms");
    if (!detail::fits(flush_interval, c.flush_interval_ms))
      return Failure(Status::InvalidArgument, "flush_interval is negative or too long; use 0 to 4294967295 ms");
    if (!detail::fits(share_cache, c.share_cache_seconds))
      return Failure(Status::InvalidArgument, "share_cache is negative or too long; use 0 to 4294967295 s");
    if (!detail::fits(backoff, c.backoff_seconds))
      return Failure(Status::InvalidArgument, "backoff is negative or too long; use 0 to 3600 s");
    c.db_path = db_path ? db_path->c_str() : nullptr;
    c.asmap_path = asmap_path ? asmap_path->c_str() : nullptr;
    c.durability = static_cast<std::uint32_t>(durability);
    c.on_corrupt = static_cast<std::uint32_t>(on_corrupt);
    c.has_rng_seed = rng_seed ? 1 : 0;
    c.rng_seed = rng_seed.value_or(0);
    c.max_peers = max_peers;
    c.max_peers_per_netgroup = max_peers_per_netgroup;
    c.share_max_percent = share_max_percent;
    c.reach = static_cast<std::uint32_t>(reach);
    c.name_groups = name_groups ? 1 : 0;
    c.keep_history = keep_history ? 1 : 0;
    c.max_backoff_exponent = max_backoff_exponent;
    return c;
  }
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

  /** Converts counts that the library has written. */
  [[nodiscard]] static Stats from_c(const peer_manager_stats& c) noexcept {
    return {static_cast<Durability>(c.durability),
            c.peers,
            c.inbound,
            c.outbound,
            c.preferred,
            c.ready,
            c.netgroups,
            c.pending_writes,
            c.failed_writes,
            c.skipped_rows,
            c.refused_peers,
            c.bans,
            c.log_bytes,
            c.forgiven_failures,
            c.rejected_rows};
  }
};

template <>
struct detail::Fields<Stats> {
  static auto of(const Stats& stats) noexcept {
    return std::tie(stats.durability, stats.peers, stats.inbound, stats.outbound, stats.preferred, stats.ready,
                    stats.netgroups, stats.pending_writes, stats.failed_writes, stats.skipped_rows, stats.refused_peers,
                    stats.bans, stats.log_bytes, stats.forgiven_failures, stats.rejected_rows);
  }
};

/** What happened to a file that was damaged when it was opened with OnCorrupt::Quarantine. */
struct Quarantine {
  std::string path;        /**< Where the damaged file is now. */
  std::uint64_t saved = 0; /**< Peers that were read from it and are in the new file. */
  std::uint64_t lost = 0;  /**< Rows that could not be read, of those that left any trace. */
};

template <>
struct detail::Fields<Quarantine> {
  static auto of(const Quarantine& quarantine) noexcept {
    return std::tie(quarantine.path, quarantine.saved, quarantine.lost);
  }
};

}  // namespace peermanager
