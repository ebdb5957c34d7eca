"""What a Python program reads in an error are Python's names."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peer_manager import (
    Address,
    InternalError,
    InvalidArgumentError,
    PeerManager,
    PeerManagerError,
    Query,
    Record,
    Status,
)
from peer_manager._messages import in_python
from peer_manager.errors import make_error

A = Address("1.2.3.4", 5)
ROOT = Path(__file__).parents[3]

USE = "which is none of its values; use"

# Each call, with a number that is none of the values, and the message.
MESSAGES: dict[str, tuple[Callable[[PeerManager, Any], object], str]] = {
    "observed_type": (
        lambda peers, n: peers.update_type(A, n),
        f"observed_type is 99, {USE} PeerType.INBOUND, PeerType.OUTBOUND or PeerType.PREFERRED",
    ),
    "peer_type": (
        lambda peers, n: peers.store(Record(A, 0, 0, n)),
        f"peer_type is 99, {USE} PeerType.INBOUND, PeerType.OUTBOUND or PeerType.PREFERRED",
    ),
    "records": (
        lambda peers, n: peers.store_many([Record(A, 0, 0, n)]),
        f"records[0]: peer_type is 99, {USE} PeerType.INBOUND, PeerType.OUTBOUND or PeerType.PREFERRED",
    ),
    "backoff": (
        lambda peers, n: peers.update_backoff(A, n),
        f"backoff is 99, {USE} Backoff.HARD_RESET, Backoff.RESET or Backoff.INCREASE",
    ),
    "purpose": (
        lambda peers, n: peers.next_to_dial(n, 1),
        f"purpose is 99, {USE} Purpose.CONNECT or Purpose.FEELER",
    ),
    "type_filter": (
        lambda peers, n: peers.load_random_peers(1, Query(type_filter=n)),
        f"type_filter is 99, {USE} TypeFilter.INBOUND_ONLY, TypeFilter.OUTBOUND_ONLY, TypeFilter.PREFERRED_ONLY, "
        "TypeFilter.ANY_OUTBOUND, TypeFilter.ANY or TypeFilter.NOT_PREFERRED",
    ),
    "networks": (
        lambda peers, n: peers.get_peers_to_send(1, query=Query(networks=n)),
        "networks is 99, which is not a sum of Network.IPV4, Network.IPV6, Network.ONION, Network.I2P and Network.NAME",
    ),
    "durability": (
        lambda _, n: PeerManager(durability=n),
        f"durability is 99, {USE} Durability.COMMIT, Durability.SYNC or Durability.DEFERRED",
    ),
    "on_corrupt": (
        lambda _, n: PeerManager(on_corrupt=n),
        f"on_corrupt is 99, {USE} OnCorrupt.FAIL or OnCorrupt.QUARANTINE",
    ),
    "reach": (
        lambda _, n: PeerManager(reach=n),
        f"reach is 99, {USE} Reach.SPECIFICATION, Reach.PUBLIC or Reach.PRIVATE",
    ),
    "heard_since": (
        lambda peers, n: peers.load_random_peers(1, Query(heard_since=n)),
        "heard_since is 99, but no history of the peers is kept; open with keep_history, or leave it 0",
    ),
    "reached_since": (
        lambda peers, n: peers.get_peers_to_send(1, query=Query(reached_since=n)),
        "reached_since is 99, but no history of the peers is kept; open with keep_history, or leave it 0",
    ),
    "seniority": (
        lambda peers, n: peers.load_random_peers(1, Query(seniority=n)),
        "seniority is 99; use at most 64 draws",
    ),
    "max_backoff_exponent": (
        lambda _, n: PeerManager(max_backoff_exponent=n),
        "max_backoff_exponent is 99, which is too much; use at most 20",
    ),
    "path": (
        lambda _, n: PeerManager("" * n),
        'path "" is not the path of a file; give that of one, or none for a table in memory',
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_have_the_names_of_arguments_and_members(peers: PeerManager, name: str) -> None:
    call, message = MESSAGES[name]
    with pytest.raises(InvalidArgumentError) as caught:
        call(peers, 99)
    assert str(caught.value) == message


def test_an_element_of_many_is_named_as_the_argument_is(peers: PeerManager) -> None:
    broken: Any = tuple.__new__(Address, ("not canonical", 1))
    for call in (peers.ensure_exists_many, peers.set_own_addresses):
        with pytest.raises(PeerManagerError, match=r"\baddresses\[1\]"):
            call([A, broken])
    with pytest.raises(PeerManagerError, match=r"\bbusy\[1\]"):
        peers.next_to_dial(0, 1, busy=[A, broken])  # type: ignore[arg-type]
    with pytest.raises(PeerManagerError, match=r"(?<!>)\bexclude\[1\]"):
        peers.load_random_peers(1, Query(exclude=[A, broken]))


def test_every_message_of_the_library_about_a_constant_is_translated() -> None:
    """As they are in the library's sources."""
    sources = "\n".join(path.read_text() for path in (ROOT / "src/ffi").glob("*.rs"))
    texts = re.findall(r'^[^/\n]*"([^"\n]*\bPEER_MANAGER_[A-Z][^"\n]*)"', sources, re.MULTILINE)
    # A buffer's size is the binding's own affair, and so are variables of the build.
    texts = [text for text in texts if "CAPACITY" not in text and re.search(r"_[A-Z]+ (or|and) _|, _", text)]
    assert len(texts) >= 7
    for text in texts:
        assert not re.search(r"PEER_MANAGER|(^|\W)_[A-Z]|->", in_python(text, Status.INVALID_ARGUMENT)), text


def test_a_bug_is_reported_of_a_function_that_python_has() -> None:
    message = "peer_manager_update panicked (x), a bug in peer_manager: please report it"
    said = str(make_error(Status.INTERNAL, 0, in_python(message, Status.INTERNAL)))
    assert said == "update panicked (x), a bug in peer_manager: please report it"
    assert issubclass(InternalError, RuntimeError)


def test_what_a_message_says_of_a_stranger_s_text_stays_as_it_is() -> None:
    message = '"PEER_MANAGER_TYPE_INBOUND" is not a peer address: query->exclude'
    assert in_python(message, Status.INVALID_ADDRESS) == message
