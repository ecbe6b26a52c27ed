"""The shape of a range of attributes: what decides how it is walked, and which reader reads what in it.

Two ranges whose ``fixed`` bytes are equal are walked alike by ``Decoder.fill``: the same readers, at the same places,
in the same order. On this all of ``layouts`` stands, so the walk here is that of ``fill``, step by step.

Not here: code (``source``), and when it is made (``cache``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nlmon.backends.libnl.readers import Reader

if TYPE_CHECKING:
    from nlmon.backends.libnl.attributes import Table

__all__ = ["Range", "Shape", "Spot", "shape_of"]

TYPE_MASK = 0x3FFF
# Begin and end in bytes, from the origin of a shape.
Range: TypeAlias = tuple[int, int]


class Spot(NamedTuple):
    """One value: the slot it goes to, its reader, and what the reader is called with, from the origin."""

    slot: int
    read: Reader
    at: int
    begin: int
    end: int


class Shape(NamedTuple):
    """``fixed``: attribute headers, and what is behind the last attribute, which must be zero. ``spots``: values, in
    the order in which they are read. ``length``: of the range, in bytes. All in ascending order."""

    fixed: tuple[Range, ...]
    spots: tuple[Spot, ...]
    length: int


def shape_of(
    data: bytes, table: Table, header: Callable[[bytes, int], tuple[Any, ...]], at: int, end: int, origin: int
) -> Shape | None:
    """Shape of the attributes in ``data[at:end]``, with offsets from ``origin``; None where the walk would report
    something. ``header``: unpacks length and type of an attribute."""
    fixed: list[Range] = []
    spots: list[Spot] = []
    if not _walk(data, table, header, at, end, origin, fixed, spots):
        return None
    return Shape(tuple(fixed), tuple(spots), end - origin)


def _walk(
    data: bytes,
    table: Mapping[int, Any],
    header: Callable[[bytes, int], tuple[Any, ...]],
    at: int,
    end: int,
    origin: int,
    fixed: list[Range],
    spots: list[Spot],
) -> bool:
    while at + 4 <= end:
        length, kind = header(data, at)
        if length < 4 or at + length > end:
            return False
        fixed.append((at - origin, at - origin + 4))
        entry = table.get(kind & TYPE_MASK)
        if entry is not None:
            begin, stop = at + 4, at + length
            if entry.nested is not None:
                if not _walk(data, entry.nested, header, begin, stop, origin, fixed, spots):
                    return False
            elif length - 4 < entry.minimum:
                return False
            else:
                place = at - origin, begin - origin, stop - origin
                spots += (Spot(slot, read, *place) for slot, read in entry.fields)
        at += (length + 3) & ~3
    if at < end:
        if any(data[at:end]):
            return False
        fixed.append((at - origin, end - origin))
    return True
