"""The constants, structs and functions of the binding are those of include/peer_manager.h.

The compiler has checked what the extension module calls: it is compiled with that header.
"""

import re
import tomllib
from enum import IntEnum
from pathlib import Path

import pytest

import peer_manager
from peer_manager import (
    Backoff,
    Durability,
    Network,
    OnCorrupt,
    PeerType,
    Purpose,
    Query,
    Reach,
    Status,
    TypeFilter,
    _values,
)
from peer_manager._native import ffi, lib

ROOT = Path(__file__).parents[3]
HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "include/peer_manager.h").read_text(), flags=re.DOTALL)

# The functions of C that the binding has no use for, and why.
LEFT_OUT = {
    "address_equal": "canonical addresses are compared with ==",
    "address_format": "str of a canonical address",
    "address_from_sockaddr": "Python has tuples there",
    "address_to_sockaddr": "Python has tuples there",
    "from_connection": "sqlite3 does not expose its connection",
    "new_in_memory": "open with the default options",
    "new_with_db": "open with the default options",
    "record_init": "the fields are known",
    "record_is_ready": "a comparison",
}


def constants(prefix: str) -> dict[str, int]:
    found = re.findall(rf"#define PEER_MANAGER_{prefix}(\w+) (\d+)\n", HEADER)
    return {name: int(value) for name, value in found}


@pytest.mark.parametrize(
    ("enumeration", "prefix"),
    [
        (PeerType, "TYPE_"),
        (Backoff, "BACKOFF_"),
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
    assert constants("HOST_") == {"CAPACITY": lib.PEER_MANAGER_HOST_CAPACITY}
    assert constants("DATA_") == {"CAPACITY": peer_manager.DATA_CAPACITY}


def test_each_function_of_the_header_is_called_or_left_out_for_a_reason() -> None:
    found = re.findall(r"^[\w ]+[ *]peer_manager_(\w+)\([^;]*?\);", HEADER, re.MULTILINE)
    package = Path(__file__).parents[1]
    sources = [*package.glob("native/*.c"), *package.glob("peer_manager/*.py")]
    text = "\n".join(path.read_text() for path in sources)
    called = {name for name in found if re.search(rf"\bpeer_manager_{name}\(", text)}
    assert len(found) > 50
    assert called == set(found) - set(LEFT_OUT)
    assert set(LEFT_OUT) <= set(found)


def test_each_function_of_the_extension_module_is_called() -> None:
    package = Path(__file__).parents[1] / "peer_manager"
    text = "\n".join(path.read_text() for path in package.glob("*.py"))
    functions = [name for name in dir(lib) if name.startswith(("binding_", "peer_manager_"))]
    assert len(functions) > 50
    assert [name for name in functions if f"lib.{name}" not in text] == []


def test_sizes_are_those_that_the_header_promises() -> None:
    names = ("address", "error", "record", "history", "ban_entry")
    assert [ffi.sizeof(f"peer_manager_{name}") for name in names] == [256, 256, 272, 40, 272]


def test_python_unpacks_what_c_packs() -> None:
    assert ffi.sizeof("binding_record") == _values._RECORD.size
    fields = dict(ffi.typeof("binding_record").fields)
    assert [fields[name].offset for name in ("next_attempt", "num_failures", "peer_type")] == [0, 8, 12]


def test_the_default_query_is_the_library_s() -> None:
    native = ffi.new("peer_manager_query *")
    lib.peer_manager_query_init(native, ffi.sizeof("peer_manager_query"))
    ours = Query()._native()
    assert bytes(ffi.buffer(native)) == bytes(ffi.buffer(ours))
    assert ours.max_num_failures == peer_manager.REALLY_DEAD


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
