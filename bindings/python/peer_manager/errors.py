"""What can go wrong: a class for each status of the library, each also what a Python program would expect."""

import enum
import errno
from typing import ClassVar


class Status(enum.IntEnum):
    """The library's status codes."""

    OK = 0
    INVALID_ARGUMENT = 1
    INVALID_ADDRESS = 2
    NOT_FOUND = 3
    DATABASE = 4
    CORRUPT = 5
    BUSY = 6
    DISK_FULL = 7
    LIMIT = 8
    UNSUPPORTED = 9
    INTERNAL = 10
    REFUSED = 11
    NO_MEMORY = 12


class PeerManagerError(Exception):
    """A call failed and did nothing. The text is one line: what failed, on what, and what to do."""

    status: ClassVar[int] = Status.INTERNAL

    sqlite_code: int = 0
    """SQLite's extended result code; 0 where SQLite was not involved."""

    def __str__(self) -> str:
        # KeyError would print the text in quotes, OSError with its number.
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(PeerManagerError, ValueError):
    """An argument that can never be right."""

    status = Status.INVALID_ARGUMENT


class ClosedError(InvalidArgumentError):
    """A peer manager or a snapshot was used after it was closed."""


class InvalidAddressError(PeerManagerError, ValueError):
    """A host or a port that is not an address, or a prefix that is none."""

    status = Status.INVALID_ADDRESS


class NotFoundError(PeerManagerError, KeyError):
    """No such peer, or no such ban."""

    status = Status.NOT_FOUND


class DatabaseError(PeerManagerError, OSError):
    """SQLite failed for another reason; sqlite_code says which."""

    status = Status.DATABASE


class CorruptError(PeerManagerError):
    """The file is damaged or not a database, or its table "peers" is not a table of peers."""

    status = Status.CORRUPT


class BusyError(PeerManagerError, TimeoutError):
    """The database stayed locked past busy_timeout_ms. The same call may succeed later."""

    status = Status.BUSY


class DiskFullError(PeerManagerError, OSError):
    """No space left for the database. The same call succeeds once there is. Its errno is ENOSPC."""

    status = Status.DISK_FULL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno = errno.ENOSPC


class LimitError(PeerManagerError):
    """A configured bound refuses the peer."""

    status = Status.LIMIT


class UnsupportedError(PeerManagerError, NotImplementedError):
    """This version, or this build, does not do that."""

    status = Status.UNSUPPORTED


class InternalError(PeerManagerError, RuntimeError):
    """A bug in the library. Every later call on that peer manager raises this, too; close it."""

    status = Status.INTERNAL


class RefusedError(PeerManagerError):
    """A policy refuses the address: it is banned (PeerManager.ban), one of the node's own
    (PeerManager.set_own_addresses), or not one that Reach.PUBLIC admits."""

    status = Status.REFUSED


class NoMemoryError(PeerManagerError, MemoryError):
    """There is not enough memory; nothing was done."""

    status = Status.NO_MEMORY


_CLASSES: dict[int, type[PeerManagerError]] = {
    cls.status: cls
    for cls in (
        InvalidArgumentError,
        InvalidAddressError,
        NotFoundError,
        DatabaseError,
        CorruptError,
        BusyError,
        DiskFullError,
        LimitError,
        UnsupportedError,
        InternalError,
        RefusedError,
        NoMemoryError,
    )
}


def make_error(status: int, sqlite_code: int, message: str) -> PeerManagerError:
    """The exception for a status. One that only a newer library knows is a plain PeerManagerError."""
    error = _CLASSES.get(status, PeerManagerError)(message)
    error.sqlite_code = sqlite_code
    if type(error) is PeerManagerError:
        error.__dict__["status"] = status
    return error
