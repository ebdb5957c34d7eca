"""A node in miniature: it reads a list of addresses, lives through a day with them, closes its database, opens it again
and checks that everything is still there.

    python node.py ../peers.txt

The clock and the network are simulated and the seed is fixed: with one version of the library it prints the same each
time. No host is contacted, and what happens says nothing about the hosts that bear these names. With --help it prints
what else it can do.
"""

import argparse
import hashlib
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from peer_manager import (
    MAX_FAILURES,
    Address,
    Backoff,
    PeerManager,
    PeerManagerError,
    PeerType,
    Purpose,
    Record,
    build_info,
)

from lists import DEFAULT_PORT, export_peers, import_peers

MORNING = 1767225600  # 1 January 2026, 00:00 UTC
MINUTE, HOUR = 60, 3600
TURN = 2 * MINUTE
TALK, ROTATION = 7, 60  # turns between two talks with a peer, and until a connection is hung up
SLOTS = 8  # connections that the node wants
ONLINE = 2  # with fewer, its own line is taken to be cut
SHARED = 8  # addresses that a peer is sent at a time
PURGE_HOUR = 20  # in the evening those that failed too often are removed

LEGEND = f"""
known, due        peers in the table; those of them that may be dialled now
answered, failed  how the dials of the hour went
heard, shared     addresses that peers sent and that were new; addresses sent to peers
connected         of {SLOTS} places for connections, those that are taken

 hour    known      due   answered   failed    heard   shared   connected"""
COUNTED = ("answered", "failed", "heard", "shared")


class World:
    """The network that is made up. The same questions have the same answers in every run."""

    def __init__(self) -> None:
        self.now = MORNING

    def answers(self, peer: Address) -> bool:
        if self.is_down() or peer.is_private or self._number("dead", peer) % 100 < 12:
            return False
        reliability = 40 + self._number("reliability", peer) % 60
        return self._number("answers", peer, self.now) % 100 < reliability

    def is_down(self) -> bool:
        """Our own line is cut for an hour after lunch. All peers seem dead then, and none is to blame."""
        return self.now % (24 * HOUR) // HOUR == 13

    def connection_ends(self, peer: Address) -> int:
        return self.now + 30 * MINUTE + self._number("length", peer, self.now) % (4 * HOUR)

    def gossip(self, teller: Address) -> list[Address]:
        """What a peer sends: addresses of the networks for examples, and private ones, because nodes do that."""
        number = self._number("gossip", teller, self.now)
        host = number // 8 % 40 + 1
        network = ("198.51.100.{}", "203.0.113.{}", "2001:db8::{:x}", "192.168.1.{}")[number % 4]
        return [Address(network.format(host), DEFAULT_PORT), Address(f"198.51.100.{host + 100}", DEFAULT_PORT)]

    @staticmethod
    def _number(*question: object) -> int:
        digest = hashlib.sha256(" ".join(map(str, question)).encode()).digest()
        return int.from_bytes(digest[:8], "big")


class Node:
    """What a node does with its peers. This is the part to copy from."""

    def __init__(self, peers: PeerManager, world: World) -> None:
        self.peers = peers
        self.world = world
        self.connections: dict[Address, int] = {}  # and when they will end
        self.counts: Counter[str] = Counter()  # of the hour
        self.turns = 0
        self.random = random.Random(42)  # a real node has no seed

    def turn(self) -> None:
        now = self.world.now
        self.connections = {
            peer: end for peer, end in self.connections.items() if end > now and not self.world.is_down()
        }
        self.turns += 1
        if self.turns % ROTATION == 0 and self.connections:  # so that a patient attacker does not keep its places
            del self.connections[self.random.choice(list(self.connections))]
        self.peers.set_online(len(self.connections) >= ONLINE)
        for peer in self.peers.next_to_dial(Purpose.CONNECT, SLOTS - len(self.connections), busy=self.connections):
            if self.dial(peer):
                self.connections[peer] = self.world.connection_ends(peer)
        for peer in self.peers.next_to_dial(Purpose.FEELER, 1, busy=self.connections):
            self.dial(peer)  # we know now whether the peer is there, and hang up
        for asker in list(self.connections)[:1] if self.turns % TALK == 0 else ():
            self.counts["heard"] += self.peers.ensure_exists_many(self.world.gossip(asker))
            self.share(asker)

    def dial(self, peer: Address) -> bool:
        answered = self.world.answers(peer)
        self.counts["answered" if answered else "failed"] += 1
        if answered:
            self.peers.update(peer, PeerType.OUTBOUND, Backoff.RESET)
        else:
            self.peers.update_backoff(peer, Backoff.INCREASE)
        return answered

    def share(self, asker: Address) -> None:
        for peer in self.peers.get_peers_to_send(SHARED, exclude=asker):
            if peer.is_private or peer == asker:
                raise AssertionError(f"{peer} would be sent to {asker}")
            self.counts["shared"] += 1


