"""The objects of a recorded kernel, as raw messages: what it would answer to a dump at this point of a recording.

Kept only for a replay whose implementations ask for dumps. An object is recognised by the bytes of its header and of
the attributes that name it; nothing is decoded, and nothing is shared with an implementation.

Rules of this file:
1. At most ``REMEMBERED`` objects of a kind; a recording does not decide how much memory is used.
2. What goes without a message is removed here, too: what hangs on a link that is deleted, IPv4 routes over a link
   that goes down (net/ipv4/fib_frontend.c).

Not here: answering (``nlmon.transport.replay``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

__all__ = ["KINDS", "RecordedObjects"]

REMEMBERED = 65536
LINK, ADDR, ROUTE, NEIGH, RULE = KINDS = (16, 20, 24, 28, 32)
NLM_F_REPLACE = 0x100
AF_INET, AF_BRIDGE, IFF_UP, NTF_PROXY, SCOPE_HOST = 2, 7, 0x1, 0x8, 254
HEADER = {LINK: 16, ADDR: 8, ROUTE: 12, NEIGH: 12, RULE: 12}
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 2, 4, 5, 6, 9, 15, 18
NDA_DST, NDA_LLADDR, NDA_VLAN = 1, 2, 5

Raw: TypeAlias = tuple[object, ...]


class RecordedObjects:
    """Raw messages by kind (the NEW type) and identity."""

    def __init__(
        self, byteorder: Literal["little", "big"], attribute: Callable[[bytes, int, int], bytes | None]
    ) -> None:
        self._order = byteorder
        self._attribute = attribute
        self._flags = struct.Struct(("<" if byteorder == "little" else ">") + "HH").unpack_from
        self._int = struct.Struct(("<" if byteorder == "little" else ">") + "i").unpack_from
        self._tables: dict[int, dict[Raw, bytes]] = {kind: {} for kind in KINDS}

    def learn(self, msg_type: int, message: bytes) -> None:
        """Take in a NEW or DEL message of the route protocol."""
        kind = msg_type & ~3
        if kind not in HEADER or msg_type & 3 > 1 or len(message) < 16 + HEADER[kind]:
            return
        table, key = self._tables[kind], self._key(kind, message)
        if msg_type & 3:
            table.pop(key, None)
            if kind == LINK and message[16] == 0:
                self._hanging(self._index(message), down=False)
            return
        if kind == LINK and message[16] == 0 and not self._up(message) and self._up(table.get(key, b"")):
            self._hanging(self._index(message), down=True)
        if kind == ROUTE and self._flags(message, 4)[1] & NLM_F_REPLACE:
            replaced = next((old for old in table if old[0] == key[0]), None)
            if replaced is not None:
                del table[replaced]
        if key in table or len(table) < REMEMBERED:
            table[key] = message

    def of(self, kind: int, family: int) -> Iterator[bytes]:
        """Messages of a kind; family 0 gives all families that a dump of all has."""
        for message in self._tables[kind].values():
            mine = message[16]
            if mine == family or (family == 0 and not (kind in {LINK, NEIGH} and mine == AF_BRIDGE)):
                yield message

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
            return group, message[23], *part(RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA)
        if kind == NEIGH:
            names = (NDA_DST, NDA_LLADDR, NDA_VLAN) if family == AF_BRIDGE else (NDA_DST,)
            return family, message[20:24], message[26] & NTF_PROXY, *part(*names)
        return (message[16:],)

    def _index(self, message: bytes) -> int:
        return int(self._int(message, 20)[0])

    def _up(self, message: bytes) -> bool:
        return len(message) >= 28 and bool(self._int(message, 24)[0] & IFF_UP)

    def _hanging(self, index: int, *, down: bool) -> None:
        """Remove what goes with a link that is deleted, or the IPv4 routes of one that is down."""
        number = index.to_bytes(4, self._order, signed=True)
        routes = self._tables[ROUTE]
        for key, message in list(routes.items()):
            if self._attribute(message, 28, RTA_OIF) == number and (
                not down or (message[16] == AF_INET and message[22] != SCOPE_HOST)
            ):
                del routes[key]
        if down:
            return
        for kind in (ADDR, NEIGH):
            table = self._tables[kind]
            for key in [key for key, message in table.items() if message[20:24] == number]:
                del table[key]
