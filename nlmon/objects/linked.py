"""The routes of a table by the links that they are over, and what of them ends with a link or an address.

Most routes are over one link, and end with it. Those over several hops end when the last one is dead (``living``).
Routes share their hops, which are looked at once for all of them (net/ipv4/fib_semantics.c, fib_find_info).

Rules of this file:
1. What a message about a link costs depends on the routes that end by it, not on all that are over the link.
2. What is found is what ``implied`` says, in the order of the table.

Not here: when a route ends (``implied``), and the tables.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

from nlmon.objects.implied import FATES, Cause, Fate, Links, needs_address
from nlmon.objects.keys import Key, parts_of
from nlmon.objects.living import Combination, Condition, Living, Shared
from nlmon.objects.nexthops import NexthopRoutes
from nlmon.objects.sources import Addresses, PreferredSources
from nlmon.objects.values import Address, Route
from nlmon.uapi import AF_INET, AF_INET6, RT_SCOPE_HOST

__all__ = ["Ends", "LinkedRoutes", "fate_of"]

# Keys of routes with the place of each in the table.
_Routes: TypeAlias = dict[Key, int]
# Combinations by what ends them, so that only those are looked at that end by what happened.
_ByFate: TypeAlias = dict[Fate, dict[Shared, None]]


class Ends(NamedTuple):
    """The routes that are ``gone`` by what happened to a link, and those of nexthop objects that are ``shorter`` by the
    hops over it; each in the order of the table."""

    gone: Sequence[Key]
    shorter: Sequence[Key]


class LinkedRoutes:
    """The routes of a table by their links; ``links``: what is known of these. ``by_nexthop``: those over nexthop
    objects; ``parts``: how many hops and metrics all of them have."""

    def __init__(self, links: Links) -> None:
        self._links = links
        # Numbers that grow: the place of each route in the table.
        self._placed = 0
        self._single: dict[Fate, dict[int | None, _Routes]] = {}
        self._several: dict[Shared, Combination] = {}
        # Which of these are over a link, by their fate, and what was known of it when it changed last.
        self._over: dict[int | None, _ByFate] = {}
        self._conditions: dict[int | None, Condition] = {}
        # Which have a live link, by their fate and whether all addresses are known; made when it is asked for.
        self._living: dict[tuple[Fate, bool], Living] = {}
        self._addresses = Addresses()
        self._sources = PreferredSources()
        self.by_nexthop = NexthopRoutes()
        self.parts = self._hops = 0

    @property
    def size(self) -> int:
        """How many combinations of links routes of several hops are over, and the hops of all these: each is held
        apart, so that it takes as much memory as an object."""
        return len(self._several) + self._hops

    def put(self, key: Key, route: Route) -> None:
        """A route was put into the table, where there was none."""
        self._placed += 1
        self._routes_like(route)[key] = self._placed
        # Most routes have none of these.
        if route.multipath is not None or route.metrics is not None:
            self.parts += parts_of(route)
        if route.nh_id is not None:
            self.by_nexthop.put(key, route.nh_id, route)
        if route.prefsrc is not None:
            self._sources.put(key, route)

    def replace(self, key: Key, before: Route, route: Route) -> None:
        """A route of the table was replaced, in its place. With the same key it may be over other links, if they are
        those of a nexthop object, and give its one hop by itself or in a list."""
        self.parts += parts_of(route) - parts_of(before)
        if (before.prefsrc, before.oif) != (route.prefsrc, route.oif):
            self._sources.remove(key, before)
            self._sources.put(key, route)
        if before.nh_id is not None and route.nh_id is not None:
            self.by_nexthop.remove(key, before.nh_id, before)
            self.by_nexthop.put(key, route.nh_id, route)
        alike = before.nh_id is None and before.multipath == route.multipath
        if not alike and _where(before) != _where(route):
            place = self._routes_like(before)[key]
            self._leave(key, before)
            self._routes_like(route)[key] = place

    def remove(self, key: Key, route: Route) -> None:
        """A route was removed from the table."""
        self.parts -= parts_of(route)
        if route.prefsrc is not None:
            self._sources.remove(key, route)
        if route.nh_id is not None:
            self.by_nexthop.remove(key, route.nh_id, route)
        self._leave(key, route)

    def _leave(self, key: Key, route: Route) -> None:
        routes = self._routes_like(route)
        routes.pop(key, None)
        if routes:
            return
        if route.multipath is None:
            del self._single[fate_of(route)][_index(route.oif)]
            return
        one = self._several.pop(_shared(route))
        fate, links = one.shared
        self._hops -= len(links)
        for index, _ in links:
            over = self._over[index]
            del over[fate][one.shared]
            if not over[fate]:
                del over[fate]
            if not over:
                del self._over[index], self._conditions[index]
        for known in (False, True):
            if (fate, known) in self._living:
                self._living[fate, known].remove(one)

    def _routes_like(self, route: Route) -> _Routes:
        """The routes with the fate and hops of this one."""
        if route.multipath is None:
            fate, index = fate_of(route), _index(route.oif)
            try:
                return self._single[fate][index]
            except KeyError:
                return self._single.setdefault(fate, {}).setdefault(index, {})
        shared = _shared(route)
        if shared not in self._several:
            self._begin(shared)
        return self._several[shared].routes

    def _begin(self, shared: Shared) -> None:
        one = self._several[shared] = Combination(shared)
        fate, links = shared
        self._hops += len(links)
        for index, _ in links:
            self._over.setdefault(index, {}).setdefault(fate, {})[shared] = None
            if index not in self._conditions:
                self._conditions[index] = self._condition(index)
        for known in (False, True):
            if (fate, known) in self._living:
                self._living[fate, known].put(one)

    def _condition(self, index: int | None) -> Condition:
        if index is None:
            return Condition(down=False, addressed=False)
        return Condition(self._links.is_down(index), self._addresses.has_ip4(index))

    def _alive(self, fate: Fate) -> Living:
        """Which combinations of a fate have a live link."""
        known = self._links.knows_addresses
        living = self._living.get((fate, known))
        if living is None:
            living = self._living[fate, known] = Living(self._conditions, known=known)
            for shared, one in self._several.items():
                if shared[0] == fate:
                    living.put(one)
        return living

    def add_address(self, address: Address) -> None:
        """A link has an address that it had not before."""
        self._addresses.add(address)
        if address.ifindex in self._over:
            self.changed(address.ifindex)

    def delete_address(self, address: Address) -> None:
        """A link has an address no longer that it had."""
        self._addresses.delete(address)
        if address.ifindex in self._over:
            self.changed(address.ifindex)

    def has_address(self, index: int) -> bool:
        """Whether an IPv4 address of a link is known."""
        return self._addresses.has_ip4(index)

    def changed(self, index: int | None) -> None:
        """A link came, changed or went."""
        if index not in self._over:
            return
        before = self._conditions[index]
        now = self._conditions[index] = self._condition(index)
        if before != now:
            for living in self._living.values():
                living.changed(index, before)

    def ended(self, cause: Cause, index: int) -> Ends:
        """What ends by what happened to a link."""
        found: _Routes = {}
        for fate, on in self._single.items():
            if index in on and (cause in fate.any_hop or cause in fate.every_hop):
                found |= on[index]
        shorter: _Routes = {}
        for fate, over in self._over.get(index, {}).items():
            last = self._alive(fate).last(index) if cause in fate.every_hop else {}
            for shared in over if cause in fate.any_hop | fate.one_hop else last:
                one = self._several[shared]
                if cause in fate.any_hop or shared in last:
                    found |= one.routes
                elif len(one.links) > 1:
                    shorter |= one.routes
        return Ends(sorted(found, key=found.__getitem__), sorted(shorter, key=shorter.__getitem__))

    def unsourced(self, address: Address, *, known: bool) -> list[Key]:
        """The IPv6 routes that lose their preferred source with an address; ``known``: that had been announced, which
        no address is of a link that is down."""
        if address.family != AF_INET6 or (known and self._links.is_down(address.ifindex)):
            return []
        return self._sources.lost(address.addr, address.ifindex, self._addresses.links_with(address.addr))

    def copy(self, links: Links) -> LinkedRoutes:
        """The same of an equal table."""
        one = LinkedRoutes(links)
        one._placed = self._placed
        one._single = {
            fate: {index: routes.copy() for index, routes in on.items()} for fate, on in self._single.items()
        }
        one._several = {shared: several.copy() for shared, several in self._several.items()}
        one.parts, one._hops = self.parts, self._hops
        one._over = {index: {fate: on.copy() for fate, on in over.items()} for index, over in self._over.items()}
        one._conditions = self._conditions.copy()
        one._living = {which: living.copy(one._conditions, one._several) for which, living in self._living.items()}
        one._addresses, one._sources = self._addresses.copy(), self._sources.copy()
        one.by_nexthop = self.by_nexthop.copy()
        return one

    def clear(self) -> None:
        """The table is empty."""
        self.parts = self._hops = 0
        for table in (self._single, self._several, self._over, self._conditions, self._living):
            table.clear()
        self._sources.clear()
        self.by_nexthop.clear()

    def clear_links(self, *, addresses: bool) -> None:
        """Nothing is known any more of links, or of their addresses."""
        if addresses:
            self._addresses.clear()
        for index in self._over:
            self.changed(index)


def fate_of(route: Route) -> Fate:
    """What ends a route without a message of its own."""
    return FATES[route.family == AF_INET, route.scope == RT_SCOPE_HOST, route.nh_id is not None]


def _shared(route: Route) -> Shared:
    """What routes over the same links have in common."""
    needs: dict[int | None, bool] = {}
    for hop in route.multipath or ():
        index = _index(hop.ifindex)
        needs[index] = needs.get(index, True) and needs_address(hop)
    return fate_of(route), frozenset(needs.items())


def _where(route: Route) -> tuple[Fate, Hashable]:
    """Where a route is found."""
    return (fate_of(route), _index(route.oif)) if route.multipath is None else _shared(route)


def _index(index: Hashable) -> int | None:
    """The index of an interface; what is no number is that of none."""
    return index if isinstance(index, int) else None
