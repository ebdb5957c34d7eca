"""Arguments that cannot be right, and what is closed: ordinary exceptions, and nothing is changed."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peer_manager import (
    Address,
    Backoff,
    ClosedError,
    InvalidAddressError,
    InvalidArgumentError,
    PeerManager,
    PeerType,
    Purpose,
    Query,
    Record,
    TypeFilter,
)

A = Address("1.2.3.4", 5)
RECORD = Record(A, 0, 0, PeerType.INBOUND)
ANY = Query(type_filter=TypeFilter.ANY)

CALLS: dict[str, Callable[[PeerManager], object]] = {
    "ensure_exists": lambda peers: peers.ensure_exists(A),
    "ensure_exists_many": lambda peers: peers.ensure_exists_many([A]),
    "load": lambda peers: peers.load(A),
    "store": lambda peers: peers.store(RECORD),
    "store_many": lambda peers: peers.store_many([RECORD]),
    "update_type": lambda peers: peers.update_type(A, PeerType.OUTBOUND),
    "update_backoff": lambda peers: peers.update_backoff(A, Backoff.RESET),
    "update": lambda peers: peers.update(A, PeerType.OUTBOUND, Backoff.RESET),
    "import_file": lambda peers: peers.import_file("peers.db"),
    "remove": lambda peers: peers.remove(A),
    "remove_peers_with_many_failures": lambda peers: peers.remove_peers_with_many_failures(0),
    "limit_next_attempt": lambda peers: peers.limit_next_attempt(0),
    "remove_peers_not_heard_since": lambda peers: peers.remove_peers_not_heard_since(0),
    "load_history": lambda peers: peers.load_history(A),
    "remove_host": lambda peers: peers.remove_host("1.2.3.4"),
    "set_data": lambda peers: peers.set_data(A, b"id"),
    "get_data": lambda peers: peers.get_data(A),
    "ban": lambda peers: peers.ban("1.2.3.4", None),
    "unban": lambda peers: peers.unban("1.2.3.4"),
    "is_banned": lambda peers: peers.is_banned(A),
    "bans": lambda peers: peers.bans(),
    "set_online": lambda peers: peers.set_online(True),
    "set_own_addresses": lambda peers: peers.set_own_addresses([]),
    "clear_all": lambda peers: peers.clear_all(),
    "flush": lambda peers: peers.flush(),
    "load_random_peers": lambda peers: peers.load_random_peers(1),
    "get_peers_to_send": lambda peers: peers.get_peers_to_send(1),
    "next_to_dial": lambda peers: peers.next_to_dial(Purpose.CONNECT, 1),
    "next_due": lambda peers: peers.next_due(),
    "peer_count": lambda peers: peers.peer_count(),
    "get_all_peers": lambda peers: peers.get_all_peers(),
    "get_stats": lambda peers: peers.get_stats(),
    "get_quarantine": lambda peers: peers.get_quarantine(),
    "netgroup": lambda peers: peers.netgroup(A),
    "len": len,
    "in": lambda peers: A in peers,
    "iter": list,
}


def test_every_method_is_among_the_calls() -> None:
    methods = {name for name in dir(PeerManager) if not name.startswith("_")}
    assert methods == set(CALLS) - {"len", "in", "iter"} | {"close", "closed", "new_in_memory", "new_with_db"}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_can_be_done_with_a_closed_manager(name: str) -> None:
    peers = PeerManager()
    peers.close()
    peers.close()
    assert peers.closed
    with pytest.raises(ClosedError, match="it is closed"):
        CALLS[name](peers)


def test_nothing_can_be_read_from_a_closed_snapshot(peers: PeerManager) -> None:
    peers.store(RECORD)
    with peers.get_all_peers() as snapshot:
        pass
    snapshot.close()
    assert len(snapshot) == 1
    assert "closed" in repr(snapshot)
    for read in (
        lambda: snapshot[0],
        lambda: list(snapshot),
        lambda: RECORD in snapshot,
        lambda: snapshot.history(0),
        lambda: snapshot.data(0),
    ):
        with pytest.raises(ClosedError):
            read()


def test_a_manager_that_could_not_be_opened_is_harmless(path: Path) -> None:
    peers = PeerManager.__new__(PeerManager)
    with pytest.raises(AttributeError):
        peers.flush()
    with pytest.raises(InvalidArgumentError):
        peers.__init__(path="")  # type: ignore[misc]
    peers.__init__(path)  # type: ignore[misc]
    with peers:
        assert len(peers) == 0


@pytest.mark.parametrize("wrong", [None, 5, 1.5, b"1.2.3.4:5", ("1.2.3.4", 5), [], object(), RECORD, Address])
def test_an_address_is_an_address(peers: PeerManager, wrong: Any) -> None:
    for call in (
        peers.ensure_exists,
        peers.load,
        peers.remove,
        peers.netgroup,
        peers.load_history,
        peers.is_banned,
        peers.get_data,
        lambda address: peers.set_data(address, b"id"),
        lambda address: peers.ensure_exists_many([address]),
        lambda address: peers.update_type(address, PeerType.INBOUND),
        lambda address: peers.update_backoff(address, Backoff.RESET),
        lambda address: peers.update(address, PeerType.INBOUND, Backoff.RESET),
        lambda address: peers.load_random_peers(1, Query(exclude=[address])),
        lambda address: Record.new(address, 0),
        lambda address: peers.store(Record(address, 0, 0, PeerType.INBOUND)),
    ):
        with pytest.raises(TypeError, match="address is "):
            call(wrong)
    assert len(peers) == 0


@pytest.mark.parametrize("wrong", ["1.2.3.4:5", b"1.2.3.4:5", None, 5])
def test_a_list_of_addresses_is_a_list(peers: PeerManager, wrong: Any) -> None:
    for call in (peers.ensure_exists_many, lambda exclude: peers.load_random_peers(1, Query(exclude=exclude))):
        with pytest.raises(TypeError):
            call(wrong)


def test_one_bad_element_of_many_changes_nothing(peers: PeerManager) -> None:
    with pytest.raises(InvalidAddressError):
        peers.ensure_exists_many(["1.2.3.4:5", "nonsense"])
    wrong_type: Any = 7
    with pytest.raises(InvalidArgumentError, match=r"records\[1\]"):
        peers.store_many([RECORD, Record(A, 0, 0, wrong_type)])
    assert len(peers) == 0


@pytest.mark.parametrize("wrong", [None, A, "1.2.3.4:5", 5])
def test_records_and_queries_are_such(peers: PeerManager, wrong: Any) -> None:
    with pytest.raises(TypeError, match="record is "):
        peers.store(wrong)
    with pytest.raises(TypeError, match="record is "):
        peers.store_many([wrong])
    if wrong is not None:
        with pytest.raises(TypeError, match="query is "):
            peers.load_random_peers(1, wrong)
        with pytest.raises(TypeError, match="query is "):
            peers.get_peers_to_send(1, query=wrong)


NUMBERS: dict[str, Callable[[PeerManager, Any], object]] = {
    "next_attempt": lambda peers, n: peers.store(Record(A, n, 0, PeerType.INBOUND)),
    "num_failures": lambda peers, n: peers.store(Record(A, 0, n, PeerType.INBOUND)),
    "peer_type": lambda peers, n: peers.store(Record(A, 0, 0, n)),
    "observed_type": lambda peers, n: peers.update_type(A, n),
    "backoff": lambda peers, n: peers.update_backoff(A, n),
    "min_num_failures": lambda peers, n: peers.remove_peers_with_many_failures(n),
    "latest": lambda peers, n: peers.limit_next_attempt(n),
    "size": lambda peers, n: peers.load_random_peers(n),
    "type_filter": lambda peers, n: peers.load_random_peers(1, Query(type_filter=n)),
    "max_num_failures": lambda peers, n: peers.load_random_peers(1, Query(max_num_failures=n)),
    "seniority": lambda peers, n: peers.load_random_peers(1, Query(seniority=n)),
    "networks": lambda peers, n: peers.load_random_peers(1, Query(networks=n)),
    "heard_since": lambda peers, n: peers.load_random_peers(1, Query(heard_since=n)),
    "reached_since": lambda peers, n: peers.load_random_peers(1, Query(reached_since=n)),
    "until": lambda peers, n: peers.ban("9.9.9.9", n),
    "since": lambda peers, n: peers.remove_peers_not_heard_since(n),
    "share_key": lambda peers, n: peers.get_peers_to_send(1, query=Query(share_key=n)),
    "purpose": lambda peers, n: peers.next_to_dial(n, 1),
    "max_per_netgroup": lambda peers, n: peers.load_random_peers(1, Query(max_per_netgroup=n)),
    "busy_timeout_ms": lambda _, n: PeerManager(busy_timeout_ms=n),
    "flush_interval_ms": lambda _, n: PeerManager(flush_interval_ms=n),
    "durability": lambda _, n: PeerManager(durability=n),
    "on_corrupt": lambda _, n: PeerManager(on_corrupt=n),
    "rng_seed": lambda _, n: PeerManager(rng_seed=n),
    "max_peers": lambda _, n: PeerManager(max_peers=n),
    "max_peers_per_netgroup": lambda _, n: PeerManager(max_peers_per_netgroup=n),
    "share_cache_seconds": lambda _, n: PeerManager(share_cache_seconds=n),
    "share_max_percent": lambda _, n: PeerManager(share_max_percent=n),
    "reach": lambda _, n: PeerManager(reach=n),
    "backoff_seconds": lambda _, n: PeerManager(backoff_seconds=n),
    "max_backoff_exponent": lambda _, n: PeerManager(max_backoff_exponent=n),
    "now": lambda _, n: Record.new(A, n),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_not_cut_off(peers: PeerManager, name: str) -> None:
    signed = name in ("latest", "next_attempt", "now", "until", "since", "heard_since", "reached_since")
    for wrong in (2**64, 10**400, -(2**63) - 1, -(10**400)) + (() if signed else (-1,)):
        with pytest.raises(InvalidArgumentError, match=f"{name} is out of range"):
            NUMBERS[name](peers, wrong)
    for strange in ("1", [], object()):
        with pytest.raises(TypeError, match=f"{name} is "):
            NUMBERS[name](peers, strange)
    assert len(peers) == 0
    assert peers.bans() == []


@pytest.mark.parametrize(
    "name",
    [
        "peer_type",
        "observed_type",
        "backoff",
        "type_filter",
        "networks",
        "purpose",
        "durability",
        "on_corrupt",
        "reach",
    ],
)
def test_unknown_enumerators_are_refused_by_the_library(peers: PeerManager, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="99"):
        NUMBERS[name](peers, 99)


def test_a_huge_size_needs_no_huge_memory(peers: PeerManager) -> None:
    peers.store(RECORD)
    assert peers.load_random_peers(2**64 - 1, ANY) == [A]
    assert peers.get_peers_to_send(2**64 - 1) == [A]


@pytest.mark.parametrize("wrong", ["peers.db\0.txt", b"peers.db\0", "a\udc80b"])
def test_paths_are_not_cut_off(peers: PeerManager, tmp_path: Path, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for call in (PeerManager, PeerManager.new_with_db, peers.import_file):
        with pytest.raises(InvalidArgumentError):
            call(wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [5, 1.5, [], object()])
def test_a_path_is_a_path(peers: PeerManager, wrong: Any) -> None:
    for call in (PeerManager, PeerManager.new_with_db, peers.import_file):
        with pytest.raises(TypeError):
            call(wrong)


def test_handles_are_neither_copied_nor_pickled(peers: PeerManager) -> None:
    for thing in (peers, peers.get_all_peers()):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                duplicate(thing)


def test_a_missing_library_is_an_import_error(tmp_path: Path) -> None:
    """The package alone, as it is in the repository: without its extension module."""
    package = Path(__file__).parents[1] / "peer_manager"
    (tmp_path / "peer_manager").symlink_to(package)
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", "import peer_manager"]
    ran = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert "ImportError: cannot load the extension module of peer_manager" in ran.stderr
