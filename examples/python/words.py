"""The words of a script of the golden player, and how it prints values; ../golden/README.md says what they mean."""

from collections.abc import Iterable
from typing import Any

from peer_manager import Address, Ban, History, Network, PeerType, Query, Reach, Record, TypeFilter

DEFAULT_PORT = 11625  # of an address that has none
NOTHING = "-"
FOR_GOOD = 2**63 - 1


def is_true(word: str) -> bool:
    return {"0": False, "1": True}[word]


# What is more than a number, among the options of `open` and the fields of a query.
OPTIONS = {"keep_history": is_true, "name_groups": is_true, "reach": lambda word: Reach(int(word))}
FIELDS = {"apart": is_true, "networks": lambda word: Network(int(word))}


def named(words: Iterable[str], readers: dict[str, Any]) -> dict[str, Any]:
    """Words such as max_peers=100."""
    parts = (word.split("=") for word in words)
    return {name: readers.get(name, int)(value) for name, value in parts}


def address(word: str) -> Address:
    return Address.parse(word, DEFAULT_PORT)


def record(parts: Iterable[str]) -> Record:
    word, next_attempt, num_failures, peer_type = parts
    return Record(address(word), int(next_attempt), int(num_failures), PeerType[peer_type])


def data(word: str) -> bytes:
    return b"" if word == NOTHING else bytes.fromhex(word)


def query(type_filter: str, due: str, failures: str, *rest: str) -> Query:
    """The rest are fields with names, and addresses to exclude."""
    return Query(
        type_filter=TypeFilter[type_filter],
        use_next_attempt=is_true(due),
        max_num_failures=None if failures == NOTHING else int(failures),
        exclude=[address(word) for word in rest if "=" not in word],
        **named((word for word in rest if "=" in word), FIELDS),
    )


def text_of_record(record: Record) -> str:
    return f"{record.address} {record.next_attempt} {record.num_failures} {record.peer_type.name}"


def text_of_history(history: History) -> str:
    times = (
        history.first_heard,
        history.last_heard,
        history.first_reached,
        history.last_reached,
        history.last_attempt,
    )
    return " ".join(str(time or 0) for time in times)


def text_of_data(data: bytes) -> str:
    return data.hex() or NOTHING


def text_of_ban(ban: Ban) -> str:
    return f"{ban.subject} {FOR_GOOD if ban.until is None else ban.until}"


def text_of_truth(truth: bool) -> str:
    return "true" if truth else "false"


def in_order(lines: Iterable[str]) -> list[str]:
    """Sorted as bytes."""
    return sorted(lines, key=str.encode)
