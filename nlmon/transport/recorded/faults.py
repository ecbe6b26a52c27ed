"""Faults that the sockets of a replay can be made to suffer, at a stated place, so that recovery is exercised like on a
bad day.

    overrun@FRAME+COUNT       COUNT notifications from FRAME on are lost, then recv() says ENOBUFS; of NETLINK_ROUTE, or
                              of another protocol: overrun@FRAME+COUNT/PROTOCOL
    enobufs@FRAME             recv() says ENOBUFS before the notification at FRAME, and nothing was lost
    paused_reader@FRAME+COUNT nothing is read while COUNT notifications from FRAME on come; the kernel goes on
    lost_socket@FRAME         the socket fails before the notification at FRAME is read, which is lost with it
    vanished_namespace@FRAME  all sockets fail there, and none can be opened any more

Rules:
1. Both implementations suffer the same at the same frame. Notifications are counted as they were recorded, whoever
   joined their groups; the error says how many an implementation lost of its own.
2. Each is of one protocol, a namespace that vanishes of all. Of those of one protocol the next begins when the one
   before it has ended; FRAME is then the first frame where it may.

Not here: what a fault does to a verdict.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.errors import Overrun, TransportError, UsageError
from nlmon.uapi import MAX_LINKS
from nlmon.wire import Datagram

__all__ = ["COUNTED", "Fault", "Faults", "Kind", "Pauses", "namespace_gone", "overrun", "parse_fault", "socket_lost"]

Kind: TypeAlias = Literal["overrun", "enobufs", "paused_reader", "lost_socket", "vanished_namespace"]
COUNTED = {"overrun", "paused_reader"}


class Fault(Struct, frozen=True):
    """A fault: the first frame where it may happen, how many notifications it is about, of which protocol."""

    frame: int
    count: int = 1
    protocol: int = 0
    kind: Kind = "overrun"

    def __str__(self) -> str:
        count = f"+{self.count}" if self.kind in COUNTED else ""
        of = f" of protocol {self.protocol}" if self.protocol else ""
        return f"{self.kind}@{self.frame}{count}{of}"

    def meets(self, datagram: Datagram) -> bool:
        """Whether a notification is one that it is about."""
        of = self.protocol == datagram.protocol or self.kind == "vanished_namespace"
        return of and datagram.frame >= self.frame


class _Loss(Struct):
    """An overrun that is going on: notifications that were recorded, and those of the own groups."""

    counted: int = 0
    drops: int = 0


class Faults:
    """The faults of one replayed transport, in order of their frames. ``lost``: datagrams that an overrun took from the
    sockets, so far, ``reported``: how often recv() said ENOBUFS, ``failed``: sockets that failed; ``missed``: datagrams
    that the sockets would have received but for a fault."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        kept = [fault for fault in faults if fault.kind != "paused_reader"]
        self._waiting = sorted(kept, key=lambda fault: fault.frame)
        self._losses: dict[int, _Loss] = {}
        self._idle: list[Fault] = []
        self.lost = self.reported = self.failed = self.missed = 0

    @property
    def none(self) -> bool:
        """Whether nothing happens any more."""
        return not self._waiting

    @property
    def untouched(self) -> tuple[Fault, ...]:
        """Faults by which these sockets lost nothing, or nothing yet."""
        return (*self._idle, *self._waiting)

    def notes(self, last_frame: int) -> list[str]:
        """What a report says of the faults by which nothing was lost; ``last_frame``: of the recording."""
        return _notes(self.untouched, last_frame, "lost no message")

    def next(self, datagram: Datagram) -> Fault | None:
        """The fault that a notification meets, if any."""
        return next((fault for fault in self._waiting if fault.meets(datagram)), None)

    def happened(self, fault: Fault, sockets: int) -> None:
        """A fault has happened to so many sockets, and is over."""
        self._waiting.remove(fault)
        if not sockets:
            self._idle.append(fault)
        elif fault.kind == "enobufs":
            self.reported += 1
        else:
            self.failed += sockets

    def count(self, fault: Fault, subscribed: bool) -> None:
        """An overrun takes a notification; ``subscribed``: the socket would have received it. See ``over``."""
        loss = self._losses.setdefault(fault.protocol, _Loss())
        loss.counted += 1
        loss.drops += subscribed
        self.lost += subscribed

    def over(self, protocol: int, *, at_once: bool = False) -> Overrun | None:
        """What recv() will say when the overrun that is going on has reached its count, or must end ``at_once``; None
        when there is none, or when this socket lost nothing by it."""
        loss = self._losses.get(protocol)
        if loss is None:
            return None
        fault = next(one for one in self._waiting if one.kind == "overrun" and one.protocol == protocol)
        if loss.counted < fault.count and not at_once:
            return None
        self._waiting.remove(fault)
        del self._losses[protocol]
        if not loss.drops:
            self._idle.append(fault)
            return None
        self.reported += 1
        return overrun(loss.drops)


