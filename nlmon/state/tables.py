"""Final state: what a host's network looks like after a stream of events.

Judging the stream alone is not enough, since kernels change objects without an event: with a link that goes down go
routes, with an address the preferred source of others. So events are folded into tables, and every recorded dump is
held against them.

Rules of this file:
1. Nothing is repaired in silence: what a dump or a link's end corrects is kept as ``Unannounced``.
2. Values in, values out. No files, no sockets.

Not here: which object is which, and which routes a new one replaces (``nlmon.objects``); comparing two states
(``nlmon.compare.final``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from msgspec import structs

from nlmon.events import OVERRUN, AddrInfo, Event, LinkInfo, RouteInfo, RoutePayload
from nlmon.limits import PARTS_OF_ONE
from nlmon.objects.groups import RouteGroups
from nlmon.objects.implied import Cause, cause_of, is_announced
from nlmon.objects.keys import Key, Subject, is_sibling, route_group
from nlmon.objects.linked import LinkedRoutes
from nlmon.objects.nexthops import NexthopChange, lost_hop
from nlmon.objects.partial import PARTIAL_LINK, is_echo, is_partial_link
from nlmon.state.describe import show_interface, show_key
from nlmon.state.dumps import Change, DumpLoad, Dumps, Unannounced, changed_fields, parts_held
from nlmon.state.hops import gateway_of, without_hops
from nlmon.state.identity import shared_subject, split_hops
from nlmon.state.indexes import Indexes
from nlmon.uapi import AF_BRIDGE, AF_INET, AF_UNSPEC, IFF_UP, NETLINK_ROUTE, RTM_GETADDR, RTNL_KIND_MASK, RTNL_KIND_NEW

__all__ = ["KINDS", "NOTHING", "Folded", "Object", "State"]

KINDS = ("link", "port", "addr", "neigh", "rule", "route")
LINKS = frozenset({"link", "port"})

# Of what was unannounced so many are kept; all are counted.
KEPT = 1000

# Kind and key of an object of a host.
Object: TypeAlias = tuple[str, Key]


class Folded(NamedTuple):
    """What an event did to a state beside its own object: what is ``gone`` with that or was replaced by it, ``found``,
    what of it no message announces, and what it ``changed``. ``partial``: of its own object it stated a part, and the
    rest stayed as it was; see ``nlmon.objects.partial``."""

    gone: Sequence[Object]
    found: Sequence[Unannounced]
    changed: Sequence[Object] = ()
    partial: bool = False


NOTHING = Folded((), ())
PARTIAL = Folded((), (), partial=True)


class State:
    """Tables of objects by identity. ``tables[kind][key]`` is a payload. Without ``notes`` what was unannounced is not
    kept. ``dumps``: those that are under way, and what is known of all objects of a kind."""

    def __init__(self, *, notes: bool = True) -> None:
        self._notes = notes
        self.tables: dict[str, dict[Key, RoutePayload]] = {kind: {} for kind in KINDS}
        self.unannounced: list[Unannounced] = []
        self.unannounced_counts: Counter[tuple[str, str]] = Counter()
        self.dumps = Dumps()
        self._groups = RouteGroups()
        self._indexes = Indexes()
        self._routes = LinkedRoutes(self)
        # Alternative names of links.
        self._names = 0

    @property
    def size(self) -> int:
        """How many objects are held, those of dumps that are under way, a share for parts of objects and the
        combinations of links that routes are over among them."""
        parts = (self._names + self._routes.parts) // PARTS_OF_ONE
        return sum(map(len, self.tables.values())) + parts + self._routes.size + self.dumps.size

    def adopt(self, other: State, change: Callable[[RoutePayload], RoutePayload], loads: Collection[DumpLoad]) -> None:
        """Hold what another state holds, each object changed by ``change``, and wait for the dumps of ``loads``."""
        self.tables = {
            kind: {key: change(payload) for key, payload in table.items()} for kind, table in other.tables.items()
        }
        self._groups = other._groups.copy()
        self._indexes = other._indexes.copy()
        self._routes = other._routes.copy(self)
        self._names = other._names
        self.dumps = other.dumps.copy(loads)

    # -- events ------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> Folded:
        """Fold one event. RTM_GET* and RTM_SETLINK are requests and change nothing; an object of a foreign namespace is
        none of this one's. Where messages were lost, not all objects are known any more."""
        subject = shared_subject(event)
        if event.type == OVERRUN and event.protocol == NETLINK_ROUTE:
            self.dumps.lose()
        return NOTHING if subject is None else self.fold(event, subject)

    def fold(self, event: Event, subject: Subject) -> Folded:
        """Fold an event about ``subject``, which is the same for all events with the same identity."""
        kind, key, group = subject
        payload: Any = event.payload
        new = event.msg_type & RTNL_KIND_MASK == RTNL_KIND_NEW
        if group is not None:
            route = self._route4 if payload.family == AF_INET else self._route6
            replaced = route(payload, key, group, new, event.msg_flags)
            return Folded([("route", one) for one in replaced], ()) if replaced else NOTHING
        if self.dumps.open:
            self.dumps.touch(kind, key)
        if new:
            if kind == "link":
                return self._link_new(key, payload, event.frame)
            table: dict[Key, Any] = self.tables[kind]
            if kind == "neigh" and payload.family == AF_BRIDGE and is_echo(table.get(key), payload):
                return PARTIAL
            self._put(kind, key, payload)
            return NOTHING
        known = self._take(kind, key)
        if kind == "link":
            return self._link_gone(payload, event.frame)
        return self._address_gone(payload, known, event.frame) if kind == "addr" else NOTHING

    def _link_new(self, key: Key, link: LinkInfo, frame: int) -> Folded:
        before, partial = self.tables["link"].get(key), is_partial_link(link)
        if partial:
            if not isinstance(before, LinkInfo):
                return PARTIAL  # of a link of which nothing is known, too little
            stated = {name: getattr(link, name) for name in PARTIAL_LINK}
            link = structs.replace(before, **{name: value for name, value in stated.items() if value is not None})
        self._put("link", key, link)
        cause = cause_of(link.flags)
        folded = NOTHING if cause is None else self._end_routes(cause, link, frame)
        return folded._replace(partial=True) if partial else folded

    def _put(self, kind: str, key: Key, payload: Any) -> bool:
        """Hold an object, in the place of another one that may be there; whether there was none."""
        table = self.tables[kind]
        known = len(table)
        before: Any = table.setdefault(key, payload)
        new = len(table) > known  # what was there before may be the very same
        if not new:
            table[key] = payload
        if kind == "route":
            if new:
                self._routes.put(key, payload)
            else:
                self._routes.replace(key, before, payload)
            return new
        if new:
            self._indexes.put(kind, key, payload)
        else:
            self._indexes.replace(kind, key, before, payload)
        if kind in LINKS:
            self._names += parts_held(payload) - (0 if new else parts_held(before))
            self._routes.changed(payload.ifindex)
        elif kind == "addr" and new:
            self._routes.add_address(payload)
        return new

    def _take(self, kind: str, key: Key) -> bool:
        """Hold an object no longer; whether it was there."""
        payload: Any = self.tables[kind].pop(key, None)
        if payload is None:
            return False
        if kind == "route":
            self._routes.remove(key, payload)
            return True
        self._indexes.remove(kind, key, payload)
        if kind == "addr":
            self._routes.delete_address(payload)
        elif kind in LINKS:
            self._names -= parts_held(payload)
            self._routes.changed(payload.ifindex)
        return True

    def _route4(self, route: RouteInfo, key: Key, group: Key, new: bool, flags: int) -> Sequence[Key]:
        """Put an IPv4 route or take it away; the route that it replaced."""
        if self.dumps.open:
            self.dumps.reorder(group)
            self.dumps.touch("route", key)
        if not new:
            if self._take("route", key):
                self._groups.remove(group, key)
            return ()
        self._put("route", key, route)
        replaced = self._groups.put4(group, key, flags, nexthop=route.nh_id is not None)
        if replaced is None:
            return ()
        self.remove("route", replaced)
        return (replaced,)

    def order(self, group: Key) -> list[Key]:
        """Keys of the routes of a group, in the kernel's order; see ``RouteGroups.of``."""
        return self._groups.of(group)

    def _route6(self, route: RouteInfo, key: Key, group: Key, new: bool, flags: int) -> Sequence[Key]:
        """Put an IPv6 route or take it away, or each of its hops; the routes that it replaced."""
        single = {key: route} if route.multipath is None else split_hops(route)
        if not new:
            for one in single:
                self.remove("route", one)
            return ()
        sibling, nexthop = is_sibling(route), route.nh_id is not None
        listed = sibling and route.multipath is not None
        replaced = self._groups.put6(group, single.keys(), flags, sibling=sibling, listed=listed, nexthop=nexthop)
        for old in replaced:
            self.remove("route", old)
        if self.dumps.open:
            self.dumps.reorder(group)
            for one in single:
                self.dumps.touch("route", one)
        for one, hop in single.items():
            self._put("route", one, hop)
        return replaced

    # -- what the kernel does not announce ------------------------------------------------------------------

    def _link_gone(self, link: LinkInfo, frame: int) -> Folded:
        """With a link go its port, addresses, neighbours and routes, announced or not."""
        index, reason = link.ifindex, _reason(Cause.DELETED, link.ifindex, link.ifname)
        ended = list[Folded]()
        for kind in ("port", "addr", "neigh"):
            table = self.tables[kind]
            near = self._indexes.on(kind, index, table)
            lost = [key for key in near if getattr(table[key], "ifindex", None) == index]
            ended.append(self._correct(kind, dict.fromkeys(lost), frame, reason))
        ended.append(self._end_routes(Cause.DELETED, link, frame))
        gone = [one for part in ended for one in part.gone]
        found = [one for part in ended for one in part.found]
        return Folded(gone, found, [one for part in ended for one in part.changed])

    def _end_routes(self, cause: Cause, about: LinkInfo | AddrInfo, frame: int) -> Folded:
        """Routes end by what happened to a link, as a message ``about`` it or its address says."""
        index, address = about.ifindex, about.addr if isinstance(about, AddrInfo) else None
        link = about if isinstance(about, LinkInfo) else self.tables["link"].get((index,))

        def silently(route: RoutePayload) -> bool:
            return not (isinstance(route, RouteInfo) and is_announced(cause, route, address))

        reason = _reason(cause, index, link.ifname if isinstance(link, LinkInfo) else None)
        gone, shorter = self._routes.ended(cause, index)
        routes = self.tables["route"]
        left = {key: _without_link(route, index) for key in shorter if isinstance(route := routes[key], RouteInfo)}
        return self._correct("route", {**dict.fromkeys(gone), **left}, frame, reason, silently)

    def follow(self, nexthop: NexthopChange, frame: int) -> Folded:
        """With a nexthop object go routes or hops of them, which the kernel announces as the end of the object."""
        routes, over = self.tables["route"], self._routes.by_nexthop
        changes: dict[Key, RoutePayload | None] = {}
        if nexthop.weights is None:
            changes |= dict.fromkeys(over.over(nexthop.id))
        for hops, keys in over.alike(nexthop.id):
            place = lost_hop(hops, nexthop, gateway_of)
            if place is not None:
                alike = [(key, routes[key]) for key in keys]
                changes |= {key: without_hops(one, {place}) for key, one in alike if isinstance(one, RouteInfo)}
        return self._correct("route", changes, frame, "", lambda _: False)

    def is_down(self, index: int) -> bool:
        """Whether a link is down, which is not known of one that was never seen."""
        link = self.tables["link"].get((index,))
        return isinstance(link, LinkInfo) and not link.flags & IFF_UP

    def _address_gone(self, address: AddrInfo, known: bool, frame: int) -> Folded:
        """With the last IPv4 address of a link go routes, with an IPv6 address preferred sources; ``known``: that it
        was there."""
        if address.family == AF_INET and self.knows_addresses and not self._routes.has_address(address.ifindex):
            return self._end_routes(Cause.NO_ADDRESS, address, frame)
        unsourced = self._routes.unsourced(address, known=known)
        if not unsourced:
            return NOTHING
        routes = self.tables["route"]
        left = {key: structs.replace(routes[key], prefsrc=None) for key in unsourced}
        return self._correct("route", left, frame, f"address {address.addr} was deleted")

    def _correct(
        self,
        kind: str,
        changes: Mapping[Key, RoutePayload | None],
        frame: int,
        reason: str,
        silently: Callable[[RoutePayload], bool] = lambda _: True,
    ) -> Folded:
        """Change objects, or remove those for which there is None, and keep a note of what happens ``silently``."""
        if not changes:
            return NOTHING
        table, links = self.tables[kind], self.tables["link"]
        found = list[Unannounced]()
        for key, payload in changes.items():
            before = table[key]
            if self._notes and silently(before):
                fields = () if payload is None else changed_fields(kind, before, payload)
                change: Change = "gone" if payload is None else "changed"
                found.append(Unannounced(kind, change, show_key(kind, key, links), frame, reason, key, fields))
                self.note(found[-1])
            if payload is None:
                self.remove(kind, key)
            else:
                self.dumps.touch(kind, key)
                self._put(kind, key, payload)
        gone = [(kind, key) for key, payload in changes.items() if payload is None]
        changed = [(kind, key) for key, payload in changes.items() if payload is not None]
        return Folded(gone, found, changed)

    def clear(self, kind: str) -> None:
        """Forget every object of a kind."""
        if kind in LINKS:
            self._names -= sum(map(parts_held, self.tables[kind].values()))
        self.tables[kind].clear()
        self._indexes.clear(kind)
        if kind == "route":
            self._groups.clear()
            self._routes.clear()
        elif kind in {"link", "addr"}:
            self._routes.clear_links(addresses=kind == "addr")

    def remove(self, kind: str, key: Key) -> None:
        """Take one object out of its table, for whatever reason."""
        self.dumps.touch(kind, key)
        if self._take(kind, key) and kind == "route":
            group = key[:-1]
            self.dumps.reorder(group)
            self._groups.remove(group, key)

    def note(self, found: Unannounced) -> None:
        """Keep what came to light, and count it."""
        # Counted under the word that the object is shown with: a neighbour of a bridge is an fdb entry.
        self.unannounced_counts[found.object.partition(" ")[0], found.change] += 1
        if len(self.unannounced) < KEPT:
            self.unannounced.append(found)

    # -- dumps -----------------------------------------------------------------------------------------------

    def begin_dump(self, get_type: int, family: int) -> DumpLoad:
        """Start collecting a whole dump of ``get_type`` (RTM_GET*) and ``family``; see ``end_dump``."""
        return self.dumps.begin(get_type, family)

    def abandon_dump(self, load: DumpLoad) -> None:
        """Forget a dump that was interrupted or never ended: it proves nothing."""
        self.dumps.abandon(load)

    @property
    def knows_addresses(self) -> bool:
        """Whether all IPv4 addresses are known."""
        return self.dumps.know(RTM_GETADDR, AF_INET)

    def _listed(self, kind: str, family: int) -> Collection[Key]:
        """The keys of a kind that a dump of a family would list."""
        if kind == "route" and family != AF_UNSPEC:
            return self._groups.of_family(family)
        return self._indexes.listed(kind, family, self.tables[kind])

    def end_dump(self, load: DumpLoad, frame: int) -> list[Unannounced]:
        """Hold a complete dump against the tables. The first dump of its kind and family fills them; a later one
        corrects them, and every correction is returned."""
        listing, links = self.dumps.end(load), self.tables["link"]
        kind, reason = listing.kind, f"known from the dump that ended at frame {frame}"
        table = self.tables[kind]
        found: list[Unannounced] = []
        for key, payload, change, fields in listing.corrections(table, self._listed(kind, load.family)):
            name = show_key(kind, key, links)  # which is that of the link, while it is there
            if payload is None:
                self.remove(kind, key)
            elif self._put(kind, key, payload) and isinstance(payload, RouteInfo):
                self._groups.listed(route_group(payload), key, sibling=is_sibling(payload))
            if change is not None and self._notes:
                name = name if payload is None else show_key(kind, key, links)
                found.append(Unannounced(kind, change, name, frame, reason, key, fields))
                self.note(found[-1])
        for group, key, sibling in listing.route_order():
            self._groups.listed(group, key, sibling=sibling)
        return found


def _reason(cause: Cause, index: int, name: str | None) -> str:
    return f"interface {show_interface(index, name)} {cause.value}"


def _without_link(route: RouteInfo, index: int) -> RouteInfo:
    """A route without its hops over an interface."""
    return without_hops(route, {place for place, hop in enumerate(route.multipath or ()) if hop.ifindex == index})
