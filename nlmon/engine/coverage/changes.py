"""Finds changes that show in blind attributes alone: two events in a row about one object that are the same in both
implementations, while what neither reads of their messages differs.

One object is what the state takes for one; where it has none, messages about one interface whose fixed headers are the
same, such as those of one command of a generic family.

Rules:
1. The last message of an object is remembered, up to ``OBJECTS_KEPT`` objects; when there are more, all are forgotten.
   Of links and the like it is remembered from the first message on, of any of its kind, that holds what neither reads.
2. A difference that is in no attribute, or in a part of one that somebody reads, is none of these.

Not here: what is blind (``layouts``), and what changed inside it (``inner``).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.compare.side import Side
from nlmon.engine.coverage.count import Coverage
from nlmon.engine.coverage.inner import AttributePath, changed_inside
from nlmon.engine.coverage.layouts import Layout
from nlmon.engine.coverage.parts import Part
from nlmon.events import OVERRUN, Event
from nlmon.framing import header
from nlmon.objects.keys import subject_of
from nlmon.uapi import NETLINK_AUDIT, NLMSG_HDRLEN
from nlmon.wire import Datagram

__all__ = ["Change", "Changes"]

# Objects that are remembered, the longest message that is, and the kinds of changes that are counted apart.
OBJECTS_KEPT, LONGEST, COUNTED = 4096, 4096, 1024
# Attributes of one change that are named.
PLACES_KEPT = 16

_Last: TypeAlias = tuple[bytes, Event | None, Event | None]


class Change(Struct):
    """Changes of the same blind attributes, in messages called ``label``: where these are, from the set ``root`` on,
    the frame of the first change, and how many there are."""

    label: str
    root: str
    places: tuple[AttributePath, ...]
    frame: int
    count: int = 0


class Changes:
    """The changes of one comparison; ``found``: those that are counted apart; ``others``: how many more there were."""

    def __init__(self, coverage: Coverage, byteorder: str) -> None:
        self.found: dict[tuple[str, tuple[AttributePath, ...]], Change] = {}
        self.others = 0
        self._coverage = coverage
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._last: dict[Hashable, _Last] = {}

    def note(self, datagram: Datagram, left: Side, right: Side) -> None:
        """Take note of a datagram and what both made of it."""
        events: dict[int, list[Event | None]] = {}
        for number, side in enumerate((left, right)):
            for event in side.events:
                if event.synthetic or event.type == OVERRUN:
                    return
                events.setdefault(event.offset, [None, None])[number] = event
        data, whole = datagram.data, len(events) == 1
        for offset, (one, other) in events.items():
            if whole and not offset:
                self.note_one(datagram.protocol, data, one, other)
            elif offset + NLMSG_HDRLEN <= len(data):
                length = header(data, offset, self._order).length
                self.note_one(datagram.protocol, data[offset : offset + length], one, other)

    def note_one(self, protocol: int, message: bytes, one: Event | None, other: Event | None) -> None:
        """Take note of a message and the event that each made of it."""
        event = one or other
        if event is None or protocol == NETLINK_AUDIT:
            return
        subject = subject_of(event)
        if subject is not None and subject[0] not in self._coverage.watched:
            return
        key: Hashable = subject
        if key is None:
            begin = self._coverage.begin(protocol, message, event.msg_type)
            # Not both give it.
            names = [event.interface for event in (one, other) if event is not None]
            interface = next((name for name in names if isinstance(name, str)), None)
            key = protocol, event.msg_type, interface, message[NLMSG_HDRLEN : NLMSG_HDRLEN + begin]
        self.follows(key, protocol, message, one, other)

    def follows(self, key: Hashable, protocol: int, message: bytes, one: Event | None, other: Event | None) -> None:
        """Hold a message about an object against the one before it."""
        last = self._last
        before = last.get(key)
        if len(message) > LONGEST:
            if before is not None:
                del last[key]
        elif before is None:
            if len(last) >= OBJECTS_KEPT:
                last.clear()
            last[key] = message, one, other
        elif before[0] != message:
            last[key] = message, one, other
            event = one or other
            if event is not None and _same(before[1], one) and _same(before[2], other):
                self._compare(protocol, before[0], message, event)

    def _compare(self, protocol: int, before: bytes, message: bytes, event: Event) -> None:
        # A datagram may be longer than its message by some padding.
        before, message = (one[: header(one, 0, self._order).length] for one in (before, message))
        old, new = (self._coverage.layout(protocol, one, event.msg_type) for one in (before, message))
        if old is None or new is None:
            return
        left, right = _payloads(old, before), _payloads(new, message)
        places: list[AttributePath] = []
        for part in [*left, *(part for part in right if part not in left)]:
            pair = left.get(part), right.get(part)
            if pair[0] != pair[1]:
                root = self._coverage.root(protocol, message, event.msg_type)
                places += changed_inside(root, part.path, part.kind, pair, self._order)
        if places:
            self._add(new.label, root, tuple(dict.fromkeys(places))[:PLACES_KEPT], event.frame)

    def _add(self, label: str, root: str, places: tuple[AttributePath, ...], frame: int) -> None:
        key = label, places
        found = self.found.get(key)
        if found is None:
            if len(self.found) >= COUNTED:
                self.others += 1
                return
            found = self.found[key] = Change(label, root, places, frame)
        found.count += 1


def _payloads(layout: Layout, message: bytes) -> dict[Part, bytes]:
    """The payloads of each blind part; those of one that repeats one behind the other."""
    found: dict[Part, bytes] = {}
    for part, begin, stop in layout.blind:
        found[part] = found.get(part, b"") + message[begin:stop]
    return found


def _same(one: Event | None, other: Event | None) -> bool:
    """Whether two events say the same, but for when and to whom."""
    if one is None or other is None:
        return one is other
    return one.msg_type == other.msg_type and one.interface == other.interface and one.payload == other.payload
