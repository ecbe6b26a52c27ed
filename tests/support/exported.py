"""Events of bundled recordings with their datagrams, as a monitor would put them into its exports.

Not here: exporters (``nlmon.exporters``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.events import Event
from support.paths import CAPTURES

__all__ = ["ALL_CAPTURES", "BASIC", "received"]

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
ALL_CAPTURES = sorted((CAPTURES / "linux-6.12").glob("0[1-8]*.pcap.zst"))


@cache
def received(capture: Path = BASIC, implementation: str = "libnl") -> list[tuple[Event, bytes]]:
    """Each event of a recording with the datagram that it was in."""
    return list(_received(capture, implementation))


def _received(capture: Path, implementation: str) -> Iterator[tuple[Event, bytes]]:
    with open_capture(capture) as reader:
        frames = {frame.number: frame.data for batch in reader.batches() for frame in batch.frames()}
    with open_capture(capture) as reader:
        feed = Feed((partial(create, implementation),), reader.info.byteorder, answers=False)
        for side in read_capture(feed, reader):
            for event in side.events:
                yield event, frames.get(event.frame, b"")
