"""The shape of a range of attributes: what decides how it is walked, and which reader reads what in it.

Two ranges whose ``fixed`` bytes are equal are walked alike by ``Decoder.fill``: the same readers, at the same places,
in the same order. On this all of ``layouts`` stands, so the walk here is that of ``fill``, step by step.

Not here: code (``source``), and when it is made (``cache``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from nlmon.backends.libnl.policies.readers import Reader
from nlmon.backends.libnl.policies.tables import Table
from nlmon.backends.libnl.uapi import NLA_TYPE_MASK

__all__ = ["Range", "Shape", "Spot", "shape_of"]

# Begin and end in bytes, from the beginning of what has the shape.
Range: TypeAlias = tuple[int, int]


class Spot(NamedTuple):
    """One value: the slot it goes to, its reader, and what the reader is called with."""

    slot: int
    read: Reader
    at: int
    begin: int
    end: int


class Shape(NamedTuple):
    """``fixed``: attribute headers, and what is behind the last attribute, which must be zero, in ascending order.
    ``spots``: values, in the order in which they are read."""

    fixed: tuple[Range, ...]
    spots: tuple[Spot, ...]


def shape_of(data: bytes, table: Table, header: Callable[[bytes, int], tuple[Any, ...]], at: int = 0) -> Shape | None:
    """Shape of the attributes from ``at`` to the end of ``data``; None where the walk would report something.
    ``header``: unpacks length and type of an attribute."""
    fixed: list[Range] = []
    spots: list[Spot] = []
    if not _walk(data, table, header, at, len(data), fixed, spots):
        return None
    return Shape(tuple(fixed), tuple(spots))


def _walk(
    data: bytes,
    table: Mapping[int, Any],
    header: Callable[[bytes, int], tuple[Any, ...]],
    at: int,
    end: int,
    fixed: list[Range],
    spots: list[Spot],
) -> bool:
    while at + 4 <= end:
        length, kind = header(data, at)
        if length < 4 or at + length > end:
            return False
        fixed.append((at, at + 4))
        entry = table.get(kind & NLA_TYPE_MASK)
        if entry is not None:
            begin, stop = at + 4, at + length
            if entry.nested is not None:
                # Where it stands twice, what an earlier one held counts no more: that is left to ``fill``.
                if any(spot.slot in entry.slots for spot in spots):
                    return False
                if not _walk(data, entry.nested, header, begin, stop, fixed, spots):
                    return False
            elif length - 4 < entry.minimum:
                return False
            else:
                spots += (Spot(slot, read, at, begin, stop) for slot, read in entry.fields)
        at += (length + 3) & ~3
    if at < end:
        if any(data[at:end]):
            return False
        fixed.append((at, end))
    return True
