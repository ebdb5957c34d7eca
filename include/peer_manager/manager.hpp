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
  static Result<Manager> try_open(const Options& options);

  /** Opens a table on a database file with the default options; the file is created if there is none. */
  static Result<Manager> try_open(std::string_view db_path);

  /** Creates a table that lives in memory only, with the default options. */
  static Result<Manager> try_in_memory() noexcept;

  /** Opens a table in the database of a connection that is already open and outlives the manager. The second argument
   * is the caller's own sqlite3_libversion(). */
  static Result<Manager> try_from_connection(sqlite3* db, const char* sqlite_libversion) noexcept;

  /** Returns once everything that earlier calls changed survives a loss of power. */
  Result<void> try_flush() noexcept;

  /** Makes sure that an address is known; a new one is inbound, without failures, and due now. */
  Result<void> try_ensure_exists(const Address& address) noexcept;

  /** Makes sure that many addresses are known, all or none; returns how many were new. */
  Result<std::size_t> try_ensure_exists_many(Span<const Address> addresses) noexcept;

  /** Adds the peers of another database file that are new, all or none; those that are known stay as they are. Returns
   * how many were new; those that a bound refuses, and the banned, are left out and counted in refused_peers. Their
   * data comes with them, and with Options::keep_history their history. The file, of this library or of
   * stellar-core, is only read, and another process may have it open. */
  Result<std::size_t> try_import_from(std::string_view path);

  /** Returns what is known of an address; NotFound when it is not known. */
  [[nodiscard]] Result<Record> try_load(const Address& address) const noexcept;

  /** Returns when a peer was heard of, reached and tried; NotFound when it is not known, Unsupported without
   * Options::keep_history. */
  [[nodiscard]] Result<History> try_load_history(const Address& address) const noexcept;

  /** Replaces the bytes that go with a peer, such as a node's id or the services that it offers: at most data_capacity,
   * opaque to the library; none end it. NotFound when the peer is not known. Data goes with the peer: removal ends it.
   */
  Result<void> try_set_data(const Address& address, Span<const std::uint8_t> data) noexcept;

  /** Returns the bytes that go with a peer, none if there are none; NotFound when the peer is not known. */
  [[nodiscard]] Result<std::vector<std::uint8_t>> try_data(const Address& address) const;

  /** Which netgroup this manager counts an address as, known or not: an opaque number that two addresses have in common
   * exactly if they are of one netgroup. To another manager it means nothing. */
  [[nodiscard]] Result<std::uint64_t> try_netgroup(const Address& address) const noexcept;

  /** Stores a record as it is, replacing what was known of its address. */
  Result<void> try_store(const Record& record) noexcept;

  /** Stores records, all or none; of two with the same address the later one wins. */
  Result<void> try_store_many(Span<const Record> records);

  /** Updates a peer's type by what it was observed to be; an unknown one is added first. preferred_type_known is false
   * after a plain dial, true when the caller knows all preferred peers. */
  Result<void> try_update_type(const Address& address, PeerType observed, bool preferred_type_known) noexcept;

  /** Updates a peer's back-off by how an attempt to reach it went; an unknown one is added first. */
  Result<void> try_update_backoff(const Address& address, Backoff backoff) noexcept;

  /** Does what try_update_type and try_update_backoff do, in one change. */
  Result<void> try_update(const Address& address, PeerType observed, bool preferred_type_known,
                          Backoff backoff) noexcept;

  /** Removes a peer; NotFound when it is not known. */
  Result<void> try_remove(const Address& address) noexcept;

  /** Removes the peers of a host, on all its ports; the host is an IPv4 address, an IPv6 address without brackets or a
   * name, in any spelling. Returns how many there were; 0 is no failure. */
  Result<std::size_t> try_remove_host(std::string_view host) noexcept;

  /** Removes the peers that have failed at least this many times; 0 removes all. Returns how many there were. */
  Result<std::size_t> try_remove_peers_with_many_failures(std::uint32_t min_num_failures) noexcept;

  /** Removes the inbound peers that were never reached and were last heard of before a time; those of whose past
   * nothing is known stay. Returns how many there were. Unsupported without Options::keep_history. */
  Result<std::size_t> try_remove_peers_not_heard_since(sys_seconds since) noexcept;

  /** Limits every peer's next attempt to `latest`, to repair a table after a clock that was wrong. Returns how many
   * were changed. */
  Result<std::size_t> try_limit_next_attempt(sys_seconds latest) noexcept;

  /** Says whether the node itself is online, which it is at first. While it is offline, Backoff::Increase leaves the
   * failures as they are and has the peer wait for a minute at most. A good rule: offline while fewer than two
   * connections stand. */
  Result<void> try_set_online(bool online) noexcept;

  /** Replaces the list of the node's own addresses, of which it hears from others. They are removed, and refused from
   * then on (Refused; in a batch left out and counted in refused_peers). The list lives in memory only. */
  Result<void> try_set_own_addresses(Span<const Address> addresses) noexcept;

  /** Bans a host, on all its ports, or a prefix, until a time that is later than now, or for_good. The peers that it is
   * about, preferred ones too, are removed in the same transaction, and then refused (Refused; in a batch and in an
   * import left out and counted in refused_peers). Returns how many were removed. Banning the same again moves the end.
   *
   * The subject is a host in any spelling, such as 203.0.113.7, 2001:db8::1 or example.org, or a prefix, such as
   * 203.0.113.0/24 or 2001:db8::/32. A name is itself, without its subdomains. Bans survive a restart. */
  Result<std::size_t> try_ban(std::string_view subject, sys_seconds until) noexcept;

  /** Ends the ban of exactly this subject, in any spelling; NotFound when there is none. What another ban has of it
   * stays refused. */
  Result<void> try_unban(std::string_view subject) noexcept;

  /** Whether an address is banned now, so that a node can hang up on a peer that connects from it; the port does not
   * matter. InvalidAddress for the empty address, where C says that it is not banned. */
  [[nodiscard]] Result<bool> try_is_banned(const Address& address) const noexcept;

  /** Lists the bans that last, now: IPv4 first, then IPv6, each in the order of addresses, then names in that of their
   * letters. */
  [[nodiscard]] Result<std::vector<Ban>> try_bans() const;

  /** Removes all peers. */
  Result<void> try_clear_all() noexcept;

  /** Draws min(out.size(), eligible) peers into out: uniformly, without replacement, in random order. Returns how many.
   */
  Result<std::size_t> try_load_random_peers(const Query& query, Span<Address> out) const noexcept;

  /** Draws min(size, eligible) peers: uniformly, without replacement, in random order. */
  [[nodiscard]] Result<std::vector<Address>> try_load_random_peers(const Query& query, std::size_t size) const;

  /** Draws up to out.size() peers to dial now into out, but none that is busy, which this node has dialled and is
   * connected to or is dialling: the whole policy in one call. Purpose::Connect: known peers first, one of each
   * netgroup, the most senior first. Purpose::Feeler: a peer that was only heard of, to be tried and then hung up on.
   * Returns how many. peer_manager.h has the loop of a node. */
  Result<std::size_t> try_next_to_dial(Purpose purpose, Span<const Address> busy, Span<Address> out) const noexcept;

  /** Draws at most size peers to dial now. */
  [[nodiscard]] Result<std::vector<Address>> try_next_to_dial(Purpose purpose, Span<const Address> busy,
                                                              std::size_t size) const;

  /** When the next waiting peer becomes due, so that a node need not poll; nothing if none waits. */
  [[nodiscard]] Result<std::optional<sys_seconds>> try_next_due() const noexcept;

  /** Draws peers to tell asker about into out: never private addresses (Options::reach may say otherwise), never asker
   * (who may be empty); preferred before outbound before inbound, at random within each. Without a query every peer is
   * eligible. Returns how many. */
  Result<std::size_t> try_get_peers_to_send(const Address& asker, Span<Address> out,
                                            const std::optional<Query>& query = std::nullopt) const noexcept;

  /** Draws at most size peers to tell asker about. */
  [[nodiscard]] Result<std::vector<Address>> try_get_peers_to_send(
      const Address& asker, std::size_t size, const std::optional<Query>& query = std::nullopt) const;

  /** The number of peers; 0 without a table. */
  [[nodiscard]] std::size_t peer_count() const noexcept { return peer_manager_peer_count(handle_); }

  /** Copies all peers as they are at one point in time. */
  [[nodiscard]] Result<Snapshot> try_get_all_peers() const noexcept;

  /** Counts peers, writes and refusals. */
  [[nodiscard]] Result<Stats> try_get_stats() const noexcept;

  /** Returns what happened to the file if it was damaged when it was opened; nothing when it was not. */
  [[nodiscard]] Result<std::optional<Quarantine>> try_get_quarantine() const;

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

#include "calls.hpp"
