"""The table of peers that a peer-to-peer node keeps: whom to dial next, whom to tell others about, how each address
has behaved.

    with PeerManager("peers.db") as peers:
        peers.ensure_exists("core-live-a.stellar.org:11625")
        for address in peers.next_to_dial(Purpose.CONNECT, 8):
            peers.update_backoff(address, Backoff.INCREASE)
"""

from ._address import Address, HostLike, address_equal
from ._bans import Ban, Subject
from ._data import DATA_CAPACITY, BytesLike
from ._history import History
from ._library import build_info, status_name, version_number, version_string
from ._manager import PeerManager
from ._snapshot import Snapshot
from ._time import Time
from ._values import (
    MAX_FAILURES,
    REALLY_DEAD,
    Backoff,
    Durability,
    Network,
    OnCorrupt,
    PeerType,
    Purpose,
    Quarantine,
    Query,
    Reach,
    Record,
    Stats,
    TypeFilter,
)
from .errors import (
    BusyError,
    ClosedError,
    CorruptError,
    DatabaseError,
    DiskFullError,
    InternalError,
    InvalidAddressError,
    InvalidArgumentError,
    LimitError,
    NoMemoryError,
    NotFoundError,
    PeerManagerError,
    RefusedError,
    Status,
    UnsupportedError,
)

__version__ = "0.2.0"

__all__ = [
    "DATA_CAPACITY",
    "MAX_FAILURES",
    "REALLY_DEAD",
    "Address",
    "Backoff",
    "Ban",
    "BusyError",
    "BytesLike",
    "ClosedError",
    "CorruptError",
    "DatabaseError",
    "DiskFullError",
    "Durability",
    "History",
    "HostLike",
    "InternalError",
    "InvalidAddressError",
    "InvalidArgumentError",
    "LimitError",
    "Network",
    "NoMemoryError",
    "NotFoundError",
    "OnCorrupt",
    "PeerManager",
    "PeerManagerError",
    "PeerType",
    "Purpose",
    "Quarantine",
    "Query",
    "Reach",
    "Record",
    "RefusedError",
    "Snapshot",
    "Stats",
    "Status",
    "Subject",
    "Time",
    "TypeFilter",
    "UnsupportedError",
    "address_equal",
    "build_info",
    "status_name",
    "version_number",
    "version_string",
]
