"""Data: bytes that go with a peer."""

from collections.abc import Callable
from typing import TypeAlias

from ._address import Address, native_address
from ._core import Core
from ._library import CData, check, ffi, lib

DATA_CAPACITY: int = lib.PEER_MANAGER_DATA_CAPACITY
"""The most bytes that may go with a peer."""

BytesLike: TypeAlias = bytes | bytearray | memoryview


class Data(Core):
    """The data of the peers of a peer manager."""

    __slots__ = ()

    def set_data(self, address: Address | str, data: BytesLike) -> None:
        """Keeps up to DATA_CAPACITY bytes with a peer, in place of those that it had: a node id, services, a version,
        of which the library knows nothing. No bytes end that. NotFoundError, which is a KeyError, if the peer is not
        known. May wait for the disk.

        They are saved (but not in a file that stellar-core has made), and end with the peer; an import takes them over.
        """
        target, content = native_address(address), _bytes(data)
        check(lib.binding_set_data(self._native, *target, content, len(content)))

    def get_data(self, address: Address | str) -> bytes:
        """The bytes that go with a peer; none if it has none. NotFoundError, which is a KeyError, if it is not
        known. Never waits for the disk."""
        return read_data("peer manager", lib.binding_get_data, self._native, *native_address(address))


def read_data(what: str, call: Callable[..., CData], *arguments: CData) -> bytes:
    """What a function of the extension module writes to a buffer of that capacity."""
    out, size = ffi.new("char[]", DATA_CAPACITY), ffi.new("size_t *")
    check(call(*arguments, out, DATA_CAPACITY, size), what)
    return bytes(ffi.unpack(out, size[0]))


def _bytes(data: BytesLike) -> bytes:
    try:
        return memoryview(data).tobytes()
    except TypeError:
        raise TypeError(f"data is {type(data).__name__}; give bytes") from None
