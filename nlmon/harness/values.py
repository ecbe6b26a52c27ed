"""JSON as programs write it, made into payloads.

Rules:
1. A key that is missing is ``UNSET``, null is ``None``. A number is that of the field's width with the same low bits.
2. A program may write an integer as decimal digits, and bytes as ``{"hex": "…"}``, also for an address.
3. What is of no type that fits stays what it is, made plain: it agrees with nothing, and nobody guesses what was meant.
4. Fields that no event has are counted and dropped; names that begin with ``x-`` are dropped.
5. A program that lists the next hops of every route (shape ``nexthops``) has a route of one hop like that of several;
   in a message, and so in an event, the one hop stands in the route itself.

Not here: the lines themselves (``protocol``), and which fields must be there (the contract, a statement).
"""

from __future__ import annotations

import functools
import re
import socket
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct

from nlmon.events import PAYLOADS, MdbEntry, Payload
from nlmon.harness.widths import Width, is_address, is_device, width_of
from nlmon.payloads.netfilter import FlowTuple
from nlmon.payloads.route import NextHop

__all__ = ["NEXTHOPS", "Values", "field_types", "misfit", "nexthop_fields", "plain_type"]

Convert = Callable[[Any], Any]
# What rows of ``widths`` call structures inside of payloads.
INSIDE: Mapping[type[Struct], str] = {NextHop: "hop", FlowTuple: "tuple", MdbEntry: "mdb_entry"}
# Orders of fields that are remembered, each of names of so many characters at most; an event has 40 fields.
LAYOUTS, WIDEST = 256, 4096
# Names of fields that no event has: so many are kept, each of so many characters; the others are counted as one.
NAMES, LONG, OTHERS = 1000, 80, "(others)"
NEXTHOPS = "nexthops"
# Where a field of the one next hop of a route stands in the route.
ONE_HOP = {"ifindex": "oif", "gateway": "gateway", "via": "via", "encap_type": "encap_type", "encap": "encap"}
_DIGITS = re.compile(r"-?[0-9]{1,20}\Z")


