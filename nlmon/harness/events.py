"""A log of events as an implementation: what its program would have made of each message of a recording.

    recording ─► libnl, which says what each message is about ─┐
                                                               ├─► compare.sequences ─► the lines of each message
    log ─► lines ──────────────────────────────────────────────┘

Rules:
1. nlmon's libnl reads the messages, to know what they are about; what is given is what the log says, and nothing else.
2. A line that belongs to no message, lines in another order, and a log that ends early without saying that it is whole
   are mistakes that make the verdict an error. A message without a line has no event.

Not here: reading the recording (``nlmon.engine.logs``), and a program that runs (``live``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.reads import UNDECLARED, Reads
from nlmon.compare.contract import kind_name
from nlmon.compare.sequences import ABOUT, align_log
from nlmon.compare.statement import stated
from nlmon.errors import HarnessError
from nlmon.events import Decoded, Event
from nlmon.harness.lines import Line, Ready, placed
from nlmon.harness.logfile import Log
from nlmon.names import message_type
from nlmon.transport.base import TransportFactory
from nlmon.uapi import NLMSG_HDRLEN
from nlmon.wire import Datagram

__all__ = ["EventsBackend", "LogEvents", "Reader", "about", "given_by", "notes_of"]

# How many mistakes of one log are said.
SAID = 3


class LogEvents(Struct, frozen=True):
    """What a log gives of a recording. ``events``: by frame and offset of the message; ``outside``: how many lines are
    of a time before or behind the recording; ``problems``: what is wrong, the first ``SAID``; ``unknown``: see
    ``LineReader``."""

    events: Mapping[tuple[int, int], tuple[Event, ...]]
    outside: int
    problems: tuple[HarnessError, ...]
    unknown: Mapping[str, int] = {}


class Reader(LibnlBackend, bulk=True, layouts=True):
    """nlmon's libnl with the groups that a program joins, called ``name``; it says what messages are about."""

    groups: ClassVar[Mapping[int, tuple[int, ...]]] = LibnlBackend.groups

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        """Nothing is known of what the program reads."""
        return UNDECLARED

    def __init__(
        self, transports: TransportFactory, options: BackendOptions | None = None, *, name: str, ready: Ready
    ) -> None:
        super().__init__(transports, options)
        self.name = self.identity = name  # type: ignore[misc]
        self.statement = stated(name, ready.provides, ready.absent)
        read = LibnlBackend.groups if ready.netlink is None else ready.netlink
        given = {int(protocol): groups for protocol, groups in ready.groups.items()}
        self.groups = {  # type: ignore[misc]
            protocol: given.get(protocol, LibnlBackend.groups[protocol])
            for protocol in read
            if protocol in LibnlBackend.groups
        }


class EventsBackend(Reader):
    """A log in the place of an implementation."""

    def __init__(
        self,
        transports: TransportFactory,
        options: BackendOptions | None = None,
        *,
        name: str,
        ready: Ready,
        given: LogEvents,
    ) -> None:
        super().__init__(transports, options, name=name, ready=ready)
        self._given = given

    def notes(self) -> list[str]:
        """What a report says of the log."""
        return notes_of(self.name, self._given.outside, "the recording", self._given.unknown)

    def decode(self, datagram: Datagram) -> Decoded:
        """What the log says of a datagram."""
        read, data = super().decode(datagram), datagram.data
        found = Decoded([], read.errors, list(read.unknown), read.control)
        for event in read.events:
            given = self._given.events.get((event.frame, event.offset), ())
            found.events.extend(given)
            if not given:
                first = event.offset + NLMSG_HDRLEN
                found.unknown.append((event.msg_type, data[first] if first < len(data) else -1))
        return found

    def close(self) -> None:
        """Close it. Raises ``HarnessError`` for what is wrong with the log."""
        super().close()
        if self._given.problems:
            first, *others = self._given.problems
            more = "; ".join(error.what for error in others)
            raise HarnessError(first.code, "; ".join(filter(None, (first.what, more))), why=first.why, hint=first.hint)


