"""What a scenario of configurations may say beside what every scenario says, as parts of the JSON Schema.

Not here: all other keys (``nlmon.scenario.schema``).
"""

from __future__ import annotations

from nlmon.scenario.shapes import COUNT, NAME, Schema, list_of, number, object_of, text

__all__ = ["EXPECTED", "EXPORTS", "HEAD", "NOT_WITH", "REWRITING", "expected_schema", "line_schema"]

# Exports whose lines can be held against patterns.
EXPORTS = ("json", "syslog")
# Keys of ``expect`` that go with a configuration that is rewritten.
REWRITING = frozenset({"changes", "findings", "rewritten"})
# Keys of ``expect`` that go with a configuration alone.
EXPECTED = ("compare", "exports", "files", "metrics", "rules", "log", "notices", "refused", *sorted(REWRITING))
# And those that do not: what implementations give is judged where it leaves the monitor.
NOT_WITH = ("events", "in_order", "state", "losses", "errors")

_LONGEST = 32 * 1024
_TEXT = text("a configuration in YAML", r"[\s\S]*", maxLength=_LONGEST)
_LANES = ("legacy", "libnl")
_CODE = text("a code, such as NLM-G011", "NLM-[A-Z][0-9]{3}")
_WORDS = text("a text of at most 4096 characters", minLength=1, maxLength=4096)
_VALUE = text("the value of a variable", r"[^\x00]*", maxLength=4096)


def _of_each(one: Schema) -> Schema:
    """A text for both lanes, or one of each."""
    return {**object_of(dict.fromkeys(_LANES, one), minProperties=1), **one, "type": ["string", "object"]}


def _configuration() -> Schema:
    return {**object_of(dict.fromkeys(_LANES, _TEXT), *_LANES), **_TEXT, "type": ["string", "object"]}


def _one_of(*keys: str) -> Schema:
    return {"oneOf": [{"required": [key]} for key in keys]}


def _problems() -> Schema:
    keys = {"code": _CODE, "line": number(1), "key": _WORDS, "count": COUNT, "by": NAME}
    return list_of(object_of(keys, "code"), 0)


HEAD: Schema = {
    "configuration": _configuration(),
    "environment": {
        "type": "object",
        "propertyNames": text("the name of a variable", "[A-Z_][A-Z0-9_]{0,127}"),
        "additionalProperties": _of_each(_VALUE),
        "minProperties": 1,
    },
    "reloads": list_of(
        object_of(
            {
                "frame": number(1),
                "step": number(1),
                "configuration": _configuration(),
                "migrate": {"const": True},
                "rollback": {"const": True},
                "by": {"enum": list(_LANES)},
            },
            allOf=[_one_of("frame", "step"), _one_of("configuration", "migrate", "rollback")],
            dependentSchemas={"by": {"anyOf": [{"required": ["migrate"]}, {"required": ["rollback"]}]}},
        )
    ),
}


def expected_schema() -> Schema:
    """What ``expect`` may hold beside what it always may."""
    lines = list_of({"$ref": "#/$defs/line", "type": "object"})
    path = text("the path of a file", r"[^\x00\n]+", maxLength=1024)
    labels = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "compare": {"const": "exports"},
        "exports": object_of(dict.fromkeys(EXPORTS, lines), minProperties=1),
        "files": list_of(object_of({"path": path, "count": COUNT, "lines": COUNT, "by": NAME}, "path")),
        "metrics": list_of(
            object_of({"name": NAME, "labels": labels, "value": COUNT, "by": NAME}, "name", "value"),
        ),
        "rules": list_of(object_of({"name": _WORDS, "matched": COUNT, "by": NAME}, "name", "matched")),
        "log": list_of(object_of({"text": _WORDS, "count": COUNT, "by": NAME}, "text")),
        "notices": _problems(),
        "refused": _problems(),
        "changes": _problems(),
        "findings": _problems(),
        "rewritten": list_of(object_of({"exit": number(0, 3), "text": _TEXT, "by": NAME}, "exit"), 0),
    }


def line_schema(event: Schema) -> Schema:
    """What is asked of the lines of an export: what may be asked of an event, and of the line itself."""
    more = {"equals": {"type": "object"}, "text": _WORDS, "facility": NAME, "severity": NAME}
    return {**event, "properties": {**event["properties"], **more}}
