"""Events as JSON objects and back, and the JSON Schema that both follow.

One object a line, sorted keys. Where the kernel has a name for a number, the object shows the name where people
read and the number under ``_num`` beside it, where machines compare; flags are lists of names. Fields that an
implementation does not provide are absent; ``null`` is a field that the message did not carry.

A plan per structure, made once from the annotations in ``nlmon.events``, drives the encoder, the decoder and the
schema, so they cannot drift apart.

Not here: the structures themselves, the plan (``nlmon.eventplan``), and how lines are made (``nlmon.eventlines``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nlmon.eventlines import line_of
from nlmon.eventplan import plan
from nlmon.events import PAYLOADS, Event, Payload

__all__ = ["event_from_json", "event_schema", "event_to_dict", "event_to_json", "events_to_json"]

_encoder = msgspec.json.Encoder()
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines


def event_to_dict(event: Event) -> dict[str, Any]:
    """The JSON form as builtin values."""
    found: dict[str, Any] = msgspec.to_builtins(line_of(event))
    return found


def event_to_json(event: Event) -> bytes:
    """One line without its newline."""
    return _encode(line_of(event))


def events_to_json(events: Iterable[Event]) -> bytes:
    """A line with its newline for each event; many at once take less time than one by one."""
    return _encode_lines([line_of(event) for event in events])


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


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(required),
        "additionalProperties": False,
    }


def _struct_schema(struct: type[Struct]) -> dict[str, Any]:
    fields = plan(struct)
    named = {field.name: {"type": "integer"} for field in fields if field.table}
    properties = {**{field.name: field.schema for field in fields}, "_num": _object(named, [])}
    required = [field.name for field in fields if not field.optional]
    return _object(properties, [*required, "_num"])


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line."""
    text, number = {"type": "string"}, {"type": "integer"}
    head: dict[str, Any] = {
        "protocol": text,
        "msg_type": text,
        "msg_flags": {"type": "array", "items": text},
        "seq": number,
        "pid": number,
        "_num": _object(
            dict.fromkeys(("protocol", "msg_type", "msg_flags"), number), ["protocol", "msg_type", "msg_flags"]
        ),
    }
    netlink = _object({**head, **{key: {"$ref": f"#/$defs/{key}"} for key in PAYLOADS}}, list(head))
    netlink["oneOf"] = [{"required": [key]} for key in PAYLOADS]
    outer = {
        "timestamp": number,
        "type": {"enum": ["netlink", "overrun"]},
        "frame": number,
        "offset": number,
        "interface": {"type": ["string", "null"]},
        "nsid": number,
        "synthetic": {"const": True},
        "netlink": netlink,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nlmon event",
        **_object(outer, [name for name in outer if name not in {"interface", "nsid", "synthetic"}]),
        "$defs": {name: _struct_schema(one) for name, one in {**_nested(), **PAYLOADS}.items()},
    }


def _nested() -> dict[str, type[Struct]]:
    """Every structure that stands inside a payload, by its name."""
    found: dict[str, type[Struct]] = {}
    waiting = list(PAYLOADS.values())
    while waiting:
        inner = [field.nested for field in plan(waiting.pop()) if field.nested is not None]
        waiting += [one for one in inner if one.__name__ not in found]
        found.update({one.__name__: one for one in inner})
    return dict(sorted(found.items()))
