"""Events with what an implementation provides of them, as its statement says.

Not here: statements (``statement``), and comparing (``classify``).
"""

from __future__ import annotations

from msgspec import UNSET, structs

from nlmon.compare.contract import kind_name
from nlmon.compare.statement import Statement
from nlmon.events import Event, GenericInfo

__all__ = ["as_provided", "only_provided"]


def only_provided(statement: Statement, event: Event) -> Event:
    """An event with only what an implementation provides of it."""
    payload, kind = event.payload, kind_name(event.payload)
    family = getattr(payload, "family", None)
    lacking = {field: UNSET for field in payload.__struct_fields__ if not statement.provides(kind, field, family)}
    interface = event.interface if kind in statement.interfaces else UNSET
    return structs.replace(event, interface=interface, payload=structs.replace(payload, **lacking))


def as_provided(statement: Statement, event: Event) -> Event:
    """The event of a line with what the line does not say: of a generic message, that what nlmon knows of some
    families is not in it, which is not said where an implementation does not provide that."""
    payload = event.payload
    if not isinstance(payload, GenericInfo):
        return event
    unset = {
        field: UNSET
        for field in payload.__struct_fields__
        if getattr(payload, field) is None and not statement.provides("generic", field)
    }
    return structs.replace(event, payload=structs.replace(payload, **unset)) if unset else event
