"""Addresses: canonical, text that sockets take, with the types of ipaddress when asked."""

import asyncio
import copy
import pickle
import socket
from dataclasses import asdict
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from peer_manager import (
    Address,
    HostLike,
    InvalidAddressError,
    InvalidArgumentError,
    PeerType,
    Record,
    address_equal,
)


@pytest.mark.parametrize(
    ("given", "host", "ip", "text"),
    [
        ("1.2.3.4", "1.2.3.4", IPv4Address("1.2.3.4"), "1.2.3.4:7"),
        (IPv4Address("1.2.3.4"), "1.2.3.4", IPv4Address("1.2.3.4"), "1.2.3.4:7"),
        ("2001:DB8:0:0::1", "2001:db8::1", IPv6Address("2001:db8::1"), "[2001:db8::1]:7"),
        (IPv6Address("2001:db8::1"), "2001:db8::1", IPv6Address("2001:db8::1"), "[2001:db8::1]:7"),
        (IPv6Address("::ffff:8.8.4.4"), "8.8.4.4", IPv4Address("8.8.4.4"), "8.8.4.4:7"),
        ("Example.ORG.", "example.org", None, "example.org:7"),
        ("host.v6", "host.v6", None, "host.v6:7"),
        ("a" * 56 + ".onion", "a" * 56 + ".onion", None, "a" * 56 + ".onion:7"),
    ],
)
def test_an_address_is_canonical(given: HostLike, host: str, ip: IPv4Address | IPv6Address | None, text: str) -> None:
    address = Address(given, 7)
    assert (address.host, type(address.host), address.port) == (host, str, 7)
    assert (address.ip, type(address.ip)) == (ip, type(ip))
    assert str(address) == f"{address}" == text
    assert Address.parse(text) == address
    assert {address: 1}[Address.parse(text)] == 1


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_address_is_pickled_and_copied(protocol: int) -> None:
    address = Address("1.2.3.4", 5)
    for other in (pickle.loads(pickle.dumps(address, protocol)), copy.copy(address), copy.deepcopy(address)):
        assert (other, type(other)) == (address, Address)


def test_an_address_is_a_host_and_a_port() -> None:
    host, port = address = Address("1.2.3.4", 5)
    assert (host, port) == address == ("1.2.3.4", 5)
    assert repr(address) == "Address(host='1.2.3.4', port=5)"
    match address:
        case Address(host, port):
            assert (host, port) == ("1.2.3.4", 5)
    record = Record(address, 0, 0, PeerType.INBOUND)
    assert asdict(record)["address"] == address


def test_addresses_are_ordered() -> None:
    texts = ["example.org:1", "1.2.3.4:6", "1.2.3.4:50", "1.2.3.4:5", "[2001:db8::1]:1"]
    addresses = [Address.parse(text) for text in texts]
    assert list(map(str, sorted(addresses))) == [texts[i] for i in (3, 1, 2, 4, 0)]
    assert addresses[3] < addresses[1] <= addresses[1] < max(addresses)


def test_what_is_replaced_is_checked() -> None:
    address = Address("1.2.3.4", 5)
    assert address._replace(port=6) == Address("1.2.3.4", 6)
    assert address._replace(host="EXAMPLE.org") == Address("example.org", 5)
    with pytest.raises(InvalidAddressError):
        address._replace(port=0)
    for name in ("host", "port", "another"):
        with pytest.raises(AttributeError):
            setattr(address, name, 1)


def test_a_default_port_is_for_text_that_has_none() -> None:
    assert Address.parse("2001:db8::1", 11625) == Address("2001:db8::1", 11625)
    assert Address.parse("1.2.3.4:5", 11625).port == 5
    with pytest.raises(InvalidAddressError, match="the port is missing"):
        Address.parse("1.2.3.4")


@pytest.mark.parametrize(
    "host", ["", "1.2.3", "256.1.1.1", "fe80::1%eth0", "a b", "1.2.3.4/8", pytest.param("x" * 10_000_000, id="10 MB")]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidAddressError, match="is not a peer address"):
        Address(host, 1)


