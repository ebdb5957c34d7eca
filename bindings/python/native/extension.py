"""The extension module: what it is made of, for setup.py and for the Makefile.

python native/extension.py DIRECTORY LIBRARY

compiles peer_manager/_native, with the static library LIBRARY inside, into DIRECTORY/peer_manager. It needs cffi and a
C compiler. The declarations are those of peer_manager.h itself, so there is no second copy that could differ.
"""

import re
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import cffi  # type: ignore[import-untyped]

HERE = Path(__file__).resolve().parent

# The crate: two directories up in the repository, next to the package in a source distribution.
CRATE = next(
    (root for root in (HERE.parent / "crate", HERE.parents[2]) if (root / "include/peer_manager.h").is_file()), None
)

# What Python calls as it is. All other calls are made by the functions of binding.h.
FUNCTIONS = ("version_number", "version_string", "build_info", "status_name", "options_init", "query_init")

# As packaging/for-release has SQLite compiled.
HARDENED = ("-O2", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2")

# The free-threaded build has no stable ABI. Everywhere else, one file is for all versions from 3.11 on.
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")


def declarations(header: str) -> str:
    """The constants, types and functions of the header in the form that cffi reads."""
    text = re.sub(r"/\*.*?\*/|^PEER_MANAGER_API\s+", "", header, flags=re.DOTALL | re.MULTILINE)
    types, functions = text.split('#ifdef __cplusplus\nextern "C" {')
    constants = re.findall(r"^#define PEER_MANAGER_\w+ \d+$", types, re.MULTILINE)
    body = types[types.index("typedef ") :]
    prototypes = [re.search(rf"^[^;\n]*\bpeer_manager_{name}\([^;]*;", functions, re.MULTILINE) for name in FUNCTIONS]
    return "\n".join(
        [
            *constants,
            body,
            *(prototype[0] for prototype in prototypes if prototype is not None),
        ]
    )


def describe(*libraries: str) -> cffi.FFI:
    """The extension module with static libraries."""
    if CRATE is None:
        raise SystemExit("cannot build the extension module: include/peer_manager.h is not there")
    header = (CRATE / "include/peer_manager.h").read_text(encoding="utf-8")
    ffi = cffi.FFI()
    ffi.cdef(declarations(header))
    binding = re.sub(r"/\*.*?\*/", "", (HERE / "binding.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    # Python allocates handles, but does not look into them.
    ffi.cdef(
        binding.replace("typedef struct binding_handle binding_handle;", "typedef struct { ...; } binding_handle;")
    )
    linux = sys.platform.startswith("linux")
    ffi.set_source(
        "peer_manager._native",
        '#include "handle.h"\n',
        sources=sorted(str(path) for path in HERE.glob("*.c")),
        include_dirs=[str(CRATE / "include"), str(HERE)],
        extra_compile_args=["-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", *(HARDENED if linux else [])],
        # The library's symbols stay inside: another SQLite may be in the process. What nothing refers to is left out.
        extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-s", "-Wl,-z,relro,-z,now"]
        if linux
        else ["-Wl,-dead_strip"],
        libraries=["dl", "m", "pthread"] if linux else [],
        extra_objects=list(libraries),
        py_limited_api=LIMITED,
    )
    return ffi


def main(directory: str, library: str) -> None:
    if not Path(library).is_file():
        raise SystemExit(f"cannot build the extension module: there is no {library}; build the library first")
    target = Path(directory, "peer_manager")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(describe(str(Path(library).resolve())).compile(tmpdir=scratch))
        shutil.copy(made, target / made.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
