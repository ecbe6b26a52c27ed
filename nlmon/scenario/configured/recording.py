"""What was played to monitors, so that a line that they export is found in it: which frame, and what its message holds.

Rules:
1. A line is found by time and protocol, and in the datagram by type, sequence number and port of its message. Where
   several could be meant nothing is said.
2. Whatever is exported of a message was in the recording, no more often than there, and comes in its order; so what
   both monitors do wrong in the same way is found, too.
3. Names of interfaces, which other messages give, are not judged, and those of families only where there is one. What
   an event lacks is judged only where nothing was unreadable: a line does not say what could not be read.

Not here: how a value stands in a message (``nlmon.compare.evidence``).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from msgspec import UNSET, structs

from nlmon.capture.base import Batch, ByteOrder
from nlmon.compare.classify import FieldFinding
from nlmon.compare.evidence.check import Evidence, RecordedNames
from nlmon.compare.pair import pair_of
from nlmon.events import OVERRUN, Event
from nlmon.framing import align, messages
from nlmon.scenario.configured.output import ExportedLine
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import NETLINK_GENERIC
from nlmon.wire import Datagram, Datagrams

__all__ = ["FRAMES_KEPT", "FrameTable"]

# Frames of which it is known what they hold.
FRAMES_KEPT = 200_000
# Type, sequence number and port of a message.
Head: TypeAlias = tuple[int, int, int]


class _Played(NamedTuple):
    """A datagram that was played: as which one, and how often."""

    datagram: Datagram
    number: int
    copies: int = 1


class FrameTable:
    """The datagrams of a recording, by their time and protocol, None where several have the same. ``last``: the number
    of the last frame, 0: none; ``whole``: whether all of them are known."""

    def __init__(self, byteorder: ByteOrder) -> None:
        self.last = 0
        self.whole = True
        self._byteorder = byteorder
        self._played: dict[tuple[int, int], _Played | None] = {}
        self._kernel = RecordedKernel(byteorder)
        # Judged is when all was played, so a family may have had no name yet where it has one now.
        names = RecordedNames(self._kernel.family_names, link=lambda _: UNSET, gone=lambda _: True)
        # By the names of the two that spoke at once, and whether what could not be read is known.
        self._evidence = functools.cache(
            lambda pair, errors_known: Evidence(pair_of(*pair), byteorder, names, errors_known=errors_known)
        )

    def seen(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same batches, of which it is noted what they hold."""
        for batch in batches:
            for frame in batch.frames():
                self.last = max(self.last, frame.number)
                self._note(Datagram(frame.number, frame.timestamp, frame.protocol, frame.data))
            yield batch

    def _note(self, datagram: Datagram) -> None:
        if datagram.protocol == NETLINK_GENERIC:
            self._kernel.learn(Datagrams.of(datagram))
        key = datagram.timestamp, datagram.protocol
        if key in self._played:
            was = self._played[key]
            again = was is not None and was.datagram == datagram  # a fault may play one twice
            self._played[key] = was._replace(copies=was.copies + 1) if was is not None and again else None
        elif len(self._played) < FRAMES_KEPT:
            self._played[key] = _Played(datagram, len(self._played))
        else:
            self.whole = False

    def strays(self, lines: Iterable[ExportedLine], *, in_order: bool) -> Iterator[tuple[str, ExportedLine]]:
        """Lines that no monitor may export of this recording, each with what is wrong with it. ``in_order``: they were
        all written one after another."""
        given: Counter[tuple[int, Head]] = Counter()
        latest: dict[int, int] = {}
        for line in lines:
            event = line.event
            if event is None:
                if not line.cut:
                    yield "without an event", line
                continue
            if event.synthetic or event.type == OVERRUN:
                continue
            key = event.timestamp, event.protocol
            played = self._played.get(key)
            if played is None:
                if self.whole and key not in self._played:
                    yield "of no message of the recording", line
                continue
            head = event.msg_type, event.seq, event.pid
            given[played.number, head] += 1
            most = played.copies * self._count(played.datagram, head)
            if given[played.number, head] > most:
                yield "exported more often than recorded" if most else "of no message of the recording", line
            elif in_order and played.number < latest.get(event.protocol, 0):
                yield "behind a line of a later message", line
            else:
                latest[event.protocol] = played.number

    def unlike(self, captured: Iterable[Datagram], *, in_order: bool) -> Iterator[tuple[str, Datagram]]:
        """Frames of captures that are none of this recording, each with what is wrong with it; see ``strays``."""
        latest: dict[int, int] = {}
        for one in captured:
            key = one.timestamp, one.protocol
            played = self._played.get(key)
            if played is None:
                if self.whole and key not in self._played:
                    yield "at a time at which nothing was recorded", one
            elif played.datagram.data != one.data:
                yield "with other bytes than were recorded", one
            elif in_order and played.number + (played.copies > 1) < latest.get(one.protocol, 0):
                yield "behind a later one, or twice", one
            else:
                latest[one.protocol] = played.number + 1

    def _count(self, datagram: Datagram, head: Head) -> int:
        """How many messages of a datagram have a header; as many as may be where its end is not known."""
        found = list(messages(datagram.data, self._byteorder))
        known = bool(found) and align(found[-1].offset + found[-1].length) >= len(datagram.data)
        return sum((one.type, one.seq, one.pid) == head for one in found) if known else len(datagram.data)

    def frame(self, event: Event) -> int:
        """The frame of an event, 0 if it is not known."""
        found = self._played.get((event.timestamp, event.protocol))
        return 0 if found is None else found.datagram.frame

    def contradictions(
        self, event: Event, names: tuple[str, str], number: int, *, all_read: bool = False
    ) -> Iterator[FieldFinding]:
        """What of an event one of two implementations, ``number``, gives alone, and its message does not hold.
        ``all_read``: it could read everything, so that what the event lacks is judged, too."""
        played = self._played.get((event.timestamp, event.protocol))
        if played is None or not pair_of(*names).may_give_more(number):
            return
        datagram = played.datagram
        found = list(messages(datagram.data, self._byteorder))
        head = event.msg_type, event.seq, event.pid
        alike = [one.offset for one in found if (one.type, one.seq, one.pid) == head] or [one.offset for one in found]
        if len(alike) != 1:
            return
        placed = structs.replace(event, frame=datagram.frame, offset=alike[0])
        for finding in self._evidence(names, all_read).check(placed, datagram, (), number):
            if (finding.candidate is not None or all_read) and finding.candidate is not UNSET:
                yield finding