class Pauses:
    """Readers that pause. While one does, ``holds`` says of notifications of its protocol that they are not read."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        kept = [fault for fault in faults if fault.kind == "paused_reader"]
        self.untouched = sorted(kept, key=lambda fault: fault.frame)
        # How many notifications the reader of a protocol does not read yet.
        self._left: dict[int, int] = {}

    @property
    def none(self) -> bool:
        """Whether nobody pauses, or will."""
        return not (self.untouched or self._left)

    def holds(self, datagram: Datagram, *, notification: bool) -> bool:
        """Whether the reader of a datagram pauses. It goes on behind the last notification that it did not read."""
        protocol = datagram.protocol
        if protocol not in self._left and notification:
            found = next((fault for fault in self.untouched if fault.meets(datagram)), None)
            if found is not None:
                self.untouched.remove(found)
                self._left[protocol] = found.count
        left = self._left.get(protocol)
        if left is None:
            return False
        if notification:
            self._left[protocol] = left - 1
            if left == 1:
                del self._left[protocol]
        return True

    def pausing(self, protocol: int) -> bool:
        """Whether the reader of a protocol pauses on."""
        return protocol in self._left

    def notes(self, last_frame: int) -> list[str]:
        """What a report says of those that did not happen."""
        return _notes(self.untouched, last_frame, "did not happen")


def overrun(drops: int) -> Overrun:
    """What recv() says when the kernel dropped so many messages."""
    what = f"the receive buffer was full and the kernel dropped {drops} messages (a fault that was asked for)"
    if not drops:
        what = "the kernel reports ENOBUFS and dropped no message (a fault that was asked for)"
    return Overrun("NLM-T010", what, drops=drops)


def socket_lost() -> TransportError:
    """What recv() says of a socket that failed."""
    why = "the socket is lost (a fault that was asked for)"
    return TransportError("NLM-T003", "reading the event socket failed", why=why, errno=errno.EBADF)


def namespace_gone() -> TransportError:
    """What is said when a socket is opened in a namespace that is gone."""
    why = "its network namespace is gone (a fault that was asked for)"
    return TransportError("NLM-T002", "the kernel refuses a socket", why=why, errno=errno.ENODEV)


def _notes(faults: tuple[Fault, ...] | list[Fault], last_frame: int, what: str) -> list[str]:
    beyond = f": the recording ends at frame {last_frame}"
    return [f"the fault {one} {what}" + beyond * (one.frame > last_frame) for one in faults]


def parse_fault(text: str, number_of: Callable[[str], int | None]) -> Fault:
    """A fault as the command line has it, of NETLINK_ROUTE unless a protocol stands behind it, whose name ``number_of``
    reads. Raises ``UsageError``."""
    found = re.fullmatch(r"overrun@(\d{1,9})\+(\d{1,9})(?:/([\w-]+))?", text, re.ASCII)
    protocol = found and number_of(found[3] or "0")
    if found is None or not int(found[2]) or protocol is None or protocol >= MAX_LINKS:
        raise UsageError("NLM-U005", f"{text!r} is no fault", hint="such as overrun@120+50, or overrun@120+50/generic")
    return Fault(int(found[1]), int(found[2]), protocol)
