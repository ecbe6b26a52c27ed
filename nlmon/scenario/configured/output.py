"""What a monitor has exported in a run, as values: lines, files and metrics.

Rules:
1. A line is read into the event that it gives, so that patterns, filters and the contract hold of it as they do of
   any event; its text stays beside it.
2. What is no line of nlmon is one with an error, and no end of a run.

Not here: what must hold of it (``held``), and how it comes about (``lanes``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from nlmon.config import Problem
from nlmon.eventjson.read import event_from_json
from nlmon.events import Event
from nlmon.exporters.layout import in_event_form
from nlmon.exporters.scraped import Sample, samples_of
from nlmon.exporters.syslogtext import CUT, FACILITIES, SEVERITIES
from nlmon.monitor.status import MonitorStatus
from nlmon.wire import Datagram

__all__ = ["ExportedLine", "LaneOutput", "Sample", "lines_of", "messages_of", "samples_of"]

_PRIORITY = re.compile(r"<(\d{1,3})>")
_FACILITIES = {number: name for name, number in FACILITIES.items()}
_SEVERITIES = {number: name for name, number in SEVERITIES.items()}


class ExportedLine(Struct, frozen=True):
    """A line of an export. ``place``: such as ``line 3 of events.json``; ``object``: as it stands there, ``form``: as
    ``nlmon decode`` has it, ``event``: what it gives; all three None of a text that is none. ``facility``,
    ``severity``: of a message of syslog."""

    place: str
    text: str
    object: dict[str, Any] | None
    form: dict[str, Any] | None
    event: Event | None
    facility: str = ""
    severity: str = ""

    @property
    def cut(self) -> bool:
        """Whether it was too long for a message, and ends where there was room."""
        return self.event is None and self.text.endswith(CUT.decode())


class LaneOutput(Struct, frozen=True):
    """What the monitor of a lane has exported. ``lines``: by the name of an export that was on; ``files``: how many
    lines each file has, of a capture frames, by its path as the configuration has it; ``captured``: what the captures
    hold; ``metrics``: None: it offered none;
    ``rules``: how many events each matched; ``log``: what it said; ``notices``: of its configuration;
    ``heard``: events before its filters, by the name of the protocol; ``status``: the last one of the monitor."""

    name: str
    lines: Mapping[str, tuple[ExportedLine, ...]]
    files: Mapping[str, int]
    captured: tuple[Datagram, ...]
    metrics: tuple[Sample, ...] | None
    rules: Mapping[str, int]
    log: tuple[str, ...]
    notices: tuple[Problem, ...]
    heard: Mapping[str, int] = {}
    status: MonitorStatus | None = None


def lines_of(data: bytes, file: str) -> Iterator[ExportedLine]:
    """The lines of a file of JSON lines; ``file``: what it is called."""
    for number, line in enumerate(data.splitlines(), 1):
        yield _line(line, f"line {number} of {file}")


def messages_of(messages: Iterable[bytes]) -> Iterator[ExportedLine]:
    """Messages of syslog, whose text ends with the line of an event."""
    for number, message in enumerate(messages, 1):
        line = _line(message[max(message.find(b"{"), 0) :], f"message {number} of syslog")
        found = _PRIORITY.match(message.decode("utf-8", "replace"))
        facility, severity = divmod(int(found[1]), 8) if found else (-1, -1)
        yield msgspec.structs.replace(
            line,
            text=message.decode("utf-8", "replace"),
            facility=_FACILITIES.get(facility, str(facility)),
            severity=_SEVERITIES.get(severity, str(severity)),
        )


def _line(data: bytes, place: str) -> ExportedLine:
    text = data.decode("utf-8", "replace")
    try:
        form = in_event_form(data)
        event = event_from_json(msgspec.json.encode(form))
    except msgspec.MsgspecError:
        return ExportedLine(place, text, None, None, None)
    return ExportedLine(place, text, msgspec.json.decode(data), form, event)
