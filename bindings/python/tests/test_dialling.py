"""Whom to dial and when, while the node is offline, and never the node itself."""

import pytest
from conftest import NOW, FakeClock

from peer_manager import (
    REALLY_DEAD,
    Address,
    Backoff,
    InvalidAddressError,
    InvalidArgumentError,
    Network,
    PeerManager,
    PeerType,
    Purpose,
    Query,
    Record,
    RefusedError,
    TypeFilter,
)

PREFERRED, OUTBOUND, INBOUND = (Address.parse(f"8.{netgroup}.0.1:5") for netgroup in (1, 2, 3))


@pytest.fixture
def node(peers: PeerManager) -> PeerManager:
    """A peer of each type in a netgroup of its own, and inbound ones in twenty more."""
    peers.store(Record(PREFERRED, NOW, 0, PeerType.PREFERRED))
    peers.store(Record(OUTBOUND, NOW, 0, PeerType.OUTBOUND))
    peers.store(Record(INBOUND, NOW, 0, PeerType.INBOUND))
    peers.ensure_exists_many(f"8.{netgroup}.0.1:5" for netgroup in range(10, 30))
    return peers


def test_known_peers_are_dialled_first(node: PeerManager) -> None:
    assert node.next_to_dial(Purpose.CONNECT, 3)[:2] == [PREFERRED, OUTBOUND]
    neighbour = "8.2.77.77:5"
    chosen = node.next_to_dial(Purpose.CONNECT, 3, busy=[PREFERRED, neighbour])
    assert len({peer.host.split(".")[1] for peer in chosen}) == 3
    assert not {PREFERRED, OUTBOUND} & set(chosen)
    assert len(node.next_to_dial(Purpose.CONNECT, 2**64 - 1, busy=iter([PREFERRED]))) == 22
    assert node.next_to_dial(Purpose.CONNECT, 0) == []


def test_a_feeler_is_a_peer_that_was_only_heard_of(node: PeerManager) -> None:
    for _ in range(50):
        [feeler] = node.next_to_dial(Purpose.FEELER, 1, busy=[INBOUND])
        assert node.load(feeler).peer_type == PeerType.INBOUND
        assert feeler != INBOUND


def test_the_dead_and_the_waiting_are_not_dialled(peers: PeerManager, clock: FakeClock) -> None:
    peers.store(Record(PREFERRED, NOW, REALLY_DEAD + 1, PeerType.PREFERRED))
    peers.store(Record(OUTBOUND, NOW, REALLY_DEAD, PeerType.OUTBOUND))
    peers.store(Record(INBOUND, NOW + 5, 0, PeerType.INBOUND))
    assert peers.next_to_dial(Purpose.CONNECT, 3) == [OUTBOUND]
    clock.now = NOW + 5
    assert peers.next_to_dial(Purpose.CONNECT, 3) == [OUTBOUND, INBOUND]


def test_bad_dials_are_refused(node: PeerManager) -> None:
    with pytest.raises(InvalidArgumentError, match="purpose"):
        node.next_to_dial(2, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidAddressError):
        node.next_to_dial(Purpose.CONNECT, 1, busy=[PREFERRED, "what"])
    with pytest.raises(TypeError, match="busy is str"):
        node.next_to_dial(Purpose.CONNECT, 1, busy="8.1.0.1:5")
    with pytest.raises(TypeError, match="addresses is str"):
        node.set_own_addresses("8.1.0.1:5")
    assert len(node) == 23


def test_the_next_peer_to_become_due_is_known(node: PeerManager, clock: FakeClock) -> None:
    assert node.next_due() is None
    node.store(Record(PREFERRED, NOW + 9, 0, PeerType.PREFERRED))
    node.store(Record(OUTBOUND, NOW + 7, 0, PeerType.OUTBOUND))
    assert node.next_due() == NOW + 7
    clock.now = NOW + 7
    assert node.next_due() == NOW + 9
    node.store(Record(PREFERRED, 2**63 - 1, 0, PeerType.PREFERRED))
    assert node.next_due() == 2**63 - 1


