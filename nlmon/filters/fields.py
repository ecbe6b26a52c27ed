"""The fields of events that a filter can compare: one table, made from the structures of events.

Rules of this file:
1. The path of a field is where ``nlmon decode`` prints it: ``interface``, ``netlink.seq``, ``netlink.link.mtu``.
2. Former and shorter names (``ALIASES``) mean a field of the table; an error and a printed filter show its path.
3. Of a structure that may be there many times, and of a list, a field has many values.
4. Lists of pairs have no field.

Not here: reading a field of an event (``compile``), names of numbers (``constants``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct, UnsetType

from nlmon.events import PAYLOADS, Event

__all__ = ["ALIASES", "FIELDS", "Field", "Kind", "field_of", "fields_near"]

Kind: TypeAlias = Literal["number", "text", "flags", "truth"]
# Fields of an event that a path begins with; the other ones are of the message and stand behind ``netlink``.
_OUTER = ("interface", "timestamp", "frame", "offset", "nsid", "synthetic")
# Tables of names that are no annotation of a payload: those of the header (``constants``).
_HEADER = {"protocol": "protocol", "msg_type": "msg_type", "msg_flags": "msg_flags"}


class Field(Struct, frozen=True):
    """One field. ``kind``: of its values; ``names``: the table of their names, or empty; ``payload``: the structure
    that holds it, None for the event itself; ``steps``: the attributes on the way to it; ``many``: whether it has many
    values; ``words``: the only texts that it holds, empty if it holds any."""

    path: str
    kind: Kind
    steps: tuple[str, ...]
    names: str = ""
    payload: type[Struct] | None = None
    many: bool = False
    words: tuple[str, ...] = ()


class _Part(Struct, frozen=True):
    """What the annotation of an attribute says: the type of its values, the table of their names, whether these are
    bits, whether there are many, and the only ones that there are."""

    type: Any
    names: str
    flags: bool
    many: bool
    words: tuple[str, ...] = ()


def _part(hint: Any) -> _Part:
    many, names, flags = False, "", False
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            extra = next((one.extra or {} for one in get_args(hint)[1:] if isinstance(one, Meta)), {})
            names, flags = str(extra.get("names", "")), bool(extra.get("flags"))
            hint = get_args(hint)[0]
        elif origin is tuple:
            inner = [one for one in get_args(hint) if one is not Ellipsis]
            if len(set(inner)) != 1:
                return _Part(None, "", False, True)
            many, hint = True, inner[0]
        elif origin is not None and origin is not Literal:
            hint = next(one for one in get_args(hint) if one not in {UnsetType, type(None)})
        elif origin is Literal:
            return _Part(str, names, flags, many, get_args(hint))
        else:
            return _Part(hint, names, flags, many)


_KINDS: Mapping[Any, Kind] = {bool: "truth", int: "number", str: "text"}


def _fields(
    struct: type[Struct], path: str, steps: tuple[str, ...], payload: type[Struct], many: bool
) -> Iterator[Field]:
    hints = get_type_hints(struct, include_extras=True)
    for name in struct.__struct_fields__:
        part = _part(hints[name])
        whole, way, several = f"{path}.{name}", (*steps, name), many or part.many
        if part.type in _KINDS:
            kind: Kind = "flags" if part.flags else _KINDS[part.type]
            yield Field(whole, kind, way, part.names, payload, several, part.words)
        elif isinstance(part.type, type) and issubclass(part.type, Struct):
            yield from _fields(part.type, whole, way, payload, several)


def _all() -> Iterator[Field]:
    hints = get_type_hints(Event, include_extras=True)
    for name in Event.__struct_fields__:
        if name != "payload":
            part = _part(hints[name])
            path = name if name in _OUTER else "event.type" if name == "type" else f"netlink.{name}"
            kind: Kind = "flags" if name == "msg_flags" else _KINDS[part.type]
            yield Field(path, kind, (name,), _HEADER.get(name, ""), words=part.words)
    for name, struct in PAYLOADS.items():
        yield from _fields(struct, f"netlink.{name}", (), struct, many=False)


FIELDS: Mapping[str, Field] = MappingProxyType({field.path: field for field in _all()})

# Other names of fields: those of the guide and of the events that came before it.
_BARE = {
    "protocol": "netlink.protocol",
    "msg_type": "netlink.msg_type",
    "message_type": "netlink.msg_type",
    "event_type": "netlink.msg_type",
    "type": "netlink.msg_type",
    "namespace": "nsid",
    "sequence": "frame",
    "state": "netlink.link.operstate",
    "event.flags": "netlink.link.flags",
    "netlink.qca.subcmd_name": "netlink.generic.qca_vendor.subcmd",
}
# Other beginnings of paths.
_BEGINNINGS = {
    "netlink.ct.": "netlink.conntrack.",
    "netlink.nl80211.": "netlink.generic.nl80211.",
    "netlink.qca.": "netlink.generic.qca_vendor.",
    "netlink.qca_vendor.": "netlink.generic.qca_vendor.",
    "netlink.genl_": "netlink.generic.genl_",
}
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **_BARE,
        **{
            f"{other}{path.removeprefix(begin)}": path
            for other, begin in _BEGINNINGS.items()
            for path in FIELDS
            if path.startswith(begin)
        },
    }
)


def field_of(name: str) -> Field | None:
    """The field of a path or of another name, in any case and with or without ``data.`` behind ``netlink.``; None if
    there is none."""
    found = _lookup(name.lower())
    return FIELDS.get(found) if found else None


def _lookup(name: str) -> str | None:
    if name.startswith("netlink.data."):
        name = "netlink." + name.removeprefix("netlink.data.")
    name = ALIASES.get(name, name)
    return name if name in FIELDS else None


def fields_near(name: str, at_most: int = 3) -> list[str]:
    """Paths that may be meant by a name that is no field: those that end with it, those beside it that are spelled
    alike, or else any that are."""
    lower = name.lower().replace("netlink.data.", "netlink.", 1)
    begin, dot, last = lower.rpartition(".")
    if not dot and (ends := [path for path in FIELDS if path.endswith(f".{last}")]):
        return ends[:at_most]
    known = {**dict(zip(FIELDS, FIELDS, strict=True)), **ALIASES}
    beside = {one.rpartition(".")[2]: path for one, path in known.items() if one.rpartition(".")[0] == begin}
    if dot and (near := difflib.get_close_matches(last, beside, at_most, 0.7)):
        return list(dict.fromkeys(beside[one] for one in near))
    return list(dict.fromkeys(known[one] for one in difflib.get_close_matches(lower, known, at_most, 0.8)))
