"""Data: bytes that go with a peer."""

from collections.abc import Callable
from ctypes import byref, c_size_t, create_string_buffer
from typing import TypeAlias

from . import _native
from ._address import Address, native_address
from ._core import Core

DATA_CAPACITY = _native.DATA_CAPACITY
"""The most bytes that may go with a peer."""

BytesLike: TypeAlias = bytes | bytearray | memoryview


class Data(Core):
    """The data of the peers of a peer manager."""

    __slots__ = ()

    def set_data(self, address: Address | str, data: BytesLike) -> None:
        """Keeps up to DATA_CAPACITY bytes with a peer, in place of those that it had: a node id, services, a version,
        of which the library knows nothing. No bytes end that. NotFoundError, which is a KeyError, if the peer is not
        known.

        They are saved (but not in a file that stellar-core has made), and end with the peer; an import takes them over.
        """
        native, content = native_address(address), _bytes(data)
        self._handle.call("set_data", byref(native), content, len(content))

    def get_data(self, address: Address | str) -> bytes:
        """The bytes that go with a peer; none if it has none. NotFoundError, which is a KeyError, if it is not
        known."""
        native = native_address(address)
        return read_data(lambda *out: self._handle.call("get_data", byref(native), *out))


def read_data(call: Callable[..., None]) -> bytes:
    """What a function of the library writes to a buffer of that capacity."""
    out, size = create_string_buffer(DATA_CAPACITY), c_size_t()
    call(out, len(out), byref(size))
    return out.raw[: size.value]


def _bytes(data: BytesLike) -> bytes:
    try:
        return memoryview(data).tobytes()
    except TypeError:
        raise TypeError(f"data is {type(data).__name__}; give bytes") from None
