"""Lines in which a program says what it made of messages, without their bytes: a log, or what it prints while it runs.

    {"ready": {"name": "mine", "version": "1.2", "netlink": [0], "groups": {"0": [1, 5]}}}     may come first
    {"type": 16, "netlink": 0, "kind": "link", "fields": {"ifindex": 4, "mtu": 1500}}          an event
    {"bye": {"events": 1}}                                                                     may come last

Rules:
1. An event is written as nlmon writes it (``nlmon.eventjson``, ``nlmon.exporters.layout``), or shortly, as above, with
   the kinds and fields of the harness protocol; what the short form does not have is that of the message.
2. What is no such line is an error with its place, and so is one that stands where it cannot: a second program's
   ``ready``, an event behind ``bye``. An empty line is nothing.

Not here: which message a line belongs to (``nlmon.compare.sequences``), files (``logfile``) and processes (``live``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from nlmon.compare.statement import statement_of_hello
from nlmon.errors import HarnessError
from nlmon.eventjson.read import event_from_json
from nlmon.events import Event
from nlmon.exporters.layout import in_event_form
from nlmon.harness.values import Values
from nlmon.printable import printable

__all__ = ["Bye", "Line", "LineReader", "Ready", "parse_line", "placed"]

# The version of these lines, and of one that is shown so many bytes.
VERSION, SHOWN = 1, 100
PROTOCOL = re.compile(r"[0-9]{1,3}")


class Ready(Struct, frozen=True):
    """What a program says of itself before its first event. ``protocol``: the version of these lines; ``netlink``: the
    protocols that it reads, None: those that nlmon reads; ``groups``: the multicast groups of each that it joins; of
    one that is not named those that nlmon joins; ``provides``: fields by kind of event, None: whatever it gives;
    ``absent``: by ``kind.field`` the value that it gives for what is not in the message."""

    protocol: int = VERSION
    name: str = ""
    version: str = ""
    netlink: tuple[int, ...] | None = None
    groups: dict[str, tuple[int, ...]] = {}
    provides: dict[str, tuple[str, ...]] | None = None
    absent: dict[str, Any] = {}


class Bye(Struct, frozen=True):
    """How many events a program gave, as it says at its end."""

    events: int


class Line(Struct, frozen=True):
    """An event that a line holds. ``number``: of the line, from 1; ``short``: it says nothing of the message's
    header but the type; ``size``: bytes of its text."""

    number: int
    event: Event
    short: bool = False
    size: int = 0


class _Short(Struct):
    type: int
    kind: str
    fields: dict[str, Any]
    netlink: int = 0
    interface: str | None | UnsetType = UNSET
    timestamp: int = 0


Said: TypeAlias = Ready | Bye | Line


class LineReader:
    """Reads the lines of ``who``, one after the other. ``number``: of the last line; ``events``: how many had an event;
    ``ready``, ``bye``: what it said of itself, if anything; ``unknown``: names that no event has, with how many of its
    events have them, 0 where ``ready`` alone does."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.number = self.events = 0
        self.ready: Ready | None = None
        self.bye: Bye | None = None
        self._values = Values({})

    def read(self, data: bytes) -> Line | None:
        """The event of the next line, if it has one. Raises ``HarnessError`` for a line that is none (NLM-N052), stands
        where it cannot (NLM-N063), counts other events than there were (NLM-N056), or is of a version that is not read
        (NLM-N060)."""
        self.number += 1
        said = parse_line(data, self.number, self.who, self._values)
        if said is None:
            return None
        self.events += isinstance(said, Line)
        if self.bye is not None:
            self.bye = None  # it was not the last; said once, and the others are read
            raise self._misplaced("stands behind bye")
        if isinstance(said, Line):
            return said
        if isinstance(said, Bye):
            self.bye = said
            if said.events != self.events:
                what = f"{self.who} has {self.events:,} events and says that there were {said.events:,}"
                raise HarnessError("NLM-N056", what, hint="lines were lost")
        else:
            if self.ready is not None or self.events:
                raise self._misplaced("says ready behind " + ("another" if self.ready is not None else "an event"))
            self.ready, self._values = said, Values(said.absent)
        return None

    @property
    def unknown(self) -> dict[str, int]:
        """See the class."""
        found = dict(self._values.unknown)
        if self.ready is not None:
            found |= {name: 0 for name in statement_of_hello(self.ready)[1] if name not in found}
        return found

    def _misplaced(self, how: str) -> HarnessError:
        hint = "each run of a program has lines of its own: ready first, bye last"
        return HarnessError("NLM-N063", f"{self.who}: line {self.number} {how}", hint=hint)


def parse_line(data: bytes, number: int, who: str, values: Values) -> Said | None:
    """What a line of ``who`` says; None of an empty one. Raises ``HarnessError`` (NLM-N052, NLM-N060)."""
    if not data.strip():
        return None
    try:
        found = msgspec.json.decode(data, type=dict[str, Any])
        if "ready" in found:
            return _ready(msgspec.convert(found["ready"], Ready), who)
        if "bye" in found:
            return msgspec.convert(found["bye"], Bye)
        if "kind" in found and "fields" in found:
            return Line(number, _short_event(msgspec.convert(found, _Short), values), True, len(data))
        return Line(number, event_from_json(msgspec.json.encode(in_event_form(data))), size=len(data))
    except (msgspec.MsgspecError, RecursionError) as error:
        shown = printable(data[:SHOWN].decode("utf-8", "backslashreplace"))
        hint = "an event of nlmon as JSON on one line: see nlmon schema event"
        raise HarnessError(
            "NLM-N052", f"{who}: line {number} is no event: {shown!r}", why=str(error), hint=hint
        ) from None


def _ready(ready: Ready, who: str) -> Ready:
    if ready.protocol != VERSION:
        what = f"{who} is of version {ready.protocol} of the lines of events"
        raise HarnessError("NLM-N060", what, why=f"nlmon reads version {VERSION}")
    if odd := next((protocol for protocol in ready.groups if not PROTOCOL.fullmatch(protocol)), None):
        raise msgspec.ValidationError(f"groups are listed by the number of their protocol, not by {odd!r}")
    return ready


def _short_event(short: _Short, values: Values) -> Event:
    payload = values.payload(short.kind, short.fields)
    if payload is None:
        raise msgspec.ValidationError(f"there is no kind of event {short.kind!r}")
    return Event(short.timestamp, short.netlink, short.type, 0, 0, 0, 0, 0, short.interface, payload)


def placed(line: Line, message: Event) -> Event:
    """The event of a line as that of a message: where and when that was, which no line knows; of a short one the whole
    header."""
    known: Mapping[str, Any] = {"frame": message.frame, "offset": message.offset, "timestamp": message.timestamp}
    if line.short:
        known = {**known, "msg_flags": message.msg_flags, "seq": message.seq, "pid": message.pid}
    if line.event.nsid is None:
        known = {**known, "nsid": message.nsid}
    return structs.replace(line.event, **known)
