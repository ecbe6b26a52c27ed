"""Parts of messages that not both implementations read, and how many messages had each.

Not here: finding them (``layouts``), and what a report says (``rows``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

__all__ = ["Counts", "Part", "Path"]

# Parts of messages that are counted apart.
PARTS_KEPT = 4096

# Numbers of attributes from the outside in.
Path: TypeAlias = tuple[int, ...]


class Part(NamedTuple):
    """Something in a message that not both read: where it is, who does (``readings.NEITHER``, 1 or 2), and of which
    kind it is, or the message."""

    path: Path
    readers: int
    kind: str


class Counts:
    """``messages``: how many had a part, by their label and the part; ``left_out``: how often a part found no place."""

    def __init__(self) -> None:
        self.messages: Counter[tuple[str, Part]] = Counter()
        self.left_out = 0

    def add(self, label: str, parts: Iterable[Part], times: int) -> None:
        """Count messages that have these parts."""
        messages = self.messages
        for part in parts if times else ():
            key = label, part
            known = messages.get(key, 0)
            if known or len(messages) < PARTS_KEPT:
                messages[key] = known + times
            else:
                self.left_out += times
