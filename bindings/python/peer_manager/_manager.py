"""The table of peers."""

import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from ._address import Address, HostLike, addresses_of, known, native_address, native_addresses, native_host
from ._bans import Bans
from ._checks import integer, several, unsigned
from ._data import Data
from ._handle import Handle
from ._history import Histories
from ._library import CData, check, ffi, lib
from ._options import StrPath
from ._snapshot import Snapshot
from ._time import Time, to_seconds
from ._values import (
    Backoff,
    Durability,
    OnCorrupt,
    PeerType,
    Purpose,
    Quarantine,
    Query,
    Reach,
    Record,
    Stats,
    make_record,
)
from .errors import InvalidArgumentError, NotFoundError, PeerManagerError

# As a path in the file system of Linux may be long.
_PATH_CAPACITY = 4096


class PeerManager(Bans, Data, Histories):
    """The peers that a node knows, in memory and in an SQLite file.

    Any number of threads may use one, and other Python threads run while a call waits for the disk. A call that raises
    has done nothing. Use it in a with statement, or close it.
    """

    __slots__ = ()

    def __init__(
        self,
        path: StrPath | None = None,
        *,
        durability: Durability = Durability.COMMIT,
        busy_timeout_ms: int = 0,
        flush_interval_ms: int = 0,
        on_corrupt: OnCorrupt = OnCorrupt.FAIL,
        rng_seed: int | None = None,
        clock: Callable[[], Time] | None = None,
        max_peers: int = 0,
        max_peers_per_netgroup: int = 0,
        share_cache_seconds: int = 0,
        share_max_percent: int = 0,
        reach: Reach = Reach.SPECIFICATION,
        name_groups: bool = False,
        backoff_seconds: int = 0,
        max_backoff_exponent: int = 0,
        asmap_path: StrPath | None = None,
        keep_history: bool = False,
    ) -> None:
        """Opens a database file, created if there is none, or a table in memory only.

        busy_timeout_ms: how long to wait for another connection's lock; 0 for 5000.
        flush_interval_ms: with DEFERRED, when changes are committed at the latest; 0 for 100.
        rng_seed: makes every random choice predictable, for tests and simulations.
        clock: returns the time, such as time.time; it is called on the thread that uses the peer manager, before each
            call that needs it. None for the system's clock.
        max_peers: the most peers in the table; 0 for no bound. A new peer in a full table evicts the inbound peer with
            the most failures: of its own netgroup if one there has failed, else of any. If no inbound peer has failed,
            it is refused with LimitError, in a batch left out, and counted in Stats.refused_peers. Outbound and
            preferred peers are not evicted, but see keep_history.
        max_peers_per_netgroup: the most peers of one netgroup (an IPv4 /16, an IPv6 /32, each name one of its own;
            reach, name_groups and asmap_path change that); 0 for no bound. A new peer in a full netgroup evicts only a
            peer of that netgroup.
        share_cache_seconds: get_peers_to_send answers everyone from one shared list, which is used for this long and a
            random time of up to half as long again, so that no peer learns the table by asking often; 0 draws anew each
            time.
        share_max_percent: how much of each type the shared list may hold; 0 for no limit.
        reach: whether the node is on the Internet or in a private network.
        name_groups: all DNS names together are one netgroup; .onion and .i2p are 16 each, by the first four bits of the
            key.
        backoff_seconds: the unit of the back-off, at most 3600; 0 for 10. After n failures a peer waits for a random
            time from 1 to backoff_seconds * 2^min(n, max_backoff_exponent) seconds.
        max_backoff_exponent: how often the back-off doubles, at most 20; 0 for 10.
        asmap_path: a map of the Internet's autonomous systems (AS), in the format of Bitcoin Core's asmap.dat: all IP
            addresses of one AS are one netgroup then. It is read now, and not again. A file that cannot be read or is
            no such map is refused with InvalidArgumentError. None for netgroups by prefix.
        keep_history: keeps, and saves, when each peer was heard of, reached and tried: a History, for load_history,
            Query.heard_since and Query.reached_since. In a full table an outbound peer that is dead (it has failed
            MAX_FAILURES times or more, and was not reached for 30 days) is then evicted before a new one is refused. It
            takes 20 bytes a peer in memory, and a table of its own in the file.
        """
        options = ffi.new("peer_manager_options *")
        lib.peer_manager_options_init(options, ffi.sizeof("peer_manager_options"))
        options.durability = unsigned(durability, "durability")
        # The struct does not keep its texts alive; these variables do.
        native_path = ffi.NULL if path is None else ffi.new("char[]", _path(path))
        native_asmap_path = ffi.NULL if asmap_path is None else ffi.new("char[]", _path(asmap_path, "asmap_path"))
        options.db_path, options.asmap_path = native_path, native_asmap_path
        options.busy_timeout_ms = unsigned(busy_timeout_ms, "busy_timeout_ms")
        options.flush_interval_ms = unsigned(flush_interval_ms, "flush_interval_ms")
        options.on_corrupt = unsigned(on_corrupt, "on_corrupt")
        if rng_seed is not None:
            options.has_rng_seed = 1
            options.rng_seed = unsigned(rng_seed, "rng_seed", 64)
        options.max_peers = unsigned(max_peers, "max_peers", 64)
        options.max_peers_per_netgroup = unsigned(max_peers_per_netgroup, "max_peers_per_netgroup")
        options.share_cache_seconds = unsigned(share_cache_seconds, "share_cache_seconds")
        options.share_max_percent = unsigned(share_max_percent, "share_max_percent")
        options.reach = unsigned(reach, "reach")
        options.name_groups = bool(name_groups)
        options.backoff_seconds = unsigned(backoff_seconds, "backoff_seconds")
        options.max_backoff_exponent = unsigned(max_backoff_exponent, "max_backoff_exponent")
        options.keep_history = bool(keep_history)
        if clock is not None and not callable(clock):
            raise TypeError(f"clock is {type(clock).__name__}; give a function without parameters")
        self._clock = clock
        now, handle = self._now(), Handle("peer manager")
        # First, so that nothing that interrupts us leaves an open file behind.
        finalizer = weakref.finalize(self, _close_forgotten, handle)
        try:
            check(lib.binding_open(options, clock is not None, now, handle.native))
        except BaseException:
            finalizer.detach()
            handle.close()
            raise
        self._handle, self._native, self._finalizer = handle, handle.native, finalizer

    @classmethod
    def new_in_memory(cls) -> Self:
        """A table in memory only, with the default options."""
        return cls()

    @classmethod
    def new_with_db(cls, path: StrPath) -> Self:
        """A database file, created if there is none, with the default options. May wait for the disk."""
        return cls(os.fspath(path))

    # ---- Closing ----

    def close(self) -> None:
        """Closes it; a second time it does nothing. Calls that are under way in other threads go on, and the last of
        them closes the file.

        With DEFERRED it raises what keeps pending changes out of the file, and then they are lost: flush first to
        have them kept and tried again.
        """
        if self._finalizer.detach() is None:
            return
        try:
            self._flush_deferred()
        finally:
            self._handle.close()

    def _flush_deferred(self) -> None:
        if self._handle.is_inherited or self._stats(0).durability != Durability.DEFERRED:
            return
        try:
            self.flush()
        except PeerManagerError:
            # A flush may also have failed only to fsync what is already in the file. Closing does not promise that.
            if self._stats(0).pending_writes > 0:
                raise

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._handle.closed

    def flush(self) -> None:
        """Returns once everything that earlier calls changed is on disk, where it survives a loss of power."""
        check(lib.binding_flush(self._native))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ---- Peers ----

    def ensure_exists(self, address: Address | str) -> None:
        """Makes sure that an address is known: a new one is inbound, without failures, and due now. May wait for the
        disk."""
        host, port = native_address(address)
        check(lib.binding_ensure_exists(self._native, self._now(), host, port))

    def ensure_exists_many(self, addresses: Iterable[Address | str]) -> int:
        """Makes sure that many addresses are known, in one transaction: all or none. Returns how many were new. May
        wait for the disk."""
        hosts, ports, count = native_addresses(addresses, "addresses")
        inserted = ffi.new("size_t *")
        check(lib.binding_ensure_exists_many(self._native, self._now(), hosts, ports, count, inserted))
        return int(inserted[0])

    def load(self, address: Address | str) -> Record:
        """What is known of an address; NotFoundError, which is a KeyError, if it is not known. Never waits for the
        disk."""
        address = known(address)
        out = ffi.new(_RECORD)
        check(lib.binding_load(self._native, address[0].encode(), address[1], out))
        return make_record(address, out.next_attempt, out.num_failures, out.peer_type)

    def store(self, record: Record) -> None:
        """Stores a record as it is, replacing what was known of its address. May wait for the disk."""
        (host, port), *rest = _native_record(record)
        check(lib.binding_store(self._native, self._now(), host.encode(), port, *rest))

    def store_many(self, records: Iterable[Record]) -> None:
        """Stores records in one transaction, all or none. Of two with the same address, the later one wins. May wait
        for the disk."""
        natives = [_native_record(record) for record in several(records, "records")]
        addresses, *columns = map(list, zip(*natives, strict=True)) if natives else ([], [], [], [])
        hosts, ports, count = native_addresses(addresses, "addresses")
        check(lib.binding_store_many(self._native, self._now(), hosts, ports, *columns, count))

    def update_type(
        self, address: Address | str, observed_type: PeerType, *, preferred_type_known: bool = False
    ) -> None:
        """Updates a peer's type by what it was observed to be; an unknown one is added as new first. May wait for the
        disk. Observed as inbound, a preferred one becomes outbound: do not report a connection that it has opened.

        preferred_type_known: whether the caller knows all preferred peers; then a preferred one that is observed as
        outbound becomes outbound.
        """
        host, port = native_address(address)
        observed, is_known = unsigned(observed_type, "observed_type"), bool(preferred_type_known)
        check(lib.binding_update_type(self._native, self._now(), host, port, observed, is_known))

    def update_backoff(self, address: Address | str, backoff: Backoff) -> None:
        """Updates a peer's back-off by how an attempt to reach it went; an unknown one is added as new first. May wait
        for the disk."""
        host, port = native_address(address)
        change = unsigned(backoff, "backoff")
        check(lib.binding_update_backoff(self._native, self._now(), host, port, change))

    def update(
        self,
        address: Address | str,
        observed_type: PeerType,
        backoff: Backoff,
        *,
        preferred_type_known: bool = False,
    ) -> None:
        """Does what update_type and update_backoff do, in one change. May wait for the disk."""
        host, port = native_address(address)
        observed, is_known = unsigned(observed_type, "observed_type"), bool(preferred_type_known)
        change = unsigned(backoff, "backoff")
        check(lib.binding_update(self._native, self._now(), host, port, observed, is_known, change))

    def import_file(self, path: StrPath) -> int:
        """Adds the peers of another database file that are new, all or none; known ones stay as they are. Returns
        how many were new; those that a bound refuses, or that are banned, are left out, and counted in refused_peers.
        With keep_history their histories come, too; bans do not. The file, of this library or of stellar-core, is only
        read, and another process may have it open. May wait for the disk."""
        inserted, native_path = ffi.new("size_t *"), _path(path)
        check(lib.binding_import(self._native, self._now(), native_path, inserted))
        return int(inserted[0])

    def remove(self, address: Address | str) -> None:
        """Removes a peer; NotFoundError, which is a KeyError, if it is unknown. May wait for the disk."""
        check(lib.binding_remove(self._native, *native_address(address)))

    def remove_host(self, host: HostLike) -> int:
        """Removes the peers of a host, on all its ports, preferred ones too. Returns how many there were. May wait for
        the disk."""
        removed = ffi.new("size_t *")
        check(lib.binding_remove_host(self._native, native_host(host), removed))
        return int(removed[0])

    def remove_peers_with_many_failures(self, min_num_failures: int) -> int:
        """Removes the peers that have failed at least this many times, preferred ones too. Returns how many. May wait
        for the disk."""
        removed, failures = ffi.new("size_t *"), unsigned(min_num_failures, "min_num_failures")
        check(lib.binding_remove_peers_with_many_failures(self._native, failures, removed))
        return int(removed[0])

    def limit_next_attempt(self, latest: Time) -> int:
        """Limits every peer's next attempt to latest, after a clock that was wrong. Returns how many were changed. May
        wait for the disk."""
        changed = ffi.new("size_t *")
        check(lib.binding_limit_next_attempt(self._native, to_seconds(latest, "latest"), changed))
        return int(changed[0])

    def set_online(self, online: bool) -> None:
        """Says whether the node itself is online, which it is at first. While it is offline, Backoff.INCREASE leaves
        the failures as they are and has the peer wait for a minute at most: the peer is not to blame. A good rule:
        offline while fewer than two connections stand. Never waits for the disk."""
        check(lib.binding_set_online(self._native, bool(online)))

    def set_own_addresses(self, addresses: Iterable[Address | str]) -> None:
        """Replaces the list of the node's own addresses, of which it hears from others. They are removed, and from then
        on refused with RefusedError, in a batch left out and counted in Stats.refused_peers. The list lives in memory
        only: set it after each opening. May wait for the disk."""
        check(lib.binding_set_own_addresses(self._native, *native_addresses(addresses, "addresses")))

    def clear_all(self) -> None:
        """Removes all peers. May wait for the disk."""
        check(lib.binding_clear_all(self._native))

    # ---- Choosing: none of these waits for the disk ----

    def next_to_dial(self, purpose: Purpose, size: int, *, busy: Iterable[Address | str] = ()) -> list[Address]:
        """Draws up to size peers to dial now, but none that is busy, which this node has dialled and is
        connected to or is dialling: the whole policy in one call.

        CONNECT, for size free places: known peers first, one of each netgroup, the most senior first. FEELER: a peer
        that was only heard of, to be tried and then hung up on, every two minutes. Report each outcome with update,
        or update_backoff for a failure.
        """
        native_purpose, native_busy = unsigned(purpose, "purpose"), native_addresses(busy, "busy")
        return self._draw(lib.binding_next_to_dial, size, native_purpose, *native_busy)

    def next_due(self) -> int | None:
        """When the next waiting peer becomes due, in seconds since the Unix epoch, so that a node need not poll; None
        if none waits."""
        due = ffi.new("int64_t *")
        try:
            check(lib.binding_next_due(self._native, self._now(), due))
        except NotFoundError:
            return None
        return int(due[0])

    def load_random_peers(self, size: int, query: Query | None = None) -> list[Address]:
        """Draws min(size, eligible) peers: uniformly, without replacement, in random order. Without a query, for
        dialling: Query()."""
        native, excluded = _DEFAULT_QUERY if query is None else _native_query(query)
        return self._draw(lib.binding_load_random_peers, size, native, *excluded)

    def get_peers_to_send(
        self, size: int, *, exclude: Address | str | None = None, query: Query | None = None
    ) -> list[Address]:
        """Draws peers to tell another peer about: never private addresses (unless Reach.PRIVATE), never exclude, which
        is the one that asks; preferred before outbound before inbound. Without a query all are eligible."""
        asker = (ffi.NULL, 0) if exclude is None else native_address(exclude)
        native, excluded = (ffi.NULL, _NONE) if query is None else _native_query(query)
        return self._draw(lib.binding_get_peers_to_send, size, native, *excluded, *asker)

    def _draw(self, call: Callable[..., CData], size: int, *arguments: object) -> list[Address]:
        size = integer(size, "size", 0, 2**64 - 1)
        if size > _SMALL:
            # There are never more answers than peers, so a huge size needs no huge buffer.
            size = min(size, self.peer_count())
        out, ports, sizes = _allocate(_BYTES, size * _ADDRESS_SIZE), _allocate(_PORTS, size), ffi.new(_SIZES)
        check(call(self._native, self._now(), *arguments, size, out, ports, sizes))
        count, length = sizes
        return addresses_of(ffi.unpack(out, length), ffi.unpack(ports, count))

    # ---- Looking: none of these waits for the disk ----

    def peer_count(self) -> int:
        """The number of peers; also len()."""
        out = ffi.new("size_t *")
        check(lib.binding_peer_count(self._native, out))
        return int(out[0])

    def netgroup(self, address: Address | str) -> int:
        """Which netgroup this peer manager counts an address as, known or not: an opaque number, the same for two
        addresses exactly if they are of one netgroup. To another peer manager it means nothing."""
        out = ffi.new("uint64_t *")
        check(lib.binding_netgroup(self._native, *native_address(address), out))
        return int(out[0])

    def get_all_peers(self) -> Snapshot:
        """A copy of all peers as they are at one point in time."""
        handle, count = Handle("snapshot"), ffi.new("size_t *")
        # First, so that nothing that interrupts us leaves the copy behind.
        finalizer = weakref.finalize(self, handle.close)
        check(lib.binding_get_all_peers(self._native, handle.native, count))
        snapshot = Snapshot(handle, count[0])
        finalizer.detach()
        return snapshot

    def get_stats(self) -> Stats:
        """Counts of peers, writes and refusals."""
        return self._stats(self._now())

    def _stats(self, now: int) -> Stats:
        out = ffi.new("peer_manager_stats *")
        check(lib.binding_get_stats(self._native, now, out))
        return Stats._of(out)

    def get_quarantine(self) -> Quarantine | None:
        """What happened to the file, if it was damaged and set aside by OnCorrupt.QUARANTINE; otherwise None."""
        path, counts = ffi.new("char[]", _PATH_CAPACITY), ffi.new("uint64_t[2]")
        check(lib.binding_get_quarantine(self._native, path, _PATH_CAPACITY, counts, counts + 1))
        where = ffi.string(path)
        return Quarantine(Path(os.fsdecode(where)), counts[0], counts[1]) if where else None

    def __len__(self) -> int:
        return self.peer_count()

    def __bool__(self) -> bool:
        """True, also without peers: `if peers` asks whether there is a peer manager."""
        return True

    def __contains__(self, address: Address | str) -> bool:
        try:
            self.load(address)
        except NotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[Record]:
        """All peers as they are when the iteration begins."""
        with self.get_all_peers() as snapshot:
            yield from snapshot

    def __repr__(self) -> str:
        return "<PeerManager, closed>" if self.closed else f"<PeerManager at {hex(id(self))}>"

    def __reduce__(self) -> NoReturn:
        self._handle.refuse_copy()


