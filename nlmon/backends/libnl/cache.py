"""Caches of links, addresses and routes: filled by a dump, kept by notifications, bounded, refreshed by age.

Rules of this file:
1. What a cache holds was sent by the kernel: in a dump or a notification, deletions included.
2. At most ``limit`` objects of a kind are held; what does not fit is counted in ``refused``. A cache that may lack
   something is ``lacking``, and then what it does not hold is asked for.
3. An answer that is not whole adds objects and removes none.
4. Addresses and routes go with their link, so links are followed for them, too.
5. A cache never goes back in time: it is filled when no older notification waits, and until then
   lookups ask past it.
6. Values in, values out: the dump that fills a cache is the backend's to ask for, and when.

Not here: which object is which (``nlmon.state.identity``) and what a deletion takes along (``nlmon.state.tables``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from nlmon.backends.libnl.uapi import AF_INET, AF_INET6, AF_UNSPEC, RTM_GETADDR, RTM_GETLINK, RTM_GETROUTE
from nlmon.events import Event, LinkInfo, RoutePayload
from nlmon.state.identity import objects_of
from nlmon.state.tables import State

__all__ = ["CACHES", "Cache", "CacheStatus"]

# Cache -> what to dump: (RTM_GET* type, family) each.
CACHES = {
    "link": ((RTM_GETLINK, AF_UNSPEC),),
    "addr": ((RTM_GETADDR, AF_UNSPEC),),
    "route": ((RTM_GETROUTE, AF_INET), (RTM_GETROUTE, AF_INET6)),
}
SECOND = 1_000_000_000


class CacheStatus(Struct, frozen=True):
    """``count``: objects held. ``refused``: how often an object was reported that did not fit, the same one each time.
    ``filled``: when the cache was filled last (nanoseconds since 1970, 0: never)."""

    count: int
    refused: int
    filled: int


class Cache:
    """The caches that the options ask for; ``ttl`` in seconds, None: notifications keep them fresh enough."""

    def __init__(self, kinds: Iterable[str], limit: int, ttl: float | None) -> None:
        self.kinds = frozenset(kinds)
        self._limit = limit
        self._ttl = ttl
        self._state = State(notes=False)
        self._names: dict[str, int] = {}
        self._followed = self.kinds | {"link"} if self.kinds else self.kinds
        self._filled = dict.fromkeys(self.kinds, 0)
        self._refused = dict.fromkeys(self._followed, 0)
        self.lacking: set[str] = set()
        self.expired: set[str] = set()

    def stale(self, kind: str, now: int) -> bool:
        """Whether a cache was never filled, is called old or has reached its time to live; ``now`` in nanoseconds."""
        return not self._filled[kind] or self.wait(kind, now) == 0

    def expire(self) -> None:
        """Call every cache old that was filled."""
        self.expired = {kind for kind, filled in self._filled.items() if filled}

    def wait(self, kind: str, now: int) -> float | None:
        """Seconds until a cache is too old, None: never."""
        if kind in self.expired:
            return 0.0
        return None if self._ttl is None else max(0.0, self._ttl - (now - self._filled[kind]) / SECOND)

    def fill(self, kind: str, events: Iterable[Event], now: int, *, whole: bool = True) -> None:
        """Replace what a cache holds by the answer of a dump; one that is not ``whole`` adds to it."""
        self.lacking.discard(kind)
        self.expired.discard(kind)
        if whole:
            self._state.clear(kind)
            if kind == "link":
                self._names.clear()
        else:
            self.lacking.add(kind)
        for event in events:
            self.apply(event)
        self._filled[kind] = now or 1

    def clear(self) -> None:
        """Hold nothing: no notification keeps it fresh any more."""
        self._state = State(notes=False)
        self._names.clear()
        self._filled = dict.fromkeys(self.kinds, 0)
        self.expired.clear()

    def apply(self, event: Event) -> None:
        """Take in a notification; other kinds are none of a cache's business, requests and other namespaces none of
        the state's."""
        payload = event.payload
        if not isinstance(payload, RoutePayload):
            return
        kind = next((kind for kind, _, _ in objects_of(payload)), "")
        if kind not in self._followed:
            return
        before = self.link_by_index(payload.ifindex) if isinstance(payload, LinkInfo) else None
        self._state.apply(event)
        table = self._state.tables[kind]
        while len(table) > self._limit:
            self._state.remove(kind, next(reversed(table)))
            self._refused[kind] += 1
            self.lacking.add(kind)
        if isinstance(payload, LinkInfo):
            self._rename(before, payload.ifindex)

    def link_by_index(self, ifindex: int) -> LinkInfo | None:
        """The link with an index, None if the cache holds none."""
        found = self._state.tables["link"].get((ifindex,))
        return found if isinstance(found, LinkInfo) else None

    def link_by_name(self, name: str) -> LinkInfo | None:
        """The link with a name or an alternative name."""
        index = self._names.get(name)
        return None if index is None else self.link_by_index(index)

    def count(self, kind: str) -> int:
        """Number of objects held; -1 when there is no such cache."""
        return len(self._state.tables[kind]) if kind in self.kinds else -1

    def status(self) -> dict[str, CacheStatus]:
        """Counters by cache."""
        return {
            kind: CacheStatus(self.count(kind), self._refused[kind], self._filled[kind]) for kind in sorted(self.kinds)
        }

    def _rename(self, before: LinkInfo | None, ifindex: int) -> None:
        for name in _names(before):
            if self._names.get(name) == ifindex:
                del self._names[name]
        self._names.update((name, ifindex) for name in _names(self.link_by_index(ifindex)))


def _names(link: LinkInfo | None) -> tuple[str, ...]:
    if link is None:
        return ()
    own = () if link.ifname is None else (link.ifname,)
    return (*own, *(link.altnames or ()))
