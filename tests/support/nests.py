"""Attributes of which none stands twice: those that are nested in attributes of one number as one.

Not here: building them one by one (``nlmon.testing.messages``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from nlmon.testing.messages import NLA_F_NESTED, attr

__all__ = ["joined"]


def joined(rows: Iterable[bytes], byteorder: str) -> bytes:
    """Each of ``rows`` holds one attribute; what is nested in those of one number goes into the first of them."""
    header = struct.Struct(("<" if byteorder == "little" else ">") + "HH")
    found: dict[int, bytes] = {}
    for place, row in enumerate(rows):
        length, kind = header.unpack_from(row)
        key = kind if kind & NLA_F_NESTED else -1 - place
        found[key] = found[key] + row[4:] if key in found else row[:length] if key < 0 else row
    return b"".join(
        attr(key, row[4:], byteorder) if key >= 0 else row.ljust((len(row) + 3) & ~3, b"\0")
        for key, row in found.items()
    )
