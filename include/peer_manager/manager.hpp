/**
 * @file manager.hpp
 * @brief Manager, a table of peers. Include peer_manager.hpp.
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

#include "clock.hpp"
#include "options.hpp"
#include "query.hpp"
#include "snapshot.hpp"
#include "span.hpp"

namespace peermanager {

/** A table of peers. It can be moved, not copied; any number of threads may use it at once. One that was closed or
 * moved from has no table, and its calls fail as InvalidArgument. */
class Manager {
public:
  /** No table. */
  Manager() noexcept = default;
  /** Takes over the table; the other manager has none afterwards. @{ */
  Manager(Manager&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)), clock_(std::move(other.clock_)) {}
  Manager& operator=(Manager&& other) noexcept {
    Manager(std::move(other)).swap(*this);
    return *this;
  }
  /** @} */
  ~Manager() { close(); }

  /** Flushes and frees the table; without one it does nothing. What Deferred could not write is lost; flush first to
   * find out. */
  void close() noexcept {
    peer_manager_free(std::exchange(handle_, nullptr));
    clock_.reset();
  }

  /** Opens a table with these options. */
  static Result<Manager> try_open(const Options& options) {
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

  /** Opens a table on a database file with the default options; the file is created if there is none. */
  static Result<Manager> try_open(std::string_view db_path) {
    Options options;
    options.db_path = std::string(db_path);
    return try_open(options);
  }

  /** Creates a table that lives in memory only, with the default options. */
  static Result<Manager> try_in_memory() noexcept {
    return opened(Manager(), [](auto** out, auto* error) { return peer_manager_new_in_memory(out, error); });
  }

  /** Opens a table in the database of a connection that is already open and outlives the manager. The second argument
   * is the caller's own sqlite3_libversion(). */
  static Result<Manager> try_from_connection(sqlite3* db, const char* sqlite_libversion) noexcept {
    return opened(Manager(), [&](auto** out, auto* error) {
      return peer_manager_from_connection(db, sqlite_libversion, out, error);
    });
  }

  /** Returns once everything that earlier calls changed survives a loss of power. */
  Result<void> try_flush() noexcept {
    return detail::call([&](auto* error) { return peer_manager_flush(handle_, error); });
  }

  /** Makes sure that an address is known; a new one is inbound, without failures, and due now. */
  Result<void> try_ensure_exists(const Address& address) noexcept {
    return detail::call([&](auto* error) { return peer_manager_ensure_exists(handle_, &address.c_get(), error); });
  }

  /** Makes sure that many addresses are known, all or none; returns how many were new. */
  Result<std::size_t> try_ensure_exists_many(Span<const Address> addresses) noexcept {
    return counted([&](auto* out, auto* error) {
      return peer_manager_ensure_exists_many(handle_, detail::raw(addresses.data()), addresses.size(), out, error);
    });
  }

  /** Adds the peers of another database file that are new, all or none; those that are known stay as they are. Returns
   * how many were new; those that a bound refuses, and the banned, are left out and counted in refused_peers. Their
   * data comes with them, and with Options::keep_history their history. The file, of this library or of
   * stellar-core, is only read, and another process may have it open. */
  Result<std::size_t> try_import_from(std::string_view path) {
    if (path.find('\0') != std::string_view::npos)
      return Failure(Status::InvalidArgument, "path contains a NUL byte; leave it out");
    const std::string text(path);
    return counted([&](auto* out, auto* error) { return peer_manager_import(handle_, text.c_str(), out, error); });
  }

  /** Returns what is known of an address; NotFound when it is not known. */
  [[nodiscard]] Result<Record> try_load(const Address& address) const noexcept {
    peer_manager_record record;
    const auto done =
        detail::call([&](auto* error) { return peer_manager_load(handle_, &address.c_get(), &record, error); });
    if (!done) return done.error();
    return Record::from_c(record);
  }

  /** Returns when a peer was heard of, reached and tried; NotFound when it is not known, Unsupported without
   * Options::keep_history. */
  [[nodiscard]] Result<History> try_load_history(const Address& address) const noexcept {
    peer_manager_history history;
    const auto done = detail::call(
        [&](auto* error) { return peer_manager_load_history(handle_, &address.c_get(), &history, error); });
    if (!done) return done.error();
    return History::from_c(history);
  }

  /** Replaces the bytes that go with a peer, such as a node's id or the services that it offers: at most data_capacity,
   * opaque to the library; none end it. NotFound when the peer is not known. Data goes with the peer: removal ends it.
   */
  Result<void> try_set_data(const Address& address, Span<const std::uint8_t> data) noexcept {
    return detail::call(
        [&](auto* error) { return peer_manager_set_data(handle_, &address.c_get(), data.data(), data.size(), error); });
  }

  /** Returns the bytes that go with a peer, none if there are none; NotFound when the peer is not known. */
  [[nodiscard]] Result<std::vector<std::uint8_t>> try_data(const Address& address) const {
    std::uint8_t data[data_capacity];
    std::size_t size = 0;
    const auto done = detail::call(
        [&](auto* error) { return peer_manager_get_data(handle_, &address.c_get(), data, sizeof data, &size, error); });
    if (!done) return done.error();
    return std::vector<std::uint8_t>(data, data + size);
  }

  /** Which netgroup this manager counts an address as, known or not: an opaque number that two addresses have in common
   * exactly if they are of one netgroup. To another manager it means nothing. */
  [[nodiscard]] Result<std::uint64_t> try_netgroup(const Address& address) const noexcept {
    std::uint64_t netgroup = 0;
    const auto done = detail::call(
        [&](auto* error) { return peer_manager_address_netgroup(handle_, &address.c_get(), &netgroup, error); });
    if (!done) return done.error();
    return netgroup;
  }

  /** Stores a record as it is, replacing what was known of its address. */
  Result<void> try_store(const Record& record) noexcept {
    const peer_manager_record c = record.to_c();
    return detail::call([&](auto* error) { return peer_manager_store(handle_, &c, error); });
  }

  /** Stores records, all or none; of two with the same address the later one wins. */
  Result<void> try_store_many(Span<const Record> records) {
    std::vector<peer_manager_record> c(records.size());
    std::transform(records.begin(), records.end(), c.begin(), [](const Record& record) { return record.to_c(); });
    return detail::call([&](auto* error) { return peer_manager_store_many(handle_, c.data(), c.size(), error); });
  }

  /** Updates a peer's type by what it was observed to be; an unknown one is added first. preferred_type_known is false
   * after a plain dial, true when the caller knows all preferred peers. */
  Result<void> try_update_type(const Address& address, PeerType observed, bool preferred_type_known) noexcept {
    return detail::call([&](auto* error) {
      return peer_manager_update_type(handle_, &address.c_get(), static_cast<std::uint32_t>(observed),
                                      preferred_type_known ? 1 : 0, error);
    });
  }

  /** Updates a peer's back-off by how an attempt to reach it went; an unknown one is added first. */
  Result<void> try_update_backoff(const Address& address, Backoff backoff) noexcept {
    return detail::call([&](auto* error) {
      return peer_manager_update_backoff(handle_, &address.c_get(), static_cast<std::uint32_t>(backoff), error);
    });
  }

  /** Does what try_update_type and try_update_backoff do, in one change. */
  Result<void> try_update(const Address& address, PeerType observed, bool preferred_type_known,
                          Backoff backoff) noexcept {
    return detail::call([&](auto* error) {
      return peer_manager_update(handle_, &address.c_get(), static_cast<std::uint32_t>(observed),
                                 preferred_type_known ? 1 : 0, static_cast<std::uint32_t>(backoff), error);
    });
  }

  /** Removes a peer; NotFound when it is not known. */
  Result<void> try_remove(const Address& address) noexcept {
    return detail::call([&](auto* error) { return peer_manager_remove(handle_, &address.c_get(), error); });
  }

  /** Removes the peers of a host, on all its ports; the host is an IPv4 address, an IPv6 address without brackets or a
   * name, in any spelling. Returns how many there were; 0 is no failure. */
  Result<std::size_t> try_remove_host(std::string_view host) noexcept {
    const detail::AddressText text(host);
    if (auto checked = text.check("host contains a NUL byte; leave it out", "host is longer than any host"); !checked)
      return checked.error();
    return counted([&](auto* out, auto* error) { return peer_manager_remove_host(handle_, text.c_str(), out, error); });
  }

  /** Removes the peers that have failed at least this many times; 0 removes all. Returns how many there were. */
  Result<std::size_t> try_remove_peers_with_many_failures(std::uint32_t min_num_failures) noexcept {
    return counted([&](auto* out, auto* error) {
      return peer_manager_remove_peers_with_many_failures(handle_, min_num_failures, out, error);
    });
  }

  /** Removes the inbound peers that were never reached and were last heard of before a time; those of whose past
   * nothing is known stay. Returns how many there were. Unsupported without Options::keep_history. */
  Result<std::size_t> try_remove_peers_not_heard_since(sys_seconds since) noexcept {
    return counted([&](auto* out, auto* error) {
      return peer_manager_remove_peers_not_heard_since(handle_, since.time_since_epoch().count(), out, error);
    });
  }

  /** Limits every peer's next attempt to `latest`, to repair a table after a clock that was wrong. Returns how many
   * were changed. */
  Result<std::size_t> try_limit_next_attempt(sys_seconds latest) noexcept {
    return counted([&](auto* out, auto* error) {
      return peer_manager_limit_next_attempt(handle_, latest.time_since_epoch().count(), out, error);
    });
  }

  /** Says whether the node itself is online, which it is at first. While it is offline, Backoff::Increase leaves the
   * failures as they are and has the peer wait for a minute at most. A good rule: offline while fewer than two
   * connections stand. */
  Result<void> try_set_online(bool online) noexcept {
    return detail::call([&](auto* error) { return peer_manager_set_online(handle_, online ? 1 : 0, error); });
  }

  /** Replaces the list of the node's own addresses, of which it hears from others. They are removed, and refused from
   * then on (Refused; in a batch left out and counted in refused_peers). The list lives in memory only. */
  Result<void> try_set_own_addresses(Span<const Address> addresses) noexcept {
    return detail::call([&](auto* error) {
      return peer_manager_set_own_addresses(handle_, detail::raw(addresses.data()), addresses.size(), error);
    });
  }

  /** Bans a host, on all its ports, or a prefix, until a time that is later than now, or for_good. The peers that it is
   * about, preferred ones too, are removed in the same transaction, and then refused (Refused; in a batch and in an
   * import left out and counted in refused_peers). Returns how many were removed. Banning the same again moves the end.
   *
   * The subject is a host in any spelling, such as 203.0.113.7, 2001:db8::1 or example.org, or a prefix, such as
   * 203.0.113.0/24 or 2001:db8::/32. A name is itself, without its subdomains. Bans survive a restart. */
  Result<std::size_t> try_ban(std::string_view subject, sys_seconds until) noexcept {
    const detail::AddressText text(subject);
    if (auto checked = check_subject(text); !checked) return checked.error();
    return counted([&](auto* out, auto* error) {
      return peer_manager_ban(handle_, text.c_str(), until.time_since_epoch().count(), out, error);
    });
  }

  /** Ends the ban of exactly this subject, in any spelling; NotFound when there is none. What another ban has of it
   * stays refused. */
  Result<void> try_unban(std::string_view subject) noexcept {
    const detail::AddressText text(subject);
    if (auto checked = check_subject(text); !checked) return checked.error();
    return detail::call([&](auto* error) { return peer_manager_unban(handle_, text.c_str(), error); });
  }

  /** Whether an address is banned now, so that a node can hang up on a peer that connects from it; the port does not
   * matter. InvalidAddress for the empty address, where C says that it is not banned. */
  [[nodiscard]] Result<bool> try_is_banned(const Address& address) const noexcept {
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

  /** Lists the bans that last, now: IPv4 first, then IPv6, each in the order of addresses, then names in that of their
   * letters. */
  [[nodiscard]] Result<std::vector<Ban>> try_bans() const {
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

  /** Removes all peers. */
  Result<void> try_clear_all() noexcept {
    return detail::call([&](auto* error) { return peer_manager_clear_all(handle_, error); });
  }

  /** Draws min(out.size(), eligible) peers into out: uniformly, without replacement, in random order. Returns how many.
   */
  Result<std::size_t> try_load_random_peers(const Query& query, Span<Address> out) const noexcept {
    const peer_manager_query c = query.to_c();
    return counted([&](auto* count, auto* error) {
      return peer_manager_load_random_peers(handle_, &c, out.size(), detail::raw(out.data()), count, error);
    });
  }

  /** Draws min(size, eligible) peers: uniformly, without replacement, in random order. */
  [[nodiscard]] Result<std::vector<Address>> try_load_random_peers(const Query& query, std::size_t size) const {
    return drawn(size, [&](Span<Address> out) { return try_load_random_peers(query, out); });
  }

  /** Draws up to out.size() peers to dial now into out, besides those that are busy, which this node has dialled and is
   * connected to or is dialling: the whole policy in one call. Purpose::Connect: known peers first, one of each
   * netgroup, the most senior first. Purpose::Feeler: a peer that was only heard of, to be tried and then hung up on.
   * Returns how many. peer_manager.h has the loop of a node. */
  Result<std::size_t> try_next_to_dial(Purpose purpose, Span<const Address> busy, Span<Address> out) const noexcept {
    return counted([&](auto* count, auto* error) {
      return peer_manager_next_to_dial(handle_, static_cast<std::uint32_t>(purpose), detail::raw(busy.data()),
                                       busy.size(), out.size(), detail::raw(out.data()), count, error);
    });
  }

  /** Draws at most size peers to dial now. */
  [[nodiscard]] Result<std::vector<Address>> try_next_to_dial(Purpose purpose, Span<const Address> busy,
                                                              std::size_t size) const {
    return drawn(size, [&](Span<Address> out) { return try_next_to_dial(purpose, busy, out); });
  }

  /** When the next waiting peer becomes due, so that a node need not poll; nothing if none waits. */
  [[nodiscard]] Result<std::optional<sys_seconds>> try_next_due() const noexcept {
    std::int64_t due = 0;
    const auto done = detail::call([&](auto* error) { return peer_manager_next_due(handle_, &due, error); });
    if (done) return std::optional<sys_seconds>(std::chrono::seconds(due));
    if (done.status() == Status::NotFound) return std::optional<sys_seconds>();
    return done.error();
  }

  /** Draws peers to tell asker about into out: never private addresses (Options::reach may say otherwise), never asker
   * (who may be empty); preferred before outbound before inbound, at random within each. Without a query every peer is
   * eligible. Returns how many. */
  Result<std::size_t> try_get_peers_to_send(const Address& asker, Span<Address> out,
                                            const std::optional<Query>& query = std::nullopt) const noexcept {
    peer_manager_query c = PEER_MANAGER_QUERY_INIT;
    if (query) c = query->to_c();
    return counted([&](auto* count, auto* error) {
      return peer_manager_get_peers_to_send(handle_, query ? &c : nullptr, asker.empty() ? nullptr : &asker.c_get(),
                                            out.size(), detail::raw(out.data()), count, error);
    });
  }

  /** Draws at most size peers to tell asker about. */
  [[nodiscard]] Result<std::vector<Address>> try_get_peers_to_send(
      const Address& asker, std::size_t size, const std::optional<Query>& query = std::nullopt) const {
    return drawn(size, [&](Span<Address> out) { return try_get_peers_to_send(asker, out, query); });
  }

  /** The number of peers; 0 without a table. */
  [[nodiscard]] std::size_t peer_count() const noexcept { return peer_manager_peer_count(handle_); }

  /** Copies all peers as they are at one point in time. */
  [[nodiscard]] Result<Snapshot> try_get_all_peers() const noexcept {
    peer_manager_snapshot* snapshot = nullptr;
    const auto done = detail::call([&](auto* error) { return peer_manager_get_all_peers(handle_, &snapshot, error); });
    Snapshot owner(snapshot);
    if (!done) return done.error();
    return owner;
  }

  /** Counts peers, writes and refusals. */
  [[nodiscard]] Result<Stats> try_get_stats() const noexcept {
    peer_manager_stats c = PEER_MANAGER_STATS_INIT;
    const auto done = detail::call([&](auto* error) { return peer_manager_get_stats(handle_, &c, error); });
    if (!done) return done.error();
    return Stats::from_c(c);
  }

  /** Returns what happened to the file if it was damaged when it was opened; nothing when it was not. */
  [[nodiscard]] Result<std::optional<Quarantine>> try_get_quarantine() const {
    Quarantine quarantine;
    std::size_t capacity = 4096;
    for (;; capacity *= 2) {
      quarantine.path.resize(capacity);
      const auto done = detail::call([&](auto* error) {
        return peer_manager_get_quarantine(handle_, quarantine.path.data(), capacity, &quarantine.saved,
                                           &quarantine.lost, error);
      });
      if (done) break;
      const bool too_small = handle_ != nullptr && done.status() == Status::InvalidArgument;
      if (!too_small || capacity >= (std::size_t{1} << 20)) return done.error();
    }
    quarantine.path.resize(quarantine.path.find('\0'));
    if (quarantine.path.empty()) return std::optional<Quarantine>();
    return std::optional<Quarantine>(std::move(quarantine));
  }

#if defined(__cpp_exceptions)
  /** The same functions, but they throw where those fail: an Error, or what the clock threw. @{ */
  [[nodiscard]] static Manager open(const Options& options) { return try_open(options).value(); }
  [[nodiscard]] static Manager open(std::string_view db_path) { return try_open(db_path).value(); }
  [[nodiscard]] static Manager in_memory() { return try_in_memory().value(); }
  [[nodiscard]] static Manager from_connection(sqlite3* db, const char* sqlite_libversion) {
    return try_from_connection(db, sqlite_libversion).value();
  }
  void flush() { try_flush().value(); }
  void ensure_exists(const Address& address) { try_ensure_exists(address).value(); }
  std::size_t ensure_exists_many(Span<const Address> addresses) { return try_ensure_exists_many(addresses).value(); }
  std::size_t import_from(std::string_view path) { return try_import_from(path).value(); }
  [[nodiscard]] Record load(const Address& address) const { return try_load(address).value(); }
  [[nodiscard]] History load_history(const Address& address) const { return try_load_history(address).value(); }
  void set_data(const Address& address, Span<const std::uint8_t> data) { try_set_data(address, data).value(); }
  [[nodiscard]] std::vector<std::uint8_t> data(const Address& address) const { return try_data(address).value(); }
  [[nodiscard]] std::uint64_t netgroup(const Address& address) const { return try_netgroup(address).value(); }
  void store(const Record& record) { try_store(record).value(); }
  void store_many(Span<const Record> records) { try_store_many(records).value(); }
  void update_type(const Address& address, PeerType observed, bool preferred_type_known) {
    try_update_type(address, observed, preferred_type_known).value();
  }
  void update_backoff(const Address& address, Backoff backoff) { try_update_backoff(address, backoff).value(); }
  void update(const Address& address, PeerType observed, bool preferred_type_known, Backoff backoff) {
    try_update(address, observed, preferred_type_known, backoff).value();
  }
  void remove(const Address& address) { try_remove(address).value(); }
  std::size_t remove_host(std::string_view host) { return try_remove_host(host).value(); }
  std::size_t remove_peers_with_many_failures(std::uint32_t min_num_failures) {
    return try_remove_peers_with_many_failures(min_num_failures).value();
  }
  std::size_t remove_peers_not_heard_since(sys_seconds since) {
    return try_remove_peers_not_heard_since(since).value();
  }
  std::size_t limit_next_attempt(sys_seconds latest) { return try_limit_next_attempt(latest).value(); }
  void set_online(bool online) { try_set_online(online).value(); }
  void set_own_addresses(Span<const Address> addresses) { try_set_own_addresses(addresses).value(); }
  std::size_t ban(std::string_view subject, sys_seconds until) { return try_ban(subject, until).value(); }
  void unban(std::string_view subject) { try_unban(subject).value(); }
  [[nodiscard]] bool is_banned(const Address& address) const { return try_is_banned(address).value(); }
  [[nodiscard]] std::vector<Ban> bans() const { return try_bans().value(); }
  void clear_all() { try_clear_all().value(); }
  std::size_t load_random_peers(const Query& query, Span<Address> out) const {
    return try_load_random_peers(query, out).value();
  }
  [[nodiscard]] std::vector<Address> load_random_peers(const Query& query, std::size_t size) const {
    return try_load_random_peers(query, size).value();
  }
  std::size_t next_to_dial(Purpose purpose, Span<const Address> busy, Span<Address> out) const {
    return try_next_to_dial(purpose, busy, out).value();
  }
  [[nodiscard]] std::vector<Address> next_to_dial(Purpose purpose, Span<const Address> busy, std::size_t size) const {
    return try_next_to_dial(purpose, busy, size).value();
  }
  [[nodiscard]] std::optional<sys_seconds> next_due() const { return try_next_due().value(); }
  std::size_t get_peers_to_send(const Address& asker, Span<Address> out,
                                const std::optional<Query>& query = std::nullopt) const {
    return try_get_peers_to_send(asker, out, query).value();
  }
  [[nodiscard]] std::vector<Address> get_peers_to_send(const Address& asker, std::size_t size,
                                                       const std::optional<Query>& query = std::nullopt) const {
    return try_get_peers_to_send(asker, size, query).value();
  }
  [[nodiscard]] Snapshot get_all_peers() const { return try_get_all_peers().value(); }
  [[nodiscard]] Stats get_stats() const { return try_get_stats().value(); }
  [[nodiscard]] std::optional<Quarantine> get_quarantine() const { return try_get_quarantine().value(); }
  /** @} */
#endif

  /** Whether there is a table. */
  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
  /** Exchanges two managers. */
  void swap(Manager& other) noexcept {
    std::swap(handle_, other.handle_);
    clock_.swap(other.clock_);
  }
  /** The handle of C, which this manager goes on owning. What the clock throws in calls through it is lost. */
  [[nodiscard]] peer_manager* c_get() const noexcept { return handle_; }

private:
  static Result<void> check_subject(const detail::AddressText& text) noexcept {
    return text.check("subject contains a NUL byte; leave it out",
                      "subject is longer than any host or prefix; write 203.0.113.7, 2001:db8::/32 or example.org");
  }

  template <class Open>
  static Result<Manager> opened(Manager manager, Open open) noexcept {
    const auto done = detail::call([&](auto* error) { return open(&manager.handle_, error); });
    if (!done) return done.error();
    return manager;
  }

  template <class Function>
  static Result<std::size_t> counted(Function function) noexcept {
    std::size_t count = 0;
    const auto done = detail::call([&](auto* error) { return function(&count, error); });
    if (!done) return done.error();
    return count;
  }

  /* Never allocates for more than there are peers, however large the size that is asked for. */
  template <class Draw>
  Result<std::vector<Address>> drawn(std::size_t size, Draw draw) const {
    std::vector<Address> answer(std::min(size, peer_count()));
    const auto count = draw(Span<Address>(answer));
    if (!count) return count.error();
    answer.resize(*count);
    return answer;
  }

  peer_manager* handle_ = nullptr;
  std::unique_ptr<detail::Clock> clock_; /* outlives the handle */
};

}  // namespace peermanager
