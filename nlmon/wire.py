"""What a transport gives and a backend takes: datagrams, as one value or as columns of many.

Not here: what a backend makes of them (``nlmon.events``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, repeat

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
    """Datagrams one behind the other, of one protocol, none an answer whose request is known and none from another
    namespace, as columns: ``timestamps`` and ``data`` of each. ``frame``: number of the first. See ``Datagram``."""

    frame: int
    protocol: int
    timestamps: Sequence[int]
    data: Sequence[bytes]
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Datagram]:
        """Each by itself."""
        frames, lost = count(self.frame), repeat(self.truncated)
        return map(Datagram, frames, self.timestamps, repeat(self.protocol), self.data, lost)