def live_one_day(peers: PeerManager, world: World) -> None:
    node = Node(peers, world)
    day: Counter[str] = Counter()
    print(LEGEND)
    for hour in range(24):
        if hour == PURGE_HOUR:  # with REALLY_DEAD in a real node, for which a day is too short
            print(f"       {peers.remove_peers_with_many_failures(MAX_FAILURES)} removed that failed too often")
        for world.now in range(MORNING + hour * HOUR, MORNING + (hour + 1) * HOUR, TURN):
            node.turn()
        if world.is_down():
            print("       the line is down")
        stats, (answered, failed, heard, shared) = peers.get_stats(), (node.counts[what] for what in COUNTED)
        row = f"{stats.peers:8} {stats.ready:8} {answered:10} {failed:8} {heard:8} {shared:8}"
        print(f"{hour:02}:00 {row}   {len(node.connections)} of {SLOTS}")
        day.update(node.counts)
        node.counts.clear()
    forgiven = peers.get_stats().forgiven_failures
    if min(forgiven, *(day[what] for what in COUNTED)) == 0:
        raise AssertionError(f"a whole day without something: {dict(day)}, {forgiven} failures that did not count")
    print("\nLook at 13:00: the line was down, and every dial failed. The node had said that it was offline, so")
    print(f"failures did not count: {forgiven} of this day, which made no peer wait for longer than a minute.")
    print(f"{day['shared']} addresses were shared: none private, none the asker's own.")


def print_extremes(records: list[Record], now: int) -> None:
    print("\nBack-off at work: after n failures in a row a peer waits for up to 10 * 2^n seconds, and at most 10240.")
    print("The three best peers, and the three worst:")
    records = sorted(records, key=lambda r: (r.num_failures, -r.peer_type, str(r.address)))
    for record in (*records[:3], *records[-3:]):
        wait = max(0, record.next_attempt - now)
        print(f"  {record.peer_type.name:9} {record.num_failures:2} failures, wait {wait:5} s  {record.address}")


def live(options: argparse.Namespace) -> None:
    """A day, and the morning after."""
    print("A node in miniature: clock and network are simulated, so no packet is sent")
    print(build_info())
    with tempfile.TemporaryDirectory() as directory:
        database, world = Path(directory, "peers.db"), World()
        # A real node leaves clock and seed alone: who guesses the seed can guess whom it dials.
        with PeerManager(database, rng_seed=42, clock=lambda: world.now) as peers:
            read, added, bad = import_peers(peers, options.list, preferred=2)
            print(f"{read} addresses read, {added} new; {bad} lines skipped")
            before_the_day(peers, options)
            live_one_day(peers, world)
            after_the_day(peers, options)
            before = peers.get_all_peers()
        print_extremes(list(before), world.now)
        with PeerManager.new_with_db(database) as peers:
            if set(peers) != set(before):
                raise AssertionError("the peers that came back are not those that went in")
            print(f"\nClosed and opened again: all {len(peers)} peers came back as they were.")
    print("\nNext: bindings/python/README.md has a node of one page; docs/getting-started.md has the reasons.")


def before_the_day(peers: PeerManager, options: argparse.Namespace) -> None:
    if options.imported is not None:
        import_peers(peers, options.imported)


def after_the_day(peers: PeerManager, options: argparse.Namespace) -> None:
    if options.exported is not None:
        export_peers(peers, options.exported)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="node.py",
        description="A node in miniature. With LIST it lives a simulated day; without, it lives none.",
        allow_abbrev=False,
    )
    parser.add_argument("list", metavar="LIST", nargs="?", type=Path, help="live a day with the addresses of this file")
    parser.add_argument(
        "--import", metavar="FILE", type=Path, dest="imported", help="add the addresses of a text file, before the day"
    )
    parser.add_argument(
        "--export", metavar="FILE", type=Path, dest="exported", help="write all addresses to one, after the day"
    )
    parser.add_argument("--database", metavar="DATABASE", type=Path, help="where the peers are; a day has its own")
    options = parser.parse_args(arguments)
    if options.list is None and options.imported is None and options.exported is None:
        parser.error("there is nothing to do")
    if options.list is not None and options.database is not None:
        parser.error("a day has a database of its own")
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        if options.list is not None:
            live(options)
        else:
            with PeerManager(options.database) as peers:
                before_the_day(peers, options)
                after_the_day(peers, options)
    except (OSError, PeerManagerError) as error:
        print(f"node: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
