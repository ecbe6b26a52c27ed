"""Events that filters are tried on, and a plain evaluator that says what a filter must answer.

Not here: filters themselves.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from nlmon.events import AddrInfo, DiagInfo, Event, LinkInfo, NsidInfo, Payload
from nlmon.filters.fields import Field
from nlmon.filters.tree import All, Comparison, Constant, Either, Negated, Tree

__all__ = ["EVENTS", "event", "holds"]

HEADER: dict[str, Any] = dict.fromkeys(("protocol", "msg_type", "msg_flags", "seq", "pid", "offset"), 0)


def event(payload: Payload, interface: Any = None, **values: Any) -> Event:
    """An event of NETLINK_ROUTE, unless ``values`` say something else."""
    return Event(interface=interface, payload=payload, **{**HEADER, "timestamp": 1, "frame": 1, **values})


# What the C monitor was given (filter-observed.txt), as our events: its event without a payload is of a kind that no
# expression names.
EVENTS = {
    "link": event(LinkInfo(0, 2, 0x1003, ifname="wlan0", mtu=1500, operstate=6), "wlan0", msg_type=16),
    "addr": event(AddrInfo(2, 2, 24, 0, addr="192.168.1.10"), "wlan0", msg_type=20),
    "diag": event(DiagInfo(2, 1, 6, 50000, 22, "10.0.0.1", "10.0.0.2", 7), protocol=4, msg_type=20),
    "nodata": event(NsidInfo(0), msg_type=88),
}

NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9]+(\.[0-9]+)?)")


def holds(tree: Tree, one: Event) -> bool:
    """What a filter must answer, by its reference page: slow, and without anything of the compiler."""
    match tree:
        case Either(parts):
            return any(holds(part, one) for part in parts)
        case All(parts):
            return all(holds(part, one) for part in parts)
        case Negated(part):
            return not holds(part, one)
        case Comparison(left, operator, right):
            return any(
                _compares(value, operator, other, isinstance(left, Field) and left.kind == "flags")
                for value in _values(left, one)
                for other in ([right] if isinstance(right, tuple) else _values(right, one))
            )


def _values(side: Field | Constant, one: Event) -> list[Any]:
    """The values of a side: one, several, or none."""
    if isinstance(side, Constant):
        return [side.value]
    found: list[Any] = [one if side.payload is None else one.payload]
    if side.payload is not None and type(one.payload) is not side.payload:
        return []
    for step in side.steps:
        found = [getattr(value, step) for value in found]
        found = [inner for value in found for inner in (value if isinstance(value, tuple) else [value])]
        found = [value for value in found if value is not None and value is not UNSET]
    return found


def _compares(value: Any, operator: str, other: Any, flags: bool) -> bool:
    match operator:
        case "IN":
            return any(_ordered(value, "==", one.value) for one in other)
        case "NOT IN":
            return not any(_ordered(value, "==", one.value) for one in other)
        case "CONTAINS" if flags:
            wanted = [one.value for one in other] if isinstance(other, tuple) else [other]
            return all(isinstance(one, int) and value & one == one for one in wanted)
        case "CONTAINS" | "STARTSWITH" | "ENDSWITH":
            if not (isinstance(value, str) and isinstance(other, str)):
                return False
            return {"CONTAINS": other in value, "STARTSWITH": value[: len(other)] == other}.get(
                operator, value[len(value) - len(other) :] == other and len(other) <= len(value)
            )
        case "=~" | "!~":
            return isinstance(value, str) and (re.search(other, value) is not None) is (operator == "=~")
    return _ordered(value, operator, other)


def _ordered(value: Any, operator: str, other: Any) -> bool:
    if isinstance(value, str) != isinstance(other, str):
        value, other = _number(value), _number(other)
        if value is None or other is None:
            return False
    if isinstance(value, str):
        value, other = value.encode(), other.encode()
    below, same = bool(value < other), bool(value == other)
    return {
        "==": same,
        "!=": not same,
        "<": below,
        "<=": below or same,
        ">": not (below or same),
        ">=": not below,
    }[operator]


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if len(value) > 40 or not (found := NUMBER.fullmatch(value)):
        return None
    return Decimal(value) if found[2] else int(value, 16 if "x" in value.lower() else 10)