def _close_forgotten(handle: Handle) -> None:
    """Closes what the program did not: on garbage collection, and when the interpreter ends."""
    try:
        if not handle.is_inherited:
            warnings.warn("a peer manager was not closed; use a with statement", ResourceWarning, stacklevel=2)
    finally:
        handle.close()


def _path(path: StrPath, name: str = "path") -> bytes:
    # What is not UTF-8 is left to the library to refuse.
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{name} has a NUL in it; give the path of a file")
    return encoded


def _native_record(record: Record) -> tuple[Address, int, int, int]:
    if not isinstance(record, Record):
        raise TypeError(f"record is {type(record).__name__}; give a Record")
    return record._native()


def _native_query(query: Query) -> tuple[CData, tuple[bytes, list[int], int]]:
    if not isinstance(query, Query):
        raise TypeError(f"query is {type(query).__name__}; give a Query")
    return query._native(), native_addresses(query.exclude, "exclude")


_NONE = native_addresses((), "exclude")
_DEFAULT_QUERY = _native_query(Query())

# As many addresses as are drawn without a look at how many peers there are.
_SMALL = 256

# What the library writes to need not be cleared before.
_allocate = ffi.new_allocator(should_clear_after_alloc=False)
_ADDRESS_SIZE: int = ffi.sizeof("peer_manager_address")
_BYTES, _PORTS, _SIZES = ffi.typeof("char[]"), ffi.typeof("uint16_t[]"), ffi.typeof("size_t[2]")
_RECORD = ffi.typeof("binding_record *")
