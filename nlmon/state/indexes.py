"""Indexes over the tables of a state: routes by their group, and objects by their interface.

Not here: the tables (``tables``), and which objects are the same (``identity``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nlmon.events import AddrInfo, NeighInfo, RouteInfo, RoutePayload, RuleInfo
from nlmon.state.identity import Key

__all__ = ["InterfaceIndex", "RouteGroups"]


class RouteGroups:
    """The keys of the routes of each group, in order. A host may have a million groups, nearly all of one route: these
    have but its key, on which memory and the garbage collector spend least."""

    def __init__(self) -> None:
        self._groups: dict[Key, Key | dict[Key, None]] = {}

    def items(self) -> Iterator[tuple[Key, Collection[Key]]]:
        """Each group and its routes."""
        return ((group, self.of(group)) for group in self._groups)

    def of(self, group: Key) -> Collection[Key]:
        """The routes of a group."""
        members = self._groups.get(group)
        if members is None or isinstance(members, dict):
            return members or ()
        return (members,)

    def begin(self, group: Key, key: Key) -> bool:
        """Make a group of one route, where there is none of the like; else nothing is done: False."""
        return self._groups.setdefault(group, key) is key

    def add(self, group: Key, key: Key) -> None:
        """Add a route at the end, unless it is there."""
        if not self.begin(group, key) and key not in self.of(group):
            self.put(group, key, last=True)

    def put(self, group: Key, key: Key, *, last: bool) -> None:
        """Put a route at one end of its group, whether it was there or not."""
        if self.begin(group, key):
            return
        members = self._groups[group]
        if not isinstance(members, dict):
            members = self._groups[group] = {members: None}
        members.pop(key, None)
        others = () if last else tuple(members)
        if others:
            members.clear()
        members.update(dict.fromkeys((key, *others)))

    def remove(self, group: Key, key: Key) -> None:
        """Remove a route that is there."""
        members = self._groups.pop(group)
        if isinstance(members, dict):
            del members[key]
            if members:
                self._groups[group] = members

    def copy(self) -> RouteGroups:
        """The same of an equal table."""
        one = RouteGroups()
        one._groups = {group: keys.copy() if isinstance(keys, dict) else keys for group, keys in self._groups.items()}
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._groups.clear()


class InterfaceIndex:
    """The objects of each interface: the keys of a table of objects by the index of their interface, or of each hop, in
    the order of the table. Where an index is no plain number, or changes while its object stays, the whole table is
    looked through."""

    def __init__(self) -> None:
        self._keys: dict[int | None, dict[Key, None]] = {}
        self._whole = False

    def put(self, key: Key, payload: RoutePayload) -> None:
        """An object was put into the table, where there was none."""
        for index in () if self._whole else _indexes(payload):
            if type(index) is int:
                try:
                    self._keys[index][key] = None
                except KeyError:
                    self._keys[index] = {key: None}
            elif index is not None:
                self._give_up()
                return

    def replace(self, before: RoutePayload, payload: RoutePayload) -> None:
        """An object of the table was replaced."""
        if type(before) is type(payload) is NeighInfo and before.ifindex == payload.ifindex:
            return  # the most frequent case, decided without the indexes
        if not self._whole and _indexes(before) != _indexes(payload):
            self._give_up()

    def _give_up(self) -> None:
        self._whole = True
        self._keys.clear()

    def remove(self, key: Key, payload: RoutePayload) -> None:
        """An object was removed from the table."""
        for index in () if self._whole else _indexes(payload):
            keys = self._keys.get(index)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del self._keys[index]

    def on(self, index: int, table: Mapping[Key, RoutePayload]) -> Collection[Key]:
        """Keys of the objects of ``table`` that may belong to an interface, all that do among them."""
        if self._whole or type(index) is not int:
            return table
        return self._keys.get(index, ())

    def copy(self) -> InterfaceIndex:
        """The same of an equal table."""
        one = InterfaceIndex()
        one._keys = {index: keys.copy() for index, keys in self._keys.items()}
        one._whole = self._whole
        return one

    def clear(self) -> None:
        """The table is empty."""
        self._keys.clear()
        self._whole = False


def _indexes(payload: RoutePayload) -> tuple[int | None, ...]:
    if type(payload) is NeighInfo or type(payload) is AddrInfo:  # the frequent kinds first
        return (payload.ifindex,)
    if isinstance(payload, RouteInfo):
        hops = payload.multipath
        return (payload.oif,) if hops is None else tuple(hop.ifindex for hop in hops)
    return () if isinstance(payload, RuleInfo) else (payload.ifindex,)
