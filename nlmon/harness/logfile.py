"""A log that a program wrote, as ``events:FILE`` names it, read whole.

Rules:
1. What is wrong with a log is an error that stays with it (``problems``): it never counts as agreement, and what can be
   read is compared all the same.

Not here: what a line is (``lines``), and the implementation that a log stands for (``events``).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from nlmon.errors import HarnessError, InputError
from nlmon.harness.lines import Line, LineReader, Ready

__all__ = ["LINES_KEPT", "Log", "read_log"]

# Lines of a log, which are kept until all are compared: about 400 MB.
LINES_KEPT = 200_000


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
    """The log in a file, which may be compressed by gzip, relative to a folder. Raises ``InputError`` (NLM-N050)."""
    path = Path(folder, name)
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("NLM-N050", "a log of events cannot be read", where=str(path), why=why) from None
    if data.count(b"\n") > LINES_KEPT:
        hint = "compare a part: nlmon capture cut makes a shorter recording, and head or tail a shorter log"
        raise InputError("NLM-N050", f"a log has more than {LINES_KEPT:,} lines", where=str(path), hint=hint)
    return log_of(data, path.name)


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
