"""The objects of a recorded kernel, as raw messages: what it would answer to a dump at this point of a recording.

Kept only for a replay whose implementations ask for dumps.

Rules of this file:
1. At most ``REMEMBERED`` objects of a kind, and ``BYTES_KEPT`` of all; a recording does not decide how much memory is
   used. What has no room, or has none any more since it grew, is not there, so that dumps of its kind are incomplete
   (``lacking``).
2. What goes without a message is removed here, too: what goes with a link (``nlmon.objects.implied``), and what a
   complete dump in the recording no longer names.
3. Each message is read once. What is asked for of a route later is kept beside it, and whatever a message does takes as
   long as what it changes.

Not here: answering (``answers``), reading (``reading``), which object is which and which routes a new one replaces
(``nlmon.objects``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from nlmon import uapi
from nlmon.framing import attribute, header, next_hops, nlattr, walk_attributes
from nlmon.limits import PARTS_OF_ONE
from nlmon.objects.families import FamilyIndex, link_index
from nlmon.objects.groups import RouteGroups
from nlmon.objects.implied import Cause, cause_of
from nlmon.objects.keys import Key, is_sibling
from nlmon.objects.linked import LinkedRoutes
from nlmon.objects.nexthops import NexthopChanges, lost_hop
from nlmon.transport.recorded.reading import FAMILY, FLAGS, NDM_FLAGS, MessageReader
from nlmon.transport.recorded.values import Address, Route, Value, route_key, subject_of

__all__ = ["BYTES_KEPT", "KINDS", "NAMES", "REMEMBERED", "RecordedObjects"]

REMEMBERED = 65536
# Kinds of objects by the type of the message that brings them, and the size of its fixed header.
HEADER = {
    uapi.RTM_NEWLINK: uapi.IFINFOMSG,
    uapi.RTM_NEWADDR: uapi.IFADDRMSG,
    uapi.RTM_NEWROUTE: uapi.RTMSG,
    uapi.RTM_NEWNEIGH: uapi.NDMSG,
    uapi.RTM_NEWRULE: uapi.FIB_RULE_HDR,
}
KINDS = tuple(HEADER)
NAMES = dict(zip(KINDS, ("link", "addr", "route", "neigh", "rule"), strict=True))
# Bytes of all of them.
BYTES_KEPT = 64 << 20
# Kinds of objects that go with their link, beside routes.
ON_LINKS = (uapi.RTM_NEWADDR, uapi.RTM_NEWNEIGH)
# Where the attributes of a route begin.
ROUTE_ATTRIBUTES = uapi.NLMSG_HDRLEN + uapi.RTMSG


class Held(NamedTuple):
    """An object: the message that describes it, what was read of that, if it is a route, and the frame that named it
    last."""

    message: bytes
    route: Route | None
    frame: int


class RecordedObjects:
    """Raw messages by kind (the NEW type) and identity. ``lacking``: kinds of which not all had room; what is there of
    them exists, and what is not there may."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._nlattr = nlattr(byteorder)
        self._reading = MessageReader(byteorder)
        self._tables: dict[int, dict[Key, Held]] = {kind: {} for kind in KINDS}
        self._by_family = {
            kind: link_index() if kind == uapi.RTM_NEWLINK else FamilyIndex.of_kind(name)
            for kind, name in NAMES.items()
        }
        self._groups = RouteGroups()
        self._routes = LinkedRoutes(self)
        self._nexthops = NexthopChanges()
        # Keys of what goes with a link, by the index of the interface that they are on; those of IPv4 apart.
        self._on: dict[tuple[int, bool], dict[int, dict[Key, None]]] = {
            (kind, ip4): {} for kind in ON_LINKS for ip4 in (False, True)
        }
        self._listed_addresses = False
        self._bytes = self._more_hops = 0
        self.lacking: set[int] = set()

    @property
    def size(self) -> int:
        """How many objects are held, a share for the hops of routes and the combinations of links that routes are over
        among them."""
        return sum(map(len, self._tables.values())) + self._more_hops // PARTS_OF_ONE + self._routes.size

    def learn(self, msg_type: int, message: bytes, frame: int = 0) -> None:
        """Take in a NEW or DEL message of the route protocol; ``frame`` is when."""
        kind = msg_type & ~uapi.RTNL_KIND_MASK
        if kind == uapi.RTM_NEWNEXTHOP:
            self._learn_nexthop(msg_type, message)
        changes = msg_type & uapi.RTNL_KIND_MASK <= uapi.RTNL_KIND_DEL
        if kind not in HEADER or not changes or len(message) < uapi.NLMSG_HDRLEN + HEADER[kind]:
            return
        value = self._reading.read(kind, message)
        if msg_type & uapi.RTNL_KIND_MASK == uapi.RTNL_KIND_DEL:
            self._learn_gone(kind, message, value)
            return
        found = self._whole(kind, self._parts(kind, message, value), frame)
        if isinstance(value, Route) and found:
            # What it replaces is gone, and leaves its room, whether it has any or not.
            for key in self._replaced(message, value, list(found)):
                self._drop(kind, key)
        for key, held in found.items():
            if held is not None and self._has_room(kind, key, held):
                self._put(kind, key, held)
            else:  # what is held of it is not what it is any more
                self.lacking.add(kind)
                self._drop(kind, key)
        if found and kind == uapi.RTM_NEWLINK and message[FAMILY] == uapi.AF_UNSPEC:
            cause = cause_of(int.from_bytes(message[FLAGS], self._order))
            if cause is not None:
                self._end_routes(cause, self._reading.index(message))

    def _learn_gone(self, kind: int, message: bytes, value: Value) -> None:
        """Take in a DEL message."""
        keys = [key for key, _, _ in self._parts(kind, message, value)]
        known = not self._tables[kind].keys().isdisjoint(keys)
        for key in keys:
            self._drop(kind, key)
        if keys and kind == uapi.RTM_NEWLINK and message[FAMILY] == uapi.AF_UNSPEC:
            self._link_gone(self._reading.index(message))
        elif keys and isinstance(value, Address):
            self._address_gone(value, known=known)

    def _whole(self, kind: int, parts: Iterable[tuple[Key, bytes, Value]], frame: int) -> dict[Key, Held | None]:
        """The objects of a NEW message; None stands for those that have no room beside the others, whatever else is
        held."""
        table, room = self._tables[kind], BYTES_KEPT
        found: dict[Key, Held | None] = {}
        for key, message, value in parts:
            before = table.get(key)
            if before is None and self._reading.is_partial(value):
                continue
            whole = message if before is None else self._reading.completed(before.message, message, value)
            room -= len(whole)
            found[key] = None if room < 0 else Held(whole, value if isinstance(value, Route) else None, frame)
        return found

    def _has_room(self, kind: int, key: Key, held: Held) -> bool:
        table = self._tables[kind]
        before = table.get(key)
        growth = len(held.message) - (0 if before is None else len(before.message))
        return self._bytes + growth <= BYTES_KEPT and (before is not None or len(table) < REMEMBERED)

    def _put(self, kind: int, key: Key, held: Held) -> None:
        before = self._tables[kind].get(key)
        if before is None:
            self._more_hops += _hops_in(kind, key)
        else:
            self._bytes -= len(before.message)
        self._bytes += len(held.message)
        self._tables[kind][key] = held
        self._by_family[kind].put(key)
        if held.route is None:
            self._move(kind, key, before, held)
            if kind == uapi.RTM_NEWADDR and before is None:
                self._routes.add_address(self._reading.address(held.message))
        elif before is None or before.route is None:
            self._routes.put(key, held.route)
        else:
            self._routes.replace(key, before.route, held.route)

    def _move(self, kind: int, key: Key, before: Held | None, held: Held | None) -> None:
        """A link, or what is on one, came, went, or is where it was before or elsewhere."""
        for one in filter(None, (before, held)):
            index, ip4 = self._reading.index(one.message), one.message[FAMILY] == uapi.AF_INET
            if kind in ON_LINKS:
                keys = self._on[kind, ip4].setdefault(index, {})
                if one is held:
                    keys[key] = None
                else:
                    keys.pop(key, None)
                if not keys:
                    del self._on[kind, ip4][index]
            if kind == uapi.RTM_NEWLINK:
                self._routes.changed(index)

    def _replaced(self, message: bytes, route: Route, keys: list[Key]) -> list[Key]:
        """Put a route, or each of its hops, in its place; the routes that it replaces."""
        group, flags = keys[0][:-1], header(message, 0, self._order).flags
        nexthop = route.nh_id is not None
        if route.family != uapi.AF_INET6:
            one = self._groups.put4(group, keys[0], flags, nexthop=nexthop)
            return [] if one is None else [one]
        sibling = is_sibling(route)
        listed = sibling and route.multipath is not None
        return self._groups.put6(group, keys, flags, sibling=sibling, listed=listed, nexthop=nexthop)

    def _drop(self, kind: int, key: Key) -> None:
        if kind == uapi.RTM_NEWROUTE:
            self._groups.remove(key[:-1], key)
        held = self._tables[kind].pop(key, None)
        if held is None:
            return
        self._bytes -= len(held.message)
        self._more_hops -= _hops_in(kind, key)
        self._by_family[kind].remove(key)
        if held.route is None:
            self._move(kind, key, held, None)
            if kind == uapi.RTM_NEWADDR:
                self._routes.delete_address(self._reading.address(held.message))
        else:
            self._routes.remove(key, held.route)

    def sweep(self, kind: int, family: int, since: int) -> list[Key]:
        """A recorded dump that began at the frame ``since`` was complete: what it did not name is gone, but for IPv6
        routes that may stand between siblings, which a dump does not list (net/ipv6/ip6_fib.c, fib6_dump_node). Returns
        what is gone."""
        table = self._tables[kind]
        mine = self._by_family[kind].listed(family, table)
        gone = [key for key in mine if table[key].frame < since]
        siblings = Counter(key[:-1] for key in mine if gone and table[key].frame >= since and _is_sibling(table[key]))
        gone = [key for key in gone if siblings[key[:-1]] < 2 or _is_sibling(table[key])]
        for key in gone:
            self._drop(kind, key)
        self._listed_addresses |= kind == uapi.RTM_NEWADDR and family in {uapi.AF_UNSPEC, uapi.AF_INET}
        return gone

    def of(self, kind: int, family: int) -> Iterator[bytes]:
        """Messages of a kind; family 0 gives all families that a dump of all has."""
        table = self._tables[kind]
        keys = self._in_order() if kind == uapi.RTM_NEWROUTE else table
        yield from (held.message for held in map(table.__getitem__, keys) if _listed(kind, family, held))

    def _in_order(self) -> Iterator[Key]:
        """The keys of the routes; those of one group come together, in the kernel's order."""
        seen: set[Key] = set()
        for key in self._tables[uapi.RTM_NEWROUTE]:
            if (group := key[:-1]) not in seen:
                keys = self._groups.of(group)
                if len(keys) > 1:
                    seen.add(group)
                yield from keys

    def _parts(self, kind: int, message: bytes, value: Value) -> Iterator[tuple[Key, bytes, Value]]:
        """The objects that a message is about, each by its key in the table of its kind, with a message of its own: an
        IPv6 route with several hops is one for each, since the kernel may take a single one away."""
        if isinstance(value, Route) and value.family == uapi.AF_INET6 and value.multipath and value.nh_id is None:
            for one in self._hops(message):
                route = self._reading.route(one)
                yield route_key(route), one, route
            return
        subject = subject_of(value)
        if subject is not None:
            name, key, _ = subject
            # The table of links holds bridge ports and views of families, too.
            yield (name, *key) if kind == uapi.RTM_NEWLINK else key, message, value

    def _hops(self, message: bytes) -> Iterator[bytes]:
        """A message for each hop of a route."""
        rows = list(walk_attributes(message, ROUTE_ATTRIBUTES, len(message), self._order))
        shared = b"".join(
            message[begin - uapi.NLA_HDRLEN : end] + bytes(-(end - begin) % 4)
            for number, begin, end in rows
            if number != uapi.RTA_MULTIPATH
        )
        hops = attribute(message, ROUTE_ATTRIBUTES, len(message), self._order, uapi.RTA_MULTIPATH) or b""
        for begin, end in next_hops(hops, self._order):
            oif = self._nlattr.pack(8, uapi.RTA_OIF) + hops[begin + 4 : begin + uapi.RTNEXTHOP]
            body = message[4:ROUTE_ATTRIBUTES] + shared + oif + hops[begin + uapi.RTNEXTHOP : end]
            yield (len(body) + 4).to_bytes(4, self._order) + body

    def _up(self, message: bytes) -> bool:
        return bool(int.from_bytes(message[FLAGS], self._order) & uapi.IFF_UP)

    @property
    def knows_addresses(self) -> bool:
        """Whether all IPv4 addresses are known."""
        return self._listed_addresses and uapi.RTM_NEWADDR not in self.lacking

    def is_down(self, index: int) -> bool:
        """Whether a link is down, which is not known of one that was never seen."""
        link = self._tables[uapi.RTM_NEWLINK].get(("link", index))
        return link is not None and not self._up(link.message)

    def _link_gone(self, index: int) -> None:
        """Remove what goes with a link that is deleted."""
        self._drop(uapi.RTM_NEWLINK, ("port", index))
        for kind in ON_LINKS:
            for ip4 in (False, True):
                for key in list(self._on[kind, ip4].get(index, ())):
                    self._drop(kind, key)
        self._end_routes(Cause.DELETED, index)

    def _address_gone(self, address: Address, *, known: bool) -> None:
        """Remove what goes with the last IPv4 address of a link, or the preferred sources that go with one of IPv6."""
        if address.family == uapi.AF_INET and self.knows_addresses and not self._routes.has_address(address.ifindex):
            self._end_routes(Cause.NO_ADDRESS, address.ifindex)
        for key in self._routes.unsourced(address, known=known):
            self._rewrite(key, lambda message: self._reading.without(message, uapi.RTMSG, uapi.RTA_PREFSRC))

    def _rewrite(self, key: Key, change: Callable[[bytes], bytes]) -> None:
        """Change a route, by its message."""
        held = self._tables[uapi.RTM_NEWROUTE][key]
        message = change(held.message)
        self._put(uapi.RTM_NEWROUTE, key, Held(message, self._reading.route(message), held.frame))

    def _end_routes(self, cause: Cause, index: int) -> None:
        gone, shorter = self._routes.ended(cause, index)
        for key in gone:
            self._drop(uapi.RTM_NEWROUTE, key)
        for key in shorter:
            route = self._tables[uapi.RTM_NEWROUTE][key].route
            hops = (route and route.multipath) or ()
            self._without_hops(key, {place for place, hop in enumerate(hops) if hop.ifindex == index})

    def _without_hops(self, key: Key, gone: Container[int]) -> None:
        self._rewrite(key, lambda message: self._reading.without_hops(message, gone))

    def _learn_nexthop(self, msg_type: int, message: bytes) -> None:
        """With a nexthop object go routes or hops of them."""
        nexthop = self._reading.nexthop(msg_type, message)
        change = (
            None
            if nexthop is None or msg_type & uapi.RTNL_KIND_MASK > uapi.RTNL_KIND_DEL
            else self._nexthops.of(nexthop)
        )
        if change is None:
            return
        if change.weights is None:
            for key in self._routes.by_nexthop.over(change.id):
                self._drop(uapi.RTM_NEWROUTE, key)
        for hops, keys in list(self._routes.by_nexthop.alike(change.id)):
            place = lost_hop(hops, change, self._reading.gateway)
            if place is not None:
                for key in list(keys):
                    self._without_hops(key, {place})


def _is_sibling(held: Held) -> bool:
    return held.route is not None and is_sibling(held.route)


def _hops_in(kind: int, key: Key) -> int:
    """How many hops a route has in its key, one by itself not counted."""
    entry: Any = key[-1]  # see keys.hops_of
    return max(0, len(entry[-1]) - 1) if kind == uapi.RTM_NEWROUTE else 0


def _listed(kind: int, family: int, held: Held) -> bool:
    """Whether an ordinary dump lists an object: proxy neighbours only one that asks for them does."""
    mine = held.message[FAMILY]
    if kind == uapi.RTM_NEWNEIGH and mine != uapi.AF_BRIDGE and held.message[NDM_FLAGS] & uapi.NTF_PROXY:
        return False
    # Of links a dump of all families lists no bridge ports, and no view of a family.
    ordinary = kind != uapi.RTM_NEWLINK and not (kind == uapi.RTM_NEWNEIGH and mine == uapi.AF_BRIDGE)
    return mine == family or (family == uapi.AF_UNSPEC and ordinary)
