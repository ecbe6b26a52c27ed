"""What goes with a link without a message of its own, when it is deleted, goes down or loses its last IPv4 address
(net/ipv4/fib_semantics.c, fib_sync_down_dev, which net/ipv4/fib_frontend.c calls for each of these).

- A link that is deleted takes its port, addresses, neighbours and routes along, an IPv4 route over several hops with
  the first of them.
- A link that is down has no IPv4 route but those of host scope; a route over several hops goes when all are down.
- A link without an IPv4 address has no IPv4 route at all that was there before.

IPv6 routes that a link takes along when it goes down are announced.

Rules of this file:
1. It is decided from the message and from what is there now. What was held before does not count: it may be a step
   ahead of the message, or have missed another one.

Not here: taking it away (``nlmon.state.tables``, ``nlmon.transport.recorded.objects``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from nlmon.uapi import AF_INET, RT_SCOPE_HOST, RTPROT_KERNEL

__all__ = ["Cause", "Route", "ends_route", "interfaces_of", "is_announced"]


class Cause(enum.Enum):
    """What happened to a link, as the end of a sentence about it."""

    DELETED = "was deleted"
    DOWN = "went down"
    NO_ADDRESS = "lost its last IPv4 address"


class Route(Protocol):
    """What is asked for of a route, as a payload or as read from bytes."""

    @property
    def family(self) -> int: ...
    @property
    def scope(self) -> int: ...
    @property
    def protocol(self) -> int: ...
    @property
    def oif(self) -> int | None: ...
    @property
    def multipath(self) -> Sequence[Any] | None: ...
    @property
    def nh_id(self) -> int | None: ...
    @property
    def prefsrc(self) -> Any: ...


def interfaces_of(route: Route) -> tuple[int | None, ...]:
    """The index of the interface of a route, or of each of its hops."""
    return (route.oif,) if route.multipath is None else tuple(hop.ifindex for hop in route.multipath)


def ends_route(cause: Cause, link: int, route: Route, is_down: Callable[[int | None], bool]) -> bool:
    """Whether a route ends by what happened to ``link``, the index of an interface. A group of nexthop objects loses
    one hop at a time."""
    hops = interfaces_of(route)
    if link not in hops:
        return False
    if cause is Cause.DELETED:
        if route.nh_id is None:
            return True
    elif route.family != AF_INET or (cause is Cause.DOWN and route.scope == RT_SCOPE_HOST):
        return False
    return all(hop == link or is_down(hop) for hop in hops)


def is_announced(cause: Cause, route: Route, address: object) -> bool:
    """Whether the kernel may announce that a route ends: with ``address`` it takes back the routes that it made itself,
    and those that preferred it as their source, since Linux 6.7 with a message."""
    return cause is Cause.NO_ADDRESS and (route.protocol == RTPROT_KERNEL or route.prefsrc == address)
