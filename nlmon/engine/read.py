"""One capture from its first frame to its end, through one implementation.

Rules:
1. Who only reads loads nothing that compares.

Not here: opening files (``nlmon.capture``), and comparing two implementations (``run``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nlmon.aside import each_aside, prints_aside
from nlmon.capture import CaptureReader
from nlmon.capture.base import Batch
from nlmon.compare.side import Side
from nlmon.engine.bounds import Watch
from nlmon.engine.feed import Feed, Step

__all__ = ["read_batches", "read_capture"]


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
    everything = reader.batches() if watch is None else watch.batches(reader.batches())

    def batches() -> Iterator[Batch]:
        for batch in everything:
            if on_progress is not None:
                on_progress(reader.position)
            yield batch

    yield from read_batches(feed, batches())


def read_batches(feed: Feed, batches: Iterable[Batch]) -> Iterator[Side]:
    """Feed what was read of a capture as ``read_capture`` does."""
    with prints_aside():
        started = feed.start()
    yield from started
    for batch in batches:
        for step in each_aside(feed.steps(batch)):
            yield from _sides(step)
    for step in each_aside(feed.flush()):
        yield from _sides(step)
    with prints_aside():
        ended = feed.end()
    yield from (side for side in ended if side is not None)


def _sides(step: Step) -> Iterator[Side]:
    for results in step.results:
        if results.others:
            yield from results.sides()
        else:
            yield Side(results.name, [event for event in results.events if event is not None], ())
