"""Lines in which a program says what it made of messages, without their bytes: a log, or what it prints while it runs.

    {"ready": {"name": "mine", "version": "1.2", "netlink": [0], "groups": {"0": [1, 5]}}}     may come first
    {"type": 16, "netlink": 0, "kind": "link", "fields": {"ifindex": 4, "mtu": 1500}}          an event
    {"bye": {"events": 1}}                                                                     may come last

Rules:
1. An event is written as nlmon writes it (``nlmon.eventjson``, ``nlmon.exporters.layout``), or shortly, as above, with
   the kinds and fields of the harness protocol; what the short form does not have is that of the message.
2. What is no such line is an error with its place. An empty line is nothing.

Not here: which message a line belongs to (``nlmon.compare.sequences``), files (``logfile``) and processes (``live``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from nlmon.errors import HarnessError
from nlmon.eventjson.read import event_from_json
from nlmon.events import Event
from nlmon.exporters.layout import in_event_form
from nlmon.harness.values import Values
from nlmon.printable import printable

__all__ = ["Bye", "Line", "Ready", "parse_line", "placed"]

# The version of these lines, and of one that is shown so many bytes.
VERSION, SHOWN = 1, 100


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
    header but the type."""

    number: int
    event: Event
    short: bool = False


class _Short(Struct):
    type: int
    kind: str
    fields: dict[str, Any]
    netlink: int = 0
    interface: str | None | UnsetType = UNSET
    timestamp: int = 0


Said: TypeAlias = Ready | Bye | Line


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
            return Line(number, _short_event(msgspec.convert(found, _Short), values), short=True)
        return Line(number, event_from_json(msgspec.json.encode(in_event_form(data))))
    except msgspec.MsgspecError as error:
        shown = printable(data[:SHOWN].decode("utf-8", "backslashreplace"))
        hint = "an event of nlmon as JSON on one line: see nlmon schema event"
        raise HarnessError(
            "NLM-N052", f"{who}: line {number} is no event: {shown!r}", why=str(error), hint=hint
        ) from None


def _ready(ready: Ready, who: str) -> Ready:
    if ready.protocol != VERSION:
        what = f"{who} is of version {ready.protocol} of the lines of events"
        raise HarnessError("NLM-N060", what, why=f"nlmon reads version {VERSION}")
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
