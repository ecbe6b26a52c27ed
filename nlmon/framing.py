"""Walks the framing of netlink: message headers, attributes, and the next hops of a route.

For everything that is no implementation: recordings, the recorded kernel, the evidence of the comparison.

Rules:
1. A walk ends at the first item that does not fit; what came before it counts. Where the kernel or a recorded program
   is less strict, the caller says so (``clip``, ``strict``).
2. Only lengths and numbers are read. Byte order is that of the recorded machine, ``little`` or ``big``.
3. The backends do not use this: each has its own framing, since a shared one would hide the bugs that the comparison is
   for.

Not here: what stands behind a header (``nlmon.compare.evidence``, ``nlmon.transport.recorded``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from nlmon.uapi import (
    IFINFOMSG,
    IFLA_VF_INFO,
    IFLA_VFINFO_LIST,
    NLA_HDRLEN,
    NLA_TYPE_MASK,
    NLMSG_HDRLEN,
    RTNEXTHOP,
)

__all__ = [
    "LONGEST_ATTRIBUTE",
    "SIGNS",
    "MessageHeader",
    "align",
    "attribute",
    "attributes",
    "header",
    "link_attributes",
    "messages",
    "next_hops",
    "nlattr",
    "nlmsghdr",
    "split_messages",
    "types",
    "walk_attributes",
]

LONGEST_ATTRIBUTE = 0xFFFF  # nla_len has 16 bits
# Signs of ``struct``, by the order of the bytes.
SIGNS = {"little": "<", "big": ">"}
_NLMSGHDR = {order: struct.Struct(sign + "IHHII") for order, sign in SIGNS.items()}
_MESSAGE = {order: layout.unpack_from for order, layout in _NLMSGHDR.items()}
_NLATTR = {order: struct.Struct(sign + "HH") for order, sign in SIGNS.items()}
_TYPE = {order: struct.Struct(sign + "IH").unpack_from for order, sign in SIGNS.items()}
_ATTRIBUTE = {order: layout.unpack_from for order, layout in _NLATTR.items()}


class MessageHeader(NamedTuple):
    """``offset`` in the datagram and the fields of nlmsghdr; ``length`` includes the header, in bytes."""

    offset: int
    length: int
    type: int
    flags: int
    seq: int
    pid: int


def align(length: int) -> int:
    """A length with its padding: messages, attributes and next hops begin at multiples of 4 (NLMSG_ALIGN)."""
    return (length + 3) & ~3


# -- messages ------------------------------------------------------------------------------------------------


def nlmsghdr(byteorder: str) -> struct.Struct:
    """The layout of struct nlmsghdr, to write a header, or to read one where a ``MessageHeader`` costs too much."""
    return _NLMSGHDR[byteorder]


def header(data: bytes, at: int, byteorder: str) -> MessageHeader:
    """The header at an offset, of which 16 bytes must be there; its length may be wrong."""
    return MessageHeader(at, *_MESSAGE[byteorder](data, at))


def messages(data: bytes, byteorder: str) -> Iterator[MessageHeader]:
    """Headers of the whole messages of a datagram; ends at the first that does not fit (NLMSG_OK is false)."""
    unpack = _MESSAGE[byteorder]
    offset, size = 0, len(data)
    while offset + NLMSG_HDRLEN <= size:
        length, kind, flags, seq, pid = unpack(data, offset)
        if length < NLMSG_HDRLEN or length > size - offset:
            return
        yield MessageHeader(offset, length, kind, flags, seq, pid)
        offset += (length + 3) & ~3


def split_messages(data: bytes, byteorder: str) -> list[tuple[int, bytes]]:
    """Type and bytes of the whole messages of a datagram, which are those of ``messages``."""
    unpack = _TYPE[byteorder]
    found, offset, size = [], 0, len(data)
    while offset + NLMSG_HDRLEN <= size:
        length, kind = unpack(data, offset)
        if length < NLMSG_HDRLEN or length > size - offset:
            break
        found.append((kind, data[offset : offset + length]))
        offset += (length + 3) & ~3
    return found


def types(data: bytes, byteorder: str) -> list[int]:
    """The types of the whole messages of a datagram, which are those of ``messages``."""
    unpack = _TYPE[byteorder]
    found, offset, size = [], 0, len(data)
    while offset + NLMSG_HDRLEN <= size:
        length, kind = unpack(data, offset)
        if length < NLMSG_HDRLEN or length > size - offset:
            break
        found.append(kind)
        offset += (length + 3) & ~3
    return found


# -- attributes ----------------------------------------------------------------------------------------------


def nlattr(byteorder: str) -> struct.Struct:
    """The layout of struct nlattr, to write a header."""
    return _NLATTR[byteorder]


def walk_attributes(
    data: bytes, at: int, end: int, byteorder: str, *, mask: int = NLA_TYPE_MASK, clip: bool = False
) -> list[tuple[int, int, int]]:
    """Number, begin and end of the payload of each attribute in a range, in order. ``mask``: the bits of nla_type that
    are the number. ``clip``: one that is longer than the range ends with it, else it ends the walk."""
    unpack, found = _ATTRIBUTE[byteorder], []
    while at + NLA_HDRLEN <= end:
        length, kind = unpack(data, at)
        stop = at + length
        if length < NLA_HDRLEN or (stop > end and not clip):
            break
        found.append((kind & mask, at + NLA_HDRLEN, min(stop, end)))
        at += (length + 3) & ~3
    return found


def attributes(
    data: bytes, at: int, end: int, byteorder: str, repeated: set[int] | None = None
) -> Mapping[int, tuple[int, int]]:
    """Begin and end of each payload in a range of attributes by number; of several with one number the last, which is
    the one that counts. ``repeated`` takes the numbers that there are several of."""
    unpack, found = _ATTRIBUTE[byteorder], {}
    while at + NLA_HDRLEN <= end:
        length, kind = unpack(data, at)
        if length < NLA_HDRLEN or at + length > end:
            break
        kind &= NLA_TYPE_MASK
        if repeated is not None and kind in found:
            repeated.add(kind)
        found[kind] = at + NLA_HDRLEN, at + length
        at += (length + 3) & ~3
    return found


def link_attributes(
    data: bytes, at: int, end: int, byteorder: str, repeated: set[int] | None = None
) -> Mapping[int, tuple[int, int]]:
    """``attributes`` of a message about a link. The length of IFLA_VFINFO_LIST has 16 bits and wraps: one entry of the
    list behind the other, up to where the length would be right but for a multiple of 65,536, are no attributes of the
    link. Where that is nowhere, nothing behind the list counts."""
    listed = None
    if NLMSG_HDRLEN + IFINFOMSG + end - at > LONGEST_ATTRIBUTE:
        top = walk_attributes(data, at, end, byteorder)
        listed = next((one for one in top if one[0] == IFLA_VFINFO_LIST), None)
    if listed is None:
        return attributes(data, at, end, byteorder, repeated)
    _, begin, stop = listed
    entries = takewhile(lambda one: one[0] == IFLA_VF_INFO, walk_attributes(data, begin, end, byteorder))
    ends = [begin, *(align(last) for _, _, last in entries)]
    behind = max((one for one in ends if (one - stop) % (LONGEST_ATTRIBUTE + 1) == 0), default=end)
    before = attributes(data, at, begin - NLA_HDRLEN, byteorder, repeated)
    return {**before, IFLA_VFINFO_LIST: (begin, behind), **attributes(data, behind, end, byteorder, repeated)}


def attribute(data: bytes, at: int, end: int, byteorder: str, number: int) -> bytes | None:
    """The payload of the first attribute with a number in a range; None where there is none before the walk ends."""
    unpack = _ATTRIBUTE[byteorder]
    while at + NLA_HDRLEN <= end:
        length, kind = unpack(data, at)
        if length < NLA_HDRLEN or at + length > end:
            return None
        if kind & NLA_TYPE_MASK == number:
            return data[at + NLA_HDRLEN : at + length]
        at += (length + 3) & ~3
    return None


# -- next hops -----------------------------------------------------------------------------------------------


def next_hops(data: bytes, byteorder: str, *, strict: bool = True) -> Iterator[tuple[int, int]]:
    """Begin and end of each struct rtnexthop in the payload of RTA_MULTIPATH. ``strict``: the first that does not fit
    ends the walk; else every one that has its structure counts, and a length that is too short is that of it."""
    unpack, at, size = _ATTRIBUTE[byteorder], 0, len(data)
    while at + RTNEXTHOP <= size:
        length = unpack(data, at)[0]
        if strict and (length < RTNEXTHOP or at + length > size):
            return
        length = max(length, RTNEXTHOP)
        yield at, min(at + length, size)
        at += (length + 3) & ~3
