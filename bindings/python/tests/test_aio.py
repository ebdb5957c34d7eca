"""The table of peers for asyncio."""

import asyncio
import inspect
import os
import threading
import typing
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, FakeClock, Locker

from peer_manager import (
    Address,
    Backoff,
    ClosedError,
    Durability,
    NotFoundError,
    PeerManager,
    PeerType,
    Purpose,
    Query,
    Record,
    TypeFilter,
    UnsupportedError,
    aio,
)
from peer_manager._options import Options

A, B = Address("1.2.3.4", 5), Address("5.6.7.8", 9)
ANY = Query(type_filter=TypeFilter.ANY)


def run(main: Coroutine[Any, Any, Any]) -> None:
    asyncio.run(asyncio.wait_for(main, 60))


def methods(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: member for name, member in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_it_has_the_methods_of_the_plain_one_with_their_parameters() -> None:
    ours, theirs = methods(aio.PeerManager), methods(PeerManager)
    assert set(ours) == set(theirs) | {"open"}
    for name in theirs:
        assert inspect.signature(ours[name]) == inspect.signature(theirs[name]), name


def test_it_takes_the_options_of_the_plain_one() -> None:
    parameters = inspect.signature(PeerManager.__init__).parameters
    options = typing.get_type_hints(Options)
    assert set(options) == set(parameters) - {"self", "path"}
    for name, kind in options.items():
        assert parameters[name].annotation == kind, name


def test_what_may_wait_for_the_disk_is_awaited_and_nothing_else() -> None:
    """As the plain one says in its documentation."""
    awaited = {name for name, member in methods(aio.PeerManager).items() if inspect.iscoroutinefunction(member)}
    says_so = {
        name
        for name, member in methods(PeerManager).items()
        if "May wait for the disk" in inspect.cleandoc(member.__doc__ or "").replace("\n", " ")
    }
    assert awaited == says_so - {"new_with_db"} | {"open", "close", "flush"}


def test_a_node_s_day(path: Path) -> None:
    async def main() -> None:
        async with aio.PeerManager(path, clock=lambda: NOW, rng_seed=1, keep_history=True) as peers:
            assert peers
            assert len(peers) == 0
            await peers.ensure_exists(A)
            assert await peers.ensure_exists_many(address for address in (A, "5.6.7.8:9")) == 1
            assert set(peers.next_to_dial(Purpose.CONNECT, 8)) == {A, B}
            await peers.update(A, PeerType.OUTBOUND, Backoff.RESET)
            await peers.update_type(A, PeerType.PREFERRED)
            await peers.update_backoff(B, Backoff.INCREASE)
            assert peers.load(A).peer_type is PeerType.PREFERRED
            assert peers.load(B).num_failures == 1
            assert peers.load_history(B).last_attempt == NOW
            await peers.set_data(A, b"id")
            assert peers.get_data(A) == b"id"
            assert set(peers.get_peers_to_send(9, exclude=B)) == {A}
            assert peers.load_random_peers(9, Query(type_filter=TypeFilter.ANY, use_next_attempt=False))
            assert {record.address for record in peers} == {A, B}
            assert peers.next_due() is not None
            assert await peers.ban("5.6.7.0/24", None) == 1
            assert peers.is_banned(B)
            assert len(peers.bans()) == 1
            await peers.unban("5.6.7.0/24")
            await peers.store(Record(B, 0, 7, PeerType.INBOUND))
            await peers.store_many([Record(B, 0, 8, PeerType.INBOUND)])
            assert await peers.limit_next_attempt(NOW) == 1
            assert await peers.remove_peers_not_heard_since(0) == 0
            assert await peers.remove_peers_with_many_failures(8) == 1
            await peers.set_own_addresses(["9.9.9.9:9"])
            peers.set_online(False)
            assert peers.netgroup(A) != peers.netgroup(B)
            assert peers.peer_count() == peers.get_stats().peers == len(peers.get_all_peers()) == 1
            assert peers.get_quarantine() is None
            assert A in peers
            await peers.flush()
        async with aio.PeerManager() as others:
            assert await others.import_file(path) == 1
            assert await others.remove_host("1.2.3.4") == 1
            with pytest.raises(NotFoundError):
                await others.remove(A)
            await others.clear_all()

    run(main())


def test_the_event_loop_goes_on_while_a_change_waits(path: Path) -> None:
    async def main() -> None:
        async with aio.PeerManager(path, durability=Durability.SYNC, busy_timeout_ms=60_000) as peers:
            with Locker(path) as locker:
                change = asyncio.ensure_future(peers.ensure_exists(A))
                for _ in range(100):
                    await asyncio.sleep(0.001)
                assert not change.done()
                assert peers.load_random_peers(1, ANY) == []
                locker.release()
            await change
            assert A in peers

    run(main())


def test_changes_are_made_in_the_order_in_which_they_were_begun(path: Path) -> None:
    async def main() -> None:
        async with aio.PeerManager(path) as peers:
            await asyncio.gather(*(peers.store(Record(A, n, 0, PeerType.INBOUND)) for n in range(100)))
            assert peers.load(A).next_attempt == 99

    run(main())


def test_a_change_that_is_cancelled_is_made_as_a_whole_or_not_at_all(path: Path) -> None:
    async def main() -> None:
        async with aio.PeerManager(path, durability=Durability.SYNC, busy_timeout_ms=60_000) as peers:
            with Locker(path) as locker:
                begun, waiting = (asyncio.ensure_future(peers.ensure_exists(address)) for address in (A, B))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(begun, 0.2)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                locker.release()
            await peers.flush()
            assert A in peers
            assert B not in peers

    run(main())


def test_opening_that_is_cancelled_leaves_no_file_open(path: Path) -> None:
    async def main() -> None:
        with PeerManager(path) as holder:
            opening = asyncio.ensure_future(aio.PeerManager(path, busy_timeout_ms=60_000).open())
            await asyncio.sleep(0.1)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            holder.ensure_exists(A)
        # What was opened in the meantime is closed at once.
        async with aio.PeerManager(path, busy_timeout_ms=30_000) as peers:
            assert A in peers

    run(main())


def test_closing_while_it_is_being_opened_leaves_no_file_open(path: Path) -> None:
    async def main() -> None:
        peers = aio.PeerManager(path)
        for _ in range(2):  # the second time, there was another one before
            opening = asyncio.create_task(peers.open())
            await asyncio.sleep(0)
            await peers.close()
            assert peers.closed
            with pytest.raises(ClosedError, match="it was closed meanwhile"):
                await opening
            assert peers.closed
            with pytest.raises(ClosedError):
                peers.peer_count()
            PeerManager(path).close()  # nothing else has the file
            async with peers:
                await peers.ensure_exists(A)

    run(main())


def test_closing_that_is_cancelled_closes(path: Path) -> None:
    async def main() -> None:
        peers = await aio.PeerManager(path, durability=Durability.SYNC, busy_timeout_ms=60_000).open()
        with Locker(path) as locker:
            change = asyncio.ensure_future(peers.ensure_exists(A))
            await asyncio.sleep(0.1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peers.close(), 0.1)
            assert peers.closed
            with pytest.raises(ClosedError):
                await peers.ensure_exists(B)
            locker.release()
        await change
        async with aio.PeerManager(path, busy_timeout_ms=30_000) as again:
            assert [record.address for record in again] == [A]

    run(main())


def test_what_is_not_open_is_a_closed_error(path: Path) -> None:
    async def main() -> None:
        peers = aio.PeerManager(path)
        for _ in range(2):
            with pytest.raises(ClosedError, match="async with"):
                peers.load(A)
            with pytest.raises(ClosedError, match="async with"):
                await peers.ensure_exists(A)
            await peers.close()
            assert "closed" in repr(peers)
        async with peers:
            assert not peers.closed
            with pytest.raises(RuntimeError, match="open already"):
                await peers.open()
        async with peers:
            assert len(peers) == 0

    run(main())


def test_errors_come_out_of_the_await(path: Path, clock: FakeClock) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="not the path of a file"):
            await aio.PeerManager("").open()
        async with aio.PeerManager(path, clock=clock) as peers:
            with pytest.raises(NotFoundError):
                await peers.remove(A)
            wrong: Any = "1.2.3.4:5"
            with pytest.raises(TypeError, match="addresses is str"):
                await peers.ensure_exists_many(wrong)
            clock.failure = ZeroDivisionError()
            with pytest.raises(ZeroDivisionError):
                await peers.ensure_exists(A)
            clock.failure = None
            assert len(peers) == 0

    run(main())


def test_a_forgotten_one_warns_and_ends_its_thread(path: Path) -> None:
    async def main() -> None:
        peers = await aio.PeerManager(path).open()
        await peers.ensure_exists(A)
        del peers

    def run_to_the_end() -> None:
        run(main())
        # The thread may be the last that holds the peer manager, by the change that it has just made.
        for thread in threading.enumerate():
            if thread.name.startswith("peer_manager"):
                thread.join(60)
                assert not thread.is_alive()

    with pytest.warns(ResourceWarning, match="not closed"):
        run_to_the_end()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_in_a_forked_child_nothing_waits_for_a_thread_that_is_not_there(path: Path) -> None:
    async def main() -> None:
        async with aio.PeerManager(path) as peers:
            calls: list[Callable[[], Awaitable[object]]] = [lambda: peers.ensure_exists(A), peers.flush]
            pid = os.fork()
            if pid == 0:
                refused = 0
                for call in calls:
                    try:
                        await call()
                    except UnsupportedError:
                        refused += 1
                await peers.close()
                os._exit(0 if refused == len(calls) else 1)
            assert os.waitpid(pid, 0)[1] == 0
            await peers.ensure_exists(A)

    run(main())
