"""Attributes of one range: the layouts under ``Decoder.walk``, for every protocol and for what is nested.

Not here: messages that are read whole (``messages``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from nlmon.backends.libnl.layouts.cache import Layouts, Shelf, Ways
from nlmon.backends.libnl.layouts.shape import Range, shape_of
from nlmon.backends.libnl.layouts.source import Source, Value
from nlmon.backends.libnl.policies.tables import Table

__all__ = ["RangeLayouts"]


class RangeLayouts:
    """The range layouts of one decoder. ``known``: by policy, family, path and length; a function gets the message that
    is read, the offset of the range, and what the first field is when it is lacking, and gives the values."""

    def __init__(self, layouts: Layouts, sign: str, attribute: Callable[[bytes, int], tuple[Any, ...]]) -> None:
        self._shelf = Shelf()
        self.known: Mapping[Hashable, Ways] = self._shelf.known
        self._layouts = layouts
        self._sign = sign
        self._attribute = attribute

    def walked(self, key: Hashable, data: bytes, at: int, end: int, table: Table, fields: int) -> None:
        """A range was walked without an error."""
        sample = data[at:end]
        layouts, shelf = self._layouts, self._shelf
        if not layouts.wants(shelf, key, sample) or layouts.widened(shelf, key, sample):
            return
        shape = shape_of(sample, table, self._attribute)
        if shape is None:
            return
        values = tuple(Value(s.begin, s.end, "", s.read, s.at) for s in shape.spots)

        def make(loose: Collection[Range]) -> Callable[..., Any]:
            source = Source(self._sign, sample, shape.fixed, values, loose)
            slots = ["first", *["None"] * (fields - 1)]
            for spot, value in zip(shape.spots, source.values, strict=True):
                slots[spot.slot] = value
            return source.function("m, at, first", [f"data = m.data[at:at + {len(sample)}]"], f"[{', '.join(slots)}]")

        layouts.learn(shelf, key, sample, shape.fixed, values, make)
