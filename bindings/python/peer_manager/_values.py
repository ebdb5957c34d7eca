"""What goes in and comes out: enumerations, records, queries, counts."""

import enum
import operator
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ._address import Address, known
from ._checks import integer, unsigned
from ._library import CData, ffi, lib
from ._time import Time, to_datetime, to_seconds
from .errors import InvalidArgumentError

MAX_FAILURES: int = lib.PEER_MANAGER_MAX_FAILURES
"""The number of failures from which a node usually tells others no more about a peer."""

REALLY_DEAD: int = lib.PEER_MANAGER_REALLY_DEAD
"""The most failures with which a peer is dialled still."""


class PeerType(enum.IntEnum):
    """What is known of a peer."""

    INBOUND = 0
    """Known from an incoming connection or from gossip: never dialled successfully yet."""
    OUTBOUND = 1
    """Dialled successfully at least once."""
    PREFERRED = 2
    """Chosen by the operator."""


class Backoff(enum.IntEnum):
    """How an attempt to reach a peer went."""

    HARD_RESET = 0
    """Reset the failures to 0 and make the peer due now."""
    RESET = 1
    """Reset the failures to 0 and wait 1 to 10 seconds: for a dial that succeeded."""
    INCREASE = 2
    """One more failure, which makes n: wait for a random time from 1 to 10 * 2^min(n, 10) seconds. PeerManager has
    the options backoff_seconds and max_backoff_exponent for others."""


class Durability(enum.IntEnum):
    """What a call that changes peers waits for."""

    COMMIT = 0
    """Its transaction is committed: the change survives a crash of the process."""
    SYNC = 1
    """It is committed and fsynced: the change survives a loss of power."""
    DEFERRED = 2
    """Nothing: a background thread commits what has changed flush_interval_ms later."""


class OnCorrupt(enum.IntEnum):
    """What opening a damaged file does."""

    FAIL = 0
    """Refuses it with CorruptError and leaves it as it is."""
    QUARANTINE = 1
    """Sets it aside, saves what can be read, and opens; see PeerManager.get_quarantine."""


class Reach(enum.IntEnum):
    """Whom the node can reach, and so which addresses are worth keeping and telling."""

    SPECIFICATION = 0
    """Everything is stored and drawn, and private addresses are never told to others."""
    PUBLIC = 1
    """For nodes on the Internet. Gossip (ensure_exists and ensure_exists_many) of a new address that is not routable is
    refused with RefusedError, in a batch left out, and counted in Stats.refused_peers. One that gets into the table in
    another way is drawn only as a preferred peer, and never told to others."""
    PRIVATE = 2
    """For one machine, a LAN, containers, test networks. Private addresses are told to others like any address, and a
    private address with its port is a netgroup of its own."""


class TypeFilter(enum.IntEnum):
    """Which types of peers are eligible."""

    INBOUND_ONLY = 0
    OUTBOUND_ONLY = 1
    PREFERRED_ONLY = 2
    ANY_OUTBOUND = 3
    """Outbound and preferred peers."""
    ANY = 4
    NOT_PREFERRED = 5
    """Inbound and outbound peers: to tell strangers nothing of the operator's own peers."""


class Network(enum.IntFlag):
    """The networks that addresses belong to, by the form of their hosts; sets of them are made with |."""

    IPV4 = 1
    IPV6 = 2
    """Also those that wrap an IPv4 address."""
    ONION = 4
    """Tor's onion services: names that end in .onion."""
    I2P = 8
    """I2P's destinations: names that end in .i2p."""
    NAME = 16
    """All other names."""


class Purpose(enum.IntEnum):
    """What a connection is for."""

    CONNECT = 0
    """To stay."""
    FEELER = 1
    """To find out whether a peer that was only heard of can be reached, and to hang up."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one peer."""

    address: Address
    next_attempt: int
    """When it may be dialled next, in seconds since the Unix epoch."""
    num_failures: int
    """Failures since the last success."""
    peer_type: PeerType

    @classmethod
    def new(cls, address: Address | str, now: Time) -> Self:
        """A peer that was just heard of: inbound, no failures, due at now."""
        return cls(known(address), to_seconds(now, "now"), 0, PeerType.INBOUND)

    def is_ready(self, now: Time) -> bool:
        """Whether the next attempt is due."""
        return self.next_attempt <= to_seconds(now, "now")

    @property
    def next_attempt_at(self) -> datetime:
        """The next attempt as an aware datetime; OverflowError where there is none."""
        return to_datetime(self.next_attempt)

    def _native(self) -> tuple[Address, int, int, int]:
        return (
            known(self.address),
            integer(self.next_attempt, "next_attempt", -(2**63), 2**63 - 1),
            unsigned(self.num_failures, "num_failures"),
            unsigned(self.peer_type, "peer_type"),
        )


# The initialiser of a frozen dataclass takes several times as long as these: the slots are filled in as they are.
_new_object: Any = object.__new__
_set_address, _set_next_attempt, _set_num_failures, _set_peer_type = (
    Record.__dict__[name].__set__ for name in ("address", "next_attempt", "num_failures", "peer_type")
)
_TYPES = tuple(PeerType)
_RECORD = struct.Struct("@qII")


