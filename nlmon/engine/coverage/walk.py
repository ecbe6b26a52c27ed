"""Walks the attributes of a message as far down as anybody reads them.

What is inside an attribute that nobody reads is not looked at.

Rules:
1. Attributes are met in the order of the message, those that stand beside each other before what is in them.
2. Of several that say of which kind an attribute beside them is, the first does.
3. Of one message ``LOOKED_AT`` attributes and next hops are looked at, and each of them once.

Not here: who reads what (``readings``), and what is made of a walk (``layouts``, ``held``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Literal, NamedTuple, TypeAlias

from nlmon.engine.coverage.parts import Path
from nlmon.engine.coverage.readings import ReadAttribute
from nlmon.framing import LONGEST_ATTRIBUTE, align, link_attributes, next_hops, walk_attributes
from nlmon.names.attributes import find, inside, kind_text, selectors
from nlmon.uapi import NLA_HDRLEN, RTNEXTHOP

__all__ = ["LOOKED_AT", "Level", "Place", "Walk"]

# A message may have 16,000 attributes, or 8,000 next hops.
LOOKED_AT = 1024
# The longest text that says of which kind an attribute is.
LONGEST_KIND = 32

# Number of an attribute, begin and end of its payload.
Place: TypeAlias = tuple[int, int, int]


class Level(NamedTuple):
    """Attributes that stand beside each other. ``begin``, ``end``: where in the places of the walk; ``inside``: the
    place that they are in, -1: in the message itself; ``path``: the way to it; ``set``: that of the kernel; ``known``:
    what is read of them; ``readers``: who looks into what they are in, 0: at the message; ``kinds``: the texts of those
    that say of which kind others are, by number."""

    begin: int
    end: int
    inside: int
    path: Path
    set: str
    known: Mapping[int, ReadAttribute]
    readers: int
    kinds: Mapping[int, str]

    def kind(self, number: int) -> str:
        """The text beside an attribute that says of which kind it is; empty if there is none."""
        return self.kinds.get(selectors(self.set).get(number, -1), "") if self.kinds else ""


class Walk:
    """One walk over a message. ``places``: all attributes that it met; ``levels``: those that stand beside each other;
    ``headers``: where headers of attributes stand; ``pieces``: begin and size of other bytes that decide what is met,
    or of which kind it is."""

    def __init__(self, message: bytes, byteorder: Literal["little", "big"]) -> None:
        self.places: list[Place] = []
        self.levels: list[Level] = []
        self.headers: list[int] = []
        self.pieces: list[tuple[int, int]] = []
        self._message, self._order, self._left = message, byteorder, LOOKED_AT

    def level(
        self,
        at: int,
        end: int,
        known: Mapping[int, ReadAttribute],
        name: str,
        path: Path = (),
        within: int = -1,
        readers: int = 0,
    ) -> None:
        """Walk a range of attributes of the set ``name``, and what is in them; the others as those of ``Level``."""
        found = self._found(at, end, name, top=within < 0)
        self.headers += [begin - NLA_HDRLEN for _, begin, _ in found]
        rest = align(found[-1][2]) if found else at
        if rest + NLA_HDRLEN <= end:
            self.headers.append(rest)  # what ends the walk
        before = len(self.places)
        self.places += found
        level = Level(before, len(self.places), within, path, name, known, readers, self._kinds(found, name))
        self.levels.append(level)
        for place, (number, begin, stop) in enumerate(found, before):
            if not self._left:
                return
            one = known.get(number)
            if one is None or one.inside is None:
                continue
            here, nested = (*path, number), inside(find(name, number), level.kind(number)).set
            if not one.hops:
                self.level(begin + one.begin, stop, one.inside, nested, here, place, one.readers)
                continue
            for hop, last in next_hops(self._message[begin:stop], self._order):
                if not self._left:
                    return
                self._left -= 1
                self.pieces.append((begin + hop, 2))
                first, behind = begin + hop + RTNEXTHOP, begin + last
                self.level(first, behind, one.inside, nested, here, place, one.readers)

    def beside(self, level: Level) -> Iterable[tuple[int, Place]]:
        """The attributes of a level, with their numbers among all that the walk met."""
        return enumerate(self.places[level.begin : level.end], level.begin)

    def _kinds(self, found: Iterable[Place], name: str) -> Mapping[int, str]:
        """What the attributes say that say of which kind others beside them are, by number."""
        selecting, kinds = set(selectors(name).values()), dict[int, str]()
        for number, begin, stop in found if selecting else ():
            if number in selecting and number not in kinds:
                end = min(stop, begin + LONGEST_KIND)
                self.pieces.append((begin, end - begin))
                kinds[number] = kind_text(find(name, number), self._message[begin:end], self._order)
        return kinds

    def _found(self, at: int, end: int, name: str, *, top: bool) -> list[Place]:
        if top and end > LONGEST_ATTRIBUTE and name.startswith("rt-link/link-attrs"):
            # Its list of virtual functions may be longer than its length can say.
            whole = link_attributes(self._message, at, end, self._order)
            found = sorted(((number, *place) for number, place in whole.items()), key=itemgetter(1))[: self._left]
        else:
            found = walk_attributes(self._message, at, end, self._order)[: self._left]
        self._left -= len(found)
        return found
