"""A clock in Python: what it raises comes out of the call, which has done nothing then."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    Address,
    Backoff,
    InvalidArgumentError,
    PeerManager,
    PeerType,
    Query,
    Record,
    TypeFilter,
)

A, B = Address("1.2.3.4", 5), Address("5.6.7.8", 9)

# The calls that ask for the time.
CALLS: dict[str, Callable[[PeerManager], object]] = {
    "ensure_exists": lambda peers: peers.ensure_exists(B),
    "ensure_exists_many": lambda peers: peers.ensure_exists_many([B]),
    "update_type": lambda peers: peers.update_type(A, PeerType.PREFERRED),
    "update_backoff": lambda peers: peers.update_backoff(A, Backoff.INCREASE),
    "update": lambda peers: peers.update(A, PeerType.PREFERRED, Backoff.INCREASE),
    "load_random_peers": lambda peers: peers.load_random_peers(1),
    "get_peers_to_send": lambda peers: peers.get_peers_to_send(1),
    "get_stats": lambda peers: peers.get_stats(),
    "store": lambda peers: peers.store(Record(B, 0, 0, PeerType.INBOUND)),
    "store_many": lambda peers: peers.store_many([Record(B, 0, 0, PeerType.INBOUND)]),
    "ban": lambda peers: peers.ban("1.2.3.4", NOW + 1),
    "unban": lambda peers: peers.unban("9.9.9.9"),
    "is_banned": lambda peers: peers.is_banned(B),
    "bans": lambda peers: peers.bans(),
}


class Strange(BaseException):
    pass


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt, SystemExit, Strange])
def test_an_exception_comes_out_and_nothing_is_done(
    peers: PeerManager, clock: FakeClock, name: str, failure: type[BaseException]
) -> None:
    peers.ensure_exists(A)
    peers.ban("9.9.9.9", None)
    before = set(peers)
    clock.failure = failure("no time")
    with pytest.raises(failure) as caught:
        CALLS[name](peers)
    assert caught.value is clock.failure
    assert set(peers) == before
    clock.failure = None
    assert [ban.subject for ban in peers.bans()] == ["9.9.9.9"]
    CALLS[name](peers)


def test_what_needs_no_clock_works_without(clock: FakeClock) -> None:
    peers = PeerManager(clock=clock, keep_history=True)
    peers.ensure_exists(A)
    clock.failure = ZeroDivisionError()
    assert peers.load(A).next_attempt == NOW
    assert peers.load_history(A).first_heard == NOW
    assert peers.get_all_peers().history(0).first_heard == NOW
    assert peers.remove_peers_not_heard_since(NOW) == 0
    peers.remove(A)
    peers.flush()
    assert len(list(peers)) == 0
    peers.close()


def test_a_clock_that_raises_keeps_the_file_closed(path: Path) -> None:
    clock = FakeClock()
    clock.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        PeerManager(path, clock=clock)
    assert not path.exists()


@pytest.mark.parametrize(
    "now",
    [NOW, NOW + 0.9, datetime.fromtimestamp(NOW, UTC), datetime.fromtimestamp(NOW + 0.9, UTC)],
    ids=["int", "float", "datetime", "datetime with a fraction"],
)
def test_the_time_may_be_of_several_types(now: Any) -> None:
    with PeerManager(clock=lambda: now) as peers:
        peers.ensure_exists(A)
        assert peers.load(A).next_attempt == NOW


@pytest.mark.parametrize("now", [-(2**63), -1, 0, 2**63 - 1])
def test_any_64_bit_time_is_a_time(now: int) -> None:
    with PeerManager(clock=lambda: now) as peers:
        peers.ensure_exists(A)
        assert peers.load(A).next_attempt == now
        assert peers.load_random_peers(1, Query(type_filter=TypeFilter.ANY)) == [A]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (None, TypeError),
        ("0", TypeError),
        (2**63, InvalidArgumentError),
        (float("nan"), InvalidArgumentError),
        (float("inf"), InvalidArgumentError),
        (1e300, InvalidArgumentError),
        (datetime(2026, 1, 1), InvalidArgumentError),
    ],
)
def test_what_is_no_time_is_refused(now: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="what the clock returns is "):
        PeerManager(clock=lambda: now)
    with pytest.raises(expected, match="now is "):
        Record.new(A, now)


@pytest.mark.parametrize("wrong", [0, "now", NOW])
def test_a_clock_is_callable(wrong: Any) -> None:
    with pytest.raises(TypeError, match="clock is "):
        PeerManager(clock=wrong)


def test_a_clock_may_use_the_manager_and_even_close_it() -> None:
    def counting() -> int:
        if opened:
            opened[0].load(A)
            return len(opened[0])
        return 0

    opened: list[PeerManager] = []
    with PeerManager(clock=counting) as peers:
        peers.store(Record(A, 0, 0, PeerType.INBOUND))
        opened.append(peers)
        peers.ensure_exists(B)
        assert peers.load(B).next_attempt == 1
        opened.clear()

    def closing() -> int:
        for one in opened:
            one.close()
        return 0

    with PeerManager(clock=closing) as peers:
        opened.append(peers)
        with pytest.raises(ValueError, match="it is closed"):
            peers.ensure_exists(A)


def test_a_clock_that_asks_for_itself_is_a_recursion_error() -> None:
    opened: list[PeerManager] = []

    def endless() -> int:
        return opened[0].get_stats().ready if opened else 0

    with PeerManager(clock=endless) as peers:
        opened.append(peers)
        with pytest.raises(RecursionError):
            peers.ensure_exists(A)
        opened.clear()
        assert len(peers) == 0


def test_without_a_clock_it_is_the_system_s() -> None:
    with PeerManager() as system, PeerManager(clock=time.time) as ours:
        for peers in (system, ours):
            before = int(time.time())
            peers.ensure_exists(A)
            assert before <= peers.load(A).next_attempt <= time.time()
