"""Walks the message headers of a datagram, for counting and sorting.

The backends do not use this: each has its own framing, since a shared one would hide the bugs that the
comparison is for.

Not here: anything behind the 16 bytes of ``nlmsghdr`` (linux/netlink.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["MessageHeader", "attributes", "messages", "types"]

_HEADERS = {"little": struct.Struct("<IHHII"), "big": struct.Struct(">IHHII")}
_BEGINNINGS = {"little": struct.Struct("<IH").unpack_from, "big": struct.Struct(">IH").unpack_from}


class MessageHeader(NamedTuple):
    """``offset`` in the datagram and the fields of nlmsghdr; ``length`` includes the header, in bytes."""

    offset: int
    length: int
    type: int
    flags: int
    seq: int
    pid: int


def messages(data: bytes, byteorder: str) -> Iterator[MessageHeader]:
    """Headers of the whole messages of a datagram; ends at the first that does not fit (NLMSG_OK is false)."""
    unpack = _HEADERS[byteorder].unpack_from
    offset, size = 0, len(data)
    while offset + 16 <= size:
        length, kind, flags, seq, pid = unpack(data, offset)
        if length < 16 or length > size - offset:
            return
        yield MessageHeader(offset, length, kind, flags, seq, pid)
        offset += (length + 3) & ~3


def types(data: bytes, byteorder: str) -> list[int]:
    """The types of the whole messages of a datagram, which are those of ``messages``."""
    unpack = _BEGINNINGS[byteorder]
    found, offset, size = [], 0, len(data)
    while offset + 16 <= size:
        length, kind = unpack(data, offset)
        if length < 16 or length > size - offset:
            break
        found.append(kind)
        offset += (length + 3) & ~3
    return found


TYPE_MASK = 0x3FFF  # NLA_TYPE_MASK


_ATTRIBUTE = {order: struct.Struct(sign + "HH").unpack_from for order, sign in (("little", "<"), ("big", ">"))}


def attributes(
    data: bytes, at: int, end: int, byteorder: str, again: set[int] | None = None
) -> Mapping[int, tuple[int, int]]:
    """Begin and end of each payload in a range of attributes by number; of several with one number the last, which
    is the one that counts. ``again`` takes the numbers that there are several of."""
    header, found = _ATTRIBUTE[byteorder], {}
    while at + 4 <= end:
        length, kind = header(data, at)
        if length < 4 or at + length > end:
            break
        kind &= TYPE_MASK
        if again is not None and kind in found:
            again.add(kind)
        found[kind] = at + 4, at + length
        at += (length + 3) & ~3
    return found
