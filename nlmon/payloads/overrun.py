"""What an event carries that stands where messages were lost.

Not here: the resync after a loss (``nlmon.backends``).
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["OverrunInfo"]


class OverrunInfo(Struct, frozen=True, gc=False):
    """ENOBUFS: the kernel dropped ``drops`` messages at this point of the stream; None: it does not say how many."""

    drops: int | None = None
