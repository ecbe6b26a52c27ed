"""The fields of a filter as commands show them, with who provides them.

Not here: who does (``nlmon.monitor.provided``), and what a filter means without a field (``nlmon.filters.meaning``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from nlmon.compare.contract import Contract
from nlmon.filters.fields import Field
from nlmon.monitor.provided import provides, rows
from nlmon.names import name_of

__all__ = ["FieldRow", "field_row", "field_table"]


class FieldRow(Struct, frozen=True, omit_defaults=True):
    """A field of the table. ``type``: of its values; ``names``: the table of their names; ``many``: it has many values;
    ``provided``: by implementation; ``limits``: in which events or families one that provides it does so alone."""

    path: str
    type: str
    provided: Mapping[str, bool]
    names: str = ""
    many: bool = False
    limits: Mapping[str, str] = {}


def field_row(contract: Contract, field: Field, names: tuple[str, ...]) -> FieldRow:
    """What is said of a field for implementations."""
    limits = {name: text for name in names if (text := _limit(contract, field, name))}
    provided = {name: provides(contract, name, field) for name in names}
    return FieldRow(field.path, field.kind, provided, field.names, field.many, limits)


def _limit(contract: Contract, field: Field, name: str) -> str:
    if field.path == "interface":
        kinds = [
            kind
            for kind, row in contract.events.items()
            if row.by in {"both", name} and row.interface not in {"both", name}
        ]
        return f"not in {', '.join(kinds)}" if kinds else ""
    if field.payload is None or name != "legacy":
        return ""
    families = [row.families for row in rows(contract, field) if row.families is not None]
    if not families:
        return ""
    return f"only in {', '.join(name_of('family', number) for number in sorted(families[0]))}"


def field_table(rows: Sequence[FieldRow]) -> list[str]:
    """Fields with their types and who provides them, in columns."""
    names = list(rows[0].provided)
    cells = [["field", "type", *names]]
    for row in rows:
        said = [row.limits.get(name, "yes") if row.provided[name] else "no" for name in names]
        cells.append([row.path, row.type + (", many" if row.many else ""), *said])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
