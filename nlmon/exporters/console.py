"""Events on standard output, as JSON lines or as lines for people.

    2026-11-30T09:30:00.000250Z RTM_NEWLINK eth0 operstate=UP mtu=1500 …

Rules:
1. A line is written as a whole, whatever the reader of the output is slow at.
2. Where the reader has gone, that is a failure like any other (NLM-O030).

Not here: what a line of JSON holds (``layout``).
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from nlmon.errors import ExportError, reason_of
from nlmon.events import Event
from nlmon.exporters.layout import exported, exported_line
from nlmon.printable import printable

__all__ = ["ConsoleExporter", "event_text"]

STDOUT = 1
# Bytes that are written in one step.
AT_ONCE = 1 << 16


class ConsoleExporter:
    """Writes a line for each event to a descriptor; see ``Exporter``. ``text``: for people."""

    def __init__(self, *, text: bool = False, descriptor: int = STDOUT, name: str = "console") -> None:
        self.name = name
        self.written = 0
        self._descriptor = descriptor
        self._text = text
        self._waiting: deque[bytes] = deque()
        # Bytes of the first line that are out.
        self._sent = 0

    def open(self) -> None:
        """Nothing: the output is open."""

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event."""
        self._waiting.append(f"{event_text(event)}\n".encode() if self._text else exported_line(event))

    def flush(self) -> None:
        """Write what was taken."""
        while self._waiting:
            lines, size = [], 0
            for line in self._waiting:
                lines.append(line)
                size += len(line)
                if size >= AT_ONCE:
                    break
            try:
                sent = self._sent + os.write(self._descriptor, b"".join(lines)[self._sent :])
            except OSError as error:
                raise ExportError(
                    *("NLM-O030", "events cannot be written to standard output"),
                    why=reason_of(error),
                    hint="the program that reads them may have ended",
                ) from error
            while self._waiting and sent >= len(self._waiting[0]):
                sent -= len(self._waiting.popleft())
                self.written += 1
            self._sent = sent

    def drop(self) -> int:
        """Forget what was taken and is not written."""
        dropped = len(self._waiting)
        self._waiting.clear()
        self._sent = 0
        return dropped

    def close(self) -> None:
        """Nothing: the output stays open."""


def event_text(event: Event) -> str:
    """An event as a line for people: when, what, about which interface, and what the message carried."""
    line = exported(event)
    netlink = line["netlink"]
    seconds, rest = divmod(event.timestamp, 1_000_000_000)
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"
    kind = netlink["msg_type"] if event.type == "netlink" else event.type
    if "genl_cmd" in netlink:
        kind = f"{netlink.get('genl_family_name') or netlink['genl_family_id']} cmd={netlink['genl_cmd']}"
    payload = next((one for key, one in netlink.items() if isinstance(one, dict) and key != "_num"), {})
    words = (stamp, kind, event.interface or "-", *(f"{key}={text}" for key, text in _fields(payload)))
    return printable(" ".join(words))


def _fields(payload: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Each value that is given, by its path."""
    for key, value in payload.items():
        if key == "_num" or value is None or value == []:
            continue
        if isinstance(value, dict):
            yield from _fields(value, f"{before}{key}.")
        elif isinstance(value, list):
            yield f"{before}{key}", ",".join(map(_shown, value))
        else:
            yield f"{before}{key}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{key}={text}" for key, text in _fields(value)) + "}"
    if isinstance(value, list):
        return ":".join(map(_shown, value))
    return str(value)
