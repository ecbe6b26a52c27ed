"""Recorded traffic to give to a monitor again and again: of the recordings that come with nlmon, or of a capture.

Rules:
1. It is kept in memory, so that reading a file is no part of what is measured; ``DATAGRAMS_KEPT`` bounds it.
2. Only notifications are kept. What the recording holds besides teaches the recorded kernel, which answers requests.

Not here: giving it to an implementation (``benchmark``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path

from msgspec import Struct

from nlmon.capture import CaptureReader, open_capture
from nlmon.capture.base import ByteOrder
from nlmon.capture.segment import ASIDE, Role, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.errors import InputError
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.wire import Datagram

__all__ = ["Traffic", "bundled", "recorded"]

# Notifications that are kept of all recordings together; the others are not played.
DATAGRAMS_KEPT = 100_000
PACKAGE = Path(__file__).parent.parent
# Where the recordings are, in an installed nlmon and in a clone.
FOLDERS = PACKAGE / "data" / "fixtures", PACKAGE.parent / "fixtures"
BUNDLED = "captures/linux-6.12/0[1-8]*.pcap.zst"


class Traffic(Struct, frozen=True):
    """Notifications in the order of their recordings, and the kernel that they are of. ``name``: where they are from;
    ``left_out``: how many more there were."""

    name: str
    kernel: RecordedKernel
    datagrams: tuple[Datagram, ...]
    left_out: int = 0


def bundled(protocols: Collection[int], *, objects: bool = False) -> Traffic:
    """What the recordings of Linux 6.12 that come with nlmon hold of some protocols. ``objects``: their kernel can
    answer dumps. Raises ``InputError``."""
    paths = next(filter(None, (sorted(folder.glob(BUNDLED)) for folder in FOLDERS)), [])
    return _read("the recordings of Linux 6.12 that come with nlmon", paths, protocols, objects)


def recorded(capture: Path, protocols: Collection[int], *, objects: bool = False) -> Traffic:
    """What a capture holds of some protocols; see ``bundled``."""
    return _read(str(capture), [capture], protocols, objects)


def _read(name: str, paths: Iterable[Path], protocols: Collection[int], objects: bool) -> Traffic:
    kernel: RecordedKernel | None = None
    kept: list[Datagram] = []
    left_out = 0
    for path in paths:
        with open_capture(path) as reader:
            kernel = kernel or RecordedKernel(_byteorder(reader), objects=objects)
            for segment in _segments(reader):
                place, datagrams = segment.place, segment.datagrams
                notification = place.role is Role.NOTIFICATION
                if place.role not in ASIDE:
                    kernel.learn(datagrams, announced=notification)
                if not notification or datagrams.protocol not in protocols:
                    continue
                room = DATAGRAMS_KEPT - len(kept)
                kept += islice(datagrams, room)
                left_out += max(0, len(datagrams) - room)
    if kernel is None or not kept:
        hint = "enable another one, or give --replay a capture that has some"
        raise InputError("NLM-M060", "there is no traffic of the protocols that are enabled", where=name, hint=hint)
    return Traffic(name, kernel, tuple(kept), left_out)


def _byteorder(reader: CaptureReader) -> ByteOrder:
    return reader.info.byteorder


def _segments(reader: CaptureReader) -> Iterable[Segment]:
    segmenter = Segmenter(_byteorder(reader))
    for batch in reader.batches():
        yield from segmenter.segments(batch)
    yield from segmenter.flush()
