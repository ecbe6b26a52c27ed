"""Faults that a replay can be made to suffer, at a stated place, so that recovery is exercised like on a bad day.

    overrun@FRAME+COUNT    COUNT notifications of NETLINK_ROUTE from FRAME on are lost, then recv() says ENOBUFS

Both implementations suffer the same.

Not here: what a fault does to a verdict.
"""

from __future__ import annotations

import re

from msgspec import Struct

from nlmon.errors import Overrun, UsageError
from nlmon.events import Datagram

__all__ = ["Fault", "Faults", "parse_fault"]


class Fault(Struct, frozen=True):
    """A loss: the first frame it may take, how many notifications, of which protocol."""

    frame: int
    count: int
    protocol: int = 0


class Faults:
    """The faults of one replayed transport, in order of their frames."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._waiting = sorted(faults, key=lambda fault: fault.frame)
        self._taken = 0

    def take(self, datagram: Datagram) -> Overrun | bool | None:
        """Whether a datagram is lost; for the last one of a loss, what recv() will say."""
        if not self._waiting:
            return False
        fault = self._waiting[0]
        if datagram.protocol != fault.protocol or datagram.frame < fault.frame:
            return False
        self._taken += 1
        return True if self._taken < fault.count else self.end()

    def end(self) -> Overrun | None:
        """The loss that is going on is over, complete or not; None when there is none."""
        if not self._taken:
            return None
        self._waiting.pop(0)
        drops, self._taken = self._taken, 0
        return Overrun(
            *("NLM-T010", f"the receive buffer was full and the kernel dropped {drops} messages (a seeded fault)"),
            drops=drops,
        )


def parse_fault(text: str) -> Fault:
    """A fault as the command line has it; raises ``UsageError``."""
    found = re.fullmatch(r"overrun@(\d{1,9})\+(\d{1,9})", text)
    if found is None or not int(found[2]):
        raise UsageError("NLM-U005", f"{text!r} is no fault", hint="such as overrun@120+50")
    return Fault(int(found[1]), int(found[2]))
