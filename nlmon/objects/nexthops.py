"""What a message about a nexthop object implies for the routes that name it (net/ipv4/nexthop.c, remove_nexthop).

- An object that is deleted ends its routes. Those of IPv4 go without a message of their own, those of IPv6 where
  net.ipv4.nexthop_compat_mode is off; else they are announced, too.
- A group loses a member that is deleted, and its routes lose the hop without a message. The group is announced behind
  the member, as what is left of it: a group that is shorter, or one that is deleted with its last member.
- Of two hops that are alike in all but their weight the weights of the group say which was lost.
- What else changes an object is announced for each of its routes.

The kernel describes an IPv4 route with one hop left by that hop alone, an IPv6 route by a list of one.

Rules of this file:
1. It is decided from the messages and from what is there now: which members a group had need not be known.
2. All routes over an object have the same hops in the kernel. So those are looked at that came last, and what a message
   costs depends on the routes that it changes.

Not here: objects that go with a link, that no message announces (``implied``); changing the routes
(``nlmon.state.tables``, ``nlmon.transport.recorded.objects``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from nlmon.objects.keys import Key
from nlmon.objects.values import Route
from nlmon.uapi import AF_INET, AF_INET6

__all__ = ["GroupHop", "Nexthop", "NexthopChange", "NexthopChanges", "NexthopRoutes", "lost_hop"]

FAMILIES = (AF_INET, AF_INET6)


class Nexthop(NamedTuple):
    """What a message says of a nexthop object. ``weights``: those of the members, if it is a group, as a hop of a route
    has them; ``gateway``: the bytes of the address."""

    id: int
    deleted: bool
    weights: tuple[int, ...] | None = None
    oif: int | None = None
    gateway: bytes | None = None


class NexthopChange(NamedTuple):
    """What became of a nexthop object: it is gone, or a group with the ``weights`` that are left without the member
    ``lost``."""

    id: int
    weights: tuple[int, ...] | None = None
    lost: Nexthop | None = None


class NexthopChanges:
    """What messages about nexthop objects say, one after another."""

    def __init__(self) -> None:
        # The object that was deleted last and was no group.
        self._deleted: Nexthop | None = None

    def of(self, nexthop: Nexthop) -> NexthopChange | None:
        """What a message changes for the routes of its object, or None."""
        if nexthop.deleted:
            if nexthop.weights is None:
                self._deleted = nexthop
            return NexthopChange(nexthop.id)
        if nexthop.weights is None or self._deleted is None:
            return None
        return NexthopChange(nexthop.id, nexthop.weights, self._deleted)


class GroupHop(NamedTuple):
    """A hop of a route over a group, without its flags, which need not be the same for all routes."""

    ifindex: int
    gateway: Hashable
    via: Hashable
    weight: int


def lost_hop(
    hops: Sequence[GroupHop], change: NexthopChange, address: Callable[[GroupHop], bytes | None]
) -> int | None:
    """The place of the hop that routes over a group lost, or None; ``address``: gives the gateway of a hop."""
    lost, left = change.lost, change.weights
    if lost is None or left is None or len(hops) != len(left) + 1:
        return None
    weights = tuple(hop.weight for hop in hops)
    for place, hop in enumerate(hops):
        alike = hop.ifindex == lost.oif and address(hop) == lost.gateway
        if alike and weights[:place] + weights[place + 1 :] == left:
            return place
    return None


# Routes with the same hops.
_Alike: TypeAlias = dict[tuple[GroupHop, ...], dict[Key, None]]


class NexthopRoutes:
    """The routes of a table by their nexthop object, those of either family apart, and by their hops."""

    def __init__(self) -> None:
        # Hops in the order in which they came last.
        self._routes: dict[tuple[int, int], _Alike] = {}

    def put(self, key: Key, nh_id: int, route: Route) -> None:
        """A route over an object is in the table."""
        alike, hops = self._routes.setdefault((nh_id, route.family), {}), _hops(route)
        keys = alike.pop(hops, {})
        keys[key] = None
        alike[hops] = keys

    def remove(self, key: Key, nh_id: int, route: Route) -> None:
        """A route over an object is in the table no longer, or not with these hops."""
        alike, hops = self._routes[nh_id, route.family], _hops(route)
        del alike[hops][key]
        if not alike[hops]:
            del alike[hops]
        if not alike:
            del self._routes[nh_id, route.family]

    def over(self, nh_id: int) -> list[Key]:
        """The routes over an object."""
        return [key for family in FAMILIES for keys in self._routes.get((nh_id, family), {}).values() for key in keys]

    def alike(self, nh_id: int) -> Iterator[tuple[Sequence[GroupHop], Collection[Key]]]:
        """The hops that came last of routes over an object, and the routes that have them, of each family."""
        for family in FAMILIES:
            alike = self._routes.get((nh_id, family))
            if alike:
                hops = next(reversed(alike))
                yield hops, alike[hops]

    def copy(self) -> NexthopRoutes:
        """The same of an equal table."""
        one = NexthopRoutes()
        one._routes = {
            over: {hops: keys.copy() for hops, keys in alike.items()} for over, alike in self._routes.items()
        }
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._routes.clear()


def _hops(route: Route) -> tuple[GroupHop, ...]:
    """The hops of a route, none of one without a list of them."""
    return tuple([GroupHop(hop.ifindex, hop.gateway, hop.via, hop.weight) for hop in route.multipath or ()])
