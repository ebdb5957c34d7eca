"""What is not closed, forked, or interrupted."""

import gc
import multiprocessing
import os
import weakref
from pathlib import Path

import pytest
from conftest import Locker, python

from peer_manager import (
    Address,
    BusyError,
    Durability,
    PeerManager,
    UnsupportedError,
)
from peer_manager._native import lib

A = Address("1.2.3.4", 5)


def test_a_forgotten_manager_warns_and_closes_its_file(path: Path) -> None:
    peers = PeerManager(path, durability=Durability.DEFERRED, flush_interval_ms=60_000, clock=lambda: 0)
    peers.ensure_exists(A)
    gone = weakref.ref(peers)
    with pytest.warns(ResourceWarning, match="not closed"):
        del peers
    assert gone() is None
    with PeerManager(path, busy_timeout_ms=50) as again:
        assert A in again


def test_a_forgotten_snapshot_is_freed(peers: PeerManager) -> None:
    peers.ensure_exists(A)
    for _ in range(1000):
        peers.get_all_peers()
    snapshot = peers.get_all_peers()
    native = snapshot._handle.native
    assert not lib.binding_is_closed(native)
    del snapshot
    gc.collect()
    assert lib.binding_is_closed(native)


def test_a_cycle_with_the_clock_is_collected(path: Path) -> None:
    class Node:
        def __init__(self) -> None:
            self.peers = PeerManager(path, clock=self.now)

        def now(self) -> int:
            return 0

    node = Node()
    node.peers.ensure_exists(A)
    del node
    with pytest.warns(ResourceWarning):
        gc.collect()
    PeerManager(path, busy_timeout_ms=50).close()


def test_the_end_of_the_interpreter_closes(path: Path) -> None:
    program = """
import sys, time
from peer_manager import Durability, PeerManager
peers = PeerManager(sys.argv[1], durability=Durability.DEFERRED, flush_interval_ms=60_000, clock=time.time)
peers.ensure_exists("1.2.3.4:5")
"""
    python(f"import warnings; warnings.simplefilter('ignore', ResourceWarning)\n{program}", path)
    assert [file.name for file in path.parent.iterdir()] == ["peers.db"]
    with PeerManager(path) as peers:
        assert A in peers


def test_the_end_of_the_interpreter_while_a_daemon_thread_calls(path: Path) -> None:
    python(
        """
import sys, threading, time, warnings
from peer_manager import PeerManager
warnings.simplefilter("ignore", ResourceWarning)
peers = PeerManager(sys.argv[1], clock=time.time)
def work():
    for n in range(10**9):
        peers.ensure_exists(f"1.2.3.4:{n % 65535 + 1}")
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
""",
        path,
    )
    with PeerManager(path) as peers:
        assert len(peers) > 0


def test_closing_says_what_is_lost(path: Path) -> None:
    peers = PeerManager(path, durability=Durability.DEFERRED, flush_interval_ms=60_000, busy_timeout_ms=50)
    with Locker(path):
        peers.ensure_exists(A)
        with pytest.raises(BusyError):
            peers.close()
        assert peers.closed
        peers.close()
    with PeerManager(path, busy_timeout_ms=50) as again:
        assert A not in again


def test_an_exception_that_is_kept_does_not_keep_the_file_open(path: Path) -> None:
    kept = []
    with PeerManager(path) as peers:
        try:
            peers.load(A)
        except KeyError as error:
            kept.append(error)
    PeerManager(path, busy_timeout_ms=50).close()
    assert kept[0].__traceback__ is not None


def test_an_interrupt_leaves_a_manager_that_works_and_closes(path: Path) -> None:
    """Ctrl-C, as often as possible, wherever it comes: the file can be opened again afterwards."""
    python(
        """
import os, signal, sys, time
import peer_manager
from peer_manager import Backoff, PeerManager
package = os.path.dirname(peer_manager.__file__)
def interrupt(_, frame):
    if frame.f_code.co_filename.startswith(package):
        raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
interrupts = 0
until = time.monotonic() + 1.5
peers = PeerManager(sys.argv[1], clock=time.time)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while time.monotonic() < until:
    try:
        peers.update_backoff("1.2.3.4:5", Backoff.RESET)
        peers.get_stats()
    except KeyboardInterrupt:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
assert interrupts > 10, interrupts
peers.close()
with PeerManager(sys.argv[1], busy_timeout_ms=50) as peers:
    assert len(peers) == 1
""",
        path,
    )


def refuses_in_child(peers: PeerManager) -> str:
    """What a child gets that uses its parent's manager."""
    answers, questions = multiprocessing.Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        try:
            peers.ensure_exists(A)
            questions.send("nothing was refused")
        except UnsupportedError as error:
            peers.close()
            questions.send(str(error))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return str(answers.recv())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("durability", Durability)
def test_a_forked_child_cannot_use_its_parent_s_manager(path: Path, durability: Durability) -> None:
    with PeerManager(path, durability=durability) as peers:
        peers.ensure_exists("1.1.1.1:1")
        assert "forked" in refuses_in_child(peers)
        peers.ensure_exists("2.2.2.2:2")
        assert len(peers) == 2
    with PeerManager(path) as peers:
        assert len(peers) == 2


def test_workers_of_multiprocessing_cannot_be_given_a_manager(peers: PeerManager) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(TypeError, match="cannot be copied"):
        pool.apply(len, (peers,))