def make_record(address: Address, next_attempt: int, num_failures: int, peer_type: int) -> Record:
    """A record of what the library has returned."""
    record: Record = _new_object(Record)
    _set_address(record, address)
    _set_next_attempt(record, next_attempt)
    _set_num_failures(record, num_failures)
    _set_peer_type(record, _TYPES[peer_type])
    return record


def make_records(addresses: list[Address], rest: CData) -> list[Record]:
    """The records of these addresses; the rest is a buffer of binding_record."""
    return [make_record(address, *values) for address, values in zip(addresses, _RECORD.iter_unpack(rest), strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which peers are eligible. The default is for dialling: outbound and preferred peers that
    are due and have failed at most 120 times. In a new node there are none, because every peer is inbound until a dial
    succeeds."""

    type_filter: TypeFilter = TypeFilter.ANY_OUTBOUND
    use_next_attempt: bool = True
    """Only peers whose next attempt is due."""
    max_num_failures: int | None = REALLY_DEAD
    """Only peers with at most this many failures; None for no bound."""
    max_per_netgroup: int = 0
    """If not 0: at most this many of one netgroup, and each draw picks a netgroup first: an attacker's share is
    the share of netgroups it holds, not of addresses."""
    exclude: Iterable[Address | str] = ()
    """Peers to leave out, e.g. those connected now. It is iterated once for each use of the query."""
    seniority: int = 0
    """If more than 1, at most 64: each place in the answer goes to the most senior of this many draws. Of inbound peers
    that is the one heard of first, of the others the one that became outbound or preferred first. A flood cannot be
    old."""
    apart: bool = False
    """Leaves out every peer of a netgroup that an address in exclude is in."""
    networks: Network | None = None
    """Only peers of these networks; None for all."""
    share_key: int = 0
    """For get_peers_to_send with share_cache_seconds: which of the shared lists answers, 0 to 15. With one for each
    network and each local address, the answers do not show that they are of one node."""
    heard_since: Time | None = None
    """Only peers heard of, or reached, at or after this time; None for all. It needs PeerManager's keep_history, and
    counts days (History.last_heard). Where most peers are left out, it costs a look at each."""
    reached_since: Time | None = None
    """Only peers reached at or after this time, likewise."""

    def _native(self) -> CData:
        """The query for C, but for exclude, which goes with it."""
        query = ffi.new(_QUERY)
        lib.peer_manager_query_init(query, _QUERY_SIZE)
        query.type_filter = unsigned(self.type_filter, "type_filter")
        query.use_next_attempt = bool(self.use_next_attempt)
        query.has_max_num_failures = self.max_num_failures is not None
        if self.max_num_failures is not None:
            query.max_num_failures = unsigned(self.max_num_failures, "max_num_failures")
        query.max_per_netgroup = unsigned(self.max_per_netgroup, "max_per_netgroup")
        query.seniority = unsigned(self.seniority, "seniority")
        query.apart = bool(self.apart)
        query.networks = 0 if self.networks is None else _networks(self.networks)
        query.share_key = unsigned(self.share_key, "share_key")
        query.heard_since = 0 if self.heard_since is None else to_seconds(self.heard_since, "heard_since")
        query.reached_since = 0 if self.reached_since is None else to_seconds(self.reached_since, "reached_since")
        return query


_QUERY = ffi.typeof("peer_manager_query *")
_QUERY_SIZE = ffi.sizeof("peer_manager_query")


def _networks(networks: Network) -> int:
    number = unsigned(networks, "networks")
    if number == 0:
        raise InvalidArgumentError("networks has none in it; give at least one, or None for all")
    return number


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of what is in the table and of what happened since it was opened."""

    durability: Durability
    peers: int
    inbound: int
    outbound: int
    preferred: int
    ready: int
    """Peers whose next attempt is due."""
    netgroups: int
    """Netgroups with at least one peer: an IPv4 /16, an IPv6 /32, each name one of its own."""
    pending_writes: int
    """With DEFERRED: changes that are not in the file yet."""
    failed_writes: int
    """Writes to the database that failed; with DEFERRED each try of a group is one."""
    skipped_rows: int
    """Rows that were not valid peers when the file was opened, or that could not be saved from a damaged one."""
    refused_peers: int
    """Peers that a bound or a policy refused since it was opened, with those that it kept out of the table then."""
    bans: int
    """Bans that last, now."""
    log_bytes: int
    """The size of the write-ahead log in bytes. It keeps growing while a reader of the file never ends."""
    forgiven_failures: int
    """Failures that did not count, because the node was offline (PeerManager.set_online)."""
    rejected_rows: int
    """Changes that the file's own constraints refused since it was opened."""

    @classmethod
    def _of(cls, native: CData) -> Self:
        names = cls.__match_args__[1:]
        return cls(Durability(native.durability), *operator.attrgetter(*names)(native))


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What happened to a damaged file."""

    path: Path
    """Where it is now."""
    saved: int
    """How many peers were read from it and are in the new file."""
    lost: int
    """How many rows could not be read, of those that left any trace."""
