"""What calls cost, compared with the same calls in C on the same machine in the same minute.

python calls.py CALLS

CALLS is the program that calls.c becomes: `make bench`. Each figure is the least of many short turns, and C and Python
take turns.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter_ns

from peer_manager import Address, Backoff, PeerManager, PeerType, Purpose, Record, aio, build_info

PEERS, DRAWN, TURNS, ROUNDS = 10_000, 50, 200, 3

# The names of calls.c, and what they are for a reader.
SHOWN = {
    "load_random_peers": f"load_random_peers({DRAWN})",
    "get_peers_to_send": f"get_peers_to_send({DRAWN})",
    "next_to_dial": "next_to_dial(Purpose.CONNECT, 8)",
    "load": "load",
    "ensure_exists": "ensure_exists, known",
    "update_backoff": "update_backoff, in memory",
    "iterate": "iterating, a record",
}


def least(call: Callable[[], object], calls: int, turns: int = TURNS) -> float:
    """Nanoseconds a call."""
    best = float("inf")
    for _ in range(turns):
        before = perf_counter_ns()
        for _ in range(calls):
            call()
        best = min(best, (perf_counter_ns() - before) / calls)
    return best


def measure(peers: PeerManager, few: PeerManager, one: Address) -> dict[str, float]:
    return {
        "load_random_peers": least(lambda: peers.load_random_peers(DRAWN), 20),
        "get_peers_to_send": least(lambda: peers.get_peers_to_send(DRAWN, exclude=one), 20),
        "next_to_dial": least(lambda: peers.next_to_dial(Purpose.CONNECT, 8), 20),
        "load": least(lambda: peers.load(one), 200),
        "ensure_exists": least(lambda: peers.ensure_exists(one), 200),
        "update_backoff": least(lambda: peers.update_backoff(one, Backoff.RESET), 200),
        # Of a smaller table, because a long turn is never left alone.
        "iterate": least(lambda: list(few), 1) / len(few),
    }


async def measure_awaited(one: Address) -> float:
    """Nanoseconds of a change that the thread of aio.PeerManager makes."""
    best = float("inf")
    async with aio.PeerManager() as peers:
        for _ in range(TURNS):
            before = perf_counter_ns()
            for _ in range(20):
                await peers.ensure_exists(one)
            best = min(best, (perf_counter_ns() - before) / 20)
    return best


def measure_c(program: str) -> dict[str, float]:
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return {name: float(nanoseconds) for name, nanoseconds in map(str.split, printed.splitlines())}


def main(program: str) -> None:
    python: list[dict[str, float]] = []
    c: list[dict[str, float]] = []
    with PeerManager(rng_seed=1) as peers, PeerManager() as few:
        addresses = [Address(f"52.{i // 250}.{i % 250}.7", 11625) for i in range(PEERS)]
        peers.store_many(Record(address, 0, 0, PeerType.OUTBOUND) for address in addresses)
        few.ensure_exists_many(addresses[:1000])
        for _ in range(ROUNDS):
            c.append(measure_c(program))
            python.append(measure(peers, few, addresses[-1]))
    awaited = asyncio.run(measure_awaited(addresses[-1]))
    print(f"{build_info()}; Python {sys.version.split()[0]}; {PEERS:,} peers")
    print(f"{'':34}{'Python':>10}{'C':>10}{'ratio':>8}")
    for name, shown in SHOWN.items():
        ours, theirs = (min(run[name] for run in runs) / 1000 for runs in (python, c))
        print(f"{shown:34}{ours:7.2f} µs{theirs:7.2f} µs{ours / theirs:8.1f}")
    print(f"{'await ensure_exists of aio':34}{awaited / 1000:7.2f} µs")


if __name__ == "__main__":
    main(*sys.argv[1:])
