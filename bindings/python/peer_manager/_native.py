"""The shared object: where it is, its structs and its functions, as include/peer_manager.h has them."""

import ctypes
import sys
from collections.abc import Callable
from ctypes import (
    POINTER,
    c_bool,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

from .errors import PeerManagerError, make_error

HOST_CAPACITY = 254
ADDRESS_TEXT_CAPACITY = 260
DATA_CAPACITY = 255

# The lowest version that has all the functions below: 0.2.0.
_LOWEST_VERSION = 2000

_FILE_NAME = "libpeer_manager.dylib" if sys.platform == "darwin" else "libpeer_manager.so.0"


class Error(ctypes.Structure):
    _fields_ = (("status", c_int32), ("sqlite_code", c_int32), ("message", ctypes.c_char * 248))


class Address(ctypes.Structure):
    _fields_ = (("host", ctypes.c_char * HOST_CAPACITY), ("port", c_uint16))


class Record(ctypes.Structure):
    _fields_ = (("address", Address), ("next_attempt", c_int64), ("num_failures", c_uint32), ("peer_type", c_uint32))


class History(ctypes.Structure):
    _fields_ = (
        ("first_heard", c_int64),
        ("last_heard", c_int64),
        ("first_reached", c_int64),
        ("last_reached", c_int64),
        ("last_attempt", c_int64),
    )


class BanEntry(ctypes.Structure):
    _fields_ = (("subject", ctypes.c_char * 264), ("until", c_int64))


ClockFunction = ctypes.CFUNCTYPE(c_int64, c_void_p)


class Options(ctypes.Structure):
    _fields_ = (
        ("struct_size", c_uint32),
        ("durability", c_uint32),
        ("db_path", c_char_p),
        ("busy_timeout_ms", c_uint32),
        ("flush_interval_ms", c_uint32),
        ("on_corrupt", c_uint32),
        ("has_rng_seed", c_uint32),
        ("rng_seed", c_uint64),
        ("clock", ClockFunction),
        ("clock_context", c_void_p),
        ("max_peers", c_uint64),
        ("max_peers_per_netgroup", c_uint32),
        ("share_cache_seconds", c_uint32),
        ("share_max_percent", c_uint32),
        ("reserved", c_uint32),
        ("reach", c_uint32),
        ("name_groups", c_uint32),
        ("keep_history", c_uint32),
        ("backoff_seconds", c_uint32),
        ("max_backoff_exponent", c_uint32),
        ("reserved2", c_uint32),
        ("asmap_path", c_char_p),
    )


class Query(ctypes.Structure):
    _fields_ = (
        ("struct_size", c_uint32),
        ("type_filter", c_uint32),
        ("use_next_attempt", c_uint32),
        ("has_max_num_failures", c_uint32),
        ("max_num_failures", c_uint32),
        ("max_per_netgroup", c_uint32),
        ("exclude", POINTER(Address)),
        ("exclude_count", c_size_t),
        ("seniority", c_uint32),
        ("apart", c_uint32),
        ("networks", c_uint32),
        ("share_key", c_uint32),
        ("heard_since", c_int64),
        ("reached_since", c_int64),
    )


class Stats(ctypes.Structure):
    _fields_ = (
        ("struct_size", c_uint32),
        ("durability", c_uint32),
        ("peers", c_uint64),
        ("inbound", c_uint64),
        ("outbound", c_uint64),
        ("preferred", c_uint64),
        ("ready", c_uint64),
        ("netgroups", c_uint64),
        ("pending_writes", c_uint64),
        ("failed_writes", c_uint64),
        ("skipped_rows", c_uint64),
        ("refused_peers", c_uint64),
        ("bans", c_uint64),
        ("log_bytes", c_uint64),
        ("forgiven_failures", c_uint64),
        ("rejected_rows", c_uint64),
    )


def _load() -> ctypes.CDLL:
    # A wheel has it next to this file. Otherwise the system's loader finds it, as it does for a C program.
    bundled = Path(__file__).with_name(_FILE_NAME)
    try:
        # CDLL, unlike PyDLL, lets other threads run during each call.
        library = ctypes.CDLL(str(bundled) if bundled.exists() else _FILE_NAME)
    except OSError as error:
        raise ImportError(
            f"cannot load {_FILE_NAME}: {error}; install the wheel, or put the library on the loader's path "
            "(LD_LIBRARY_PATH)"
        ) from error
    library.peer_manager_version_number.restype = c_uint32
    if library.peer_manager_version_number() < _LOWEST_VERSION:
        raise ImportError(f"cannot use {library._name}: it is older than 0.2.0; install a newer library")
    return library


library = _load()

_handle = c_void_p
_address = POINTER(Address)
_error = POINTER(Error)
_size = POINTER(c_size_t)
_count = POINTER(c_uint64)

# Name, result, parameters. None is void.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "version_number": (c_uint32, []),
    "version_string": (c_char_p, []),
    "build_info": (c_char_p, []),
    "status_name": (c_char_p, [c_int32]),
    "address_init": (c_int32, [c_char_p, c_uint16, _address, _error]),
    "address_parse": (c_int32, [c_char_p, c_uint16, _address, _error]),
    "address_format": (c_int32, [_address, c_char_p, c_size_t, _error]),
    "address_equal": (c_bool, [_address, _address]),
    "address_is_private": (c_bool, [_address]),
    "address_is_routable": (c_bool, [_address]),
    "address_netgroup": (c_int32, [_handle, _address, _count, _error]),
    "record_init": (c_int32, [_address, c_int64, POINTER(Record), _error]),
    "record_is_ready": (c_bool, [POINTER(Record), c_int64]),
    "options_init": (None, [POINTER(Options), c_size_t]),
    "open": (c_int32, [POINTER(Options), POINTER(_handle), _error]),
    "new_in_memory": (c_int32, [POINTER(_handle), _error]),
    "new_with_db": (c_int32, [c_char_p, POINTER(_handle), _error]),
    "flush": (c_int32, [_handle, _error]),
    "free": (None, [_handle]),
    "ensure_exists": (c_int32, [_handle, _address, _error]),
    "ensure_exists_many": (c_int32, [_handle, _address, c_size_t, _size, _error]),
    "load": (c_int32, [_handle, _address, POINTER(Record), _error]),
    "store": (c_int32, [_handle, POINTER(Record), _error]),
    "store_many": (c_int32, [_handle, POINTER(Record), c_size_t, _error]),
    "update_type": (c_int32, [_handle, _address, c_uint32, c_uint8, _error]),
    "update_backoff": (c_int32, [_handle, _address, c_uint32, _error]),
    "update": (c_int32, [_handle, _address, c_uint32, c_uint8, c_uint32, _error]),
    "import": (c_int32, [_handle, c_char_p, _size, _error]),
    "remove": (c_int32, [_handle, _address, _error]),
    "remove_peers_with_many_failures": (c_int32, [_handle, c_uint32, _size, _error]),
    "limit_next_attempt": (c_int32, [_handle, c_int64, _size, _error]),
    "clear_all": (c_int32, [_handle, _error]),
    "query_init": (None, [POINTER(Query), c_size_t]),
    "load_random_peers": (c_int32, [_handle, POINTER(Query), c_size_t, _address, _size, _error]),
    "get_peers_to_send": (c_int32, [_handle, POINTER(Query), _address, c_size_t, _address, _size, _error]),
    "next_to_dial": (c_int32, [_handle, c_uint32, _address, c_size_t, c_size_t, _address, _size, _error]),
    "next_due": (c_int32, [_handle, POINTER(c_int64), _error]),
    "set_online": (c_int32, [_handle, c_uint8, _error]),
    "set_own_addresses": (c_int32, [_handle, _address, c_size_t, _error]),
    "ban": (c_int32, [_handle, c_char_p, c_int64, _size, _error]),
    "unban": (c_int32, [_handle, c_char_p, _error]),
    "is_banned": (c_bool, [_handle, _address]),
    "get_bans": (c_int32, [_handle, c_size_t, POINTER(BanEntry), _size, _error]),
    "load_history": (c_int32, [_handle, _address, POINTER(History), _error]),
    "remove_peers_not_heard_since": (c_int32, [_handle, c_int64, _size, _error]),
    "set_data": (c_int32, [_handle, _address, c_void_p, c_size_t, _error]),
    "get_data": (c_int32, [_handle, _address, c_void_p, c_size_t, _size, _error]),
    "remove_host": (c_int32, [_handle, c_char_p, _size, _error]),
    "peer_count": (c_size_t, [_handle]),
    "get_all_peers": (c_int32, [_handle, POINTER(_handle), _error]),
    "snapshot_count": (c_size_t, [_handle]),
    "snapshot_get": (c_int32, [_handle, c_size_t, POINTER(Record), _error]),
    "snapshot_get_history": (c_int32, [_handle, c_size_t, POINTER(History), _error]),
    "snapshot_get_data": (c_int32, [_handle, c_size_t, c_void_p, c_size_t, _size, _error]),
    "snapshot_free": (None, [_handle]),
    "stats_init": (None, [POINTER(Stats), c_size_t]),
    "get_stats": (c_int32, [_handle, POINTER(Stats), _error]),
    "get_quarantine": (c_int32, [_handle, c_char_p, c_size_t, _count, _count, _error]),
}


