"""Events as JSON objects and back, and the JSON Schema that both follow.

One object a line, sorted keys. Where the kernel has a name for a number, the object shows the name where people
read and the number under ``_num`` beside it, where machines compare; flags are lists of names. Fields that an
implementation does not provide are absent; ``null`` is a field that the message did not carry.

A plan per structure, made once from the annotations in ``nlmon.events``, drives the encoder, the decoder and the
schema, so they cannot drift apart.

Not here: the structures themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from nlmon.events import (
    PAYLOADS,
    Event,
    Payload,
)
from nlmon.names import PROTOCOLS, TABLES, flag_names, message_flags, message_type, name_of

__all__ = ["event_from_json", "event_schema", "event_to_dict", "event_to_json"]

_KEYS = {struct: key for key, struct in PAYLOADS.items()}
_encode = msgspec.json.Encoder(order="sorted").encode


class Field(NamedTuple):
    """How one field is written: its table of names, whether it is a set of flags, the structure nested in it and
    whether there are many of these."""

    name: str
    table: str
    flags: bool
    nested: type[Struct] | None
    many: bool
    optional: bool
    schema: dict[str, Any]


def event_to_dict(event: Event) -> dict[str, Any]:
    """The JSON form as builtin values; keys are not sorted."""
    protocol, kind = event.protocol, event.msg_type
    interface = {} if event.interface is UNSET else {"interface": event.interface}
    return {
        "timestamp": event.timestamp,
        "type": event.type,
        "frame": event.frame,
        "offset": event.offset,
        **interface,
        **({} if event.nsid is None else {"nsid": event.nsid}),
        **({"synthetic": True} if event.synthetic else {}),
        "netlink": {
            "protocol": PROTOCOLS.get(protocol, str(protocol)),
            "msg_type": message_type(protocol, kind),
            "msg_flags": message_flags(protocol, kind, event.msg_flags),
            "seq": event.seq,
            "pid": event.pid,
            "_num": {"protocol": protocol, "msg_type": kind, "msg_flags": event.msg_flags},
            _KEYS[type(event.payload)]: _to_dict(event.payload),
        },
    }


def event_to_json(event: Event) -> bytes:
    """One line without its newline."""
    return _encode(event_to_dict(event))


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


def _to_dict(value: Struct) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for field in _plan(value.__class__):
        item = getattr(value, field.name)
        if item is UNSET:
            continue
        if item is None:
            found[field.name] = None
        elif field.nested is not None:
            found[field.name] = [_to_dict(one) for one in item] if field.many else _to_dict(item)
        elif field.table:
            found[field.name] = flag_names(TABLES[field.table], item) if field.flags else name_of(field.table, item)
            numbers[field.name] = item
        else:
            found[field.name] = item
    found["_num"] = numbers
    return found


def _from_dict(struct: type[Struct], data: dict[str, Any]) -> Any:
    numbers = data["_num"]
    values: dict[str, Any] = {}
    for field in _plan(struct):
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


@functools.cache
def _plan(struct: type[Struct]) -> tuple[Field, ...]:
    hints = get_type_hints(struct, include_extras=True)
    return tuple(_field(name, hints[name]) for name in struct.__struct_fields__)


def _field(name: str, hint: Any) -> Field:
    parts = get_args(hint) if get_origin(hint) is not Annotated and get_args(hint) else (hint,)
    if get_origin(hint) is tuple:
        parts = (hint,)
    optional = UnsetType in parts
    nullable = type(None) in parts
    core = next(part for part in parts if part not in {UnsetType, type(None)})
    table, flags = "", False
    if get_origin(core) is Annotated:
        extra = next((m.extra or {} for m in get_args(core)[1:] if isinstance(m, Meta)), {})
        table, flags = str(extra.get("names", "")), bool(extra.get("flags"))
    inner = get_args(core)[0] if get_origin(core) is tuple else core
    nested = inner if isinstance(inner, type) and issubclass(inner, Struct) else None
    schema = _schema_of(core, table, flags, nested)
    whole = {"anyOf": [schema, {"type": "null"}]} if nullable else schema
    return Field(name, table, flags, nested, nested is not None and inner is not core, optional, whole)


def _schema_of(core: Any, table: str, flags: bool, nested: type[Struct] | None) -> dict[str, Any]:
    if nested is not None:
        one = {"$ref": f"#/$defs/{nested.__name__}"}
        return one if nested is core else {"type": "array", "items": one}
    if table:
        return {"type": "array", "items": {"type": "string"}} if flags else {"type": "string"}
    schema = msgspec.json.schema(core)
    schema.pop("$defs", None)
    return schema


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(required),
        "additionalProperties": False,
    }


def _struct_schema(struct: type[Struct]) -> dict[str, Any]:
    plan = _plan(struct)
    named = {field.name: {"type": "integer"} for field in plan if field.table}
    properties = {**{field.name: field.schema for field in plan}, "_num": _object(named, [])}
    required = [field.name for field in plan if not field.optional]
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
        inner = [field.nested for field in _plan(waiting.pop()) if field.nested is not None]
        waiting += [one for one in inner if one.__name__ not in found]
        found.update({one.__name__: one for one in inner})
    return dict(sorted(found.items()))
