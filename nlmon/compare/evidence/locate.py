"""Finds the bytes of a field in a message, so that a report can point at them and a value be held against them.

A third, minimal reading of the message that neither implementation shares, used only for evidence. When it finds
nothing, the report says that the message does not carry the attribute.

Not here: values (``values``), and where fields stand (``offsets``).
"""

from __future__ import annotations

from typing import NamedTuple

from nlmon.compare.evidence.offsets import (
    ATTRIBUTES,
    HEADERS,
    NLMSGHDR_FIELDS,
    XFRM_FIELDS,
    XFRM_HEADERS,
    XFRM_NESTED,
    header_size,
)
from nlmon.framing import attributes, header, link_attributes, messages
from nlmon.uapi import AF_UNIX, NLA_HDRLEN, NLMSG_HDRLEN, XFRM_MSG_DELSA

__all__ = ["Span", "Spot", "field_of", "locate", "spans"]

# Prefixes of the two structures that a message about a socket may have.
SOCKETS = {"idiag_", "udiag_"}
# Shown as one piece: all that is behind the message header.
WHOLE = {"xfrm_state", "xfrm_policy", "xfrm_flush", "audit_text"}


class Spot(NamedTuple):
    """Offset in the datagram and the bytes there; -1 and empty when the message does not carry it."""

    offset: int
    data: bytes


class Span(NamedTuple):
    """Where a message begins and ends in its datagram, and its type."""

    start: int
    end: int
    kind: int


NOWHERE = Spot(-1, b"")


def spans(data: bytes, byteorder: str) -> list[Span]:
    """The whole messages of a datagram, in order, up to the first that does not fit."""
    return [Span(one.offset, one.offset + one.length, one.type) for one in messages(data, byteorder)]


def locate(data: bytes, offset: int, path: str, byteorder: str) -> Spot:
    """Place of ``path`` in the message at ``offset`` of a datagram: an attribute with its header, or the bytes
    of a header field when the path is in parentheses; of several paths (joined by ``|``) the first there is."""
    if offset + NLMSG_HDRLEN > len(data):
        return NOWHERE
    head = header(data, offset, byteorder)
    end = min(offset + head.length, len(data))
    spots = (_locate(data, offset, end, one, head.type, byteorder) for one in path.split("|"))
    return next((spot for spot in spots if spot is not NOWHERE), NOWHERE)


def _locate(data: bytes, offset: int, end: int, path: str, kind: int, byteorder: str) -> Spot:
    if path.startswith("("):
        return field_of(data, offset, end, path.strip("()"), kind, byteorder) or NOWHERE
    # The hops of a route are a list without names: the whole attribute is the evidence.
    names = path.split("/")[:1] if path.startswith("RTA_MULTIPATH/") else path.split("/")
    at, stop = offset + NLMSG_HDRLEN + header_size(names[0], kind), end
    for depth, name in enumerate(names):
        walk = attributes if depth or not name.startswith("IFLA_") else link_attributes
        place = walk(data, at, stop, byteorder).get(ATTRIBUTES.get(name, -1))
        if place is None:
            return NOWHERE
        at, stop = place
    return Spot(at - NLA_HDRLEN, data[at - NLA_HDRLEN : stop])


def field_of(data: bytes, offset: int, end: int, name: str, kind: int, byteorder: str) -> Spot | None:
    """Place of a header field in the message at ``offset`` that ends at ``end``; None where there is no such."""
    if name in NLMSGHDR_FIELDS:
        at, size = NLMSGHDR_FIELDS[name]
        return Spot(offset + at, data[offset + at : offset + at + size])
    body = offset + NLMSG_HDRLEN
    if name in WHOLE:
        stop = end if name == "audit_text" else min(end, body + XFRM_HEADERS.get(kind, 0))
        return Spot(body, data[body:stop]) if stop > body else None
    if name.startswith("xfrm_"):
        return _xfrm(data, body, end, name.removeprefix("xfrm_"), kind, byteorder)
    head, _, rest = name.partition("_")
    prefix = head + "_" if head + "_" in HEADERS else ""
    if prefix in SOCKETS and (data[body : body + 1] == bytes([AF_UNIX])) != (prefix == "udiag_"):
        return None  # the structure of the other kind of socket
    place = HEADERS[prefix].get(rest if prefix else name)
    if place is None or body + sum(place) > end:
        return None
    at = body + place[0]
    return Spot(at, data[at : at + place[1]])


def _xfrm(data: bytes, body: int, end: int, name: str, kind: int, byteorder: str) -> Spot | None:
    """A field of an IPsec message: of the structure in its attribute, or else of its own."""
    number, need, nested = XFRM_NESTED.get(kind, (0, 0, {}))
    there = nested.get(name)
    if there is not None:
        place = attributes(data, body + XFRM_HEADERS[kind], end, byteorder).get(number)
        # The state of a DELSA is of the family that its header says, or none of this message's.
        same = kind != XFRM_MSG_DELSA or (
            place and data[body + 20 : body + 22] == data[place[0] + 212 : place[0] + 214]
        )
        if place is not None and same and place[1] - place[0] >= max(need, sum(there)):
            return Spot(place[0] + there[0], data[place[0] + there[0] : place[0] + sum(there)])
    there = XFRM_FIELDS.get(kind, {}).get(name)
    if there is None or body + sum(there) > end:
        return None
    return Spot(body + there[0], data[body + there[0] : body + sum(there)])
