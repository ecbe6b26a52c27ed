"""The loop of a running monitor: it waits for sockets, signals, files and questions at once, and has no thread.

    loop = Loop([signals, sources, control])
    why = loop.run(seconds)

Rules:
1. Whatever is waited for is a descriptor or a time; nothing is asked again and again.
2. What a part does when it is ready takes a bounded time, so that no other waits long.

Not here: what is done when something happens (``parts``), and a monitor as a whole (``running``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from nlmon.transport.kernel.waiting import readable

__all__ = ["Loop", "Part"]


class Part(Protocol):
    """What is waited for."""

    def descriptors(self) -> Iterable[int]:
        """Descriptors that make it ready when they can be read."""

    def ready(self, descriptor: int) -> None:
        """Do what can be done at once, as a descriptor can be read."""

    def due(self) -> float | None:
        """Seconds until ``tick`` should be called though no descriptor is ready; None: never."""

    def tick(self) -> None:
        """Do what is due."""


class Loop:
    """Waits for parts, of which one that stands first has its turn first."""

    def __init__(self, parts: Sequence[Part], clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._why: str | None = None

    def end(self, why: str) -> None:
        """Let ``run`` return, once the part that calls this is done."""
        self._why = why

    def run(self, seconds: float | None = None) -> str:
        """Wait and let the parts do their work until ``end`` is called, or for so many seconds; why it ended."""
        until = None if seconds is None else self._clock() + seconds
        while self._why is None:
            left = None if until is None else until - self._clock()
            if left is not None and left <= 0:
                return "the duration"
            self._step(left)
        return self._why

    def _step(self, left: float | None) -> None:
        owners = {descriptor: part for part in reversed(self._parts) for descriptor in part.descriptors()}
        dues = [due for part in self._parts if (due := part.due()) is not None]
        ready = set(readable(owners, min([*dues, *([] if left is None else [left])], default=None)))
        for part in self._parts:
            for descriptor in [one for one in ready if owners[one] is part]:
                part.ready(descriptor)
                if self._why is not None:
                    return
        for part in self._parts:
            due = part.due()
            if due is not None and due <= 0:
                part.tick()
