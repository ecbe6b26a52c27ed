"""What messages about nexthop objects change for the routes that name them."""

from __future__ import annotations

import pytest

from nlmon.events import NextHop
from nlmon.objects.nexthops import Nexthop, NexthopChange, NexthopChanges, NexthopRoutes, lost_hop
from nlmon.state.hops import gateway_of

ONE, TWO = b"\xc0\x00\x02\x07", b"\xc0\x00\x02\x08"
GONE = Nexthop(1, deleted=True, oif=3, gateway=ONE)
NONE = NextHop(3, 1, 0)
A, B, C = NextHop(3, 1, 0, "192.0.2.7"), NextHop(3, 5, 0, "192.0.2.7"), NextHop(4, 1, 0, "192.0.2.8")


def test_a_deletion_and_a_group_behind_it_are_changes() -> None:
    """What is added or replaced is none, and a group that is deleted is no member of the next one."""
    changes = NexthopChanges()
    group = Nexthop(10, deleted=False, weights=(1,))
    last = Nexthop(11, deleted=True, weights=(1,))
    told = [group, Nexthop(1, deleted=False, oif=3, gateway=ONE), GONE, last, group]

    assert [changes.of(one) for one in told] == [
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
        (None, (1,), None),
    ],
)
def test_a_route_loses_the_hop_of_the_member(
    hops: tuple[NextHop, ...] | None, weights: tuple[int, ...], expected: int | None
) -> None:
    """It is found by interface, gateway and the weights that are left; a route that does not fit loses none."""
    assert lost_hop(hops, NexthopChange(10, weights, GONE), gateway_of) == expected


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        (A, ONE),
        (NextHop(3, 1, 0, "fe80::7"), b"\xfe\x80" + bytes(13) + b"\x07"),
        (NextHop(3, 1, 0, None, "inet6 fe80::7"), b"\xfe\x80" + bytes(13) + b"\x07"),
        (NONE, None),
        (NextHop(3, 1, 0, "no address"), None),
    ],
)
def test_gateways_are_compared_by_their_bytes(hop: NextHop, expected: bytes | None) -> None:
    """Of either family, and of another one than the route has."""
    assert gateway_of(hop) == expected


def test_an_object_without_routes_has_none() -> None:
    """It never had any, or they went."""
    assert NexthopRoutes().over(1) == []
