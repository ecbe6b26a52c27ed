"""The running kernel as a source of events: the sockets of one implementation, which are opened again when they are
lost and exchanged when the configuration asks for others.

Rules:
1. A socket that is lost and that the implementation does not replace itself is opened again after a pause that grows. A
   protocol for which that has failed ``Patience.tries`` times in a row is given up; when none is left, the monitor
   ends.
2. When sockets are exchanged, the new ones are open before the old ones are closed. A datagram that both have received
   is read once.
3. What could not be read is counted by its code, and ends nothing.

Not here: waiting for sockets (``loop``), and what becomes of events (``pipeline``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from nlmon.backends.status import BackendStatus
from nlmon.events import Event
from nlmon.monitor.plan import Listening

__all__ = ["Source", "Take"]

Take = Callable[[Event, bytes], None]


class Source(Protocol):
    """What gives events while a monitor runs."""

    errors: Mapping[int, Counter[str]]

    def open(self) -> None:
        """Open what is read. Raises ``PlatformError``, and then nothing is open."""

    def descriptors(self) -> dict[int, int]:
        """The protocols of the descriptors to wait for."""

    def process(self, protocol: int) -> bool:
        """Read one datagram; False when nothing waited. Raises ``PlatformError`` when nothing is left to read."""

    def due(self, now: float) -> float | None:
        """Seconds until ``idle`` should be called though nothing can be read; None: never."""

    def idle(self, now: float) -> None:
        """Do what is due."""

    def change(self, listening: Listening) -> None:
        """Read by other sockets from now on. Raises ``PlatformError``, and then the old ones stay."""

    def status(self) -> BackendStatus:
        """What the implementation counts."""

    def close(self) -> None:
        """Close everything."""
