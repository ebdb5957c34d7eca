"""What the tests share."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peer_manager import PeerManager

NOW = 1_700_000_000


class FakeClock:
    """A clock that stands, until a test moves it or breaks it."""

    def __init__(self) -> None:
        self.now = NOW
        self.failure: BaseException | None = None

    def __call__(self) -> int:
        if self.failure is not None:
            raise self.failure
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def peers(clock: FakeClock) -> Iterator[PeerManager]:
    """A manager in memory with that clock and a fixed seed."""
    with PeerManager(rng_seed=1, clock=clock) as manager:
        yield manager


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test may have its database."""
    return tmp_path / "peers.db"


def python(program: str, *arguments: object, input_text: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own, which must succeed."""
    command = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    return subprocess.run(command, input=input_text, capture_output=True, text=True, timeout=60, check=True)


def sqlite(path: Path, script: str) -> None:
    """Runs SQL in another process: Python's SQLite is another copy, and a process may open a file with one only."""
    python("import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.stdin.read())", path, input_text=script)


class Locker:
    """Another process that holds SQLite's lock for writing until it is told to let go."""

    PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", self.PROGRAM, str(path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "locked\n"

    def release(self) -> None:
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0

    def __enter__(self) -> "Locker":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.release()
