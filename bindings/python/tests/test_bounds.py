"""Bounds of the table, and how they and the choice that is shared protect a node."""

from collections.abc import Iterator

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    Backoff,
    InvalidArgumentError,
    LimitError,
    PeerManager,
    PeerType,
    Query,
    Record,
    TypeFilter,
)


def addresses(netgroup: str, count: int) -> Iterator[str]:
    """Public addresses of one netgroup."""
    return (f"{netgroup}.{i // 250}.{i % 250 + 1}:11625" for i in range(count))


def test_a_full_table_refuses_new_peers_until_a_peer_has_failed() -> None:
    with PeerManager(max_peers=2) as peers:
        assert peers.ensure_exists_many(["1.2.3.4:5", "5.6.7.8:5", "9.9.9.9:5"]) == 2
        with pytest.raises(LimitError):
            peers.ensure_exists("9.9.9.9:5")
        with pytest.raises(LimitError):
            peers.store(Record.new("9.9.9.9:5", NOW))
        assert peers.get_stats().refused_peers == 3
        peers.update_backoff("1.2.3.4:5", Backoff.INCREASE)
        peers.update_type("5.6.7.8:5", PeerType.PREFERRED)
        peers.ensure_exists("9.9.9.9:5")
        assert "1.2.3.4:5" not in peers
        assert len(peers) == 2


def test_a_netgroup_is_bounded_by_itself() -> None:
    with PeerManager(max_peers_per_netgroup=3) as peers:
        assert peers.ensure_exists_many([*addresses("1.2", 10), *addresses("1.3", 2)]) == 5
        with pytest.raises(LimitError):
            peers.ensure_exists("1.2.255.1:5")
        peers.ensure_exists("1.3.255.1:5")


@pytest.mark.parametrize(("most", "expected"), [(1, 2), (3, 4), (600, 501)])
def test_a_query_takes_no_more_of_a_netgroup_than_it_says(peers: PeerManager, most: int, expected: int) -> None:
    peers.ensure_exists_many([*addresses("1.2", 500), "1.3.0.1:5"])
    drawn = peers.load_random_peers(1000, Query(type_filter=TypeFilter.ANY, max_per_netgroup=most))
    assert len(drawn) == expected
    assert "1.3.0.1:5" in map(str, drawn)


def test_everyone_is_told_the_same_until_the_choice_ends(clock: FakeClock) -> None:
    with PeerManager(rng_seed=1, clock=clock, share_cache_seconds=60, share_max_percent=10) as peers:
        peers.ensure_exists_many(addresses("8.8", 200))
        first = peers.get_peers_to_send(50, exclude="1.2.3.4:5")
        assert len(first) == 20
        clock.now = NOW + 59
        assert peers.get_peers_to_send(50, exclude="5.6.7.8:5") == first
        clock.now = NOW + 91
        assert peers.get_peers_to_send(50, exclude="1.2.3.4:5") != first


def test_more_than_all_cannot_be_shared() -> None:
    with pytest.raises(InvalidArgumentError, match="101"):
        PeerManager(share_max_percent=101)
