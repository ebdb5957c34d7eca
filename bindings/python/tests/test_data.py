"""Bytes that go with a peer, and peers by their hosts."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    DATA_CAPACITY,
    Address,
    Backoff,
    Durability,
    HostLike,
    InvalidAddressError,
    InvalidArgumentError,
    NotFoundError,
    PeerManager,
    PeerType,
    Record,
)

A, B = Address("1.2.3.4", 5), Address("example.org", 6)


def test_bytes_go_with_a_peer(peers: PeerManager) -> None:
    peers.ensure_exists_many([A, B])
    assert peers.get_data(A) == b""
    peers.set_data("1.2.3.4:5", b"\0id\xff\0")
    assert peers.get_data(A) == b"\0id\xff\0"
    assert peers.get_data(B) == b""
    peers.set_data(A, b"another")
    peers.update(A, PeerType.OUTBOUND, Backoff.RESET)
    peers.store(Record(A, 0, 7, PeerType.INBOUND))
    assert peers.get_data(A) == b"another"
    peers.set_data(A, b"")
    assert peers.get_data(A) == b""


def test_data_ends_with_the_peer(peers: PeerManager) -> None:
    for remove in (lambda: peers.remove(A), lambda: peers.remove_host(A.host), lambda: peers.clear_all()):
        peers.ensure_exists(A)
        peers.set_data(A, b"id")
        remove()
        peers.ensure_exists(A)
        assert peers.get_data(A) == b""


def test_as_many_bytes_as_there_is_room_for(peers: PeerManager) -> None:
    peers.ensure_exists(A)
    assert DATA_CAPACITY == 255
    longest = bytes(range(DATA_CAPACITY))
    peers.set_data(A, longest)
    assert peers.get_data(A) == peers.get_all_peers().data(0) == longest
    for size in (DATA_CAPACITY + 1, 1_000_000):
        with pytest.raises(InvalidArgumentError):
            peers.set_data(A, bytes(size))
    assert peers.get_data(A) == longest


@pytest.mark.parametrize(
    "data",
    [
        b"a\0bc",
        bytearray(b"a\0bc"),
        memoryview(b"a\0bc"),
        memoryview(b"cxbx\0xax")[-2::-2],
        memoryview(b"a\0bc").cast("H"),
    ],
)
def test_what_holds_bytes_will_do(peers: PeerManager, data: Any) -> None:
    peers.ensure_exists(A)
    peers.set_data(A, data)
    assert peers.get_data(A) == b"a\0bc"


@pytest.mark.parametrize("wrong", ["id", None, 5, [1, 2], object()])
def test_data_is_bytes(peers: PeerManager, wrong: Any) -> None:
    peers.ensure_exists(A)
    with pytest.raises(TypeError, match=r"data is .*; give bytes"):
        peers.set_data(A, wrong)
    assert peers.get_data(A) == b""


def test_a_peer_that_is_unknown_has_no_data(peers: PeerManager) -> None:
    for call in (lambda: peers.get_data(A), lambda: peers.set_data(A, b"id"), lambda: peers.set_data(A, b"")):
        with pytest.raises(NotFoundError, match=r"1\.2\.3\.4:5"):
            call()
    assert len(peers) == 0


def test_a_snapshot_has_the_data_of_its_moment(peers: PeerManager) -> None:
    peers.ensure_exists_many([A, B])
    peers.set_data(A, b"id")
    snapshot = peers.get_all_peers()
    peers.set_data(A, b"another")
    peers.set_data(B, b"more")
    peers.clear_all()
    assert {record.address: snapshot.data(i) for i, record in enumerate(snapshot)} == {A: b"id", B: b""}
    assert snapshot.data(-1) == snapshot.data(1)
    for index in (2, -3):
        with pytest.raises(IndexError, match="the snapshot has 2 peers"):
            snapshot.data(index)
    wrong: Any
    for wrong in ("0", None, 0.0):
        with pytest.raises(TypeError, match="index is "):
            snapshot.data(wrong)


@pytest.mark.parametrize("durability", Durability)
def test_data_survives_a_restart_and_an_import(path: Path, durability: Durability) -> None:
    with PeerManager(path, durability=durability) as peers:
        peers.ensure_exists_many([A, B])
        peers.set_data(A, b"id")
        peers.set_data(B, b"gone")
        peers.set_data(B, b"")
    with PeerManager(path, durability=durability) as peers, PeerManager() as importer:
        assert (peers.get_data(A), peers.get_data(B)) == (b"id", b"")
        importer.ensure_exists(B)
        importer.set_data(B, b"mine")
        assert importer.import_file(path) == 1
        assert (importer.get_data(A), importer.get_data(B)) == (b"id", b"mine")


@pytest.mark.parametrize("host", ["1.2.3.4", ip_address("1.2.3.4"), "::ffff:1.2.3.4"])
def test_a_host_is_removed_on_all_its_ports(peers: PeerManager, host: HostLike) -> None:
    peers.ensure_exists_many(Address("1.2.3.4", port) for port in range(1, 11))
    peers.store(Record(Address("1.2.3.4", 11), NOW, 0, PeerType.PREFERRED))
    peers.ensure_exists_many(["1.2.3.5:1", B])
    assert peers.remove_host(host) == 11
    assert peers.remove_host(host) == 0
    assert {str(record.address) for record in peers} == {"1.2.3.5:1", str(B)}
    assert peers.remove_host("Example.ORG.") == 1


@pytest.mark.parametrize("wrong", ["", "1.2.3", "1.2.3.4:5", "1.2.3.0/24", "what?"])
def test_what_is_no_host_is_refused(peers: PeerManager, wrong: str) -> None:
    with pytest.raises(InvalidAddressError):
        peers.remove_host(wrong)


@pytest.mark.parametrize("wrong", [None, 5, b"1.2.3.4", A, []])
def test_a_host_is_text_or_of_ipaddress(peers: PeerManager, wrong: Any) -> None:
    with pytest.raises(TypeError, match="host is "):
        peers.remove_host(wrong)
    with pytest.raises(InvalidArgumentError, match="host has a NUL"):
        peers.remove_host("1.2.3.4\0")


def test_neither_needs_the_clock(peers: PeerManager, clock: FakeClock) -> None:
    peers.ensure_exists(A)
    clock.failure = ZeroDivisionError()
    peers.set_data(A, b"id")
    assert peers.get_data(A) == b"id"
    assert peers.remove_host("1.2.3.4") == 1
