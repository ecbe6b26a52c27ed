"""The budget for functions: making one costs as much as walking fifty messages, so it must be earned.

What layouts save pays for new ones, each walk earns a little, and a start is given. A sender whose messages never
resemble each other pays that little and no more.

Not here: for which messages a function is made (``cache``).
"""

from __future__ import annotations

__all__ = ["EARNED_EVERY", "PER_HIT", "PER_WALK", "START", "CompileBudget"]

# Functions that may be made at once, and what a walk and a message that a layout read add to that.
START, PER_WALK, PER_HIT = 64.0, 1 / 1024, 1 / 256
# While there are no means, what was earned is taken in after so many walks.
EARNED_EVERY = 32


class CompileBudget:
    """``functions``: how many may be made; below one there are no means for it."""

    def __init__(self) -> None:
        self.functions = START
        # Messages that were paid for.
        self._settled = 0

    def earn(self, walks: int, hits: int) -> None:
        """Take in what walks earned, and messages that layouts read; of these ``hits`` is the count so far."""
        self.functions = min(START, self.functions + walks * PER_WALK + (hits - self._settled) * PER_HIT)
        self._settled = hits

    def spend(self) -> None:
        """A function was made."""
        self.functions -= 1
