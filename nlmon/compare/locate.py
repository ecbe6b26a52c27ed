"""Finds the bytes of a field in a message, so that a report can point at them.

A third, minimal reading of the message that neither implementation shares, used only for evidence: numbers of
attributes and places of header fields (linux/if_link.h, if_addr.h, rtnetlink.h, neighbour.h, fib_rules.h).
When it finds nothing, the report says that the message does not carry the attribute.

Not here: values.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Spot", "locate"]

NLMSGHDR = 16


class Spot(NamedTuple):
    """Offset in the datagram and the bytes there; -1 and empty when the message does not carry it."""

    offset: int
    data: bytes


NOWHERE = Spot(-1, b"")

# Fixed header per prefix of attribute names: its size, and the place (offset, length) of each field.
_HEADERS: Mapping[str, tuple[int, Mapping[str, tuple[int, int]]]] = {
    "ifi_": (16, {"family": (0, 1), "type": (2, 2), "index": (4, 4), "flags": (8, 4), "change": (12, 4)}),
    "ifa_": (8, {"family": (0, 1), "prefixlen": (1, 1), "flags": (2, 1), "scope": (3, 1), "index": (4, 4)}),
    "rtm_": (
        12,
        {
            **{name: (at, 1) for at, name in enumerate(("family", "dst_len", "src_len", "tos", "table"))},
            **{name: (at + 5, 1) for at, name in enumerate(("protocol", "scope", "type"))},
            "flags": (8, 4),
        },
    ),
    "ndm_": (12, {"family": (0, 1), "ifindex": (4, 4), "state": (8, 2), "flags": (10, 1), "type": (11, 1)}),
    "": (
        12,
        {
            **{name: (at, 1) for at, name in enumerate(("family", "dst_len", "src_len", "tos", "table"))},
            "action": (7, 1),
            "flags": (8, 4),
        },
    ),
}
_NLMSGHDR = {"msg_type": (4, 2), "msg_flags": (6, 2), "seq": (8, 4), "pid": (12, 4)}
_SIZES = {"IFLA": 16, "IFA": 8, "RTA": 12, "NDA": 12, "FRA": 12}


def _numbers(prefix: str, **numbers: int) -> dict[str, int]:
    return {f"{prefix}_{name}": number for name, number in numbers.items()}


_ATTRIBUTES = {
    **_numbers("IFLA", ADDRESS=1, BROADCAST=2, IFNAME=3, MTU=4, LINK=5, QDISC=6, MASTER=10, TXQLEN=13),
    **_numbers("IFLA", OPERSTATE=16, LINKINFO=18, IFALIAS=20, GROUP=27, PROMISCUITY=30, CARRIER=33),
    **_numbers("IFLA", LINK_NETNSID=37, NEW_NETNSID=45, NEW_IFINDEX=49, PROP_LIST=52, ALT_IFNAME=53),
    **_numbers("IFLA_INFO", KIND=1, SLAVE_KIND=4),
    **_numbers("IFA", ADDRESS=1, LOCAL=2, LABEL=3, BROADCAST=4, ANYCAST=5, CACHEINFO=6, FLAGS=8),
    **_numbers("IFA", RT_PRIORITY=9, PROTO=11),
    **_numbers("RTA", DST=1, SRC=2, IIF=3, OIF=4, GATEWAY=5, PRIORITY=6, PREFSRC=7, METRICS=8, MULTIPATH=9),
    **_numbers("RTA", FLOW=11, CACHEINFO=12, TABLE=15, MARK=16, VIA=18, PREF=20, ENCAP_TYPE=21, NH_ID=30),
    **_numbers("NDA", DST=1, LLADDR=2, CACHEINFO=3, PROBES=4, VLAN=5, PORT=6, VNI=7, IFINDEX=8, MASTER=9),
    **_numbers("NDA", LINK_NETNSID=10, PROTOCOL=12, FLAGS_EXT=15),
    **_numbers("FRA", DST=1, SRC=2, IIFNAME=3, GOTO=4, PRIORITY=6, FWMARK=10, FLOW=11, TUN_ID=12),
    **_numbers("FRA", SUPPRESS_IFGROUP=13, SUPPRESS_PREFIXLEN=14, TABLE=15, FWMASK=16, OIFNAME=17, L3MDEV=19),
    **_numbers("FRA", UID_RANGE=20, PROTOCOL=21, IP_PROTO=22, SPORT_RANGE=23, DPORT_RANGE=24),
}


def locate(data: bytes, offset: int, path: str, byteorder: str) -> Spot:
    """Place of ``path`` in the message at ``offset`` of a datagram: an attribute with its header, or the bytes
    of a header field when the path is in parentheses."""
    attr = struct.Struct("<HH" if byteorder == "little" else ">HH")
    if offset + NLMSGHDR > len(data):
        return NOWHERE
    length = int.from_bytes(data[offset : offset + 4], "little" if byteorder == "little" else "big")
    end = min(offset + length, len(data))
    if path.startswith("("):
        return _field(data, offset, end, path.strip("()"))
    names = path.split("/")
    prefix = names[0].partition("_")[0]
    at = offset + NLMSGHDR + _SIZES.get(prefix, 0)
    spot = NOWHERE
    for name in names:
        if name.startswith("RTA_") and spot is not NOWHERE:
            return spot  # inside a hop of RTA_MULTIPATH: the whole attribute is the evidence
        spot = _attribute(data, at, end, _ATTRIBUTES.get(name, -1), attr)
        if spot is NOWHERE:
            return NOWHERE
        at, end = spot.offset + 4, spot.offset + len(spot.data)
    return spot


def _field(data: bytes, offset: int, end: int, name: str) -> Spot:
    if name in _NLMSGHDR:
        at, size = _NLMSGHDR[name]
        return Spot(offset + at, data[offset + at : offset + at + size])
    prefix = name[:4] if name[:4] in _HEADERS else ""
    place = _HEADERS[prefix][1].get(name.removeprefix(prefix))
    if place is None or offset + NLMSGHDR + sum(place) > end:
        return NOWHERE
    at = offset + NLMSGHDR + place[0]
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
