"""Addresses."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import repeat
from typing import Any, NamedTuple, Self, SupportsIndex, TypeAlias

from ._checks import integer, several, text, unsigned
from ._library import CData, check, ffi, lib
from .errors import InvalidAddressError

HostLike: TypeAlias = IPv4Address | IPv6Address | str
"""An IP address, or a name (so .onion and .i2p too). Names are never resolved."""

_ADDRESS = ffi.typeof("peer_manager_address *")


class _HostAndPort(NamedTuple):
    host: str
    port: int


class Address(_HostAndPort):
    """Where a peer listens: a host and a port, which is what socket.create_connection takes, and what
    asyncio.open_connection(*address) does. Any spelling is accepted and made canonical, so that equal addresses compare
    as equal. They are in the order of the texts of their hosts."""

    __slots__ = ()

    def __new__(cls, host: HostLike, port: SupportsIndex) -> Self:
        """host: an IP address (IPv4-mapped IPv6 becomes IPv4), or a name. port: 1 to 65535. InvalidAddressError, which
        is a ValueError, for what is none."""
        out = ffi.new(_ADDRESS)
        check(lib.binding_address_init(native_host(host), _port(port), out))
        return cls._of(out)

    @classmethod
    def parse(cls, address: str, default_port: SupportsIndex = 0) -> Self:
        """Parses "1.2.3.4:11625", "[2001:db8::1]:11625", "example.org:11625"; also without a port if there is a
        default one."""
        out = ffi.new(_ADDRESS)
        port = unsigned(default_port, "default_port", 16)
        check(lib.binding_address_parse(text(address, "address"), port, out))
        return cls._of(out)

    @classmethod
    def from_sockaddr(cls, sockaddr: tuple[Any, ...]) -> Self:
        """Takes what socket.getpeername and socket.accept give for AF_INET and AF_INET6. Its port is where the other
        end sends from, not where it listens: see README, "First steps"."""
        if not isinstance(sockaddr, tuple) or len(sockaddr) not in (2, 4):
            raise TypeError("sockaddr is not a socket address; give a tuple of AF_INET or AF_INET6")
        if len(sockaddr) == 4 and sockaddr[3] != 0:
            raise InvalidAddressError(f"{sockaddr[0]!r} is not a peer address: scope ids are not accepted")
        return cls(sockaddr[0], sockaddr[1])

    @property
    def sockaddr(self) -> tuple[str, int]:
        """The address as a plain tuple."""
        return self.host, self.port

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """The host as an object of ipaddress, which is made each time; None for a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_private(self) -> bool:
        """Whether the address means nothing to a stranger, so that it is never sent to one."""
        return bool(lib.binding_address_is_private(self.host.encode(), self.port))

    @property
    def is_routable(self) -> bool:
        """Whether a stranger on the Internet may be able to reach the address: it is neither private nor set aside for
        examples or for no host at all, such as 192.0.2.0/24 and *.test."""
        return bool(lib.binding_address_is_routable(self.host.encode(), self.port))

    def __str__(self) -> str:
        """What parse reads."""
        host, port = self
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @classmethod
    def _of(cls, native: CData) -> Self:
        """An address that the library has written, so that it is canonical."""
        address: Self = _new_tuple(cls, (ffi.string(native.host).decode(), native.port))
        return address

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override] # pyright: ignore
        """For _replace, which would not check what it is given otherwise."""
        return cls(*iterable)


_new_tuple: Any = getattr(tuple, "__new__")  # noqa: B009


def addresses_of(hosts: bytes, ports: list[int]) -> list[Address]:
    """The addresses that a function of the extension module has written. Nothing in this loop is Python's."""
    return list(map(_new_tuple, repeat(Address), zip(hosts.decode().split("\n"), ports, strict=False)))


def _port(port: SupportsIndex) -> int:
    try:
        return integer(port, "port", 0, 65535)
    except ValueError:
        raise InvalidAddressError("port is out of range; give 1 to 65535") from None


def native_host(host: HostLike) -> bytes:
    """The text of a host, for C."""
    return text(str(host) if isinstance(host, (IPv4Address, IPv6Address)) else host, "host")


def known(address: Address | str) -> Address:
    """An address, or the text of one that has a port."""
    if isinstance(address, Address):
        return address
    if isinstance(address, str):
        return Address.parse(address)
    raise TypeError(f"address is {type(address).__name__}; give an Address or a str")


def native_address(address: Address | str) -> tuple[bytes, int]:
    """A host and a port, for C."""
    host, port = known(address)
    return host.encode(), port


def native_addresses(addresses: Iterable[Address | str], name: str) -> tuple[bytes, list[int], int]:
    """Hosts, ports and their number, for C."""
    every = [known(address) for address in several(addresses, name)]
    hosts = "\n".join([address[0] for address in every]).encode()
    return hosts, [address[1] for address in every], len(every)


def address_equal(a: Address | str, b: Address | str) -> bool:
    """Whether both are addresses and the same one, in whatever spelling; False for text that is no address."""
    try:
        return known(a) == known(b)
    except InvalidAddressError:
        return False
