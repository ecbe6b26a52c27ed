"""Two events side by side, and the bytes of a message with those marked in which it differs.

Rules:
1. Nothing is decoded: what stands where in a message was found with the difference (``nlmon.report.evidence``).

Not here: the differences (``view``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Literal

from msgspec import Struct

from nlmon.report.evidence import Example

__all__ = ["FieldRow", "byte_lines", "field_rows"]

PER_LINE = 16
# Bytes as characters of Latin-1, with a dot in the middle for what is not ASCII.
_READABLE = bytes(byte if 0x20 <= byte < 0x7F else 0xB7 for byte in range(256))


class FieldRow(Struct, frozen=True):
    """A field in two events: its path, and its value in each, None where an event does not have it. ``how``: the values
    differ or are the same, one event alone has the field, or it is part of the whole of the only event."""

    name: str
    reference: str | None
    candidate: str | None
    how: Literal["differs", "same", "alone", "whole"]


def field_rows(
    reference: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None, field: str = ""
) -> list[FieldRow]:
    """Every field of two events, those of the reference first; of an event that is not there none has a value.
    ``field``: the one that the difference is about, which differs even if one event alone has it."""
    sides = [None if event is None else dict(_flat(event)) for event in (reference, candidate)]
    names = dict.fromkeys(name for side in sides if side is not None for name in side)
    rows = []
    for name in names:
        left, right = (None if side is None else side.get(name) for side in sides)
        about = bool(field) and f".{name}".endswith(f".{field}")
        how: Literal["differs", "same", "alone", "whole"] = (
            "whole"
            if None in sides
            else "same"
            if left == right
            else "alone"
            if None in {left, right} and not about
            else "differs"
        )
        rows.append(FieldRow(name, left, right, how))
    return rows


def byte_lines(example: Example) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Lines of the bytes: the offset, then pieces of text with what they are, ``differs``, ``key`` or nothing, and last
    the bytes as ASCII. Each byte is three characters wide, so that the script finds it by its number."""
    data = bytes.fromhex(example.bytes)
    kinds = [""] * len(data)
    if example.at is not None:
        _mark(kinds, *example.at, "differs")
    for part in example.attributes:
        if part.hidden:
            _mark(kinds, part.offset, part.length, "key")
    for start in range(0, len(data), PER_LINE):
        line = data[start : start + PER_LINE]
        pieces: list[tuple[str, str]] = []
        first = start
        for kind, run in groupby(kinds[start : start + PER_LINE]):
            after = first + sum(1 for _ in run)
            pieces += [(data[first:after].hex(" "), kind), (" ", "")]
            first = after
        shown = line.translate(_READABLE).decode("latin-1")
        pieces.append((" " * (3 * (PER_LINE - len(line)) + 1) + shown, "ascii"))
        yield f"{start:08x}", pieces


def _mark(kinds: list[str], offset: int, length: int, kind: str) -> None:
    for number in range(max(0, offset), min(offset + length, len(kinds))):
        kinds[number] = kind


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of an event: a dotted path and the value, as JSON where it is no text."""
    for key, one in value.items():
        name = f"{before}{key}"
        if isinstance(one, Mapping) and one:
            yield from _flat(one, f"{name}.")
        else:
            yield name, one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