def given_by(log: Log, messages: Sequence[Event]) -> LogEvents:
    """What a log gives of the messages of a recording, in their order, as ``Reader`` reads them."""
    lines = log.lines
    aligned = align_log(messages, [line.event for line in lines])
    events = {
        (message.frame, message.offset): tuple(placed(lines[number], message) for number in numbers)
        for message, numbers in zip(messages, aligned.lines, strict=True)
        if numbers
    }
    left = [lines[number] for number in aligned.left]
    known = [lines[number] for number in sorted(number for numbers in aligned.lines for number in numbers)]
    outside = _outside(left, messages, known) if _same_clock(lines, messages, events) else []
    problems = list(log.problems)
    if messages and not lines:
        problems.append(HarnessError("NLM-N053", f"{log.name} has no event", hint="see that its program wrote there"))
    if lines and not events:
        what = f"no line of {log.name} belongs to a message of the recording"
        problems.append(HarnessError("NLM-N054", what, hint="see that it is of this host and this time"))
    elif len(left) > len(outside):
        problems.append(_unaligned(log.name, [line for line in left if line not in outside]))
    if aligned.swapped is not None:
        first, second = (lines[number].number for number in aligned.swapped)
        what = f"{log.name}: line {second} belongs to a message before that of line {first}"
        problems.append(HarnessError("NLM-N057", what, why="the kernel sent them in another order"))
    problems += _cut(log, messages, aligned.lines)
    return LogEvents(events, len(outside), tuple(problems[:SAID]), log.unknown)


def notes_of(name: str, outside: int, what: str, unknown: Mapping[str, int]) -> list[str]:
    """What a report says of a program that prints events: how many were ``outside`` of the time of ``what`` is
    compared, and which names no event has (``LineReader.unknown``)."""
    notes = []
    if outside:
        are = "line is" if outside == 1 else "lines are"
        notes.append(f"{name}: {outside:,} {are} of a time outside of {what}, and not compared")
    if unknown:
        rows = [f"{field} ({count:,})" if count else f"{field} (in ready)" for field, count in sorted(unknown.items())]
        notes.append(f"{name} gives what no event of nlmon has: {', '.join(rows)}")
    return notes


def about(event: Event) -> str:
    """What an event is about, for people."""
    kind = kind_name(event.payload)
    key = ", ".join(f"{name} {getattr(event.payload, name)}" for name in ABOUT.get(kind, ()))
    return f"{message_type(event.protocol, event.msg_type)}{' of ' * bool(key)}{key}"


def _same_clock(
    lines: Sequence[Line], messages: Sequence[Event], events: Mapping[tuple[int, int], tuple[Event, ...]]
) -> bool:
    """Whether the program had the recording's clock: most lines that belong to a message are of the recording's
    time."""
    if not messages:
        return False
    within = sum(messages[0].timestamp <= line.event.timestamp <= messages[-1].timestamp for line in lines)
    return bool(events) and 2 * within > len(events)


def _outside(left: Sequence[Line], messages: Sequence[Event], lines: Sequence[Line]) -> list[Line]:
    """Those of the lines ``left`` that are older, or newer, than the recording, as both their time and their place
    say: before or behind all ``lines`` of messages."""
    begin, end = messages[0].timestamp, messages[-1].timestamp
    first, last = lines[0].number, lines[-1].number
    return [
        line
        for line in left
        if (line.number < first and 0 < line.event.timestamp < begin)
        or (line.number > last and line.event.timestamp > end)
    ]


def _unaligned(name: str, lines: Sequence[Line]) -> HarnessError:
    first = lines[0]
    what = f"{name}: line {first.number} ({about(first.event)}) belongs to no message of the recording"
    more = f"nor do {len(lines) - 1:,} more" if len(lines) > 1 else ""
    return HarnessError("NLM-N055", what, why=more, hint="see that the log is of this host and this time")


def _cut(log: Log, messages: Sequence[Event], found: Sequence[Sequence[int]]) -> list[HarnessError]:
    """That nothing is said of the last messages, by a log that does not say that it is whole."""
    said = [place for place, numbers in enumerate(found) if numbers]
    behind = messages[said[-1] + 1 :] if said else ()
    if log.whole or not behind:
        return []
    last = "the last message" if len(behind) == 1 else f"the last {len(behind):,} messages"
    what = f"{log.name} says nothing of {last}, from frame {behind[0].frame} on"
    why = "it may have been cut, or its program ended early"
    hint = 'if that is all, end it with {"bye": {"events": NUMBER}}'
    return [HarnessError("NLM-N058", what, why=why, hint=hint)]
