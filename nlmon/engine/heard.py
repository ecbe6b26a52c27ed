"""What a lane noted of its implementation, and the counters of ``status()`` that say something else.

Rules:
1. Events and errors are those that the callbacks were given while a protocol was enabled, read or looked at again. What
   a lane lets decode beside its sockets, such as recorded answers, is counted nowhere.
2. A message that was read and gave neither an event nor an error is control if its type is, else unknown.
3. Settings and counters of a socket are what the socket itself says; of one that a fault took nothing is expected.

Not here: what a counter that is wrong weighs (``nlmon.compare``). Layouts are an implementation's own matter.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from nlmon.backends.base import Backend
from nlmon.backends.status import ProtocolStatus
from nlmon.compare.same import same
from nlmon.compare.side import Miscount, Side
from nlmon.errors import DecodeError, NlmonError
from nlmon.events import OVERRUN, Event
from nlmon.framing import messages
from nlmon.limits import count_kinds
from nlmon.names import unknown_message
from nlmon.transport.base import Transport, TransportStatus
from nlmon.uapi import NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagram

__all__ = ["Heard"]

# What the others of too many kinds count as; see ``ProtocolStatus.unknown``.
OTHERS = (-1, -1)


class Heard:
    """What a lane noted. ``protocols``: those that were ever enabled; ``events``, ``errors``, ``control`` and
    ``unknown``: counts by protocol; ``crashed``: the implementation raised, so that nothing is known of its counts;
    ``whole``: each result is of the datagram that it came with, so that ``unknown`` and ``control`` are known."""

    def __init__(self, *, whole: bool) -> None:
        self.protocols: set[int] = set()
        self.events: Counter[int] = Counter()
        self.errors: Counter[int] = Counter()
        self.control: Counter[int] = Counter()
        self.unknown: dict[int, Counter[tuple[int, int]]] = {}
        self.crashed = False
        self.whole = whole

    def add(self, protocol: int, events: int, errors: int) -> None:
        """Count what the callbacks were given."""
        if events:
            self.events[protocol] += events
        if errors:
            self.errors[protocol] += errors

    def note(self, datagram: Datagram, side: Side, byteorder: Literal["little", "big"]) -> None:
        """Count the messages of a datagram that gave neither an event nor an error."""
        if not side.reads or not side.subscribed or side.missed:
            return
        data, events = datagram.data, side.events
        alone = len(events) == 1 and int.from_bytes(data[:4], byteorder) + NLMSG_HDRLEN > len(data)
        if alone and not (side.errors or events[0].synthetic or events[0].offset or events[0].type == OVERRUN):
            return  # as it is of most: one message, one event
        with_event = {event.offset for event in events if not event.synthetic and event.type != OVERRUN}
        wrong = sorted(error.offset for error in side.errors if isinstance(error, DecodeError))
        for one in messages(data, byteorder):
            end = one.offset + one.length
            at = bisect.bisect_left(wrong, one.offset)
            if one.offset in with_event or (at < len(wrong) and wrong[at] < end):
                continue
            if one.type < NLMSG_MIN_TYPE:
                self.control[datagram.protocol] += 1
            else:
                first = data[one.offset + NLMSG_HDRLEN] if one.length > NLMSG_HDRLEN else -1
                unknown = self.unknown.setdefault(datagram.protocol, Counter())
                count_kinds(unknown, ((one.type, first),), OTHERS)

    @contextmanager
    def counting(self, protocol: int, events: Sequence[Event], errors: Sequence[NlmonError]) -> Iterator[None]:
        """Count by how much what the callbacks were given grows meanwhile."""
        before = len(events), len(errors)
        try:
            yield
        finally:
            self.add(protocol, len(events) - before[0], len(errors) - before[1])

    def miscounts(self, backend: Backend, sockets: Mapping[int, Transport | None]) -> Iterator[Miscount]:
        """The counters that say something else; none of one that raised. ``sockets``: by protocol, None where none is
        open; one that is not among them was taken by a fault."""
        if self.crashed:
            return
        before = {protocol: socket.status() for protocol, socket in sockets.items() if socket is not None}
        status = backend.status()
        if not same(status.name, backend.name):
            yield Miscount(-1, "name", backend.name, status.name)
        for protocol in sorted(self.protocols | status.protocols.keys()):
            one = status.protocols.get(protocol)
            if one is None or protocol not in self.protocols:
                there, here = "counters", "no counters"
                yield Miscount(protocol, "protocols", *((there, here) if one is None else (here, there)))
                continue
            yield from self._counts(protocol, one)
            if protocol in sockets:
                yield from _socket(one, protocol, sockets[protocol], before.get(protocol))

    def _counts(self, protocol: int, status: ProtocolStatus) -> Iterator[Miscount]:
        rows = [("events", self.events, status.events), ("errors", self.errors, status.errors)]
        if self.whole:
            rows.append(("control", self.control, status.control))
        for field, expected, given in rows:
            if not same(given, expected[protocol]):
                yield Miscount(protocol, field, expected[protocol], given)
        if not self.whole:
            return
        unknown: Counter[tuple[int, int]] = self.unknown.get(protocol, Counter())
        for kind in sorted(unknown.keys() | status.unknown.keys()):
            count = status.unknown.get(kind, 0)
            if not same(count, unknown[kind]):
                begin = f" that begins with {kind[1]}" if kind[1] >= 0 else ""
                yield Miscount(protocol, f"unknown {unknown_message(protocol, *kind)}{begin}", unknown[kind], count)


def _socket(
    status: ProtocolStatus, protocol: int, socket: Transport | None, before: TransportStatus | None
) -> Iterator[Miscount]:
    rows: list[tuple[str, object, object]] = [
        ("enabled", socket is not None, status.enabled),
        ("fd", -1 if socket is None else socket.fileno(), status.fd),
        ("transport", socket is not None, status.transport is not None),
    ]
    for name, expected, found in rows:
        if not same(found, expected):
            yield Miscount(protocol, name, expected, found)
    if socket is None or status.transport is None:
        return
    after = socket.status()
    for name in TransportStatus.__struct_fields__:
        given, earlier, later = (getattr(one, name) for one in (status.transport, before, after))
        # A kernel may drop messages while it is asked.
        between = type(given) is type(earlier) is type(later) is int and earlier <= given <= later
        if not (between or same(given, later)):
            yield Miscount(protocol, f"transport.{name}", later, given)
