/**
 * @file peer_manager.h
 * @brief The table of peers that a peer-to-peer node keeps: which peers to dial next, which to tell others about, and how
 * each address has behaved.
 *
 * A node opens a peer manager (peer_manager_open), adds the addresses that it hears of (peer_manager_ensure_exists), draws
 * peers to dial (peer_manager_next_to_dial), reports the outcomes (peer_manager_update), draws peers to tell others about
 * (peer_manager_get_peers_to_send), and frees the peer manager (peer_manager_free).
 *
 * @code
 * #include <peer_manager.h>
 * #include <stdio.h>
 *
 * int main(void) {
 *   peer_manager *pm = NULL;
 *   peer_manager_error error;
 *   if (peer_manager_new_with_db("peers.db", &pm, &error) != PEER_MANAGER_OK) {
 *     fprintf(stderr, "%s\n", error.message);
 *     return 1;
 *   }
 *   peer_manager_free(pm);
 *   return 0;
 * }
 * @endcode
 *
 * ## First steps
 *
 * - **Store where a peer listens.** The address that accept returns has the right host and a port that ends with the
 *   connection. Let your handshake say on which port the peer listens, and report that address as
 *   PEER_MANAGER_TYPE_INBOUND (peer_manager_update_type).
 * - **Report every attempt**, else the same dead peer is drawn again: a success with peer_manager_update
 *   (PEER_MANAGER_TYPE_OUTBOUND, PEER_MANAGER_BACKOFF_RESET), a failure with peer_manager_update_backoff
 *   (PEER_MANAGER_BACKOFF_INCREASE). How long a peer waits then is a table at peer_manager_update_backoff.
 * - **Give the node's own addresses** to peer_manager_set_own_addresses, because gossip brings them back.
 * - **Preferred peers** are those that the operator chose. A table at peer_manager_update_type shows what a report makes of
 *   them: reported as inbound, a preferred peer loses its status.
 * - **Purge** once a day, but not while the node is offline: peer_manager_remove_peers_with_many_failures with
 *   PEER_MANAGER_REALLY_DEAD removes the peers that stopped answering weeks ago.
 * - **After installing** the shared library into /usr/local, run ldconfig, or link with -Wl,-rpath,/usr/local/lib: the
 *   program does not start otherwise.
 *
 * ## Conventions
 *
 * They hold wherever a comment does not say otherwise, and are not repeated there.
 *
 * - **Errors.** A function that can fail returns a peer_manager_status: PEER_MANAGER_OK (0), or the reason why it did
 *   nothing. On failure no output but the error is written, and no peer is changed, in memory or on disk.
 * - **Statuses.** A comment names only those that have a particular meaning for its function. In addition, every function
 *   may return PEER_MANAGER_ERROR_INVALID_ARGUMENT, PEER_MANAGER_ERROR_NO_MEMORY and PEER_MANAGER_ERROR_INTERNAL, and one
 *   that takes an address, a host or a prefix PEER_MANAGER_ERROR_INVALID_ADDRESS. A function without a status returns false
 *   or 0 for NULL, for an invalid address and after an internal error, or the text "unknown" after an internal error.
 * - **Writes.** A function whose cost is a transaction waits for the disk. It returns PEER_MANAGER_ERROR_DATABASE, _BUSY,
 *   _DISK_FULL or _CORRUPT if the database refuses the write, and _UNSUPPORTED in a forked child. With
 *   PEER_MANAGER_DURABILITY_DEFERRED it does not wait, and the transaction comes later. In memory there is none. Only
 *   functions that open or free a peer manager wait for the disk, too.
 * - **New peers.** A function that inserts a peer returns PEER_MANAGER_ERROR_LIMIT if a bound refuses it (max_peers,
 *   max_peers_per_netgroup), and PEER_MANAGER_ERROR_REFUSED if it is banned, one of the node's own, or, as gossip, not
 *   admitted by reach. A function that inserts many leaves refused ones out, and returns PEER_MANAGER_ERROR_LIMIT only if
 *   the table would have more than some three thousand million peers. peer_manager_stats.refused_peers counts both.
 * - **Cost** in time is constant, whatever the number of peers.
 * - **Parameters** come in the order handle, inputs, outputs, error. Inputs may share memory with outputs. These are the
 *   same everywhere: `pm` is the peer manager, and `snapshot` a snapshot; `address` is a peer's address, in any spelling,
 *   and so are `addresses` and those in a `record` and in `records`; `options`, `query` and `stats` are initialised
 *   structs, or those to initialise, and `struct_size` is their size as the caller knows it, beyond which nothing is written;
 *   `index` is less than peer_manager_snapshot_count; `out` receives the result; `out_inserted`, `out_removed` and
 *   `out_changed` receive how many peers were new, removed and changed, and may be NULL; `error` receives the reason for a
 *   failure, and may be NULL, too.
 * - **Arrays** are passed with the number of their elements, such as `count` or `busy_count`: with 0 the array may be NULL.
 *   If an address or a record in it is invalid, the message has the index of the first. `size` and `capacity` are how many
 *   elements are wanted, and how many `out` has room for; `out_count` receives how many there are, and to find fewer, or
 *   none, is no error. A number too large for any memory is PEER_MANAGER_ERROR_INVALID_ARGUMENT.
 * - **NULL** where a value is required is PEER_MANAGER_ERROR_INVALID_ARGUMENT with a message that names the argument.
 *   Freeing or initialising NULL does nothing. A pointer that is not NULL must be valid.
 * - **Alignment.** A pointer must have the alignment of its C type. Variables, members and memory from malloc have it; a
 *   pointer into a packed struct or a byte buffer may not, and is PEER_MANAGER_ERROR_INVALID_ARGUMENT then. Where no error
 *   can be returned, such a pointer counts as NULL. The _init functions take any alignment, and a socket address need not
 *   be aligned where its parameter says so.
 * - **Ownership.** The library keeps nothing that is passed in, and the caller frees nothing but the two opaque handles,
 *   peer_manager (peer_manager_free) and peer_manager_snapshot (peer_manager_snapshot_free). Returned text is static.
 * - **Enumerations** are numbers with named constants; an unknown one is PEER_MANAGER_ERROR_INVALID_ARGUMENT. A truth
 *   value that is passed in is any non-zero number.
 * - **Text** is NUL-terminated UTF-8; other text is PEER_MANAGER_ERROR_INVALID_ARGUMENT.
 * - **Time** is in whole seconds since the Unix epoch, and its arithmetic saturates.
 * - **Threads.** Any number of threads may call any function on the same peer manager at once; only peer_manager_free comes
 *   last and alone. A snapshot is used by one thread at a time. The library keeps no state per thread.
 * - **fork.** A child should not use a peer manager of its parent: it opens its own, after the parent has freed its own.
 *   Calls that would change the parent's file return PEER_MANAGER_ERROR_UNSUPPORTED, with every durability, and
 *   peer_manager_free leaves the file alone. Other calls work on the child's copy of the memory, and their random choices
 *   differ from those of the parent and its other children; but they may wait for ever for a lock that another thread of
 *   the parent held at the fork. A child that outlives its parent does not keep the file locked.
 * - **Stack.** 64 KiB are enough for any call: opening takes about 33 KiB, every other call less than 17.
 * - **Signals.** The library's thread blocks all signals, so they reach the application's own threads. No write
 *   raises SIGXFSZ: beyond RLIMIT_FSIZE it fails like one to a full disk, whatever the application does about that signal.
 * - **Callbacks** run on the calling thread, during the call, with no lock held; they may call the same peer manager.
 * - **Bugs.** No panic crosses into the caller. The call returns PEER_MANAGER_ERROR_INTERNAL (or the value above, if it
 *   has no status), and so does every later call on that peer manager, until it is freed.
 * - **Growing structs** (options, query, stats) begin with their size. Initialise them with the _INIT macro or the
 *   _init function, then set what differs: a program that was compiled with an older header runs with a newer library, and
 *   with an older library as long as it does not use what that lacks. A bad size is PEER_MANAGER_ERROR_INVALID_ARGUMENT,
 *   and a field that the library does not know and that is not 0 PEER_MANAGER_ERROR_UNSUPPORTED. None will ever be larger
 *   than 4096 bytes. The other structs never change.
 * - **Since.** Everything has been there since 0.1.0, unless its comment names a later version.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PEER_MANAGER_H
#define PEER_MANAGER_H

/* Generated by cbindgen from src/ffi/; changes belong there. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header: incompatible changes. */
#define PEER_MANAGER_VERSION_MAJOR 0
/** The version of this header: additions. */
#define PEER_MANAGER_VERSION_MINOR 2
/** The version of this header: corrections. */
#define PEER_MANAGER_VERSION_PATCH 0
/** The version of this header as one number: major * 1000000 + minor * 1000 + patch. */
#define PEER_MANAGER_VERSION_NUMBER 2000
/** The version of this header as text. */
#define PEER_MANAGER_VERSION_STRING "0.2.0"

