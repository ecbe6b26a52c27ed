"""The objects of a recorded kernel, as raw messages: what it would answer to a dump at this point of a recording.

Kept only for a replay whose implementations ask for dumps.

Rules of this file:
1. At most ``REMEMBERED`` objects of a kind, and ``BYTES_KEPT`` of all; a recording does not decide how much memory is
   used. What has no room is not there, so that dumps of its kind are incomplete (``lacking``).
2. What goes without a message is removed here, too: what goes with a link (``nlmon.objects.implied``), and what a
   complete dump in the recording no longer names.

Not here: answering (``answers``), reading (``reading``), which object is which and which routes a new one replaces
(``nlmon.objects``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from nlmon.framing import attribute, header, next_hops, nlattr, walk_attributes
from nlmon.objects.groups import RouteGroups
from nlmon.objects.implied import Cause, ends_route, interfaces_of
from nlmon.objects.keys import Key, Subject, is_sibling
from nlmon.transport.recorded.reading import Reading
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    FIB_RULE_HDR,
    IFADDRMSG,
    IFF_UP,
    IFINFOMSG,
    NDMSG,
    NLA_HDRLEN,
    NLMSG_HDRLEN,
    NTF_PROXY,
    RTA_MULTIPATH,
    RTA_NH_ID,
    RTA_OIF,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    RTNEXTHOP,
)

__all__ = ["BYTES_KEPT", "KINDS", "NAMES", "REMEMBERED", "RecordedObjects"]

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
NAMES = dict(zip(KINDS, ("link", "addr", "route", "neigh", "rule"), strict=True))
# Bytes of all of them.
BYTES_KEPT = 64 << 20
# Kinds of objects that go with their link.
ON_LINKS = (RTM_NEWADDR, RTM_NEWNEIGH, RTM_NEWROUTE)
# Where the attributes of a route begin.
ROUTE_ATTRIBUTES = NLMSG_HDRLEN + RTMSG


class RecordedObjects:
    """Raw messages by kind (the NEW type) and identity. ``lacking``: kinds of which not all had room; what is there of
    them exists, and what is not there may."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._nlattr = nlattr(byteorder)
        self._reading = Reading(byteorder)
        self._tables: dict[int, dict[Key, bytes]] = {kind: {} for kind in KINDS}
        # When each object was named last.
        self._frames: dict[int, dict[Key, int]] = {kind: {} for kind in KINDS}
        self._groups = RouteGroups()
        # Keys of what goes with a link, by the index of each interface that they are on.
        self._on: dict[int, dict[int | None, dict[Key, None]]] = {kind: {} for kind in ON_LINKS}
        self._knows_addresses = False
        self._bytes = 0
        self.lacking: set[int] = set()

    def learn(self, msg_type: int, message: bytes, frame: int = 0) -> None:
        """Take in a NEW or DEL message of the route protocol; ``frame`` is when."""
        kind = msg_type & ~3
        if kind not in HEADER or msg_type & 3 > 1 or len(message) < NLMSG_HDRLEN + HEADER[kind]:
            return
        table = self._tables[kind]
        subjects = [(self._reading.subject(kind, one), one) for one in self._hops(kind, message)]
        found = {_key(kind, subject): one for subject, one in subjects if subject is not None}
        if not found:
            return
        if msg_type & 3:
            for key in found.keys() & table.keys():
                self._drop(kind, key)
            if kind == RTM_NEWLINK and message[16] == AF_UNSPEC:
                self._link_gone(self._reading.index(message))
            elif kind == RTM_NEWADDR and message[16] == AF_INET:
                self._address_gone(self._reading.index(message))
            return
        known = {key: one for key, one in found.items() if key in table or self._has_room(table, one)}
        if len(known) < len(found):
            self.lacking.add(kind)
        found = known
        if not table.keys() >= found.keys() and self._reading.is_partial(kind, message):
            return
        if kind == RTM_NEWROUTE and found:
            for key in self._replaced(message, list(found)):
                self._drop(kind, key)
        for key, one in found.items():
            self._put(kind, key, self._reading.completed(kind, table.get(key, b""), one))
            self._frames[kind][key] = frame
        if kind == RTM_NEWLINK and message[16] == AF_UNSPEC and not self._up(message):
            self._end_routes(Cause.DOWN, self._reading.index(message))

    def _has_room(self, table: dict[Key, bytes], message: bytes) -> bool:
        return len(table) < REMEMBERED and self._bytes + len(message) <= BYTES_KEPT

    def _put(self, kind: int, key: Key, message: bytes) -> None:
        self._leave(kind, key)
        self._bytes += len(message)
        self._tables[kind][key] = message
        for index in self._interfaces(kind, message):
            self._on[kind].setdefault(index, {})[key] = None

    def _leave(self, kind: int, key: Key) -> None:
        """An object is no longer on the interfaces where it was."""
        before = self._tables[kind].get(key)
        self._bytes -= len(before or b"")
        for index in () if before is None else self._interfaces(kind, before):
            keys = self._on[kind].get(index, {})
            keys.pop(key, None)
            if not keys:
                self._on[kind].pop(index, None)

    def _interfaces(self, kind: int, message: bytes) -> tuple[int | None, ...]:
        """Indexes of the interfaces that an object goes with."""
        if kind == RTM_NEWROUTE:
            return interfaces_of(self._reading.route(message))
        return (self._reading.index(message),) if kind in ON_LINKS else ()

    def _replaced(self, message: bytes, keys: list[Key]) -> list[Key]:
        """Put a route, or each of its hops, in its place; the routes that it replaces."""
        route, group, flags = self._reading.route(message), keys[0][:-1], header(message, 0, self._order).flags
        nexthop = route.nh_id is not None
        if route.family != AF_INET6:
            one = self._groups.put4(group, keys[0], flags, nexthop=nexthop)
            return [] if one is None else [one]
        sibling = is_sibling(route)
        listed = sibling and route.multipath is not None
        return self._groups.put6(group, keys, flags, sibling=sibling, listed=listed, nexthop=nexthop)

    def _drop(self, kind: int, key: Key) -> None:
        self._leave(kind, key)
        self._tables[kind].pop(key, None)
        self._frames[kind].pop(key, None)
        if kind == RTM_NEWROUTE:
            self._groups.remove(key[:-1], key)

    def sweep(self, kind: int, family: int, since: int) -> None:
        """A recorded dump that began at the frame ``since`` was complete: what it did not name is gone."""
        table, frames = self._tables[kind], self._frames[kind]
        for key in [key for key, one in table.items() if self._listed(kind, family, one) and frames[key] < since]:
            self._drop(kind, key)
        self._knows_addresses |= kind == RTM_NEWADDR and family in {AF_UNSPEC, AF_INET}

    def of(self, kind: int, family: int) -> Iterator[bytes]:
        """Messages of a kind; family 0 gives all families that a dump of all has."""
        table = self._tables[kind]
        keys = self._in_order() if kind == RTM_NEWROUTE else table
        yield from (table[key] for key in keys if self._listed(kind, family, table[key]))

    def _in_order(self) -> Iterator[Key]:
        """The keys of the routes; those of one group come together, in the kernel's order."""
        seen: set[Key] = set()
        for key in self._tables[RTM_NEWROUTE]:
            if (group := key[:-1]) not in seen:
                keys = self._groups.of(group)
                if len(keys) > 1:
                    seen.add(group)
                yield from keys

    def _listed(self, kind: int, family: int, message: bytes) -> bool:
        """Whether an ordinary dump lists an object: proxy neighbours only one that asks for them does."""
        mine = message[16]
        if kind == RTM_NEWNEIGH and mine != AF_BRIDGE and message[26] & NTF_PROXY:
            return False
        # Of links a dump of all families lists no bridge ports, and no view of a family.
        ordinary = kind != RTM_NEWLINK and not (kind == RTM_NEWNEIGH and mine == AF_BRIDGE)
        return mine == family or (family == 0 and ordinary)

    def _hops(self, kind: int, message: bytes) -> list[bytes]:
        """An IPv6 route with several hops as a message a hop, since the kernel may take a single one of them away; not
        those of a nexthop object."""
        hops = (
            self._route_attribute(message, RTA_MULTIPATH) if kind == RTM_NEWROUTE and message[16] == AF_INET6 else None
        )
        if hops is None or self._route_attribute(message, RTA_NH_ID) is not None:
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

    def _up(self, message: bytes) -> bool:
        return len(message) >= 28 and bool(int.from_bytes(message[24:28], self._order) & IFF_UP)

    def is_down(self, index: int | None) -> bool:
        """Whether a link is down, which is not known of one that was never seen."""
        link = self._tables[RTM_NEWLINK].get(("link", index))
        return link is not None and not self._up(link)

    def is_unnumbered(self, index: int | None) -> bool:
        """Whether a link has no IPv4 address, which is not known unless all addresses were listed once."""
        table = self._tables[RTM_NEWADDR]
        keys = self._on[RTM_NEWADDR].get(index, ())
        known = self._knows_addresses and RTM_NEWADDR not in self.lacking
        return known and all(table[key][16] != AF_INET for key in keys)

    def _link_gone(self, index: int) -> None:
        """Remove what goes with a link that is deleted."""
        self._drop(RTM_NEWLINK, ("port", index))
        for kind in (RTM_NEWADDR, RTM_NEWNEIGH):
            for key in list(self._on[kind].get(index, ())):
                self._drop(kind, key)
        self._end_routes(Cause.DELETED, index)

    def _address_gone(self, index: int) -> None:
        """Remove what goes with the last IPv4 address of a link."""
        if self.is_unnumbered(index):
            self._end_routes(Cause.NO_ADDRESS, index)

    def _end_routes(self, cause: Cause, index: int) -> None:
        table = self._tables[RTM_NEWROUTE]
        for key in list(self._on[RTM_NEWROUTE].get(index, ())):
            if ends_route(cause, index, self._reading.route(table[key]), self):
                self._drop(RTM_NEWROUTE, key)


def _key(kind: int, subject: Subject) -> Key:
    """The key of an object in the table of its kind; that of links holds bridge ports and views of families, too."""
    name, key, _ = subject
    return (name, *key) if kind == RTM_NEWLINK else key
