"""The objects of a recorded kernel, as raw messages: what it would answer to a dump at this point of a recording.

Kept only for a replay whose implementations ask for dumps. An object is recognised by the bytes of its header and of
the attributes that name it; nothing is decoded, and nothing is shared with an implementation.

Rules of this file:
1. At most ``REMEMBERED`` objects of a kind; a recording does not decide how much memory is used.
2. What goes without a message is removed here, too: what belongs to a link that is deleted, IPv4 routes over a link
   that goes down, of several hops with the last (net/ipv4/fib_semantics.c), and what a complete dump in the recording
   no longer names.

Not here: answering (``answers``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, TypeAlias

from nlmon.framing import attribute, header, next_hops, nlattr, walk_attributes
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    FIB_RULE_HDR,
    FIB_RULE_INVERT,
    IFA_ADDRESS,
    IFA_LOCAL,
    IFADDRMSG,
    IFF_UP,
    IFINFOMSG,
    NDA_DST,
    NDA_LLADDR,
    NDA_PORT,
    NDA_SRC_VNI,
    NDA_VLAN,
    NDA_VNI,
    NDMSG,
    NLA_HDRLEN,
    NLM_F_APPEND,
    NLM_F_MULTI,
    NLM_F_REPLACE,
    NLMSG_HDRLEN,
    NTF_PROXY,
    RT_SCOPE_HOST,
    RTA_DST,
    RTA_GATEWAY,
    RTA_METRICS,
    RTA_MULTIPATH,
    RTA_NH_ID,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_SRC,
    RTA_TABLE,
    RTA_VIA,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    RTNEXTHOP,
)

__all__ = ["KINDS", "RecordedObjects"]

REMEMBERED = 65536
# Kinds of objects by the type of the message that brings them, and the size of its fixed header.
HEADER = {
    RTM_NEWLINK: IFINFOMSG,
    RTM_NEWADDR: IFADDRMSG,
    RTM_NEWROUTE: RTMSG,
    RTM_NEWNEIGH: NDMSG,
    RTM_NEWRULE: FIB_RULE_HDR,
}
KINDS = tuple(HEADER)
# Where the attributes of a route begin.
ROUTE_ATTRIBUTES = NLMSG_HDRLEN + RTMSG

Raw: TypeAlias = tuple[object, ...]


class RecordedObjects:
    """Raw messages by kind (the NEW type) and identity."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._nlattr = nlattr(byteorder)
        self._int = struct.Struct(("<" if byteorder == "little" else ">") + "i").unpack_from
        self._tables: dict[int, dict[Raw, bytes]] = {kind: {} for kind in KINDS}
        # When each object was named last, and the routes of each group.
        self._frames: dict[int, dict[Raw, int]] = {kind: {} for kind in KINDS}
        self._members: dict[object, dict[Raw, None]] = {}

    def learn(self, msg_type: int, message: bytes, frame: int = 0) -> None:
        """Take in a NEW or DEL message of the route protocol; ``frame`` is when."""
        kind = msg_type & ~3
        if kind not in HEADER or msg_type & 3 > 1 or len(message) < NLMSG_HDRLEN + HEADER[kind]:
            return
        table = self._tables[kind]
        found = {self._key(kind, one): one for one in self._hops(kind, message)}
        if msg_type & 3:
            for key in found.keys() & table.keys():
                self._drop(kind, key)
            if kind == RTM_NEWLINK and message[16] == 0:
                self._drop_with_link(self._index(message), down=False)
            return
        was_up = kind == RTM_NEWLINK and message[16] == 0 and self._up(table.get(next(iter(found)), b""))
        if was_up and not self._up(message):
            self._drop_with_link(self._index(message), down=True)
        if kind == RTM_NEWROUTE:
            for key in self._replaced(next(iter(found)), message, len(found) > 1):
                self._drop(kind, key)
        for key, one in found.items():
            if key in table or len(table) < REMEMBERED:
                self._put(kind, key, one)
                self._frames[kind][key] = frame

    def _put(self, kind: int, key: Raw, message: bytes) -> None:
        table = self._tables[kind]
        known = key in table
        table[key] = message
        if kind != RTM_NEWROUTE:
            return
        group = self._members.setdefault(key[0], {})
        group[key] = None
        if (
            message[16] == AF_INET
            and not known
            and not header(message, 0, self._order).flags & (NLM_F_MULTI | NLM_F_APPEND)
        ):
            for old in [old for old in group if old != key]:  # they come behind it
                group[old] = group.pop(old)
                table[old] = table.pop(old)

    def _drop(self, kind: int, key: Raw) -> None:
        del self._tables[kind][key]
        del self._frames[kind][key]
        if kind == RTM_NEWROUTE:
            del self._members[key[0]][key]
            if not self._members[key[0]]:
                del self._members[key[0]]

    def sweep(self, kind: int, family: int, since: int) -> None:
        """A recorded dump that began at the frame ``since`` was complete: what it did not name is gone."""
        table, frames = self._tables[kind], self._frames[kind]
        for key in [key for key, one in table.items() if self._listed(kind, family, one) and frames[key] < since]:
            self._drop(kind, key)

    def of(self, kind: int, family: int) -> Iterator[bytes]:
        """Messages of a kind; family 0 gives all families that a dump of all has."""
        yield from (one for one in self._tables[kind].values() if self._listed(kind, family, one))

    def _listed(self, kind: int, family: int, message: bytes) -> bool:
        """Whether an ordinary dump lists an object: proxy neighbours only one that asks for them does."""
        mine = message[16]
        if kind == RTM_NEWNEIGH and mine != AF_BRIDGE and message[26] & NTF_PROXY:
            return False
        return mine == family or (family == 0 and not (kind in {RTM_NEWLINK, RTM_NEWNEIGH} and mine == AF_BRIDGE))

    def _key(self, kind: int, message: bytes) -> Raw:
        at = NLMSG_HDRLEN + HEADER[kind]

        def part(*numbers: int) -> tuple[bytes | None, ...]:
            return tuple(attribute(message, at, len(message), self._order, number) for number in numbers)

        family = message[16]
        if kind == RTM_NEWLINK:
            return family, message[20:24]
        if kind == RTM_NEWADDR:
            return family, message[17], message[20:24], *part(IFA_LOCAL if part(IFA_LOCAL)[0] else IFA_ADDRESS)
        if kind == RTM_NEWROUTE:
            (table,) = part(RTA_TABLE)
            wide = bytes([message[20]]) if table is None else table.rstrip(b"\0") or b"\0"
            group = (family, message[17:20], wide, *part(RTA_DST, RTA_SRC, RTA_PRIORITY))
            hops = part(RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA)
            if family != AF_INET:
                return group, message[23], *hops
            own = message[21:24], *part(RTA_PREFSRC, RTA_METRICS, RTA_NH_ID)
            return group, *own, *(hops if own[-1] is None else ())
        if kind == RTM_NEWNEIGH:
            fdb = (NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PORT, NDA_VNI, NDA_SRC_VNI)
            names = fdb if family == AF_BRIDGE else (NDA_DST,)
            return family, message[20:24], message[26] & NTF_PROXY, *part(*names)
        # Whether the interfaces of a rule are there now (FIB_RULE_*_DETACHED) makes no other rule of it.
        return message[16:24], self._int(message, 24)[0] & FIB_RULE_INVERT, message[28:]

    def _hops(self, kind: int, message: bytes) -> list[bytes]:
        """An IPv6 route with several hops as a message a hop, since the kernel may take a single one of them away."""
        hops = (
            self._route_attribute(message, RTA_MULTIPATH) if kind == RTM_NEWROUTE and message[16] == AF_INET6 else None
        )
        if hops is None:
            return [message]
        shared = b"".join(
            message[begin - NLA_HDRLEN : end] + bytes(-(end - begin) % 4)
            for number, begin, end in walk_attributes(message, ROUTE_ATTRIBUTES, len(message), self._order)
            if number != RTA_MULTIPATH
        )
        found = []
        for begin, end in next_hops(hops, self._order):
            oif = self._nlattr.pack(8, RTA_OIF) + hops[begin + 4 : begin + RTNEXTHOP]
            body = message[4:ROUTE_ATTRIBUTES] + shared + oif + hops[begin + RTNEXTHOP : end]
            found.append((len(body) + 4).to_bytes(4, self._order) + body)
        return found or [message]

    def _route_attribute(self, message: bytes, number: int) -> bytes | None:
        return attribute(message, ROUTE_ATTRIBUTES, len(message), self._order, number)

    def _replaced(self, key: Raw, message: bytes, several: bool) -> list[Raw]:
        """Routes that a new one replaces: for IPv4 the first of its group, for IPv6 those over gateways together
        and the first of the others (net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c)."""
        table = self._tables[RTM_NEWROUTE]
        replace = bool(header(message, 0, self._order).flags & NLM_F_REPLACE)
        if not replace and not several:
            return []
        members = list(self._members.get(key[0], ()))
        if message[16] != AF_INET6:
            # A nexthop that is replaced is announced like a replacement, and its routes keep their places.
            kept = key in table and self._route_attribute(message, RTA_NH_ID) is not None
            return [] if kept else members[:1]
        direct = not several and not self._has_gateway(message)
        alike = [old for old in members if self._has_gateway(table[old]) != direct]
        return (alike[:1] if direct else alike) or (members[:1] if replace else [])

    def _has_gateway(self, message: bytes) -> bool:
        return any(self._route_attribute(message, number) is not None for number in (RTA_GATEWAY, RTA_VIA))

    def _index(self, message: bytes) -> int:
        return int(self._int(message, 20)[0])

    def _up(self, message: bytes) -> bool:
        return len(message) >= 28 and bool(self._int(message, 24)[0] & IFF_UP)

    def _dead(self, message: bytes, number: bytes) -> bool:
        """Whether a route ends with a link that is deleted or down: its only hop is there, or one is and the others
        are down, too. A link that was never seen is not known to be down."""
        hops = self._route_attribute(message, RTA_MULTIPATH)
        if hops is None:
            return self._route_attribute(message, RTA_OIF) == number
        links = self._tables[RTM_NEWLINK]
        found = [hops[at + 4 : at + RTNEXTHOP] for at, _ in next_hops(hops, self._order, strict=False)]
        down = {hop for hop in found if (AF_UNSPEC, hop) in links and not self._up(links[AF_UNSPEC, hop])}
        return number in found and all(hop == number or hop in down for hop in found)

    def _drop_with_link(self, index: int, *, down: bool) -> None:
        """Remove what goes with a link that is deleted, or the IPv4 routes of one that is down."""
        number = index.to_bytes(4, self._order, signed=True)
        for key, message in list(self._tables[RTM_NEWROUTE].items()):
            if (not down or (message[16] == AF_INET and message[22] != RT_SCOPE_HOST)) and self._dead(message, number):
                self._drop(RTM_NEWROUTE, key)
        if down:
            return
        if (AF_BRIDGE, number) in self._tables[RTM_NEWLINK]:
            self._drop(RTM_NEWLINK, (AF_BRIDGE, number))
        for kind in (RTM_NEWADDR, RTM_NEWNEIGH):
            table = self._tables[kind]
            for key in [key for key, message in table.items() if message[20:24] == number]:
                self._drop(kind, key)
