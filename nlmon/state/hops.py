"""Routes with fewer hops than they had: over one of them, and as the kernel describes them when they lose some.

Not here: which hops they lose (``nlmon.objects``).
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address

from msgspec import structs

from nlmon.events import NextHop, RouteInfo
from nlmon.objects.nexthops import GroupHop
from nlmon.uapi import AF_INET

__all__ = ["gateway_of", "over_hop", "without_hops"]


def without_hops(route: RouteInfo, gone: Container[int]) -> RouteInfo:
    """A route without the hops at some places. One of IPv4 with one hop left is a route over that alone."""
    left = tuple(hop for place, hop in enumerate(route.multipath or ()) if place not in gone)
    if route.family == AF_INET and len(left) == 1:
        hop = left[0]
        return structs.replace(over_hop(route, hop), flags=type(route.flags)(route.flags | hop.flags))
    return structs.replace(route, multipath=left)


def over_hop(route: RouteInfo, hop: NextHop) -> RouteInfo:
    """A route over one of its hops alone, with the flags of the route."""
    own = {name: getattr(hop, name) for name in ("gateway", "via", "encap_type", "encap")}
    return structs.replace(route, multipath=None, oif=hop.ifindex, **own)


def gateway_of(hop: GroupHop) -> bytes | None:
    """The bytes of the gateway of a hop, of either family."""
    text = hop.gateway or str(hop.via or "").rpartition(" ")[2]
    try:
        return ip_address(str(text)).packed
    except ValueError:
        return None
