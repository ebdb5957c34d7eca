"""What every part of the table of peers has."""

from collections.abc import Callable

from ._handle import Handle
from ._library import CData
from ._time import Time, to_seconds


class Core:
    """What the library has allocated, and the clock that the library asks."""

    __slots__ = ("__weakref__", "_clock", "_finalizer", "_handle", "_native")

    _clock: Callable[[], Time] | None
    _handle: Handle
    _native: CData

    def _now(self) -> int:
        """The time for the call that this thread makes next. The clock is read here and not from within the library,
        where an exception could only be swallowed: so if the clock raises, nothing was done."""
        return 0 if self._clock is None else to_seconds(self._clock(), "what the clock returns")
