"""When peers were heard of, reached and tried."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    MAX_FAILURES,
    Address,
    Backoff,
    Durability,
    History,
    InvalidArgumentError,
    LimitError,
    NotFoundError,
    PeerManager,
    PeerType,
    Query,
    Record,
    TypeFilter,
    UnsupportedError,
)

DAY = 24 * 60 * 60
A, B, C = (Address("192.0.2.1", port) for port in (1, 2, 3))
NOTHING = History(None, None, None, None, None)


@pytest.fixture
def kept(clock: FakeClock) -> Any:
    """A manager in memory that keeps histories."""
    with PeerManager(rng_seed=1, clock=clock, keep_history=True) as manager:
        yield manager


def test_a_history_follows_what_happens(kept: PeerManager, clock: FakeClock) -> None:
    kept.ensure_exists(A)
    assert kept.load_history("192.0.2.1:1") == History(NOW, NOW, None, None, None)
    clock.now = NOW + 5
    kept.update_backoff(A, Backoff.INCREASE)
    assert kept.load_history(A) == History(NOW, NOW, None, None, NOW + 5)
    clock.now = NOW + 7
    kept.update(A, PeerType.OUTBOUND, Backoff.RESET)
    clock.now = NOW + 9
    kept.update_backoff(A, Backoff.HARD_RESET)
    assert kept.load_history(A) == History(NOW, NOW, NOW + 7, NOW + 9, NOW + 5)
    kept.remove(A)
    with pytest.raises(NotFoundError):
        kept.load_history(A)


def test_gossip_is_noted_to_the_day(kept: PeerManager, clock: FakeClock) -> None:
    kept.ensure_exists_many([A, B])
    clock.now = NOW + DAY - 1
    kept.ensure_exists_many([A, B])
    assert kept.load_history(A).last_heard == NOW
    clock.now = NOW + DAY
    kept.ensure_exists_many([A])
    assert kept.load_history(A) == History(NOW, NOW + DAY, None, None, None)
    assert kept.load_history(B).last_heard == NOW


def test_a_record_that_is_stored_is_heard_of(kept: PeerManager, clock: FakeClock) -> None:
    """So storing asks the clock, too."""
    clock.now = NOW + 3
    kept.store(Record(A, 0, 0, PeerType.OUTBOUND))
    clock.now = NOW + 4
    kept.store_many([Record(B, 0, 0, PeerType.INBOUND)])
    assert kept.load_history(A).first_heard == NOW + 3
    assert kept.load_history(B).first_heard == NOW + 4


def test_without_the_option_there_are_no_histories(peers: PeerManager) -> None:
    peers.ensure_exists(A)
    with peers.get_all_peers() as snapshot:
        for call in (
            lambda: peers.load_history(A),
            lambda: peers.load_history(B),
            lambda: peers.remove_peers_not_heard_since(NOW),
            lambda: snapshot.history(0),
        ):
            with pytest.raises(UnsupportedError, match="keep_history"):
                call()
    for query in (Query(heard_since=1), Query(reached_since=1)):
        with pytest.raises(InvalidArgumentError, match="keep_history"):
            peers.load_random_peers(1, query)
        with pytest.raises(InvalidArgumentError, match="keep_history"):
            peers.get_peers_to_send(1, query=query)
    assert peers.load_random_peers(1, Query(type_filter=TypeFilter.ANY, heard_since=None, reached_since=0)) == [A]


def test_who_is_no_longer_heard_of_is_removed(kept: PeerManager, clock: FakeClock) -> None:
    for hour, address in enumerate((A, B, C)):
        clock.now = NOW + 3600 * hour
        kept.ensure_exists(address)
    kept.update_backoff(B, Backoff.RESET)
    assert kept.remove_peers_not_heard_since(NOW) == 0
    assert kept.remove_peers_not_heard_since(NOW + 3600.5) == 1
    assert kept.remove_peers_not_heard_since(datetime.fromtimestamp(NOW + 7200, UTC)) == 0
    assert A not in kept
    assert kept.remove_peers_not_heard_since(2**63 - 1) == 1
    assert [record.address for record in kept] == [B]


def test_queries_ask_for_the_past(kept: PeerManager, clock: FakeClock) -> None:
    for hour, address in enumerate((A, B, C)):
        clock.now = NOW + 3600 * hour
        kept.ensure_exists(address)
    clock.now = NOW + 10_000
    kept.update_backoff(A, Backoff.HARD_RESET)

    def drawn(**since: Any) -> set[Address]:
        query = Query(type_filter=TypeFilter.ANY, **since)
        chosen = set(kept.load_random_peers(9, query))
        told = set(kept.get_peers_to_send(9, query=query))
        assert told == chosen
        return chosen

    assert drawn() == {A, B, C}
    assert drawn(heard_since=NOW + 3601) == {A, C}
    assert drawn(heard_since=datetime.fromtimestamp(NOW + 7200, UTC)) == {A, C}
    assert drawn(heard_since=NOW + 7200.9) == {A, C}
    assert drawn(heard_since=NOW + 7201) == {A}
    assert drawn(reached_since=1) == {A}
    assert drawn(reached_since=NOW + 10_000) == {A}
    assert drawn(reached_since=NOW + 10_001) == set()
    assert drawn(heard_since=-(2**63), reached_since=NOW) == {A}


def test_sharing_keeps_to_who_was_heard_of_lately(clock: FakeClock) -> None:
    with PeerManager(rng_seed=1, clock=clock, keep_history=True) as peers:
        peers.ensure_exists("8.8.8.8:1")
        clock.now = NOW + 5
        peers.ensure_exists("8.8.8.8:2")
        query = Query(type_filter=TypeFilter.ANY, heard_since=NOW + 5)
        assert [address.port for address in peers.get_peers_to_send(9, query=query)] == [2]


def test_a_snapshot_has_the_histories_of_its_moment(kept: PeerManager, clock: FakeClock) -> None:
    kept.ensure_exists_many([A, B])
    clock.now = NOW + 1
    kept.update_backoff(B, Backoff.RESET)
    snapshot = kept.get_all_peers()
    clock.now = NOW + 2
    kept.update_backoff(A, Backoff.RESET)
    kept.clear_all()
    histories = {record.address: snapshot.history(i) for i, record in enumerate(snapshot)}
    assert histories == {A: History(NOW, NOW, None, None, None), B: History(NOW, NOW, NOW + 1, NOW + 1, None)}
    assert snapshot.history(-1) == histories[snapshot[-1].address]
    for index in (2, -3):
        with pytest.raises(IndexError, match="the snapshot has 2 peers"):
            snapshot.history(index)
    wrong: Any
    for wrong in ("0", None, 0.0, slice(0, 1)):
        with pytest.raises(TypeError, match="index is "):
            snapshot.history(wrong)


@pytest.mark.parametrize("durability", Durability)
def test_histories_survive_a_restart_and_an_import(path: Path, clock: FakeClock, durability: Durability) -> None:
    with PeerManager(path, durability=durability, clock=clock, keep_history=True) as peers:
        peers.ensure_exists(A)
        clock.now = NOW + 5
        peers.update(A, PeerType.OUTBOUND, Backoff.RESET)
    with PeerManager(path, clock=clock, keep_history=True) as peers:
        assert peers.load_history(A) == History(NOW, NOW, NOW + 5, NOW + 5, None)
        with PeerManager(clock=clock, keep_history=True) as importer:
            assert importer.import_file(path) == 1
            assert importer.load_history(A) == peers.load_history(A)


def test_who_was_there_before_begins_with_nothing(path: Path, clock: FakeClock) -> None:
    with PeerManager(path, clock=clock) as peers:
        peers.ensure_exists(A)
    with PeerManager(path, clock=clock, keep_history=True) as peers:
        assert peers.load_history(A) == NOTHING
        assert peers.remove_peers_not_heard_since(2**63 - 1) == 0
        clock.now = NOW + 1
        peers.update_backoff(A, Backoff.INCREASE)
        assert peers.load_history(A).last_attempt == NOW + 1


def test_the_dead_give_their_places_to_new_peers(clock: FakeClock) -> None:
    with PeerManager(clock=clock, keep_history=True, max_peers=1) as peers:
        peers.update(A, PeerType.OUTBOUND, Backoff.RESET)
        for _ in range(MAX_FAILURES):
            peers.update_backoff(A, Backoff.INCREASE)
        with pytest.raises(LimitError):
            peers.ensure_exists(B)
        clock.now = NOW + 31 * DAY
        peers.ensure_exists(B)
        assert [record.address for record in peers] == [B]