class Values:
    """Makes payloads of what one program gives. ``absent``: by ``kind.field`` what it gives for what is not there, as a
    value of the field; ``unknown``: fields that no event has, by name. ``shapes``: see ``Hello``."""

    def __init__(self, absent: Mapping[str, Any], shapes: Mapping[str, str] | None = None) -> None:
        self.absent = {name: _as_given(name, value) for name, value in absent.items()}
        self.unknown: Counter[str] = Counter()
        self._hops = (shapes or {}).get("route") == NEXTHOPS

    def routed(self, kind: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields with the next hops of a route where an event has them."""
        return _with_hops(fields) if self._hops and kind == "route" and NEXTHOPS in fields else fields

    def payload(self, kind: str, fields: Mapping[str, Any]) -> Payload | None:
        """The payload of an event; None for a kind that there is not."""
        struct = PAYLOADS.get(kind)
        if struct is None:
            return None
        fields = self.routed(kind, fields)
        names = tuple(fields)
        layout = (_layout if sum(map(len, names)) <= WIDEST else _layout.__wrapped__)(struct, kind, names)
        size = len(struct.__struct_fields__)
        found: list[Any] = [UNSET] * (size + 1)  # the last place is for what no event has
        for (place, most, convert), value in zip(layout.columns, fields.values(), strict=True):
            # Nearly all are null or numbers that are in order.
            plain = value is None or (type(value) is int and 0 <= value <= most)
            found[place] = value if plain else convert(value)
        for name in layout.unknown:
            short = name if len(name) <= LONG else f"{name[:LONG]}…"
            self.unknown[short if len(self.unknown) < NAMES or short in self.unknown else OTHERS] += 1
        made: Any = struct(*found[:size])
        payload: Payload = made
        return payload


def _as_given(place: str, value: Any) -> Any:
    """What a value becomes where it is given for a field, such as -1 for one of 16 bits without a sign."""
    kind, _, field = place.partition(".")
    convert = converters(PAYLOADS[kind], kind).get(field) if kind in PAYLOADS else None
    return value if value is None or convert is None else convert(value)


def misfit(kind: str, field: str, value: Any) -> str:
    """Why what a program writes is no value of a field; empty: it is one, or no event has the field."""
    struct = PAYLOADS.get(kind)
    hint = get_type_hints(struct).get(field) if struct is not None else None
    if struct is None or hint is None or value is None:
        return ""
    wanted = field_types(struct)[field]
    # What is made of a list or an object where neither fits is a text; what was written says more.
    plain = wanted in {int, bool} and isinstance(value, list | dict)
    made = value if plain else msgspec.to_builtins(converters(struct, kind)[field](value))
    try:
        msgspec.convert(made, wanted)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def nexthop_fields(hop: Collection[str] | None) -> tuple[str, ...]:
    """The fields of a route that come of the next hops that a program lists; ``hop``: what each has, None: all."""
    return ("multipath", *(field for name, field in ONE_HOP.items() if hop is None or name in hop))


def _with_hops(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a route with its next hops where a message has them."""
    hops = fields[NEXTHOPS]
    found = {name: value for name, value in fields.items() if name != NEXTHOPS}
    if not isinstance(hops, list) or not all(isinstance(one, dict) for one in hops):
        return found | {"multipath": hops}
    if len(hops) > 1:
        return found | {field: None for field in ONE_HOP.values() if field not in found} | {"multipath": hops}
    hop: dict[str, Any] = hops[0] if hops else {}
    return (
        found
        | {field: hop.get(name) for name, field in ONE_HOP.items() if name in hop or not hops}
        | {"multipath": None}
    )


class _Layout(NamedTuple):
    """Where the values of fields go that a program writes in one order. ``columns``: of each its place in the payload,
    the greatest number that is taken as it is, and what makes a value; ``unknown``: those that no event has."""

    columns: tuple[tuple[int, int, Convert], ...]
    unknown: tuple[str, ...]


@functools.lru_cache(LAYOUTS)
def _layout(struct: type[Struct], kind: str, names: tuple[str, ...]) -> _Layout:
    known, converts = {name: place for place, name in enumerate(struct.__struct_fields__)}, converters(struct, kind)
    types = field_types(struct)
    columns = tuple(
        (known[name], width_of(kind, name).most if types[name] is int else -1, converts[name])
        if name in known
        else (len(known), -1, _as_it_is)
        for name in names
    )
    unknown = tuple(f"{kind}.{name}" for name in names if name not in known and not name.startswith("x-"))
    return _Layout(columns, unknown)


@functools.cache
def converters(struct: type[Struct], kind: str) -> Mapping[str, Convert]:
    """What makes a value of each field."""
    return {name: _converter(kind, name, hint) for name, hint in field_types(struct).items()}


@functools.cache
def field_types(struct: type[Struct]) -> Mapping[str, Any]:
    """The type of each field, without None, UNSET and what explains it."""
    return {name: plain_type(hint) for name, hint in get_type_hints(struct, include_extras=True).items()}


def plain_type(hint: Any) -> Any:
    """A type without None, UNSET and annotations."""
    if get_origin(hint) is Annotated:
        return plain_type(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        left = [one for one in get_args(hint) if one not in {type(None), msgspec.UnsetType}]
        return plain_type(left[0]) if len(left) == 1 else hint
    return hint


def _converter(kind: str, name: str, hint: Any) -> Convert:
    if hint is int:
        return functools.partial(_number, width_of(kind, name))
    if hint is str:
        if is_address(kind, name):
            return _address
        return _device if is_device(kind, name) else _text
    if hint is bool:
        return _truth
    if isinstance(hint, type) and issubclass(hint, Struct):
        return functools.partial(_structure, hint)
    if get_origin(hint) is tuple:
        first = plain_type(get_args(hint)[0])
        if isinstance(first, type) and issubclass(first, Struct):
            return functools.partial(_structures, first)
    return functools.partial(_composed, hint)


def _number(width: Width, value: Any) -> Any:
    if type(value) is not int:
        if type(value) is str and _DIGITS.match(value):
            value = int(value)
        else:
            return value if type(value) is str else _as_it_is(value)
    return value if 0 <= value < 128 else width.number(value)


def _truth(value: Any) -> Any:
    return bool(value) if value in (0, 1) else _as_it_is(value)


def _text(value: Any) -> Any:
    if type(value) is str:
        return value
    return value["hex"] if _is_hex(value) else _as_it_is(value)


def _address(value: Any) -> Any:
    if type(value) is str:
        return value if ":" not in value else _same_text(value)
    if not _is_hex(value):
        return _as_it_is(value)
    data = bytes.fromhex(value["hex"])
    family = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(data))
    return data.hex() if family is None else socket.inet_ntop(family, data)


def _same_text(value: str) -> str:
    """An IPv6 address as inet_ntop(3) writes it; what is none stays as it is."""
    try:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, value))
    except (OSError, ValueError):
        return value


def _device(value: Any) -> Any:
    if type(value) is str:
        return value.lower()
    return bytes.fromhex(value["hex"]).hex(":") if _is_hex(value) else _as_it_is(value)


def _is_hex(value: Any) -> bool:
    if not isinstance(value, dict) or type(value.get("hex")) is not str:
        return False
    try:
        bytes.fromhex(value["hex"])
    except ValueError:
        return False
    return True


def _structure(struct: type[Struct], value: Any) -> Any:
    if not isinstance(value, dict):
        return _as_it_is(value)
    converts = converters(struct, INSIDE.get(struct, struct.__name__))
    found = {name: converts[name](one) if one is not None else None for name, one in value.items() if name in converts}
    return struct(*[found.get(name, UNSET) for name in struct.__struct_fields__])


def _structures(struct: type[Struct], value: Any) -> Any:
    if not isinstance(value, list):
        return _as_it_is(value)
    return tuple(_structure(struct, one) for one in value)


def _composed(hint: Any, value: Any) -> Any:
    """Tuples of numbers and texts, by their type."""
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return _as_it_is(value)


def _as_it_is(value: Any) -> Any:
    """A value of no type that fits: a text, which agrees with nothing."""
    if isinstance(value, bool | int | str):
        return value
    return msgspec.json.encode(value, order="sorted").decode()
