"""What goes with a link without a message of its own, when it is deleted, goes down or loses its last IPv4 address
(net/ipv4/fib_semantics.c, fib_sync_down_dev, which net/ipv4/fib_frontend.c calls for each of these).

- A link that is deleted takes its port, addresses, neighbours and routes along, an IPv4 route over several hops with
  the first of them.
- A link that is down has no IPv4 route but those of host scope; a route over several hops goes when all are dead.
- A link without an IPv4 address has no IPv4 route at all that was there before, but those of nexthop objects.
- A hop is dead while its link is down, or since that lost its last IPv4 address. That an address was lost shows by a
  gateway, which could not have been reached without one.

IPv6 routes that a link takes along when it goes down are announced.

Rules of this file:
1. It is decided from the message and from what is there now. What was held before does not count: it may be a step
   ahead of the message, or have missed another one.

Not here: taking it away (``nlmon.state.tables``, ``nlmon.transport.recorded.objects``).
"""

from __future__ import annotations

import enum
from typing import Protocol

from nlmon.objects.keys import Hop, Route
from nlmon.uapi import AF_INET, RT_SCOPE_HOST, RTNH_F_ONLINK, RTPROT_KERNEL

__all__ = ["Cause", "Links", "ends_route", "interfaces_of", "is_announced"]


class Cause(enum.Enum):
    """What happened to a link, as the end of a sentence about it."""

    DELETED = "was deleted"
    DOWN = "went down"
    NO_ADDRESS = "lost its last IPv4 address"


class Links(Protocol):
    """What is known of the links of a host."""

    def is_down(self, index: int | None) -> bool:
        """Whether a link is down, which is not known of one that was never seen."""

    def is_unnumbered(self, index: int | None) -> bool:
        """Whether a link has no IPv4 address, which is not known unless all addresses were listed once."""


def interfaces_of(route: Route) -> tuple[int | None, ...]:
    """The index of the interface of a route, or of each of its hops."""
    return (route.oif,) if route.multipath is None else tuple(hop.ifindex for hop in route.multipath)


def ends_route(cause: Cause, link: int, route: Route, links: Links) -> bool:
    """Whether a route ends by what happened to ``link``, the index of an interface. A group of nexthop objects loses
    one hop at a time."""
    if link not in interfaces_of(route):
        return False
    by_nexthop = route.nh_id is not None
    if cause is Cause.DELETED and not by_nexthop:
        return True
    if cause is not Cause.DELETED and route.family != AF_INET:
        return False
    if (cause is Cause.DOWN and route.scope == RT_SCOPE_HOST) or (cause is Cause.NO_ADDRESS and by_nexthop):
        return False
    return all(hop.ifindex == link or _is_dead(hop, links) for hop in route.multipath or ())


def _is_dead(hop: Hop, links: Links) -> bool:
    if links.is_down(hop.ifindex):
        return True
    return bool(hop.gateway) and not hop.flags & RTNH_F_ONLINK and links.is_unnumbered(hop.ifindex)


def is_announced(cause: Cause, route: Route, address: object) -> bool:
    """Whether the kernel may announce that a route ends: with ``address`` it takes back the routes that it made itself,
    and those that preferred it as their source, since Linux 6.7 with a message."""
    return cause is Cause.NO_ADDRESS and (route.protocol == RTPROT_KERNEL or route.prefsrc == address)
