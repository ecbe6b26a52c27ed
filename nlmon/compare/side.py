"""What one implementation made of one datagram, as a value that is handed to the judge.

Not here: comparing two of them (``judge``).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nlmon.errors import NlmonError
from nlmon.events import Event

__all__ = ["Side"]


class Side(Struct, frozen=True):
    """What one implementation made of a datagram. ``reads``: whether it reads the protocol at all, ``subscribed``:
    whether the datagram reached its socket, ``missed``: whether a seeded fault took it, ``lossy``: whether its socket
    lost anything so far, ``crash`` and ``trace``: what it raised, and where."""

    name: str
    events: Sequence[Event]
    errors: Sequence[NlmonError]
    reads: bool = True
    subscribed: bool = True
    missed: bool = False
    lossy: bool = False
    crash: str = ""
    trace: str = ""
