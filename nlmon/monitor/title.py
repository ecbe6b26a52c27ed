"""The name by which ps(1) and pidof(8) know this process: ``nlmon``, and not the interpreter that runs it.

    top -p $(pidof nlmon)

Rules:
1. The words of the command line stay, in their order, but for the interpreter and its options.
2. Where the system has no such thing the name stays as it is; nothing depends on it.

Not here: the name of a thread, which top(1) shows and which is that of the script already.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["set_title"]

# Fields of /proc/PID/stat behind the name in parentheses, counted from 0: proc(5) has arg_start as the 48th of all.
BEGIN, END = 45, 46


def set_title(words: Sequence[str]) -> bool:
    """Give this process other words for a command line, if there is room for them; whether there was."""
    import ctypes  # noqa: PLC0415  (start-up: only a monitor has a title)

    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        begin, end = int(fields[BEGIN]), int(fields[END])
    except (OSError, IndexError, ValueError):
        return False
    title = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)
    if not 0 < len(title) <= end - begin:
        return False
    # The kernel shows what is in this memory of ours, up to its end.
    ctypes.memmove(begin, title.ljust(end - begin, b"\0"), end - begin)
    return True
