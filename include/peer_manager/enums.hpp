/**
 * @file enums.hpp
 * @brief Times and enumerations: PeerType, Backoff, TypeFilter, Networks, Purpose, and those of Options. Include
 * peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <chrono>
#include <cstdint>

#include "../peer_manager.h"

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

}  // namespace peermanager
