"""Attributes of one range: the layouts under ``Decoder.values``, for every protocol and for what is nested.

Not here: messages that are read whole (``messages``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from nlmon.backends.libnl.layouts.cache import InlineCache, KeySpace, LayoutStore, Sample
from nlmon.backends.libnl.layouts.shape import Range, shape_of
from nlmon.backends.libnl.layouts.source import Program, Source, Value
from nlmon.backends.libnl.policies import Policy
from nlmon.backends.libnl.policies.tables import Table

__all__ = ["RangeLayouts"]

# Policy by its address, family, path and length.
Key: TypeAlias = tuple[int, int, str, int]


class RangeLayouts:
    """The range layouts of one decoder. ``caches``: by key; a function gets the message that is read and the offset of
    the range, and gives the values. ``policies`` names them, by their address, for people."""

    def __init__(
        self,
        store: LayoutStore,
        protocol: int,
        sign: str,
        attribute: Callable[[bytes, int], tuple[Any, ...]],
        policies: Mapping[int, str],
    ) -> None:
        self._space = KeySpace(self._describe)
        self.caches: Mapping[Key, InlineCache] = self._space.caches
        self._store = store
        self._protocol = protocol
        self._sign = sign
        self._attribute = attribute
        self._policies = policies

    def walked(self, key: Key, data: bytes, at: int, end: int, table: Table, policy: Policy) -> None:
        """A range was walked without an error."""
        sample = data[at:end]
        store, space = self._store, self._space
        if not store.should_compile(space, key, sample) or store.widen(space, key, sample):
            return
        shape = shape_of(sample, table, self._attribute)
        if shape is None:
            return
        fields = policy.fields
        values = tuple(Value(fields[s.slot], s.begin, s.end, "", s.read, s.at) for s in shape.spots)

        def write(loose: Collection[Range]) -> Program:
            source = Source(self._sign, sample, shape.fixed, values, loose)
            source.absent(fields, None)
            result = ", ".join("None" if source.constants.get(name, 0) is None else name for name in fields)
            return source.program("m, at", f"[{result}]", before=[f"data = m.data[at:at + {len(sample)}]"])

        store.add(space, key, Sample(sample, shape.fixed, values, write))

    def _describe(self, key: Key) -> tuple[int, int, str]:
        policy, family, path, _ = key
        where = f" in {path}" if path else ""
        return self._protocol, -1, f"attributes{where} by {self._policies.get(policy, 'a policy')}, family {family}"
