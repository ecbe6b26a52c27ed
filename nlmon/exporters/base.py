"""What takes events out of a running monitor: the interface of every exporter, and its counters as values.

Rules of an exporter:
1. ``write`` takes an event and keeps what comes of it; ``flush`` brings that out. What could not be brought out stays,
   and the next ``flush`` tries again, from where the last one failed: nothing is written twice into a file.
2. What fails for a reason of this machine or of the other side raises ``ExportError``. ``flush`` opens again what was
   closed by a failure.
3. One thread at a time calls it.

Not here: exporters themselves, and the queue in front of each (``queue``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from nlmon.events import Event

__all__ = ["ExportState", "ExportStatus", "Exporter"]


class Exporter(Protocol):
    """Where events go. ``name``: what the status calls it; ``written``: how many events are out."""

    name: str
    written: int

    def open(self) -> None:
        """Open what it writes to, if it is not open; raises ``ExportError``."""

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event, and the datagram that it was in; empty for one that was in none."""

    def flush(self) -> None:
        """Bring out what was taken; raises ``ExportError``, and what is not out then stays."""

    def drop(self) -> int:
        """Give up what was taken and is not out, and say how many events that is."""

    def close(self) -> None:
        """Close what is open, without raising; what is not out stays where it is."""


# ``opening``: it is being opened for the first time; ``broken``: a bug has ended it.
ExportState: TypeAlias = Literal["opening", "working", "failing", "closed", "broken"]


class ExportStatus(Struct, frozen=True):
    """Counters of one exporter and its queue. ``waiting``: events that were taken and are not out; ``dropped``: events
    that never will be, by reason; ``failures``: how often bringing them out has failed, ``error``: the last reason."""

    name: str
    state: ExportState
    written: int
    waiting: int
    dropped: Mapping[str, int]
    failures: int
    error: str = ""