/** Initialises peer_manager_options: a table in memory, COMMIT durability, the system's clock, no bounds. */
#define PEER_MANAGER_OPTIONS_INIT \
  { sizeof(peer_manager_options), 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL }
/** Initialises peer_manager_query: outbound and preferred peers whose next attempt is due and that have failed at most
 * PEER_MANAGER_REALLY_DEAD times. */
#define PEER_MANAGER_QUERY_INIT \
  { sizeof(peer_manager_query), PEER_MANAGER_FILTER_ANY_OUTBOUND, 1, 1, PEER_MANAGER_REALLY_DEAD, 0, NULL, 0, \
    0, 0, 0, 0, 0, 0 }
/** Initialises peer_manager_stats: all zero. */
#define PEER_MANAGER_STATS_INIT \
  { sizeof(peer_manager_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** Defined where the two functions for socket addresses are: since 0.2.0, everywhere. */
#define PEER_MANAGER_HAS_SOCKADDR 1
struct sockaddr;
struct sockaddr_storage;
struct sqlite3;

#if defined(_WIN32) && defined(PEER_MANAGER_DLL)
/** What stands before each function, for an application that defines PEER_MANAGER_DLL and is linked with the DLL.
 * Since 0.2.0. */
#define PEER_MANAGER_API __declspec(dllimport)
#else
/** What stands before each function; nothing, unless an application for Windows defines PEER_MANAGER_DLL. It need not:
 * without it, it can be linked with the DLL and with the static library. Since 0.2.0. */
#define PEER_MANAGER_API
#endif


/** The call succeeded. */
#define PEER_MANAGER_OK 0

/** An argument can never be right: NULL, an unknown enumerator, a bad size, text that is not UTF-8. The message names
 * it. */
#define PEER_MANAGER_ERROR_INVALID_ARGUMENT 1
/** A host or a port does not make an address, or a prefix is not one. */
#define PEER_MANAGER_ERROR_INVALID_ADDRESS 2
/** There is no such peer, or no such ban. */
#define PEER_MANAGER_ERROR_NOT_FOUND 3
/** SQLite failed for a reason without a status of its own, which sqlite_code gives. */
#define PEER_MANAGER_ERROR_DATABASE 4
/** The file is damaged or not a database, or its table "peers" is not a table of peers. */
#define PEER_MANAGER_ERROR_CORRUPT 5
/** The database stayed locked by another connection past busy_timeout_ms. The same call may succeed later. */
#define PEER_MANAGER_ERROR_BUSY 6
/** There is no space left for the database. The same call succeeds once there is. */
#define PEER_MANAGER_ERROR_DISK_FULL 7
/** A configured bound refuses the peer. */
#define PEER_MANAGER_ERROR_LIMIT 8
/** This version, or this build, cannot do that; or the call would write to the parent's file after a fork. */
#define PEER_MANAGER_ERROR_UNSUPPORTED 9
/** The library has a bug. Every later call on that peer manager returns this, too; free it. */
#define PEER_MANAGER_ERROR_INTERNAL 10
/** A policy refuses the address: it is banned (peer_manager_ban), one of the node's own (peer_manager_set_own_addresses),
 * or not admitted by peer_manager_options.reach. Since 0.2.0. */
#define PEER_MANAGER_ERROR_REFUSED 11
/** There is not enough memory, and nothing was done. This covers only memory that grows with the table or with a batch; a
 * small allocation that fails ends the process. Since 0.2.0. */
#define PEER_MANAGER_ERROR_NO_MEMORY 12

/** The size of a host in an address: 253 characters and a NUL. */
#define PEER_MANAGER_HOST_CAPACITY 254

/** The size of a buffer that holds any address that peer_manager_address_format writes. */
#define PEER_MANAGER_ADDRESS_TEXT_CAPACITY 260

/** Known from an incoming connection or from gossip, and never dialled successfully yet. */
#define PEER_MANAGER_TYPE_INBOUND 0
/** Dialled successfully at least once. */
#define PEER_MANAGER_TYPE_OUTBOUND 1
/** Chosen by the operator. */
#define PEER_MANAGER_TYPE_PREFERRED 2

/** Resets the failures to 0 and makes the peer due now: for a peer that the operator wants dialled at once. */
#define PEER_MANAGER_BACKOFF_HARD_RESET 0
/** Resets the failures to 0 and has the peer wait for 1 to 10 seconds: after a successful dial. */
#define PEER_MANAGER_BACKOFF_RESET 1
/** Counts one more failure, which makes n, and has the peer wait for a random time from 1 to 10 * 2^min(n, 10) seconds:
 * after a failed dial. */
#define PEER_MANAGER_BACKOFF_INCREASE 2

/** The number of failures from which a node stops telling others about a peer, as stellar-core does. A query with it as
 * max_num_failures still admits peers with exactly that many; peer_manager_remove_peers_with_many_failures with it removes
 * them. */
#define PEER_MANAGER_MAX_FAILURES 10

/** A call returns after its transaction is committed: the change survives a crash of the process. The default. If the call
 * fails because the disk failed after everything had been written, and the process ends before the next change, the next
 * start may still find the change. */
#define PEER_MANAGER_DURABILITY_COMMIT 0
/** A call returns after its transaction is committed and fsynced: the change survives a loss of power. If the disk fails,
 * as above. */
#define PEER_MANAGER_DURABILITY_SYNC 1
/** A change is applied to memory, and a background thread commits what has changed at most flush_interval_ms later, in
 * groups. A group is one transaction, and holds the table as it was at one point in time. A call that changes peers never
 * waits for the disk and never fails because of it; peer_manager_flush waits until everything is in the file, and reports
 * failure. A crash of the process loses what was not committed. In memory and on a borrowed connection it has no
 * effect. */
#define PEER_MANAGER_DURABILITY_DEFERRED 2

/** A damaged file is refused and left as it is. The default. */
#define PEER_MANAGER_ON_CORRUPT_FAIL 0
/** A file that would be refused with PEER_MANAGER_ERROR_CORRUPT (so also a sound database whose table peers is another
 * program's) is set aside: .damaged- and the time (UTC) are added to its name and those of its -wal and -shm. The peers
 * that can be read from it are put into a new file, and the peer manager opens; peer_manager_get_quarantine returns what
 * happened. Nothing is deleted, but the new file has no bans, data and histories. */
#define PEER_MANAGER_ON_CORRUPT_QUARANTINE 1

/** Everything is stored and drawn, and private addresses (peer_manager_address_is_private) are never told to others. The
 * default. Since 0.2.0. */
#define PEER_MANAGER_REACH_SPECIFICATION 0
/** For nodes on the Internet. Gossip (peer_manager_ensure_exists and _many) of an address that is new and not routable
 * (peer_manager_address_is_routable) is refused. If such an address gets into the table in another way (it is stored,
 * updated, imported or in the file), it is drawn only as a preferred peer, and never told to others. Since 0.2.0. */
#define PEER_MANAGER_REACH_PUBLIC 1
/** For one machine, a LAN, containers, test networks. Private addresses are told to others like any address, and a private
 * address with its port is a netgroup of its own. Since 0.2.0. */
#define PEER_MANAGER_REACH_PRIVATE 2

/** Inbound peers only. */
#define PEER_MANAGER_FILTER_INBOUND_ONLY 0
/** Outbound peers only. */
#define PEER_MANAGER_FILTER_OUTBOUND_ONLY 1
/** Preferred peers only. */
#define PEER_MANAGER_FILTER_PREFERRED_ONLY 2
/** Outbound and preferred peers. */
#define PEER_MANAGER_FILTER_ANY_OUTBOUND 3
/** Every peer. */
#define PEER_MANAGER_FILTER_ANY 4
/** Inbound and outbound peers: to tell strangers nothing of the operator's own peers. Since 0.2.0. */
#define PEER_MANAGER_FILTER_NOT_PREFERRED 5

/** IPv4 addresses. Since 0.2.0. */
#define PEER_MANAGER_NETWORK_IPV4 1
/** IPv6 addresses, also those that wrap an IPv4 address. Since 0.2.0. */
#define PEER_MANAGER_NETWORK_IPV6 2
/** Tor's onion services: names that end in .onion. Since 0.2.0. */
#define PEER_MANAGER_NETWORK_ONION 4
/** I2P's destinations: names that end in .i2p. Since 0.2.0. */
#define PEER_MANAGER_NETWORK_I2P 8
/** All other names. Since 0.2.0. */
#define PEER_MANAGER_NETWORK_NAME 16

/** The most failures with which a peer is still dialled: with more, stellar-core gives up on a peer, and removes it.
 * Since 0.2.0. */
#define PEER_MANAGER_REALLY_DEAD 120

/** A connection that is to stay. Since 0.2.0. */
#define PEER_MANAGER_DIAL_CONNECT 0
/** A connection that finds out whether a peer that was only heard of can be reached, and is hung up. Since 0.2.0. */
#define PEER_MANAGER_DIAL_FEELER 1

/** The most bytes of data that a peer can have. Since 0.2.0. */
#define PEER_MANAGER_DATA_CAPACITY 255

/** A table of peers, opaque: made by peer_manager_open and the like, freed by peer_manager_free. */
typedef struct peer_manager peer_manager;

/** All peers as they were at one point in time, opaque: made by peer_manager_get_all_peers, freed by
 * peer_manager_snapshot_free. It may outlive its peer manager. */
typedef struct peer_manager_snapshot peer_manager_snapshot;

/** The result of a function that can fail: PEER_MANAGER_OK, or the reason why it did nothing. */
typedef int32_t peer_manager_status;

/** Where a peer listens. It may be filled in by hand, with the host in any spelling: every function that takes one
 * canonicalises it. 256 bytes.
 *
 * An address that a function has written is canonical: IPv6 in the form of RFC 5952, IPv4-mapped IPv6 as IPv4, names in
 * lower case without a trailing dot. The bytes after the host's NUL are 0 then. */
typedef struct peer_manager_address {
  /** An IPv4 address, an IPv6 address without brackets, or a DNS-style name, so .onion and .i2p too. */
  char host[PEER_MANAGER_HOST_CAPACITY];
  /** 1 to 65535. */
  uint16_t port;
} peer_manager_address;

/** The reason for a failure. The caller owns it, on the stack for example; it needs no initialisation and no freeing. 256
 * bytes. */
typedef struct peer_manager_error {
  /** The status that the function returned. */
  int32_t status;
  /** SQLite's extended result code, 0 if SQLite was not involved. On a borrowed connection it is the primary code, unless
   * the application has turned extended codes on. */
  int32_t sqlite_code;
  /** One line of text: what failed, on what, and what to do. It is safe to print: text from strangers is escaped and cut
   * short. */
  char message[248];
} peer_manager_error;

/** The state of one peer. 272 bytes. */
typedef struct peer_manager_record {
  /** Where it listens. */
  struct peer_manager_address address;
  /** When it may be dialled next. */
  int64_t next_attempt;
  /** Failures since the last success. */
  uint32_t num_failures;
  /** One of PEER_MANAGER_TYPE_*. */
  uint32_t peer_type;
} peer_manager_record;

/** How a peer manager is opened. It is only read during the call. 0 or NULL in a field is its default. */
typedef struct peer_manager_options {
  /** sizeof(peer_manager_options), set by the initialiser. */
  uint32_t struct_size;
  /** One of PEER_MANAGER_DURABILITY_*. */
  uint32_t durability;
  /** The path of the database file, never a URI, created if there is none; NULL for a table in memory only. While it is
   * open there are three more files next to it, with -wal, -shm and -lock added to its name, and while it is being set
   * aside one with -salvage. So a file with a second name (a hard link) and one that is itself a mount point are refused:
   * in a container, mount the directory. Do not replace the file while it is open. */
  const char *db_path;
  /** How long to wait for another connection's lock, or for another peer manager that has the file open to be freed, in
   * milliseconds; 0 for 5000. */
  uint32_t busy_timeout_ms;
  /** With DEFERRED, how long after the first change of a group the group is committed, in milliseconds; 0 for 100. */
  uint32_t flush_interval_ms;
  /** One of PEER_MANAGER_ON_CORRUPT_*. */
  uint32_t on_corrupt;
  /** Non-zero: every random choice follows rng_seed, for tests and simulations: the same calls at the same times get the
   * same answers from the same version of the library. Anyone who knows the seed can predict them. After a fork, parent
   * and child still choose differently. */
  uint32_t has_rng_seed;
  /** The seed. */
  uint64_t rng_seed;
  /** Returns the time; NULL for the system's clock. It may be called by many threads at once, and must return: no longjmp,
   * no exception. */
  int64_t (*clock)(void *clock_context);
  /** Passed to clock; must stay valid until the peer manager is freed. */
  void *clock_context;
  /** The most peers in the table; 0 for no bound.
   *
   * A new peer in a full table, whether from gossip (peer_manager_ensure_exists) or from the application itself, evicts
   * the inbound peer with the most failures: of its own netgroup if one there has failed, else of the table. (From 16 on,
   * only 16 to 31, 32 to 63, 64 to 120 and more are told apart.) If no inbound peer has failed, the new one is refused.
   * Outbound and preferred peers are not evicted, nor is any peer of the same batch, known or new. A change of a peer that
   * is in the table is never refused.
   *
   * With keep_history, an outbound peer that is dead is evicted before a new one is refused: it has failed at least
   * PEER_MANAGER_MAX_FAILURES times, and was not reached for 30 days (or, if nothing is known of that, since its history
   * began). Preferred peers never are.
   *
   * Of a file with more peers the best are loaded: preferred before outbound before inbound, then those with fewer
   * failures, then those whose rows come first. The rows of the others stay in the file and count as refused; the row of
   * one that comes back as a new peer is overwritten. */
  uint64_t max_peers;
  /** The most peers of one netgroup; 0 for no bound. As max_peers, but a new peer in a full netgroup evicts only a peer of
   * that netgroup.
   *
   * A netgroup is an IPv4 /16, also for an IPv6 address that wraps or tunnels an IPv4 address (6to4, Teredo's client,
   * NAT64, IPv4-translated); for other IPv6 addresses a /32, but a /36 of 2001:470::/32; names are grouped by name_groups.
   * With PEER_MANAGER_REACH_PRIVATE, a private address with its port is one of its own. With asmap_path, all IP addresses
   * of an autonomous system are one. */
  uint32_t max_peers_per_netgroup;
  /** 0: peer_manager_get_peers_to_send draws anew each time. Otherwise it answers everyone from one shared list of drawn
   * peers, which is used for this many seconds and a random time of up to half as many more, so that no peer learns the
   * table by asking often, or learns when the next list is begun. */
  uint32_t share_cache_seconds;
  /** How much of the table the shared list may hold at a time, 0 to 100: for each type, this percentage of the peers that
   * have that type when the first of them is drawn, rounded down but at least one; 0 and 100 mean no limit. A type that is
   * not asked for takes nothing from the others. Peers that are no longer in the table are replaced by others. While a new
   * node's table is small, so is a percentage of it. Anything but 0 needs share_cache_seconds. */
  uint32_t share_max_percent;
  /** Must be 0. */
  uint32_t reserved;
  /** One of PEER_MANAGER_REACH_*. Since 0.2.0. */
  uint32_t reach;
  /** 0: each name is a netgroup. 1: all DNS names together are one; .onion and .i2p are 16 each, by the first four bits of
   * the key. Since 0.2.0. */
  uint32_t name_groups;
  /** Non-zero: a peer_manager_history of each peer is kept and saved. peer_manager_load_history,
   * peer_manager_query.heard_since and .reached_since need it, and max_peers and max_peers_per_netgroup find dead outbound
   * peers by it. Since 0.2.0.
   *
   * It costs 20 bytes a peer in memory, and in the file a table of its own, peer_manager_history, which is written in the
   * transaction of the change that a time belongs to. Gossip about a known peer writes at most once a day. In
   * stellar-core's file there is no such table: there, histories end with the peer manager. Opened without this option,
   * the file keeps the histories that it has, as long as their peers; peers that come meanwhile have none. */
  uint32_t keep_history;
  /** The unit of the back-off in seconds, at most 3600; 0 for the specification's 10. Since 0.2.0. */
  uint32_t backoff_seconds;
  /** How often the back-off doubles, at most 20; 0 for the specification's 10. Since 0.2.0. */
  uint32_t max_backoff_exponent;
  /** Must be 0. Since 0.2.0. */
  uint32_t reserved2;
  /** The path of a map of the Internet's autonomous systems (AS), in the format of Bitcoin Core's asmap.dat, which makes an
   * operator who has many prefixes one netgroup; NULL for netgroups by prefix. Since 0.2.0.
   *
   * IP addresses whose AS the map knows are of one netgroup with all others of that AS, IPv4 and IPv6; the netgroups of
   * others, and of names, are as without it. The file is read during the call, and not again. It is refused with
   * PEER_MANAGER_ERROR_INVALID_ARGUMENT and the reason if it cannot be read, is not a regular file, has more than 16 MiB
   * (a map of the whole Internet has some 1.5), is cut off, or is not a map by the rules that Bitcoin Core checks.
   *
   * Cost: the size of the file in memory, and about half a microsecond each time the netgroup of an IP address is
   * needed. */
  const char *asmap_path;
} peer_manager_options;

/** Which peers are eligible. */
typedef struct peer_manager_query {
  /** sizeof(peer_manager_query), set by the initialiser. */
  uint32_t struct_size;
  /** One of PEER_MANAGER_FILTER_*; PEER_MANAGER_FILTER_ANY_OUTBOUND by default. */
  uint32_t type_filter;
  /** Non-zero, the default: only peers with next_attempt <= now. */
  uint32_t use_next_attempt;
  /** Non-zero, the default: only peers with num_failures <= max_num_failures. */
  uint32_t has_max_num_failures;
  /** The most failures; PEER_MANAGER_REALLY_DEAD by default. */
  uint32_t max_num_failures;
  /** 0, the default: every eligible peer is equally likely. Otherwise each draw first picks a netgroup
   * (peer_manager_options.max_peers_per_netgroup), uniformly among those with an eligible peer left, then a peer in it,
   * uniformly, and takes at most this many from any one netgroup: an attacker's share is the share of netgroups it holds,
   * not of addresses. Excluded peers do not count. */
  uint32_t max_per_netgroup;
  /** Peers to leave out, such as those connected now, in any spelling and order, known or not; an invalid address is
   * PEER_MANAGER_ERROR_INVALID_ADDRESS with its index. Borrowed for the call. */
  const struct peer_manager_address *exclude;
  /** How many. */
  size_t exclude_count;
  /** 0 or 1, the default: off. Otherwise, at most 64: each place in the answer goes to the most senior of this many draws,
   * each made as if it were for that place alone. Since 0.2.0.
   *
   * Of inbound peers, the one that was heard of first is the most senior; of outbound and preferred ones, the one that
   * first became outbound or preferred; a peer that is stored or imported is new at that time. Seniority lasts through
   * restarts, failures and changes between outbound and preferred, and ends with removal. A flood cannot be old, so it
   * wins few places. (The principle is Kademlia's preference for old contacts: P. Maymounkov and D. Mazieres, 2002.)
   *
   * It costs the file nothing: the order of its rows is the order of seniority. A file whose table peers is WITHOUT ROWID
   * keeps none: there, peers are in the order of their keys after a restart. */
  uint32_t seniority;
  /** Non-zero: leaves out every peer of a netgroup that an address in exclude is in. Since 0.2.0. */
  uint32_t apart;
  /** 0, the default: all networks. Otherwise a sum of PEER_MANAGER_NETWORK_*: only peers with such addresses. Peers of
   * other networks cost a draw each, and where they are most, the query is linear in the admitted peers. Since 0.2.0. */
  uint32_t networks;
  /** For peer_manager_get_peers_to_send with peer_manager_options.share_cache_seconds: which of the shared lists answers,
   * from 0 to 15. With one for each network and each local address, a peer that asks over two of them cannot tell by the
   * answers that it is one node. Since 0.2.0. */
  uint32_t share_key;
  /** 0, the default: any. Otherwise only peers that were heard of, or else reached, at or after this time. Needs
   * peer_manager_options.keep_history, else it is PEER_MANAGER_ERROR_INVALID_ARGUMENT. A peer is heard of to the day: see
   * peer_manager_history.last_heard. Peers that are left out cost as those of other networks. Since 0.2.0. */
  int64_t heard_since;
  /** 0, the default: any. Otherwise only peers reached at or after this time. As heard_since. Since 0.2.0. */
  int64_t reached_since;
} peer_manager_query;

/** A ban. 272 bytes. Since 0.2.0. */
typedef struct peer_manager_ban_entry {
  /** In canonical form: a host, or a prefix such as 203.0.113.0/24. The bytes after the NUL are 0. */
  char subject[264];
  /** The first second at which it is over; INT64_MAX for good. */
  int64_t until;
} peer_manager_ban_entry;

/** When a peer was heard of, reached and tried; 0 for never, and for what is not known. A time before the epoch counts as
 * its first second, one after the year 2106 as the last of that range. 40 bytes; never changes. Since 0.2.0.
 *
 * A peer that was there before its history was kept has zeros; the first that is recorded is then the first that is
 * known. */
typedef struct peer_manager_history {
  /** When the peer was inserted; of one that was there before its history was kept, when something was recorded first. */
  int64_t first_heard;
  /** When it was last inserted or named by gossip (peer_manager_ensure_exists and _many), to the day: gossip moves it only
   * if it differs by a day or more, so the true time may be up to a day later. */
  int64_t last_heard;
  /** When it was first reached: PEER_MANAGER_BACKOFF_RESET or PEER_MANAGER_BACKOFF_HARD_RESET of peer_manager_update or
   * peer_manager_update_backoff. */
  int64_t first_reached;
  /** When it was last reached. */
  int64_t last_reached;
  /** When an attempt to reach it last failed: PEER_MANAGER_BACKOFF_INCREASE. */
  int64_t last_attempt;
} peer_manager_history;

/** Counts of what is in the table and of what happened since it was opened. */
typedef struct peer_manager_stats {
  /** sizeof(peer_manager_stats), set by the initialiser. */
  uint32_t struct_size;
  /** How the peer manager was opened: one of PEER_MANAGER_DURABILITY_*. */
  uint32_t durability;
  /** All peers. */
  uint64_t peers;
  /** Peers of type PEER_MANAGER_TYPE_INBOUND. */
  uint64_t inbound;
  /** Peers of type PEER_MANAGER_TYPE_OUTBOUND. */
  uint64_t outbound;
  /** Peers of type PEER_MANAGER_TYPE_PREFERRED. */
  uint64_t preferred;
  /** Peers with next_attempt <= now. */
  uint64_t ready;
  /** Netgroups (peer_manager_options.max_peers_per_netgroup) with at least one peer. */
  uint64_t netgroups;
  /** With DEFERRED: changes that are not in the file yet. */
  uint64_t pending_writes;
  /** Writes to the database that failed since the peer manager was opened; with DEFERRED each try of a group is one. */
  uint64_t failed_writes;
  /** Rows of the database that were not valid peers when it was opened, left where they are. After a quarantine, the rows
   * that could not be saved. */
  uint64_t skipped_rows;
  /** Peers that max_peers, max_peers_per_netgroup, reach, bans or the list of the node's own addresses refused since the
   * peer manager was opened, including those that the bounds and bans kept out of the table then. */
  uint64_t refused_peers;
  /** Bans that are in force now (peer_manager_ban). Since 0.2.0. */
  uint64_t bans;
  /** The size in bytes of the write-ahead log, which is next to the file with -wal added to its name. SQLite reuses it from
   * the beginning once all of it is in the file, so if it keeps growing, some reader never ends. 0 in memory and on a
   * borrowed connection. Since 0.2.0. */
  uint64_t log_bytes;
  /** Failed attempts that did not count, because the node was offline (peer_manager_set_online). Since 0.2.0. */
  uint64_t forgiven_failures;
  /** Changes that were left out of the file since the peer manager was opened, because the file's own constraints refuse
   * them: memory has them until the peer manager is freed. Since 0.2.0. */
  uint64_t rejected_rows;
} peer_manager_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/** Returns the version of the loaded library, which may be newer than the header that the program was compiled with.
 * @return major * 1000000 + minor * 1000 + patch, to be compared with PEER_MANAGER_VERSION_NUMBER */
PEER_MANAGER_API uint32_t peer_manager_version_number(void);

/** Returns the version of the loaded library as text, such as "0.1.0".
 * @return static text, never NULL */
PEER_MANAGER_API const char *peer_manager_version_string(void);

/** Describes how the loaded library was built: its version, the version of SQLite and whether it is bundled or the
 * system's, and the target platform.
 * @return static text in one line, for logs and bug reports, never NULL */
PEER_MANAGER_API const char *peer_manager_build_info(void);

/** Returns the name of a status, for logs.
 * @param status  any number
 * @return static text, never NULL: "OK", "NOT_FOUND" and so on; "UNKNOWN" for any other number and after an internal
 *         error */
PEER_MANAGER_API const char *peer_manager_status_name(int32_t status);

/** Makes a canonical address from a host and a port.
 * @param host  an IPv4 address, an IPv6 address without brackets, or a name
 * @param port  1 to 65535 */
PEER_MANAGER_API peer_manager_status peer_manager_address_init(const char *host, uint16_t port,
    struct peer_manager_address *out, struct peer_manager_error *error);

/** Makes a canonical address from text: `1.2.3.4`, `1.2.3.4:11625`, `[2001:db8::1]:11625`, `2001:db8::1`,
 * `core-live-a.stellar.org:11625`.
 * @param text          no white space, no scope ids, no masks, no schemes; the error's message says what is wrong with it
 * @param default_port  the port of text that has none; 0 if the text must have one */
PEER_MANAGER_API peer_manager_status peer_manager_address_parse(const char *text, uint16_t default_port,
    struct peer_manager_address *out, struct peer_manager_error *error);

/** Writes an address as text, "host:port" with an IPv6 host in brackets, which peer_manager_address_parse reads.
 * @param buffer    receives the text; if it is too small (PEER_MANAGER_ERROR_INVALID_ARGUMENT), it stays as it was
 * @param capacity  the size of buffer in bytes; PEER_MANAGER_ADDRESS_TEXT_CAPACITY is always enough */
PEER_MANAGER_API peer_manager_status peer_manager_address_format(const struct peer_manager_address *address, char *buffer,
    size_t capacity, struct peer_manager_error *error);

/** Compares two addresses in canonical form.
 * @param a  an address, in any spelling
 * @param b  an address, in any spelling
 * @return whether both are addresses and the same one */
PEER_MANAGER_API bool peer_manager_address_equal(const struct peer_manager_address *a,
    const struct peer_manager_address *b);

/** Returns whether an address means something else, or nothing, to a stranger, so that it is not sent to one: RFC 1918
 * networks, 0.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 192.0.0.0/24 (except the anycast addresses 192.0.0.9
 * and .10), 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4, ::/96, 64:ff9b:1::/48, fc00::/7, fe80::/10, fec0::/10, ff00::/8; an
 * address that wraps a private IPv4 address (NAT64 64:ff9b::/96, 6to4 2002::/16, IPv4-translated 0:0:0:0:ffff::/96,
 * Teredo's client in 2001::/32); and the names localhost, *.localhost, *.local, *.internal, *.home.arpa. Networks for
 * documentation, such as 192.0.2.0/24, are not private, but see peer_manager_address_is_routable. */
PEER_MANAGER_API bool peer_manager_address_is_private(const struct peer_manager_address *address);

/** Returns whether a stranger on the Internet may be able to reach an address: it is not private, and IANA's
 * special-purpose registries do not set it aside for examples or for no host at all: 192.0.2.0/24, 198.51.100.0/24,
 * 203.0.113.0/24, 192.88.99.0/24, 100::/64, 2001::/23 without Teredo and the parts that the registry calls globally
 * reachable, 2001:db8::/32, 3fff::/20, 5f00::/16, an address that wraps one of these, and the names *.test, *.example,
 * *.invalid. Since 0.2.0. */
PEER_MANAGER_API bool peer_manager_address_is_routable(const struct peer_manager_address *address);

/** Returns the netgroup (peer_manager_options.max_peers_per_netgroup) in which a peer manager counts an address, whether
 * the address is in the table or not. Since 0.2.0.
 * @param out  receives an opaque number, which two addresses have in common exactly if this peer manager counts them as
 *             one netgroup; to another peer manager, and in another process, it means nothing */
PEER_MANAGER_API peer_manager_status peer_manager_address_netgroup(const struct peer_manager *pm,
    const struct peer_manager_address *address, uint64_t *out, struct peer_manager_error *error);

/** Makes an address from a socket address, as accept and getpeername return it.
 * @param sa      an AF_INET or AF_INET6 socket address, not necessarily aligned; another family, port 0 and a scope id are
 *                PEER_MANAGER_ERROR_INVALID_ADDRESS
 * @param sa_len  its size in bytes, which must be enough for the family */
PEER_MANAGER_API peer_manager_status peer_manager_address_from_sockaddr(const struct sockaddr *sa, size_t sa_len,
    struct peer_manager_address *out, struct peer_manager_error *error);

/** Makes a socket address from an IP address, as connect takes it. A name is
 * PEER_MANAGER_ERROR_UNSUPPORTED, because the library never resolves DNS.
 * @param out      receives an AF_INET or AF_INET6 socket address
 * @param out_len  receives its size in bytes */
PEER_MANAGER_API peer_manager_status peer_manager_address_to_sockaddr(const struct peer_manager_address *address,
    struct sockaddr_storage *out, size_t *out_len, struct peer_manager_error *error);

/** Makes the record of a peer that was just heard of: inbound, no failures, due at now.
 * @param now  the time */
PEER_MANAGER_API peer_manager_status peer_manager_record_init(const struct peer_manager_address *address, int64_t now,
    struct peer_manager_record *out, struct peer_manager_error *error);

/** Returns whether a peer's next attempt is due: next_attempt <= now.
 * @param now  the time */
PEER_MANAGER_API bool peer_manager_record_is_ready(const struct peer_manager_record *record, int64_t now);

/** Initialises options: a table in memory, COMMIT durability, the system's clock, no bounds. */
PEER_MANAGER_API void peer_manager_options_init(struct peer_manager_options *options, size_t struct_size);

/** Opens a peer manager with options.
 *
 * A stellar-core database (since 2019; its table peers declares nextattempt as TIMESTAMP) is used in its own layout, so
 * that either program can open it next, one at a time. Two things are different then. stellar-core takes every host for an
 * IPv4 address and crashes on any other, so peers with other hosts are held in memory only, and rows of such hosts are not
 * valid peers. And a next attempt before the year 1000 or after the year 9999 is, after the next start, the nearest time
 * within those years.
 *
 * When this returns, every file that will ever be needed is open and something has been written: changing the user or the
 * root directory, renaming the directory, or a limit on open files stops no later write. Triggers, views and foreign keys
 * of the file never run on the library's own connection.
 *
 * Cost: linear in the rows of the database.
 * @return PEER_MANAGER_ERROR_INVALID_ARGUMENT also for a path that is empty or ":memory:", and an asmap_path that is not a
 *         map; PEER_MANAGER_ERROR_UNSUPPORTED for options that this version does not know, and when the system has no
 *         random numbers; PEER_MANAGER_ERROR_DATABASE or PEER_MANAGER_ERROR_DISK_FULL when the file cannot be opened or
 *         created; PEER_MANAGER_ERROR_BUSY when it stays locked, or another peer manager (of this process or another) has
 *         it open, past busy_timeout_ms; PEER_MANAGER_ERROR_CORRUPT when it is not a sound database of peers, and then it
 *         is left as it is */
PEER_MANAGER_API peer_manager_status peer_manager_open(const struct peer_manager_options *options,
    struct peer_manager **out, struct peer_manager_error *error);

/** Creates a peer manager that lives in memory only, with the default options. */
PEER_MANAGER_API peer_manager_status peer_manager_new_in_memory(struct peer_manager **out,
    struct peer_manager_error *error);

/** Opens a peer manager on a database file with the default options, as peer_manager_open does.
 * @param db_path  the path of the file, never a URI; it is created if there is none */
PEER_MANAGER_API peer_manager_status peer_manager_new_with_db(const char *db_path, struct peer_manager **out,
    struct peer_manager_error *error);

/** Opens a peer manager in the "main" database of a connection that the caller already has open, with the default options.
 *
 * The connection is borrowed: it must outlive the peer manager, its settings stay as they are, and no statement stays
 * alive on it between calls. A change is a single statement or a SAVEPOINT, so inside a transaction of the caller's it
 * becomes part of that; if the transaction is rolled back, memory keeps the change until the record is stored again. When
 * the disk fails or is full, SQLite usually rolls back the whole transaction by itself: call sqlite3_get_autocommit after
 * PEER_MANAGER_ERROR_DATABASE and PEER_MANAGER_ERROR_DISK_FULL to find out. No other thread may use the connection while a
 * call that changes peers is under way.
 *
 * This works only if the library and the caller share one copy of SQLite, which they do not where SQLite is bundled into
 * the library (see peer_manager_build_info).
 * @param db                 the connection
 * @param sqlite_libversion  the result of the caller's own sqlite3_libversion(), compared as a pointer
 * @return as peer_manager_open; PEER_MANAGER_ERROR_UNSUPPORTED when the caller runs another copy of SQLite, and then db
 *         was not touched */
PEER_MANAGER_API peer_manager_status peer_manager_from_connection(struct sqlite3 *db, const char *sqlite_libversion,
    struct peer_manager **out, struct peer_manager_error *error);

/** Returns once everything that earlier calls changed is on disk, where it survives a loss of power. With DEFERRED it
 * writes, on the calling thread, all changes that are not in the file yet, including those that an earlier background
 * write could not write; if that fails, they stay dirty in memory and are tried again later. On a borrowed connection, and
 * in memory, there is nothing to do. Cost: a transaction if changes are dirty, and an fsync.
 *
 * A file that was deleted, moved away, replaced or truncated while it was open is noticed here and by every change:
 * PEER_MANAGER_ERROR_DATABASE with sqlite_code 1032 (SQLITE_READONLY_DBMOVED). Nothing is written then, neither to that
 * file nor to the one in its place. Memory has all peers: take a snapshot, free the peer manager, open a new file, and
 * store them.
 *
 * With DEFERRED, a change that one of the file's own constraints refused (an additional CHECK, for example) is reported
 * once: PEER_MANAGER_ERROR_DATABASE with its sqlite_code, after everything else is on disk. It is not tried again. */
PEER_MANAGER_API peer_manager_status peer_manager_flush(struct peer_manager *pm, struct peer_manager_error *error);

/** Flushes, closes the database unless it is borrowed, and frees the peer manager. Not thread-safe: no other call on this
 * peer manager may be under way or follow. Snapshots stay valid. It waits for another connection that uses the file, at
 * most busy_timeout_ms for each write that is still to be made; what is committed stays committed in any case. Changes
 * that DEFERRED could not write are lost: call peer_manager_flush first to find out. In a forked child it frees what
 * memory it can and leaves the file alone. */
PEER_MANAGER_API void peer_manager_free(struct peer_manager *pm);

/** Makes sure that an address is known: a new one is inbound, without failures, and due now. A known one stays as it is.
 * Cost: one transaction for a new address. With peer_manager_options.keep_history also for a known one, at most once a
 * day. */
PEER_MANAGER_API peer_manager_status peer_manager_ensure_exists(struct peer_manager *pm,
    const struct peer_manager_address *address, struct peer_manager_error *error);

/** Makes sure that many addresses are known, in one transaction: all or none. New peers that are refused are left out.
 * Cost: one transaction; constant in memory for each address. */
PEER_MANAGER_API peer_manager_status peer_manager_ensure_exists_many(struct peer_manager *pm,
    const struct peer_manager_address *addresses, size_t count, size_t *out_inserted, struct peer_manager_error *error);

/** Reads the record of a peer, or returns PEER_MANAGER_ERROR_NOT_FOUND. */
PEER_MANAGER_API peer_manager_status peer_manager_load(struct peer_manager *pm, const struct peer_manager_address *address,
    struct peer_manager_record *out, struct peer_manager_error *error);

/** Stores a record as it is, replacing the next attempt, failures and type of its address; data and history of a known peer
 * stay. Cost: one transaction. */
PEER_MANAGER_API peer_manager_status peer_manager_store(struct peer_manager *pm, const struct peer_manager_record *record,
    struct peer_manager_error *error);

/** Stores records in one transaction, all or none. Of two with the same address, the later one wins. New peers that are
 * refused are left out. Cost: one transaction; constant in memory for each record. */
PEER_MANAGER_API peer_manager_status peer_manager_store_many(struct peer_manager *pm,
    const struct peer_manager_record *records, size_t count, struct peer_manager_error *error);

/** Updates a peer's type after a connection, by the type that was observed; an unknown peer is first inserted as an inbound
 * one. Cost: one transaction.
 *
 * | observed  | stored as inbound | stored as outbound | stored as preferred                                        |
 * |-----------|-------------------|--------------------|------------------------------------------------------------|
 * | inbound   | inbound           | outbound           | outbound                                                   |
 * | outbound  | outbound          | outbound           | preferred; outbound if preferred_type_known is not 0       |
 * | preferred | preferred         | preferred          | preferred                                                  |
 *
 * A preferred peer that is reported as inbound loses its status: do not report a connection that it has opened, or report
 * it as preferred.
 * @param observed_type         one of PEER_MANAGER_TYPE_*: how the peer was observed
 * @param preferred_type_known  0 after a plain dial; non-zero when the caller knows all preferred peers, and then a
 *                              preferred peer seen as outbound becomes outbound */
PEER_MANAGER_API peer_manager_status peer_manager_update_type(struct peer_manager *pm,
    const struct peer_manager_address *address, uint32_t observed_type, uint8_t preferred_type_known,
    struct peer_manager_error *error);

/** Updates a peer's back-off after an attempt to reach it; an unknown peer is first inserted as an inbound one. Cost: one
 * transaction.
 *
 * PEER_MANAGER_BACKOFF_HARD_RESET makes it due at once. Otherwise the peer waits for a random number of seconds, from 1 to
 * 10 * 2^min(n, 10), where n is its failures after this attempt (options.backoff_seconds and max_backoff_exponent change
 * the 10 and the other 10):
 *
 * | n       | 0  | 1  | 2  | 3  | 4   | 5   | 6   | 7    | 8    | 9    | 10 and more |
 * |---------|----|----|----|----|-----|-----|-----|------|------|------|-------------|
 * | longest | 10 | 20 | 40 | 80 | 160 | 320 | 640 | 1280 | 2560 | 5120 | 10240       |
 * @param backoff  one of PEER_MANAGER_BACKOFF_* */
PEER_MANAGER_API peer_manager_status peer_manager_update_backoff(struct peer_manager *pm,
    const struct peer_manager_address *address, uint32_t backoff, struct peer_manager_error *error);

/** Updates a peer's type and back-off in one change, as peer_manager_update_type and peer_manager_update_backoff do. Cost:
 * one transaction.
 * @param observed_type         as for peer_manager_update_type
 * @param preferred_type_known  as for peer_manager_update_type
 * @param backoff               one of PEER_MANAGER_BACKOFF_* */
PEER_MANAGER_API peer_manager_status peer_manager_update(struct peer_manager *pm,
    const struct peer_manager_address *address, uint32_t observed_type, uint8_t preferred_type_known, uint32_t backoff,
    struct peer_manager_error *error);

/** Removes a peer, or returns PEER_MANAGER_ERROR_NOT_FOUND. Cost: one transaction. */
PEER_MANAGER_API peer_manager_status peer_manager_remove(struct peer_manager *pm,
    const struct peer_manager_address *address, struct peer_manager_error *error);

/** Removes the peers that have failed at least min_num_failures times, preferred ones too. In the database, rows that are
 * not valid peers are deleted too if they have as many failures (with DEFERRED, they stay); out_removed counts the peers
 * in memory only. Cost: one transaction, linear in the rows of the database.
 * @param min_num_failures  failures; 0 removes all peers */
PEER_MANAGER_API peer_manager_status peer_manager_remove_peers_with_many_failures(struct peer_manager *pm,
    uint32_t min_num_failures, size_t *out_removed, struct peer_manager_error *error);

/** Limits every peer's next attempt to latest, to repair a table after a clock that was wrong (peers that failed while it
 * was ahead would wait until that time comes), or after the caller changed its back-off. Peers whose next attempt is not
 * later stay as they are. Since 0.2.0.
 *
 * Only peers in the table change. Rows that are not valid peers, and rows that max_peers or max_peers_per_netgroup left in
 * the file, keep their time; so a node with such rows calls this again after opening the file with larger bounds. Cost:
 * one transaction for all that change, none if there are none; linear in the table.
 * @param latest  a time */
PEER_MANAGER_API peer_manager_status peer_manager_limit_next_attempt(struct peer_manager *pm, int64_t latest,
    size_t *out_changed, struct peer_manager_error *error);

/** Removes all peers of a host, whatever their ports; it is no error if there are none. An IPv6 address that wraps an IPv4
 * address (6to4, Teredo's client, NAT64) is a host of its own here, unlike in peer_manager_ban. Cost: one transaction for
 * all that are removed, none if there are none; linear in the table. Since 0.2.0.
 * @param host  an IPv4 address, an IPv6 address without brackets, or a name, in any spelling */
PEER_MANAGER_API peer_manager_status peer_manager_remove_host(struct peer_manager *pm, const char *host,
    size_t *out_removed, struct peer_manager_error *error);

/** Removes all peers. In the database, rows that are not valid peers are deleted too. Cost: one transaction. */
PEER_MANAGER_API peer_manager_status peer_manager_clear_all(struct peer_manager *pm, struct peer_manager_error *error);

/** Copies the valid peers of another database file, this library's or stellar-core's, into this peer manager, in one
 * transaction: all that are new or none.
 *
 * New peers come with their type, failures, next attempt and data, and, if this peer manager keeps histories, with their
 * history; one without a history in the file is heard of now. Peers that are already known stay as they are, their data
 * and history, too. Rows that are not valid peers are skipped, and new peers that are refused are left out; reach refuses
 * none here. Bans of the file are not taken over.
 *
 * The file is only read, in one consistent snapshot, so another program or peer manager may have it open; but, as with
 * every database file, this process must not have it open through another copy of SQLite. Nothing is created next to it,
 * except that SQLite creates the index of a write-ahead log (-shm) that has none. Importing the peer manager's own file
 * adds nothing. Cost: one transaction; linear in the file, in memory too, until the call returns.
 * @param path  the path of the file, never a URI
 * @return PEER_MANAGER_ERROR_CORRUPT also when the file is damaged or not a database of peers; PEER_MANAGER_ERROR_DATABASE
 *         when it is missing or cannot be read; PEER_MANAGER_ERROR_BUSY when it stays locked past busy_timeout_ms */
PEER_MANAGER_API peer_manager_status peer_manager_import(struct peer_manager *pm, const char *path, size_t *out_inserted,
    struct peer_manager_error *error);

/** Initialises a query for peers to dial: outbound and preferred peers whose next attempt is due and that have failed at
 * most PEER_MANAGER_REALLY_DEAD times (10 in 0.1, which after an outage of the node's own line left it with no eligible
 * peer).
 *
 * In a new node it finds no peers, because every peer is inbound until a dial succeeds. peer_manager_next_to_dial draws
 * peers to dial without a query. */
PEER_MANAGER_API void peer_manager_query_init(struct peer_manager_query *query, size_t struct_size);

/** Draws min(size, eligible) peers: uniformly, without replacement, in random order. With max_per_netgroup, each draw picks
 * a netgroup first, and at most that many peers come from each.
 *
 * Cost: depends on size and query->exclude_count, not on the table; peers that have become due since the last query are
 * moved first, a few steps each, and at most a millisecond or two of them in one call. A max_num_failures above 15 other
 * than 31, 63, 120 and UINT32_MAX costs more where it leaves out most of the peers. The first query with max_per_netgroup
 * of a table without bounds is linear in the table, which it locks for moments only; from then on the netgroups are kept
 * up to date.
 * @param query  which peers are eligible; a field beyond its range is PEER_MANAGER_ERROR_INVALID_ARGUMENT */
PEER_MANAGER_API peer_manager_status peer_manager_load_random_peers(struct peer_manager *pm,
    const struct peer_manager_query *query, size_t size, struct peer_manager_address *out, size_t *out_count,
    struct peer_manager_error *error);

/** Draws peers to tell another peer about: preferred before outbound before inbound, at random within each. Private
 * addresses are left out (but see peer_manager_options.reach), and so is exclude.
 *
 * With peer_manager_options.share_cache_seconds everyone is answered from the same shared list for a while, in the same
 * order: preferred before outbound before inbound, by the type that they had when they were drawn, so that no peer moves
 * to the front when this node reaches it. The list grows when an answer would be shorter than asked for, up to
 * share_max_percent of the peers of each type. Peers that were removed, or that the filter no longer admits, are never in
 * an answer.
 *
 * Cost: as peer_manager_load_random_peers; with share_cache_seconds, linear in the shared list, which is about as long as
 * the longest answer, and longer if queries differ or peers are removed. Such calls wait for each other.
 * @param filter   which peers are eligible; NULL for every type, whatever its failures and next attempt
 * @param exclude  the peer that asks, because it knows its own address; may be NULL */
PEER_MANAGER_API peer_manager_status peer_manager_get_peers_to_send(struct peer_manager *pm,
    const struct peer_manager_query *filter, const struct peer_manager_address *exclude, size_t size,
    struct peer_manager_address *out, size_t *out_count, struct peer_manager_error *error);

/** Draws up to size peers to dial now: the whole policy in one call. A node that dials what this returns, and reports the
 * outcomes with peer_manager_update, needs no query of its own. Only peers that are due and have failed at most
 * PEER_MANAGER_REALLY_DEAD times are drawn. Since 0.2.0.
 *
 * PEER_MANAGER_DIAL_CONNECT, for size free places: preferred peers first, then outbound ones, then inbound ones. Of
 * outbound and inbound peers one of each netgroup, and none of a netgroup that is busy or chosen already; for each place a
 * netgroup is drawn first, and the most senior (peer_manager_query.seniority) of twelve draws wins, of inbound peers of
 * sixteen. While the table has fewer netgroups than twice the places, busy and free, netgroups are not looked at, so that
 * a small network of few operators can form.
 *
 * PEER_MANAGER_DIAL_FEELER: inbound peers to try and then hang up on, a netgroup drawn first, the most senior of 64 draws:
 * a peer that a feeler reaches is an outbound peer from then on.
 *
 * The loop of a node, which wants eight outbound connections:
 * - after opening, and before each outcome is reported, say whether the node is online (peer_manager_set_online): while
 *   fewer than two of these connections stand, it is not;
 * - while places are free, that is, neither connected nor being dialled, dial what this returns for them. Report a peer
 *   that has shown that it speaks the protocol with peer_manager_update, PEER_MANAGER_TYPE_OUTBOUND and
 *   PEER_MANAGER_BACKOFF_RESET; one that does not answer, or has no place, with PEER_MANAGER_BACKOFF_INCREASE. The later
 *   end of a connection is nothing to report, nor is a failure of the node's own system;
 * - every two minutes, dial one feeler, report it in the same way, and hang up;
 * - every two hours, hang up one connection, drawn at random, so that a patient attacker does not keep its places. In the
 *   next round of dials that peer counts as busy: it is known and due, and might get its place back;
 * - ask each peer for addresses when it connects, and now and then later while places are free;
 * - sleep until the first of these: a connection ends; the next feeler, rotation or round; while a place is free, the time
 *   that peer_manager_next_due returns, but half a minute at least after a round in which dials failed, because offline
 *   all peers become due within a minute; a minute, in case the clock is set;
 * - go on when an outcome is refused: PEER_MANAGER_ERROR_LIMIT if the peer was evicted meanwhile,
 *   PEER_MANAGER_ERROR_REFUSED if it has turned out to be the node itself.
 *
 * Cost: that of a few dozen draws with max_per_netgroup, and of busy_count look-ups; the first call on a table without
 * bounds looks at the netgroup of each peer, and where hardly any peer is due, as after a clock was set back, a call looks
 * at many or all.
 * @param purpose  PEER_MANAGER_DIAL_CONNECT or PEER_MANAGER_DIAL_FEELER
 * @param busy     the peers that this node has dialled: connections, feelers, and dials under way; in any order. Not those
 *                 that have connected to it: an attacker could connect from many netgroups, and keep the node from
 *                 dialling into them
 * @param size     how many are wanted: the free places */
PEER_MANAGER_API peer_manager_status peer_manager_next_to_dial(struct peer_manager *pm, uint32_t purpose,
    const struct peer_manager_address *busy, size_t busy_count, size_t size, struct peer_manager_address *out,
    size_t *out_count, struct peer_manager_error *error);

/** Returns when the next waiting peer becomes due, so that a node need not poll, or PEER_MANAGER_ERROR_NOT_FOUND if no peer
 * waits. Peers that are due already do not count. Since 0.2.0.
 *
 * Cost: a look at each second until then, at most nine hours, and at the peers that have a time in the same second of
 * another nine hours; where none becomes due within that time, linear in the table.
 * @param out  receives the time */
PEER_MANAGER_API peer_manager_status peer_manager_next_due(struct peer_manager *pm, int64_t *out,
    struct peer_manager_error *error);

/** Sets whether the node itself is online; a peer manager starts online. While it is offline, PEER_MANAGER_BACKOFF_INCREASE
 * leaves num_failures as it is and has the peer wait for a minute at most, because the peer is not to blame: otherwise an
 * outage of the node's own line makes all of its peers look dead. peer_manager_stats.forgiven_failures counts them.
 * Since 0.2.0.
 *
 * A good rule: offline while fewer than two outbound connections stand, set after opening and before each outcome is
 * reported. (In a network of two nodes that is always so, and failures never count.)
 * @param online  0: offline; any other number: online */
PEER_MANAGER_API peer_manager_status peer_manager_set_online(struct peer_manager *pm, uint8_t online,
    struct peer_manager_error *error);

/** Replaces the list of the node's own addresses, because gossip brings them back and the node would dial itself. Those
 * that are in the table are removed, in one transaction; from then on they are refused, so they are never drawn and never
 * told to others. Since 0.2.0.
 *
 * The list lives in memory only: a node sets it after each opening, and whenever it learns an address of its own, such as
 * that of its socket when it has reached itself. The word of a stranger is no reason: the peer would be removed. When the
 * database refuses the removal, the list is as it was. Cost: one transaction if peers are removed; linear in the list.
 * @param count  how many; 0 empties the list */
PEER_MANAGER_API peer_manager_status peer_manager_set_own_addresses(struct peer_manager *pm,
    const struct peer_manager_address *addresses, size_t count, struct peer_manager_error *error);

/** Bans a host, on all its ports, or a prefix, until a time. Its peers, preferred ones too, are removed, in the transaction
 * that writes the ban. From then on, and while the clock is before that time, they are refused, so they are never drawn
 * and never told to others. Since 0.2.0.
 *
 * Banning the same again moves the end, also to an earlier time. Where several bans cover an address, it is refused as
 * long as one of them lasts. Bans that have ended are removed when the bans are next changed. The end of a ban brings
 * nothing back: type, failures, history and data of the removed peers are gone.
 *
 * An IPv6 address that wraps an IPv4 address (6to4, Teredo's client, NAT64, IPv4-translated) counts as that IPv4 host:
 * banned in one spelling, a host is banned in all, and a prefix of IPv4 has the addresses that wrap one of its hosts. A
 * prefix of full length (/32, /128) is the host, and an IPv4-mapped one (in 0:0:0:0:0:ffff:0:0/96) is the IPv4 prefix; any
 * other prefix of IPv6 is taken by its own bits: 2002::/16 is all of 6to4, and no IPv4 host is in it. A name is itself,
 * without its subdomains, and is never resolved.
 *
 * Bans are kept in the database, in the table peer_manager_bans, which is made with the first of them, and survive a
 * restart. In a file that stellar-core has made, which gets no further table, they last until peer_manager_free; and a
 * quarantine (peer_manager_get_quarantine) loses them. Cost: one transaction; linear in the table. Bans cost other calls a
 * look-up for each new address, linear in the length of the address, whatever the number of bans.
 * @param subject  a host, in any spelling, such as 203.0.113.7, 2001:db8::1 or example.org; or a prefix, such as
 *                 203.0.113.0/24 or 2001:db8::/32, whose bits behind the length do not count
 * @param until    the first second at which it is over; INT64_MAX for good; a time that is not later than now is
 *                 PEER_MANAGER_ERROR_INVALID_ARGUMENT */
PEER_MANAGER_API peer_manager_status peer_manager_ban(struct peer_manager *pm, const char *subject, int64_t until,
    size_t *out_removed, struct peer_manager_error *error);

/** Ends the ban of exactly this subject, or returns PEER_MANAGER_ERROR_NOT_FOUND when there is no such ban, or it has
 * ended. An address that another ban covers stays refused. Cost: one transaction. Since 0.2.0.
 * @param subject  a host or a prefix, in any spelling, as for peer_manager_ban */
PEER_MANAGER_API peer_manager_status peer_manager_unban(struct peer_manager *pm, const char *subject,
    struct peer_manager_error *error);

/** Returns whether an address is banned now, so that a node can hang up on a connection from it. Its port is ignored, but
 * must be from 1 to 65535: with port 0 the answer is false. Cost: linear in the length of the address, whatever the number
 * of bans. Since 0.2.0. */
PEER_MANAGER_API bool peer_manager_is_banned(struct peer_manager *pm, const struct peer_manager_address *address);

/** Lists the bans that have not ended: IPv4 first, then IPv6, each in the order of addresses, then names in alphabetical
 * order. Cost: that of sorting them, whatever the capacity. Since 0.2.0.
 * @param capacity   how many entries out has room for
 * @param out        receives the first bans, at most capacity of them
 * @param out_count  receives how many there are, which may be more than capacity */
PEER_MANAGER_API peer_manager_status peer_manager_get_bans(struct peer_manager *pm, size_t capacity,
    struct peer_manager_ban_entry *out, size_t *out_count, struct peer_manager_error *error);

/** Returns the number of peers. */
PEER_MANAGER_API size_t peer_manager_peer_count(struct peer_manager *pm);

/** Copies all peers as they are at one point in time, in no particular order. Cost: linear, about 32 bytes a peer, 52 with
 * peer_manager_options.keep_history. */
PEER_MANAGER_API peer_manager_status peer_manager_get_all_peers(struct peer_manager *pm, struct peer_manager_snapshot **out,
    struct peer_manager_error *error);

/** Returns the number of peers in a snapshot. */
PEER_MANAGER_API size_t peer_manager_snapshot_count(const struct peer_manager_snapshot *snapshot);

/** Reads the record of one peer of a snapshot. */
PEER_MANAGER_API peer_manager_status peer_manager_snapshot_get(const struct peer_manager_snapshot *snapshot, size_t index,
    struct peer_manager_record *out, struct peer_manager_error *error);

/** Frees a snapshot, which must not be used afterwards. */
PEER_MANAGER_API void peer_manager_snapshot_free(struct peer_manager_snapshot *snapshot);

/** Reads the history of a peer: when it was heard of, reached and tried. PEER_MANAGER_ERROR_NOT_FOUND if there is no such
 * peer, PEER_MANAGER_ERROR_UNSUPPORTED without peer_manager_options.keep_history. Since 0.2.0. */
PEER_MANAGER_API peer_manager_status peer_manager_load_history(struct peer_manager *pm,
    const struct peer_manager_address *address, struct peer_manager_history *out, struct peer_manager_error *error);

/** Reads the history of one peer of a snapshot, as it was when the snapshot was taken. PEER_MANAGER_ERROR_UNSUPPORTED if
 * the peer manager was without peer_manager_options.keep_history. Since 0.2.0. */
PEER_MANAGER_API peer_manager_status peer_manager_snapshot_get_history(const struct peer_manager_snapshot *snapshot,
    size_t index, struct peer_manager_history *out, struct peer_manager_error *error);

/** Removes the inbound peers that were never reached and were last heard of before a time. Peers of whose past nothing is
 * known (they were there before histories were kept, and nothing was recorded since) stay, and so do outbound and
 * preferred ones. PEER_MANAGER_ERROR_UNSUPPORTED without peer_manager_options.keep_history. Cost: one transaction for all
 * that are removed, none if there are none; linear in the inbound peers. Since 0.2.0.
 * @param since  the time */
PEER_MANAGER_API peer_manager_status peer_manager_remove_peers_not_heard_since(struct peer_manager *pm, int64_t since,
    size_t *out_removed, struct peer_manager_error *error);

/** Replaces the data of a peer: bytes of the application's, which mean nothing here, such as a node's id, its services or
 * its version. PEER_MANAGER_ERROR_NOT_FOUND if there is no such peer. Since 0.2.0.
 *
 * Data goes with the peer: it ends when the peer is removed or evicted, peer_manager_import takes it over, and a snapshot
 * has it. It is in the database, in the table peer_manager_data, which is made when data is set for the first time. In a
 * file that stellar-core has made, which gets no further table, it lasts until peer_manager_free; and a quarantine
 * (peer_manager_get_quarantine) loses it.
 *
 * Cost: one transaction, none if the peer has the same data already; linear in the table for the first data in it. In
 * memory, 16 to 256 bytes for a peer that has data and four for each other, once one has some.
 * @param data  the bytes
 * @param size  how many, at most PEER_MANAGER_DATA_CAPACITY; with 0 the peer has no data any more */
PEER_MANAGER_API peer_manager_status peer_manager_set_data(struct peer_manager *pm,
    const struct peer_manager_address *address, const void *data, size_t size, struct peer_manager_error *error);

/** Reads the data of a peer. PEER_MANAGER_ERROR_NOT_FOUND if there is no such peer; PEER_MANAGER_ERROR_INVALID_ARGUMENT
 * when the data does not fit, with nothing written. Since 0.2.0.
 * @param capacity  how many bytes out has room for; PEER_MANAGER_DATA_CAPACITY is always enough
 * @param out_size  receives how many were written; 0 for a peer without data */
PEER_MANAGER_API peer_manager_status peer_manager_get_data(struct peer_manager *pm,
    const struct peer_manager_address *address, void *out, size_t capacity, size_t *out_size,
    struct peer_manager_error *error);

/** Reads the data of one peer of a snapshot, as it was when the snapshot was taken. PEER_MANAGER_ERROR_INVALID_ARGUMENT
 * also when the data does not fit, with nothing written. Since 0.2.0.
 * @param capacity  how many bytes out has room for; PEER_MANAGER_DATA_CAPACITY is always enough
 * @param out_size  receives how many were written; 0 for a peer without data */
PEER_MANAGER_API peer_manager_status peer_manager_snapshot_get_data(const struct peer_manager_snapshot *snapshot,
    size_t index, void *out, size_t capacity, size_t *out_size, struct peer_manager_error *error);

/** Initialises stats: all zero. */
PEER_MANAGER_API void peer_manager_stats_init(struct peer_manager_stats *stats, size_t struct_size);

/** Counts peers, writes and refusals. Cost: constant in a table with bounds, or once it has been queried with
 * max_per_netgroup; else linear in the table, to count the netgroups, in parts of less than a millisecond between which
 * other threads get in: in a table of more than 16,384 peers, what changes while they are counted may count or not.
 * @param out  an initialised struct, which receives the counts; no byte beyond its struct_size is written */
PEER_MANAGER_API peer_manager_status peer_manager_get_stats(struct peer_manager *pm, struct peer_manager_stats *out,
    struct peer_manager_error *error);

/** Returns what happened to the file, if it was damaged when the peer manager was opened and
 * PEER_MANAGER_ON_CORRUPT_QUARANTINE was set. PEER_MANAGER_ERROR_INVALID_ARGUMENT also when path is too small.
 * @param path       receives where the damaged file is now; empty text when there was no damage; NULL with a capacity of 0
 *                   when it is not wanted
 * @param capacity   the size of path in bytes; 4096 is enough for every path on Linux
 * @param out_saved  receives how many peers were read from it and are in the new file; may be NULL
 * @param out_lost   receives how many rows could not be read, of those that left any trace; may be NULL */
PEER_MANAGER_API peer_manager_status peer_manager_get_quarantine(struct peer_manager *pm, char *path, size_t capacity,
    uint64_t *out_saved, uint64_t *out_lost, struct peer_manager_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PEER_MANAGER_H */
