"""Writes events as JSON lines.

For each kind of payload a structure, whose fields are the keys in their order, and a function that fills it are made
once, from the plan of the payload: the function has one expression for each field. What an implementation does not
provide stays unset and is not written.

Rules of this file:
1. Names of numbers are remembered, a bounded number of them.
2. Of a key its length is written, and nothing else.

Not here: reading (``read``) and the schema (``schema``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, defstruct

from nlmon.eventjson.plan import Field, plan
from nlmon.events import PAYLOADS, Event, GenericInfo, Payload, QcaVendorInfo
from nlmon.names import PROTOCOLS, TABLES, flag_names, message_flags, message_type, name_of
from nlmon.names.secret import SECRET_VENDOR_COMMANDS, as_length, is_secret, secrets_of
from nlmon.printable import printable_json

__all__ = ["event_to_dict", "event_to_json", "events_to_json", "line_of", "payload_to_dict"]

REMEMBERED = 4096


class _Names(dict[Any, Any]):
    """Names of numbers, made by ``name`` when first asked for; what is no number stays what it is."""

    def __init__(self, name: Callable[[Any], Any]) -> None:
        self._first = {None: None, UNSET: UNSET}
        super().__init__(self._first)
        self._name = name

    def __missing__(self, number: Any) -> Any:
        if len(self) >= REMEMBERED:
            self.clear()
            self.update(self._first)
        found = self[number] = self._name(number)
        return found


class _Head(NamedTuple):
    """What is written of protocol, type and flags of a message."""

    numbers: Struct
    flags: list[str]
    kind: str
    protocol: str


def _attributes(payload: GenericInfo) -> Any:
    """The attributes of a generic message as they are kept, keys as their length only."""
    if not isinstance(payload.attributes, tuple):
        return payload.attributes
    name = payload.genl_family_name
    secrets = secrets_of(16, payload.genl_family_id, [name] if isinstance(name, str) else [])
    return [(kind, as_length(len(raw) // 2) if is_secret(kind, secrets) else raw) for kind, raw in payload.attributes]


def _vendor_data(payload: Any) -> Any:
    """Vendor data, a key as its length only."""
    data = payload.data
    return as_length(len(data) // 2) if data and payload.subcmd in SECRET_VENDOR_COMMANDS else data


# Fields that may hold keys, and what is written of them.
_WITHOUT_KEYS: Mapping[tuple[type[Struct], str], Callable[[Any], Any]] = {
    (GenericInfo, "attributes"): _attributes,
    (QcaVendorInfo, "data"): _vendor_data,
}

_Numbers = defstruct("_Numbers", ["msg_flags", "msg_type", "protocol"], frozen=True, gc=False)
_OUTER = ("frame", "interface", "netlink", "nsid", "offset", "synthetic", "timestamp", "type")
_Outer = defstruct("_Outer", [(name, Any, UNSET) for name in _OUTER], frozen=True, gc=False)


def line_of(event: Event) -> Struct:
    """The structure of one line; its values are the event's own, so it is to be written and not kept."""
    head = _HEADS[event.protocol, event.msg_type, event.msg_flags]
    payload = event.payload
    netlink, fill = _netlink(type(payload))
    nsid = event.nsid
    return _Outer(
        event.frame,
        event.interface,
        netlink(head, event.pid, event.seq, fill(payload)),
        UNSET if nsid is None else nsid,
        event.offset,
        True if event.synthetic else UNSET,
        event.timestamp,
        event.type,
    )


def _head(one: tuple[int, int, int]) -> _Head:
    protocol, kind, flags = one
    return _Head(
        _Numbers(flags, kind, protocol),
        message_flags(protocol, kind, flags),
        message_type(protocol, kind),
        PROTOCOLS.get(protocol, str(protocol)),
    )


_HEADS = _Names(_head)


@functools.cache
def _netlink(kind: type[Struct]) -> tuple[Callable[..., Struct], Callable[[Any], Struct]]:
    """What makes the object ``netlink`` of a kind of payload, and the object of the payload in it."""
    key = next(key for key, struct in PAYLOADS.items() if struct is kind)
    values = {
        "_num": "head.numbers",
        "msg_flags": "head.flags",
        "msg_type": "head.kind",
        "pid": "pid",
        "protocol": "head.protocol",
        "seq": "seq",
        key: "payload",
    }
    return _function("head, pid, seq, payload", _object(f"_Netlink_{key}", values), {}), _filler(kind)


@functools.cache
def _filler(kind: type[Struct]) -> Callable[[Any], Struct]:
    """What makes the object of a payload, or of what is nested in one."""
    fields = plan(kind)
    names: dict[str, Any] = {"unset": UNSET}
    numbers = {f.name: f"unset if payload.{f.name} is None else payload.{f.name}" for f in fields if f.table}
    inner = _object(f"_Numbers_{kind.__name__}", numbers)
    names["numbers"] = _function("payload", inner, names)
    values = {field.name: _expression(field, names) for field in fields}
    for name in values:
        if (kind, name) in _WITHOUT_KEYS:
            names[f"shown_{name}"] = _WITHOUT_KEYS[kind, name]
            values[name] = f"shown_{name}(payload)"
    return _function("payload", _object(f"_Line_{kind.__name__}", {**values, "_num": "numbers(payload)"}), names)


def _expression(field: Field, names: dict[str, Any]) -> str:
    value, own = f"payload.{field.name}", f"of_{field.name}"
    if field.table:
        table = field.table
        name = functools.partial(flag_names, TABLES[table]) if field.flags else functools.partial(name_of, table)
        names[own] = _Names(name)
        return f"{own}[{value}]"
    if field.nested is None:
        return value
    names[own] = _filler(field.nested)
    inside = f"[{own}(one) for one in {value}]" if field.many else f"{own}({value})"
    return f"{value} if {value} is None or {value} is unset else {inside}"


def _object(name: str, values: Mapping[str, str]) -> tuple[Callable[..., Struct], list[str]]:
    """A structure whose fields are sorted, and their expressions in that order."""
    ordered = sorted(values)
    made = defstruct(name, [(key, Any, UNSET) for key in ordered], frozen=True, gc=False)
    return made, [values[key] for key in ordered]


def _function(
    arguments: str, made: tuple[Callable[..., Struct], list[str]], names: Mapping[str, Any]
) -> Callable[..., Struct]:
    """A function that fills a structure."""
    function: Callable[..., Struct] = eval(
        f"lambda {arguments}: made({', '.join(made[1])})", {**names, "made": made[0]}
    )
    return function


_encoder = msgspec.json.Encoder()


_encode, _encode_lines = _encoder.encode, _encoder.encode_lines


def event_to_dict(event: Event) -> dict[str, Any]:
    """The JSON form as builtin values."""
    found: dict[str, Any] = msgspec.to_builtins(line_of(event))
    return found


def payload_to_dict(payload: Payload) -> dict[str, Any]:
    """The object of a payload in the JSON form of its event, as builtin values."""
    found: dict[str, Any] = msgspec.to_builtins(_filler(type(payload))(payload))
    return found


def event_to_json(event: Event) -> bytes:
    """One line without its newline."""
    return printable_json(_encode(line_of(event)))


def events_to_json(events: Iterable[Event]) -> bytes:
    """A line with its newline for each event; many at once take less time than one by one."""
    return printable_json(_encode_lines([line_of(event) for event in events]))
