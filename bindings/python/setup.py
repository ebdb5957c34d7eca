"""Builds the extension module, with the Rust library inside. What needs no program is in pyproject.toml.

PEER_MANAGER_LIB_DIR names the directory of a libpeer_manager.a that is built already. Without it, cargo builds the
library.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "native"))

import extension as native  # noqa: E402


class BuildWithLibrary(build_ext):
    def build_extension(self, ext: Extension) -> None:
        # A Python that was built by hand may want its own directory searched; the wheel is for other machines.
        linker = self.compiler.linker_so
        linker[:] = [argument for argument in linker if not argument.startswith("-Wl,-rpath")]
        ext.extra_objects.append(str(library(Path(self.build_temp).resolve())))
        super().build_extension(ext)


class WheelWithBill(bdist_wheel):
    def write_wheelfile(self, wheelfile_base: str, **how: Any) -> None:
        super().write_wheelfile(wheelfile_base, **how)
        # Where PEP 770 wants bills of materials.
        directory = Path(wheelfile_base, "sboms")
        directory.mkdir(exist_ok=True)
        if native.CRATE is not None:
            bill = native.CRATE / "packaging/third-party/bundled.cdx.json"
            shutil.copy(bill, directory / "peer_manager.cdx.json")


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
    cargo = os.environ.get("CARGO", "cargo")
    if shutil.which(cargo) is None:
        raise SystemExit("cannot build the extension module: there is no cargo; install Rust, or install a wheel")
    command = [
        *("bash", "packaging/for-release", cargo, "rustc", "--lib", "--crate-type", "staticlib", "--release"),
        *("--locked", "--no-default-features", "--features", "bundled,ffi"),
    ]
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    try:
        subprocess.run(command, cwd=native.CRATE, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit("cannot build the extension module: cargo has failed, see above") from error
    # With CARGO_BUILD_TARGET there is one directory more.
    triple = os.environ.get("CARGO_BUILD_TARGET", "")
    return target / triple / "release" / "libpeer_manager.a"


setup(
    ext_modules=[native.describe().distutils_extension()],
    cmdclass={"bdist_wheel": WheelWithBill, "build_ext": BuildWithLibrary, "sdist": CompleteSdist},
    # One wheel for all versions from 3.11 on, but for the free-threaded ones.
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if native.LIMITED else {},
)
