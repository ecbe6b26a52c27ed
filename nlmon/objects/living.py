"""Combinations of links that routes of several hops are over, and which of them one last link keeps alive.

Of each combination one live link is watched. When that dies another live one of the combination is looked for, and only
if there is none the combination is dead. A link that comes to life costs nothing: those that are dead are looked at
again when somebody asks for them.

Rules of this file:
1. What a change of a link costs depends on the combinations that watch it, not on all that are over it. Each of these
   then watches another link, so that the same link dies again for nothing.

Not here: what ends with a link (``implied``), and the routes (``linked``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from nlmon.objects.implied import Fate
from nlmon.objects.keys import Key

__all__ = ["Combination", "Condition", "Link", "Living", "Shared"]

# A link by its interface, and whether every hop over it needs an address there.
Link: TypeAlias = tuple[int | None, bool]
# What routes over the same links have in common.
Shared: TypeAlias = tuple[Fate, frozenset[Link]]

DEAD = -1


class Condition(NamedTuple):
    """What is known of a link: whether it is down, and whether it has an IPv4 address."""

    down: bool
    addressed: bool

    def lives(self, needs: bool, known: bool) -> bool:
        """Whether a hop over the link is alive that ``needs`` an address; ``known``: all addresses are known."""
        return not self.down and (self.addressed or not (needs and known))


class Combination:
    """Links that ``routes`` share, each with its place in the table. ``shared``: what it is found by, which is equal to
    itself at once, however many links it has; ``watched``: the places of the links that are watched, by whether all
    addresses are known."""

    __slots__ = ("links", "routes", "shared", "watched")

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.links = tuple(shared[1])
        self.watched = [DEAD, DEAD]
        self.routes: dict[Key, int] = {}

    def copy(self) -> Combination:
        """The same, to be changed by itself."""
        one = Combination(self.shared)
        one.watched, one.routes = self.watched.copy(), self.routes.copy()
        return one


_Listed: TypeAlias = dict[Link, dict[Shared, Combination]]


class Living:
    """Which combinations a link keeps alive, by the ``conditions`` of links; ``known``: all addresses are known."""

    def __init__(self, conditions: Mapping[int | None, Condition], *, known: bool) -> None:
        self._conditions, self._known = conditions, known
        self._watching: _Listed = {}
        # Those without a live link when they were looked at last, by each of their links.
        self._dead: _Listed = {}

    def put(self, one: Combination) -> None:
        """There is a combination that was not there before."""
        one.watched[self._known] = DEAD
        self._list(one)
        self._watch_another(one)

    def remove(self, one: Combination) -> None:
        """There is a combination no longer."""
        for listed, links in self._lists(one):
            for link in links:
                del listed[link][one.shared]
                if not listed[link]:
                    del listed[link]

    def changed(self, index: int | None, before: Condition) -> None:
        """A link is not what it was ``before``."""
        now = self._conditions[index]
        for needs in (False, True):
            if before.lives(needs, self._known) and not now.lives(needs, self._known):
                for one in list(self._watching.get((index, needs), {}).values()):
                    if not self._watch_another(one):
                        self.remove(one)
                        self.put(one)

    def last(self, index: int) -> dict[Shared, Combination]:
        """The combinations over a link all of whose other links are dead."""
        near = [
            one
            for listed in (self._watching, self._dead)
            for needs in (False, True)
            for one in listed.get((index, needs), {}).values()
        ]
        return {one.shared: one for one in near if not self._watch_another(one, but=(index,))}

    def _watch_another(self, one: Combination, but: Collection[int] = ()) -> bool:
        """Watch a live link of a combination, beginning behind the one that is watched now; False: there is none."""
        links, place = one.links, one.watched[self._known]
        for step in range(1, len(links) + 1):
            there = (place + step) % len(links)
            index, needs = links[there]
            if index not in but and self._conditions[index].lives(needs, self._known):
                self.remove(one)
                one.watched[self._known] = there
                self._list(one)
                return True
        return False

    def _list(self, one: Combination) -> None:
        for listed, links in self._lists(one):
            for link in links:
                listed.setdefault(link, {})[one.shared] = one

    def _lists(self, one: Combination) -> Iterator[tuple[_Listed, Collection[Link]]]:
        """Where a combination is to be found, and by which of its links."""
        place = one.watched[self._known]
        yield (self._dead, one.links) if place == DEAD else (self._watching, one.links[place : place + 1])

    def copy(self, conditions: Mapping[int | None, Condition], copies: Mapping[Shared, Combination]) -> Living:
        """The same of equal combinations."""
        one = Living(conditions, known=self._known)
        one._watching, one._dead = (
            {link: {shared: copies[shared] for shared in listed} for link, listed in table.items()}
            for table in (self._watching, self._dead)
        )
        return one
