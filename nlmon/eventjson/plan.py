"""Plans how each structure of an event is written in JSON, once, from the annotations in ``nlmon.payloads``.

Not here: writing (``write``), reading (``read``), the schema (``schema``).
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct, UnsetType

__all__ = ["Field", "plan"]


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


@functools.cache
def plan(struct: type[Struct]) -> tuple[Field, ...]:
    """The fields of a structure, in its order."""
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
