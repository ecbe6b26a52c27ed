"""The budget for functions: making one costs as much as walking fifty messages, so it must be earned.

What layouts save pays for new ones, each walk earns a little, and a start is given. A sender whose messages never
resemble each other pays that little and no more.

Not here: for which messages a function is made (``cache``).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["PER_HIT", "PER_WALK", "SETTLED_EVERY", "START", "CompileBudget"]

# Functions that may be made at once, and what a walk and a message that a layout read add to that.
START, PER_WALK, PER_HIT = 64.0, 1 / 1024, 1 / 256
# Walks between two times that the messages are counted which layouts read.
SETTLED_EVERY = 32


class CompileBudget:
    """``functions``: how many may be made; below one there are no means for it."""

    def __init__(self) -> None:
        self.functions = START
        # Messages that were paid for.
        self._settled = 0

    def earn(self, walks: int, hits: Callable[[], int]) -> None:
        """A walk that could not be made a function of earns something. ``walks``: how many there were so far, ``hits``
        counts messages that layouts read so far."""
        self.functions += PER_WALK
        if walks % SETTLED_EVERY == 0:
            count = hits()
            self.functions = min(START, self.functions + (count - self._settled) * PER_HIT)
            self._settled = count

    def spend(self) -> None:
        """A function was made."""
        self.functions -= 1
