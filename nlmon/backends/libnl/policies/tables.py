"""Tables that policies compile to: from attribute number to what is read there.

Not here: walking attributes with a table (``nlmon.backends.libnl.decode.attributes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from nlmon.backends.libnl.policies import Policy
from nlmon.backends.libnl.policies.readers import Reader

__all__ = ["Compiled", "Entry", "Table", "frozen"]


class Entry(NamedTuple):
    """What the table holds for one attribute number. ``slots``: all that it and what is nested in it fill."""

    minimum: int
    path: str
    fields: tuple[tuple[int, Reader], ...]
    nested: Mapping[int, Entry] | None
    slots: tuple[int, ...]


Table: TypeAlias = Mapping[int, Entry]


# Policy (by its address), family, path that it is nested in -> table, number of fields, and the policy, which keeps
# its address.
Compiled: TypeAlias = dict[tuple[int, int, str], tuple[Table, int, Policy]]


def frozen(tree: dict[int, Any]) -> Table:
    """The table of a tree of lists, as it is collected row by row."""
    table = {}
    for number, (minimum, path, fields, nested) in tree.items():
        inside = None if nested is None else frozen(nested)
        slots = [slot for slot, _ in fields] + [slot for entry in (inside or {}).values() for slot in entry.slots]
        table[number] = Entry(minimum, path, tuple(fields), inside, tuple(dict.fromkeys(slots)))
    return table
