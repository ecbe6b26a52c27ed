"""What goes with a link without a message of its own, as the kernel does it (Linux 6.18, tried in a namespace)."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec import structs

from nlmon.events import AddrInfo, NextHop, RouteInfo
from nlmon.objects.implied import Cause, is_announced
from nlmon.objects.linked import LinkedRoutes
from nlmon.uapi import AF_INET, AF_INET6, RT_SCOPE_HOST, RT_SCOPE_UNIVERSE, RTNH_F_ONLINK, RTPROT_BOOT, RTPROT_KERNEL

DELETED, DOWN, NO_CARRIER, NO_ADDRESS = Cause


def a_route(
    hops: tuple[int, ...], family: int = AF_INET, scope: int = RT_SCOPE_UNIVERSE, by_nexthop: bool = False
) -> RouteInfo:
    """A route over these interfaces."""
    oif, several = (hops[0], None) if len(hops) == 1 else (None, tuple(NextHop(one, 1, 0) for one in hops))
    nh_id = 1 if by_nexthop else None
    return RouteInfo(family, 8, 0, 0, RTPROT_BOOT, scope, 1, 0, 254, oif=oif, multipath=several, nh_id=nh_id)


class Some(NamedTuple):
    """Links of which some are down, and some have no address."""

    down: tuple[int, ...] = ()
    unnumbered: tuple[int, ...] = ()

    def is_down(self, index: int) -> bool:
        return index in self.down

    @property
    def knows_addresses(self) -> bool:
        return True


def ends(cause: Cause, index: int, route: RouteInfo, links: Some) -> bool:
    """Whether a route ends by what happened to a link."""
    linked = LinkedRoutes(links)
    for other in {3, 4} - set(links.unnumbered):
        linked.add_address(AddrInfo(AF_INET, other, 24, 0, "192.0.2.1"))
    linked.put(("a route",), route)
    return linked.ended(cause, index).gone != []


@pytest.mark.parametrize(
    ("cause", "hops", "down", "family", "scope", "by_nexthop", "does"),
    [
        (DELETED, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (DELETED, (4,), (), AF_INET, RT_SCOPE_UNIVERSE, False, False),
        (DELETED, (3,), (), AF_INET6, RT_SCOPE_UNIVERSE, False, True),
        (DELETED, (3,), (), AF_INET, RT_SCOPE_HOST, False, True),
        (DELETED, (3, 4), (), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (DELETED, (3, 4), (), AF_INET, RT_SCOPE_UNIVERSE, True, False),
        (DELETED, (3, 4), (4,), AF_INET, RT_SCOPE_UNIVERSE, True, True),
        (DOWN, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (DOWN, (3,), (), AF_INET6, RT_SCOPE_UNIVERSE, False, False),
        (DOWN, (3,), (), AF_INET, RT_SCOPE_HOST, False, False),
        (DOWN, (3, 4), (), AF_INET, RT_SCOPE_UNIVERSE, False, False),
        (DOWN, (3, 4), (4,), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (NO_ADDRESS, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (NO_ADDRESS, (3,), (), AF_INET, RT_SCOPE_HOST, False, True),
        (NO_ADDRESS, (3,), (), AF_INET6, RT_SCOPE_UNIVERSE, False, False),
        (NO_ADDRESS, (3, 4), (), AF_INET, RT_SCOPE_UNIVERSE, False, False),
        (NO_ADDRESS, (3, 4), (4,), AF_INET, RT_SCOPE_UNIVERSE, False, True),
        (NO_ADDRESS, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, True, False),
        (NO_CARRIER, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, True, True),
        (NO_CARRIER, (3,), (), AF_INET, RT_SCOPE_UNIVERSE, False, False),
        (NO_CARRIER, (3,), (), AF_INET6, RT_SCOPE_UNIVERSE, True, False),
    ],
)
def test_a_route_ends_with_its_link(
    cause: Cause, hops: tuple[int, ...], down: tuple[int, ...], family: int, scope: int, by_nexthop: bool, does: bool
) -> None:
    """By what happened to link 3, the hops of the route, and which other links are down."""
    assert ends(cause, 3, a_route(hops, family, scope, by_nexthop), Some(down)) == does


@pytest.mark.parametrize(
    ("gateway", "flags", "does"), [("192.0.2.9", 0, True), ("192.0.2.9", RTNH_F_ONLINK, False), (None, 0, False)]
)
def test_a_gateway_is_lost_with_the_last_address(gateway: str | None, flags: int, does: bool) -> None:
    """A hop that needs no address of its link to be reached does not show that there was one."""
    hops = NextHop(3, 1, 0), NextHop(4, 1, flags, gateway)
    route = structs.replace(a_route((3, 4)), multipath=hops)

    assert ends(DOWN, 3, route, Some(unnumbered=(4,))) == does


@pytest.mark.parametrize(
    ("cause", "protocol", "prefsrc", "announced"),
    [
        (NO_ADDRESS, RTPROT_KERNEL, None, True),
        (NO_ADDRESS, RTPROT_BOOT, "192.0.2.1", True),
        (NO_ADDRESS, RTPROT_BOOT, "192.0.2.2", False),
        (DOWN, RTPROT_KERNEL, "192.0.2.1", False),
        (DELETED, RTPROT_KERNEL, None, False),
    ],
)
def test_what_goes_with_an_address_is_announced(
    cause: Cause, protocol: int, prefsrc: str | None, announced: bool
) -> None:
    """The routes that the kernel made for 192.0.2.1, and those that preferred it as their source."""
    route = structs.replace(a_route((3,)), protocol=protocol, prefsrc=prefsrc)

    assert is_announced(cause, route, "192.0.2.1") == announced
