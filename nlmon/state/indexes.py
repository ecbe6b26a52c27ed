"""An index over the tables of a state: objects by their interface.

Not here: the tables (``tables``), and routes (``nlmon.objects.linked``, ``nlmon.objects.groups``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from nlmon.events import RouteInfo, RoutePayload, RuleInfo
from nlmon.objects.keys import Key
from nlmon.uapi import AF_INET

__all__ = ["InterfaceIndex"]

_Keys: TypeAlias = dict[int | None, dict[Key, int]]


class InterfaceIndex:
    """The objects of each interface: the keys of a table of objects by the index of their interface, in the order of
    the table, also where an object moves to another interface. Objects of IPv4 are found by themselves. Where an index
    is no plain number, the whole table is looked through."""

    def __init__(self) -> None:
        # With the place of each object in the table: numbers that grow. Who has no interface is at None. Those of IPv4
        # apart, which come second.
        self._keys: tuple[_Keys, _Keys] = ({}, {})
        self._placed = 0
        # Interfaces to which an object moved, whose keys may be out of order; the same two.
        self._moved: tuple[set[int | None], set[int | None]] = (set(), set())
        self._whole = False

    def put(self, key: Key, payload: RoutePayload) -> None:
        """An object was put into the table, where there was none."""
        if not self._whole:
            self._placed += 1
            self._add(key, payload.family == AF_INET, _index(payload), self._placed)

    def replace(self, key: Key, before: RoutePayload, payload: RoutePayload) -> None:
        """An object of the table was replaced, in its place."""
        old, new = _index(before), _index(payload)
        if old != new and not self._whole:
            # The family of an object is a part of what it is known by.
            ip4 = payload.family == AF_INET
            place = self._keys[ip4][old][key]
            self.remove(key, before)
            self._add(key, ip4, new, place)
            self._moved[ip4].add(new)

    def _add(self, key: Key, ip4: bool, index: int | None, place: int) -> None:
        every = self._keys[ip4]
        if type(index) is int or index is None:
            try:
                every[index][key] = place
            except KeyError:
                every[index] = {key: place}
        else:
            self.clear()
            self._whole = True

    def remove(self, key: Key, payload: RoutePayload) -> None:
        """An object was removed from the table."""
        if self._whole:
            return
        ip4, index = payload.family == AF_INET, _index(payload)
        every = self._keys[ip4]
        keys = every.get(index)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del every[index]
                self._moved[ip4].discard(index)

    def on(self, index: int, table: Mapping[Key, RoutePayload], *, ip4: bool = False) -> Collection[Key]:
        """Keys of the objects of ``table`` that may belong to an interface, all that do among them; ``ip4``: those of
        IPv4 alone."""
        if self._whole or type(index) is not int:
            return table
        others, mine = ({} if ip4 else self._in_order(index, ip4=False)), self._in_order(index, ip4=True)
        if not others or not mine:
            return others or mine
        return dict(sorted({**others, **mine}.items(), key=lambda row: row[1]))

    def _in_order(self, index: int, *, ip4: bool) -> Mapping[Key, int]:
        every, moved = self._keys[ip4], self._moved[ip4]
        if index in moved:
            moved.discard(index)
            every[index] = dict(sorted(every[index].items(), key=lambda row: row[1]))
        return every.get(index, {})

    def copy(self) -> InterfaceIndex:
        """The same of an equal table."""
        one = InterfaceIndex()
        for own, others in zip(one._keys, self._keys, strict=True):
            own.update((index, keys.copy()) for index, keys in others.items())
        for mine, moved in zip(one._moved, self._moved, strict=True):
            mine.update(moved)
        one._placed, one._whole = self._placed, self._whole
        return one

    def clear(self) -> None:
        """The table is empty."""
        for one in (*self._keys, *self._moved):
            one.clear()
        self._whole = False


def _index(payload: RoutePayload) -> int | None:
    return None if isinstance(payload, (RouteInfo, RuleInfo)) else payload.ifindex
