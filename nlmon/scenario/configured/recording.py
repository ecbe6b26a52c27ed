"""What was played to monitors, so that a line that they export is found in it: which frame, and what its message holds.

Rules:
1. A line is found by time and protocol, and in the datagram by type, sequence number and port of its message. Where
   several could be meant nothing is said.
2. Names of families and interfaces, which other messages give, are not judged, nor is what an event lacks: a line does
   not tell what could not be read.

Not here: how a value stands in a message (``nlmon.compare.evidence``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import UNSET, structs

from nlmon.capture.base import Batch, ByteOrder
from nlmon.compare.classify import Finding
from nlmon.compare.contract import load_contract
from nlmon.compare.evidence.check import Evidence, RecordedNames
from nlmon.events import Event, GenericInfo
from nlmon.framing import messages
from nlmon.wire import Datagram

__all__ = ["FRAMES_KEPT", "Recording"]

# Frames of which it is known what they hold.
FRAMES_KEPT = 200_000


class Recording:
    """The datagrams of a recording, by their time and protocol. ``last``: the number of the last frame, 0: none."""

    def __init__(self, byteorder: ByteOrder) -> None:
        self.last = 0
        self._byteorder = byteorder
        self._datagrams: dict[tuple[int, int], Datagram | None] = {}
        names = RecordedNames(families=lambda _: (), link=lambda _: UNSET)
        self._contract = load_contract()
        self._evidence = Evidence(self._contract, byteorder, names)

    def seen(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same batches, of which it is noted what they hold."""
        for batch in batches:
            for frame in batch.frames():
                self.last = max(self.last, frame.number)
                key = frame.timestamp, frame.protocol
                if len(self._datagrams) < FRAMES_KEPT and key not in self._datagrams:
                    self._datagrams[key] = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data)
                elif key in self._datagrams:
                    self._again(key, frame.number)
            yield batch

    def _again(self, key: tuple[int, int], number: int) -> None:
        """Another frame has the same time; the same one, where the recording is played again, has its number."""
        was = self._datagrams[key]
        if was is not None and was.frame != number:
            self._datagrams[key] = None

    def frame(self, event: Event) -> int:
        """The frame of an event, 0 if it is not known."""
        found = self._datagrams.get((event.timestamp, event.protocol))
        return 0 if found is None else found.frame

    def contradictions(self, event: Event, name: str) -> Iterator[Finding]:
        """What of an event an implementation gives alone, and its message does not hold."""
        datagram = self._datagrams.get((event.timestamp, event.protocol))
        if datagram is None or isinstance(event.payload, GenericInfo) or not self._evidence.may_give_more(name):
            return
        found = list(messages(datagram.data, self._byteorder))
        head = event.msg_type, event.seq, event.pid
        alike = [one.offset for one in found if (one.type, one.seq, one.pid) == head] or [one.offset for one in found]
        if len(alike) != 1:
            return
        placed = structs.replace(event, frame=datagram.frame, offset=alike[0])
        exclusive = not self._contract.both_provide(event.payload)
        for finding in self._evidence.check(placed, datagram, (), exclusive=exclusive):
            if finding.candidate is not None and finding.candidate is not UNSET:
                yield finding
