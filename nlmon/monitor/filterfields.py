"""Who provides the fields of a filter, as the statement of an implementation says.

Not here: statements (``nlmon.compare.statement``), and what a filter means without a field
(``nlmon.filters.meaning``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.compare.contract import KIND_TYPES
from nlmon.compare.statement import Statement
from nlmon.events import PAYLOADS
from nlmon.filters.fields import Field

__all__ = ["places", "provides"]


def provides(statement: Statement, field: Field) -> bool:
    """Whether an implementation provides a field in any event."""
    if field.payload is None:
        return True
    return _kind(field) in statement.events and all(statement.provides(*place) for place in places(field))


def places(field: Field) -> Iterator[tuple[str, str]]:
    """Kind and name of the fields of events on the way to a field of a filter; what is inside of a part without fields
    is as the part."""
    kind = _kind(field)
    for step in field.steps:
        if not kind or step not in KIND_TYPES[kind].__struct_fields__:
            break
        yield kind, step
        # A part has the name of its field, but for the hops of a route.
        kind = "hop" if step == "multipath" else step if step in {"nl80211", "qca_vendor"} else ""


def _kind(field: Field) -> str:
    return next(kind for kind, struct in PAYLOADS.items() if struct is field.payload)
