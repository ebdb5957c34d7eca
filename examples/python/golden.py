"""Replays a script of operations and prints the transcript; ../golden/README.md says what is in them. A transcript is a
script, too.

python golden.py ../golden/scenario.txt
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from peer_manager import (
    Address,
    Backoff,
    Durability,
    PeerManager,
    PeerManagerError,
    PeerType,
    Purpose,
    status_name,
)

import words
from words import NOTHING, address, in_order, is_true


class Player:
    """One run of a script. Each method that is an operation's takes the words of its line and yields what it prints."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files = 1
        self.now = 0
        self.peers = PeerManager()

    def close(self) -> None:
        self.peers.close()

    def play(self, line: str) -> Iterator[str]:
        operation, *rest = line.split(" ")
        try:
            yield from getattr(self, f"do_{operation}")(*rest) or ()
        except PeerManagerError as error:
            yield f"error {status_name(error.status)}: {error}"

    def do_clock(self, seconds: str) -> None:
        self.now = int(seconds)

    def do_sorted(self, *operation: str) -> list[str]:
        return in_order(self.play(" ".join(operation)))

    def do_new_file(self) -> None:
        self.files += 1

    def do_open(self, place: str, *rest: str) -> None:
        durability, seed, *options = ("COMMIT", *rest) if place == "memory" else rest
        self.peers.close()
        self.peers = PeerManager(
            None if place == "memory" else self.directory / f"peers-{self.files}.db",
            durability=Durability[durability],
            rng_seed=int(seed),
            clock=lambda: self.now,
            **words.named(options, words.OPTIONS),
        )

    def do_close(self) -> None:
        self.peers.close()

    def do_ensure_exists(self, word: str) -> None:
        self.peers.ensure_exists(address(word))

    def do_ensure_exists_many(self, *addresses: str) -> Iterator[str]:
        yield f"inserted {self.peers.ensure_exists_many(map(address, addresses))}"

    def do_load(self, word: str) -> Iterator[str]:
        yield words.text_of_record(self.peers.load(address(word)))

    def do_store(self, *parts: str) -> None:
        self.peers.store(words.record(parts))

    def do_store_many(self, *records: str) -> None:
        self.peers.store_many(words.record(word.split(",")) for word in records)

    def do_update_type(self, word: str, observed: str, known: str) -> None:
        self.peers.update_type(address(word), PeerType[observed], preferred_type_known=is_true(known))

    def do_update_backoff(self, word: str, backoff: str) -> None:
        self.peers.update_backoff(address(word), Backoff[backoff])

    def do_update(self, word: str, observed: str, known: str, backoff: str) -> None:
        self.peers.update(address(word), PeerType[observed], Backoff[backoff], preferred_type_known=is_true(known))

    def do_remove(self, word: str) -> None:
        self.peers.remove(address(word))

    def do_remove_host(self, host: str) -> Iterator[str]:
        yield f"removed {self.peers.remove_host(host)}"

    def do_remove_peers_with_many_failures(self, failures: str) -> Iterator[str]:
        yield f"removed {self.peers.remove_peers_with_many_failures(int(failures))}"

    def do_remove_peers_not_heard_since(self, since: str) -> Iterator[str]:
        yield f"removed {self.peers.remove_peers_not_heard_since(int(since))}"

    def do_limit_next_attempt(self, latest: str) -> Iterator[str]:
        yield f"changed {self.peers.limit_next_attempt(int(latest))}"

    def do_clear_all(self) -> None:
        self.peers.clear_all()

    def do_flush(self) -> None:
        self.peers.flush()

    def do_set_own_addresses(self, *addresses: str) -> None:
        self.peers.set_own_addresses(map(address, addresses))

    def do_set_online(self, online: str) -> None:
        self.peers.set_online(is_true(online))

    def do_ban(self, subject: str, until: str) -> Iterator[str]:
        yield f"removed {self.peers.ban(subject, int(until))}"

    def do_unban(self, subject: str) -> None:
        self.peers.unban(subject)

    def do_is_banned(self, word: str) -> Iterator[str]:
        yield words.text_of_truth(self.peers.is_banned(address(word)))

    def do_get_bans(self) -> list[str]:
        return in_order(map(words.text_of_ban, self.peers.bans()))

    def do_load_random_peers(self, type_filter: str, due: str, failures: str, size: str, *rest: str) -> Iterator[str]:
        query = words.query(type_filter, due, failures, *rest)
        return map(str, self.peers.load_random_peers(int(size), query))

    def do_get_peers_to_send(self, query: str, exclude: str, size: str) -> Iterator[str]:
        answer = self.peers.get_peers_to_send(
            int(size),
            exclude=None if exclude == NOTHING else address(exclude),
            query=None if query == NOTHING else words.query(*query.split(",")),
        )
        return map(str, answer)

    def do_next_to_dial(self, purpose: str, size: str, *busy: str) -> Iterator[str]:
        return map(str, self.peers.next_to_dial(Purpose[purpose], int(size), busy=map(address, busy)))

    def do_next_due(self) -> Iterator[str]:
        due = self.peers.next_due()
        yield "error NOT_FOUND: no peer waits: all that there are can be dialled now" if due is None else str(due)

    def do_same_netgroup(self, a: str, b: str) -> Iterator[str]:
        yield words.text_of_truth(self.peers.netgroup(address(a)) == self.peers.netgroup(address(b)))

    def do_peer_count(self) -> Iterator[str]:
        yield str(self.peers.peer_count())

    def do_get_all_peers(self) -> list[str]:
        return in_order(map(words.text_of_record, self.peers.get_all_peers()))

    def do_load_history(self, word: str) -> Iterator[str]:
        yield words.text_of_history(self.peers.load_history(address(word)))

    def do_get_all_histories(self) -> list[str]:
        snapshot = self.peers.get_all_peers()
        return in_order(
            f"{record.address} {words.text_of_history(snapshot.history(index))}"
            for index, record in enumerate(snapshot)
        )

    def do_set_data(self, word: str, data: str) -> None:
        self.peers.set_data(address(word), words.data(data))

    def do_get_data(self, word: str) -> Iterator[str]:
        yield words.text_of_data(self.peers.get_data(address(word)))

    def do_get_all_data(self) -> list[str]:
        snapshot = self.peers.get_all_peers()
        peers = ((record.address, snapshot.data(index)) for index, record in enumerate(snapshot))
        return in_order(f"{address} {words.text_of_data(data)}" for address, data in peers if data)

    def do_get_stats(self) -> Iterator[str]:
        for field in fields(self.peers.get_stats()):
            yield from (f"{field.name} {value}" for value in self.do_stat(field.name))
            if field.name == "refused_peers":
                break  # The stats of the first version end here.

    def do_stat(self, name: str) -> Iterator[str]:
        yield str(int(getattr(self.peers.get_stats(), name)))

    def do_address(self, *rest: str) -> Iterator[str]:
        parsed = Address.parse(" ".join(rest))
        yield f"{parsed} {'private' if parsed.is_private else 'public'}"


def operation_of(line: str, *, in_transcript: bool) -> str | None:
    """The operation that a line is; None for a line that is none."""
    if not line or line.startswith("#"):
        return None
    if not in_transcript:
        return line
    if line.startswith("> "):
        return line.removeprefix("> ")
    if line.startswith("  "):
        return None
    raise ValueError(f"not a line of a transcript: {line}")


def transcript(script: str) -> Iterator[str]:
    """The lines of the transcript."""
    # Not str.splitlines: it takes more than newlines for the end of a line.
    lines = script.removesuffix("\n").split("\n")
    in_transcript = next((line.startswith("> ") for line in lines if line and not line.startswith("#")), False)
    with tempfile.TemporaryDirectory() as directory, closing(Player(Path(directory))) as player:
        for line in lines:
            operation = operation_of(line, in_transcript=in_transcript)
            if operation is not None:
                yield f"> {operation}"
                yield from (f"  {printed}" for printed in player.play(operation))
            elif in_transcript and not line.startswith("  "):
                yield line


if __name__ == "__main__":
    for line in transcript(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(line)
