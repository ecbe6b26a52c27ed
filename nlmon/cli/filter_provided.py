"""The fields of a filter as commands show them, with who provides them.

Not here: who does (``nlmon.monitor.filterfields``), and what a filter means without a field
(``nlmon.filters.meaning``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import Statement, statement_of
from nlmon.filters.fields import Field
from nlmon.monitor.filterfields import places, provides
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


def field_row(field: Field, names: tuple[str, ...]) -> FieldRow:
    """What is said of a field for implementations."""
    statements = {name: statement_of(name) for name in names}
    limits = {name: text for name, one in statements.items() if (text := _limit(one, field))}
    provided = {name: provides(one, field) for name, one in statements.items()}
    return FieldRow(field.path, field.kind, provided, field.names, field.many, limits)


def _limit(statement: Statement, field: Field) -> str:
    if field.path == "interface":
        kinds = [kind for kind in load_contract().events if kind in statement.events - statement.interfaces]
        return f"not in {', '.join(kinds)}" if kinds else ""
    if field.payload is None:
        return ""
    found = (statement.families.get(".".join(place)) for place in places(field))
    families = [one for one in found if one is not None]
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
