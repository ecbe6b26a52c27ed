"""The datagrams that ``nlmon harness check`` gives to a program: one of each kind that a monitor receives, and what is
damaged, unknown, empty or long; and what each states.

Rules:
1. What a sample states is written here by hand, beside its bytes, and comes of no implementation. A field that is not
   named is not in the message.

Not here: holding answers against them (``nlmon.harness.samples``), and their form (``nlmon.harness.check``).
"""

from __future__ import annotations

import socket
import struct

from nlmon.capture.base import ByteOrder
from nlmon.harness.samples import Sample, Stated
from nlmon.testing.messages import attr, message, number
from nlmon.uapi import NETLINK_ROUTE
from nlmon.wire import Datagram

__all__ = ["samples"]

LONG = 60_000
_LINK = Stated(
    0,
    "link",
    {"family": 0, "type": 1, "ifindex": 7, "flags": 0x1043, "change": 0xFFFFFFFF, "ifname": "eth7"}
    | {"mtu": 1500, "addr": "02:00:00:00:00:07", "operstate": 6},
)
_ADDR = Stated(
    0,
    "addr",
    {"family": 2, "ifindex": 7, "prefixlen": 24, "scope": 0, "flags": 0} | {"addr": "192.0.2.7", "label": "eth7"},
)
_TO = {"family": 2, "dst_len": 24, "src_len": 0, "tos": 0, "table": 254, "protocol": 3, "scope": 0, "type": 1} | {
    "flags": 0,
    "dst": "198.51.100.0",
}
_HOP = {"ifindex": 7, "weight": 1, "flags": 0, "gateway": "192.0.2.1", "via": None, "encap_type": None, "encap": None}
_RULE = {"family": 2, "dst_len": 0, "src_len": 0, "tos": 0, "table": 254, "action": 1, "flags": 0} | {"priority": 32766}
# By the name of a sample, the events that it states.
STATED = {
    "a link": (_LINK,),
    "a link that is gone": (_LINK,),
    "an address": (_ADDR,),
    "an address that has a peer": (Stated(0, "addr", {**_ADDR.fields, "peer": "192.0.2.8"}),),
    "a route with one next hop": (Stated(0, "route", {**_TO, "oif": 7, "gateway": "192.0.2.1", "priority": 100}),),
    "a route with two next hops": (Stated(0, "route", {**_TO, "multipath": [_HOP, _HOP]}),),
    "a route of MPLS": (
        Stated(0, "route", {**_TO, "family": 28, "dst_len": 20, "protocol": 4, "dst": "100"}, needed=False),
    ),
    "a neighbour": (
        Stated(
            0,
            "neigh",
            {"family": 2, "ifindex": 7, "state": 2, "flags": 0, "type": 1}
            | {"dst": "192.0.2.1", "lladdr": "02:00:00:00:00:01"},
        ),
    ),
    "a rule": (Stated(0, "rule", _RULE),),
    "two messages in one datagram": (_ADDR, Stated(52, "link", _LINK.fields)),
    f"a link of {LONG:,} bytes": (_LINK,),
}
# By the name of a sample that is damaged, the kind of event that it would be.
DAMAGED = {"an attribute that is longer than its message": "link", "a message that is cut": "link"}


def samples(byteorder: ByteOrder, protocols: tuple[int, ...] = (NETLINK_ROUTE,)) -> tuple[Sample, ...]:
    """Samples of NETLINK_ROUTE, and for each other protocol a message that nobody knows and the end of a dump."""
    found = [
        Sample(name, Datagram(0, 0, NETLINK_ROUTE, data), STATED.get(name, ()), DAMAGED.get(name, ""))
        for name, data in _route(byteorder).items()
    ]
    for protocol in protocols:
        if protocol != NETLINK_ROUTE:
            found += [Sample(name, Datagram(0, 0, protocol, data)) for name, data in _any(byteorder).items()]
    return tuple(found)


def _any(order: ByteOrder) -> dict[str, bytes]:
    return {
        "a message of a type that nobody knows": message(9999, bytes(16), byteorder=order),
        "the end of a dump": message(3, number("i", 0, byteorder=order), flags=2, byteorder=order),
        "no bytes": b"",
    }


def _route(order: ByteOrder) -> dict[str, bytes]:
    def text(kind: int, value: str) -> bytes:
        return attr(kind, value.encode() + b"\0", order)

    def u32(kind: int, value: int) -> bytes:
        return attr(kind, number("I", value, byteorder=order), order)

    def ip(kind: int, value: str) -> bytes:
        return attr(kind, socket.inet_aton(value), order)

    link_head = number("BBHiII", 0, 0, 1, 7, 0x1043, 0xFFFFFFFF, byteorder=order)
    link = (
        link_head
        + text(3, "eth7")
        + u32(4, 1500)
        + attr(1, bytes.fromhex("020000000007"), order)
        + attr(16, b"\6", order)
    )
    addr_head = number("BBBBI", 2, 24, 0, 0, 7, byteorder=order)
    own = ip(2, "192.0.2.7") + text(3, "eth7")
    addr = addr_head + ip(1, "192.0.2.7") + own
    route = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0, byteorder=order) + ip(1, "198.51.100.0")
    mpls = number("BBBBBBBBI", 28, 20, 0, 0, 254, 4, 0, 1, 0, byteorder=order) + attr(1, bytes([0, 6, 0x41, 0]), order)
    hop = struct.pack(("<" if order == "little" else ">") + "HBBi", 16, 0, 0, 7) + ip(5, "192.0.2.1")
    neigh = number("BBHiHBB", 2, 0, 0, 7, 2, 0, 1, byteorder=order) + ip(1, "192.0.2.1")
    rule = number("BBBBBBBBI", 2, 0, 0, 0, 254, 0, 0, 1, 0, byteorder=order) + u32(6, 32766) + u32(15, 254)

    def of(kind: int, body: bytes, **more: int) -> bytes:
        return message(kind, body, byteorder=order, **more)

    return {
        "a link": of(16, link),
        "a link that is gone": of(17, link),
        "an address": of(20, addr),
        "a route with one next hop": of(24, route + u32(4, 7) + ip(5, "192.0.2.1") + u32(6, 100)),
        "a route with two next hops": of(24, route + attr(9, hop + hop, order)),
        "a neighbour": of(28, neigh + attr(2, bytes.fromhex("020000000001"), order)),
        "a rule": of(32, rule),
        "an address that has a peer": of(20, addr_head + ip(1, "192.0.2.8") + own),
        "a route of MPLS": of(24, mpls),
        "two messages in one datagram": of(20, addr, flags=2) + of(16, link, flags=2),
        "an acknowledgement": of(2, number("i", 0, byteorder=order) + bytes(16)),
        "an attribute that is longer than its message": of(16, link_head + number("HH", 400, 3, byteorder=order)),
        "a message that is cut": of(16, link)[:40],
        f"a link of {LONG:,} bytes": of(16, link + attr(4000, bytes(LONG), order)),
        **_any(order),
    }
