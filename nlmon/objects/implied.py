"""What goes with a link without a message of its own, when it is deleted, goes down, or loses its carrier or its last
IPv4 address (net/ipv4/fib_semantics.c, fib_sync_down_dev, which net/ipv4/fib_frontend.c calls for each of these;
net/ipv4/nexthop.c, nexthop_flush_dev).

- A link that is deleted takes its port, addresses, neighbours and routes along, an IPv4 route over several hops with
  the first of them.
- A link that is down has no IPv4 route but those of host scope; a route over several hops goes when all are dead.
- A link without an IPv4 address has no IPv4 route at all that was there before, but those of nexthop objects.
- A hop is dead while its link is down, or since that lost its last IPv4 address. That an address was lost shows by a
  gateway, which could not have been reached without one.
- Nexthop objects go with a link, and where that is down or without a carrier; a group loses one hop at a time. Their
  IPv4 routes go with them, those of a group with the last hop. Those of IPv6 lose hops, too.

IPv6 routes that a link takes along when it goes down are announced.

Rules of this file:
1. It is decided from the message and from what is there now. What was held before does not count: it may be a step
   ahead of the message, or have missed another one.

Not here: which routes are on a link (``linked``), and taking them away (``nlmon.state.tables``,
``nlmon.transport.recorded.objects``).
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol

from nlmon.objects.values import Hop, Route
from nlmon.uapi import IFF_LOWER_UP, IFF_RUNNING, IFF_UP, RTNH_F_ONLINK, RTPROT_KERNEL

__all__ = ["FATES", "Cause", "Fate", "Links", "cause_of", "is_announced", "needs_address"]


class Cause(enum.Enum):
    """What happened to a link, as the end of a sentence about it."""

    DELETED = "was deleted"
    DOWN = "went down"
    NO_CARRIER = "lost its carrier"
    NO_ADDRESS = "lost its last IPv4 address"


class Links(Protocol):
    """What is known of the links of a host."""

    @property
    def knows_addresses(self) -> bool:
        """Whether all IPv4 addresses are known."""

    def is_down(self, index: int) -> bool:
        """Whether a link is down, which is not known of one that was never seen."""


class Fate(NamedTuple):
    """What ends a route, if it happens to the link of ``any_hop``, or of ``every_hop``: to one of them, while all
    others are dead; and what takes ``one_hop`` from it."""

    any_hop: frozenset[Cause]
    every_hop: frozenset[Cause]
    one_hop: frozenset[Cause]


# What ends a route without a message of its own, by whether it is of IPv4, of host scope, and over a nexthop object.
FATES = {
    (ip4, local, nexthop): Fate(
        frozenset(() if nexthop else (Cause.DELETED,)),
        frozenset(
            cause
            for cause, ends in (
                (Cause.DELETED, nexthop),
                (Cause.DOWN, not local),
                (Cause.NO_CARRIER, nexthop),
                (Cause.NO_ADDRESS, not nexthop),
            )
            if ends and (ip4 or cause is Cause.DELETED)
        ),
        frozenset((Cause.DELETED, Cause.DOWN, Cause.NO_CARRIER) if nexthop else ()),
    )
    for ip4 in (False, True)
    for local in (False, True)
    for nexthop in (False, True)
}


def cause_of(flags: int) -> Cause | None:
    """What a message of a link with these flags says that happened to it, if anything."""
    if not flags & IFF_UP:
        return Cause.DOWN
    return None if flags & (IFF_RUNNING | IFF_LOWER_UP) else Cause.NO_CARRIER


def needs_address(hop: Hop) -> bool:
    """Whether a hop could not have been reached without an IPv4 address of its link."""
    return bool(hop.gateway) and not hop.flags & RTNH_F_ONLINK


def is_announced(cause: Cause, route: Route, address: object) -> bool:
    """Whether the kernel may announce that a route ends: with ``address`` it takes back the routes that it made itself,
    and those that preferred it as their source, since Linux 6.7 with a message."""
    return cause is Cause.NO_ADDRESS and (route.protocol == RTPROT_KERNEL or route.prefsrc == address)
