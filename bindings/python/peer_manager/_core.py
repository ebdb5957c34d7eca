"""What every part of the table of peers has."""

from ._handle import Handle
from ._time import Clock


class Core:
    """A pointer to what the library has allocated, and the clock that the library asks."""

    __slots__ = ("__weakref__", "_clock", "_finalizer", "_handle")

    _clock: Clock | None
    _handle: Handle

    def _call_now(self, name: str, *arguments: object) -> None:
        """Calls a function that may ask for the time."""
        self._read_clock()
        self._handle.call(name, *arguments)

    def _read_clock(self) -> None:
        if self._clock is not None:
            self._clock.read()
