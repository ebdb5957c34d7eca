"""All peers at one point in time."""

import threading
import weakref
from collections.abc import Iterator, Sequence
from ctypes import byref
from types import TracebackType
from typing import NoReturn, Self, SupportsIndex, overload

from . import _native
from ._checks import integer
from ._data import read_data
from ._handle import Handle
from ._history import History
from ._values import Record


class Snapshot(Sequence[Record]):
    """All peers as they were at one point in time, in no particular order. It may outlive its peer manager.

    It need not be closed, but closing frees its memory sooner. Many threads may use it: they take turns.
    """

    __slots__ = ("__weakref__", "_count", "_finalizer", "_handle", "_turn")

    def __init__(self, pointer: int) -> None:
        """Not for programs: PeerManager.get_all_peers makes them."""
        self._handle = Handle(pointer, _native.C["snapshot_free"], "snapshot")
        self._finalizer = weakref.finalize(self, self._handle.close)
        self._turn = threading.RLock()
        self._count = int(self._handle.use(_native.C["snapshot_count"]))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self._get(i) for i in range(*index.indices(self._count))]
        return self._get(self._place(index))

    def __iter__(self) -> Iterator[Record]:
        return map(self._get, range(self._count))

    def history(self, index: SupportsIndex) -> History:
        """When the peer at an index was heard of, reached and tried, as it was then. UnsupportedError if its peer
        manager keeps no histories."""
        out = _native.History()
        self._read("snapshot_get_history", self._place(index), byref(out))
        return History._of(out)

    def data(self, index: SupportsIndex) -> bytes:
        """The bytes that went with the peer at an index; none if it had none."""
        place = self._place(index)
        return read_data(lambda *out: self._read("snapshot_get_data", place, *out))

    def _place(self, index: SupportsIndex) -> int:
        """An index as C counts."""
        i = integer(index, "index", -(2**63), 2**63 - 1)
        if not -self._count <= i < self._count:
            raise IndexError(f"the index is out of range; the snapshot has {self._count} peers")
        return i % self._count

    def _get(self, index: int) -> Record:
        out = _native.Record()
        self._read("snapshot_get", index, byref(out))
        return Record._of(out)

    def _read(self, name: str, *arguments: object) -> None:
        with self._turn:
            self._handle.call(name, *arguments)

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
