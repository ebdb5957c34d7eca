"""Replays a script of operations and prints the transcript; ../golden/README.md says what is in them.

python golden.py ../golden/scenario.txt
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from peer_manager import (
    Address,
    BackOff,
    Durability,
    PeerManager,
    PeerManagerError,
    PeerType,
    Query,
    Record,
    TypeFilter,
    status_name,
)

DEFAULT_PORT = 11625  # of an address that has none


class Player:
    """One run of a script. Each method that is an operation's takes the words of its line and yields what it prints."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.now = 0
        self.peers = PeerManager()

    def play(self, line: str) -> Iterator[str]:
        operation, *words = line.split(" ")
        try:
            yield from getattr(self, f"do_{operation}")(*words) or ()
        except PeerManagerError as error:
            yield f"error {status_name(error.status)}: {error}"

    def do_clock(self, seconds: str) -> None:
        self.now = int(seconds)

    def do_open(self, place: str, *options: str) -> None:
        durability, seed = ("COMMIT", *options) if place == "memory" else options
        self.peers.close()
        self.peers = PeerManager(
            None if place == "memory" else self.file,
            durability=Durability[durability],
            rng_seed=int(seed),
            clock=lambda: self.now,
        )

    def do_close(self) -> None:
        self.peers.close()

    def do_ensure_exists(self, word: str) -> None:
        self.peers.ensure_exists(address(word))

    def do_ensure_exists_many(self, *words: str) -> Iterator[str]:
        yield f"inserted {self.peers.ensure_exists_many(map(address, words))}"

    def do_load(self, word: str) -> Iterator[str]:
        yield text(self.peers.load(address(word)))

    def do_store(self, *parts: str) -> None:
        self.peers.store(record(parts))

    def do_store_many(self, *words: str) -> None:
        self.peers.store_many(record(word.split(",")) for word in words)

    def do_update_type(self, word: str, observed: str, known: str) -> None:
        self.peers.update_type(address(word), PeerType[observed], preferred_type_known=known == "1")

    def do_update_backoff(self, word: str, backoff: str) -> None:
        self.peers.update_backoff(address(word), BackOff[backoff])

    def do_update(self, word: str, observed: str, known: str, backoff: str) -> None:
        self.peers.update(address(word), PeerType[observed], BackOff[backoff], preferred_type_known=known == "1")

    def do_remove(self, word: str) -> None:
        self.peers.remove(address(word))

    def do_remove_peers_with_many_failures(self, failures: str) -> Iterator[str]:
        yield f"removed {self.peers.remove_peers_with_many_failures(int(failures))}"

    def do_clear_all(self) -> None:
        self.peers.clear_all()

    def do_flush(self) -> None:
        self.peers.flush()

    def do_load_random_peers(
        self, type_filter: str, due: str, failures: str, size: str, *exclude: str
    ) -> Iterator[str]:
        query = make_query(type_filter, due, failures, map(address, exclude))
        return map(str, self.peers.load_random_peers(int(size), query))

    def do_get_peers_to_send(self, query: str, exclude: str, size: str) -> Iterator[str]:
        chosen = None
        if query != "-":
            type_filter, due, failures = query.split(",")
            chosen = make_query(type_filter, due, failures)
        answer = self.peers.get_peers_to_send(
            int(size),
            exclude=None if exclude == "-" else address(exclude),
            query=chosen,
        )
        return map(str, answer)

    def do_peer_count(self) -> Iterator[str]:
        yield str(self.peers.peer_count())

    def do_get_all_peers(self) -> list[str]:
        return sorted(map(text, self.peers.get_all_peers()))

    def do_get_stats(self) -> Iterator[str]:
        stats = self.peers.get_stats()
        for field in fields(stats):
            yield f"{field.name} {int(getattr(stats, field.name))}"
            if field.name == "refused_peers":
                break  # The size of the log is SQLite's business.

    def do_address(self, *words: str) -> Iterator[str]:
        parsed = Address.parse(" ".join(words))
        yield f"{parsed} {'private' if parsed.is_private else 'public'}"


def address(word: str) -> Address:
    return Address.parse(word, DEFAULT_PORT)


def record(parts: Iterable[str]) -> Record:
    word, next_attempt, num_failures, peer_type = parts
    return Record(address(word), int(next_attempt), int(num_failures), PeerType[peer_type])


def text(record: Record) -> str:
    return f"{record.address} {record.next_attempt} {record.num_failures} {record.peer_type.name}"


def make_query(type_filter: str, due: str, failures: str, exclude: Iterable[Address] = ()) -> Query:
    return Query(
        type_filter=TypeFilter[type_filter],
        use_next_attempt=due == "1",
        max_num_failures=None if failures == "-" else int(failures),
        exclude=exclude,
    )


def transcript(script: str) -> Iterator[str]:
    """The lines of the transcript."""
    with tempfile.TemporaryDirectory() as directory:
        player = Player(Path(directory, "peers.db"))
        for line in script.splitlines():
            if line and not line.startswith("#"):
                yield f"> {line}"
                for printed in player.play(line):
                    yield f"  {printed}"
        player.peers.close()


if __name__ == "__main__":
    for line in transcript(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(line)
