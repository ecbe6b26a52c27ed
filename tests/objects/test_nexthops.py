"""What messages about nexthop objects change for the routes that name them."""

from __future__ import annotations

import pytest

from nlmon.events import NextHop, RouteInfo
from nlmon.objects.nexthops import GroupHop, Nexthop, NexthopChange, NexthopChanges, NexthopRoutes, lost_hop
from nlmon.state.hops import gateway_of

ONE, TWO = b"\xc0\x00\x02\x07", b"\xc0\x00\x02\x08"
GONE = Nexthop(1, deleted=True, oif=3, gateway=ONE)
NONE = GroupHop(3, None, None, 1)
A, B, C = (GroupHop(*row) for row in [(3, "192.0.2.7", None, 1), (3, "192.0.2.7", None, 5), (4, "192.0.2.8", None, 1)])


def test_a_deletion_and_a_group_behind_it_are_changes() -> None:
    """What is added or replaced is none, and a group that is deleted is no member of the next one."""
    changes = NexthopChanges()
    group = Nexthop(10, deleted=False, weights=(1,))
    last = Nexthop(11, deleted=True, weights=(1,))
    announced = [group, Nexthop(1, deleted=False, oif=3, gateway=ONE), GONE, last, group]

    assert [changes.of(one) for one in announced] == [
        None,
        None,
        NexthopChange(1),
        NexthopChange(11),
        NexthopChange(10, (1,), GONE),
    ]


@pytest.mark.parametrize(
    ("hops", "weights", "expected"),
    [
        ((A, C), (1,), 0),
        ((C, A), (1,), 1),
        ((A, B, C), (5, 1), 0),
        ((A, B, C), (1, 1), 1),
        ((C, C), (1,), None),
        ((A, C), (5,), None),
        ((A, C), (1, 1), None),
        ((A,), (), 0),
        ((NONE, C), (1,), None),
        ((), (1,), None),
    ],
)
def test_a_route_loses_the_hop_of_the_member(
    hops: tuple[GroupHop, ...], weights: tuple[int, ...], expected: int | None
) -> None:
    """It is found by interface, gateway and the weights that are left; a route that does not fit loses none."""
    assert lost_hop(hops, NexthopChange(10, weights, GONE), gateway_of) == expected


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        (A, ONE),
        (GroupHop(3, "fe80::7", None, 1), b"\xfe\x80" + bytes(13) + b"\x07"),
        (GroupHop(3, None, "inet6 fe80::7", 1), b"\xfe\x80" + bytes(13) + b"\x07"),
        (NONE, None),
        (GroupHop(3, "no address", None, 1), None),
    ],
)
def test_gateways_are_compared_by_their_bytes(hop: GroupHop, expected: bytes | None) -> None:
    """Of either family, and of another one than the route has."""
    assert gateway_of(hop) == expected


def over(*hops: NextHop, family: int = 2) -> RouteInfo:
    """A route over an object, with some hops."""
    return RouteInfo(family, 24, 0, 0, 3, 0, 1, 0, 254, nh_id=1, multipath=hops or None)


def test_routes_are_found_by_their_object_and_its_hops() -> None:
    """Of each family, those with the hops that came last, whatever their flags; of an object without routes none."""
    one, two = NextHop(3, 1, 0, "192.0.2.7"), NextHop(4, 1, 0, "192.0.2.8")
    dead = NextHop(4, 1, 1, "192.0.2.8")
    routes = NexthopRoutes()
    for name, route in {"a": over(one), "b": over(one, two), "c": over(one, dead), "d": over(one, family=10)}.items():
        routes.put((name,), 1, route)
    before = [[key for (key,) in keys] for _, keys in routes.alike(1)]
    routes.remove(("b",), 1, over(one, two))
    routes.put(("b",), 1, over(one))
    after = [[key for (key,) in keys] for _, keys in routes.alike(1)]
    there = routes.copy().over(1)
    for name, route in {"a": over(one), "b": over(one), "c": over(one, dead), "d": over(one, family=10)}.items():
        routes.remove((name,), 1, route)

    assert (before, after) == ([["b", "c"], ["d"]], [["a", "b"], ["d"]])
    assert sorted(there) == [("a",), ("b",), ("c",), ("d",)]
    assert (routes.over(1), list(routes.alike(1)), routes._routes) == ([], [], {})
