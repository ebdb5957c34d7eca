"""The table of peers."""

import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from ctypes import byref, c_int64, c_size_t, c_uint64, c_void_p, create_string_buffer, sizeof
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeAlias

from . import _native
from ._address import Address, HostLike, native_address, native_addresses, native_host
from ._bans import Bans
from ._checks import integer, several, unsigned
from ._data import Data
from ._handle import Handle
from ._history import Histories
from ._snapshot import Snapshot
from ._time import Clock, Time, to_seconds
from ._values import BackOff, Durability, OnCorrupt, PeerType, Purpose, Quarantine, Query, Reach, Record, Stats
from .errors import InvalidArgumentError, NotFoundError, PeerManagerError

StrPath: TypeAlias = str | os.PathLike[str]

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
        options = _native.Options()
        _native.C["options_init"](byref(options), sizeof(options))
        options.durability = unsigned(durability, "durability")
        if path is not None:
            options.db_path = _path(path)
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
        if asmap_path is not None:
            options.asmap_path = _path(asmap_path, "asmap_path")
        options.keep_history = bool(keep_history)
        self._clock = None if clock is None else Clock(clock)
        if self._clock is not None:
            options.clock = self._clock.function
            self._clock.read()
        out = c_void_p()
        _native.call("open", byref(options), byref(out))
        self._own(out)

    @classmethod
    def new_in_memory(cls) -> Self:
        """A table in memory only, with the default options."""
        return cls._new("new_in_memory")

    @classmethod
    def new_with_db(cls, path: StrPath) -> Self:
        """A database file, created if there is none, with the default options."""
        return cls._new("new_with_db", _path(path))

    @classmethod
    def _new(cls, name: str, *arguments: object) -> Self:
        out = c_void_p()
        _native.call(name, *arguments, byref(out))
        new = cls.__new__(cls)
        new._clock = None
        new._own(out)
        return new

    def _own(self, pointer: c_void_p) -> None:
        assert pointer.value is not None, "the library opens or fails"
        # Not the clock itself: it may lead back here, and then garbage collection would never find this.
        keep = None if self._clock is None else self._clock.function
        self._handle = Handle(pointer.value, _native.C["free"], "peer manager", keep)
        self._finalizer = weakref.finalize(self, _close_forgotten, self._handle)

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
        if self._handle.is_inherited or self._stats().durability != Durability.DEFERRED:
            return
        try:
            self.flush()
        except PeerManagerError:
            # A flush may also have failed only to fsync what is already in the file. Closing does not promise that.
            if self._stats().pending_writes > 0:
                raise

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._handle.closed

    def flush(self) -> None:
        """Returns once everything that earlier calls changed is on disk, where it survives a loss of power."""
        self._handle.call("flush")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ---- Peers ----

    def ensure_exists(self, address: Address | str) -> None:
        """Makes sure that an address is known: a new one is inbound, without failures, and due now."""
        self._call_now("ensure_exists", byref(native_address(address)))

    def ensure_exists_many(self, addresses: Iterable[Address | str]) -> int:
        """Makes sure that many addresses are known, in one transaction: all or none. Returns how many were new."""
        array = native_addresses(several(addresses, "addresses"))
        inserted = c_size_t()
        self._call_now("ensure_exists_many", array, len(array), byref(inserted))
        return inserted.value

    def load(self, address: Address | str) -> Record:
        """What is known of an address; NotFoundError, which is a KeyError, if it is not known."""
        out = _native.Record()
        self._handle.call("load", byref(native_address(address)), byref(out))
        return Record._of(out)

    def store(self, record: Record) -> None:
        """Stores a record as it is, replacing what was known of its address."""
        self._call_now("store", byref(_native_record(record)))

    def store_many(self, records: Iterable[Record]) -> None:
        """Stores records in one transaction, all or none. Of two with the same address, the later one wins."""
        structs = [_native_record(record) for record in several(records, "records")]
        array = (_native.Record * len(structs))(*structs)
        self._call_now("store_many", array, len(structs))

    def update_type(
        self, address: Address | str, observed_type: PeerType, *, preferred_type_known: bool = False
    ) -> None:
        """Updates a peer's type by what it was observed to be; an unknown one is added as new first.

        preferred_type_known: whether the caller knows all preferred peers; then a preferred one that is observed as
        outbound becomes outbound.
        """
        observed = unsigned(observed_type, "observed_type")
        self._call_now("update_type", byref(native_address(address)), observed, bool(preferred_type_known))

    def update_backoff(self, address: Address | str, backoff: BackOff) -> None:
        """Updates a peer's back-off by how an attempt to reach it went; an unknown one is added as new first."""
        self._call_now("update_backoff", byref(native_address(address)), unsigned(backoff, "backoff"))

    def update(
        self,
        address: Address | str,
        observed_type: PeerType,
        backoff: BackOff,
        *,
        preferred_type_known: bool = False,
    ) -> None:
        """Does what update_type and update_backoff do, in one change."""
        observed, change = unsigned(observed_type, "observed_type"), unsigned(backoff, "backoff")
        self._call_now("update", byref(native_address(address)), observed, bool(preferred_type_known), change)

    def import_file(self, path: StrPath) -> int:
        """Adds the peers of another database file that are new, all or none; known ones stay as they are. Returns
        how many were new; those that a bound refuses, or that are banned, are left out, and counted in refused_peers.
        With keep_history their histories come, too; bans do not. The file, of this library or of stellar-core, is only
        read, and another process may have it open."""
        inserted = c_size_t()
        self._call_now("import", _path(path), byref(inserted))
        return inserted.value

    def remove(self, address: Address | str) -> None:
        """Removes a peer; NotFoundError, which is a KeyError, if it is unknown."""
        self._handle.call("remove", byref(native_address(address)))

    def remove_host(self, host: HostLike) -> int:
        """Removes the peers of a host, on all its ports, preferred ones too. Returns how many there were."""
        removed = c_size_t()
        self._handle.call("remove_host", native_host(host), byref(removed))
        return removed.value

    def remove_peers_with_many_failures(self, min_num_failures: int) -> int:
        """Removes the peers that have failed at least this many times, preferred ones too. Returns how many."""
        removed = c_size_t()
        failures = unsigned(min_num_failures, "min_num_failures")
        self._handle.call("remove_peers_with_many_failures", failures, byref(removed))
        return removed.value

    def limit_next_attempt(self, latest: Time) -> int:
        """Limits every peer's next attempt to latest, after a clock that was wrong. Returns how many were changed."""
        changed = c_size_t()
        self._handle.call("limit_next_attempt", to_seconds(latest, "latest"), byref(changed))
        return changed.value

    def set_online(self, online: bool) -> None:
        """Says whether the node itself is online, which it is at first. While it is offline, BackOff.INCREASE leaves
        the failures as they are and has the peer wait for a minute at most: the peer is not to blame. A good rule:
        offline while fewer than two connections stand."""
        self._handle.call("set_online", bool(online))

    def set_own_addresses(self, addresses: Iterable[Address | str]) -> None:
        """Replaces the list of the node's own addresses, of which it hears from others. They are removed, and from then
        on refused with RefusedError, in a batch left out and counted in Stats.refused_peers. The list lives in memory
        only: set it after each opening."""
        array = native_addresses(several(addresses, "addresses"))
        self._handle.call("set_own_addresses", array, len(array))

    def clear_all(self) -> None:
        """Removes all peers."""
        self._handle.call("clear_all")

    # ---- Choosing ----

    def next_to_dial(self, purpose: Purpose, size: int, *, busy: Iterable[Address | str] = ()) -> list[Address]:
        """Draws up to size peers to dial now, besides those that are busy, which this node has dialled and is
        connected to or is dialling: the whole policy in one call.

        CONNECT, for size free places: known peers first, one of each netgroup, the most senior first. FEELER: a peer
        that was only heard of, to be tried and then hung up on, every two minutes. Report each outcome with update,
        or update_backoff for a failure.
        """
        array = native_addresses(several(busy, "busy"))
        return self._choose("next_to_dial", size, unsigned(purpose, "purpose"), array, len(array))

    def next_due(self) -> int | None:
        """When the next waiting peer becomes due, in seconds since the Unix epoch, so that a node need not poll; None
        if none waits."""
        due = c_int64()
        try:
            self._call_now("next_due", byref(due))
        except NotFoundError:
            return None
        return due.value

    def load_random_peers(self, size: int, query: Query | None = None) -> list[Address]:
        """Draws min(size, eligible) peers: uniformly, without replacement, in random order."""
        return self._choose("load_random_peers", size, byref(_native_query(Query() if query is None else query)))

    def get_peers_to_send(
        self, size: int, *, exclude: Address | str | None = None, query: Query | None = None
    ) -> list[Address]:
        """Draws peers to tell another peer about: never private addresses (unless Reach.PRIVATE), never exclude, which
        is the one that asks; preferred before outbound before inbound. Without a query all are eligible."""
        asker = None if exclude is None else byref(native_address(exclude))
        return self._choose("get_peers_to_send", size, None if query is None else byref(_native_query(query)), asker)

    def _choose(self, name: str, size: int, *arguments: object) -> list[Address]:
        # There are never more answers than peers, so a huge size needs no huge buffer.
        capacity = min(integer(size, "size", 0, 2**64 - 1), self.peer_count())
        out, count = (_native.Address * capacity)(), c_size_t()
        self._call_now(name, *arguments, capacity, out, byref(count))
        return [Address._of(out[i]) for i in range(count.value)]

    # ---- Looking ----

    def peer_count(self) -> int:
        """The number of peers; also len()."""
        return int(self._handle.use(_native.C["peer_count"]))

    def netgroup(self, address: Address | str) -> int:
        """Which netgroup this peer manager counts an address as, known or not: an opaque number, the same for two
        addresses exactly if they are of one netgroup. To another peer manager it means nothing."""
        out = c_uint64()
        self._handle.call("address_netgroup", byref(native_address(address)), byref(out))
        return out.value

    def get_all_peers(self) -> Snapshot:
        """A copy of all peers as they are at one point in time."""
        out = c_void_p()
        self._handle.call("get_all_peers", byref(out))
        assert out.value is not None, "the library makes a snapshot or fails"
        return Snapshot(out.value)

    def get_stats(self) -> Stats:
        """Counts of peers, writes and refusals."""
        self._read_clock()
        return self._stats()

    def _stats(self) -> Stats:
        out = _native.Stats()
        _native.C["stats_init"](byref(out), sizeof(out))
        self._handle.call("get_stats", byref(out))
        return Stats._of(out)

    def get_quarantine(self) -> Quarantine | None:
        """What happened to the file, if it was damaged and set aside by OnCorrupt.QUARANTINE; otherwise None."""
        path, saved, lost = create_string_buffer(_PATH_CAPACITY), c_uint64(), c_uint64()
        self._handle.call("get_quarantine", path, len(path), byref(saved), byref(lost))
        return Quarantine(Path(os.fsdecode(path.value)), saved.value, lost.value) if path.value else None

    def __len__(self) -> int:
        return self.peer_count()

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


def _native_record(record: Record) -> _native.Record:
    if not isinstance(record, Record):
        raise TypeError(f"record is {type(record).__name__}; give a Record")
    return record._native()


def _native_query(query: Query) -> _native.Query:
    if not isinstance(query, Query):
        raise TypeError(f"query is {type(query).__name__}; give a Query")
    return query._native()
