"""The library: it is in the extension module. What is here turns its errors into exceptions."""

from typing import Any, TypeAlias

from ._messages import in_python
from .errors import ClosedError, PeerManagerError, UnsupportedError, make_error

try:
    from ._native import ffi, lib
except ImportError as error:
    raise ImportError(
        f"cannot load the extension module of peer_manager: {error}; install the wheel, or the source distribution "
        "where there is a C compiler and Rust"
    ) from error

if not lib.binding_start():
    raise ImportError("cannot use peer_manager: the system has no memory to watch for forked children")

__all__ = ["CData", "build_info", "check", "ffi", "lib", "status_name", "version_number", "version_string"]

CData: TypeAlias = Any
"""What cffi makes of a C value."""


def check(error: CData, what: str = "peer manager") -> None:
    """Raises what a function of the extension module has returned."""
    if error:
        raise _take(error, what)


def _take(error: CData, what: str) -> PeerManagerError:
    status, sqlite_code = error.status, error.sqlite_code
    message = ffi.string(error.message).decode("utf-8", "replace")
    lib.binding_error_free(error)
    if status == lib.BINDING_CLOSED:
        return ClosedError(f"cannot use the {what}: it is closed; open another")
    if status == lib.BINDING_INHERITED:
        return UnsupportedError(
            f"cannot use the {what}: it belongs to the process that this one was forked from; "
            "open one here, when that is closed"
        )
    return make_error(status, sqlite_code, in_python(message, status))


def version_string() -> str:
    """The version of the library inside, such as "0.2.0"."""
    return str(ffi.string(lib.peer_manager_version_string()).decode())


def version_number() -> int:
    """The version of the library inside: major * 1000000 + minor * 1000 + patch."""
    return int(lib.peer_manager_version_number())


def build_info() -> str:
    """How the library inside was built, in one line for logs: its version, SQLite's, the platform."""
    return str(ffi.string(lib.peer_manager_build_info()).decode())


def status_name(status: int) -> str:
    """The name of a status, such as "NOT_FOUND"; "UNKNOWN" for any other number."""
    in_range = -(2**31) <= status < 2**31
    return str(ffi.string(lib.peer_manager_status_name(status if in_range else -1)).decode())