def test_no_peer_is_to_blame_while_the_node_is_offline(node: PeerManager) -> None:
    node.set_online(False)
    for _ in range(20):
        node.update_backoff(PREFERRED, Backoff.INCREASE)
        assert node.load(PREFERRED).num_failures == 0
        assert NOW < node.load(PREFERRED).next_attempt <= NOW + 60
    node.set_online(True)
    node.update_backoff(PREFERRED, Backoff.INCREASE)
    assert node.load(PREFERRED).num_failures == 1
    assert node.get_stats().forgiven_failures == 20


def test_a_node_is_never_a_peer_of_its_own(node: PeerManager) -> None:
    node.set_own_addresses(["[::ffff:8.1.0.1]:5", "node.example:5"])
    assert PREFERRED not in node
    with pytest.raises(RefusedError, match=r"8\.1\.0\.1:5.*this node itself"):
        node.ensure_exists(PREFERRED)
    with pytest.raises(RefusedError):
        node.update("Node.Example:5", PeerType.OUTBOUND, Backoff.RESET)
    assert node.ensure_exists_many([PREFERRED, "9.9.9.9:9"]) == 1
    assert node.get_stats().refused_peers == 3
    with pytest.raises(InvalidAddressError):
        node.set_own_addresses([OUTBOUND, "what"])
    assert OUTBOUND in node
    node.set_own_addresses(())
    node.ensure_exists(PREFERRED)


def test_a_query_keeps_to_networks(peers: PeerManager) -> None:
    hosts = ["1.2.3.4", "[2001:db8::1]", "a.onion", "b.i2p", "example.org"]
    peers.ensure_exists_many(f"{host}:5" for host in hosts)

    def admitted(networks: Network | None) -> set[str]:
        drawn = peers.load_random_peers(9, Query(type_filter=TypeFilter.ANY, networks=networks))
        return {str(address).removesuffix(":5") for address in drawn}

    assert admitted(None) == set(hosts)
    for host, network in zip(hosts, Network, strict=True):
        assert admitted(network) == {host}
    assert admitted(Network.IPV4 | Network.ONION) == {"1.2.3.4", "a.onion"}
    with pytest.raises(InvalidArgumentError, match="networks is 32"):
        admitted(Network(32))
    with pytest.raises(InvalidArgumentError, match="none in it"):
        admitted(Network(0))


def test_a_query_prefers_the_senior_and_keeps_apart(peers: PeerManager) -> None:
    peers.ensure_exists_many(["1.1.0.1:5", "2.2.0.1:5"])
    peers.ensure_exists_many(f"3.3.0.{n}:5" for n in range(1, 21))
    oldest = Query(type_filter=TypeFilter.ANY, seniority=64, max_per_netgroup=1)
    assert {str(peers.load_random_peers(1, oldest)[0]) for _ in range(50)} == {"1.1.0.1:5"}
    near = Query(type_filter=TypeFilter.ANY, exclude=["3.3.200.200:5"])
    assert len(peers.load_random_peers(50, near)) == 22
    apart = Query(type_filter=TypeFilter.ANY, exclude=["3.3.200.200:5"], apart=True)
    assert len(peers.load_random_peers(50, apart)) == 2
    with pytest.raises(InvalidArgumentError, match="seniority is 65"):
        peers.load_random_peers(1, Query(seniority=65))


def test_each_share_key_has_a_list_of_its_own() -> None:
    with PeerManager(rng_seed=1, share_cache_seconds=3600, share_max_percent=10) as peers:
        peers.ensure_exists_many(Address("8.8.8.8", port) for port in range(1, 201))

        def told(share_key: int) -> list[Address]:
            return peers.get_peers_to_send(20, query=Query(type_filter=TypeFilter.ANY, share_key=share_key))

        assert told(0) == told(0)
        assert told(15) == told(15)
        assert told(0) != told(15)
        with pytest.raises(InvalidArgumentError, match="share_key is 16"):
            told(16)
