"""One measurement of one process: what it did, how long it took, how much memory it held.

Not here: many of them (``report``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["LEAST_SECONDS", "Clock", "Sample", "peak_memory", "timed"]

LEAST_SECONDS = 0.5
Clock: TypeAlias = Literal["wall", "cpu"]


class Sample(Struct, frozen=True):
    """``messages`` in ``seconds`` of the clock, of which the processor was used for ``cpu``; ``memory``: most that was
    resident, in KiB, -1 where nobody looked; ``facts``: what else was found, by name."""

    messages: int
    seconds: float
    cpu: float
    memory: int = -1
    facts: dict[str, float] = {}

    def rate(self, clock: Clock) -> float:
        """Messages per second, of the clock on the wall or of a processor."""
        return self.messages / (self.seconds if clock == "wall" else self.cpu)


def peak_memory() -> int:
    """The most that this program held, in KiB. ``ru_maxrss`` would count what its parent held when it forked."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return -1


def timed(work: Callable[[], int], *, least: float = 0.0) -> Sample:
    """Run ``work``, which says how many messages it did, once, and again until ``least`` seconds are over."""
    messages = 0
    before, start = time.process_time(), time.perf_counter()
    while True:
        messages += work()
        seconds = time.perf_counter() - start
        if seconds >= least:
            break
    return Sample(messages, seconds, time.process_time() - before, peak_memory())
