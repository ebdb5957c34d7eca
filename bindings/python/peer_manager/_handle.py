"""The life of what the library has allocated, whatever the program does: other threads, fork, garbage collection."""

import atexit
import time
import weakref
from typing import NoReturn

from ._library import CData, check, ffi, lib

# Those that may be in use.
_handles: weakref.WeakSet["Handle"] = weakref.WeakSet()

# Longer than a call waits for a database that is locked, unless the program has asked for more.
_LONGEST_WAIT = 10.0


def _wait_for_calls() -> None:
    """Waits for the calls of daemon threads: the last of them closes what was closed meanwhile."""
    until = time.monotonic() + _LONGEST_WAIT
    while any(handle.in_use for handle in tuple(_handles)) and time.monotonic() < until:
        time.sleep(0.001)


# What is registered first runs last: the finalisers have closed every manager then, so that no call begins any more.
atexit.register(_wait_for_calls)


class Handle:
    """A pointer that is freed once, when it is closed and no thread is in a call with it: native/handle.c."""

    __slots__ = ("__weakref__", "name", "native")

    def __init__(self, name: str) -> None:
        self.name = name
        self.native: CData = ffi.new("binding_handle *")
        _handles.add(self)

    @property
    def in_use(self) -> bool:
        """Whether a thread of this process is in a call with it."""
        return bool(lib.binding_is_used(self.native))

    @property
    def closed(self) -> bool:
        return bool(lib.binding_is_closed(self.native))

    @property
    def is_inherited(self) -> bool:
        """Whether this is a child's copy of what its parent has."""
        return bool(lib.binding_is_inherited(self.native))

    def check(self, error: CData) -> None:
        """Raises what a call with it has returned."""
        check(error, self.name)

    def close(self) -> None:
        """Frees it, unless a thread is in a call: then that thread will. It does not wait for such threads."""
        lib.binding_close(self.native)

    def refuse_copy(self) -> NoReturn:
        """A copy would be freed twice; in another process it would mean nothing."""
        raise TypeError(f"a {self.name} cannot be copied or pickled; open one where it is needed")
