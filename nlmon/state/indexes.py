"""Indexes over the tables of a state: objects by their interface, and by the family that a dump asks for.

Not here: the tables (``tables``), and routes (``nlmon.objects.linked``, ``nlmon.objects.groups``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nlmon.events import RoutePayload
from nlmon.objects.families import FamilyIndex
from nlmon.objects.keys import Key
from nlmon.objects.values import OnLink

__all__ = ["Indexes", "InterfaceIndex"]


class InterfaceIndex:
    """The objects of each interface: the keys of a table of objects by the index of their interface, in the order of
    the table, also where an object moves to another interface. Where an index is no plain number, the whole table is
    looked through."""

    def __init__(self) -> None:
        # With the place of each object in the table: numbers that grow. Who has no interface is at None.
        self._keys: dict[int | None, dict[Key, int]] = {}
        self._placed = 0
        # Interfaces to which an object moved, whose keys may be out of order.
        self._moved: set[int | None] = set()
        self._whole = False

    def put(self, key: Key, payload: OnLink) -> None:
        """An object was put into the table, where there was none."""
        if self._whole:
            return
        self._placed += 1
        index = payload.ifindex
        if type(index) is int and index in self._keys:
            self._keys[index][key] = self._placed
        else:
            self._add(key, index, self._placed)

    def replace(self, key: Key, before: OnLink, payload: OnLink) -> None:
        """An object of the table was replaced, in its place."""
        old, new = before.ifindex, payload.ifindex
        if old != new and not self._whole:
            place = self._keys[old][key]
            self.remove(key, before)
            self._add(key, new, place)
            self._moved.add(new)

    def _add(self, key: Key, index: int | None, place: int) -> None:
        if type(index) is int or index is None:
            try:
                self._keys[index][key] = place
            except KeyError:
                self._keys[index] = {key: place}
        else:
            self.clear()
            self._whole = True

    def remove(self, key: Key, payload: OnLink) -> None:
        """An object was removed from the table."""
        if self._whole:
            return
        index = payload.ifindex
        keys = self._keys.get(index)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del self._keys[index]
                self._moved.discard(index)

    def on(self, index: int, table: Mapping[Key, RoutePayload]) -> Collection[Key]:
        """Keys of the objects of ``table`` that may belong to an interface, all that do among them."""
        if self._whole or type(index) is not int:
            return table
        if index in self._moved:
            self._moved.discard(index)
            self._keys[index] = dict(sorted(self._keys[index].items(), key=lambda row: row[1]))
        return self._keys.get(index, {})

    def copy(self) -> InterfaceIndex:
        """The same of an equal table."""
        one = InterfaceIndex()
        one._keys = {index: keys.copy() for index, keys in self._keys.items()}
        one._moved = self._moved.copy()
        one._placed, one._whole = self._placed, self._whole
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._keys.clear()
        self._moved.clear()
        self._whole = False


class Indexes:
    """The indexes of all tables but those of links and routes, by kind: ``by_interface`` and ``by_family``."""

    def __init__(self) -> None:
        self.by_interface = {kind: InterfaceIndex() for kind in ("port", "addr", "neigh")}
        self.by_family = {kind: FamilyIndex.of_kind(kind) for kind in ("addr", "neigh", "rule")}

    def put(self, kind: str, key: Key, payload: Any) -> None:
        """An object was put into its table, where there was none."""
        if kind in self.by_interface:
            self.by_interface[kind].put(key, payload)
        if kind in self.by_family:
            self.by_family[kind].put(key)

    def replace(self, kind: str, key: Key, before: Any, payload: Any) -> None:
        """An object was replaced, in its place in the table."""
        if kind in self.by_interface:
            self.by_interface[kind].replace(key, before, payload)

    def remove(self, kind: str, key: Key, payload: Any) -> None:
        """An object was removed from its table."""
        if kind in self.by_interface:
            self.by_interface[kind].remove(key, payload)
        if kind in self.by_family:
            self.by_family[kind].remove(key)

    def on(self, kind: str, index: int, table: Mapping[Key, RoutePayload]) -> Collection[Key]:
        """The keys of a table that may belong to an interface; see ``InterfaceIndex.on``."""
        return self.by_interface[kind].on(index, table)

    def listed(self, kind: str, family: int, table: Collection[Key]) -> Collection[Key]:
        """The keys of a table that a dump of a family would list: all, where the kind has no families."""
        return self.by_family[kind].listed(family, table) if kind in self.by_family else table

    def copy(self) -> Indexes:
        """The same of equal tables."""
        one = Indexes()
        one.by_interface = {kind: index.copy() for kind, index in self.by_interface.items()}
        one.by_family = {kind: index.copy() for kind, index in self.by_family.items()}
        return one

    def clear(self, kind: str) -> None:
        """A table is empty."""
        for indexes in (self.by_interface, self.by_family):
            if kind in indexes:
                indexes[kind].clear()
