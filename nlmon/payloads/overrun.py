"""What a monitor is told in place of the messages that it lost.

Not here: recovering what was lost (a backend's business).
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["OverrunInfo"]


class OverrunInfo(Struct, frozen=True, gc=False):
    """ENOBUFS: the kernel dropped ``drops`` messages at this point of the stream; None: it does not tell how many."""

    drops: int | None = None
