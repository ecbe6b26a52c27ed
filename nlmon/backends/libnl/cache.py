"""Caches of links, addresses and routes: filled by a dump, kept by notifications, bounded, refreshed by age.

Rules of this file:
1. What a cache holds was said by the kernel: by a dump or by a notification, deletions included.
2. At most ``limit`` objects of a kind are held; what does not fit is counted in ``refused`` and asked for when
   needed.
3. Values in, values out: the dump that fills a cache is the backend's to ask for.

Not here: which object is which (``nlmon.identity``) and what a deletion takes along (``nlmon.state``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from nlmon.events import Event, LinkInfo, RoutePayload
from nlmon.identity import identity, objects_of
from nlmon.state import State

__all__ = ["CACHES", "Cache", "CacheStatus"]

# Cache -> what to dump: (RTM_GET* type, family) each.
CACHES = {"link": ((18, 0),), "addr": ((22, 0),), "route": ((26, 2), (26, 10))}
SECOND = 1_000_000_000


class CacheStatus(Struct, frozen=True):
    """Objects held and refused, and when the cache was filled last (nanoseconds since 1970, 0: never)."""

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
        self._filled = dict.fromkeys(self.kinds, 0)
        self._refused = dict.fromkeys(self.kinds, 0)

    def stale(self, kind: str, now: int) -> bool:
        """Whether a cache was never filled or is older than its time to live; ``now`` in nanoseconds."""
        filled = self._filled[kind]
        return not filled or (self._ttl is not None and now - filled > self._ttl * SECOND)

    def fill(self, kind: str, events: Iterable[Event], now: int) -> None:
        """Replace what a cache holds by the answer of a dump."""
        table = self._state.tables[kind]
        table.clear()
        if kind == "link":
            self._names.clear()
        for event in events:
            self.apply(event)
        self._filled[kind] = now or 1

    def apply(self, event: Event) -> None:
        """Take in a notification; other kinds and other namespaces are none of a cache's business."""
        payload = event.payload
        if not isinstance(payload, RoutePayload) or event.nsid is not None:
            return
        kind = next((kind for kind, _, _ in objects_of(payload)), "")
        if kind not in self.kinds:
            return
        table = self._state.tables[kind]
        if event.msg_type & 3 == 0 and len(table) >= self._limit and not self._holds(kind, payload):
            self._refused[kind] += 1
            return
        if isinstance(payload, LinkInfo):
            self._rename(payload, event.msg_type & 3 == 0)
        self._state.apply(event)

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

    def _holds(self, kind: str, payload: RoutePayload) -> bool:
        return any(key in self._state.tables[kind] for _, key, _ in objects_of(payload))

    def _rename(self, link: LinkInfo, there: bool) -> None:
        kind, _ = identity(link)
        if kind != "link":
            return
        before = self.link_by_index(link.ifindex)
        for name in () if before is None else _names(before):
            if self._names.get(name) == link.ifindex:
                del self._names[name]
        if there:
            self._names.update((name, link.ifindex) for name in _names(link))


def _names(link: LinkInfo) -> tuple[str, ...]:
    own = () if link.ifname is None else (link.ifname,)
    return (*own, *(link.altnames or ()))
