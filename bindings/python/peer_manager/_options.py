"""The options of a peer manager, as keywords."""

from collections.abc import Callable
from os import PathLike
from typing import TypeAlias, TypedDict

from ._time import Time
from ._values import Durability, OnCorrupt, Reach

StrPath: TypeAlias = str | PathLike[str]


class Options(TypedDict, total=False):
    """The keywords of PeerManager, which says what they mean."""

    durability: Durability
    busy_timeout_ms: int
    flush_interval_ms: int
    on_corrupt: OnCorrupt
    rng_seed: int | None
    clock: Callable[[], Time] | None
    max_peers: int
    max_peers_per_netgroup: int
    share_cache_seconds: int
    share_max_percent: int
    reach: Reach
    name_groups: bool
    backoff_seconds: int
    max_backoff_exponent: int
    asmap_path: StrPath | None
    keep_history: bool
