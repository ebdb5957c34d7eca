"""What a manager does, each function at least once."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import NOW, FakeClock, sqlite

from peer_manager import (
    Address,
    Backoff,
    Durability,
    NotFoundError,
    OnCorrupt,
    PeerManager,
    PeerType,
    Query,
    Record,
    TypeFilter,
)

A, B, C = (Address(f"1.2.3.{i}", 11625) for i in (1, 2, 3))
EVERYONE = Query(type_filter=TypeFilter.ANY, use_next_attempt=False, max_num_failures=None)


def test_an_address_that_is_heard_of_is_inbound_and_ready(peers: PeerManager) -> None:
    peers.ensure_exists(A)
    peers.ensure_exists("1.2.3.1:11625")
    assert peers.load("1.2.3.1:11625") == Record(A, NOW, 0, PeerType.INBOUND) == Record.new(A, NOW)
    assert len(peers) == peers.peer_count() == 1
    assert A in peers
    assert B not in peers


def test_a_manager_is_true_with_and_without_peers(peers: PeerManager) -> None:
    assert peers
    assert len(peers) == 0
    peers.ensure_exists(A)
    assert peers
    peers.close()
    assert peers


def test_many_addresses_are_one_change(peers: PeerManager) -> None:
    assert peers.ensure_exists_many(address for address in (A, B, "1.2.3.1:11625")) == 2
    assert peers.ensure_exists_many([]) == 0
    assert {record.address for record in peers} == {A, B}


def test_records_are_stored_as_they_are(peers: PeerManager) -> None:
    one = Record(A, -(2**63), 2**32 - 1, PeerType.PREFERRED)
    two = Record(B, 2**63 - 1, 0, PeerType.OUTBOUND)
    peers.store(one)
    peers.store_many(record for record in (two, Record(C, 0, 0, PeerType.INBOUND), two))
    peers.store_many([])
    assert peers.load(A) == one
    assert peers.load(B) == two
    with pytest.raises(OverflowError):
        _ = two.next_attempt_at


def test_types_follow_what_is_seen(peers: PeerManager) -> None:
    peers.update_type(A, PeerType.PREFERRED)
    peers.update_type(A, PeerType.OUTBOUND)
    assert peers.load(A).peer_type is PeerType.PREFERRED
    peers.update_type(A, PeerType.OUTBOUND, preferred_type_known=True)
    assert peers.load(A).peer_type is PeerType.OUTBOUND


def test_back_off_follows_attempts(peers: PeerManager) -> None:
    for n in range(1, 4):
        peers.update_backoff(A, Backoff.INCREASE)
        record = peers.load(A)
        assert record.num_failures == n
        assert NOW < record.next_attempt <= NOW + 10 * 2**n
    peers.update(A, PeerType.OUTBOUND, Backoff.RESET)
    record = peers.load(A)
    assert (record.num_failures, record.peer_type) == (0, PeerType.OUTBOUND)
    peers.update(A, PeerType.PREFERRED, Backoff.HARD_RESET, preferred_type_known=True)
    assert peers.load(A) == Record(A, NOW, 0, PeerType.PREFERRED)


def test_peers_are_forgotten(peers: PeerManager) -> None:
    peers.store_many(Record(Address("1.2.3.4", port), 0, port, PeerType.INBOUND) for port in range(1, 21))
    peers.remove("1.2.3.4:1")
    assert "1.2.3.4:1" not in peers
    assert peers.remove_peers_with_many_failures(10) == 11
    assert len(peers) == 8
    peers.clear_all()
    assert len(peers) == 0


def test_no_peer_waits_beyond_the_limit(peers: PeerManager) -> None:
    peers.store_many(Record(Address("1.2.3.4", port), NOW + port, port, PeerType.OUTBOUND) for port in range(1, 11))
    assert peers.limit_next_attempt(NOW + 7) == 3
    assert peers.limit_next_attempt(NOW + 7.9) == 0
    assert peers.limit_next_attempt(datetime.fromtimestamp(NOW + 6, UTC)) == 4
    assert sorted(peer.next_attempt - NOW for peer in peers) == [1, 2, 3, 4, 5, 6, 6, 6, 6, 6]
    assert sorted(peer.num_failures for peer in peers) == list(range(1, 11))
    assert peers.limit_next_attempt(-(2**63)) == 10


def test_random_peers_are_those_that_the_query_admits(peers: PeerManager) -> None:
    assert peers.load_random_peers(5, EVERYONE) == []
    peers.store_many(
        [
            Record(A, NOW, 0, PeerType.INBOUND),
            Record(B, NOW, 120, PeerType.OUTBOUND),
            Record(C, NOW + 60, 121, PeerType.PREFERRED),
        ]
    )
    assert set(peers.load_random_peers(5, EVERYONE)) == {A, B, C}
    assert len(peers.load_random_peers(2, EVERYONE)) == 2
    assert peers.load_random_peers(0, EVERYONE) == []
    assert peers.load_random_peers(5) == [B]
    assert peers.load_random_peers(5, Query(type_filter=TypeFilter.INBOUND_ONLY)) == [A]
    assert peers.load_random_peers(5, Query(max_num_failures=119)) == []
    assert peers.load_random_peers(5, Query(use_next_attempt=False, max_num_failures=121, exclude={B})) == [C]
    assert peers.load_random_peers(5, Query(exclude=["1.2.3.2:11625"])) == []


def test_what_is_due_follows_the_clock(peers: PeerManager, clock: FakeClock) -> None:
    peers.store(Record(A, NOW + 60, 0, PeerType.OUTBOUND))
    assert peers.load_random_peers(1) == []
    clock.now += 60
    assert peers.load_random_peers(1) == [A]


def test_sharing_tells_nothing_private_and_not_the_asker(peers: PeerManager) -> None:
    private = Address("10.0.0.1", 1)
    peers.ensure_exists_many([A, B, private])
    peers.update_type(C, PeerType.PREFERRED)
    assert peers.get_peers_to_send(9)[0] == C
    assert set(peers.get_peers_to_send(9)) == {A, B, C}
    assert set(peers.get_peers_to_send(9, exclude="1.2.3.3:11625")) == {A, B}
    assert peers.get_peers_to_send(9, exclude=A, query=Query()) == [C]
    assert len(peers.get_peers_to_send(2)) == 2


def test_the_same_seed_draws_the_same() -> None:
    draws = []
    for seed in (7, 7, 8):
        with PeerManager(rng_seed=seed, clock=lambda: NOW) as peers:
            peers.ensure_exists_many(Address("1.2.3.4", port) for port in range(1, 101))
            draws.append(peers.load_random_peers(50, EVERYONE))
    assert draws[0] == draws[1] != draws[2]


def test_stats_count(peers: PeerManager) -> None:
    peers.ensure_exists_many([A, B, Address("2001:db8::1", 1)])
    peers.update_type(C, PeerType.OUTBOUND)
    stats = peers.get_stats()
    assert (stats.peers, stats.inbound, stats.outbound, stats.preferred) == (4, 3, 1, 0)
    assert (stats.ready, stats.netgroups, stats.durability) == (4, 2, Durability.COMMIT)
    assert (stats.log_bytes, stats.rejected_rows) == (0, 0)


def test_a_snapshot_is_a_sequence_that_outlives_its_manager() -> None:
    with PeerManager(clock=lambda: NOW) as peers:
        peers.ensure_exists_many([A, B, C])
        snapshot = peers.get_all_peers()
        peers.clear_all()
    assert len(snapshot) == 3
    assert sorted(str(record.address) for record in snapshot) == [str(A), str(B), str(C)]
    assert snapshot[-1] == snapshot[2] == snapshot[1:][1]
    assert Record.new(A, NOW) in snapshot
    assert list(reversed(snapshot)) == list(snapshot)[::-1]
    for index in (3, -4):
        with pytest.raises(IndexError):
            snapshot[index]


@pytest.mark.parametrize("durability", Durability)
def test_a_file_keeps_the_peers(path: Path, durability: Durability) -> None:
    with PeerManager(path, durability=durability, flush_interval_ms=10, busy_timeout_ms=100) as peers:
        peers.ensure_exists_many([A, B])
        peers.update(A, PeerType.OUTBOUND, Backoff.INCREASE)
        peers.flush()
        peers.remove(B)
        assert peers.get_stats().durability is durability
        before = set(peers)
    assert [file.name for file in path.parent.iterdir()] == ["peers.db"]
    with PeerManager.new_with_db(str(path)) as peers:
        assert set(peers) == before
        assert peers.get_quarantine() is None


def test_a_table_in_memory_needs_no_options() -> None:
    with PeerManager.new_in_memory() as peers:
        peers.ensure_exists(A)
        assert len(peers) == 1


def test_rows_that_are_no_peers_are_counted(path: Path) -> None:
    PeerManager(path).close()
    sqlite(path, "INSERT INTO peers VALUES ('NOT CANONICAL', 1, 0, 0, 0)")
    with PeerManager(path) as peers:
        assert (peers.get_stats().skipped_rows, len(peers)) == (1, 0)


def test_a_damaged_file_is_set_aside(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    with PeerManager(path, on_corrupt=OnCorrupt.QUARANTINE) as peers:
        peers.ensure_exists(A)
        quarantine = peers.get_quarantine()
    assert quarantine is not None
    assert quarantine.path.read_bytes().startswith(b"this is no database")
    assert quarantine.path.name.startswith("peers.db.damaged-")
    assert quarantine.saved == 0


def test_time_may_be_a_datetime() -> None:
    record = Record.new(A, datetime.fromtimestamp(NOW, timezone(timedelta(hours=5))))
    assert record.next_attempt == NOW
    assert record.next_attempt_at == datetime.fromtimestamp(NOW, UTC)
    assert record.is_ready(record.next_attempt_at)
    assert not record.is_ready(record.next_attempt_at - timedelta(microseconds=1))
    assert not record.is_ready(NOW - 1)
    assert record.is_ready(NOW + 0.5)


def test_unknown_peers_are_key_errors(peers: PeerManager) -> None:
    for call in (peers.load, peers.remove):
        with pytest.raises(NotFoundError, match=r"^no peer 1\.2\.3\.1:11625 in the table$"):
            call(A)
