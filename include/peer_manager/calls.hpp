/**
 * @file calls.hpp
 * @brief How each function of Manager calls the library; manager.hpp says what it does. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manager.hpp"

namespace peermanager {

inline Result<Manager> Manager::try_open(const Options& options) {
  auto converted = options.try_to_c();
  if (!converted) return converted.error();
  peer_manager_options& c = *converted;
  Manager manager;
  if (options.clock) {
    manager.clock_ = std::make_unique<detail::Clock>(options.clock);
    c.clock = detail::Clock::now;
    c.clock_context = manager.clock_.get();
  }
  return opened(std::move(manager), [&](auto** out, auto* error) { return peer_manager_open(&c, out, error); });
}

inline Result<Manager> Manager::try_open(std::string_view db_path) {
  Options options;
  options.db_path = std::string(db_path);
  return try_open(options);
}

inline Result<Manager> Manager::try_in_memory() noexcept {
  return opened(Manager(), [](auto** out, auto* error) { return peer_manager_new_in_memory(out, error); });
}

inline Result<Manager> Manager::try_from_connection(sqlite3* db, const char* sqlite_libversion) noexcept {
  return opened(Manager(), [&](auto** out, auto* error) {
    return peer_manager_from_connection(db, sqlite_libversion, out, error);
  });
}

inline Result<void> Manager::try_flush() noexcept {
  return detail::call([&](auto* error) { return peer_manager_flush(handle_, error); });
}

inline Result<void> Manager::try_ensure_exists(const Address& address) noexcept {
  return detail::call([&](auto* error) { return peer_manager_ensure_exists(handle_, &address.c_get(), error); });
}

inline Result<std::size_t> Manager::try_ensure_exists_many(Span<const Address> addresses) noexcept {
  return counted([&](auto* out, auto* error) {
    return peer_manager_ensure_exists_many(handle_, detail::raw(addresses.data()), addresses.size(), out, error);
  });
}

inline Result<std::size_t> Manager::try_import_from(std::string_view path) {
  if (path.find('\0') != std::string_view::npos)
    return Failure(Status::InvalidArgument, "path contains a NUL byte; leave it out");
  const std::string text(path);
  return counted([&](auto* out, auto* error) { return peer_manager_import(handle_, text.c_str(), out, error); });
}

inline Result<Record> Manager::try_load(const Address& address) const noexcept {
  peer_manager_record record;
  const auto done =
      detail::call([&](auto* error) { return peer_manager_load(handle_, &address.c_get(), &record, error); });
  if (!done) return done.error();
  return Record::from_c(record);
}

inline Result<History> Manager::try_load_history(const Address& address) const noexcept {
  peer_manager_history history;
  const auto done =
      detail::call([&](auto* error) { return peer_manager_load_history(handle_, &address.c_get(), &history, error); });
  if (!done) return done.error();
  return History::from_c(history);
}

inline Result<void> Manager::try_set_data(const Address& address, Span<const std::uint8_t> data) noexcept {
  return detail::call(
      [&](auto* error) { return peer_manager_set_data(handle_, &address.c_get(), data.data(), data.size(), error); });
}

inline Result<std::vector<std::uint8_t>> Manager::try_data(const Address& address) const {
  std::uint8_t data[data_capacity];
  std::size_t size = 0;
  const auto done = detail::call(
      [&](auto* error) { return peer_manager_get_data(handle_, &address.c_get(), data, sizeof data, &size, error); });
  if (!done) return done.error();
  return std::vector<std::uint8_t>(data, data + size);
}

inline Result<std::uint64_t> Manager::try_netgroup(const Address& address) const noexcept {
  std::uint64_t netgroup = 0;
  const auto done = detail::call(
      [&](auto* error) { return peer_manager_address_netgroup(handle_, &address.c_get(), &netgroup, error); });
  if (!done) return done.error();
  return netgroup;
}

inline Result<void> Manager::try_store(const Record& record) noexcept {
  const peer_manager_record c = record.to_c();
  return detail::call([&](auto* error) { return peer_manager_store(handle_, &c, error); });
}

inline Result<void> Manager::try_store_many(Span<const Record> records) {
  std::vector<peer_manager_record> c(records.size());
  std::transform(records.begin(), records.end(), c.begin(), [](const Record& record) { return record.to_c(); });
  return detail::call([&](auto* error) { return peer_manager_store_many(handle_, c.data(), c.size(), error); });
}

inline Result<void> Manager::try_update_type(const Address& address, PeerType observed,
                                             bool preferred_type_known) noexcept {
  return detail::call([&](auto* error) {
    return peer_manager_update_type(handle_, &address.c_get(), static_cast<std::uint32_t>(observed),
                                    preferred_type_known ? 1 : 0, error);
  });
}

inline Result<void> Manager::try_update_backoff(const Address& address, Backoff backoff) noexcept {
  return detail::call([&](auto* error) {
    return peer_manager_update_backoff(handle_, &address.c_get(), static_cast<std::uint32_t>(backoff), error);
  });
}

inline Result<void> Manager::try_update(const Address& address, PeerType observed, bool preferred_type_known,
                                        Backoff backoff) noexcept {
  return detail::call([&](auto* error) {
    return peer_manager_update(handle_, &address.c_get(), static_cast<std::uint32_t>(observed),
                               preferred_type_known ? 1 : 0, static_cast<std::uint32_t>(backoff), error);
  });
}

inline Result<void> Manager::try_remove(const Address& address) noexcept {
  return detail::call([&](auto* error) { return peer_manager_remove(handle_, &address.c_get(), error); });
}

inline Result<std::size_t> Manager::try_remove_host(std::string_view host) noexcept {
  const detail::AddressText text(host);
  if (auto checked = text.check("host contains a NUL byte; leave it out", "host is longer than any host"); !checked)
    return checked.error();
  return counted([&](auto* out, auto* error) { return peer_manager_remove_host(handle_, text.c_str(), out, error); });
}

inline Result<std::size_t> Manager::try_remove_peers_with_many_failures(std::uint32_t min_num_failures) noexcept {
  return counted([&](auto* out, auto* error) {
    return peer_manager_remove_peers_with_many_failures(handle_, min_num_failures, out, error);
  });
}

inline Result<std::size_t> Manager::try_remove_peers_not_heard_since(sys_seconds since) noexcept {
  return counted([&](auto* out, auto* error) {
    return peer_manager_remove_peers_not_heard_since(handle_, since.time_since_epoch().count(), out, error);
  });
}

inline Result<std::size_t> Manager::try_limit_next_attempt(sys_seconds latest) noexcept {
  return counted([&](auto* out, auto* error) {
    return peer_manager_limit_next_attempt(handle_, latest.time_since_epoch().count(), out, error);
  });
}

inline Result<void> Manager::try_set_online(bool online) noexcept {
  return detail::call([&](auto* error) { return peer_manager_set_online(handle_, online ? 1 : 0, error); });
}

inline Result<void> Manager::try_set_own_addresses(Span<const Address> addresses) noexcept {
  return detail::call([&](auto* error) {
    return peer_manager_set_own_addresses(handle_, detail::raw(addresses.data()), addresses.size(), error);
  });
}

inline Result<std::size_t> Manager::try_ban(std::string_view subject, sys_seconds until) noexcept {
  const detail::AddressText text(subject);
  if (auto checked = check_subject(text); !checked) return checked.error();
  return counted([&](auto* out, auto* error) {
    return peer_manager_ban(handle_, text.c_str(), until.time_since_epoch().count(), out, error);
  });
}

inline Result<void> Manager::try_unban(std::string_view subject) noexcept {
  const detail::AddressText text(subject);
  if (auto checked = check_subject(text); !checked) return checked.error();
  return detail::call([&](auto* error) { return peer_manager_unban(handle_, text.c_str(), error); });
}

inline Result<bool> Manager::try_is_banned(const Address& address) const noexcept {
  if (handle_ == nullptr) return Failure(Status::InvalidArgument, "pm is NULL; the manager is closed");
  if (address.empty()) return Failure(Status::InvalidAddress, "the address is empty; parse or make one");
  bool is_banned = false;
  const auto done = detail::call([&](auto*) {
    is_banned = peer_manager_is_banned(handle_, &address.c_get());
    return PEER_MANAGER_OK;
  });
  if (!done) return done.error();
  return is_banned;
}

inline Result<std::vector<Ban>> Manager::try_bans() const {
  std::vector<peer_manager_ban_entry> entries(16);
  std::size_t count = 0;
  for (;;) {
    const auto done = detail::call(
        [&](auto* error) { return peer_manager_get_bans(handle_, entries.size(), entries.data(), &count, error); });
    if (!done) return done.error();
    if (count <= entries.size()) break;
    entries.resize(count + 16); /* another thread may ban meanwhile */
  }
  std::vector<Ban> bans;
  bans.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    bans.push_back({entries[i].subject, sys_seconds(std::chrono::seconds(entries[i].until))});
  return bans;
}

