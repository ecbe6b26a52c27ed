"""Builds connection tracking bytes (linux/netfilter/nfnetlink_conntrack.h): attribute headers have the machine's
byte order, everything in them is big-endian."""

from __future__ import annotations

from nlmon.testing.messages import attr, big, message, nested

__all__ = ["CONNTRACK", "EXPECT", "NETFILTER", "counters", "flow", "netfilter", "tuple_"]

NETFILTER = 12
CONNTRACK, EXPECT = 1, 2
IP4 = [bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)), bytes((192, 0, 2, 1))]
IP6 = [bytes.fromhex("fd00000000000000000000000000000" + last) for last in "123"]


def netfilter(
    type_: int, *rows: bytes, subsystem: int = CONNTRACK, family: int = 2, flags: int = 0, byteorder: str = "little"
) -> bytes:
    """A message of a subsystem: ``nfgenmsg`` and attributes."""
    body = bytes((family, 0, 0, 0)) + b"".join(rows)
    return message(subsystem << 8 | type_, body, flags=flags, byteorder=byteorder)


def tuple_(
    kind: int,
    src: int,
    dst: int,
    protocol: int = 6,
    sport: int = 40000,
    dport: int = 443,
    *more: bytes,
    family: int = 2,
    byteorder: str = "little",
) -> bytes:
    """A tuple from address ``src`` to ``dst`` (0, 1 or 2); ``more`` stands behind its two parts."""
    pool, first = (IP4, 1) if family == 2 else (IP6, 3)
    ip = nested(1, attr(first, pool[src], byteorder), attr(first + 1, pool[dst], byteorder), byteorder=byteorder)
    rows = [attr(1, bytes([protocol]), byteorder)]
    rows += [attr(2, big("H", sport), byteorder), attr(3, big("H", dport), byteorder)]
    return nested(kind, ip, nested(2, *rows, byteorder=byteorder), *more, byteorder=byteorder)


def counters(kind: int, packets: int, octets: int, byteorder: str = "little") -> bytes:
    """CTA_COUNTERS_ORIG (9) or CTA_COUNTERS_REPLY (10)."""
    rows = [attr(1, big("Q", packets), byteorder), attr(2, big("Q", octets), byteorder)]
    return nested(kind, *rows, byteorder=byteorder)


def flow(order: str, *, family: int = 2) -> list[bytes]:
    """What the guide's structure holds of a flow: tuple, TCP state, mark, counters; the reply comes from elsewhere,
    as it does behind NAT."""
    state = nested(1, attr(1, b"\x03", order), byteorder=order)
    return [
        tuple_(1, 0, 1, family=family, byteorder=order),
        tuple_(2, 2, 0, 6, 443, 40001, family=family, byteorder=order),
        nested(4, state, byteorder=order),
        attr(8, big("I", 256), order),
        counters(9, 10, 1500, order),
        counters(10, 7, 900, order),
    ]
