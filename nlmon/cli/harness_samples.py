"""The datagrams that ``nlmon harness check`` gives to a program: one of each kind that a monitor is told, and what is
damaged, unknown, empty or long.

Not here: what must be answered (``nlmon.harness.check``).
"""

from __future__ import annotations

import socket
import struct

from nlmon.capture.base import ByteOrder
from nlmon.harness.check import Sample
from nlmon.testing.messages import attr, message, number
from nlmon.uapi import NETLINK_ROUTE
from nlmon.wire import Datagram

__all__ = ["samples"]

LONG = 60_000


def samples(byteorder: ByteOrder, protocols: tuple[int, ...] = (NETLINK_ROUTE,)) -> tuple[Sample, ...]:
    """Samples of NETLINK_ROUTE, and for each other protocol a message that nobody knows and the end of a dump."""
    found = [Sample(name, Datagram(0, 0, NETLINK_ROUTE, data)) for name, data in _route(byteorder).items()]
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
    addr = number("BBBBI", 2, 24, 0, 0, 7, byteorder=order) + ip(1, "192.0.2.7") + ip(2, "192.0.2.7") + text(3, "eth7")
    route = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0, byteorder=order) + ip(1, "198.51.100.0")
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
        "two messages in one datagram": of(20, addr, flags=2) + of(16, link, flags=2),
        "an acknowledgement": of(2, number("i", 0, byteorder=order) + bytes(16)),
        "an attribute that is longer than its message": of(16, link_head + number("HH", 400, 3, byteorder=order)),
        "a message that is cut": of(16, link)[:40],
        f"a link of {LONG:,} bytes": of(16, link + attr(4000, bytes(LONG), order)),
        **_any(order),
    }
