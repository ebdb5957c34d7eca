"""The structs, constants and prototypes of the binding are those of include/peer_manager.h."""

import ctypes
import re
import tomllib
from ctypes import POINTER, byref, c_bool, c_char_p, c_size_t, c_uint8, c_uint64, c_void_p, sizeof
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import peer_manager
from peer_manager import (
    BackOff,
    Durability,
    Network,
    OnCorrupt,
    PeerType,
    Purpose,
    Query,
    Reach,
    Status,
    TypeFilter,
    _native,
)

ROOT = Path(__file__).parents[3]
HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "include/peer_manager.h").read_text(), flags=re.DOTALL)

# What the binding leaves out; README.md says why.
LEFT_OUT = {"address_from_sockaddr", "address_to_sockaddr", "from_connection"}

STRUCTS: dict[str, type[ctypes.Structure]] = {
    "address": _native.Address,
    "error": _native.Error,
    "record": _native.Record,
    "options": _native.Options,
    "query": _native.Query,
    "stats": _native.Stats,
    "history": _native.History,
    "ban_entry": _native.BanEntry,
}

TYPES: dict[str, Any] = {
    "void": None,
    "bool": c_bool,
    "size_t": c_size_t,
    "size_t*": POINTER(c_size_t),
    "uint8_t": c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": c_uint64,
    "uint64_t*": POINTER(c_uint64),
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "int64_t*": POINTER(ctypes.c_int64),
    "peer_manager_status": ctypes.c_int32,
    "char*": c_char_p,
    "void*": c_void_p,
    "peer_manager*": c_void_p,
    "peer_manager**": POINTER(c_void_p),
    "peer_manager_snapshot*": c_void_p,
    "peer_manager_snapshot**": POINTER(c_void_p),
    **{f"peer_manager_{name}*": POINTER(struct) for name, struct in STRUCTS.items()},
    **{f"peer_manager_{name}": struct for name, struct in STRUCTS.items()},
}


def c_type(text: str) -> Any:
    """The ctypes type of a declaration such as `const struct peer_manager_address *a`, and its name."""
    text = re.sub(r"\b(const|struct)\b", "", text)
    base, stars, name = re.fullmatch(r"\s*(\w+)\s*([\s*]*?)\s*(\w+)\s*", text).groups()  # type: ignore[union-attr]
    return name, TYPES[base + stars.replace(" ", "")]


def constants(prefix: str) -> dict[str, int]:
    found = re.findall(rf"#define PEER_MANAGER_{prefix}(\w+) (\d+)\n", HEADER)
    return {name: int(value) for name, value in found}


@pytest.mark.parametrize(
    ("enumeration", "prefix"),
    [
        (PeerType, "TYPE_"),
        (BackOff, "BACKOFF_"),
        (Durability, "DURABILITY_"),
        (OnCorrupt, "ON_CORRUPT_"),
        (TypeFilter, "FILTER_"),
        (Network, "NETWORK_"),
        (Purpose, "DIAL_"),
        (Reach, "REACH_"),
    ],
)
def test_enumerations_are_those_of_the_header(enumeration: type[IntEnum], prefix: str) -> None:
    assert {member.name: member.value for member in enumeration} == constants(prefix)


def test_statuses_and_constants_are_those_of_the_header() -> None:
    assert {status.name: status.value for status in Status} == {"OK": 0} | constants("ERROR_")
    assert constants("MAX_") == {"FAILURES": peer_manager.MAX_FAILURES}
    assert constants("REALLY_") == {"DEAD": peer_manager.REALLY_DEAD}
    assert constants("HOST_") == {"CAPACITY": _native.HOST_CAPACITY}
    assert constants("DATA_") == {"CAPACITY": peer_manager.DATA_CAPACITY}
    assert constants("ADDRESS_TEXT_") == {"CAPACITY": _native.ADDRESS_TEXT_CAPACITY}


@pytest.mark.parametrize("name", STRUCTS)
def test_structs_are_those_of_the_header(name: str) -> None:
    body = re.search(rf"typedef struct peer_manager_{name} {{(.*?)}} peer_manager_{name};", HEADER, re.DOTALL)
    assert body is not None
    expected: list[Any] = []
    for line in filter(None, map(str.strip, body[1].split(";"))):
        if array := re.fullmatch(r"char (\w+)\[(\w+)\]", line):
            length = _native.HOST_CAPACITY if array[2] == "PEER_MANAGER_HOST_CAPACITY" else int(array[2])
            expected.append((array[1], ctypes.c_char * length))
        elif line == "int64_t (*clock)(void *clock_context)":
            expected.append(("clock", _native.ClockFunction))
        else:
            expected.append(c_type(line))
    assert list(STRUCTS[name]._fields_) == expected


def test_prototypes_are_those_of_the_header() -> None:
    found = re.findall(r"^([\w ]+[ *])peer_manager_(\w+)\(([^;]*?)\);", HEADER, re.MULTILINE)
    expected = {}
    for result, name, parameters in found:
        if name not in LEFT_OUT:
            types = [] if parameters == "void" else [c_type(text)[1] for text in parameters.split(",")]
            expected[name] = (c_type(f"{result} result")[1], types)
    assert expected == _native.FUNCTIONS
    assert len(found) == len(expected) + len(LEFT_OUT)


def test_sizes_are_those_that_the_header_promises() -> None:
    assert [sizeof(s) for s in (_native.Address, _native.Error, _native.Record)] == [256, 256, 272]
    assert [sizeof(s) for s in (_native.History, _native.BanEntry)] == [40, 272]


def test_the_default_query_is_the_library_s() -> None:
    native = _native.Query()
    _native.C["query_init"](byref(native), sizeof(native))
    ours = Query()._native()
    for name, _ in _native.Query._fields_:
        if name != "exclude":
            assert getattr(native, name) == getattr(ours, name), name
    assert ours.max_num_failures == peer_manager.REALLY_DEAD
    assert ours.exclude_count == 0


def test_all_agree_on_the_version() -> None:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    major, minor, patch = map(int, peer_manager.version_string().split("."))
    assert peer_manager.__version__ == peer_manager.version_string() == cargo["package"]["version"]
    assert peer_manager.version_number() == major * 1_000_000 + minor * 1000 + patch
    assert peer_manager.build_info().startswith(f"peer_manager {peer_manager.__version__}, SQLite ")


def test_statuses_have_names() -> None:
    for status in Status:
        assert peer_manager.status_name(status) == status.name
    for unknown in (-1, 13, 2**31, -(2**70)):
        assert peer_manager.status_name(unknown) == "UNKNOWN"
