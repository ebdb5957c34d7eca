"""What the options for reach, netgroups and back-off change."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    Address,
    Backoff,
    InvalidAddressError,
    InvalidArgumentError,
    PeerManager,
    PeerType,
    Query,
    Reach,
    Record,
    RefusedError,
    TypeFilter,
)

# 52.0.0.0/15 and 2a01:4f8::/32 are of one AS, 52.0.4.0/22 of another.
AS_MAP = Path(__file__).parents[3] / "tests/common/asmap/few.dat"

PRIVATE, EXAMPLE, ROUTABLE = "10.0.0.1:5", "192.0.2.1:5", "8.8.8.8:5"


def netgroups(peers: PeerManager, addresses: Iterable[str]) -> int:
    """How many netgroups the addresses are of."""
    return len({peers.netgroup(address) for address in addresses})


def told(peers: PeerManager) -> set[str]:
    return set(map(str, peers.get_peers_to_send(9)))


def test_by_default_all_is_stored_and_only_private_addresses_are_not_told(peers: PeerManager) -> None:
    assert peers.ensure_exists_many([PRIVATE, EXAMPLE, ROUTABLE]) == 3
    assert told(peers) == {EXAMPLE, ROUTABLE}


def test_a_node_on_the_internet_refuses_gossip_that_is_not_routable() -> None:
    with PeerManager(reach=Reach.PUBLIC) as peers:
        with pytest.raises(RefusedError, match=r"192\.0\.2\.1:5"):
            peers.ensure_exists(EXAMPLE)
        assert peers.ensure_exists_many([PRIVATE, EXAMPLE, ROUTABLE]) == 1
        assert peers.get_stats().refused_peers == 3
        peers.store(Record(Address.parse(EXAMPLE), 0, 0, PeerType.PREFERRED))
        assert told(peers) == {ROUTABLE}


def test_in_a_private_network_private_addresses_are_told() -> None:
    with PeerManager(reach=Reach.PRIVATE) as peers:
        assert peers.ensure_exists_many([PRIVATE, ROUTABLE]) == 2
        assert told(peers) == {PRIVATE, ROUTABLE}
        assert netgroups(peers, [PRIVATE, "10.0.0.1:6", "10.0.0.2:5"]) == 3


def test_addresses_of_one_prefix_share_a_netgroup(peers: PeerManager) -> None:
    assert netgroups(peers, ["1.2.3.4:5", "1.2.200.1:6", "[::ffff:1.2.0.0]:7"]) == 1
    assert netgroups(peers, ["1.2.3.4:5", "1.3.3.4:5"]) == 2
    assert netgroups(peers, [PRIVATE, "10.0.0.1:6"]) == 1
    assert len(peers) == 0
    with pytest.raises(InvalidAddressError):
        peers.netgroup("nonsense")


def test_names_are_netgroups_of_their_own_unless_they_are_grouped(peers: PeerManager) -> None:
    names = ["a.example.org:5", "b.example.com:5"]
    assert netgroups(peers, names) == 2
    with PeerManager(name_groups=True) as grouped:
        assert netgroups(grouped, names) == 1


def test_the_back_off_has_a_unit_and_an_end(clock: FakeClock) -> None:
    def longest_wait(**options: int) -> int:
        with PeerManager(rng_seed=1, clock=clock, **options) as peers:  # type: ignore[arg-type]
            for _ in range(200):
                peers.update_backoff(ROUTABLE, Backoff.INCREASE)
            waits = []
            for _ in range(200):
                peers.update_backoff(ROUTABLE, Backoff.INCREASE)
                waits.append(peers.load(ROUTABLE).next_attempt - NOW)
            return max(waits)

    assert 9_000 < longest_wait() <= 10_240
    assert 900 < longest_wait(backoff_seconds=1) <= 1_024
    assert 70 < longest_wait(max_backoff_exponent=3) <= 80
    assert 10 < longest_wait(backoff_seconds=3, max_backoff_exponent=2) <= 12


@pytest.mark.parametrize(("option", "beyond"), [("backoff_seconds", 3601), ("max_backoff_exponent", 21)])
def test_a_back_off_beyond_its_range_is_refused(option: str, beyond: int) -> None:
    PeerManager(**{option: beyond - 1}).close()  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=f"{option} is {beyond}"):
        PeerManager(**{option: beyond})  # type: ignore[arg-type]


@pytest.mark.parametrize("as_map", [AS_MAP, str(AS_MAP)])
def test_an_as_map_makes_a_netgroup_of_an_operator(as_map: Path | str, peers: PeerManager) -> None:
    of_one = ["52.0.0.1:5", "52.1.0.1:5", "[2a01:4f8::1]:5"]
    assert netgroups(peers, of_one) == 3
    assert netgroups(peers, ["52.0.0.1:5", "52.0.4.1:5"]) == 1
    with PeerManager(asmap_path=as_map) as mapped:
        assert netgroups(mapped, of_one) == 1
        assert netgroups(mapped, ["52.0.0.1:5", "52.0.4.1:5"]) == 2


def test_what_is_no_as_map_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("This is not a map, but text.")
    for wrong in (tmp_path / "missing", tmp_path, text):
        with pytest.raises(InvalidArgumentError, match="asmap_path"):
            PeerManager(asmap_path=wrong)
    with pytest.raises(InvalidArgumentError, match="asmap_path has a NUL"):
        PeerManager(asmap_path=f"{AS_MAP}\0.txt")


def test_preferred_peers_can_be_kept_to_oneself(peers: PeerManager) -> None:
    for port, peer_type in enumerate(PeerType, 1):
        peers.store(Record(Address("8.8.8.8", port), NOW, 0, peer_type))
    drawn = peers.get_peers_to_send(9, query=Query(type_filter=TypeFilter.NOT_PREFERRED))
    assert {address.port for address in drawn} == {PeerType.INBOUND + 1, PeerType.OUTBOUND + 1}
