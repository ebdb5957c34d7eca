"""Histories: when peers were heard of, reached and tried."""

import operator
from dataclasses import dataclass
from typing import Self

from ._address import Address, native_address
from ._core import Core
from ._library import CData, check, ffi, lib
from ._time import Time, to_seconds


@dataclass(frozen=True, slots=True)
class History:
    """When a peer was heard of, reached and tried, in seconds since the Unix epoch; None for never, and for what is not
    known. A peer that was there before its history was kept begins with nothing."""

    first_heard: int | None
    """When it was inserted, or when something was noted of it first."""
    last_heard: int | None
    """When it was last inserted, or named by ensure_exists or ensure_exists_many. Gossip moves it only by a day or
    more, so that the true time may be up to a day later."""
    first_reached: int | None
    """When it was first reached: Backoff.RESET or HARD_RESET."""
    last_reached: int | None
    last_attempt: int | None
    """When an attempt to reach it last failed: Backoff.INCREASE."""

    @classmethod
    def _of(cls, native: CData) -> Self:
        return cls(*(time or None for time in operator.attrgetter(*cls.__slots__)(native)))


class Histories(Core):
    """The histories of the peers of a peer manager."""

    __slots__ = ()

    def load_history(self, address: Address | str) -> History:
        """When a peer was heard of, reached and tried; NotFoundError, which is a KeyError, if it is not known.
        UnsupportedError without keep_history. Never waits for the disk."""
        out = ffi.new("peer_manager_history *")
        check(lib.binding_load_history(self._native, *native_address(address), out))
        return History._of(out)

    def remove_peers_not_heard_since(self, since: Time) -> int:
        """Removes the inbound peers that were never reached and were last heard of before that time; those of which
        nothing is known stay. Returns how many. UnsupportedError without keep_history. May wait for the disk."""
        removed = ffi.new("size_t *")
        check(lib.binding_remove_peers_not_heard_since(self._native, to_seconds(since, "since"), removed))
        return int(removed[0])
