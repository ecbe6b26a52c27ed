"""Since when nobody has listened: what a monitor that starts finds in the file that it goes on writing.

Rules:
1. The last whole line of a file says it; a file that cannot be read, or is none of ours, says nothing.

Not here: writing the file (``nlmon.exporters.files``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from nlmon.exporters.logfile import whole_lines
from nlmon.monitor.status import time_text

__all__ = ["last_event"]

# Bytes of the end of a file that are looked at; a line is shorter.
TAIL = 1 << 20


class _Line(Struct):
    timestamp: int | str


def last_event(path: Path) -> str:
    """The time of the last event in a file of JSON lines, for people; empty where there is none."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags)
        try:
            end = whole_lines(descriptor, os.fstat(descriptor).st_size)
            begin = max(0, end - TAIL)
            os.lseek(descriptor, begin, os.SEEK_SET)
            lines = os.read(descriptor, end - begin).splitlines()
        finally:
            os.close(descriptor)
        if lines:
            when = msgspec.json.decode(lines[-1], type=_Line).timestamp
            return when if isinstance(when, str) else time_text(when, "microseconds")
    return ""