def _declare() -> dict[str, Callable[..., Any]]:
    declared: dict[str, Callable[..., Any]] = {}
    for name, (result, parameters) in FUNCTIONS.items():
        function = getattr(library, f"peer_manager_{name}")
        function.restype = result
        function.argtypes = parameters
        declared[name] = function
    return declared


C = _declare()
"""The functions by their names without "peer_manager_"."""


def error_of(error: Error) -> PeerManagerError:
    """What a failed call has written, as an exception."""
    return make_error(error.status, error.sqlite_code, error.message.decode("utf-8", "replace"))


def call(name: str, *arguments: object) -> None:
    """Calls a function that belongs to no handle and can fail."""
    error = Error()
    if C[name](*arguments, ctypes.byref(error)):
        raise error_of(error)


def version_string() -> str:
    """The version of the library that is loaded, such as "0.2.0"."""
    return str(C["version_string"]().decode())


def version_number() -> int:
    """The version of the library that is loaded: major * 1000000 + minor * 1000 + patch."""
    return int(C["version_number"]())


def build_info() -> str:
    """How the library that is loaded was built, in one line for logs: its version, SQLite's, the platform."""
    return str(C["build_info"]().decode())


def status_name(status: int) -> str:
    """The name of a status, such as "NOT_FOUND"; "UNKNOWN" for any other number."""
    in_range = -(2**31) <= status < 2**31
    return str(C["status_name"](status if in_range else -1).decode())
