"""A log that a program wrote, as ``events:FILE`` names it, read whole.

Rules:
1. What is wrong with a log is an error that stays with it (``problems``): it never counts as agreement, and what can be
   read is compared all the same.

Not here: what a line is (``lines``), and the implementation that a log stands for (``events``).
"""

from __future__ import annotations

import gzip
from pathlib import Path

from msgspec import Struct

from nlmon.errors import HarnessError, InputError
from nlmon.harness.lines import Bye, Line, Ready, parse_line
from nlmon.harness.values import Values

__all__ = ["LINES_KEPT", "Log", "read_log"]

# Lines of a log, which are kept until all are compared: about 400 MB.
LINES_KEPT = 200_000


class Log(Struct, frozen=True):
    """A log. ``lines``: its events; ``whole``: it says itself that it has all; ``problems``: what is wrong with it."""

    name: str
    ready: Ready
    lines: tuple[Line, ...]
    whole: bool
    problems: tuple[HarnessError, ...]


def read_log(name: str, folder: str = "") -> Log:
    """The log in a file, which may be compressed by gzip, relative to a folder. Raises ``InputError`` (NLM-N050)."""
    path = Path(folder, name)
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("NLM-N050", "a log of events cannot be read", where=str(path), why=why) from None
    if data.count(b"\n") > LINES_KEPT:
        hint = "compare a part: nlmon capture cut makes a shorter recording, and head or tail a shorter log"
        raise InputError("NLM-N050", f"a log has more than {LINES_KEPT:,} lines", where=str(path), hint=hint)
    return log_of(data, path.name)


def log_of(data: bytes, name: str) -> Log:
    """The log that bytes hold."""
    ready, lines, bye = Ready(), list[Line](), None
    problems: list[HarnessError] = []
    values = Values({})
    *whole, rest = data.split(b"\n")
    for number, text in enumerate(whole, 1):
        try:
            said = parse_line(text, number, name, values)
        except HarnessError as error:
            problems.append(error)
            continue
        if isinstance(said, Line):
            lines.append(said)
        elif isinstance(said, Bye):
            bye = said
        elif said is not None:
            ready, values = said, Values(said.absent)
    if rest:
        what, why = f"{name} ends in the middle of line {len(whole) + 1}", "a line ends with a newline"
        problems.append(HarnessError("NLM-N056", what, why=why, hint="copy the log again, when its program has ended"))
    if not lines:
        problems.append(HarnessError("NLM-N053", f"{name} has no event", hint="see that its program wrote there"))
    elif bye is not None and bye.events != len(lines):
        what = f"{name} has {len(lines):,} events and says that there were {bye.events:,}"
        problems.append(HarnessError("NLM-N056", what, hint="the log has lost lines"))
    return Log(name, ready, tuple(lines), bye is not None, tuple(problems))
