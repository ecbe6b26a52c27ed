"""The preferred sources of IPv6 routes, which the kernel takes from them without a message when somebody deletes the
address; the routes stay (net/ipv6/route.c, fib6_remove_prefsrc).

- A route keeps its preferred source where the address goes with a link that is set down (net/ipv6/addrconf.c,
  addrconf_ifdown). The kernel has announced by then that the link is down.
- It keeps it while another link has the address, too; before Linux 6.6 also where the address was that of another link
  than the route is over. A link-local source is that of the link that the route is over, whatever others have.
- A route over a nexthop object keeps it.

Rules of this file:
1. What the deletion of an address costs depends on the routes that preferred it, not on all there are.

Not here: changing the routes (``nlmon.state.tables``, ``nlmon.transport.recorded.objects``). IPv4 routes go with their
preferred source, which is announced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from ipaddress import ip_address

from nlmon.objects.keys import Key
from nlmon.objects.values import Address, Route
from nlmon.uapi import AF_INET, AF_INET6

__all__ = ["Addresses", "PreferredSources"]


class Addresses:
    """Which links have an address of IPv6, and how many of IPv4 each link has."""

    def __init__(self) -> None:
        self._links: dict[Hashable, set[int]] = {}
        self._ip4 = Counter[int]()

    def add(self, address: Address) -> None:
        """A link has an address that it had not before."""
        if address.family == AF_INET6:
            self._links.setdefault(address.addr, set()).add(address.ifindex)
        elif address.family == AF_INET:
            self._ip4[address.ifindex] += 1

    def delete(self, address: Address) -> None:
        """A link has an address no longer."""
        if address.family == AF_INET6:
            links = self._links[address.addr]
            links.discard(address.ifindex)
            if not links:
                del self._links[address.addr]
        elif address.family == AF_INET:
            self._ip4[address.ifindex] -= 1
            if not self._ip4[address.ifindex]:
                del self._ip4[address.ifindex]

    def has_ip4(self, index: int | None) -> bool:
        """Whether a link has an IPv4 address."""
        return index in self._ip4

    def links_with(self, address: Hashable) -> Collection[int]:
        """The links that have an IPv6 address."""
        return self._links.get(address, ())

    def copy(self) -> Addresses:
        """The same of an equal table."""
        one = Addresses()
        one._links = {address: links.copy() for address, links in self._links.items()}
        one._ip4 = self._ip4.copy()
        return one

    def clear(self) -> None:
        """No link has an address."""
        self._links.clear()
        self._ip4.clear()


class PreferredSources:
    """The IPv6 routes of a table by their preferred source and their interface."""

    def __init__(self) -> None:
        self._routes: dict[Hashable, dict[int | None, dict[Key, None]]] = {}

    def put(self, key: Key, route: Route) -> None:
        """A route is in the table."""
        if route.prefsrc is not None and route.family == AF_INET6 and route.nh_id is None:
            self._routes.setdefault(route.prefsrc, {}).setdefault(route.oif, {})[key] = None

    def remove(self, key: Key, route: Route) -> None:
        """A route is in the table no longer, or is replaced by another one."""
        preferring = self._routes.get(route.prefsrc, {})
        keys = preferring.get(route.oif)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del preferring[route.oif]
            if not preferring:
                del self._routes[route.prefsrc]

    def lost(self, source: Hashable, index: int, links: Collection[int]) -> list[Key]:
        """The routes that lose their preferred source, since somebody deleted an address of a link that ``links`` still
        have."""
        preferring = self._routes.get(source, {})
        if preferring and _is_link_local(source):
            return [] if index in links else list(preferring.get(index, ()))
        return [] if links else [key for keys in preferring.values() for key in keys]

    def copy(self) -> PreferredSources:
        """The same of an equal table."""
        one = PreferredSources()
        one._routes = {
            source: {index: keys.copy() for index, keys in preferring.items()}
            for source, preferring in self._routes.items()
        }
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._routes.clear()


def _is_link_local(address: object) -> bool:
    try:
        return ip_address(address).is_link_local if isinstance(address, (str, bytes)) else False
    except ValueError:
        return False
