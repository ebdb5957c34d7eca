"""Time is in whole seconds since the Unix epoch, as in the library: a datetime does not reach as far as an int64."""

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeAlias

from . import _native
from ._checks import integer
from .errors import InvalidArgumentError

Time: TypeAlias = int | float | datetime
"""Seconds since the Unix epoch, rounded down if need be, or an aware datetime."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def to_seconds(time: Time, name: str) -> int:
    """Whole seconds since the Unix epoch."""
    if isinstance(time, datetime):
        if time.utcoffset() is None:
            raise InvalidArgumentError(f"{name} is a datetime without a time zone; give an aware one")
        time = (time - _EPOCH) // timedelta(seconds=1)
    elif isinstance(time, float):
        if not math.isfinite(time):
            raise InvalidArgumentError(f"{name} is {time}; give seconds since the Unix epoch")
        time = math.floor(time)
    return integer(time, name, _LOWEST, _HIGHEST)


def to_datetime(seconds: int) -> datetime:
    """An aware datetime; OverflowError where there is none."""
    return _EPOCH + timedelta(seconds=seconds)


class _Present(threading.local):
    now = 0


class Clock:
    """A clock in Python for the library.

    It is read before the library is called and not from within, where an exception could only be swallowed: so if the
    clock raises, nothing was done. What the library calls is made of C functions alone, with no place where a signal
    handler could run and raise.
    """

    def __init__(self, read: Callable[[], Time]) -> None:
        if not callable(read):
            raise TypeError(f"clock is {type(read).__name__}; give a function without parameters")
        self._read = read
        self._present = _Present()
        # The library's context is NULL, so this calls getattr(present, "now", None).
        self.function = _native.ClockFunction(partial(getattr, self._present, "now"))

    def read(self) -> None:
        """Reads the clock for the call that this thread makes next."""
        self._present.now = to_seconds(self._read(), "what the clock returns")
