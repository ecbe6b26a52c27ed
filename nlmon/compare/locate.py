"""Finds the bytes of a field in a message, so that a report can point at them.

A third, minimal reading of the message that neither implementation shares, used only for evidence. When it finds
nothing, the report says that the message does not carry the attribute.

Not here: values, and the layouts (``nlmon.compare.layout``).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from nlmon.compare.layout import ATTRIBUTES, HEADERS, NLMSGHDR_FIELDS, XFRM_HEADERS, header_size

__all__ = ["Spot", "locate"]

NLMSGHDR = 16
AF_UNIX = b"\x01"
SOCKETS = {"idiag_", "udiag_"}
# Shown as one piece: all that is behind the message header.
WHOLE = {"xfrm_state", "xfrm_policy", "xfrm_flush", "audit_text"}


class Spot(NamedTuple):
    """Offset in the datagram and the bytes there; -1 and empty when the message does not carry it."""

    offset: int
    data: bytes


NOWHERE = Spot(-1, b"")


def locate(data: bytes, offset: int, path: str, byteorder: str) -> Spot:
    """Place of ``path`` in the message at ``offset`` of a datagram: an attribute with its header, or the bytes
    of a header field when the path is in parentheses; of several paths (joined by ``|``) the first there is."""
    spots = (_locate(data, offset, one, byteorder) for one in path.split("|"))
    return next((spot for spot in spots if spot is not NOWHERE), NOWHERE)


def _locate(data: bytes, offset: int, path: str, byteorder: str) -> Spot:
    attr = struct.Struct("<HH" if byteorder == "little" else ">HH")
    if offset + NLMSGHDR > len(data):
        return NOWHERE
    length = int.from_bytes(data[offset : offset + 4], "little" if byteorder == "little" else "big")
    end = min(offset + length, len(data))
    kind = int.from_bytes(data[offset + 4 : offset + 6], "little" if byteorder == "little" else "big")
    if path.startswith("("):
        return _field(data, offset, end, path.strip("()"), kind)
    # The hops of a route are a list without names: the whole attribute is the evidence.
    names = path.split("/")[:1] if path.startswith("RTA_MULTIPATH/") else path.split("/")
    at = offset + NLMSGHDR + header_size(names[0], kind)
    spot = NOWHERE
    for name in names:
        spot = _attribute(data, at, end, ATTRIBUTES.get(name, -1), attr)
        if spot is NOWHERE:
            return NOWHERE
        at, end = spot.offset + 4, spot.offset + len(spot.data)
    return spot


def _field(data: bytes, offset: int, end: int, name: str, kind: int) -> Spot:
    if name in NLMSGHDR_FIELDS:
        at, size = NLMSGHDR_FIELDS[name]
        return Spot(offset + at, data[offset + at : offset + at + size])
    body = offset + NLMSGHDR
    if name in WHOLE:
        stop = end if name == "audit_text" else min(end, body + XFRM_HEADERS.get(kind, 0))
        return Spot(body, data[body:stop]) if stop > body else NOWHERE
    head, _, rest = name.partition("_")
    prefix = head + "_" if head + "_" in HEADERS else ""
    if prefix in SOCKETS and (data[body : body + 1] == AF_UNIX) != (prefix == "udiag_"):
        return NOWHERE  # the structure of the other kind of socket
    place = HEADERS[prefix].get(rest if prefix else name)
    if place is None or body + sum(place) > end:
        return NOWHERE
    at = body + place[0]
    return Spot(at, data[at : at + place[1]])


def _attribute(data: bytes, at: int, end: int, number: int, attr: struct.Struct) -> Spot:
    """The last attribute with this number, since the last one wins."""
    found = NOWHERE
    while at + 4 <= end:
        length, kind = attr.unpack_from(data, at)
        if length < 4 or at + length > end:
            break
        if kind & 0x3FFF == number:
            found = Spot(at, data[at : at + length])
        at += (length + 3) & ~3
    return found
