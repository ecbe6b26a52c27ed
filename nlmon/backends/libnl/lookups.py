"""Lookups: names and links from the caches, and the dumps that fill these.

A lookup asks the kernel where the cache may lack the answer or is too old. The cache itself is filled only when no
message waits, since an older one would undo it.

Not here: what caches hold (``cache``), and when no message waits (``backend``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from nlmon.backends.libnl.cache import CACHES, Cache, CacheStatus
from nlmon.backends.libnl.requests import Requests
from nlmon.backends.libnl.uapi import NETLINK_ROUTE
from nlmon.backends.options import BackendOptions
from nlmon.errors import NotFound, TransportError, UsageError
from nlmon.events import LinkInfo
from nlmon.transport.base import TransportFactory

__all__ = ["Lookups"]


class Lookups(Requests):
    """A backend that keeps the caches of its options; see the module."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        self.cache = Cache(self.options.caches, self.options.cache_size, self.options.cache_ttl)

    def link_name(self, protocol: int, ifindex: int) -> str | None:
        """Name of an interface: what the cache knows, or else the transport that a message came from."""
        if self.cache.kinds and "link" in self.cache.kinds - self.cache.expired:
            found = self.cache.link_by_index(ifindex)
            if found is not None:
                return found.ifname
        transport = self._transports.get(protocol) or self._transports.get(NETLINK_ROUTE)
        return None if transport is None else transport.link_name(ifindex)

    def get_link_by_index(self, ifindex: int) -> LinkInfo:
        """A link from the cache, or from the kernel when the cache may lack it or is too old. Raises ``NotFound``,
        ``UsageError`` when the cache is off or NETLINK_ROUTE is not enabled, ``TransportError``."""
        return self._link(lambda cache: cache.link_by_index(ifindex), f"with index {ifindex}")

    def get_link_by_name(self, name: str) -> LinkInfo:
        """A link by its name or an alternative name; see ``get_link_by_index``."""
        return self._link(lambda cache: cache.link_by_name(name), f"called {name!r}")

    def cache_status(self) -> dict[str, CacheStatus]:
        """Counters of every cache that is on."""
        return self.cache.status()

    def _link(self, look_up: Callable[[Cache], LinkInfo | None], which: str) -> LinkInfo:
        if "link" not in self.cache.kinds:
            hint = f"name it in the option caches, which holds {', '.join(self.options.caches) or 'none'}"
            raise UsageError("NLM-B007", "the link cache is off", hint=hint)
        if NETLINK_ROUTE not in self._transports:
            raise UsageError("NLM-B002", "NETLINK_ROUTE is not enabled", hint="call enable() first")
        stale = self.cache.stale("link", self._transports[NETLINK_ROUTE].now())
        link = None if stale else look_up(self.cache)
        if stale or (link is None and "link" in self.cache.lacking):
            fresh = Cache({"link"}, sys.maxsize, None)
            self.fill_cache(fresh, "link")
            link = look_up(fresh)
        if link is None:
            raise NotFound("NLM-B006", f"there is no interface {which}")
        return link

    def fill_cache(self, cache: Cache, kind: str) -> None:
        """Fill a cache by dumps. Raises ``TransportError``."""
        now = self._transports[NETLINK_ROUTE].now()
        results = [self.whole_dump(*dump) for dump in CACHES[kind]]
        events = [event for result in results for event in result.events]
        cache.fill(kind, events, now, whole=all(result.whole for result in results))

    def refill_caches(self) -> None:
        """Fill again what has reached its time to live; a failure is reported and left for later."""
        now = self._transports[NETLINK_ROUTE].now()
        for kind in self.options.caches:
            if self.cache.stale(kind, now):
                try:
                    self.fill_cache(self.cache, kind)
                except TransportError as error:
                    self.cache.fill(kind, (), now, whole=False)
                    self.report(error, NETLINK_ROUTE)
