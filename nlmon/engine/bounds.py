"""Bounds of a run over one recording: how many messages are read, how many objects are held, and an interruption.

Rules:
1. A run that a bound ends is over like one whose recording ends there: what was read is reported, with why it ended.
2. Messages are counted exactly, so that the same recording ends at the same message; objects and their bytes are looked
   at between two batches.

Not here: bounds on what is kept beside (``nlmon.limits``), and what a report says of it (``summary``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from nlmon.capture.base import Batch, ByteOrder
from nlmon.framing import types
from nlmon.limits import BYTES_HELD, MOST_OBJECTS
from nlmon.report.model import Stop
from nlmon.report.text import counted

__all__ = ["Bounds", "Watch"]

# Messages as large as these may make large objects; after so many bytes of them the objects are looked at.
LARGE_MESSAGE, LOOK_AFTER = 2048, 16 << 20


class Bounds(Struct, frozen=True):
    """``objects``: as many may be held, ``messages``: read; None: any number. ``interrupted``: says that somebody wants
    the end."""

    objects: int | None = MOST_OBJECTS
    messages: int | None = None
    interrupted: Callable[[], bool] | None = None


class Watch:
    """The bounds of one run at work; ``stop``: what ended it before its recording ended, or None."""

    def __init__(self, bounds: Bounds | None, byteorder: ByteOrder) -> None:
        self.stop: Stop | None = None
        self._bounds = bounds or Bounds()
        self._byteorder = byteorder
        self._messages = self._frame = self._read = self._large = 0

    def batches(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches of a recording, as far as the bounds let it be read."""
        most, interrupted = self._bounds.messages, self._bounds.interrupted
        for batch in batches:
            if interrupted is not None and interrupted():  # who asks has read something, and wants to report it
                self.interrupt()
                return
            part = batch if most is None else self._allowed(batch, most)
            if part.data:
                self._frame = part.number + len(part.data) - 1
                self._large += sum(size for size in map(len, part.data) if size >= LARGE_MESSAGE)
                yield part
                self._read = self._frame
            if self.stop is None and interrupted is not None and interrupted():
                self.interrupt()
            if self.stop is not None:
                return

    def interrupt(self) -> None:
        """End the run as one that somebody wants the end of, behind the last batch that was read to its end."""
        self._frame = self._read
        self._end("NLM-L003", "it was interrupted")

    def look(self, objects: int, size: Callable[[], int]) -> None:
        """Hold the number of objects against the bound, and now and then their ``size`` in bytes."""
        most = self._bounds.objects
        if most is None or self.stop is not None:
            return
        if objects > most:
            self._end(
                "NLM-L001", f"{counted(objects, 'object is', 'objects are')} held, more than {most:,} (--max-objects)"
            )
        elif self._large >= LOOK_AFTER:
            self._large = 0
            if size() > BYTES_HELD:
                self._end("NLM-L001", f"objects of more than {BYTES_HELD >> 20} MiB are held")

    def _allowed(self, batch: Batch, most: int) -> Batch:
        """The frames of a batch whose messages may still be read."""
        for at, data in enumerate(batch.data):
            self._messages += len(types(data, self._byteorder))
            if self._messages > most:
                self._frame = batch.number + at - 1
                self._end("NLM-L002", f"it has more than {counted(most, 'message')} (--max-messages)")
                return batch.part(0, at)
        return batch

    def _end(self, code: str, what: str) -> None:
        self.stop = Stop(code, what, self._frame)