def test_scope_ids_are_refused() -> None:
    with pytest.raises(InvalidAddressError, match="scope ids"):
        Address(IPv6Address("fe80::1%eth0"), 1)
    with pytest.raises(InvalidAddressError, match="scope ids"):
        Address.from_sockaddr(("fe80::1", 1, 0, 3))


@pytest.mark.parametrize("port", [0, -1, 65536, 2**16 + 80, 2**64 + 80, 10**400])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(InvalidAddressError, match="port"):
        Address("1.2.3.4", port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_default_port_is_refused(port: int) -> None:
    with pytest.raises(InvalidArgumentError, match="default_port is out of range"):
        Address.parse("1.2.3.4", port)


def test_text_with_a_nul_is_not_cut_off() -> None:
    with pytest.raises(InvalidArgumentError, match="host has a NUL"):
        Address("1.2.3.4\0.evil.org", 1)
    with pytest.raises(InvalidArgumentError, match="address has a NUL"):
        Address.parse("1.2.3.4:1\0")


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="not UTF-8"):
        Address("a\udc80", 1)


@pytest.mark.parametrize("wrong", [None, 5, b"1.2.3.4", ["1.2.3.4"], object()])
def test_wrong_types_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="host is "):
        Address(wrong, 1)
    with pytest.raises(TypeError, match="address is "):
        Address.parse(wrong)
    with pytest.raises(TypeError, match="address is "):
        address_equal("1.2.3.4:1", wrong)
    with pytest.raises(TypeError, match="sockaddr is not"):
        Address.from_sockaddr(wrong)


@pytest.mark.parametrize("wrong", [None, "80", 80.0])
def test_a_port_is_an_int(wrong: Any) -> None:
    with pytest.raises(TypeError, match="port is "):
        Address("1.2.3.4", wrong)


def test_private_addresses_are_told_apart() -> None:
    assert Address("10.1.2.3", 1).is_private
    assert Address("localhost", 1).is_private
    assert Address("fd00::1", 1).is_private
    assert not Address("192.0.2.1", 1).is_private
    assert not Address("example.org", 1).is_private


@pytest.mark.parametrize(
    ("host", "routable"),
    [
        ("8.8.8.8", True),
        ("2600::1", True),
        ("example.org", True),
        ("a" * 56 + ".onion", True),
        ("10.1.2.3", False),
        ("fd00::1", False),
        ("localhost", False),
        ("192.0.2.1", False),
        ("::ffff:203.0.113.7", False),
        ("2001:db8::1", False),
        ("node.test", False),
    ],
)
def test_routable_addresses_are_told_apart(host: str, routable: bool) -> None:
    assert Address(host, 1).is_routable == routable


def test_equality_is_in_canonical_form() -> None:
    assert address_equal("Example.ORG.:1", Address("example.org", 1))
    assert address_equal("[::ffff:1.2.3.4]:5", "1.2.3.4:5")
    assert not address_equal("1.2.3.4:5", "1.2.3.4:6")
    assert not address_equal("nonsense", "nonsense")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_addresses_of_sockets_go_in_and_out(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listener:
        try:
            listener.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {family.name}")
        listener.listen()
        address = Address.from_sockaddr(listener.getsockname())
        assert address.host == host
        for target in (address, address.sockaddr):
            with socket.create_connection(target) as connection:
                assert Address.from_sockaddr(connection.getpeername()) == address
        with socket.socket(family) as connection:
            connection.connect(address)


def test_asyncio_takes_addresses() -> None:
    async def talk() -> bytes:
        def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            address = Address.from_sockaddr(server.sockets[0].getsockname())
            reader, writer = await asyncio.open_connection(*address)
            try:
                return await reader.read()
            finally:
                writer.close()
                await writer.wait_closed()

    assert asyncio.run(talk()) == b"hello"
