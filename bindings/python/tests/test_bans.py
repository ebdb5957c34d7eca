"""Who is refused until a time."""

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    Address,
    Backoff,
    Ban,
    Durability,
    InvalidAddressError,
    InvalidArgumentError,
    NotFoundError,
    PeerManager,
    PeerType,
    Record,
    RefusedError,
    Subject,
)

BANNED = Address("203.0.113.7", 9)


def test_the_banned_are_removed_and_refused_until_the_end(peers: PeerManager, clock: FakeClock) -> None:
    peers.ensure_exists_many(["203.0.113.7:1", "[::ffff:203.0.113.8]:1", "203.0.114.1:1"])
    peers.store(Record(BANNED, NOW, 0, PeerType.PREFERRED))
    assert peers.ban("203.0.113.99/24", NOW + 60) == 3
    assert [str(record.address) for record in peers] == ["203.0.114.1:1"]
    assert (peers.get_stats().bans, peers.get_stats().refused_peers) == (1, 0)
    refused: Callable[[], object]
    for refused in (
        lambda: peers.ensure_exists(BANNED),
        lambda: peers.store(Record(BANNED, 0, 0, PeerType.PREFERRED)),
        lambda: peers.update_type(BANNED, PeerType.PREFERRED),
        lambda: peers.update_backoff(BANNED, Backoff.RESET),
        lambda: peers.update(BANNED, PeerType.OUTBOUND, Backoff.RESET),
    ):
        with pytest.raises(RefusedError, match=rf"203\.0\.113\.0/24 is banned until {NOW + 60}"):
            refused()
    assert peers.ensure_exists_many([BANNED, "203.0.114.2:1"]) == 1
    peers.store_many([Record(BANNED, 0, 0, PeerType.PREFERRED)])
    assert BANNED not in peers
    assert peers.get_stats().refused_peers == 7
    clock.now = NOW + 59
    assert peers.is_banned("203.0.113.255:1")
    clock.now = NOW + 60
    assert not peers.is_banned("203.0.113.255:1")
    assert peers.get_stats().bans == 0
    assert peers.bans() == []
    peers.store(Record(BANNED, 0, 0, PeerType.PREFERRED))


def test_a_ban_is_moved_and_ended(peers: PeerManager, clock: FakeClock) -> None:
    assert peers.ban("example.org", NOW + 1) == 0
    assert peers.ban("Example.ORG.", None) == 0
    clock.now = 2**63 - 2
    assert peers.is_banned("example.org:1")
    assert not peers.is_banned("a.example.org:1")
    assert peers.bans() == [Ban("example.org", None)]
    peers.unban("EXAMPLE.org")
    assert not peers.is_banned("example.org:1")
    with pytest.raises(NotFoundError, match=r"^example\.org is not banned$") as caught:
        peers.unban("example.org")
    assert isinstance(caught.value, KeyError)


def test_a_host_stays_refused_as_long_as_one_ban_lasts(peers: PeerManager, clock: FakeClock) -> None:
    peers.ban("203.0.113.0/24", NOW + 2)
    peers.ban("203.0.113.7", NOW + 1)
    peers.unban("203.0.113.7")
    assert peers.is_banned(BANNED)
    peers.ban("203.0.113.7", NOW + 3)
    clock.now = NOW + 2
    assert peers.is_banned(BANNED)
    assert not peers.is_banned("203.0.113.8:9")


@pytest.mark.parametrize(
    ("subject", "canonical", "within", "beyond"),
    [
        (ip_address("203.0.113.7"), "203.0.113.7", "[2002:cb00:7107::1]:5", "203.0.113.6:5"),
        (ip_address("2001:db8::1"), "2001:db8::1", "[2001:db8:0::1]:5", "[2001:db8::2]:5"),
        (ip_network("203.0.113.0/24"), "203.0.113.0/24", "203.0.113.255:5", "203.0.114.0:5"),
        (ip_network("2001:db8::/32"), "2001:db8::/32", "[2001:db8:ffff::]:5", "[2001:db9::]:5"),
        (ip_network("0.0.0.0/0"), "0.0.0.0/0", "255.255.255.255:5", "[2001:db8::2]:5"),
        ("203.0.113.7/32", "203.0.113.7", "203.0.113.7:5", "203.0.113.6:5"),
        ("2001:DB8::/33", "2001:db8::/33", "[2001:db8::]:5", "[2001:db8:8000::]:5"),
    ],
)
def test_subjects_are_hosts_and_networks(
    peers: PeerManager, subject: Subject, canonical: str, within: str, beyond: str
) -> None:
    assert peers.ban(subject, NOW + 5) == 0
    assert peers.bans() == [Ban(canonical, NOW + 5)]
    assert peers.is_banned(within)
    assert not peers.is_banned(beyond)
    peers.unban(subject)
    assert peers.bans() == []


