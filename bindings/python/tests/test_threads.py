"""Many threads: Python goes on while a call waits, and closing is safe at any time."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Locker

from peer_manager import Address, Backoff, BusyError, ClosedError, Durability, PeerManager, Query, TypeFilter

ANY = Query(type_filter=TypeFilter.ANY)


def test_other_threads_run_while_a_write_waits_for_a_lock(path: Path) -> None:
    with PeerManager(path, durability=Durability.SYNC, busy_timeout_ms=60_000) as peers, ThreadPoolExecutor(1) as pool:
        with Locker(path) as locker:
            write = pool.submit(peers.ensure_exists, "1.2.3.4:5")
            # If the call held the interpreter's lock we would not get here before it ended, with BUSY.
            turns, until = 0, time.monotonic() + 0.3
            while time.monotonic() < until:
                turns += 1
            assert turns > 1000
            assert not write.done()
            # Queries do not wait for the disk either.
            assert peers.load_random_peers(1, ANY) == []
            locker.release()
        write.result(timeout=60)
        assert len(peers) == 1


def test_many_threads_use_one_manager(path: Path) -> None:
    def work(seed: int) -> None:
        choice = random.Random(seed)
        for _ in range(100):
            address = Address(f"1.2.{seed}.{choice.randrange(50)}", 1)
            peers.ensure_exists(address)
            peers.update_backoff(address, choice.choice(list(Backoff)))
            assert peers.load(address).address == address
            assert len(peers.load_random_peers(5, ANY)) <= 5
            assert len(list(peers)) >= 1

    with PeerManager(path, durability=Durability.DEFERRED, clock=time.time) as peers:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        peers.flush()
        before = set(peers)
    with PeerManager(path) as peers:
        assert set(peers) == before


def test_each_thread_s_call_gets_the_time_that_its_clock_told() -> None:
    times = threading.local()
    with PeerManager(clock=lambda: getattr(times, "now", 0)) as peers:

        def work(thread: int) -> None:
            for n in range(300):
                times.now = thread * 1000 + n
                address = Address("1.2.3.4", times.now + 1)
                peers.ensure_exists(address)
                assert peers.load(address).next_attempt == times.now

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))


def test_many_threads_read_one_snapshot(peers: PeerManager) -> None:
    peers.ensure_exists_many(Address("1.2.3.4", port) for port in range(1, 201))
    snapshot = peers.get_all_peers()
    with ThreadPoolExecutor(8) as pool:
        readings = list(pool.map(lambda _: list(snapshot), range(16)))
    assert all(reading == readings[0] for reading in readings)


def test_closing_under_the_feet_of_others_is_a_closed_error(path: Path) -> None:
    def work(calls: list[Callable[[], object]]) -> int:
        for n in range(1_000_000):
            try:
                calls[n % len(calls)]()
            except ClosedError:
                return n
        raise AssertionError("no thread closed it")

    for _ in range(20):
        peers = PeerManager(path, clock=time.time)
        peers.ensure_exists("1.2.3.4:5")
        snapshot = peers.get_all_peers()
        calls: list[Callable[[], object]] = [
            lambda peers=peers: peers.update_backoff("1.2.3.4:5", Backoff.RESET),  # type: ignore[misc]
            lambda peers=peers: peers.load_random_peers(3, ANY),  # type: ignore[misc]
            lambda peers=peers: peers.get_stats(),  # type: ignore[misc]
        ]
        with ThreadPoolExecutor(7) as pool:
            workers = [pool.submit(work, calls) for _ in range(4)]
            readers = [pool.submit(work, [lambda s=snapshot: s[0]]) for _ in range(2)]  # type: ignore[misc]
            time.sleep(0.01)
            for closer in [pool.submit(thing.close) for thing in (peers, snapshot, peers)]:
                closer.result()
            assert sum(worker.result(timeout=60) for worker in workers + readers) > 0


def test_the_last_call_closes_what_was_closed_meanwhile(path: Path) -> None:
    peers = PeerManager(path, durability=Durability.SYNC, busy_timeout_ms=60_000)
    with ThreadPoolExecutor(1) as pool, Locker(path) as locker:
        write = pool.submit(peers.ensure_exists, "1.2.3.4:5")
        time.sleep(0.2)
        assert not write.done()
        peers.close()
        with pytest.raises(BusyError):
            PeerManager(path, busy_timeout_ms=50)
        locker.release()
        write.result(timeout=60)
    with PeerManager(path, busy_timeout_ms=50) as again:
        assert "1.2.3.4:5" in again
