/**
 * @file query.hpp
 * @brief Query, which peers are eligible for a draw. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "address.hpp"
#include "compare.hpp"
#include "enums.hpp"

namespace peermanager {

/** Which peers are eligible. The default is for dialling in a node that has had connections before: outbound and
 * preferred peers whose next attempt is due and that have failed at most 120 times. */
struct Query {
  TypeFilter type_filter = TypeFilter::AnyOutbound;            /**< Which types. */
  bool use_next_attempt = true;                                /**< Only peers whose next attempt is due. */
  std::optional<std::uint32_t> max_num_failures = really_dead; /**< The most failures; none for no bound. */
  /** If not 0: at most this many peers of one netgroup, and each draw picks a netgroup first, so that an attacker's
   * share is the share of netgroups it holds, not of addresses. */
  std::uint32_t max_per_netgroup = 0;
  std::vector<Address> exclude = {}; /**< Peers to leave out, e.g. those connected now. */
  /** If more than 1, at most 64: each place in the answer goes to the most senior of this many draws. Of inbound peers
   * that is the one heard of first, of the others the one that became outbound or preferred first. A flood cannot be
   * old. */
  std::uint32_t seniority = 0;
  bool apart = false;                /**< Leaves out every peer of a netgroup that an address in exclude is in. */
  Networks networks = Networks::All; /**< Only peers of these networks. */
  /** For get_peers_to_send with Options::share_cache: which of the shared lists answers, 0 to 15. With one for each
   * network and each local address, the answers do not show that they are of one node. */
  std::uint32_t share_key = 0;
  /** Only peers that were heard of, or reached, at or after this time, which is known to the day (History::last_heard);
   * none for any. Needs Options::keep_history. This and reached_since cost a draw for each peer that they leave out. */
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

template <>
struct detail::Fields<Query> {
  static auto of(const Query& query) noexcept {
    return std::tie(query.type_filter, query.use_next_attempt, query.max_num_failures, query.max_per_netgroup,
                    query.exclude, query.seniority, query.apart, query.networks, query.share_key, query.heard_since,
                    query.reached_since);
  }
};

}  // namespace peermanager
