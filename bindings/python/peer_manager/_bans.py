"""Bans: who is refused until a time."""

from ctypes import byref, c_size_t
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Self, TypeAlias

from . import _native
from ._address import Address, native_address
from ._checks import text
from ._core import Core
from ._time import Time, to_seconds

_FOR_GOOD = 2**63 - 1

Subject: TypeAlias = IPv4Address | IPv6Address | IPv4Network | IPv6Network | str
"""What can be banned: a host in any spelling (an IP address, or a name, without its subdomains), on all its ports; or a
prefix such as "203.0.113.0/24"."""


@dataclass(frozen=True, slots=True)
class Ban:
    """Who is refused, and until when."""

    subject: str
    """A host, or a prefix such as 203.0.113.0/24, in canonical form."""
    until: int | None
    """The first second, since the Unix epoch, at which it is over; None for good."""

    @classmethod
    def _of(cls, native: _native.BanEntry) -> Self:
        return cls(native.subject.decode(), None if native.until == _FOR_GOOD else native.until)


class Bans(Core):
    """The bans of a peer manager."""

    __slots__ = ()

    def ban(self, subject: Subject, until: Time | None) -> int:
        """Bans a host, on all its ports, or a prefix, until a time; None for good. Returns how many peers were removed.

        The peers that it is about, preferred ones too, are removed in the same transaction, and from then on refused
        with RefusedError, in a batch and in an import left out and counted in Stats.refused_peers. Banning the same
        again moves the end. A host is one in every spelling, also as an IPv6 address that wraps an IPv4 address. Bans
        survive a restart (but in a file that stellar-core has made), and their number costs other calls nothing.
        """
        removed = c_size_t()
        end = _FOR_GOOD if until is None else to_seconds(until, "until")
        self._call_now("ban", _native_subject(subject), end, byref(removed))
        return removed.value

    def unban(self, subject: Subject) -> None:
        """Ends the ban of exactly this subject; NotFoundError, which is a KeyError, if there is none. What another ban
        has of it stays refused."""
        self._call_now("unban", _native_subject(subject))

    def is_banned(self, address: Address | str) -> bool:
        """Whether an address is banned now, whatever its port: so that a node can hang up on who connects from it.
        Never waits for the disk."""
        native = native_address(address)
        self._read_clock()
        return bool(self._handle.use(_native.C["is_banned"], byref(native)))

    def bans(self) -> list[Ban]:
        """The bans that last, now: IPv4 first, then IPv6, then names, each in their order."""
        count = c_size_t()
        while True:
            capacity = count.value
            entries = (_native.BanEntry * capacity)()
            self._call_now("get_bans", capacity, entries, byref(count))
            # Another thread may have banned more since they were counted.
            if count.value <= capacity:
                return [Ban._of(entries[i]) for i in range(count.value)]


def _native_subject(subject: Subject) -> bytes:
    """The text of what is banned, for C."""
    if isinstance(subject, (IPv4Address, IPv6Address, IPv4Network, IPv6Network)):
        subject = str(subject)
    return text(subject, "subject")