inline Result<void> Manager::try_clear_all() noexcept {
  return detail::call([&](auto* error) { return peer_manager_clear_all(handle_, error); });
}

inline Result<std::size_t> Manager::try_load_random_peers(const Query& query, Span<Address> out) const noexcept {
  const peer_manager_query c = query.to_c();
  return counted([&](auto* count, auto* error) {
    return peer_manager_load_random_peers(handle_, &c, out.size(), detail::raw(out.data()), count, error);
  });
}

inline Result<std::vector<Address>> Manager::try_load_random_peers(const Query& query, std::size_t size) const {
  return drawn(size, [&](Span<Address> out) { return try_load_random_peers(query, out); });
}

inline Result<std::size_t> Manager::try_next_to_dial(Purpose purpose, Span<const Address> busy,
                                                     Span<Address> out) const noexcept {
  return counted([&](auto* count, auto* error) {
    return peer_manager_next_to_dial(handle_, static_cast<std::uint32_t>(purpose), detail::raw(busy.data()),
                                     busy.size(), out.size(), detail::raw(out.data()), count, error);
  });
}

inline Result<std::vector<Address>> Manager::try_next_to_dial(Purpose purpose, Span<const Address> busy,
                                                              std::size_t size) const {
  return drawn(size, [&](Span<Address> out) { return try_next_to_dial(purpose, busy, out); });
}

