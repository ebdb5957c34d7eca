"""Time is in whole seconds since the Unix epoch, as in the library: a datetime does not reach as far as an int64."""

import math
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

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
