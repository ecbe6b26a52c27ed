"""A log that a program wrote, as ``events:FILE`` names it, read whole.

Rules:
1. What is wrong with a log is an error that stays with it (``problems``): it never counts as agreement, and what can be
   read is compared all the same.

Not here: what a line is (``lines``), and the implementation that a log stands for (``events``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from nlmon.capture.source import CHUNK, Source, open_source
from nlmon.errors import CaptureError, HarnessError, InputError
from nlmon.harness.lines import Line, LineReader, Ready

__all__ = ["LARGEST", "LINES_KEPT", "Log", "log_of", "read_log"]

# Lines of a log, which are kept until all are compared: about 400 MB.
LINES_KEPT = 200_000
# Bytes of a log once it is unpacked.
LARGEST = 1 << 30
# What a file without a byte is refused with, where it is to be a recording.
EMPTY = "NLM-C004"


class Log(Struct, frozen=True):
    """A log. ``lines``: its events; ``whole``: it says itself that it has all; ``problems``: what is wrong with it;
    ``unknown``: see ``LineReader``."""

    name: str
    ready: Ready
    lines: tuple[Line, ...]
    whole: bool
    problems: tuple[HarnessError, ...]
    unknown: Mapping[str, int] = {}


def read_log(name: str, folder: str = "") -> Log:
    """The log in a file, which may be compressed by gzip or zstd, relative to a folder. Raises ``InputError``
    (NLM-N050)."""
    path = Path(folder, name)
    try:
        source = open_source(path.absolute())
    except CaptureError as error:
        if error.code == EMPTY:  # a program that printed nothing
            return log_of(b"", path.name)
        raise _unreadable(path, error.why or error.what) from None
    try:
        data = _bounded(source, path)
    finally:
        source.close()
    if source.broken:
        raise _unreadable(path, source.broken)
    return log_of(data, path.name)


def _unreadable(path: Path, why: str) -> InputError:
    return InputError("NLM-N050", "a log of events cannot be read", where=str(path), why=why)


def _bounded(source: Source, path: Path) -> bytes:
    """All of a log, whose bounds are watched while it is unpacked: a small file may hold any number of bytes."""
    data, lines = bytearray(), 0
    while part := source.take(CHUNK):
        data += part
        lines += part.count(b"\n")
        if lines > LINES_KEPT or len(data) > LARGEST:
            what = f"{LINES_KEPT:,} lines" if lines > LINES_KEPT else f"{LARGEST:,} bytes"
            hint = "compare a part: nlmon capture cut makes a shorter recording, and head or tail a shorter log"
            raise InputError("NLM-N050", f"a log has more than {what}", where=str(path), hint=hint)
    return bytes(data)


def log_of(data: bytes, name: str) -> Log:
    """The log that bytes hold."""
    reader, lines = LineReader(name), list[Line]()
    problems: list[HarnessError] = []
    *whole, rest = data.split(b"\n")
    for text in whole:
        try:
            line = reader.read(text)
        except HarnessError as error:
            problems.append(error)
            continue
        if line is not None:
            lines.append(line)
    if rest:
        what, why = f"{name} ends in the middle of line {len(whole) + 1}", "a line ends with a newline"
        problems.append(HarnessError("NLM-N056", what, why=why, hint="copy the log again, when its program has ended"))
    ready = Ready() if reader.ready is None else reader.ready
    return Log(name, ready, tuple(lines), reader.bye is not None, tuple(problems), reader.unknown)
