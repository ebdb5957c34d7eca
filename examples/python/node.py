"""A node in miniature: it reads a list of addresses, lives through a day with them, closes its database, opens it again
and checks that everything is still there.

    python node.py ../peers.txt

The clock and the network are simulated and the seed is fixed: with one version of the library it prints the same each
time. Nobody is contacted, and what happens says nothing about the hosts that bear these names.
"""

import hashlib
import sys
import tempfile
from collections import Counter
from pathlib import Path

from peer_manager import (
    MAX_FAILURES,
    Address,
    BackOff,
    InvalidAddressError,
    PeerManager,
    PeerType,
    Query,
    Record,
    TypeFilter,
    build_info,
)

DEFAULT_PORT = 11625
MORNING = 1767225600  # 1 January 2026, 00:00 UTC
MINUTE, HOUR = 60, 3600
TURN = 15 * MINUTE
SLOTS = 8  # connections that the node wants
FEELERS = 4  # peers that it tries at each turn although it may have no slot for them
SHARED = 8  # addresses that a peer is told at a time
PURGE_HOUR = 20  # in the evening those that failed too often are forgotten


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
        """Our own line is cut for an hour after lunch. All peers seem dead then, which is what back-off is for."""
        return self.now % (24 * HOUR) // HOUR == 13

    def connection_ends(self, peer: Address) -> int:
        return self.now + 30 * MINUTE + self._number("length", peer, self.now) % (4 * HOUR)

    def gossip(self, teller: Address) -> list[Address]:
        """What a peer tells: addresses of the networks for examples, and private ones, because nodes do that."""
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
        self.counts: Counter[str] = Counter()

    def turn(self) -> None:
        now = self.world.now
        self.connections = {
            peer: end for peer, end in self.connections.items() if end > now and not self.world.is_down()
        }
        self.dial()
        for asker in list(self.connections)[:1]:
            self.counts["heard"] += self.peers.ensure_exists_many(self.world.gossip(asker))
            self.share(asker)

    def dial(self) -> None:
        """First those that the operator chose, then those that answered before, then new ones. The last get a try even
        when all slots are taken: a node that never tries new peers soon knows old ones only."""
        for kind in (TypeFilter.PREFERRED_ONLY, TypeFilter.OUTBOUND_ONLY, TypeFilter.INBOUND_ONLY):
            wanted = SLOTS - len(self.connections) + (FEELERS if kind == TypeFilter.INBOUND_ONLY else 0)
            query = Query(type_filter=kind, exclude=self.connections)
            for peer in self.peers.load_random_peers(wanted, query):
                self.dial_one(peer)

    def dial_one(self, peer: Address) -> None:
        if not self.world.answers(peer):
            self.counts["failed"] += 1
            self.peers.update_backoff(peer, BackOff.INCREASE)
            return
        self.counts["dialled"] += 1
        self.peers.update(peer, PeerType.OUTBOUND, BackOff.RESET)
        if len(self.connections) < SLOTS:
            self.connections[peer] = self.world.connection_ends(peer)

    def share(self, asker: Address) -> None:
        for peer in self.peers.get_peers_to_send(SHARED, exclude=asker):
            if peer.is_private or peer == asker:
                raise AssertionError(f"{peer} would be told to {asker}")
            self.counts["shared"] += 1


def import_peers(peers: PeerManager, lines: list[str]) -> None:
    """Adds the addresses of a list; a line that is none is reported and skipped. The first two become preferred."""
    good = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            try:
                good.append(Address.parse(line, DEFAULT_PORT))
            except InvalidAddressError as error:
                print(f"  line {number}: {error}")
    added = peers.ensure_exists_many(good)
    for peer in good[:2]:
        peers.update_type(peer, PeerType.PREFERRED)
    print(f"{len(good)} addresses read, {added} new")


def live_one_day(peers: PeerManager, world: World) -> None:
    node = Node(peers, world)
    print("hour  dialled  failed  heard  shared  connected  known  ready")
    for hour in range(24):
        if hour == PURGE_HOUR:
            print(f"      {peers.remove_peers_with_many_failures(MAX_FAILURES)} forgotten that failed too often")
        for world.now in range(MORNING + hour * HOUR, MORNING + (hour + 1) * HOUR, TURN):
            node.turn()
        if hour % 3 == 2:
            stats, n = peers.get_stats(), node.counts
            print(
                f"{hour:4}  {n['dialled']:7}  {n['failed']:6}  {n['heard']:5}  {n['shared']:6}  "
                f"{len(node.connections):9}  {stats.peers:5}  {stats.ready:5}"
            )
    if min(node.counts[what] for what in ("dialled", "failed", "heard", "shared")) == 0:
        raise AssertionError(f"a whole day without something: {dict(node.counts)}")


def print_extremes(records: list[Record], now: int) -> None:
    records = sorted(records, key=lambda r: (r.num_failures, -r.peer_type, str(r.address)))
    for record in (*records[:3], *records[-3:]):
        wait = max(0, record.next_attempt - now)
        print(f"  {record.peer_type.name:9} {record.num_failures:2} failures, wait {wait:5} s  {record.address}")


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: node.py LIST", file=sys.stderr)
        return 2
    lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
    print(build_info())
    with tempfile.TemporaryDirectory() as directory:
        database, world = Path(directory, "peers.db"), World()
        # A real node leaves clock and seed alone: who guesses the seed can guess whom it dials.
        with PeerManager(database, rng_seed=42, clock=lambda: world.now) as peers:
            import_peers(peers, lines)
            live_one_day(peers, world)
            before = peers.get_all_peers()
        print_extremes(list(before), world.now)
        with PeerManager.new_with_db(database) as peers:
            if set(peers) != set(before):
                raise AssertionError("the peers that came back are not those that went in")
            print(f"closed and opened again: all {len(peers)} peers came back as they were")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
