"""Final state: what a host's network looks like after a stream of events.

Judging the stream alone is not enough, since kernels change objects without an event: routes vanish with a link
that goes down, a nexthop takes its routes along, an address its prefsrc routes. So events are folded into
tables, and every recorded dump is held against them.

Rules of this file:
1. Nothing is repaired in silence: what a dump or a link's end corrects is kept as ``Unannounced``.
2. Values in, values out. No files, no sockets.

Not here: which object is which (``nlmon.state.identity``), and comparing two states (``nlmon.compare.final``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, RouteInfo, RoutePayload
from nlmon.state.describe import show_interface, show_key
from nlmon.state.dumps import DumpLoad, Unannounced
from nlmon.state.identity import (
    BRIDGE,
    INET,
    Key,
    Subject,
    held_by_dump,
    objects_of,
    route_group,
    split_hops,
    subject_of,
)
from nlmon.state.indexes import InterfaceIndex, RouteGroups

__all__ = ["KINDS", "VOLATILE", "State", "changed_fields", "held_by_dump"]

KINDS = ("link", "port", "addr", "neigh", "rule", "route")

UNSPEC = 0
MULTI, REPLACE, APPEND = 0x2, 0x100, 0x800
IFF_UP = 0x1
SCOPE_HOST = 254
# Fields that change without meaning: counters down to expiry, and masks that only a notification fills.
VOLATILE = {
    "addr": {"preferred_lifetime", "valid_lifetime"},
    "link": {"change", "promiscuity"},
    "neigh": {"probes"},
    "port": {"change"},
    "route": {"expires"},
    "rule": set(),
}
KEPT = 1000


class State:
    """Tables of objects by identity. ``tables[kind][key]`` is a payload. Without ``notes`` what was unannounced is not
    kept."""

    def __init__(self, *, notes: bool = True) -> None:
        self._notes = notes
        self.tables: dict[str, dict[Key, RoutePayload]] = {kind: {} for kind in KINDS}
        self.unannounced: list[Unannounced] = []
        self.unannounced_counts: Counter[tuple[str, str]] = Counter()
        self._corrected: list[Unannounced] = []
        # Whether ``take_corrections`` has anything to give.
        self.has_corrections = False
        self._loads: list[DumpLoad] = []
        self._dumped: set[tuple[int, int]] = set()
        # The routes of each group in order, which for IPv4 is the kernel's.
        self._members = RouteGroups()
        self._hanging = {kind: InterfaceIndex() for kind in ("addr", "neigh", "route")}

    def adopt(self, other: State, change: Callable[[RoutePayload], RoutePayload], loads: Collection[DumpLoad]) -> None:
        """Hold what another state holds, each object changed by ``change``, and wait for the dumps of ``loads``."""
        self.tables = {
            kind: {key: change(payload) for key, payload in table.items()} for kind, table in other.tables.items()
        }
        self._members = other._members.copy()
        self._hanging = {kind: hanging.copy() for kind, hanging in other._hanging.items()}
        self._dumped = set(other._dumped)
        self._loads = list(loads)

    # -- events ------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Fold one event. RTM_GET* and RTM_SETLINK are requests and change nothing; an object of a foreign namespace is
        none of this one's."""
        subject = subject_of(event)
        if subject is not None:
            self.fold(event, subject)

    def fold(self, event: Event, subject: Subject) -> None:
        """Fold an event about ``subject``, which is the same for all events with the same identity."""
        kind, key, group = subject
        payload: Any = event.payload
        new = event.msg_type & 3 == 0
        if group is not None:
            route = self._route4 if payload.family == INET else self._route6
            route(payload, key, group, new, event.msg_flags)
            return
        if self._loads:
            self._touch(kind, key)
        if new:
            before = self._put(kind, key, payload)
            if kind == "link" and isinstance(before, LinkInfo):
                self._link_changed(before, payload, event.frame)
        else:
            self._take(kind, key)
            if kind == "link":
                self._link_gone(payload, event.frame)

    def _put(self, kind: str, key: Key, payload: RoutePayload) -> RoutePayload | None:
        """Hold an object, in the place of another one that was there, which is returned."""
        table, hanging = self.tables[kind], self._hanging.get(kind)
        before = table.setdefault(key, payload)
        if before is payload:
            if hanging is not None:
                hanging.put(key, payload)
            return None
        table[key] = payload
        if hanging is not None:
            hanging.replace(before, payload)
        return before

    def _take(self, kind: str, key: Key) -> RoutePayload | None:
        """Hold an object no longer."""
        payload = self.tables[kind].pop(key, None)
        if payload is not None:
            hanging = self._hanging.get(kind)
            if hanging is not None:
                hanging.take(key, payload)
        return payload

    def _route4(self, route: RouteInfo, key: Key, group: Key, new: bool, flags: int) -> None:
        if self._loads:
            self._reordered(group)
            self._touch("route", key)
        if not new:
            if self._take("route", key) is not None:
                self._members.take(group, key)
            return
        if not self._members.begin(group, key):
            members = self._members.of(group)
            if flags & REPLACE and (route.nh_id is None or key not in members):
                # The kernel replaces the first route of the same tos and priority (net/ipv4/fib_trie.c).
                # It may be there already when a dump ran ahead of this message.
                first = next(iter(members))
                if first != key:
                    self.remove("route", first)
                self._members.put(group, key, last=False)
            elif key not in members:
                # A nexthop that is replaced is announced like a replacement, and its routes keep their places.
                last = bool(flags & (APPEND | MULTI))  # a dump lists them in order
                self._members.put(group, key, last=last)
        self._put("route", key, route)

    def order(self, group: Key) -> list[Key]:
        """Keys of the IPv4 routes of a group, in the kernel's order: a replacement takes the first."""
        return list(self._members.of(group))

    def _route6(self, route: RouteInfo, key: Key, group: Key, new: bool, flags: int) -> None:
        single = {key: route} if route.multipath is None else split_hops(route)
        gone: Collection[Key] = ()
        if not new:
            gone = single.keys()
        elif route.multipath is not None or flags & REPLACE:
            gone = self._replaced6(self._members.of(group), route, flags) - single.keys()
        for old in gone:
            self.remove("route", old)
        if new:
            for one, hop in single.items():
                if self._loads:
                    self._touch("route", one)
                self._put("route", one, hop)
                self._members.add(group, one)

    def _replaced6(self, members: Collection[Key], route: RouteInfo, flags: int) -> set[Key]:
        """Routes whose place a new one takes (net/ipv6/ip6_fib.c, fib6_add_rt2node): routes over gateways are
        siblings and replaced together, a route without one replaces the first of its like. A multipath message
        lists every sibling. Where there is none of its like, a replacement takes the first route of all."""
        siblings = {key for key in members if _has_gateway(self.tables["route"][key])}
        if route.multipath is not None or _has_gateway(route):
            alike = siblings
        else:
            alike = set(next(([key] for key in members if key not in siblings), []))
        if alike or not flags & REPLACE:
            return alike
        return set(next(([key] for key in members), []))

    # -- what the kernel does not announce ------------------------------------------------------------------

    def _link_gone(self, link: LinkInfo, frame: int) -> None:
        """With a link go its port, addresses, neighbours and routes, announced or not."""
        reason = f"interface {show_interface(link.ifindex, link.ifname)} was deleted"
        index = link.ifindex
        self._drop("port", index, lambda p: isinstance(p, LinkInfo) and p.ifindex == index, frame, reason)
        self._drop("addr", index, lambda p: isinstance(p, AddrInfo) and p.ifindex == index, frame, reason)
        self._drop("neigh", index, lambda p: isinstance(p, NeighInfo) and p.ifindex == index, frame, reason)
        self._drop("route", index, lambda p: isinstance(p, RouteInfo) and self._dead(p, index, index), frame, reason)

    def _link_changed(self, before: LinkInfo, link: LinkInfo, frame: int) -> None:
        """IPv4 routes over a link that goes down are flushed without an event, but for those of host scope
        (net/ipv4/fib_semantics.c, fib_sync_down_dev)."""
        if not before.flags & IFF_UP or link.flags & IFF_UP:
            return
        index = link.ifindex
        reason = f"interface {show_interface(index, link.ifname)} went down"

        def lost(payload: RoutePayload) -> bool:
            return (
                isinstance(payload, RouteInfo)
                and payload.family == INET
                and payload.scope != SCOPE_HOST
                and self._dead(payload, index, None)
            )

        self._drop("route", index, lost, frame, reason)

    def _dead(self, route: RouteInfo, index: int, gone: int | None) -> bool:
        if route.multipath is None:
            return route.oif == index
        hops = [hop.ifindex for hop in route.multipath]
        return index in hops and all(hop == gone or self._is_down(hop) for hop in hops)

    def _is_down(self, ifindex: int) -> bool:
        """A link that was never seen is not known to be down."""
        link = self.tables["link"].get((ifindex,))
        return isinstance(link, LinkInfo) and not link.flags & IFF_UP

    def _drop(self, kind: str, index: int, doomed: Callable[[RoutePayload], bool], frame: int, reason: str) -> None:
        table = self.tables[kind]
        near = self._hanging[kind].on(index, table) if kind in self._hanging else table
        for key in [key for key in near if doomed(table[key])]:
            self.remove(kind, key)
            self.note(Unannounced(kind, "gone", show_key(kind, key, self.tables["link"]), frame, reason, key))

    def clear(self, kind: str) -> None:
        """Forget every object of a kind."""
        self.tables[kind].clear()
        if kind in self._hanging:
            self._hanging[kind].clear()
        if kind == "route":
            self._members.clear()

    def remove(self, kind: str, key: Key) -> None:
        """Take one object out of its table, for whatever reason."""
        self._touch(kind, key)
        if self._take(kind, key) is not None and kind == "route":
            group = key[:-1]
            self._reordered(group)
            self._members.take(group, key)

    def note(self, found: Unannounced) -> None:
        """Keep what came to light."""
        if not self._notes:
            return
        self.unannounced_counts[found.kind, found.change] += 1
        self._corrected.append(found)
        self.has_corrections = True
        if len(self.unannounced) < KEPT:
            self.unannounced.append(found)

    def take_corrections(self) -> list[Unannounced]:
        """What came to light since the last call, all of it; ``unannounced`` keeps only the first ``KEPT``."""
        found, self._corrected = self._corrected, []
        self.has_corrections = False
        return found

    def restore(self, found: list[Unannounced]) -> None:
        """Put back what ``take_corrections`` gave, in front of what came since."""
        self._corrected[:0] = found
        self.has_corrections = bool(self._corrected)

    def _touch(self, kind: str, key: Key) -> None:
        for load in self._loads:
            load.touched.add((kind, key))

    def _reordered(self, group: Key) -> None:
        for load in self._loads:
            load.reordered.add(group)

    # -- dumps -----------------------------------------------------------------------------------------------

    def begin_dump(self, get_type: int, family: int) -> DumpLoad:
        """Start collecting a whole dump of ``get_type`` (RTM_GET*) and ``family``; see ``end_dump``."""
        # The kernel has no link dump of one family; it answers AF_PACKET like AF_UNSPEC.
        load = DumpLoad(get_type, UNSPEC if get_type == 18 else family)
        self._loads.append(load)
        return load

    def abandon_dump(self, load: DumpLoad) -> None:
        """Forget a dump that was interrupted or never ended: it proves nothing."""
        self._loads.remove(load)

    def end_dump(self, load: DumpLoad, frame: int) -> None:
        """Hold a complete dump against the tables. The first dump of its kind and family fills them; a later one
        corrects them and every correction is kept in ``unannounced``."""
        self._loads.remove(load)
        kind, held = held_by_dump(load.msg_type, load.family)
        objects: dict[Key, RoutePayload] = {}
        for payload in load.payloads:
            objects.update((key, value) for one, key, value in objects_of(payload) if one == kind and held(key))
        # A dump of all families lists neither bridge ports nor forwarding databases.
        before = {load.family} if load.family == BRIDGE else {load.family, UNSPEC}
        first = not self._dumped & {(load.msg_type, family) for family in before}
        self._dumped.add((load.msg_type, load.family))
        self._reconcile(kind, objects, held, load.touched, first, frame)
        if kind == "route":
            self._reorder(objects, load.reordered)

    def _reconcile(
        self,
        kind: str,
        objects: dict[Key, RoutePayload],
        held: Callable[[Key], bool],
        touched: set[tuple[str, Key]],
        first: bool,
        frame: int,
    ) -> None:
        table = self.tables[kind]
        reason = f"known from the dump that ended at frame {frame}"
        for key in [key for key in table if held(key) and key not in objects and (kind, key) not in touched]:
            name = show_key(kind, key, self.tables["link"])
            self.remove(kind, key)
            self.note(Unannounced(kind, "gone", name, frame, reason, key))
        for key, payload in objects.items():
            if (kind, key) in touched:
                continue
            before = table.get(key)
            if before is None:
                self._insert(kind, key, payload)
                if not first:
                    name = show_key(kind, key, self.tables["link"])
                    self.note(Unannounced(kind, "appeared", name, frame, reason, key))
            elif before != payload:
                self._insert(kind, key, payload)
                changed = changed_fields(kind, before, payload)
                if changed:
                    name = show_key(kind, key, self.tables["link"])
                    self.note(Unannounced(kind, "changed", name, frame, reason, key, changed))

    def _reorder(self, objects: dict[Key, RoutePayload], reordered: set[Key]) -> None:
        """Bring the IPv4 routes of each group into the order of a dump, which is the kernel's."""
        for key, payload in objects.items():
            if isinstance(payload, RouteInfo) and payload.family == INET:
                group = route_group(payload)
                if group not in reordered:
                    self._members.put(group, key, last=True)

    def _insert(self, kind: str, key: Key, payload: RoutePayload) -> None:
        self._put(kind, key, payload)
        if isinstance(payload, RouteInfo):
            self._members.add(route_group(payload), key)


def _has_gateway(route: RoutePayload) -> bool:
    return isinstance(route, RouteInfo) and bool(route.gateway or route.via)


def changed_fields(kind: str, before: RoutePayload, after: RoutePayload) -> tuple[str, ...]:
    """Fields in which two values of an object differ, without those that change by themselves."""
    quiet = VOLATILE[kind]
    return tuple(
        name for name in before.__struct_fields__ if name not in quiet and getattr(before, name) != getattr(after, name)
    )
