"""The JSON Schema of an event, from the plan of its fields.

Not here: writing (``write``) and reading (``read``) events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nlmon.eventjson.plan import plan
from nlmon.events import PAYLOADS

__all__ = ["VERSION", "event_schema"]

# The version of the form of an event, which the title of its schema names: a line has no room for it.
VERSION = 1


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
        "title": f"nlmon event, version {VERSION}",
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
