"""Bans: who is refused until a time."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Self, TypeAlias

from ._address import Address, native_address
from ._checks import text
from ._core import Core
from ._library import CData, check, ffi, lib
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
    def _of(cls, native: CData) -> Self:
        until = native.until
        return cls(ffi.string(native.subject).decode(), None if until == _FOR_GOOD else until)


class Bans(Core):
    """The bans of a peer manager."""

    __slots__ = ()

    def ban(self, subject: Subject, until: Time | None) -> int:
        """Bans a host, on all its ports, or a prefix, until a time; None for good. Returns how many peers were removed.
        May wait for the disk.

        The peers that it is about, preferred ones too, are removed in the same transaction, and from then on refused
        with RefusedError, in a batch and in an import left out and counted in Stats.refused_peers. Banning the same
        again moves the end. A host is one in every spelling, also as an IPv6 address that wraps an IPv4 address. Bans
        survive a restart (but not in a file that stellar-core has made), and their number costs other calls nothing.

        subject: a host or a prefix, without a port, such as "203.0.113.7", "example.org" or "203.0.113.0/24".
        """
        removed, name = ffi.new("size_t *"), _native_subject(subject)
        end = _FOR_GOOD if until is None else to_seconds(until, "until")
        check(lib.binding_ban(self._native, self._now(), name, end, removed))
        return int(removed[0])

    def unban(self, subject: Subject) -> None:
        """Ends the ban of exactly this subject; NotFoundError, which is a KeyError, if there is none. What another ban
        has of it stays refused. May wait for the disk."""
        name = _native_subject(subject)
        check(lib.binding_unban(self._native, self._now(), name))

    def is_banned(self, address: Address | str) -> bool:
        """Whether an address is banned now, whatever its port: so that a node can hang up on a connection from
        it. Text must have a port. Never waits for the disk."""
        out, (host, port) = ffi.new("bool *"), native_address(address)
        check(lib.binding_is_banned(self._native, self._now(), host, port, out))
        return bool(out[0])

    def bans(self) -> list[Ban]:
        """The bans that last, now: IPv4 first, then IPv6, then names, each in their order. Never waits for the disk."""
        count = ffi.new("size_t *")
        while True:
            capacity = count[0]
            entries = ffi.new("peer_manager_ban_entry[]", capacity)
            check(lib.binding_get_bans(self._native, self._now(), capacity, entries, count))
            # Another thread may have banned more since they were counted.
            if count[0] <= capacity:
                return [Ban._of(entries[i]) for i in range(count[0])]


def _native_subject(subject: Subject) -> bytes:
    """The text of what is banned, for C."""
    if isinstance(subject, (IPv4Address, IPv6Address, IPv4Network, IPv6Network)):
        subject = str(subject)
    return text(subject, "subject")
