"""What the tests share."""

from collections.abc import Iterator

import pytest
from peer_manager import PeerManager


@pytest.fixture
def peers() -> Iterator[PeerManager]:
    """A manager in memory with a fixed seed."""
    with PeerManager(rng_seed=1) as manager:
        yield manager