def test_bans_are_listed_in_order_and_as_they_are_now(peers: PeerManager, clock: FakeClock) -> None:
    assert peers.bans() == []
    longest = ".".join(["a" * 62] * 4)
    for subject in (longest, "2001:db8::/32", "203.0.113.0/24", "198.51.100.1"):
        peers.ban(subject, NOW + len(subject))
    expected = [
        Ban(subject, NOW + len(subject)) for subject in ("198.51.100.1", "203.0.113.0/24", "2001:db8::/32", longest)
    ]
    assert peers.bans() == expected
    assert peers.get_stats().bans == 4
    clock.now = NOW + 13
    assert peers.bans() == [expected[1], expected[3]]


def test_many_bans_are_listed_whole(peers: PeerManager) -> None:
    subjects = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(3000)]
    for subject in subjects:
        peers.ban(subject, None)
    assert [ban.subject for ban in peers.bans()] == subjects


@pytest.mark.parametrize(
    "until", [NOW + 7, NOW + 7.9, datetime.fromtimestamp(NOW + 7, UTC), datetime.fromtimestamp(NOW + 7.9, UTC)]
)
def test_the_end_may_be_of_several_types(peers: PeerManager, until: Any) -> None:
    peers.ban("203.0.113.7", until)
    assert peers.bans() == [Ban("203.0.113.7", NOW + 7)]


@pytest.mark.parametrize("until", [NOW, 0, -(2**63)])
def test_a_ban_ends_later_than_now(peers: PeerManager, until: int) -> None:
    with pytest.raises(InvalidArgumentError, match="give a later time"):
        peers.ban("203.0.113.7", until)
    assert peers.bans() == []


@pytest.mark.parametrize(
    "wrong",
    ["", "what?", "1.2.3", "1.2.3.4:5", "[2001:db8::1]", "1.2.3.4/33", "::/129", "1.2.3.4/", "a/8", "1.2.3.4/-1"],
)
def test_what_is_neither_a_host_nor_a_prefix_is_refused(peers: PeerManager, wrong: str) -> None:
    for call in (lambda: peers.ban(wrong, None), lambda: peers.unban(wrong)):
        with pytest.raises(InvalidAddressError):
            call()
    assert peers.bans() == []


@pytest.mark.parametrize("wrong", [None, 5, b"1.2.3.4", [], BANNED, ("1.2.3.4", 5)])
def test_a_subject_is_text_or_of_ipaddress(peers: PeerManager, wrong: Any) -> None:
    for call in (lambda: peers.ban(wrong, None), lambda: peers.unban(wrong)):
        with pytest.raises(TypeError, match="subject is "):
            call()


def test_a_subject_is_not_cut_off(peers: PeerManager) -> None:
    for wrong in ("1.2.3.4\0/8", "a\udc80b"):
        with pytest.raises(InvalidArgumentError, match="subject"):
            peers.ban(wrong, None)
    assert peers.bans() == []


def test_an_address_must_be_one_to_be_banned_or_not(peers: PeerManager) -> None:
    for wrong in ("203.0.113.7", "203.0.113.7:0", "what"):
        with pytest.raises(InvalidAddressError):
            peers.is_banned(wrong)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another node's file, which has the banned peer and a ban of its own."""
    path = tmp_path / "other.db"
    with PeerManager(path) as peers:
        peers.ensure_exists_many([BANNED, "example.org:1"])
        peers.ban("198.51.100.1", None)
    return path


@pytest.mark.parametrize("durability", Durability)
def test_bans_survive_a_restart_and_an_import(path: Path, other: Path, durability: Durability) -> None:
    with PeerManager(path, durability=durability) as peers:
        peers.ensure_exists_many([BANNED, "example.org:2"])
        assert peers.ban("203.0.113.0/24", None) == 1
    with PeerManager(path, durability=durability) as peers:
        assert peers.bans() == [Ban("203.0.113.0/24", None)]
        with pytest.raises(RefusedError, match="banned for good"):
            peers.ensure_exists(BANNED)
        assert peers.import_file(other) == 1
        assert peers.get_stats().refused_peers == 2
        assert peers.bans() == [Ban("203.0.113.0/24", None)]
        peers.unban("203.0.113.0/24")
    with PeerManager(path) as peers:
        assert peers.bans() == []
        assert peers.import_file(other) == 1


def test_an_import_asks_the_clock_who_is_banned(peers: PeerManager, other: Path, clock: FakeClock) -> None:
    peers.ban("203.0.113.7", NOW + 5)
    clock.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        peers.import_file(other)
    clock.failure = None
    clock.now = NOW + 5
    assert peers.import_file(other) == 2
