"""The format of a scenario file as a JSON Schema: the one place that says which keys there are and what they hold.

Rules:
1. It is closed: a key that is not named here is a mistake.
2. Alternatives are distinguished by their type alone, ``type: [string, object]``, and not by ``anyOf``, so that a
   mistake can be named. A ``description`` beside a pattern completes the sentence "… is not".

Not here: reading (``load``), and what only the whole of a file shows (``check``).
"""

from __future__ import annotations

import functools
from typing import get_args

from nlmon.eventjson.plan import Field, plan
from nlmon.events import PAYLOADS
from nlmon.filters.parse import LONGEST
from nlmon.report.model import Verdict
from nlmon.scenario.configured.schema import HEAD, expected_schema, line_schema
from nlmon.scenario.model import VERSION, Level, Phase
from nlmon.scenario.shapes import COUNT, NAME, Schema, list_of, number, object_of, one_or_more, text
from nlmon.state.tables import KINDS as TABLES
from nlmon.uapi import NLA_TYPE_MASK

__all__ = ["FAULTS", "OBJECTS", "STEPS", "scenario_schema"]

# One of these keys says what a step does.
STEPS = ("run", "batch", "netns", "traffic", "migrate", "rollback", "python")
# The keys of each fault beside ``at``, where it happens.
FAULTS = {
    "overrun": ("count", "protocol"),
    "drop": ("count", "protocol"),
    "duplicate": ("count", "protocol"),
    "reorder": ("count",),
    "split": ("protocol",),
    "merge": ("count", "protocol"),
    "truncate": ("size", "protocol"),
    "enobufs": ("protocol",),
    "interrupted_dump": ("protocol",),
    "unknown_attribute": ("type", "size", "protocol"),
    "short_payload": ("size", "protocol"),
    "longer_structure": ("size", "protocol"),
    "paused_reader": ("count", "protocol"),
    "lost_socket": ("protocol",),
    "vanished_namespace": (),
}
# Objects of the final state, and the kind of event that reports them: a port is a link of a bridge.
OBJECTS = {kind: "link" if kind == "port" else kind for kind in TABLES}


_SENTENCE = text("a text of at least one and at most 400 characters", minLength=1, maxLength=400)
_COMMAND = text("a command line", r"(?=.*\S)[^\n\x00]+", maxLength=4096)
_KERNEL = text(
    "a range of kernels, such as >=6.1,<6.13",
    r"(>=|<=|==|>|<)[0-9]{1,5}(\.[0-9]{1,5}){0,3}(,(>=|<=|==|>|<)[0-9]{1,5}(\.[0-9]{1,5}){0,3})*",
)
_NAMES = list_of(NAME, unique=True)
_PROTOCOL = {"enum": ["route", "generic", "sock_diag", "netfilter", "xfrm", "audit"]}
_VERDICT = {"enum": list(get_args(Verdict))}


def _capture() -> Schema:
    path = text("a relative path with / between its parts", r"[^/\\\x00\n][^\\\x00\n]*", maxLength=1024)
    keys = {
        "path": path,
        "sha256": text("a SHA-256 of 64 hexadecimal digits", "[0-9a-f]{64}"),
        "select": {"enum": ["notifications", "all"]},
        "frames": text("a range of frames, such as 37-154 or 37-", "[1-9][0-9]{0,8}-([1-9][0-9]{0,8})?"),
        "protocols": list_of(_PROTOCOL, unique=True),
        "byteorder": {"enum": ["little", "big"]},
    }
    return {**object_of(keys, "path"), **path, "type": ["string", "object"]}


# A name, or what a program or its log is called (``nlmon.backends.registry``).
_IMPLEMENTATION = text(
    "a name of letters, digits, dots, hyphens and underscores, nor exec:COMMAND, events:FILE or live:COMMAND",
    r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63}|(exec|events|live):[^\n]{1,1000})",
)


