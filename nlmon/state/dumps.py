"""Dumps held against a state: what is collected of one, and what it brings to light.

A dump is no snapshot: objects change while it is read. What an event announced meanwhile is therefore not judged by it.
Nor is an IPv6 route that may stand between siblings, which the kernel lists as one route: it goes on behind the last of
them and lists none of those in between (net/ipv6/ip6_fib.c, fib6_dump_node).

Not here: the state itself (``tables``).
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.events import LinkInfo, RouteInfo, RoutePayload
from nlmon.limits import PARTS_OF_ONE
from nlmon.objects.keys import Key, is_sibling, parts_of, route_group
from nlmon.state.identity import held_by_dump, objects_of
from nlmon.uapi import AF_BRIDGE, AF_UNSPEC, RTM_GETLINK

__all__ = ["VOLATILE", "Change", "DumpLoad", "Dumps", "Unannounced", "changed_fields", "parts_held"]

Change: TypeAlias = Literal["gone", "appeared", "changed"]

# Fields that change without meaning: counters down to expiry, and masks that only a notification fills.
VOLATILE = {
    "addr": {"preferred_lifetime", "valid_lifetime"},
    "link": {"change", "promiscuity"},
    "neigh": {"probes"},
    "port": {"change"},
    "route": {"expires"},
    "rule": set(),
}


class Unannounced(Struct, frozen=True):
    """One difference between what events said and what the kernel turned out to hold.

    ``frame`` is where it came to light; ``reason`` says how; ``fields`` names what changed. ``key`` is the
    identity of the object, ``object`` the same for people.
    """

    kind: str
    change: Change
    object: str
    frame: int
    reason: str
    key: Key
    fields: tuple[str, ...] = ()


class Meanwhile:
    """Objects and groups of routes that changed while dumps were under way, each with the number of its last change;
    ``changes``: how many there were."""

    def __init__(self) -> None:
        self.changes = 0
        self.objects: dict[tuple[str, Key], int] = {}
        self.groups: dict[Key, int] = {}

    @property
    def size(self) -> int:
        """How many are held: each once, however many dumps are under way."""
        return len(self.objects) + len(self.groups)

    def touch(self, kind: str, key: Key) -> None:
        """An object changed."""
        self.changes += 1
        self.objects[kind, key] = self.changes

    def reorder(self, group: Key) -> None:
        """The order of a group of routes changed."""
        self.changes += 1
        self.groups[group] = self.changes

    def copy(self) -> Meanwhile:
        """The same, to be changed by itself."""
        one = Meanwhile()
        one.changes, one.objects, one.groups = self.changes, self.objects.copy(), self.groups.copy()
        return one


class DumpLoad:
    """The objects of one dump while its datagrams arrive.

    ``listed``: how many they are, a share for their parts among them. ``meanwhile``: what changed while it was under
    way, behind the change ``begun`` up to ``ended``; ``gaps`` collects what else it does not judge; ``lossy``: messages
    were lost meanwhile.
    """

    def __init__(self, msg_type: int, family: int, meanwhile: Meanwhile) -> None:
        self.msg_type = msg_type
        self.family = family
        self.payloads: list[RoutePayload] = []
        self.listed = 0
        self.meanwhile = meanwhile
        self.begun, self.ended = meanwhile.changes, sys.maxsize
        self.gaps: set[tuple[str, Key]] = set()
        self.lossy = False

    def is_touched(self, kind: str, key: Key) -> bool:
        """Whether an object is not judged by the dump, such as one that was announced meanwhile."""
        return (kind, key) in self.gaps or self.begun < self.meanwhile.objects.get((kind, key), 0) <= self.ended

    def is_reordered(self, group: Key) -> bool:
        """Whether the dump does not say the order of a group of routes, which changed meanwhile."""
        return self.begun < self.meanwhile.groups.get(group, 0) <= self.ended

    def add(self, payloads: Iterable[RoutePayload]) -> None:
        """Take in what a datagram lists."""
        for payload in payloads:
            self.payloads.append(payload)
            self.listed += 1 + parts_held(payload) // PARTS_OF_ONE


class Correction(NamedTuple):
    """One object as a dump lists it, None for one that it does not list.

    ``change`` and the changed ``fields``: where that was unannounced.
    """

    key: Key
    payload: RoutePayload | None
    change: Change | None = None
    fields: tuple[str, ...] = ()


class Listing:
    """What a complete dump lists: its ``kind`` and objects. ``first``: whether nothing like it was listed before; then
    nothing that it lists is unannounced."""

    def __init__(self, load: DumpLoad, *, first: bool) -> None:
        self.kind, self._held = held_by_dump(load.msg_type, load.family)
        self._load, self._first = load, first
        self._objects: dict[Key, RoutePayload] = {}
        # Hops that the kernel lists as those of one route.
        self._siblings: set[Key] = set()
        # Groups in which it does not list what stands between siblings.
        self._gaps: set[Key] = set()
        for payload in load.payloads:
            found = {key: one for kind, key, one in objects_of(payload) if kind == self.kind and self._held(key)}
            self._objects |= found
            if isinstance(payload, RouteInfo) and payload.multipath is not None and is_sibling(payload):
                self._siblings.update(found)
                if len(found) > 1:
                    self._gaps.add(route_group(payload))

    def corrections(self, table: Mapping[Key, RoutePayload], mine: Collection[Key]) -> Iterator[Correction]:
        """What is to be changed in a table, of which such a dump would list the keys ``mine``. The table may be changed
        while this goes on; what is gone comes first."""
        kind, objects, load = self.kind, self._objects, self._load
        for key in [key for key in mine if key not in objects and not load.is_touched(kind, key)]:
            if self._is_in_gap(key, table[key]):
                load.gaps.add((kind, key))
            else:
                yield Correction(key, None, "gone")
        for key, payload in objects.items():
            before = table.get(key)
            if before == payload or load.is_touched(kind, key):
                continue
            if before is None:
                yield Correction(key, payload, None if self._first else "appeared")
            else:
                fields = changed_fields(kind, before, payload)
                yield Correction(key, payload, "changed" if fields else None, fields)

    def _is_in_gap(self, key: Key, payload: RoutePayload) -> bool:
        return key[:-1] in self._gaps and isinstance(payload, RouteInfo) and not is_sibling(payload)

    def route_order(self) -> Iterator[tuple[Key, Key, bool]]:
        """Group and key of the routes in the order of the dump, which is the kernel's within each group, and whether
        it is a sibling."""
        for key, payload in self._objects.items():
            if isinstance(payload, RouteInfo):
                group = route_group(payload)
                if not self._load.is_reordered(group):
                    yield group, key, key in self._siblings or is_sibling(payload)


class Dumps:
    """The dumps of one state: those that are ``open``, the types and families that were listed before, and those of
    which nothing was lost since."""

    def __init__(
        self,
        open_dumps: Collection[DumpLoad] = (),
        listed: Collection[tuple[int, int]] = (),
        known: Collection[tuple[int, int]] = (),
    ) -> None:
        self.open = list(open_dumps)
        self._meanwhile = Meanwhile()
        self._listed, self._known = set(listed), set(known)
        # What was known before a loss.
        self._lost: set[tuple[int, int]] = set()

    @property
    def size(self) -> int:
        """Objects that open dumps listed, and that were announced meanwhile."""
        return sum(load.listed for load in self.open) + self._meanwhile.size

    def copy(self, open_dumps: Collection[DumpLoad]) -> Dumps:
        """The same with other loads for the dumps that are open."""
        one = Dumps(open_dumps, self._listed, self._known)
        one._lost, one._meanwhile = self._lost.copy(), self._meanwhile.copy()
        for load in open_dumps:
            load.meanwhile = one._meanwhile
        return one

    def begin(self, get_type: int, family: int) -> DumpLoad:
        """Start collecting a dump of ``get_type`` (RTM_GET*) and ``family``."""
        # The kernel has no link dump of one family; it answers AF_PACKET like AF_UNSPEC.
        load = DumpLoad(get_type, AF_UNSPEC if get_type == RTM_GETLINK else family, self._meanwhile)
        self.open.append(load)
        return load

    def know(self, get_type: int, family: int) -> bool:
        """Whether all objects of a type and family were listed once, and no message was lost since."""
        return not self._known.isdisjoint({(get_type, family), (get_type, AF_UNSPEC)})

    def note(self, get_type: int, family: int) -> None:
        """All objects of a type and family are known: what a whole dump lists was folded, message by message."""
        self._listed.add((get_type, family))
        self._known.add((get_type, family))

    def lose(self) -> None:
        """Messages were lost: of no type all objects are known until they are listed again."""
        self._lost |= self._known
        self._known.clear()
        for load in self.open:
            load.lossy = True

    def regain(self) -> None:
        """What was lost is known again: it was asked for, and folded."""
        self._known |= self._lost
        self._lost.clear()

    def abandon(self, load: DumpLoad) -> None:
        """Forget a dump that was interrupted or never ended: it proves nothing."""
        self._close(load)

    def end(self, load: DumpLoad) -> Listing:
        """What a dump lists that has come to its end."""
        load.ended = self._meanwhile.changes
        self._close(load)
        # A dump of all families lists neither bridge ports nor forwarding databases.
        before = {load.family} if load.family == AF_BRIDGE else {load.family, AF_UNSPEC}
        first = not self._listed & {(load.msg_type, family) for family in before}
        self._listed.add((load.msg_type, load.family))
        if not load.lossy:
            self._known.add((load.msg_type, load.family))
        return Listing(load, first=first)

    def _close(self, load: DumpLoad) -> None:
        self.open.remove(load)
        if not self.open:
            self._meanwhile = Meanwhile()

    def touch(self, kind: str, key: Key) -> None:
        """An object was announced, or removed."""
        if self.open:
            self._meanwhile.touch(kind, key)

    def reorder(self, group: Key) -> None:
        """The order of a group of routes changed."""
        if self.open:
            self._meanwhile.reorder(group)


def parts_held(payload: RoutePayload) -> int:
    """How many hops, metrics and alternative names an object has; ``PARTS_OF_ONE`` count as an object."""
    if isinstance(payload, RouteInfo):
        return parts_of(payload)
    names = payload.altnames if isinstance(payload, LinkInfo) else None
    return len(names) if isinstance(names, tuple) else 0


def changed_fields(kind: str, before: RoutePayload, after: RoutePayload) -> tuple[str, ...]:
    """Fields in which two values of an object differ, without those that change by themselves."""
    quiet = VOLATILE[kind]
    return tuple(
        name for name in before.__struct_fields__ if name not in quiet and getattr(before, name) != getattr(after, name)
    )
