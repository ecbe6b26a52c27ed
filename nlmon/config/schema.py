"""The JSON Schema (2020-12) of a configuration file, for editors and other programs.

Rules:
1. What it accepts has no unknown key and no value of a wrong kind. It cannot say what keys demand of each other
   (``rules``), nor that a key stands under two names.

Not here: printing it (``nlmon.cli.schema``).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from nlmon.config.entries import WRAPPER
from nlmon.config.keys import Key, KeyPath, keys, keys_of, sections
from nlmon.config.kinds import Items, Records
from nlmon.config.model import Netlink
from nlmon.config.names import ALIASES, canonical, misplaced

__all__ = ["config_schema"]


def config_schema() -> dict[str, Any]:
    """What a file may hold: keys at its top, or under ``nlmon``."""
    whole = _section(())
    wrapped = {"description": "The same keys, as other files have them.", "$ref": "#/$defs/keys"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nlmon, a configuration file",
        **whole,
        "properties": {**whole["properties"], WRAPPER: wrapped},
        "$defs": {"keys": whole},
    }


def _section(path: KeyPath) -> dict[str, Any]:
    properties = {field.name: _of((*path, field.name)) for field in fields(sections()[path])}
    for alias in ALIASES:
        if alias[:-1] == path:
            properties[alias[-1]] = _of(canonical(alias))
    if not path:
        names = [field.name for field in fields(Netlink) if misplaced((field.name,))]
        properties |= {name: {**_of(("netlink", name)), "deprecated": True} for name in names}
    text = _first_line(sections()[path])
    # A section without a key is all defaults, and so is a file.
    return {
        "description": text,
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
    }


def _of(path: KeyPath) -> dict[str, Any]:
    return _section(path) if path in sections() else _key(keys()[path])


def _key(key: Key) -> dict[str, Any]:
    default = {} if key.required or key.default is None or isinstance(key.default, tuple) else {"default": key.default}
    schema = _records(key.kind) if isinstance(key.kind, Records) else key.kind.schema()
    unit = f" ({key.kind.allowed})" if key.kind.allowed and not isinstance(key.kind, Items | Records) else ""
    given = {"minLength": 1} if key.required else {}
    return {"description": f"{key.meaning}{unit}", **schema, **given, **default}


def _records(kind: Records) -> dict[str, Any]:
    known = keys_of(kind.item)
    item = {
        "description": _first_line(kind.item),
        "type": "object",
        "properties": {name: _key(key) for name, key in known.items()},
        "required": [name for name, key in known.items() if key.required],
        "additionalProperties": False,
    }
    return {"type": "array", "maxItems": kind.most, "items": item}


def _first_line(section: type[Struct]) -> str:
    return (section.__doc__ or "").partition("\n")[0]
