"""Who provides the fields of a filter, as the contract says.

Not here: the contract (``nlmon.compare.contract``), and what a filter means without a field
(``nlmon.filters.meaning``).
"""

from __future__ import annotations

from nlmon.compare.contract import KIND_TYPES, Contract
from nlmon.compare.contract import Field as Row
from nlmon.events import PAYLOADS
from nlmon.filters.fields import Field

__all__ = ["provides", "rows"]


def provides(contract: Contract, name: str, field: Field) -> bool:
    """Whether an implementation provides a field in any event."""
    if field.payload is None:
        return True
    kind = next(kind for kind, struct in PAYLOADS.items() if struct is field.payload)
    if contract.events[kind].by not in {"both", name}:
        return False
    return all(row.by in {"both", name} for row in rows(contract, field))


def rows(contract: Contract, field: Field) -> list[Row]:
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
