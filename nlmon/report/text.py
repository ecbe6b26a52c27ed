"""Text from a recording or a file system, made fit for a terminal.

Names of interfaces and files may hold anything (dev_valid_name() in net/core/dev.c refuses only spaces, slashes and
colons), an escape sequence that rewrites the verdict among it.

Rules:
1. What is printed for people goes through ``printable``; JSON escapes by itself.
2. Nothing is dropped: what cannot be shown is shown as its escape.

Not here: colours and tables.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["printable", "shown_path"]


def printable(text: str) -> str:
    """``text`` with every character that is not printable as ``\\xNN``, ``\\uNNNN``; line ends included."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def shown_path(path: Path | str) -> str:
    """A path as text that JSON can hold: bytes of its name that are not UTF-8 as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
