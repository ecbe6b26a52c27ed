"""The harness protocol as JSON Schema: each line in both directions, and the fields of every kind of event.

Rules:
1. It is made of the structures that read the lines, and of the payloads of events with their widths, so that it cannot
   say something else than nlmon does.
2. Width and sign are annotations (``format``: ``uint8`` … ``int64``): a number is taken modulo its width.

Not here: what lines mean (``docs/harness.md``).
"""

from __future__ import annotations

from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from nlmon.events import PAYLOADS
from nlmon.harness.protocol import PROTOCOL, Answer, AskDatagram, AskEnd, AskFlush, AskHello, Bye, Greeting
from nlmon.harness.values import INSIDE, field_types, plain_type
from nlmon.harness.widths import BITS, Width, is_address, is_device, width_of

__all__ = ["protocol_schema"]

ASKED: tuple[type[Struct], ...] = (AskHello, AskDatagram, AskFlush, AskEnd)
ANSWERED: tuple[type[Struct], ...] = (Greeting, Answer, Bye)
_DIGITS = {"type": "string", "pattern": "^-?[0-9]{1,20}$"}
_HEX = {
    "type": "object",
    "properties": {"hex": {"type": "string", "pattern": "^([0-9A-Fa-f]{2})*$"}},
    "required": ["hex"],
    "additionalProperties": False,
}


def protocol_schema() -> dict[str, Any]:
    """JSON Schema of one line, of either direction; ``$defs`` has ``asked``, ``answered`` and ``fields of KIND``."""
    asked, definitions = msgspec.json.schema_components(ASKED, ref_template="#/$defs/{name}")
    answered, others = msgspec.json.schema_components(ANSWERED, ref_template="#/$defs/{name}")
    definitions = {**definitions, **others}
    message = definitions["Message"]
    message["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"properties": {"fields": {"anyOf": [{"$ref": f"#/$defs/fields of {kind}"}, {"type": "null"}]}}},
        }
        for kind in PAYLOADS
    ]
    definitions |= {f"fields of {kind}": _fields(kind, struct) for kind, struct in PAYLOADS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"a line of the harness protocol, version {PROTOCOL}",
        "anyOf": [{"$ref": "#/$defs/asked"}, {"$ref": "#/$defs/answered"}],
        "$defs": {
            "asked": {"description": "what nlmon writes to the program", "anyOf": list(asked)},
            "answered": {"description": "what the program writes", "anyOf": list(answered)},
            **definitions,
            **_values(),
        },
    }


def _fields(kind: str, struct: type[Struct]) -> dict[str, Any]:
    """The fields of a kind of event, or of a structure in one. Each may be missing, and each may be null."""
    return {
        "type": "object",
        "properties": {name: _form(kind, name, hint) for name, hint in field_types(struct).items()},
    }


def _form(kind: str, name: str, hint: Any) -> dict[str, Any]:
    """What a value may be, null among it."""
    if hint is int:
        return _called(width_of(kind, name).text)
    if hint is bool:
        return _called("truth")
    if hint is str:
        return _called("address" if is_address(kind, name) else "device" if is_device(kind, name) else "text")
    if isinstance(hint, type) and issubclass(hint, Struct):
        return {"anyOf": [_fields(INSIDE.get(hint, hint.__name__), hint), {"type": "null"}]}
    if get_origin(hint) is tuple:
        first = plain_type(get_args(hint)[0])
        if isinstance(first, type) and issubclass(first, Struct):
            each = _fields(INSIDE.get(first, first.__name__), first)
            return {"anyOf": [{"type": "array", "items": each}, {"type": "null"}]}
    return {"anyOf": [msgspec.json.schema(hint), {"type": "null"}]}


def _called(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _values() -> dict[str, Any]:
    """What fields refer to: numbers by width, and texts by what they are."""
    texts = {"text": "a text", "address": "an IP address", "device": "the address of a device, as 00:11:22:33:44:55"}
    found = {
        name: {"description": meaning, "anyOf": [{"type": "string"}, _HEX, {"type": "null"}]}
        for name, meaning in texts.items()
    }
    found["truth"] = {"enum": [True, False, 0, 1, None]}
    for bits in BITS:
        for signed in (False, True):
            name = Width(bits, signed).text
            found[name] = {"anyOf": [{"type": "integer", "format": name}, _DIGITS, {"type": "null"}]}
    return found
