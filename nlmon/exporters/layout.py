"""An event as it leaves the monitor: one JSON object, the same in every export, and its JSON Schema.

It is the object of ``nlmon.eventjson`` but for two things: it has no ``frame`` and ``offset``, which are places in a
recording, so that two monitors give the same line for the same message; and what every generic message has stands
beside the other numbers of the header, and what nlmon knows of nl80211 beside the payload, as the guide has it.

Rules of this file:
1. Keys are sorted, a line is one line, and holds no character that a terminal obeys.

Not here: where lines go (``files``, ``syslog``).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, defstruct

from nlmon.eventjson.schema import event_schema
from nlmon.eventjson.write import line_of
from nlmon.events import Event, GenericInfo
from nlmon.printable import printable_json

__all__ = ["VERSION", "exported", "exported_line", "exported_schema", "in_event_form"]

# The version of the layout, which the title of its schema names.
VERSION = 1
# What is lifted out of the object of a generic message.
HEADER = ("genl_cmd", "genl_family_id", "genl_family_name", "genl_version")
KNOWN = {"nl80211": "Nl80211Info", "qca_vendor": "QcaVendorInfo"}
REST = ("attributes", "vendor_id", "vendor_subcmd")


def _struct(name: str, *fields: str) -> Any:
    return defstruct(name, [(field, Any, UNSET) for field in sorted(fields)], frozen=True, gc=False)


_Line = _struct("_Line", "interface", "netlink", "nsid", "synthetic", "timestamp", "type")
_Rest = _struct("_Rest", *REST)
_Generic = _struct("_Generic", "_num", "generic", "msg_flags", "msg_type", "pid", "protocol", "seq", *HEADER, *KNOWN)
_encode = msgspec.json.Encoder().encode


def exported(event: Event) -> dict[str, Any]:
    """The object as builtin values."""
    found: dict[str, Any] = msgspec.to_builtins(_line(event))
    return found


def exported_line(event: Event) -> bytes:
    """The line, with its newline."""
    return printable_json(_encode(_line(event))) + b"\n"


def in_event_form(line: bytes | str) -> dict[str, Any]:
    """The object of a line in the form of ``nlmon.eventjson``, with 0 for the places in a recording, which a line has
    not. Raises ``msgspec.MsgspecError`` for a text that is no line."""
    found = msgspec.json.decode(line, type=dict[str, Any])
    netlink = found.get("netlink")
    if isinstance(netlink, dict) and isinstance(netlink.get("generic"), dict):
        names = [name for name in (*HEADER, *KNOWN) if name in netlink]
        inner = {"_num": {}, **dict.fromkeys(KNOWN), **netlink["generic"], **{name: netlink[name] for name in names}}
        found["netlink"] = {name: one for name, one in netlink.items() if name not in names} | {"generic": inner}
    return {**found, "frame": 0, "offset": 0}


def _line(event: Event) -> Struct:
    line: Any = line_of(event)
    netlink = _lifted(line.netlink) if type(event.payload) is GenericInfo else line.netlink
    found: Struct = _Line(line.interface, netlink, line.nsid, line.synthetic, line.timestamp, line.type)
    return found


def _lifted(netlink: Any) -> Struct:
    """The object ``netlink`` of a generic message with what it has in common with others lifted out of ``generic``."""
    inner = netlink.generic
    found: Struct = _Generic(
        generic=_Rest(*(getattr(inner, name) for name in REST)),
        **{name: getattr(inner, name) for name in HEADER},
        **{name: getattr(inner, name) or UNSET for name in KNOWN},
        **{name: getattr(netlink, name) for name in ("_num", "msg_flags", "msg_type", "pid", "protocol", "seq")},
    )
    return found


def exported_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line."""
    schema = event_schema()
    schema["title"] = f"exported nlmon event, version {VERSION}"
    for place in ("frame", "offset"):
        del schema["properties"][place]
        schema["required"].remove(place)
    netlink, generic = schema["properties"]["netlink"], schema["$defs"]["generic"]
    for name in HEADER:
        netlink["properties"][name] = generic["properties"].pop(name)
    for name, kind in KNOWN.items():
        netlink["properties"][name] = {"$ref": f"#/$defs/{kind}"}
    generic["properties"] = {name: generic["properties"][name] for name in REST}
    always = [name for name in HEADER if name in generic["required"]]
    generic["required"] = [name for name in REST if name in generic["required"]]
    netlink["dependentRequired"] = {"generic": always} | {name: ["generic"] for name in (*HEADER, *KNOWN)}
    return schema
