"""Addresses."""

from collections.abc import Iterable
from ctypes import byref, create_string_buffer
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, Self, SupportsIndex, TypeAlias

from . import _native
from ._checks import integer, text, unsigned
from .errors import InvalidAddressError

HostLike: TypeAlias = IPv4Address | IPv6Address | str
"""An IP address, or a name (so .onion and .i2p too). Names are never resolved."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a peer listens. Any spelling is accepted and made canonical, so that equal addresses compare as equal."""

    host: HostLike
    """An IPv4Address or an IPv6Address if it is one (IPv4-mapped IPv6 is IPv4), otherwise a name in lower case."""
    port: int

    def __post_init__(self) -> None:
        out = _native.Address()
        _native.call("address_init", native_host(self.host), _port(self.port), byref(out))
        _fill(self, out)

    @classmethod
    def parse(cls, address: str, default_port: SupportsIndex = 0) -> Self:
        """Parses "1.2.3.4:11625", "[2001:db8::1]:11625", "example.org:11625"; also without a port if there is a
        default one."""
        out = _native.Address()
        port = unsigned(default_port, "default_port", 16)
        _native.call("address_parse", text(address, "address"), port, byref(out))
        return cls._of(out)

    @classmethod
    def from_sockaddr(cls, sockaddr: tuple[Any, ...]) -> Self:
        """Takes what socket.getpeername and socket.accept give for AF_INET and AF_INET6."""
        if not isinstance(sockaddr, tuple) or len(sockaddr) not in (2, 4):
            raise TypeError("sockaddr is not a socket address; give a tuple of AF_INET or AF_INET6")
        if len(sockaddr) == 4 and sockaddr[3] != 0:
            raise InvalidAddressError(f"{sockaddr[0]!r} is not a peer address: scope ids are not accepted")
        return cls(sockaddr[0], sockaddr[1])

    @property
    def sockaddr(self) -> tuple[str, int]:
        """What socket.create_connection and socket.connect take."""
        return str(self.host), self.port

    @property
    def is_private(self) -> bool:
        """Whether the address means nothing to a stranger, so that it is never sent to one."""
        return bool(_native.C["address_is_private"](byref(native_address(self))))

    @property
    def is_routable(self) -> bool:
        """Whether a stranger on the Internet may be able to reach the address: it is neither private nor set aside for
        examples or for no host at all, such as 192.0.2.0/24 and *.test."""
        return bool(_native.C["address_is_routable"](byref(native_address(self))))

    def __str__(self) -> str:
        """What parse reads."""
        buffer = create_string_buffer(_native.ADDRESS_TEXT_CAPACITY)
        _native.call("address_format", byref(native_address(self)), buffer, len(buffer))
        return buffer.value.decode()

    @classmethod
    def _of(cls, native: _native.Address) -> Self:
        """An address that the library has written, so that it is canonical."""
        address = object.__new__(cls)
        _fill(address, native)
        return address


def _fill(address: Address, native: _native.Address) -> None:
    object.__setattr__(address, "host", _host(native.host.decode()))
    object.__setattr__(address, "port", native.port)


def _host(canonical: str) -> HostLike:
    if ":" in canonical:
        return IPv6Address(canonical)
    if canonical[-1:].isdigit():
        try:
            return IPv4Address(canonical)
        except AddressValueError:
            pass  # A name, such as host.v6
    return canonical


def _port(port: SupportsIndex) -> int:
    try:
        return integer(port, "port", 0, 65535)
    except ValueError:
        raise InvalidAddressError("port is out of range; give 1 to 65535") from None


def native_host(host: HostLike) -> bytes:
    """The text of a host, for C."""
    return text(str(host) if isinstance(host, (IPv4Address, IPv6Address)) else host, "host")


def native_address(address: Address | str) -> _native.Address:
    """The C struct of an address, or of text that has a port."""
    if isinstance(address, str):
        address = Address.parse(address)
    elif not isinstance(address, Address):
        raise TypeError(f"address is {type(address).__name__}; give an Address or a str")
    return _native.Address(str(address.host).encode(), address.port)


def native_addresses(addresses: Iterable[Address | str]) -> Any:
    """A C array of addresses."""
    structs = [native_address(address) for address in addresses]
    return (_native.Address * len(structs))(*structs)


def address_equal(a: Address | str, b: Address | str) -> bool:
    """Whether both are addresses and the same one, in whatever spelling; False for text that is no address."""
    try:
        return bool(_native.C["address_equal"](byref(native_address(a)), byref(native_address(b))))
    except InvalidAddressError:
        return False
