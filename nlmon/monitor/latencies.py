"""How long something took, many times over: percentiles from a table of counts, whose size does not grow.

Not here: measuring it (``benchmark``).
"""

from __future__ import annotations

from collections import Counter

__all__ = ["Latencies"]

# Durations below BOUND nanoseconds are counted in steps of STEP, longer ones in steps of their own.
STEP, BOUND, LONG_STEP = 100, 1_000_000, 100_000
# Durations of more are counted as that long, so that there are at most as many long ones as short ones.
LONGEST = 1_000_000_000


class Latencies:
    """Durations in nanoseconds. ``most``: the longest one."""

    def __init__(self) -> None:
        self.count = self.most = 0
        self._short = [0] * (BOUND // STEP)
        self._long: Counter[int] = Counter()

    def add(self, duration: int) -> None:
        """Count one."""
        self.count += 1
        if duration < BOUND:
            self._short[duration // STEP] += 1
        else:
            self._long[min(duration, LONGEST) // LONG_STEP] += 1
        self.most = max(self.most, duration)

    def percentile(self, share: float) -> int:
        """The duration that this share of all did not exceed, to the end of its step; 0 of none."""
        left = share * self.count
        for step, count in enumerate(self._short):
            left -= count
            if count and left <= 0:
                return min((step + 1) * STEP, self.most)
        for step in sorted(self._long):
            left -= self._long[step]
            if left <= 0:
                return min((step + 1) * LONG_STEP, self.most)
        return self.most
