"""The table of peers for asyncio: what may wait for the disk is awaited, what never does is a plain call.

    async with aio.PeerManager("peers.db") as peers:
        await peers.ensure_exists("core-live-a.stellar.org:11625")
        for address in peers.next_to_dial(Purpose.CONNECT, 8):
            await peers.update_backoff(address, Backoff.INCREASE)

Each peer manager has one thread of its own, which makes its changes one after the other, in the order in which they
were begun; so a slow disk does not use up the threads that asyncio has for looking up names. A change costs a hand-over
to that thread and back, about a tenth of a millisecond, which is why gossip goes in with ensure_exists_many.

Cancelling. A change whose await is cancelled (by a timeout, for example) is made as a whole or not at all: if the
thread has begun it, it goes on and its result is dropped, otherwise it is not made. Closing cannot be cancelled: the
file is closed, only without being waited for. Where opening is cancelled, what it opens is closed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar, Unpack

from . import _manager
from ._address import Address, HostLike
from ._bans import Ban, Subject
from ._checks import several
from ._data import BytesLike
from ._history import History
from ._options import Options, StrPath
from ._snapshot import Snapshot
from ._time import Time
from ._values import Backoff, PeerType, Purpose, Quarantine, Query, Record, Stats
from .errors import ClosedError

P = ParamSpec("P")
T = TypeVar("T")


class PeerManager:
    """A peer_manager.PeerManager whose changes are awaited. It may be used by one event loop at a time.

    The methods are those of the plain one, which says what they do. Use it in an async with statement, or await open
    and close. A clock is called by the event loop's thread for plain calls, and by the thread of this for awaited ones.
    """

    __slots__ = ("__weakref__", "_executor", "_opened", "_opening", "_options", "_path")

    def __init__(self, path: StrPath | None = None, **options: Unpack[Options]) -> None:
        """Takes what the plain PeerManager takes, and opens nothing yet."""
        self._path = path
        self._options = options
        self._opened: _manager.PeerManager | None = None
        self._opening: Future[_manager.PeerManager] | None = None
        self._executor: ThreadPoolExecutor | None = None

    # ---- Opening and closing ----

    async def open(self) -> Self:
        """Opens the file, or the table in memory. A second time, without closing in between, is a RuntimeError.
        ClosedError if it is closed while it is being opened."""
        if self._executor is not None:
            raise RuntimeError("the peer manager is open already; close it first")
        executor = self._executor = ThreadPoolExecutor(1, thread_name_prefix="peer_manager")
        opening = self._opening = executor.submit(_manager.PeerManager, self._path, **self._options)
        try:
            # Shielded, because it goes on in the thread whatever happens here.
            opened = await asyncio.shield(asyncio.wrap_future(opening))
        except BaseException:
            # Unless close was faster: then it sees to that, and another opening may have begun since.
            if self._executor is executor:
                self._executor = self._opening = None
                opening.add_done_callback(_close_what_was_opened)
                executor.shutdown(wait=False)
            raise
        if self._executor is not executor:
            raise ClosedError("cannot open the peer manager: it was closed meanwhile; await open before close")
        self._opened = opened
        return self

    async def close(self) -> None:
        """Closes it, after the changes that were begun, and after opening if that still goes on; a second time it does
        nothing. With DEFERRED it raises what keeps pending changes out of the file, as the plain one does."""
        opened, opening, executor = self._opened, self._opening, self._executor
        self._opened = self._opening = self._executor = None
        if opening is None or executor is None:
            return
        if opened is not None and opened._handle.is_inherited:
            opened.close()
            return
        # By its turn in the thread, opening has ended, also where it is still awaited.
        closing = executor.submit(_close_what_was_opened, opening)
        executor.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether it is not open: not yet, or no longer."""
        return self._executor is None

    @property
    def _peers(self) -> _manager.PeerManager:
        if self._opened is None or self._executor is None:
            raise ClosedError("cannot use the peer manager: it is closed; await open, or use async with")
        return self._opened

    async def _run(self, change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        executor = self._executor
        # In a forked child the thread is not there; there the change itself is refused.
        if executor is None or self._peers._handle.is_inherited:
            return change(*args, **kwargs)
        return await asyncio.wrap_future(executor.submit(change, *args, **kwargs))

    # ---- What may wait for the disk ----

    async def flush(self) -> None:
        """Returns once everything that earlier calls changed is on disk, where it survives a loss of power."""
        await self._run(self._peers.flush)

    async def ensure_exists(self, address: Address | str) -> None:
        """Makes sure that an address is known."""
        await self._run(self._peers.ensure_exists, address)

    async def ensure_exists_many(self, addresses: Iterable[Address | str]) -> int:
        """Makes sure that many addresses are known, all or none. Returns how many were new."""
        return await self._run(self._peers.ensure_exists_many, several(addresses, "addresses"))

    async def store(self, record: Record) -> None:
        """Stores a record as it is."""
        await self._run(self._peers.store, record)

    async def store_many(self, records: Iterable[Record]) -> None:
        """Stores records, all or none."""
        await self._run(self._peers.store_many, several(records, "records"))

    async def update_type(
        self, address: Address | str, observed_type: PeerType, *, preferred_type_known: bool = False
    ) -> None:
        """Updates a peer's type by what it was observed to be."""
        await self._run(self._peers.update_type, address, observed_type, preferred_type_known=preferred_type_known)

    async def update_backoff(self, address: Address | str, backoff: Backoff) -> None:
        """Updates a peer's back-off by how an attempt to reach it went."""
        await self._run(self._peers.update_backoff, address, backoff)

    async def update(
        self,
        address: Address | str,
        observed_type: PeerType,
        backoff: Backoff,
        *,
        preferred_type_known: bool = False,
    ) -> None:
        """Does what update_type and update_backoff do, in one change."""
        await self._run(self._peers.update, address, observed_type, backoff, preferred_type_known=preferred_type_known)

    async def import_file(self, path: StrPath) -> int:
        """Adds the peers of another database file that are new. Returns how many were."""
        return await self._run(self._peers.import_file, path)

    async def remove(self, address: Address | str) -> None:
        """Removes a peer; NotFoundError, which is a KeyError, if it is unknown."""
        await self._run(self._peers.remove, address)

    async def remove_host(self, host: HostLike) -> int:
        """Removes the peers of a host, on all its ports. Returns how many there were."""
        return await self._run(self._peers.remove_host, host)

    async def remove_peers_with_many_failures(self, min_num_failures: int) -> int:
        """Removes the peers that have failed at least this many times. Returns how many."""
        return await self._run(self._peers.remove_peers_with_many_failures, min_num_failures)

    async def remove_peers_not_heard_since(self, since: Time) -> int:
        """Removes the inbound peers that were never reached and were last heard of before that time. Returns how
        many."""
        return await self._run(self._peers.remove_peers_not_heard_since, since)

    async def limit_next_attempt(self, latest: Time) -> int:
        """Limits every peer's next attempt to latest. Returns how many were changed."""
        return await self._run(self._peers.limit_next_attempt, latest)

    async def set_own_addresses(self, addresses: Iterable[Address | str]) -> None:
        """Replaces the list of the node's own addresses."""
        await self._run(self._peers.set_own_addresses, several(addresses, "addresses"))

    async def clear_all(self) -> None:
        """Removes all peers."""
        await self._run(self._peers.clear_all)

    async def set_data(self, address: Address | str, data: BytesLike) -> None:
        """Keeps bytes with a peer."""
        await self._run(self._peers.set_data, address, data)

    async def ban(self, subject: Subject, until: Time | None) -> int:
        """Bans a host or a prefix until a time; None for good. Returns how many peers were removed."""
        return await self._run(self._peers.ban, subject, until)

    async def unban(self, subject: Subject) -> None:
        """Ends the ban of exactly this subject; NotFoundError, which is a KeyError, if there is none."""
        await self._run(self._peers.unban, subject)

    # ---- What never does ----

    def load(self, address: Address | str) -> Record:
        """What is known of an address; NotFoundError, which is a KeyError, if it is not known."""
        return self._peers.load(address)

    def next_to_dial(self, purpose: Purpose, size: int, *, busy: Iterable[Address | str] = ()) -> list[Address]:
        """Draws up to size peers to dial now."""
        return self._peers.next_to_dial(purpose, size, busy=busy)

    def next_due(self) -> int | None:
        """When the next waiting peer becomes due; None if none waits."""
        return self._peers.next_due()

    def load_random_peers(self, size: int, query: Query | None = None) -> list[Address]:
        """Draws min(size, eligible) peers."""
        return self._peers.load_random_peers(size, query)

    def get_peers_to_send(
        self, size: int, *, exclude: Address | str | None = None, query: Query | None = None
    ) -> list[Address]:
        """Draws peers to tell another peer about."""
        return self._peers.get_peers_to_send(size, exclude=exclude, query=query)

    def set_online(self, online: bool) -> None:
        """Says whether the node itself is online."""
        self._peers.set_online(online)

    def is_banned(self, address: Address | str) -> bool:
        """Whether an address is banned now."""
        return self._peers.is_banned(address)

    def bans(self) -> list[Ban]:
        """The bans that last, now."""
        return self._peers.bans()

    def load_history(self, address: Address | str) -> History:
        """When a peer was heard of, reached and tried."""
        return self._peers.load_history(address)

    def get_data(self, address: Address | str) -> bytes:
        """The bytes that go with a peer; none if it has none."""
        return self._peers.get_data(address)

    def peer_count(self) -> int:
        """The number of peers; also len()."""
        return self._peers.peer_count()

    def netgroup(self, address: Address | str) -> int:
        """Which netgroup this peer manager counts an address as."""
        return self._peers.netgroup(address)

    def get_all_peers(self) -> Snapshot:
        """A copy of all peers as they are at one point in time."""
        return self._peers.get_all_peers()

    def get_stats(self) -> Stats:
        """Counts of peers, writes and refusals."""
        return self._peers.get_stats()

    def get_quarantine(self) -> Quarantine | None:
        """What happened to the file, if it was damaged and set aside; otherwise None."""
        return self._peers.get_quarantine()

    def __len__(self) -> int:
        return len(self._peers)

    def __bool__(self) -> bool:
        """True, also without peers: `if peers` asks whether there is a peer manager."""
        return True

    def __contains__(self, address: Address | str) -> bool:
        return address in self._peers

    def __iter__(self) -> Iterator[Record]:
        """All peers as they are when the iteration begins."""
        return iter(self._peers)

    def __repr__(self) -> str:
        return f"<aio.PeerManager{', closed' if self.closed else f' at {hex(id(self))}'}>"


def _close_what_was_opened(opening: Future[_manager.PeerManager]) -> None:
    """In the thread, when opening has ended."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
