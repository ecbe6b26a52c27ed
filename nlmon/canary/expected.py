"""Types of messages that differ by the contract: those of which libnl alone gives events.

Rules:
1. Without being asked for, only what a canary adds is expected: a type of libnl alone that no host of the control group
   has. What a canary lacks may be a defect, since logs do not say which implementation wrote them.

Not here: who gives events of what (``nlmon.compare.statement``), and what becomes of what is expected (``judging``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from nlmon.names import audit, message_type

__all__ = ["added", "of_libnl_alone"]


def of_libnl_alone() -> frozenset[str]:
    """Names of the types of messages that give events with libnl, and none with legacy."""
    kinds = statement_of("libnl").events - statement_of("legacy").events
    rows = [row for kind, row in load_contract().events.items() if kind in kinds]
    # Of a kind without types it is every message of its protocol, which is that of audit.
    types = ((row.protocol, number) for row in rows for number in (row.types or audit.MESSAGES))
    return frozenset(message_type(protocol, number) for protocol, number in types)


def added(control: Iterable[Mapping[str, int]], canary: Iterable[Mapping[str, int]]) -> Collection[str]:
    """Of the types that hosts of a canary have, those of libnl alone that no host of the control group has."""
    old, new = ({name for types in group for name, number in types.items() if number} for group in (control, canary))
    return (new - old) & of_libnl_alone()
