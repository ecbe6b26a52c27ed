"""A comparison that is limited to the events that a filter matches, in either lane.

Rules:
1. An event of one lane and that of the other about the same message belong together: both take part if the filter
   matches one of them, so that what the filter hides in one lane alone is seen as a difference.
2. Of differences only those of messages that take part are wanted; a crash, a wrong counter and what belongs to no
   message is always wanted.
3. States are not compared: a filter is about events, and not about objects.

Not here: the language of filters (``nlmon.filters``), the rules of comparison (``nlmon.compare``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from nlmon.compare.difference import Class, Difference
from nlmon.compare.side import Side
from nlmon.events import Event
from nlmon.report.text import counted

if TYPE_CHECKING:  # start-up: most replays have no filter
    from nlmon.filters import Filter

__all__ = ["Where", "matching"]

_ALWAYS = {Class.CRASH, Class.COUNTER}


def matching(where: Filter, events: Sequence[Event]) -> set[int]:
    """The places in a datagram of the messages whose events a filter matches."""
    matches = where.matches
    return {event.offset for event in events if matches(event)}


class Where:
    """The filter of a comparison of two lanes. ``matched``: how many messages it matches in each lane; ``alone``: how
    many in that lane and not in the other, where both gave an event; ``first``: the frame of the first of these, 0
    while there is none."""

    def __init__(self, filter_: Filter) -> None:
        self.filter = filter_
        self.matched = [0, 0]
        self.alone = [0, 0]
        self.first = 0
        self._frame = -1
        self._offsets: Collection[int] = ()

    def narrowed(self, frame: int, sides: tuple[Side, Side]) -> tuple[Side, Side] | None:
        """What both made of a datagram without the events that take no part; None if no event takes part and neither
        crashed."""
        found = [matching(self.filter, side.events) for side in sides]
        self._count(frame, sides, found)
        self._frame, self._offsets = frame, found[0] | found[1]
        if not self._offsets and not any(side.crash for side in sides):
            return None
        left, right = (self._part(side) for side in sides)
        return left, right

    def _part(self, side: Side) -> Side:
        events = [event for event in side.events if event.offset in self._offsets]
        return side if len(events) == len(side.events) else structs.replace(side, events=events)

    def _count(self, frame: int, sides: tuple[Side, Side], found: list[set[int]]) -> None:
        if found[0] == found[1]:
            if found[0]:
                self.matched = [count + len(found[0]) for count in self.matched]
            return
        for number in (0, 1):
            self.matched[number] += len(found[number])
            there = {event.offset for event in sides[1 - number].events}
            alone = len((found[number] - found[1 - number]) & there)
            self.alone[number] += alone
            if alone and not self.first:
                self.first = frame

    def wants(self, difference: Difference) -> bool:
        """Whether a difference is of a message that takes part, or of none."""
        if difference.cls in _ALWAYS or not difference.message:
            return True
        return difference.frame == self._frame and difference.offset in self._offsets

    def notes(self, names: tuple[str, str]) -> Iterator[str]:
        """What is said of the filter beside a verdict."""
        counts = " and ".join(
            f"{counted(count, 'message')} in {name}" for name, count in zip(names, self.matched, strict=True)
        )
        yield f"the filter {self.filter.text} matches {counts}; nothing else is compared, and no state"
        for number, alone in enumerate(self.alone):
            if alone:
                what, other = counted(alone, "message"), names[1 - number]
                why = f"and not in {other}, which gives other values or fewer: first in frame {self.first:,}"
                yield f"the filter matches {what} in {names[number]} {why}"
