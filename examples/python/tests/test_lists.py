"""Lists of addresses, in and out."""

from pathlib import Path

import pytest
from peer_manager import PeerManager

import lists
import node

EXAMPLES = Path(__file__).parents[2]


def exported(peers: PeerManager, directory: Path) -> bytes:
    path = directory / "exported.txt"
    lists.export_peers(peers, path)
    return path.read_bytes()


def test_what_is_exported_is_what_the_other_languages_export(peers: PeerManager, tmp_path: Path) -> None:
    lists.import_peers(peers, EXAMPLES / "peers.txt", preferred=2)
    assert exported(peers, tmp_path) == (EXAMPLES / "golden/peers.txt").read_bytes()


def test_a_list_comes_back_as_it_went(peers: PeerManager, tmp_path: Path) -> None:
    assert exported(peers, tmp_path) == b""
    peers.ensure_exists_many(["1.2.3.4:5", "example.org:6", "[2001:db8::1]:7"])
    before = exported(peers, tmp_path)
    peers.clear_all()
    assert lists.import_peers(peers, tmp_path / "exported.txt") == (3, 3, 0)
    assert exported(peers, tmp_path) == before


def test_lines_that_are_no_address_are_reported_and_skipped(
    peers: PeerManager, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(
        b"# a comment\r\n\r\n1.2.3\n \t1.2.3.4 \r\n"
        + b"x" * 1_000_000
        + b"\n\xff\xfe\n1.2.3.5\0\n1.2.3.5\x0c\n  # another\n1.2.3.4:11625\nexample.org:1"
    )
    assert lists.import_peers(peers, path) == (3, 2, 5)
    assert exported(peers, tmp_path) == b"1.2.3.4:11625\nexample.org:1\n"
    reports = capsys.readouterr().err.splitlines()
    assert [report.split(": ")[0] for report in reports] == [f"{path}:{n}" for n in (3, 5, 6, 7, 8)]
    assert max(map(len, reports)) < 1000


def test_a_file_that_cannot_be_read_or_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    nowhere = tmp_path / "none" / "list.txt"
    for option, paths in {"--import": (tmp_path, nowhere), "--export": (tmp_path, link, nowhere)}.items():
        for path in paths:
            assert node.main([option, str(path)]) == 1
            said = capsys.readouterr().err
            assert said.startswith("node: ")
            assert str(path) in said
            assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == [link]


def test_an_old_list_is_replaced(peers: PeerManager, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("old\n")
    peers.ensure_exists("1.2.3.4:5")
    lists.export_peers(peers, path)
    assert path.read_text() == "1.2.3.4:5\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_program_works_on_a_database(tmp_path: Path) -> None:
    database, path = tmp_path / "peers.db", tmp_path / "list.txt"
    assert node.main(["--database", str(database), "--import", str(EXAMPLES / "golden/peers.txt")]) == 0
    assert node.main(["--database", str(database), "--export", str(path)]) == 0
    assert path.read_bytes() == (EXAMPLES / "golden/peers.txt").read_bytes()
