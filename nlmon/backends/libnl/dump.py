"""Follows a dump: sequence numbers, multipart answers, and whether the result can be trusted.

The kernel sets NLM_F_DUMP_INTR when what it lists changed while it listed (Documentation/userspace-api/netlink,
"Dump consistency"). That is not an error: the objects are real, but some may be missing. So a dump has three
outcomes, and the caller decides.

Not here: sending the request and decoding objects (``requests``).
"""

from __future__ import annotations

import enum
import struct

from msgspec import Struct

from nlmon.backends.libnl.uapi import NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_HDRLEN
from nlmon.errors import DecodeError
from nlmon.events import Event
from nlmon.wire import Datagram

__all__ = ["DumpResult", "DumpTracker", "Outcome"]


class Outcome(enum.Enum):
    """How a dump ended. ``FAILED``: the kernel answered with an error. ``UNFINISHED``: NLMSG_DONE never came."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted, with data"
    EMPTY = "interrupted, without data"
    FAILED = "failed"
    UNFINISHED = "unfinished"


class DumpResult(Struct):
    """Objects of a dump as events, how it ended, and what could not be read."""

    events: list[Event]
    errors: list[DecodeError]
    outcome: Outcome
    foreign: int

    @property
    def whole(self) -> bool:
        """Whether it proves what is absent: it is complete, and all of it could be read."""
        return self.outcome is Outcome.COMPLETE and not self.errors

    @property
    def interrupted(self) -> bool:
        """Whether what it lists changed meanwhile, so that asking again may give all of it."""
        return self.outcome in {Outcome.INTERRUPTED, Outcome.EMPTY}

    @property
    def flaw(self) -> str:
        """What keeps it from being whole, in words; empty when it is."""
        if self.outcome is not Outcome.COMPLETE:
            return str(self.outcome.value)
        return "not all readable" if self.errors else ""


class DumpTracker:
    """Fed the datagrams of an answer; ``done`` when the answer is over.

    Messages with another sequence number answer other requests; ``foreign`` counts them and
    ``offsets`` names the messages of a datagram that are ours.
    """

    def __init__(self, seq: int, byteorder: str) -> None:
        self.seq = seq
        self.done = False
        self.interrupted = False
        self.failed = False
        self.foreign = 0
        self._header = struct.Struct("<IHHII" if byteorder == "little" else ">IHHII")
        self._number = struct.Struct("<i" if byteorder == "little" else ">i")

    def offsets(self, datagram: Datagram) -> set[int]:
        """Offsets of our messages in a datagram, up to the end of the dump."""
        data, at, ours = datagram.data, 0, set()
        while at + NLMSG_HDRLEN <= len(data) and not self.done:
            length, kind, flags, seq, _ = self._header.unpack_from(data, at)
            if length < NLMSG_HDRLEN or at + length > len(data):
                break
            if seq != self.seq:
                self.foreign += 1
            else:
                ours.add(at)
                self.interrupted = self.interrupted or bool(flags & NLM_F_DUMP_INTR)
                if kind in {NLMSG_ERROR, NLMSG_DONE}:
                    self.done = True
                    number = self._number.unpack_from(data, at + NLMSG_HDRLEN)[0] if length >= NLMSG_HDRLEN + 4 else 0
                    self.failed = number < 0
            at += (length + 3) & ~3
        return ours

    def outcome(self, count: int) -> Outcome:
        """How the dump ended, given how many objects it gave."""
        if self.failed:
            return Outcome.FAILED
        if not self.done:
            return Outcome.UNFINISHED
        if not self.interrupted:
            return Outcome.COMPLETE
        return Outcome.INTERRUPTED if count else Outcome.EMPTY
