"""A stage: what one fault does to the frames of a recording that pass by.

Rules:
1. A stage is given frame by frame and gives those that go on; what it holds back is bounded by its ``count``.
2. It begins at its frame, or at the first one behind it that it can change, and happens once.

Not here: the faults themselves (``order``, ``content``), and how frames come and go (``apply``).
"""

from __future__ import annotations

import abc
from collections.abc import Iterable
from random import Random

from nlmon.capture.base import ByteOrder, Frame
from nlmon.capture.segment import Role
from nlmon.framing import MessageHeader, messages
from nlmon.names import protocol_number
from nlmon.scenario.model import Fault
from nlmon.uapi import NLMSG_HDRLEN

__all__ = ["Change", "PlacedFrame", "Stage", "protocol_of"]


def protocol_of(fault: Fault) -> int:
    """The number of the protocol that a fault is about."""
    number = protocol_number(fault.protocol)
    assert number is not None  # the schema knows every name that may be written
    return number


class PlacedFrame(Frame, frozen=True, gc=False):
    """A frame with its role in the conversation of the recording."""

    role: Role = Role.NOTIFICATION

    @classmethod
    def of(cls, frame: Frame, role: Role) -> PlacedFrame:
        """A frame whose role was found."""
        places = frame.direction, frame.socket, frame.offset, frame.truncated
        return cls(frame.number, frame.timestamp, frame.protocol, frame.data, *places, role)


class Stage(abc.ABC):
    """One fault. ``at``: the first frame that it may change; ``struck``: whether it changed anything; ``done``: whether
    it lets all that follows pass; ``holds``: whether it keeps frames back."""

    def __init__(self, fault: Fault, byteorder: ByteOrder, random: Random) -> None:
        self.fault = fault
        self.at = fault.at
        self.byteorder = byteorder
        self.random = random
        self.protocol = protocol_of(fault)
        self.left = fault.count
        self.struck = self.done = False

    @property
    def holds(self) -> bool:
        """Whether it keeps frames back."""
        return False

    def take(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """A frame of the recording; gives what goes on."""
        if self.done or frame.number < self.at:
            return (frame,)
        return self.strike(frame)

    @abc.abstractmethod
    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """What becomes of a frame that may be changed."""

    def end(self) -> Iterable[PlacedFrame]:
        """The recording is over: what was kept back."""
        return ()

    def count_one(self) -> None:
        """One of the datagrams that the fault is about was changed."""
        self.struck = True
        self.left -= 1
        self.done = not self.left

    # -- what a frame is ---------------------------------------------------------------------------------------

    def is_notification(self, frame: PlacedFrame) -> bool:
        """Whether a datagram has a header and announces a change."""
        return frame.role is Role.NOTIFICATION and len(frame.data) >= NLMSG_HDRLEN

    def concerns(self, frame: PlacedFrame) -> bool:
        """Whether a frame is a notification of the protocol of this fault."""
        return frame.protocol == self.protocol and self.is_notification(frame)

    def whole(self, frame: PlacedFrame) -> list[MessageHeader]:
        """The headers of the whole messages of a datagram."""
        return list(messages(frame.data, self.byteorder))


class Change(Stage):
    """A fault that makes another datagram of one, or several."""

    def strike(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """The changed frame, or the frame itself where there is nothing to change."""
        changed = self.change(frame) if frame.protocol == self.protocol else None
        if changed is None:
            return (frame,)
        self.count_one()
        return changed

    @abc.abstractmethod
    def change(self, frame: PlacedFrame) -> Iterable[PlacedFrame] | None:
        """What becomes of a frame of the protocol; None where this fault can do nothing with it."""
