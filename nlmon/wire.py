"""What a transport gives and a backend takes: datagrams, as one value or as columns of many.

Not here: what a backend makes of them (``nlmon.events``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

from msgspec import Struct

__all__ = ["Datagram", "Datagrams"]


class Datagram(Struct, frozen=True, gc=False):
    """What one recv() gave: ``data`` starts at an nlmsghdr.

    ``frame``: number at its source, from 1. ``timestamp``: nanoseconds since 1970-01-01 UTC.
    ``protocol``: NETLINK_* number. ``truncated``: bytes the source lost at the end, 0 if whole. ``request``: the
    request message that this answers (its beginning), empty for a notification or when unknown;
    some answers can only be read with it. ``nsid``: the foreign namespace that it came from.
    """

    frame: int
    timestamp: int
    protocol: int
    data: bytes
    truncated: int = 0
    request: bytes = b""
    nsid: int | None = None


class Datagrams(Struct, gc=False):
    """Datagrams in the order of their source, as columns: ``frames``, ``timestamps`` and ``data`` have one entry each.

    All have one protocol, none came from another namespace, and ``truncated`` and ``request`` are the same for all of
    them; see ``Datagram``. Frame numbers ascend and may have gaps.
    """

    frames: Sequence[int]
    protocol: int
    timestamps: Sequence[int]
    data: Sequence[bytes]
    truncated: int = 0
    request: bytes = b""

    @classmethod
    def of(cls, datagram: Datagram) -> Datagrams:
        """One datagram, which must not come from another namespace."""
        columns = (datagram.frame,), datagram.protocol, (datagram.timestamp,), (datagram.data,)
        return cls(*columns, datagram.truncated, datagram.request)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Datagram]:
        """Each as a value of its own."""
        shared = repeat(self.truncated), repeat(self.request)
        return map(Datagram, self.frames, self.timestamps, repeat(self.protocol), self.data, *shared)

    def at(self, place: int) -> Datagram:
        """The datagram at a place, counted from 0."""
        frame, timestamp, data = self.frames[place], self.timestamps[place], self.data[place]
        return Datagram(frame, timestamp, self.protocol, data, self.truncated, self.request)

    def part(self, begin: int, end: int) -> Datagrams:
        """The datagrams from a place, counted from 0, up to another."""
        if not begin and end == len(self.data):
            return self
        columns = self.timestamps[begin:end], self.data[begin:end]
        return Datagrams(self.frames[begin:end], self.protocol, *columns, self.truncated, self.request)
