"""The routes to one destination in the kernel's order, and which of them a new one replaces.

- IPv4 (net/ipv4/fib_trie.c, fib_table_insert): a replacement takes the place of the first route, an appended one comes
  last, any other first.
- IPv6 (net/ipv6/ip6_fib.c, fib6_add_rt2node): a new route comes last. A replacement takes the place of the first route
  of its like, which is siblings, or all others; where there is none, of the first there is. With a sibling go all of
  them. A message with several hops lists every sibling.

Rules of this file:
1. A host may have a million groups, nearly all of one route: these have but its key, on which memory and the garbage
   collector spend least.
2. Whatever is done to one route takes the same time, however many routes its group has.

Not here: which routes are the same, and which are siblings (``keys``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nlmon.objects.keys import Key
from nlmon.uapi import AF_INET, AF_INET6, NLM_F_APPEND, NLM_F_MULTI, NLM_F_REPLACE

__all__ = ["RouteGroups"]


class _Several:
    """Keys in order; both ends are near. ``front`` holds the first ones, the first of all at its end."""

    __slots__ = ("back", "front")

    def __init__(self, front: dict[Key, None], back: dict[Key, None]) -> None:
        self.front = front
        self.back = back

    def __len__(self) -> int:
        return len(self.front) + len(self.back)

    def __contains__(self, key: object) -> bool:
        return key in self.back or key in self.front

    def __iter__(self) -> Iterator[Key]:
        yield from reversed(self.front)
        yield from self.back

    def discard(self, key: Key) -> None:
        self.front.pop(key, None)
        self.back.pop(key, None)


class _Lists:
    """Lists of keys by group; an empty one is none."""

    def __init__(self) -> None:
        self._lists: dict[Key, Key | _Several] = {}

    def of(self, group: Key) -> Collection[Key]:
        """The keys of a group, in order."""
        keys = self._lists.get(group)
        if keys is None or isinstance(keys, _Several):
            return keys or ()
        return (keys,)

    def every(self) -> Iterator[Key]:
        """The keys of all groups, one group after the other."""
        for keys in self._lists.values():
            if isinstance(keys, _Several):
                yield from keys
            else:
                yield keys

    def begin(self, group: Key, key: Key) -> bool:
        """Make a list of one key, where there is none or the like; else nothing is done: False."""
        return self._lists.setdefault(group, key) is key

    def first(self, group: Key) -> Key | None:
        """The first key of a group."""
        return next(iter(self.of(group)), None)

    def put(self, group: Key, key: Key, *, last: bool) -> None:
        """Put a key at one end of its group, whether it was there or not."""
        if self.begin(group, key):
            return
        keys = self._lists[group]
        if not isinstance(keys, _Several):
            if keys == key:
                return
            keys = self._lists[group] = _Several({}, {keys: None})
        keys.discard(key)
        (keys.back if last else keys.front)[key] = None

    def remove(self, group: Key, key: Key) -> bool:
        """Remove a key, if it is there; whether it was alone."""
        keys = self._lists.get(group)
        if isinstance(keys, _Several):
            keys.discard(key)
            if keys:
                return False
        elif keys != key:
            return False
        del self._lists[group]
        return True

    def pop(self, group: Key) -> Collection[Key]:
        """Remove a whole group, and give its keys."""
        keys = self.of(group)
        self._lists.pop(group, None)
        return keys

    def copy(self) -> _Lists:
        one = _Lists()
        one._lists = {
            group: _Several(keys.front.copy(), keys.back.copy()) if isinstance(keys, _Several) else keys
            for group, keys in self._lists.items()
        }
        return one

    def clear(self) -> None:
        self._lists.clear()


class RouteGroups:
    """The keys of the routes of each group; of IPv6 the siblings apart from the others, whose order among each other
    matters to nobody. The first entry of a group is its address family."""

    def __init__(self) -> None:
        self._ip4, self._ip6, self._siblings = _Lists(), _Lists(), _Lists()

    def _routes(self, group: Key) -> _Lists:
        """The lists with the routes of a group that are no siblings."""
        return self._ip6 if group[0] == AF_INET6 else self._ip4

    def of(self, group: Key) -> list[Key]:
        """The routes of a group in the kernel's order, of IPv6 siblings last."""
        return [*self._routes(group).of(group), *self._siblings.of(group)]

    def of_family(self, family: int) -> list[Key]:
        """The routes of an address family, one group after the other."""
        if family == AF_INET:
            return list(self._ip4.every())
        return [*self._ip6.every(), *self._siblings.every()] if family == AF_INET6 else []

    def put4(self, group: Key, key: Key, flags: int, *, nexthop: bool) -> Key | None:
        """Put an IPv4 route in its place, by the flags of its message; the route that it replaces, or None.
        ``nexthop``: it is over a nexthop object. When that is replaced the kernel announces each of its routes like a
        replacement, and they keep their places."""
        routes = self._ip4
        if routes.begin(group, key):
            return None
        known = key in routes.of(group)
        if flags & NLM_F_REPLACE and not (known and nexthop):
            # It may be there already when a dump ran ahead of this message.
            first = routes.first(group)
            if first == key:
                return None
            if first is not None:
                routes.remove(group, first)
            routes.put(group, key, last=False)
            return first
        if not known:
            routes.put(group, key, last=bool(flags & (NLM_F_APPEND | NLM_F_MULTI)))  # a dump lists them in order
        return None

    def put6(
        self, group: Key, keys: Collection[Key], flags: int, *, sibling: bool, listed: bool, nexthop: bool
    ) -> list[Key]:
        """Put an IPv6 route, or each of its hops, in its place, by the flags of its message; the routes that it
        replaces. ``sibling``: of which kind it is; ``listed``: every sibling is; ``nexthop``: see ``put4``."""
        routes, siblings = self._ip6, self._siblings
        gone: Collection[Key] = ()
        first = False
        if flags & NLM_F_REPLACE:
            if siblings.of(group) and (sibling or not routes.of(group)):
                gone = siblings.pop(group)
            elif not (nexthop and next(iter(keys)) in routes.of(group)):
                old = routes.first(group)
                gone, first = () if old is None else (old,), True
        elif listed:
            gone = siblings.pop(group)
        for old in gone:
            routes.remove(group, old)
        for key in keys:
            if sibling:
                routes.remove(group, key)
                siblings.put(group, key, last=True)
            elif key in siblings.of(group) or routes.begin(group, key):
                continue
            elif first or key not in routes.of(group):
                routes.put(group, key, last=not first)
        return [key for key in gone if key not in keys] if gone else []

    def listed(self, group: Key, key: Key, *, sibling: bool) -> None:
        """A dump lists a route as the next of its group: put it last."""
        routes, siblings = self._routes(group), self._siblings
        (routes if sibling else siblings).remove(group, key)
        (siblings if sibling else routes).put(group, key, last=True)

    def remove(self, group: Key, key: Key) -> None:
        """Remove a route, if it is there."""
        if not self._routes(group).remove(group, key):
            self._siblings.remove(group, key)

    def copy(self) -> RouteGroups:
        """The same of an equal table."""
        one = RouteGroups()
        one._ip4, one._ip6, one._siblings = self._ip4.copy(), self._ip6.copy(), self._siblings.copy()
        return one

    def clear(self) -> None:
        """Forget every group."""
        for lists in (self._ip4, self._ip6, self._siblings):
            lists.clear()
