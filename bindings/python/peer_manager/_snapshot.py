"""All peers at one point in time."""

import threading
import weakref
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import NoReturn, Self, SupportsIndex, overload

from ._address import addresses_of
from ._checks import integer
from ._data import read_data
from ._handle import Handle
from ._history import History
from ._library import ffi, lib
from ._values import Record, make_records

# How many records are read at once: enough that the call is the smallest part of it.
_BATCH = 256

_HOST_CAPACITY: int = lib.PEER_MANAGER_HOST_CAPACITY


class Snapshot(Sequence[Record]):
    """All peers as they were at one point in time, in no particular order. It may outlive its peer manager.

    It need not be closed, but closing frees its memory sooner. Many threads may use it: they take turns. Nothing here
    waits for the disk.
    """

    __slots__ = ("__weakref__", "_count", "_finalizer", "_handle", "_turn")

    def __init__(self, handle: Handle, count: int) -> None:
        """Not for programs: PeerManager.get_all_peers makes them."""
        self._handle = handle
        self._finalizer = weakref.finalize(self, handle.close)
        self._turn = threading.RLock()
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            places = range(*index.indices(self._count))
            if places.step == 1:
                return [record for first in places[::_BATCH] for record in self._read(first, places.stop)]
            return [self._read(place, place + 1)[0] for place in places]
        place = self._place(index)
        return self._read(place, place + 1)[0]

    def __iter__(self) -> Iterator[Record]:
        for first in range(0, self._count, _BATCH):
            yield from self._read(first, self._count)

    def history(self, index: SupportsIndex) -> History:
        """When the peer at an index was heard of, reached and tried, as it was then. UnsupportedError if its peer
        manager keeps no histories."""
        out, place = ffi.new("peer_manager_history *"), self._place(index)
        with self._turn:
            self._handle.check(lib.binding_snapshot_get_history(self._handle.native, place, out))
        return History._of(out)

    def data(self, index: SupportsIndex) -> bytes:
        """The bytes that went with the peer at an index; none if it had none."""
        place = self._place(index)
        with self._turn:
            return read_data(self._handle.name, lib.binding_snapshot_get_data, self._handle.native, place)

    def _place(self, index: SupportsIndex) -> int:
        """An index as C counts."""
        i = integer(index, "index", -(2**63), 2**63 - 1)
        if not -self._count <= i < self._count:
            raise IndexError(f"the index is out of range; the snapshot has {self._count} peers")
        return i % self._count

    def _read(self, first: int, stop: int) -> list[Record]:
        """The records from an index on: a batch, or fewer if that is the end."""
        count = min(_BATCH, stop - first)
        hosts, size = ffi.new("char[]", count * _HOST_CAPACITY), ffi.new("size_t *")
        ports, records = ffi.new("uint16_t[]", count), ffi.new("binding_record[]", count)
        with self._turn:
            self._handle.check(lib.binding_snapshot_get(self._handle.native, first, count, hosts, ports, records, size))
        addresses = addresses_of(ffi.unpack(hosts, size[0]), ffi.unpack(ports, count))
        return make_records(addresses, ffi.buffer(records))

    def close(self) -> None:
        """Frees the memory; a second time it does nothing."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Snapshot of {self._count} peers{', closed' if self._handle.closed else ''}>"

    def __reduce__(self) -> NoReturn:
        self._handle.refuse_copy()
