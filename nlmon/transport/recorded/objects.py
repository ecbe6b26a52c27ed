"""The objects of a recorded kernel, as raw messages: what it would answer to a dump at this point of a recording.

Kept only for a replay whose implementations ask for dumps. An object is recognised by the bytes of its header and of
the attributes that name it; nothing is decoded, and nothing is shared with an implementation.

Rules of this file:
1. At most ``REMEMBERED`` objects of a kind; a recording does not decide how much memory is used.
2. What goes without a message is removed here, too: what hangs on a link that is deleted, IPv4 routes over a link
   that goes down, of several hops with the last (net/ipv4/fib_semantics.c), and what a complete dump in the recording
   no longer names.

Not here: answering (``answers``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

__all__ = ["KINDS", "RecordedObjects"]

REMEMBERED = 65536
LINK, ADDR, ROUTE, NEIGH, RULE = KINDS = (16, 20, 24, 28, 32)
NLM_F_MULTI, NLM_F_REPLACE, NLM_F_APPEND = 0x2, 0x100, 0x800
AF_UNSPEC, AF_INET, AF_BRIDGE, AF_INET6, IFF_UP, NTF_PROXY, SCOPE_HOST = 0, 2, 7, 10, 0x1, 0x8, 254
FIB_RULE_INVERT, RTNEXTHOP = 0x2, 8
HEADER = {LINK: 16, ADDR: 8, ROUTE: 12, NEIGH: 12, RULE: 12}
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS = 1, 2, 4, 5, 6, 7, 8
RTA_MULTIPATH, RTA_TABLE, RTA_VIA, RTA_NH_ID = 9, 15, 18, 30
NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PORT, NDA_VNI, NDA_SRC_VNI = 1, 2, 5, 6, 7, 11

Raw: TypeAlias = tuple[object, ...]


class RecordedObjects:
    """Raw messages by kind (the NEW type) and identity."""

    def __init__(
        self, byteorder: Literal["little", "big"], attribute: Callable[[bytes, int, int], bytes | None]
    ) -> None:
        self._order = byteorder
        self._attribute = attribute
        self._flags = struct.Struct(("<" if byteorder == "little" else ">") + "HH").unpack_from
        self._pair = struct.Struct(("<" if byteorder == "little" else ">") + "HH").pack
        self._int = struct.Struct(("<" if byteorder == "little" else ">") + "i").unpack_from
        self._tables: dict[int, dict[Raw, bytes]] = {kind: {} for kind in KINDS}
        # When each object was named last, and the routes of each group.
        self._frames: dict[int, dict[Raw, int]] = {kind: {} for kind in KINDS}
        self._members: dict[object, dict[Raw, None]] = {}

    def learn(self, msg_type: int, message: bytes, frame: int = 0) -> None:
        """Take in a NEW or DEL message of the route protocol; ``frame`` is when."""
        kind = msg_type & ~3
        if kind not in HEADER or msg_type & 3 > 1 or len(message) < 16 + HEADER[kind]:
            return
        table = self._tables[kind]
        found = {self._key(kind, one): one for one in self._hops(kind, message)}
        if msg_type & 3:
            for key in found.keys() & table.keys():
                self._drop(kind, key)
            if kind == LINK and message[16] == 0:
                self._hanging(self._index(message), down=False)
            return
        was_up = kind == LINK and message[16] == 0 and self._up(table.get(next(iter(found)), b""))
        if was_up and not self._up(message):
            self._hanging(self._index(message), down=True)
        if kind == ROUTE:
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
        if kind != ROUTE:
            return
        group = self._members.setdefault(key[0], {})
        group[key] = None
        if message[16] == AF_INET and not known and not self._flags(message, 4)[1] & (NLM_F_MULTI | NLM_F_APPEND):
            for old in [old for old in group if old != key]:  # they come behind it
                group[old] = group.pop(old)
                table[old] = table.pop(old)

    def _drop(self, kind: int, key: Raw) -> None:
        del self._tables[kind][key]
        del self._frames[kind][key]
        if kind == ROUTE:
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
        if kind == NEIGH and mine != AF_BRIDGE and message[26] & NTF_PROXY:
            return False
        return mine == family or (family == 0 and not (kind in {LINK, NEIGH} and mine == AF_BRIDGE))

    def _key(self, kind: int, message: bytes) -> Raw:
        at = 16 + HEADER[kind]

        def part(*numbers: int) -> tuple[bytes | None, ...]:
            return tuple(self._attribute(message, at, number) for number in numbers)

        family = message[16]
        if kind == LINK:
            return family, message[20:24]
        if kind == ADDR:
            return family, message[17], message[20:24], *part(IFA_LOCAL if part(IFA_LOCAL)[0] else IFA_ADDRESS)
        if kind == ROUTE:
            (table,) = part(RTA_TABLE)
            wide = bytes([message[20]]) if table is None else table.rstrip(b"\0") or b"\0"
            group = (family, message[17:20], wide, *part(RTA_DST, RTA_SRC, RTA_PRIORITY))
            hops = part(RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA)
            if family != AF_INET:
                return group, message[23], *hops
            own = message[21:24], *part(RTA_PREFSRC, RTA_METRICS, RTA_NH_ID)
            return group, *own, *(hops if own[-1] is None else ())
        if kind == NEIGH:
            fdb = (NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PORT, NDA_VNI, NDA_SRC_VNI)
            names = fdb if family == AF_BRIDGE else (NDA_DST,)
            return family, message[20:24], message[26] & NTF_PROXY, *part(*names)
        # Whether the interfaces of a rule are there now (FIB_RULE_*_DETACHED) makes no other rule of it.
        return message[16:24], self._int(message, 24)[0] & FIB_RULE_INVERT, message[28:]

    def _hops(self, kind: int, message: bytes) -> list[bytes]:
        """An IPv6 route with several hops as a message a hop, since the kernel may take one of them away alone."""
        hops = self._attribute(message, 28, RTA_MULTIPATH) if kind == ROUTE and message[16] == AF_INET6 else None
        if hops is None:
            return [message]
        before = b"".join(one for number, one in self._attributes(message, 28) if number != RTA_MULTIPATH)
        found, at = [], 0
        while at + RTNEXTHOP <= len(hops):
            (length, _), (index,) = self._flags(hops, at), self._int(hops, at + 4)
            if length < RTNEXTHOP or at + length > len(hops):
                break
            oif = self._pair(8, RTA_OIF) + index.to_bytes(4, self._order, signed=True)
            body = message[4:28] + before + oif + hops[at + RTNEXTHOP : at + length]
            found.append((len(body) + 4).to_bytes(4, self._order) + body)
            at += (length + 3) & ~3
        return found or [message]

    def _attributes(self, message: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of each attribute, with its header and padding."""
        while at + 4 <= len(message):
            length, number = self._flags(message, at)
            if length < 4 or at + length > len(message):
                return
            yield number & 0x3FFF, message[at : at + length] + bytes(-length % 4)
            at += (length + 3) & ~3

    def _replaced(self, key: Raw, message: bytes, several: bool) -> list[Raw]:
        """Routes whose place a new one takes: for IPv4 the first of its group, for IPv6 those over gateways together
        and the first of the others (net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c)."""
        table = self._tables[ROUTE]
        replace = bool(self._flags(message, 4)[1] & NLM_F_REPLACE)
        if not replace and not several:
            return []
        members = list(self._members.get(key[0], ()))
        if message[16] != AF_INET6:
            # A nexthop that is replaced is announced like a replacement, and its routes keep their places.
            kept = key in table and self._attribute(message, 28, RTA_NH_ID) is not None
            return [] if kept else members[:1]
        direct = not several and not self._has_gateway(message)
        alike = [old for old in members if self._has_gateway(table[old]) != direct]
        return (alike[:1] if direct else alike) or (members[:1] if replace else [])

    def _has_gateway(self, message: bytes) -> bool:
        return any(self._attribute(message, 28, number) is not None for number in (RTA_GATEWAY, RTA_VIA))

    def _index(self, message: bytes) -> int:
        return int(self._int(message, 20)[0])

    def _up(self, message: bytes) -> bool:
        return len(message) >= 28 and bool(self._int(message, 24)[0] & IFF_UP)

    def _dead(self, message: bytes, number: bytes) -> bool:
        """Whether a route ends with a link that is deleted or down: its only hop is there, or one is and the others
        are down, too. A link that was never seen is not known to be down."""
        hops = self._attribute(message, 28, RTA_MULTIPATH)
        if hops is None:
            return self._attribute(message, 28, RTA_OIF) == number
        links, found, at = self._tables[LINK], [], 0
        while at + RTNEXTHOP <= len(hops):
            found.append(hops[at + 4 : at + RTNEXTHOP])
            at += (max(self._flags(hops, at)[0], RTNEXTHOP) + 3) & ~3
        down = {hop for hop in found if (AF_UNSPEC, hop) in links and not self._up(links[AF_UNSPEC, hop])}
        return number in found and all(hop == number or hop in down for hop in found)

    def _hanging(self, index: int, *, down: bool) -> None:
        """Remove what goes with a link that is deleted, or the IPv4 routes of one that is down."""
        number = index.to_bytes(4, self._order, signed=True)
        for key, message in list(self._tables[ROUTE].items()):
            if (not down or (message[16] == AF_INET and message[22] != SCOPE_HOST)) and self._dead(message, number):
                self._drop(ROUTE, key)
        if down:
            return
        if (AF_BRIDGE, number) in self._tables[LINK]:
            self._drop(LINK, (AF_BRIDGE, number))
        for kind in (ADDR, NEIGH):
            table = self._tables[kind]
            for key in [key for key, message in table.items() if message[20:24] == number]:
                self._drop(kind, key)