def _implementation() -> Schema:
    limits = {
        **dict.fromkeys(("receive_buffer", "send_buffer"), number(0)),
        **dict.fromkeys(("cache_size", "message_pool_size"), number(1)),
        "cache_ttl": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e9},
        "max_message_size": number(16),
        "pool_policy": {"enum": ["wait", "oldest", "newest"]},
    }
    keys = {
        "name": _IMPLEMENTATION,
        "families": _NAMES,
        "groups": _NAMES,
        "caches": list_of({"enum": ["link", "addr", "route"]}, unique=True),
        "recover": {"type": "boolean"},
        "layouts": number(0),
        "limits": object_of(limits),
    }
    return {**object_of(keys, "name"), **_IMPLEMENTATION, "type": ["string", "object"]}


def _step() -> Schema:
    address = text("an IPv4 or IPv6 address", "[0-9A-Fa-f:.]{2,45}")
    flow = {
        "protocol": {"enum": ["tcp", "udp"]},
        "address": address,
        "port": number(1, 65535),
        "from": NAME,
        "to": NAME,
        "size": number(1, 1 << 24),
    }
    keys = {
        "run": _COMMAND,
        "batch": text("lines for ip -batch", r"(?=[\s\S]*\S)[^\x00]+"),
        "netns": one_or_more(NAME),
        "traffic": object_of(flow, "protocol", "address", "port"),
        "migrate": {"const": True},
        "rollback": {"const": True},
        "python": text(
            "a dotted name, such as package.module.function", r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+"
        ),
        "in": NAME,
        "expect": one_or_more({"$ref": "#/$defs/event", "type": "object"}),
        "within": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
    }
    return {
        **object_of(keys),
        "if": {"type": "object"},
        "then": {"oneOf": [{"required": [key]} for key in STEPS]},
        "dependentRequired": {"within": ["expect"]},
        "dependentSchemas": {"in": {"anyOf": [{"required": ["run"]}, {"required": ["batch"]}]}},
        **_COMMAND,
        "type": ["string", "object"],
    }


def _fault() -> Schema:
    values = {
        "at": number(1),
        "count": number(1, 10**6),
        "size": number(1, 65535),
        "type": number(1, NLA_TYPE_MASK),
        "protocol": _PROTOCOL,
    }
    kinds = {kind: object_of({key: values[key] for key in ("at", *keys)}) for kind, keys in FAULTS.items()}
    return object_of(kinds, minProperties=1, maxProperties=1)


def _expect() -> Schema:
    code = text("a code of a difference, such as NLD102", "NLD[0-9]{3}")
    difference = {
        "code": code,
        "message": {"type": "string"},
        "field": {"type": "string"},
        "direction": {"enum": ["migrate", "rollback"]},
        "count": COUNT,
    }
    error = {
        "phase": {"enum": list(get_args(Phase))},
        "code": text("a code of an error, such as NLM-D003", "NLM-[A-Z][0-9]{3}"),
        "count": COUNT,
        "by": NAME,
    }
    events = list_of({"$ref": "#/$defs/event", "type": "object"})
    losses = {
        "type": ["integer", "object"],
        "minimum": 0,
        "maximum": 2**31 - 1,
        "propertyNames": NAME,
        "additionalProperties": COUNT,
        "minProperties": 1,
    }
    words = object_of({"migrate": _VERDICT, "rollback": _VERDICT}, minProperties=1)
    return object_of(
        {
            # A word, which the pattern spells out since an enumeration would refuse the object.
            "verdict": {
                **words,
                "type": ["string", "object"],
                "pattern": f"^({'|'.join(get_args(Verdict))})$(?!\\n)",
                "description": f"a verdict, which is {', '.join(get_args(Verdict)[:-1])} or {get_args(Verdict)[-1]}",
            },
            "events": events,
            "in_order": events,
            "state": {
                **list_of({"$ref": "#/$defs/object"}),
                "type": ["string", "array"],
                "pattern": "^kernel$(?!\\n)",
                "description": "kernel, nor a list of objects",
            },
            "differences": list_of(object_of(difference, "code")),
            "losses": losses,
            "errors": list_of(object_of(error, "phase", "code")),
            **expected_schema(),
        },
        minProperties=1,
    )


