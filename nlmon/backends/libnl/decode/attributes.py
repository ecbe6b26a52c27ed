"""Compiles policies into tables, and walks attributes with them: what every decoder of a protocol stands on.

A policy becomes, per family and byte order, a table from attribute number to the smallest payload, the path,
and the readers with the slots of their fields. One walk over the attributes fills the slots; what lacks an
attribute stays None. Where a recipe says how the payload is made of these values, the handler is ``by_recipe``.

Rules of this file:
1. Families decide how addresses are read, so tables are compiled per family, once, when first needed.
2. The walk checks every length before a reader sees the payload.
3. Of an attribute that stands twice the last one counts, with all that is nested in it, as in the kernel (nla_parse).
4. A range that resembles one that was walked before is read by its layout (``layouts``), which gives the same.

Not here: the fixed headers and structures of a protocol (``route``, ``generic``, ``sockets``, ...) and the messages of
a datagram (``messages``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from nlmon.backends.libnl.layouts.cache import LARGEST_SAMPLE, LayoutStore
from nlmon.backends.libnl.layouts.ranges import RangeLayouts
from nlmon.backends.libnl.policies import Attr, Policy
from nlmon.backends.libnl.policies.readers import DecodeContext, Reader, link_address, plain_readers, string
from nlmon.backends.libnl.policies.recipes import Recipe, builder
from nlmon.backends.libnl.policies.resolve import header_codes, numbers
from nlmon.backends.libnl.policies.tables import Compiled, Table, frozen
from nlmon.backends.libnl.uapi import NLA_TYPE_MASK, NLMSG_HDRLEN
from nlmon.backends.reads import WHOLE, Attributes, Node, Reads
from nlmon.events import Payload

__all__ = ["Decoder", "Found"]


# What a decoder makes of a message: the payload (None: no event for it), and the interface by index and by name.
Found: TypeAlias = tuple[Payload | None, int | None, str | None]
# A recipe for one byte order: with its policy, what unpacks the header, its size in bytes, and the builder.
_Prepared: TypeAlias = tuple[Recipe, Policy, Callable[[bytes, int], tuple[Any, ...]], int, Callable[..., Any]]


class Decoder:
    """Base of the decoders of one protocol, for one byte order.

    Policies are attributes of its classes, so that a subclass can replace one. What they compile to depends on the
    class and the byte order alone, and is shared by all instances of these. ``recipes``: how payloads are made.

    A class whose messages and ranges may be read by layouts declares it (``class Mine(RouteDecoder, layouts=True)``),
    and no subclass inherits that: a handler or a walk that it replaces would be passed by.
    """

    recipes: ClassVar[Mapping[str, Recipe]] = MappingProxyType({})
    # Handler -> its policy, and the fields of it that go into no event. Handlers with a recipe use all of theirs.
    uses: ClassVar[Mapping[str, tuple[str, frozenset[str]]]] = MappingProxyType({})
    uses_layouts: ClassVar[bool] = False
    # Whether its messages begin with an address family that decides what is read of them.
    of_families: ClassVar[bool] = True
    _compiled: ClassVar[Mapping[str, Compiled]] = {"little": {}, "big": {}}

    def __init_subclass__(cls, *, layouts: bool = False) -> None:
        cls.uses_layouts = layouts
        cls._compiled = {"little": {}, "big": {}}

    def __init__(self, byteorder: str) -> None:
        self.sign = "<" if byteorder == "little" else ">"
        # Length and type of an attribute.
        self.attribute: Callable[[bytes, int], tuple[Any, ...]] = struct.Struct(self.sign + "HH").unpack_from
        self._plain = plain_readers(self.sign)
        self._tables = self._compiled[byteorder]
        self._by_recipe: dict[str, _Prepared] = {}
        self._ranges: RangeLayouts | None = None

    def use_layouts(self, store: LayoutStore, protocol: int) -> None:
        """Read ranges by layouts, if this class declares them."""
        if self.uses_layouts:
            policies = {id(getattr(self, name)): name for name in dir(type(self)) if name.endswith("_policy")}
            self._ranges = RangeLayouts(store, protocol, self.sign, self.attribute, policies)

    def recipe_of(self, handler: str, msg_type: int, first: int) -> Recipe | None:
        """The recipe by which a handler, called by its name, reads messages of a type whose body begins with the byte
        ``first``; None: it does more than a recipe says."""
        return self.recipes.get(handler)

    def by_recipe(
        self,
        name: str,
        m: DecodeContext,
        start: int,
        end: int,
        msg_type: int | None = None,
        left_out: tuple[int, int] | None = None,
    ) -> Found:
        """What the recipe called ``name`` makes of a message; ``msg_type`` is given where the recipe needs it. Such a
        message has a layout as a whole, and so none for its attributes. ``left_out``: begin and end of what is not read
        as attributes."""
        recipe, policy, header, size, build = self._by_recipe.get(name) or self._prepare(name)
        head = header(m.data, start + NLMSG_HDRLEN)
        table, fields = self.table(policy, head[0] if recipe.per_family else 0, "")
        values: list[Any] = [None] * fields
        values[0] = recipe.missing
        at = start + NLMSG_HDRLEN + size
        if left_out is not None:
            self.fill(m, table, at, left_out[0], values, recipe.framing)
            at = left_out[1]
        self.fill(m, table, at, end, values, recipe.framing)
        found: Found = build(msg_type, *head, *values)
        return found

    def _prepare(self, name: str) -> _Prepared:
        recipe = self.recipes[name]
        policy: Policy = getattr(self, recipe.policy)
        header = struct.Struct(self.sign + "".join(header_codes(policy)))
        made = recipe, policy, header.unpack_from, header.size, builder(recipe, policy.fields)
        self._by_recipe[name] = made
        return made

    def values(self, m: DecodeContext, policy: Policy, family: int, at: int, end: int, path: str = "") -> list[Any]:
        """Values of a message, or of the nested attribute at ``path``, in policy order, None for what it lacks; by a
        layout where one fits."""
        ranges = self._ranges
        if ranges is not None:
            key = id(policy), family, path, end - at
            cache = ranges.caches.get(key)
            if cache is not None:
                found: list[Any] | None = cache.primary(m, at) or cache.fallback(m, at)
                if found is not None:
                    cache.hits += 1
                    return found
        table, fields = self.table(policy, family, path)
        values: list[Any] = [None] * fields
        errors = len(m.errors)
        self.fill(m, table, at, end, values, path)
        if ranges is not None and len(m.errors) == errors and end - at <= LARGEST_SAMPLE:
            ranges.walked(key, m.data, at, end, table, policy)
        return values

    def table(self, policy: Policy, family: int, path: str) -> tuple[Table, int]:
        """What a policy compiles to for one family, nested in the attribute at ``path``; and its number of fields."""
        key = (id(policy), family, path)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = self._compile(policy, family, path), len(policy.fields), policy
        return found[0], found[1]

    def fill(self, m: DecodeContext, table: Table, at: int, end: int, values: list[Any], path: str) -> None:
        """Walk a range: read the attributes that the table knows into the slots of ``values``. ``path`` is that of what
        the range is in, where attributes that do not fit are reported."""
        data, attr = m.data, self.attribute
        while at + 4 <= end:
            length, kind = attr(data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return
            entry = table.get(kind & NLA_TYPE_MASK)
            if entry is not None:
                if entry.nested is not None:
                    for slot in entry.slots:
                        values[slot] = None
                    self.fill(m, entry.nested, at + 4, at + length, values, entry.path)
                elif length - 4 < entry.minimum:
                    m.bad(at, entry.path, f"{length - 4} bytes, the policy wants at least {entry.minimum}")
                    for slot in entry.slots:
                        values[slot] = None
                else:
                    for slot, read in entry.fields:
                        values[slot] = read(m, at, at + 4, at + length)
            at += (length + 3) & ~3
        if at < end and any(data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")

    def children(self, m: DecodeContext, begin: int, end: int, path: str) -> Iterator[tuple[int, int, int, int]]:
        """(number, offset, begin and end of the payload) of each attribute in a range."""
        at = begin
        while at + 4 <= end:
            length, kind = self.attribute(m.data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return
            yield kind & NLA_TYPE_MASK, at, at + 4, at + length
            at += (length + 3) & ~3
        if at < end and any(m.data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Smallest payload and reader for one row, None where the family has no such value. A protocol adds the
        kinds of its own."""
        if row.kind == "string":
            return 0, string(row.path, row.longest)
        if row.kind == "lladdr":
            return 0, link_address(row.path)
        minimum, make = self._plain[row.kind]
        return row.begin + minimum, make(row.begin)

    def reads(self, handler: str, size: int, first: int, family: str) -> Reads | None:
        """What a handler reads of messages with a fixed header of ``size`` bytes; see ``Declares.reads``."""
        name, unused = self.uses.get(handler) or (self.recipes[handler].policy, frozenset())
        policy: Policy = getattr(self, name)
        return Reads((size + 3) & ~3, self.attributes(policy, first if self.of_families else 0, unused))

    def attributes(self, policy: Policy, family: int, unused: frozenset[str] = frozenset()) -> Attributes:
        """The attributes that a policy reads for one family, without those of ``unused`` fields alone."""
        rows, fields = {row.path: row for row in policy.attributes}, policy.fields

        def nodes(table: Table) -> Attributes:
            return {
                number: self.node(rows[entry.path], family) if entry.nested is None else Node(nodes(entry.nested))
                for number, entry in table.items()
                if entry.nested is not None or {fields[slot] for slot, _ in entry.fields} - unused
            }

        return nodes(self.table(policy, family, "")[0])

    def node(self, row: Attr, family: int) -> Node:
        """What is read of the attribute of a row; a protocol adds the kinds that have attributes of their own."""
        return WHOLE

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
