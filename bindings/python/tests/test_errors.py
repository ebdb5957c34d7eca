"""Every error class: what raises it, what else it is, and what it carries."""

import errno
import pickle
from pathlib import Path

import pytest
from conftest import Locker, sqlite

import peer_manager
from peer_manager import (
    BusyError,
    CorruptError,
    DatabaseError,
    DiskFullError,
    InternalError,
    InvalidAddressError,
    InvalidArgumentError,
    LimitError,
    NoMemoryError,
    NotFoundError,
    PeerManager,
    PeerManagerError,
    Status,
    UnsupportedError,
)
from peer_manager.errors import make_error

SQLITE_FULL, SQLITE_NOTADB, SQLITE_CONSTRAINT_UNIQUE = 13, 26, 2067


def assert_well_formed(error: PeerManagerError, status: Status, sqlite_code: int = 0) -> None:
    assert error.status == status
    assert error.sqlite_code & 0xFF == sqlite_code & 0xFF
    assert str(error)
    assert "\n" not in str(error)


def test_invalid_argument() -> None:
    for path in ("", ":memory:"):
        with pytest.raises(InvalidArgumentError) as caught:
            PeerManager(path)
        assert_well_formed(caught.value, Status.INVALID_ARGUMENT)
        assert isinstance(caught.value, ValueError)


def test_invalid_address(peers: PeerManager) -> None:
    with pytest.raises(InvalidAddressError) as caught:
        peers.ensure_exists("nonsense")
    assert_well_formed(caught.value, Status.INVALID_ADDRESS)
    assert isinstance(caught.value, ValueError)


def test_not_found(peers: PeerManager) -> None:
    with pytest.raises(NotFoundError) as caught:
        peers.load("1.2.3.4:5")
    assert_well_formed(caught.value, Status.NOT_FOUND)
    assert isinstance(caught.value, KeyError)


def test_database(path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        PeerManager(path / "no" / "directory")
    assert_well_formed(caught.value, Status.DATABASE, 14)
    assert isinstance(caught.value, OSError)


def test_a_write_that_the_database_refuses_changes_nothing(path: Path) -> None:
    PeerManager(path).close()
    sqlite(path, "CREATE UNIQUE INDEX one_of_a_port ON peers (port)")
    with PeerManager(path) as peers:
        peers.ensure_exists("1.2.3.4:5")
        with pytest.raises(DatabaseError, match="UNIQUE") as caught:
            peers.ensure_exists("6.7.8.9:5")
        assert caught.value.sqlite_code == SQLITE_CONSTRAINT_UNIQUE
        assert len(peers) == 1
        assert peers.get_stats().failed_writes == 1


def test_corrupt(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(CorruptError) as caught:
        PeerManager(path)
    assert_well_formed(caught.value, Status.CORRUPT, SQLITE_NOTADB)
    assert path.read_bytes() == b"this is no database" * 1000


def test_a_file_that_is_open_elsewhere_is_busy(path: Path) -> None:
    with PeerManager(path):
        with pytest.raises(BusyError) as caught:
            PeerManager(path, busy_timeout_ms=50)
        assert_well_formed(caught.value, Status.BUSY, 0)
        assert isinstance(caught.value, TimeoutError)


def test_a_locked_database_is_busy_until_it_is_not(path: Path) -> None:
    with PeerManager(path, busy_timeout_ms=50) as peers:
        with Locker(path):
            with pytest.raises(BusyError) as caught:
                peers.ensure_exists("1.2.3.4:5")
            assert_well_formed(caught.value, Status.BUSY, 5)
            assert len(peers) == 0
        peers.ensure_exists("1.2.3.4:5")
        assert len(peers) == 1


def test_disk_full_is_an_error_of_the_system() -> None:
    """Made by hand: no disk is filled here."""
    error = make_error(Status.DISK_FULL, SQLITE_FULL, "text")
    assert type(error) is DiskFullError
    assert_well_formed(error, Status.DISK_FULL, SQLITE_FULL)
    assert isinstance(error, OSError)
    assert error.errno == errno.ENOSPC


def test_limit() -> None:
    with PeerManager(max_peers=1) as peers:
        peers.ensure_exists("1.2.3.4:5")
        with pytest.raises(LimitError, match=r"1\.2\.3\.4:6") as caught:
            peers.ensure_exists("1.2.3.4:6")
        assert_well_formed(caught.value, Status.LIMIT)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.UNSUPPORTED, UnsupportedError),
        (Status.INTERNAL, InternalError),
        (Status.NO_MEMORY, NoMemoryError),
    ],
)
def test_statuses_that_this_library_never_returns_to_us(status: Status, kind: type[PeerManagerError]) -> None:
    error = make_error(status, 0, "text")
    assert type(error) is kind
    assert_well_formed(error, status)


def test_no_memory_is_a_memory_error() -> None:
    assert isinstance(make_error(Status.NO_MEMORY, 0, "text"), MemoryError)


def test_a_status_of_a_newer_library_is_an_error_all_the_same() -> None:
    error = make_error(99, 7, "text")
    assert type(error) is PeerManagerError
    assert (error.status, error.sqlite_code, str(error)) == (99, 7, "text")


def test_each_status_has_its_class_and_each_class_is_exported() -> None:
    for status in list(Status)[1:]:
        error = make_error(status, 3, "what failed")
        assert error.status == status
        assert type(error).__name__ in peer_manager.__all__
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.status, copy.sqlite_code, str(copy)) == (type(error), status, 3, "what failed")
