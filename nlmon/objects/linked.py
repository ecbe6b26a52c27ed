"""The routes of a table by the links that they are over, and what of them ends with a link or an address.

Most routes are over one link, and end with it. Those over several hops end when the last one is dead; so the live hops
are counted. Routes share their hops, which are counted once for all of them (net/ipv4/fib_semantics.c, fib_find_info).

Rules of this file:
1. What a message about a link costs depends on the routes that end by it, not on all that are over the link. Only where
   the link goes up or down, or gets its first address or loses the last one, each combination of links is counted anew.
2. What is found is what ``implied`` says, in the order of the table.

Not here: when a route ends (``implied``), and the tables.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from nlmon.objects.implied import Cause, Fate, Links, fate_of, needs_address
from nlmon.objects.keys import Address, Key, Route
from nlmon.objects.nexthops import NexthopRoutes
from nlmon.objects.sources import Addresses, PreferredSources
from nlmon.uapi import AF_INET6

__all__ = ["Condition", "Ends", "LinkedRoutes"]

# A hop by its interface, and whether it needs an address there.
_Hop: TypeAlias = tuple[int | None, bool]
# Keys of routes with the place of each in the table.
_Routes: TypeAlias = dict[Key, int]
# What routes over the same hops have in common.
_Shared: TypeAlias = tuple[Fate, frozenset[_Hop]]
# The same by what ends them, so that only those are looked at that end by what happened.
_ByFate: TypeAlias = dict[Fate, dict[_Shared, None]]


class Ends(NamedTuple):
    """The routes that are ``gone`` by what happened to a link, and those of nexthop objects that are ``shorter`` by the
    hops over it; each in the order of the table."""

    gone: Sequence[Key]
    shorter: Sequence[Key]


class Condition(NamedTuple):
    """What is known of a link: whether it is down, and whether it has an IPv4 address."""

    down: bool
    addressed: bool

    def lives(self, needs: bool, known: bool) -> bool:
        """Whether a hop over the link is alive that ``needs`` an address; ``known``: all addresses are known."""
        return not self.down and (self.addressed or not (needs and known))


class _Several:
    """Hops that routes share, how many of them are ``alive``, by whether all addresses are known, and the routes.
    ``shared``: what it is found by, which is equal to itself at once, however many hops it has."""

    __slots__ = ("alive", "hops", "routes", "shared")

    def __init__(self, shared: _Shared) -> None:
        self.shared = shared
        self.hops = shared[1]
        self.alive = [0, 0]
        self.routes: _Routes = {}

    def on(self, index: int | None) -> Iterator[bool]:
        """Whether each hop over an interface needs an address."""
        return (needs for needs in (False, True) if (index, needs) in self.hops)

    def copy(self) -> _Several:
        one = _Several(self.shared)
        one.alive, one.routes = self.alive.copy(), self.routes.copy()
        return one


class LinkedRoutes:
    """The routes of a table by their links; ``links``: what is known of these. ``by_nexthop``: those over nexthop
    objects."""

    def __init__(self, links: Links) -> None:
        self._links = links
        # Numbers that grow: the place of each route in the table.
        self._placed = 0
        self._single: dict[Fate, dict[int | None, _Routes]] = {}
        self._several: dict[_Shared, _Several] = {}
        # Which of these are over a link, by their fate, and what was known of it when their live hops were counted.
        self._over: dict[int | None, _ByFate] = {}
        self._conditions: dict[int | None, Condition] = {}
        # Which have no live hop, by whether all addresses are known.
        self._dead: tuple[_ByFate, _ByFate] = ({}, {})
        self._addresses = Addresses()
        self._sources = PreferredSources()
        self.by_nexthop = NexthopRoutes()
        self._hops = 0

    @property
    def size(self) -> int:
        """How many combinations of links routes of several hops are over, and the hops of all these: each is held
        apart, so that it takes as much memory as an object."""
        return len(self._several) + self._hops

    def put(self, key: Key, route: Route) -> None:
        """A route was put into the table, where there was none."""
        self._placed += 1
        self._routes_like(route)[key] = self._placed
        if route.nh_id is not None:
            self.by_nexthop.put(key, route.nh_id, route)
        if route.prefsrc is not None:  # most routes have none
            self._sources.put(key, route)

    def replace(self, key: Key, before: Route, route: Route) -> None:
        """A route of the table was replaced, in its place. With the same key it may be over other links, if they are
        those of a nexthop object, and tell its one hop by itself or in a list."""
        if before.prefsrc != route.prefsrc:
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
        shared = self._several.pop(_shared(route)).shared
        self._hops -= len(shared[1])
        for index in {index for index, _ in shared[1]}:
            _discard(self._over[index], shared)
            if not self._over[index]:
                del self._over[index], self._conditions[index]
        for dead in self._dead:
            _discard(dead, shared)

    def _routes_like(self, route: Route) -> _Routes:
        """The routes with the fate and hops of this one."""
        if route.multipath is None:
            index, on = _index(route.oif), self._single.setdefault(fate_of(route), {})
            return on[index] if index in on else on.setdefault(index, {})
        shared = _shared(route)
        if shared not in self._several:
            self._begin(shared)
        return self._several[shared].routes

    def _begin(self, shared: _Shared) -> None:
        one = self._several[shared] = _Several(shared)
        self._hops += len(one.hops)
        for index, needs in one.hops:
            self._over.setdefault(index, {}).setdefault(shared[0], {})[shared] = None
            if index not in self._conditions:
                self._conditions[index] = self._condition(index)
            for known in (False, True):
                one.alive[known] += self._conditions[index].lives(needs, known)
        self._sort_out(shared, one)

    def _condition(self, index: int | None) -> Condition:
        if index is None:
            return Condition(down=False, addressed=False)
        return Condition(self._links.is_down(index), self._addresses.has_ip4(index))

    def _sort_out(self, shared: _Shared, one: _Several) -> None:
        for known in (False, True):
            if one.alive[known]:
                _discard(self._dead[known], shared)
            else:
                self._dead[known].setdefault(shared[0], {})[shared] = None

    def add_address(self, address: Address) -> None:
        """A link has an address that it had not before."""
        self._addresses.add(address)
        self.changed(address.ifindex)

    def delete_address(self, address: Address) -> None:
        """A link has an address no longer that it had."""
        self._addresses.delete(address)
        self.changed(address.ifindex)

    def has_address(self, index: int) -> bool:
        """Whether an IPv4 address of a link is known."""
        return self._addresses.has_ip4(index)

    def changed(self, index: int | None) -> None:
        """A link came, changed or went."""
        if index not in self._over:
            return
        before, now = self._conditions[index], self._condition(index)
        if before == now:
            return
        self._conditions[index] = now
        for shared in chain.from_iterable(self._over[index].values()):
            one = self._several[shared]
            for needs in one.on(index):
                for known in (False, True):
                    one.alive[known] += now.lives(needs, known) - before.lives(needs, known)
            self._sort_out(shared, one)

    def ended(self, cause: Cause, index: int) -> Ends:
        """What ends by what happened to a link."""
        found: _Routes = {}
        for fate, on in self._single.items():
            if index in on and (cause in fate.any_hop or cause in fate.every_hop):
                found |= on[index]
        shorter: _Routes = {}
        known = self._links.knows_addresses
        for fate, over in self._over.get(index, {}).items():
            if cause not in fate.any_hop | fate.every_hop | fate.one_hop:
                continue
            condition, dead = self._conditions[index], self._dead[known].get(fate, {})
            only_dead = condition.down and cause is Cause.DOWN and cause not in fate.one_hop and len(dead) < len(over)
            for shared in dead if only_dead else over:
                one = self._several[shared]
                alive_here = [condition.lives(needs, known) for needs in one.on(index)]
                last = cause in fate.every_hop and one.alive[known] == sum(alive_here)
                if alive_here and (cause in fate.any_hop or last):
                    found |= one.routes
                elif cause in fate.one_hop and any(other != index for other, _ in one.hops):
                    shorter |= one.routes
        return Ends(sorted(found, key=found.__getitem__), sorted(shorter, key=shorter.__getitem__))

    def unsourced(self, address: Address, *, known: bool) -> list[Key]:
        """The IPv6 routes that lose their preferred source with an address; ``known``: that had been announced, which
        no address is of a link that is down."""
        if address.family != AF_INET6 or (known and self._links.is_down(address.ifindex)):
            return []
        return self._sources.lost(address.addr, self._addresses.links_with(address.addr))

    def copy(self, links: Links) -> LinkedRoutes:
        """The same of an equal table."""
        one = LinkedRoutes(links)
        one._placed = self._placed
        one._single = {
            fate: {index: routes.copy() for index, routes in on.items()} for fate, on in self._single.items()
        }
        one._several = {shared: several.copy() for shared, several in self._several.items()}
        one._hops = self._hops
        one._over = {index: _copied(over) for index, over in self._over.items()}
        one._conditions = self._conditions.copy()
        one._dead = (_copied(self._dead[False]), _copied(self._dead[True]))
        one._addresses, one._sources = self._addresses.copy(), self._sources.copy()
        one.by_nexthop = self.by_nexthop.copy()
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._hops = 0
        for table in (self._single, self._several, self._over, self._conditions, *self._dead):
            table.clear()
        self._sources.clear()
        self.by_nexthop.clear()

    def clear_links(self, *, addresses: bool) -> None:
        """Nothing is known any more of links, or of their addresses."""
        if addresses:
            self._addresses.clear()
        for index in self._over:
            self.changed(index)


def _shared(route: Route) -> _Shared:
    """What routes over the same hops have in common."""
    return fate_of(route), frozenset((_index(hop.ifindex), needs_address(hop)) for hop in route.multipath or ())


def _where(route: Route) -> tuple[Fate, Hashable]:
    """Where a route is found."""
    return (fate_of(route), _index(route.oif)) if route.multipath is None else _shared(route)


def _discard(table: _ByFate, shared: _Shared) -> None:
    """Remove hops that routes share, if they are there."""
    fate = shared[0]
    if shared in table.get(fate, ()):
        del table[fate][shared]
        if not table[fate]:
            del table[fate]


def _copied(table: _ByFate) -> _ByFate:
    return {fate: several.copy() for fate, several in table.items()}


def _index(index: Hashable) -> int | None:
    """The index of an interface; what is no number is that of none."""
    return index if isinstance(index, int) else None
