"""The life of what the library has allocated, whatever the program does: other threads, fork, garbage collection."""

import atexit
import itertools
import os
import time
import weakref
from collections.abc import Callable
from ctypes import byref
from typing import Any, NoReturn

from . import _native
from .errors import ClosedError, UnsupportedError

# Another number in each process.
_generations = itertools.count(1)
_generation = 0


def _forked() -> None:
    global _generation
    _generation = next(_generations)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


# Those that may be in use.
_handles: weakref.WeakSet["Handle"] = weakref.WeakSet()

# Longer than a call waits for a database that is locked, unless the program has asked for more.
_LONGEST_WAIT = 10.0


def _wait_for_calls() -> None:
    """Waits for the calls of daemon threads. One that asks for the time when the interpreter is gone ends the process:
    the interpreter unwinds its thread, through frames that cannot be unwound.
    """
    until = time.monotonic() + _LONGEST_WAIT
    while any(handle.in_use for handle in tuple(_handles)) and time.monotonic() < until:
        time.sleep(0.001)


# What is registered first runs last: the finalisers have closed every manager then, so that no call begins any more.
atexit.register(_wait_for_calls)


class Handle:
    """A pointer that is freed once, when it is closed and no thread is in a call with it.

    Closing does not wait for such threads: the last one frees. What is done here to the lists are single operations
    of the interpreter, so that no lock is needed, and none can be held by a signal handler or a finaliser.
    """

    __slots__ = ("__weakref__", "_closed", "_free", "_generation", "_keep", "_name", "_pointer", "_unfreed", "_users")

    def __init__(self, pointer: int, free: Callable[[int], object], name: str, keep: object = None) -> None:
        self._pointer = pointer
        self._unfreed = [pointer]
        self._users: list[None] = []
        self._closed = False
        self._free = free
        self._name = name
        self._keep = keep
        self._generation = _generation
        _handles.add(self)

    @property
    def in_use(self) -> bool:
        """Whether a thread of this process is in a call with it."""
        return bool(self._users) and not self.is_inherited

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def is_inherited(self) -> bool:
        """Whether this is a child's copy of what its parent has."""
        return self._generation != _generation

    def use(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls the function with the pointer and the arguments."""
        try:
            # Before the look at _closed: the thread that closes looks at the users afterwards.
            self._users.append(None)
            if self._closed:
                raise ClosedError(f"cannot use the {self._name}: it is closed; open another")
            if self.is_inherited:
                raise UnsupportedError(
                    f"cannot use the {self._name}: it belongs to the process that this one was forked from; "
                    "open one here, when that is closed"
                )
            return function(self._pointer, *arguments)
        finally:
            self._users.pop()
            if self._closed:
                self._free_if_unused()

    def call(self, name: str, *arguments: object) -> None:
        """Calls a function that can fail."""
        error = _native.Error()
        if self.use(_native.C[name], *arguments, byref(error)):
            raise _native.error_of(error)

    def close(self) -> None:
        """Frees it, unless a thread is in a call: then that thread will."""
        self._closed = True
        self._free_if_unused()

    def _free_if_unused(self) -> None:
        # In a child a lock may be held for ever by a thread that is not there, so its copy is left alone.
        if self._users or self.is_inherited:
            return
        try:
            pointer = self._unfreed.pop()
        except IndexError:
            return
        self._free(pointer)

    def refuse_copy(self) -> NoReturn:
        """A copy would be freed twice; in another process it would mean nothing."""
        raise TypeError(f"a {self._name} cannot be copied or pickled; open one where it is needed")
