"""Faults in the sequence of datagrams: some vanish, come twice, change places, or are cut and joined otherwise.

Rules:
1. Times stay in order: whoever reads a datagram later has a later time.
2. Datagrams are joined only where one multicast group carries them all, as the kernel would.

Not here: faults inside of a message (``content``).
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from msgspec import structs

from nlmon.capture.base import ByteOrder
from nlmon.capture.segment import ASIDE
from nlmon.framing import align
from nlmon.scenario.faults.stage import Change, PlacedFrame, Stage
from nlmon.scenario.model import Fault
from nlmon.transport.recorded.groups import groups_of
from nlmon.uapi import NETLINK_GENERIC, NLMSG_HDRLEN

__all__ = ["Drop", "Duplicate", "Merge", "Reorder", "Split"]


class Drop(Stage):
    """So many notifications vanish, and no error says so."""

    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """Nothing, of a notification."""
        if not self.concerns(frame):
            return (frame,)
        self.count_one()
        return ()


class Duplicate(Stage):
    """So many notifications come twice, one copy behind the other."""

    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """A notification and its copy."""
        if not self.concerns(frame):
            return (frame,)
        self.count_one()
        return (frame, frame)


class _Holding(Stage):
    """A fault for which notifications wait until the one comes that makes it happen."""

    def __init__(self, fault: Fault, byteorder: ByteOrder, random: Random) -> None:
        super().__init__(fault, byteorder, random)
        self.held: list[PlacedFrame] = []

    @property
    def holds(self) -> bool:
        """Whether it keeps frames back."""
        return bool(self.held)

    def release(self) -> list[PlacedFrame]:
        """All that waits, which waits no longer."""
        held, self.held = self.held, []
        return held

    def end(self) -> Iterable[PlacedFrame]:
        """What waited in vain."""
        return self.release()


class Reorder(_Holding):
    """A notification of another protocol is read before at most so many that were recorded directly before it: each
    protocol has a socket of its own, and netlink promises an order within one socket alone."""

    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """Nothing while the next one may overtake it; then that one first."""
        if not self.is_notification(frame):
            return [*self.release(), frame]
        if not self.held or self.held[-1].protocol == frame.protocol:
            self.held.append(frame)
            overdue = self.held[: -self.left]
            del self.held[: -self.left]
            return overdue
        self.struck = self.done = True
        times = [*(one.timestamp for one in self.held), frame.timestamp]
        others = [frame, *self.release()]
        return [structs.replace(one, timestamp=time) for one, time in zip(others, sorted(times), strict=True)]


class Merge(_Holding):
    """The messages of so many following notifications come with those of the first one, in one datagram. They follow
    directly and come in the same multicast group."""

    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """Nothing while others must follow; then all in one."""
        if not self.concerns(frame) or not self.whole(frame) or frame.truncated:
            return [*self.release(), frame]
        gone = self.release() if self.held and self._kind(self.held[-1]) != self._kind(frame) else []
        self.held.append(frame)
        if len(self.held) <= self.left:
            return gone
        self.struck = self.done = True
        parts = self.release()
        data = b"".join(one.data.ljust(align(len(one.data)), b"\0") for one in parts[:-1]) + frame.data
        return [*gone, structs.replace(parts[0], timestamp=frame.timestamp, data=data)]

    def _kind(self, frame: PlacedFrame) -> object:
        """What must be the same for two messages to share a datagram."""
        _, _, kind, flags, *_ = self.whole(frame)[0]
        family = frame.data[NLMSG_HDRLEN] if len(frame.data) > NLMSG_HDRLEN else 0
        if frame.protocol == NETLINK_GENERIC:
            return kind, family  # the number of the family, and the command
        return groups_of(frame.protocol, kind, flags, family) or kind


class Split(Change):
    """The messages of a datagram come in two, parted where the seed says."""

    def change(self, frame: PlacedFrame) -> Iterable[PlacedFrame] | None:
        """The two datagrams; None of a single message."""
        if frame.role in ASIDE:
            return None
        places = [one.offset for one in self.whole(frame)[1:]]
        if not places:
            return None
        at = self.random.choice(places)
        begin = structs.replace(frame, data=frame.data[:at], truncated=0)
        return (begin, structs.replace(frame, data=frame.data[at:]))
