"""Builds the extension module, with the Rust library inside. What needs no program is in pyproject.toml.

PEER_MANAGER_LIB_DIR names the directory of a libpeer_manager.a that is built already. Without it, cargo builds the
library.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "native"))

import extension as native  # noqa: E402


class BuildWithLibrary(build_ext):
    def build_extension(self, ext: Extension) -> None:
        ext.extra_objects.append(str(library(Path(self.build_temp).resolve())))
        super().build_extension(ext)


class CompleteSdist(sdist):
    def make_release_tree(self, base_dir: str, files: Any) -> None:
        if not Path("crate", "Cargo.toml").is_file():
            raise SystemExit("cannot make a source distribution without the Rust library in crate/: use `make sdist`")
        super().make_release_tree(base_dir, files)


def library(scratch: Path) -> Path:
    """The static library."""
    directory = os.environ.get("PEER_MANAGER_LIB_DIR")
    if directory:
        archive = Path(directory, "libpeer_manager.a").resolve()
        if not archive.is_file():
            raise SystemExit(f"cannot build the extension module: there is no {archive}; build the library first")
        return archive
    if native.CRATE is None:
        raise SystemExit("cannot build the extension module: the Rust library is not there")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or scratch / "cargo")
    command = [
        *(os.environ.get("CARGO", "cargo"), "rustc", "--lib", "--crate-type", "staticlib", "--release", "--locked"),
        *("--no-default-features", "--features", "bundled,ffi", "--target-dir", str(target)),
    ]
    flags = subprocess.run(
        ["bash", "packaging/sqlite-flags"], cwd=native.CRATE, capture_output=True, text=True, check=True
    )
    environment = os.environ | {"LIBSQLITE3_FLAGS": flags.stdout.strip()}
    try:
        subprocess.run(command, cwd=native.CRATE, env=environment, check=True)
    except FileNotFoundError:
        raise SystemExit(
            "cannot build the extension module: there is no cargo; install Rust, or install a wheel"
        ) from None
    except subprocess.CalledProcessError as error:
        raise SystemExit("cannot build the extension module: cargo has failed, see above") from error
    # With CARGO_BUILD_TARGET there is one directory more.
    triple = os.environ.get("CARGO_BUILD_TARGET", "")
    return target / triple / "release" / "libpeer_manager.a"


setup(
    ext_modules=[native.describe().distutils_extension()],
    cmdclass={"build_ext": BuildWithLibrary, "sdist": CompleteSdist},
    # One wheel for all versions from 3.11 on, but for the free-threaded ones.
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if native.LIMITED else {},
)
