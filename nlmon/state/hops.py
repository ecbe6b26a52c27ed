"""Routes over a group of nexthop objects that lose hops, as the kernel describes them then.

Not here: which hops they lose (``nlmon.objects``).
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address

from msgspec import structs

from nlmon.events import NextHop, RouteInfo
from nlmon.objects.nexthops import GroupHop
from nlmon.uapi import AF_INET

__all__ = ["gateway_of", "without_hops"]


def without_hops(route: RouteInfo, gone: Container[int]) -> RouteInfo:
    """A route without the hops at some places. One of IPv4 with one hop left is a route over that alone."""
    left = tuple(hop for place, hop in enumerate(route.multipath or ()) if place not in gone)
    if route.family == AF_INET and len(left) == 1:
        return _over(route, left[0])
    return structs.replace(route, multipath=left)


def _over(route: RouteInfo, hop: NextHop) -> RouteInfo:
    own = {name: getattr(hop, name) for name in ("gateway", "via", "encap_type", "encap")}
    flags = type(route.flags)(route.flags | hop.flags)
    return structs.replace(route, multipath=None, oif=hop.ifindex, flags=flags, **own)


def gateway_of(hop: GroupHop) -> bytes | None:
    """The bytes of the gateway of a hop, of either family."""
    text = hop.gateway or str(hop.via or "").rpartition(" ")[2]
    try:
        return ip_address(str(text)).packed
    except ValueError:
        return None
