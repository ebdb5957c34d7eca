"""Puts the shared object into the wheel, and says for which platform the wheel is.

PEER_MANAGER_LIB_DIR names the directory that has libpeer_manager.so (libpeer_manager.dylib).
"""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SharedObjectHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        directory = os.environ.get("PEER_MANAGER_LIB_DIR")
        if not directory:
            raise SystemExit("cannot build the wheel: set PEER_MANAGER_LIB_DIR to the directory of the library")
        built, installed = (
            ("libpeer_manager.dylib", "libpeer_manager.dylib")
            if sys.platform == "darwin"
            else ("libpeer_manager.so", "libpeer_manager.so.0")
        )
        library = Path(directory, built)
        if not library.is_file():
            raise SystemExit(f"cannot build the wheel: there is no {library}; build the library first")
        # Any Python 3 will do, because nothing is compiled against its headers; the platform must be this one.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        build_data["force_include"][str(library)] = f"peer_manager/{installed}"
        for name in ("LICENSE-MIT", "LICENSE-APACHE"):
            build_data["extra_metadata"][str(Path(self.root, "..", "..", name))] = name
