"""What of messages of one layout is not read by both, worked out once.

Messages have one *layout* here if they have the same type, length and attributes in the same places, as far down as
anybody reads, and the same kind where attributes depend on one (IFLA_INFO_KIND). What is below an attribute that nobody
reads is not looked at, and what nobody need read (``nlmon.names.attributes``) is no part of it.

Not here: counting (``count``), and the layouts by which libnl decodes (``nlmon.backends.libnl.layouts``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from nlmon.compare.fast.shapes import fixed_parts
from nlmon.engine.coverage.readings import BOTH, NEITHER, Known, Readings
from nlmon.framing import LONGEST_ATTRIBUTE, align, link_attributes, next_hops, walk_attributes
from nlmon.uapi import NLA_HDRLEN, NLMSG_HDRLEN, RTNEXTHOP

__all__ = ["Layout", "LayoutMaker", "Part", "Path"]

# Numbers of attributes from the outside in.
Path: TypeAlias = tuple[int, ...]
# The sibling that says of which kind an attribute is, by the kind of message and the path of what they are in
# (linux/if_link.h, rtnetlink.h, nexthop.h).
SELECTORS: Mapping[tuple[str, Path], Mapping[int, int]] = {
    ("link", (18,)): {2: 1, 3: 1, 5: 4},
    ("tc", ()): {2: 1, 4: 1},
    ("route", ()): {22: 21},
    ("route", (9,)): {22: 21},
    ("nexthop", ()): {8: 7},
}
SELECTING = {where: frozenset(numbers.values()) for where, numbers in SELECTORS.items()}
LONGEST_KIND = 32
# Where a nest ends in the order of a walk.
END = -1
# Lists of parts that are remembered for one kind of messages.
LISTS_KEPT = 512
# Attributes of one nest that are looked at, and of its hops any number; a message may have 16,000.
LOOKED_AT = 512


class Part(NamedTuple):
    """Something in a message that not both read: where it is, who does (``readings.NEITHER``, 1 or 2), and the bytes
    that say of which kind it is, or the command of a generic message."""

    path: Path
    readers: int
    kind: bytes


# Parts of messages that hold the same attributes, whatever their lengths; of those that neither reads the place in the
# order of the walk.
_Parts: TypeAlias = tuple[tuple[Part, ...], tuple[tuple[Part, int], ...]]


class Layout:
    """One layout of messages called ``label``, such as ``link``. ``parts``: what in it not both read. ``headers`` and
    ``pieces``: what must be the same in another message of the same type and length: where headers of attributes stand,
    and begin and size of other bytes; ``fixed`` unpacks these, and ``want`` is what it gives. ``times``: how many
    messages had it that were not counted yet."""

    __slots__ = ("_places", "_unread", "fixed", "headers", "label", "parts", "pieces", "times", "want")

    def __init__(self, label: str, found: _Parts, places: Sequence[_Place], walk: _Walk) -> None:
        self.label, self.times = label, 0
        self.parts, self._unread = found
        self._places = places
        self.headers, self.pieces = tuple(sorted(walk.headers)), tuple(sorted(walk.pieces))
        self.fixed = fixed_parts(len(walk.message), self.headers, self.pieces)
        self.want = self.fixed(walk.message, 0)

    @property
    def size(self) -> int:
        """How many places of a message it remembers."""
        return len(self._places)

    @property
    def is_blind(self) -> bool:
        """Whether there is anything that neither reads."""
        return bool(self._unread)

    @property
    def blind(self) -> list[tuple[Part, int, int]]:
        """What neither reads, and where the payload of it begins and ends in the message."""
        return [(part, *self._places[at][1:]) for part, at in self._unread]


class LayoutMaker:
    """Works layouts out for the messages of one kind, called ``label``, of which ``reads`` is read."""

    def __init__(self, label: str, reads: Readings, byteorder: str) -> None:
        self._label, self._reads, self._order = label, reads, byteorder
        self._parts: dict[tuple[object, ...], _Parts] = {}

    def make(self, message: bytes, kind: bytes = b"") -> Layout:
        """The layout of a whole message; ``kind``: what its parts are counted by where no attribute says it."""
        reads, walk = self._reads, _Walk(message, self._order, self._label)
        if reads.readers and not reads.everything:
            walk.level(NLMSG_HDRLEN + reads.begin, len(message), reads.attributes, ())
        key = (kind, *[place[0] for place in walk.places], *[message[at : at + size] for at, size in walk.pieces])
        found = self._parts.get(key)
        if found is None:
            if len(self._parts) >= LISTS_KEPT:
                self._parts.clear()
            found = self._parts[key] = self._listed(walk, kind)
        return Layout(self._label, found, walk.places, walk)

    def _listed(self, walk: _Walk, kind: bytes) -> _Parts:
        from nlmon.names.attributes import ignored  # noqa: PLC0415  (a start-up reads no tables of names)

        reads, parts, unread = self._reads, dict[Part, None](), []
        if reads.readers != BOTH or reads.everything not in {NEITHER, BOTH}:
            parts[Part((), reads.everything if reads.readers == BOTH else reads.readers, kind)] = None
        for begin, end, known, path, readers in walk.levels:
            siblings: dict[int, tuple[int, int]] = {}
            for number, start, stop in walk.places[begin:end]:
                siblings.setdefault(number, (start, stop))
            selectors = SELECTORS.get((self._label, path), {})
            for at, (number, _, _) in enumerate(walk.places[begin:end], begin):
                one = known.get(number)
                if one is None or one.readers not in {BOTH, readers or reads.readers}:
                    chosen = siblings.get(selectors.get(number, -1))
                    its = kind if chosen is None else walk.message[chosen[0] : chosen[1]][:LONGEST_KIND]
                    part = Part((*path, number), NEITHER if one is None else one.readers, its)
                    if one is None and ignored(self._label, part.path):
                        continue
                    parts[part] = None
                    if one is None:
                        unread.append((part, at))
        return tuple(parts), tuple(unread)


# Number of an attribute, begin and end of its payload.
_Place: TypeAlias = tuple[int, int, int]


class _Walk:
    """One walk over the attributes of a message. ``places``: all that it met; ``levels``: where in ``places`` those of
    one nest begin and end, what is read of them, the path of the nest, and who looks into it (0: at the message)."""

    def __init__(self, message: bytes, byteorder: str, label: str) -> None:
        self.message, self.order, self.label = message, byteorder, label
        self.places: list[_Place] = []
        self.levels: list[tuple[int, int, Mapping[int, Known], Path, int]] = []
        self.headers: list[int] = []
        self.pieces: list[tuple[int, int]] = []

    def level(self, at: int, end: int, known: Mapping[int, Known], path: Path, readers: int = 0) -> None:
        """Walk a range."""
        if path or self.label != "link" or end <= LONGEST_ATTRIBUTE:
            found = walk_attributes(self.message, at, end, self.order)[:LOOKED_AT]
        else:  # its list of virtual functions may be longer than its length can say
            top = link_attributes(self.message, at, end, self.order)
            found = sorted(((number, *place) for number, place in top.items()), key=itemgetter(1))[:LOOKED_AT]
        self.headers += [begin - NLA_HDRLEN for _, begin, _ in found]
        rest = align(found[-1][2]) if found else at
        if rest + NLA_HDRLEN <= end:
            self.headers.append(rest)  # what ends the walk
        before = len(self.places)
        self.places += found
        self.levels.append((before, len(self.places), known, path, readers))
        self.places.append((END, 0, 0))
        selecting = SELECTING.get((self.label, path))
        if selecting:
            self.pieces += [
                (begin, min(stop - begin, LONGEST_KIND)) for number, begin, stop in found if number in selecting
            ]
        for number, begin, stop in found:
            one = known.get(number)
            if one is None or one.inside is None:
                continue
            here = (*path, number)
            if not one.hops:
                self.level(begin + one.begin, stop, one.inside, here, one.readers)
                continue
            for hop, last in next_hops(self.message[begin:stop], self.order):
                self.pieces.append((begin + hop, 2))
                self.level(begin + hop + RTNEXTHOP, begin + last, one.inside, here, one.readers)
