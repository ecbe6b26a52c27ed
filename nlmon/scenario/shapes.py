"""Shapes that the JSON Schema of a scenario file is made of.

Rules:
1. Objects are closed: a key that they do not name is a mistake.
2. A ``description`` beside a pattern completes the sentence "… is not".

Not here: the schema itself (``schema``).
"""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["COUNT", "NAME", "Schema", "list_of", "number", "object_of", "one_or_more", "text"]

Schema: TypeAlias = dict[str, Any]


def text(description: str, pattern: str = "", **more: Any) -> Schema:
    """A text that follows a pattern as a whole."""
    # In some languages, Python among them, $ also matches before a last line end.
    whole = {"pattern": rf"^{pattern}$(?!\n)"} if pattern else {}
    return {"type": "string", "description": description, **whole, **more}


def number(least: int, most: int = 2**31 - 1) -> Schema:
    """An integer of a range."""
    return {"type": "integer", "minimum": least, "maximum": most}


def list_of(items: Schema, least: int = 1, *, unique: bool = False) -> Schema:
    """A list of at least so many items."""
    return {"type": "array", "items": items, "minItems": least, **({"uniqueItems": True} if unique else {})}


def one_or_more(items: Schema) -> Schema:
    """A value, or a list of such values, distinguished by their type."""
    return {**items, "type": [items["type"], "array"], "items": items, "minItems": 1}


def object_of(properties: Schema, *required: str, **more: Any) -> Schema:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
        **more,
    }


NAME = text("a name of letters, digits, dots, hyphens and underscores", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
COUNT = {
    **object_of({"min": number(0), "max": number(0)}, minProperties=1),
    "type": ["integer", "object"],
    "minimum": 0,
    "maximum": 2**31 - 1,
}
