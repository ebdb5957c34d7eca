"""Peers that come from another file."""

from pathlib import Path

import pytest
from conftest import NOW

from peer_manager import Address, CorruptError, DatabaseError, InvalidArgumentError, PeerManager, PeerType, Record

KNOWN = Record(Address("1.2.3.4", 5), NOW, 9, PeerType.INBOUND)
UNKNOWN = Record(Address("example.org", 6), 7, 3, PeerType.PREFERRED)


def test_new_peers_are_imported_from_another_file(peers: PeerManager, path: Path) -> None:
    with PeerManager(path) as theirs:
        theirs.store_many([KNOWN, UNKNOWN])
        peers.ensure_exists(KNOWN.address)
        assert peers.import_file(path) == 1
        assert peers.import_file(str(path)) == 0
        assert len(theirs) == 2
    assert peers.load(UNKNOWN.address) == UNKNOWN
    assert peers.load(KNOWN.address).num_failures == 0


def test_an_import_fails_as_a_whole(peers: PeerManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Messages cut a path that is long.
    monkeypatch.chdir(tmp_path)
    Path("garbage.db").write_text("this is no database, however long it is looked at")
    with pytest.raises(CorruptError, match=r"garbage\.db.*not a database"):
        peers.import_file("garbage.db")
    with pytest.raises(DatabaseError, match=r"none\.db.*no such file"):
        peers.import_file("none.db")
    with pytest.raises(InvalidArgumentError):
        peers.import_file("")
    assert len(peers) == 0