inline Result<std::optional<sys_seconds>> Manager::try_next_due() const noexcept {
  std::int64_t due = 0;
  const auto done = detail::call([&](auto* error) { return peer_manager_next_due(handle_, &due, error); });
  if (done) return std::optional<sys_seconds>(std::chrono::seconds(due));
  if (done.status() == Status::NotFound) return std::optional<sys_seconds>();
  return done.error();
}

inline Result<std::size_t> Manager::try_get_peers_to_send(const Address& asker, Span<Address> out,
                                                          const std::optional<Query>& query) const noexcept {
  peer_manager_query c = PEER_MANAGER_QUERY_INIT;
  if (query) c = query->to_c();
  return counted([&](auto* count, auto* error) {
    return peer_manager_get_peers_to_send(handle_, query ? &c : nullptr, asker.empty() ? nullptr : &asker.c_get(),
                                          out.size(), detail::raw(out.data()), count, error);
  });
}

inline Result<std::vector<Address>> Manager::try_get_peers_to_send(const Address& asker, std::size_t size,
                                                                   const std::optional<Query>& query) const {
  return drawn(size, [&](Span<Address> out) { return try_get_peers_to_send(asker, out, query); });
}

inline Result<Snapshot> Manager::try_get_all_peers() const noexcept {
  peer_manager_snapshot* snapshot = nullptr;
  const auto done = detail::call([&](auto* error) { return peer_manager_get_all_peers(handle_, &snapshot, error); });
  Snapshot owner(snapshot);
  if (!done) return done.error();
  return owner;
}

inline Result<Stats> Manager::try_get_stats() const noexcept {
  peer_manager_stats c = PEER_MANAGER_STATS_INIT;
  const auto done = detail::call([&](auto* error) { return peer_manager_get_stats(handle_, &c, error); });
  if (!done) return done.error();
  return Stats::from_c(c);
}

inline Result<std::optional<Quarantine>> Manager::try_get_quarantine() const {
  Quarantine quarantine;
  std::size_t capacity = 4096;
  for (;; capacity *= 2) {
    quarantine.path.resize(capacity);
    const auto done = detail::call([&](auto* error) {
      return peer_manager_get_quarantine(handle_, quarantine.path.data(), capacity, &quarantine.saved, &quarantine.lost,
                                         error);
    });
    if (done) break;
    const bool too_small = handle_ != nullptr && done.status() == Status::InvalidArgument;
    if (!too_small || capacity >= (std::size_t{1} << 20)) return done.error();
  }
  quarantine.path.resize(quarantine.path.find('\0'));
  if (quarantine.path.empty()) return std::optional<Quarantine>();
  return std::optional<Quarantine>(std::move(quarantine));
}

}  // namespace peermanager
