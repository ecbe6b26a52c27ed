"""Which IPv6 routes lose their preferred source with an address, as the kernel does it (Linux 6.18, tried in a
namespace)."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from nlmon.events import AddrInfo, RouteInfo
from nlmon.objects.linked import LinkedRoutes
from nlmon.uapi import AF_INET, AF_INET6, RTPROT_BOOT

GLOBAL, LOCAL = "2001:db8::1", "fe80::1"


class Links(NamedTuple):
    """Links of which some are down."""

    down: tuple[int, ...] = ()

    @property
    def knows_addresses(self) -> bool:
        return True

    def is_down(self, index: int) -> bool:
        return index in self.down


def address(addr: str | None, index: int, family: int = AF_INET6) -> AddrInfo:
    """An address of a link."""
    return AddrInfo(family=family, ifindex=index, prefixlen=64, scope=0, addr=addr)


def route(source: str | None, **more: Any) -> RouteInfo:
    """An IPv6 route over link 3."""
    plain = {"src_len": 0, "tos": 0, "protocol": RTPROT_BOOT, "scope": 0, "type": 1, "flags": 0, "table": 254, "oif": 3}
    return RouteInfo(**{"family": AF_INET6, "dst_len": 48, **plain, "prefsrc": source, **more})


@pytest.mark.parametrize(
    ("one", "others", "gone", "known", "down", "lost"),
    [
        (route(GLOBAL), (), address(GLOBAL, 4), True, (), True),
        (route(GLOBAL), (), address(GLOBAL, 4), True, (4,), False),
        (route(GLOBAL), (), address(GLOBAL, 4), False, (4,), True),
        (route(GLOBAL), (5,), address(GLOBAL, 4), True, (), False),
        (route(LOCAL), (5,), address(LOCAL, 3), True, (), True),
        (route(LOCAL), (3,), address(LOCAL, 4), True, (), False),
        (route(LOCAL), (), address(LOCAL, 4), True, (), False),
        (route(GLOBAL), (), address("2001:db8::2", 4), True, (), False),
        (route(None), (), address(None, 4), True, (), False),
        (route(GLOBAL, nh_id=1), (), address(GLOBAL, 4), True, (), False),
        (route("192.0.2.1", family=AF_INET), (), address("192.0.2.1", 4, AF_INET), True, (), False),
    ],
)
def test_a_route_loses_its_source(
    one: RouteInfo, others: tuple[int, ...], gone: AddrInfo, known: bool, down: tuple[int, ...], lost: bool
) -> None:
    """By the address that is gone, whether it had been announced, which links have it still, and which are down."""
    linked = LinkedRoutes(Links(down))
    linked.put(("a route",), one)
    for index in (*others, *((gone.ifindex,) if known else ())):
        linked.add_address(address(gone.addr, index, gone.family))
    if known:
        linked.delete_address(gone)

    assert (linked.unsourced(gone, known=known) != []) == lost
