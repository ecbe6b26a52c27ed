"""Events with what an implementation provides of them, as the contract says.

Not here: the contract (``contract``), and comparing (``classify``).
"""

from __future__ import annotations

from msgspec import UNSET, structs

from nlmon.compare.contract import Contract, kind_name
from nlmon.events import Event, GenericInfo

__all__ = ["as_provided", "without_what_lacks"]


def without_what_lacks(contract: Contract, event: Event, implementation: str) -> Event:
    """An event with only what an implementation provides of it."""
    payload = event.payload
    family = getattr(payload, "family", None)
    lacking = {
        field.name: UNSET
        for field in contract.kinds[kind_name(payload)].fields
        if not field.provided(implementation, family)
    }
    interface = event.interface if contract.must_provide_interface(implementation, payload) else UNSET
    return structs.replace(event, interface=interface, payload=structs.replace(payload, **lacking))


def as_provided(contract: Contract, event: Event, implementation: str) -> Event:
    """The event of a line with what the line does not tell: of a generic message, that what nlmon knows of some
    families is not in it, which is not said where an implementation does not provide that."""
    payload = event.payload
    if not isinstance(payload, GenericInfo):
        return event
    unset = {
        field.name: UNSET
        for field in contract.kinds[kind_name(payload)].fields
        if getattr(payload, field.name) is None and not field.provided(implementation, None)
    }
    return structs.replace(event, payload=structs.replace(payload, **unset)) if unset else event
