"""An index over tables of objects, by the family that a dump asks for.

A program that lists IPv6 routes each second proves nothing about IPv4 routes: what a dump costs depends on the objects
that it may list, not on the others.

Not here: the tables, and what a dump proves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from operator import itemgetter
from typing import TypeAlias

from nlmon.objects.keys import Key
from nlmon.uapi import AF_BRIDGE, AF_UNSPEC

__all__ = ["FamilyIndex", "link_index"]

# The family of the dumps that list an object; None: none does that asks for a family alone.
_Family: TypeAlias = Hashable


class FamilyIndex:
    """The keys of a table of objects by the family of the dumps that list them, which ``family_of`` says of a key.
    Objects of the families ``apart`` are in no dump of all families."""

    def __init__(self, family_of: Callable[[Key], _Family], apart: Collection[_Family] = ()) -> None:
        self._family_of, self._apart = family_of, apart
        self._keys: dict[_Family, dict[Key, None]] = {}

    @classmethod
    def of_kind(cls, kind: str) -> FamilyIndex:
        """An empty one for addresses, neighbours, rules or routes."""
        if kind == "neigh":
            return cls(_neighbour_family, (AF_BRIDGE, None))
        return cls(itemgetter(1 if kind == "addr" else 0))

    def put(self, key: Key) -> None:
        """An object is in the table."""
        family = self._family_of(key)
        try:
            self._keys[family][key] = None
        except KeyError:
            self._keys[family] = {key: None}

    def remove(self, key: Key) -> None:
        """An object is in the table no longer."""
        family = self._family_of(key)
        keys = self._keys[family]
        del keys[key]
        if not keys:
            del self._keys[family]

    def listed(self, family: int, table: Collection[Key]) -> Collection[Key]:
        """The keys of ``table`` that a dump of a family would list, one family after the other."""
        if family != AF_UNSPEC:
            return self._keys.get(family, ())
        if self._keys.keys().isdisjoint(self._apart):
            return table
        return [key for one, keys in self._keys.items() if one not in self._apart for key in keys]

    def copy(self) -> FamilyIndex:
        """The same of an equal table."""
        one = FamilyIndex(self._family_of, self._apart)
        one._keys = {family: keys.copy() for family, keys in self._keys.items()}
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._keys.clear()


def link_index() -> FamilyIndex:
    """An empty one for a table that holds bridge ports and views of links, too, whose keys begin with what they are."""
    families = {"link": AF_UNSPEC, "port": AF_BRIDGE}
    return FamilyIndex(lambda key: families.get(str(key[0])), (AF_BRIDGE, None))


def _neighbour_family(key: Key) -> _Family:
    family = key[0]
    # Proxy neighbours are listed to those who ask for them.
    return None if family != AF_BRIDGE and key[3] else family
