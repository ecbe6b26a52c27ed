"""Who provides the fields of a filter, as the contract says.

Not here: the contract (``nlmon.compare.contract``), and what a filter means without a field
(``nlmon.filters.meaning``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from nlmon.compare.contract import KIND_TYPES, Contract
from nlmon.compare.contract import Field as Row
from nlmon.events import PAYLOADS
from nlmon.filters.fields import Field
from nlmon.names import name_of

__all__ = ["FieldRow", "field_row", "field_table", "provides"]


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


def provides(contract: Contract, name: str, field: Field) -> bool:
    """Whether an implementation provides a field in any event."""
    if field.payload is None:
        return True
    kind = next(kind for kind, struct in PAYLOADS.items() if struct is field.payload)
    if contract.events[kind].by not in {"both", name}:
        return False
    return all(row.by in {"both", name} for row in _rows(contract, field))


def _rows(contract: Contract, field: Field) -> list[Row]:
    """The rows of the contract on the way to a field; what is inside of a part without rows is as the part."""
    found = []
    kind = next(kind for kind, struct in PAYLOADS.items() if struct is field.payload)
    for step in field.steps:
        row = next((row for row in contract.kinds[kind].fields if row.name == step), None) if kind else None
        if row is None:
            break
        found.append(row)
        # A part has the name of its field, but for the hops of a route.
        kind = (
            "hop" if step == "multipath" else step if step in KIND_TYPES and step in {"nl80211", "qca_vendor"} else ""
        )
    return found


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
    families = [row.families for row in _rows(contract, field) if row.families is not None]
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
