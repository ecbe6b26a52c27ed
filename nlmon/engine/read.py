"""One capture from its first frame to its end, through one implementation or several.

Rules:
1. Who only reads loads nothing that compares.

Not here: opening files (``nlmon.capture``), and comparing two implementations (``run``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nlmon.aside import each_aside, prints_aside
from nlmon.capture import CaptureReader
from nlmon.capture.base import Batch
from nlmon.compare.side import Results, Side
from nlmon.engine.bounds import Watch
from nlmon.engine.feed import Feed

__all__ = ["read_batches", "read_capture", "read_together"]


def read_capture(
    feed: Feed,
    reader: CaptureReader,
    *,
    on_progress: Callable[[int], None] | None = None,
    watch: Watch | None = None,
) -> Iterator[Side]:
    """Feed an open capture to the one lane of ``feed``, and give what it made of each datagram, in order; where it
    gave nothing but events, that of many datagrams is one. The implementation stays open, so that its counters can be
    read; ``Feed.close`` closes it. ``watch`` may end it before the capture ends."""
    yield from read_batches(feed, _batches(reader, on_progress, watch))


def read_batches(feed: Feed, batches: Iterable[Batch]) -> Iterator[Side]:
    """Feed what was read of a capture as ``read_capture`` does."""
    for sides in _read(feed, batches, _joined):
        yield from sides


def read_together(
    feed: Feed,
    reader: CaptureReader,
    *,
    on_progress: Callable[[int], None] | None = None,
    watch: Watch | None = None,
) -> Iterator[tuple[Side, ...]]:
    """The same for any number of lanes: what each of them made of one datagram."""
    return _read(feed, _batches(reader, on_progress, watch), Results.sides)


def _batches(reader: CaptureReader, on_progress: Callable[[int], None] | None, watch: Watch | None) -> Iterator[Batch]:
    for batch in reader.batches() if watch is None else watch.batches(reader.batches()):
        if on_progress is not None:
            on_progress(reader.position)
        yield batch


def _read(
    feed: Feed, batches: Iterable[Batch], sides: Callable[[Results], Iterable[Side]]
) -> Iterator[tuple[Side, ...]]:
    """What the lanes made of everything, one beside the other; ``sides``: takes the results of a lane apart."""
    with prints_aside():
        started = feed.start()
    yield tuple(started)
    for batch in batches:
        for step in each_aside(feed.steps(batch)):
            yield from zip(*map(sides, step.results), strict=True)
    for step in each_aside(feed.flush()):
        yield from zip(*map(sides, step.results), strict=True)
    with prints_aside():
        ended = feed.end()
    if any(side is not None for side in ended):
        lanes = zip(feed.lanes, ended, strict=True)
        yield tuple(Side(lane.name, (), ()) if side is None else side for lane, side in lanes)


def _joined(results: Results) -> Iterable[Side]:
    if results.others:
        return results.sides()
    return [Side(results.name, [event for event in results.events if event is not None], ())]
