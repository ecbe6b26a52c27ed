"""Reads events from their JSON lines.

One object a line, sorted keys. Where the kernel has a name for a number, the object shows the name where people
read and the number under ``_num`` beside it, where machines compare; flags are lists of names. Fields that an
implementation does not provide are absent; ``null`` is a field that the message did not carry.

A plan for each structure (``plan``) drives writing, reading and the schema, so that they cannot differ.

Not here: writing (``write``) and the schema (``schema``).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nlmon.eventjson.plan import plan
from nlmon.events import PAYLOADS, Event, Payload

__all__ = ["event_from_json"]


def event_from_json(data: bytes | str) -> Event:
    """The event of a line; raises ``msgspec.ValidationError`` or ``msgspec.DecodeError`` for anything else."""
    found = msgspec.json.decode(data)
    try:
        netlink = found["netlink"]
        key = next(key for key in PAYLOADS if key in netlink)
        payload = _from_dict(PAYLOADS[key], netlink[key])
        numbers = netlink["_num"]
        plain = {name: found[name] for name in ("timestamp", "type", "frame", "offset")}
        plain |= {name: found[name] for name in ("interface", "nsid", "synthetic") if name in found}
        head = {name: netlink[name] for name in ("seq", "pid")}
        return msgspec.convert({**plain, **head, **numbers, "payload": None}, _Bare).event(payload)
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise msgspec.ValidationError(f"not an event: {error!r}") from error


class _Bare(Struct):
    """An event without its payload, for checked conversion."""

    timestamp: int
    protocol: int
    msg_type: int
    msg_flags: int
    seq: int
    pid: int
    frame: int
    offset: int
    payload: None
    type: Literal["netlink", "overrun"]
    interface: str | None | UnsetType = UNSET
    nsid: int | None = None
    synthetic: bool = False

    def event(self, payload: Payload) -> Event:
        """The event with its payload."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return Event(**{**values, "payload": payload})


def _from_dict(struct: type[Struct], data: dict[str, Any]) -> Any:
    numbers = data["_num"]
    values: dict[str, Any] = {}
    for field in plan(struct):
        if field.name not in data:
            values[field.name] = UNSET
        elif field.name in numbers:
            values[field.name] = numbers[field.name]
        elif field.nested is not None and data[field.name] is not None:
            inner = data[field.name]
            nested = field.nested
            values[field.name] = (
                tuple(_from_dict(nested, o) for o in inner) if field.many else _from_dict(nested, inner)
            )
        else:
            values[field.name] = data[field.name]
    given = {name: value for name, value in values.items() if value is not UNSET}
    checked = msgspec.convert(given, struct, strict=True)
    return msgspec.structs.replace(checked, **{name: UNSET for name, value in values.items() if value is UNSET})
