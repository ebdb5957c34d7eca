"""What is checked before C is called: C would cut text at its first NUL, and cffi names no argument in its messages."""

import operator
from collections.abc import Iterable
from typing import SupportsIndex, TypeVar

from .errors import InvalidArgumentError

T = TypeVar("T")


def integer(value: SupportsIndex, name: str, low: int, high: int) -> int:
    """A whole number from low to high."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {type(value).__name__}; give an int") from None
    if not low <= number <= high:
        # Without the number: it may have a million digits.
        raise InvalidArgumentError(f"{name} is out of range; give {low} to {high}")
    return number


def unsigned(value: SupportsIndex, name: str, bits: int = 32) -> int:
    """A whole number that fits an unsigned C integer of this many bits."""
    return integer(value, name, 0, (1 << bits) - 1)


def text(value: str, name: str) -> bytes:
    """Text for C. What is not UTF-8 is left to the library to refuse."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}; give a str")
    encoded = value.encode("utf-8", "surrogatepass")
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{name} has a NUL in it; give text without one")
    return encoded


def several(values: Iterable[T], name: str) -> list[T]:
    """The elements of anything that can be iterated, but a str: that would be an address for each letter."""
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} is {type(values).__name__}; give a list")
    return list(values)