def _value(field: Field) -> Schema:
    """What a pattern may ask of a field: a value of its type, a number instead of a name, or what is in a list."""
    if field.nested is not None:
        one = {"$ref": f"#/$defs/{field.nested.__name__}"}
        if not field.many:
            return {**one, "type": ["object", "null"]}
        return {**one, "type": ["object", "array", "null"], "items": {**one, "type": "object"}}
    if field.table:
        return {"type": ["string", "integer", "array", "null"], "items": {"type": ["string", "integer"]}}
    kinds = field.schema.get("anyOf", [field.schema])
    types = sorted({kind["type"] for kind in kinds} | {"null"})
    if "array" in types:
        return {"type": sorted({*types, "string", "integer"})}
    return {"type": types}


def _patterns() -> Schema:
    """What a pattern may name of each kind of event, by kind, and by structure inside of one."""
    found: Schema = {}
    waiting = list(PAYLOADS.items())
    while waiting:
        name, struct = waiting.pop()
        if name in found:
            continue
        fields = plan(struct)
        found[name] = {
            "properties": {field.name: _value(field) for field in fields},
            "additionalProperties": False,
        }
        waiting += [(field.nested.__name__, field.nested) for field in fields if field.nested is not None]
    return dict(sorted(found.items()))


def _event() -> Schema:
    number, name = {"type": "integer"}, {"type": ["string", "integer"]}
    head = {
        "type": {"enum": ["netlink", "overrun"]},
        "protocol": name,
        "msg_type": name,
        "msg_flags": {"type": ["string", "integer", "array"], "items": {"type": ["string", "integer"]}},
        **dict.fromkeys(("seq", "pid", "frame", "offset", "nsid"), number),
        "interface": {"type": ["string", "null"]},
        "synthetic": {"type": "boolean"},
        "count": COUNT,
        "by": NAME,
        "where": text("a filter, such as netlink.link.mtu > 1400", r"[\s\S]*\S[\s\S]*", maxLength=LONGEST),
    }
    kinds = {kind: {"$ref": f"#/$defs/{kind}", "type": "object"} for kind in PAYLOADS}
    # Without a type: where it stands there may be a list of such, too.
    return {"properties": {**head, **kinds}, "additionalProperties": False, "minProperties": 1}


def _state_object() -> Schema:
    kinds = {kind: {"$ref": f"#/$defs/{event}", "type": "object"} for kind, event in OBJECTS.items()}
    alone = [{"required": [kind]} for kind in OBJECTS]
    return object_of({**kinds, "count": COUNT, "by": NAME}, oneOf=alone)


@functools.cache
def scenario_schema() -> Schema:
    """JSON Schema (2020-12) of a scenario file."""
    needs = {
        "live": {"type": "boolean"},
        "root": {"type": "boolean"},
        "devices": _NAMES,
        "programs": _NAMES,
        "families": _NAMES,
        "commands": list_of(_COMMAND, unique=True),
    }
    steps = list_of({"$ref": "#/$defs/step"})
    keys = {
        "scenario": {"const": VERSION},
        "id": text(
            "lower-case words with dots or hyphens between them, such as link.flap", r"[a-z0-9]+([.-][a-z0-9]+)*"
        ),
        "title": _SENTENCE,
        "authority": one_or_more(_SENTENCE),
        "level": {"enum": list(get_args(Level))},
        "kernel": _KERNEL,
        "needs": object_of(needs),
        "implementations": list_of(_implementation(), 2),
        **HEAD,
        "control": {"type": "boolean"},
        "capture": _capture(),
        "setup": steps,
        "steps": steps,
        "faults": list_of({"$ref": "#/$defs/fault"}),
        "seed": number(0),
        "expect": _expect(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"nlmon scenario, version {VERSION}",
        **object_of(keys, "scenario", "id", "title", "expect"),
        "oneOf": [{"required": ["capture"]}, {"required": ["steps"]}],
        "dependentRequired": {"setup": ["steps"]},
        "$defs": {
            "step": _step(),
            "fault": _fault(),
            "event": _event(),
            "line": line_schema(_event()),
            "object": _state_object(),
            **_patterns(),
        },
    }
