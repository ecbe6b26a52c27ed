"""When there was what in a comparison: counted by parts of it that have the same number of frames.

Rules:
1. There are at most ``PARTS_KEPT`` parts; where there would be more, two that stand beside each other become one.
2. What is plain costs nothing for each datagram: events are counted many at a time, and times are looked up where a
   part begins.

Not here: what is counted (``comparison``), and the values of a report (``nlmon.report.evidence``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from operator import add
from typing import TypeAlias

from nlmon.capture.base import Batch
from nlmon.compare.difference import Difference, Severity
from nlmon.compare.side import Results
from nlmon.engine.lane import Lane
from nlmon.report import evidence
from nlmon.wire import Datagrams

__all__ = ["PARTS_KEPT", "Timeline"]

PARTS_KEPT = 600

# What is counted: events or losses of a lane, or differences of a severity that a judge found; each by its number.
Row: TypeAlias = tuple[str, int]
# Datagrams that were fed to both lanes. Most give one event; the rows of the lanes count what is more, or less, than
# that.
FED: Row = ("fed", 0)


class Timeline:
    """The counts of one comparison. ``last``: the number of the last frame; ``first_time``, ``last_time``: of the first
    and of the last datagram."""

    def __init__(self) -> None:
        self.last = self.first_time = self.last_time = 0
        self._width = 1
        self._times: list[int] = []
        self._rows: dict[Row, list[int]] = {}
        # What is known of the losses of each lane.
        self._lost: dict[int, int] = {}

    # -- frames ------------------------------------------------------------------------------------------------

    def add(self, batch: Batch) -> None:
        """Note the frames of a batch."""
        number, times = batch.number, batch.timestamps
        if not self._times:
            self.first_time = times[0]
        self.last_time, self.last = times[-1], number + len(times) - 1
        if self.last > len(self._times) * self._width:
            self._part(self.last)
            while (begin := len(self._times) * self._width + 1) < number:
                self._times.append(times[0])
            self._times += times[begin - number :: self._width]

    def add_one(self, frame: int, timestamp: int) -> None:
        """Note one frame."""
        self.add(Batch(frame, 0, timestamps=[timestamp]))

    # -- counts ------------------------------------------------------------------------------------------------

    def fed(self, datagrams: Datagrams, both: Sequence[Results], lanes: Sequence[Lane]) -> None:
        """Count the events that each lane gave of datagrams, and what it has lost."""
        frames, at, size = datagrams.frames, 0, len(datagrams.data)
        last = self._part(frames[-1])
        width, fed = self._width, self._counts(FED, last)
        while at < size:
            part = (frames[at] - 1) // width
            end = size if part == last else bisect_left(frames, (part + 1) * width + 1, at)
            fed[part] += end - at
            at = end
        for number, results in enumerate(both):
            if results.others:
                self.count_events(number, lanes[number], frames[-1])
                counts = self._counts(("events", number), last)
                for place, side in results.others.items():
                    counts[(frames[place] - 1) // width] += len(side.events) - 1

    def count_events(self, number: int, lane: Lane, frame: int, events: int = 0) -> None:
        """Count events that a lane gave at a frame, and what it has lost since this was asked last."""
        if events:
            self._count(("events", number), frame, events)
        lost = lane.ledger.lost
        if lost:
            self._count(("lost", number), frame, lost - self._lost.get(number, 0))
            self._lost[number] = lost

    def listener(self, judge: int, listener: Callable[[Difference], None] | None) -> Callable[[Difference], None]:
        """What counts the differences of a judge, and passes them on."""

        def listen(difference: Difference) -> None:
            self._count((difference.cls.severity.value, judge), difference.frame)
            if listener is not None:
                listener(difference)

        return listen

    def _count(self, row: Row, frame: int, count: int = 1) -> None:
        part = self._part(frame)
        self._counts(row, part)[part] += count

    def _counts(self, row: Row, part: int) -> list[int]:
        """The counts of a row, up to a part at least."""
        counts = self._rows.setdefault(row, [])
        if part >= len(counts):
            counts.extend([0] * (part + 1 - len(counts)))
        return counts

    def _part(self, frame: int) -> int:
        """The number of the part that a frame is in; there are as many as are needed for it."""
        while (part := max(frame - 1, 0) // self._width) >= PARTS_KEPT:
            self._width *= 2
            self._times = self._times[::2]
            self._rows = {row: _in_pairs(counts) for row, counts in self._rows.items()}
        return part

    # -- the report --------------------------------------------------------------------------------------------

    def report(self, judge: int, labels: Iterable[tuple[str, int]]) -> evidence.Timeline | None:
        """The counts as a report has them; None if there was no frame. ``labels``: of the lanes, with their numbers."""
        if not self._times:
            return None
        parts = len(self._times)

        def row(*names: Row) -> list[int]:
            counts = [self._rows.get(name, [])[:parts] for name in names]
            return list(map(sum, zip_longest(*counts, [0] * parts, fillvalue=0)))

        def rows(asked: Iterable[tuple[str, list[int]]]) -> dict[str, list[int]]:
            return {name: counts for name, counts in asked if any(counts)}

        named = list(labels)
        return evidence.Timeline(
            frames=self._width,
            last=self.last,
            times=list(self._times),
            events=rows((label, row(FED, ("events", number))) for label, number in named),
            lost=rows((label, row(("lost", number))) for label, number in named),
            differences=rows((one.value, row((one.value, judge))) for one in Severity),
        )


def _in_pairs(counts: list[int]) -> list[int]:
    even, odd = counts[::2], counts[1::2]
    return [*map(add, even, odd), *even[len(odd) :]]
