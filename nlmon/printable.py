"""Text from a recording or a file system, made fit for a terminal.

Names of interfaces and files may hold anything (dev_valid_name() in net/core/dev.c refuses only spaces, slashes and
colons), an escape sequence that rewrites the verdict among it. JSON escapes the controls of ASCII by itself; DEL, those
of Latin-1, which terminals obey as well, and those that turn the direction of text it does not.

Rules:
1. What is printed for people goes through ``printable``, and JSON, when it is written, through ``printable_json``.
2. Nothing is dropped: what cannot be shown is shown as its escape, and JSON holds the same values as before.

Not here: what else is done with text that people read (``nlmon.report.text``).
"""

from __future__ import annotations

import re
import struct

__all__ = ["printable", "printable_json"]

# All that JSON may hold as it is and that a terminal may obey is DEL or no ASCII.
_SUSPECT = re.compile(r"[^\x00-\x7e]+")


def printable(text: str) -> str:
    """``text`` with every character that is not printable as ``\\xNN``, ``\\uNNNN``; line ends included."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def printable_json(data: bytes) -> bytes:
    """The same JSON with every character that is not printable as ``\\uNNNN``."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _SUSPECT.sub(lambda found: _escaped(found[0]), data.decode()).encode()


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "".join(map("\\u{:04x}".format, _units(c))) for c in text)


def _units(character: str) -> tuple[int, ...]:
    """A character in UTF-16, as JSON escapes it."""
    data = character.encode("utf-16-be")
    return struct.unpack(f">{len(data) // 2}H", data)
