"""What a program wrote to standard error: as much of it as says why it failed.

Rules:
1. The begin of what came since its last answer is kept, and the end: some languages print the error first and where it
   happened behind it, others the other way round.
2. However much it writes, what is kept is bounded.

Not here: reading it (``program``).
"""

from __future__ import annotations

from nlmon.printable import printable

__all__ = ["Said"]

# Bytes that are kept of the begin, and of the end; and characters of each that are shown.
HEAD, TAIL = 2048, 8192
SHOWN = 300


class Said:
    """Standard error of one program, which is added piece by piece."""

    def __init__(self) -> None:
        self._head = self._tail = b""
        self._dropped = False

    def add(self, data: bytes) -> None:
        """Take note of what it wrote."""
        self._head += data[: HEAD - len(self._head)]
        kept = self._tail + data
        self._dropped |= len(kept) > TAIL
        self._tail = kept[-TAIL:]

    def answered(self) -> None:
        """It gave an answer: what it writes from now on is about the next one."""
        self._head = b""

    @property
    def text(self) -> str:
        """The begin and the end, on one line."""
        head, tail = _line(self._head), _line(self._tail)
        if not self._dropped and len(tail) <= 2 * SHOWN:
            return tail
        end = tail[-SHOWN:]
        return end if not head or head in end else f"{_cut(head)} … {end}"


def _cut(head: str) -> str:
    """As much of the begin as is shown, without what would be half a line."""
    whole = head[:SHOWN]
    return whole if len(head) <= SHOWN or " | " not in whole else whole.rpartition(" | ")[0]


def _line(data: bytes) -> str:
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    return printable(" | ".join(line.strip() for line in lines if line.strip()))
