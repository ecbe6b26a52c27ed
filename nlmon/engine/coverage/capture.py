"""Counts the attributes of one capture.

Rules:
1. Notifications and answers count, requests do not.
2. Generic families have the names that the capture gave to them up to there.

Not here: opening files (``nlmon.capture``), and the counts (``held``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from nlmon.capture import CaptureReader
from nlmon.capture.segment import ASIDE, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.tally import Tally
from nlmon.engine.bounds import Watch
from nlmon.engine.coverage.held import Held
from nlmon.transport.recorded.kernel import RecordedKernel

__all__ = ["count_capture"]


def count_capture(
    reader: CaptureReader,
    watch: Watch,
    held: Held,
    protocols: Collection[int] = (),
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Tally:
    """Add what an open capture holds to ``held``, as far as ``watch`` lets it be read, and say what was read.
    ``protocols``: those that count, by default all; ``on_progress`` gets the position in the file."""
    order = reader.info.byteorder
    segmenter, kernel, tally = Segmenter(order), RecordedKernel(order), Tally()

    def take(segments: Iterable[Segment]) -> None:
        for segment in segments:
            tally.add(segment)
            if segment.place.role in ASIDE:
                continue
            kernel.learn(segment.datagrams)
            if not protocols or segment.datagrams.protocol in protocols:
                held.count(segment.datagrams, order, kernel.family_name)

    for batch in watch.batches(reader.batches()):
        take(segmenter.segments(batch))
        if on_progress is not None:
            on_progress(reader.position)
    take(segmenter.flush())
    return tally
