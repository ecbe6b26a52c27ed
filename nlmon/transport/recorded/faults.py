"""Faults that a replay can be made to suffer, at a stated place, so that recovery is exercised like on a bad day.

    overrun@FRAME+COUNT    COUNT notifications of NETLINK_ROUTE from FRAME on are lost, then recv() says ENOBUFS

Both implementations suffer the same: what is counted are the recorded notifications, whoever joined their groups.
The error says how many an implementation lost of its own.

Not here: what a fault does to a verdict.
"""

from __future__ import annotations

import re

from msgspec import Struct

from nlmon.errors import Overrun, UsageError
from nlmon.wire import Datagram

__all__ = ["Fault", "Faults", "parse_fault"]


class Fault(Struct, frozen=True):
    """A loss: the first frame that may be lost, how many notifications, of which protocol."""

    frame: int
    count: int
    protocol: int = 0

    def __str__(self) -> str:
        return f"overrun@{self.frame}+{self.count}"


class Faults:
    """The faults of one replayed transport, in order of their frames. ``lost``: datagrams that a socket would have
    received, so far, ``reported``: how often recv() said so."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._waiting = sorted(faults, key=lambda fault: fault.frame)
        self._counted = self._drops = 0
        self._idle: list[Fault] = []
        self.lost = self.reported = 0

    @property
    def none(self) -> bool:
        """Whether nothing is lost any more."""
        return not self._waiting

    @property
    def untouched(self) -> tuple[Fault, ...]:
        """Faults by which this socket lost nothing, or nothing yet."""
        return (*self._idle, *self._waiting)

    def notes(self, last_frame: int) -> list[str]:
        """What a report says of the faults by which nothing was lost; ``last_frame``: of the recording."""
        beyond = f": the recording ends at frame {last_frame}"
        return [f"the fault {one} lost no message" + beyond * (one.frame > last_frame) for one in self.untouched]

    def loses(self, datagram: Datagram, subscribed: bool) -> bool:
        """Whether a datagram is lost; ``subscribed``: the socket would have received it. See ``over``."""
        fault = self._waiting[0] if self._waiting else None
        if fault is None or datagram.protocol != fault.protocol or datagram.frame < fault.frame:
            return False
        self._counted += 1
        self._drops += subscribed
        self.lost += subscribed
        return True

    def over(self, *, at_once: bool = False) -> Overrun | None:
        """What recv() will say when the loss that is going on has reached its count, or must end ``at_once``; None
        when there is none, or when this socket lost nothing by it."""
        if not self._counted or (self._counted < self._waiting[0].count and not at_once):
            return None
        fault = self._waiting.pop(0)
        drops, self._drops, self._counted = self._drops, 0, 0
        if not drops:
            self._idle.append(fault)
            return None
        self.reported += 1
        what = f"the receive buffer was full and the kernel dropped {drops} messages (a fault of this replay)"
        return Overrun("NLM-T010", what, drops=drops)


def parse_fault(text: str) -> Fault:
    """A fault as the command line has it; raises ``UsageError``."""
    found = re.fullmatch(r"overrun@(\d{1,9})\+(\d{1,9})", text)
    if found is None or not int(found[2]):
        raise UsageError("NLM-U005", f"{text!r} is no fault", hint="such as overrun@120+50")
    return Fault(int(found[1]), int(found[2]))
