"""The routes of a table that end with a link are those that the rules name, and they are found without looking at the
others."""

from __future__ import annotations

import random

import pytest

from nlmon.events import AddrInfo, NextHop, RouteInfo
from nlmon.objects.implied import Cause, needs_address
from nlmon.objects.keys import Key, hops_of
from nlmon.objects.linked import Ends, LinkedRoutes, fate_of
from nlmon.uapi import AF_INET, AF_INET6, RT_SCOPE_HOST, RT_SCOPE_UNIVERSE, RTNH_F_ONLINK, RTPROT_BOOT

LINKS = range(1, 5)


def interfaces_of(route: RouteInfo) -> tuple[object, ...]:
    """The index of the interface of a route, or of each of its hops."""
    return (route.oif,) if route.multipath is None else tuple(hop.ifindex for hop in route.multipath)


class Host:
    """A few links, a table of routes, and what is over what."""

    def __init__(self) -> None:
        self.down: set[int] = set()
        self.addressed: set[int] = set()
        self.knows_addresses = False
        self.table: dict[Key, RouteInfo] = {}
        self.linked = LinkedRoutes(self)

    def is_down(self, index: int) -> bool:
        return index in self.down

    def change_address(self, index: int) -> None:
        """Add the address of a link, or delete it."""
        address = AddrInfo(AF_INET, index, 24, 0, "192.0.2.1")
        change = self.linked.delete_address if index in self.addressed else self.linked.add_address
        self.addressed ^= {index}
        change(address)

    def put(self, key: Key, route: RouteInfo) -> None:
        """Put a route into the table, or in the place of another one."""
        before = self.table.get(key)
        self.table[key] = route
        if before is None:
            self.linked.put(key, route)
        else:
            self.linked.replace(key, before, route)

    def remove(self, key: Key) -> None:
        """Remove a route."""
        self.linked.remove(key, self.table.pop(key))

    def ended(self, cause: Cause, index: int) -> Ends:
        """The routes that end or lose a hop, by looking at each."""
        gone = [key for key, route in self.table.items() if self._ends(cause, index, route)]
        shorter = [
            key
            for key, route in self.table.items()
            if key not in gone
            and route.multipath is not None
            and cause in fate_of(route).one_hop
            and index in interfaces_of(route)
            and set(interfaces_of(route)) != {index}
        ]
        return Ends(gone, shorter)

    def _ends(self, cause: Cause, index: int, route: RouteInfo) -> bool:
        fate = fate_of(route)
        if index not in interfaces_of(route):
            return False
        dead = all(hop.ifindex == index or self._is_dead(hop) for hop in route.multipath or ())
        return cause in fate.any_hop or (cause in fate.every_hop and dead)

    def _is_dead(self, hop: NextHop) -> bool:
        unnumbered = self.knows_addresses and hop.ifindex not in self.addressed
        return hop.ifindex in self.down or (needs_address(hop) and unnumbered)


def some_route(rnd: random.Random) -> tuple[Key, RouteInfo]:
    """A route over one interface or a few, of any fate."""
    family, by_nexthop = rnd.choice((AF_INET, AF_INET, AF_INET6)), rnd.random() < 0.3
    scope = rnd.choice((RT_SCOPE_UNIVERSE, RT_SCOPE_UNIVERSE, RT_SCOPE_HOST))
    hops = tuple(
        NextHop(rnd.choice(LINKS), 1, rnd.choice((0, 0, RTNH_F_ONLINK)), rnd.choice((None, "192.0.2.9")))
        for _ in range(rnd.randrange(1, 4))
    )
    several = rnd.random() < 0.6
    alone = hops[0]  # which the kernel knows by the same, whether it stands in a list or not
    route = RouteInfo(
        family=family,
        dst_len=8,
        src_len=0,
        tos=0,
        protocol=RTPROT_BOOT,
        scope=scope,
        type=1,
        flags=0 if several else alone.flags,
        table=254,
        gateway=None if several else alone.gateway,
        oif=None if several else rnd.choice((alone.ifindex, None)),
        multipath=hops if several else None,
        nh_id=1 if by_nexthop else None,
    )
    return (family, rnd.randrange(3), hops_of(route)), route


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_what_ends_is_what_the_rules_name(seed: int) -> None:
    """After every change of a table and of links the same routes end, in the same order, as when one looks at each."""
    rnd, host = random.Random(seed), Host()
    for _ in range(200):
        what, index = rnd.randrange(8), rnd.choice(LINKS)
        if what < 3:
            host.put(*some_route(rnd))
        elif what == 3 and host.table:
            host.remove(rnd.choice(list(host.table)))
        elif what == 4:
            host.down ^= {index}
            host.linked.changed(index)
        elif what == 5:
            host.change_address(index)
        elif what == 6:
            host.knows_addresses = rnd.random() < 0.7
        else:
            host.linked = host.linked.copy(host)
        found = {(cause, link): host.linked.ended(cause, link) for cause in Cause for link in LINKS}
        assert found == {(cause, link): host.ended(cause, link) for cause, link in found}
        if rnd.random() < 0.1:
            for key in host.ended(Cause.DOWN, index).gone if index in host.down else ():
                host.remove(key)
    for key in list(host.table):
        host.remove(key)

    left = host.linked
    assert [left._several, left._over, left._conditions] == [{}] * 3
    assert [(one._watching, one._dead) for one in left._living.values()] == [({}, {})] * len(left._living)
    assert left._single == {fate: {} for fate in left._single}
