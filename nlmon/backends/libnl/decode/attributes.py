"""Compiles policies into tables, and walks attributes with them: what every decoder of a protocol stands on.

A policy becomes, per family and byte order, a table from attribute number to the smallest payload, the path,
and the readers with the slots of their fields. One walk over the attributes fills the slots; what lacks an
attribute stays None.

Rules of this file:
1. Families decide how addresses are read, so tables are compiled per family, once, when first needed.
2. The walk checks every length before a reader sees the payload.
3. A range that looks like one that was walked before is read by its layout (``layouts``), which gives the same.

Not here: what a message is (``route``, ``generic``, ``sockets``, ...) and the messages of a datagram
(``messages``).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from nlmon.backends.libnl.layouts.cache import LARGEST, Layouts
from nlmon.backends.libnl.layouts.ranges import RangeLayouts
from nlmon.backends.libnl.policies import Attr, Policy
from nlmon.backends.libnl.policies.readers import Reader, Reading, plain_readers, string
from nlmon.backends.libnl.policies.resolve import numbers
from nlmon.backends.libnl.policies.tables import Compiled, Table, frozen
from nlmon.events import Payload

__all__ = ["NLMSGHDR", "TYPE_MASK", "Decoder", "Found"]

NLMSGHDR = 16
TYPE_MASK = 0x3FFF  # NLA_TYPE_MASK: the two top bits say nested and byte order

# What a decoder makes of a message: the payload (None: no event for it), and the interface by index and by name.
Found: TypeAlias = tuple[Payload | None, int | None, str | None]


class Decoder:
    """Base of the decoders of one protocol, for one byte order.

    Policies are attributes of its classes, so that a subclass can replace one. What they compile to depends on the
    class and the byte order alone, and is shared by all instances of these.
    """

    _compiled: ClassVar[Mapping[str, Compiled]] = {"little": {}, "big": {}}

    def __init_subclass__(cls) -> None:
        cls._compiled = {"little": {}, "big": {}}

    def __init__(self, byteorder: str) -> None:
        self.sign = "<" if byteorder == "little" else ">"
        self.attribute = struct.Struct(self.sign + "HH").unpack_from
        self._plain = plain_readers(self.sign)
        self._tables = self._compiled[byteorder]
        self._ranges: RangeLayouts | None = None
        # Policies that are part of a message which is read whole.
        self._whole: Collection[int] = ()

    def remember(self, layouts: Layouts) -> None:
        """Use layouts, unless a subclass walks in its own way."""
        if self.walks_as(Decoder, "walk", "fill"):
            self._ranges = RangeLayouts(layouts, self.sign, self.attribute)

    def walks_as(self, known: type, *names: str) -> bool:
        """Whether methods are those of ``known``, and neither a subclass nor this object has others."""
        return all(getattr(getattr(self, name), "__func__", None) is getattr(known, name) for name in names)

    def read_whole(self, policies: Collection[int]) -> None:
        """Policies, by their address, whose messages have layouts of their own; of their attributes none are made."""
        self._whole = policies

    def walk(
        self,
        m: Reading,
        policy: Policy,
        family: int,
        at: int,
        end: int,
        path: str = "",
        *,
        first: Any = None,
        framing: str = "",
    ) -> list[Any]:
        """Values of a message, or of the nested attribute at ``path``, in policy order, None for what it lacks;
        ``first`` is the value of the first row when that is lacking. ``framing``: what attributes that do not fit are
        reported as, where that is not ``path``."""
        # What is part of a message that is read whole has no layouts of its own.
        ranges = None if id(policy) in self._whole else self._ranges
        if ranges is not None:
            ways = ranges.known.get((id(policy), family, path, end - at))
            if ways is not None:
                found: list[Any] | None = ways.first(m, at, first) or ways.second(m, at, first)
                if found is not None:
                    ways.hits += 1
                    return found
        table, fields = self.table(policy, family, path)
        values: list[Any] = [None] * fields
        values[0] = first
        errors = len(m.errors)
        self.fill(m, table, at, end, values, framing or path)
        if ranges is not None and len(m.errors) == errors and end - at <= LARGEST:
            ranges.walked((id(policy), family, path, end - at), m.data, at, end, table, fields)
        return values

    def table(self, policy: Policy, family: int, path: str) -> tuple[Table, int]:
        """What a policy compiles to for one family, nested in the attribute at ``path``; and its number of fields."""
        key = (id(policy), family, path)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = self._compile(policy, family, path), len(policy.fields), policy
        return found[0], found[1]

    def fill(self, m: Reading, table: Table, at: int, end: int, values: list[Any], path: str) -> None:
        """Read the attributes of a range that the table knows into the slots of ``values``."""
        data, attr = m.data, self.attribute
        while at + 4 <= end:
            length, kind = attr(data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return
            entry = table.get(kind & TYPE_MASK)
            if entry is not None:
                if entry.nested is not None:
                    self.fill(m, entry.nested, at + 4, at + length, values, entry.path)
                elif length - 4 < entry.minimum:
                    m.bad(at, entry.path, f"{length - 4} bytes, the policy wants at least {entry.minimum}")
                    for slot, _ in entry.fields:
                        values[slot] = None
                else:
                    for slot, read in entry.fields:
                        values[slot] = read(m, at, at + 4, at + length)
            at += (length + 3) & ~3
        if at < end and any(data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")

    def children(self, m: Reading, begin: int, end: int, path: str) -> Iterator[tuple[int, int, int, int]]:
        """(number, offset, begin and end of the payload) of each attribute in a range."""
        at = begin
        while at + 4 <= end:
            length, kind = self.attribute(m.data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return
            yield kind & TYPE_MASK, at, at + 4, at + length
            at += (length + 3) & ~3
        if at < end and any(m.data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Smallest payload and reader for one row, None where the family has no such value. A protocol adds the
        kinds of its own."""
        if row.kind == "string":
            return 0, string(row.path, row.longest)
        minimum, make = self._plain[row.kind]
        return row.begin + minimum, make(row.begin)

    def _compile(self, policy: Policy, family: int, inside: str) -> Table:
        """The table of a policy for one family; rows of which this family has no value are left out. ``inside`` is
        the path of the attribute that all this is nested in."""
        known = numbers(policy)
        tree: dict[int, Any] = {}
        slots = {field: slot for slot, field in enumerate(policy.fields)}
        for row in policy.attributes:
            slot = slots[row.field]
            whole = f"{inside}/{row.path}".lstrip("/")
            made = self.reader(row._replace(path=whole), family)
            if made is None:
                continue
            minimum, read = made
            level, path = tree, inside
            *outer, last = zip(known[row.path], row.path.split("/"), strict=True)
            for number, name in outer:
                path = f"{path}/{name}".lstrip("/")
                level = level.setdefault(number, (0, path, [], {}))[3]
            entry = level.setdefault(last[0], (0, whole, [], None))
            level[last[0]] = (max(entry[0], minimum), whole, [*entry[2], (slot, read)], None)
        return frozen(tree)
