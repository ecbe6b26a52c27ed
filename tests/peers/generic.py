"""Generic netlink by tshark, by pyroute2 and by ``genl``: families, commands, and attributes as they are.

Not here: comparing (``table``), and what nl80211's attributes mean (``nl80211``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink import genlmsg

from nlmon.events import Event, GenericInfo
from peers.pieces import header_by_pyroute2, header_by_tshark, walk
from peers.recording import BACKENDS, Recording
from peers.table import Case, Witness
from peers.tshark import Dissection, dissected, sampled

__all__ = ["CASES", "commands", "is_generic", "names"]

GENERIC, NLMSG_MIN_TYPE = 16, 16
CAPTURES = ("03-nl80211", "06-generic")
GENLMSGHDR = 4
Fields = dict[str, Any]


def is_generic(event: Event, _: Recording) -> bool:
    """A message of any family."""
    return isinstance(event.payload, GenericInfo)


def announced(source: Recording) -> set[tuple[int, int]]:
    """The places of messages of families."""
    return {one.key for one in source.messages if one.frame.protocol == GENERIC and one.header.type >= NLMSG_MIN_TYPE}


def in_sample(event: Event, source: Recording) -> bool:
    """A message that tshark is asked for."""
    return is_generic(event, source) and sampled(event, source)


# -- tshark ------------------------------------------------------------------------------------------------------


def attributes_by_tshark(m: Dissection) -> tuple[tuple[int, str], ...] | None:
    """Number and payload of each attribute; None for nl80211, whose attributes have fields of their own. Families
    that tshark does not dissect it leaves as bytes, from the message type on."""
    if m.family == "nl80211":
        return None
    if m.rest is not None:
        return tuple((kind, payload.hex()) for kind, payload in walk(m.rest[12 + GENLMSGHDR :]))
    return tuple((one.number, one.payload.hex()) for one in m.attributes)


def commands(m: Dissection) -> int:
    """The command, which tshark shows under a name of the family."""
    return int(next(m.fields[name] for name in ("genl.cmd", "genl.ctrl.cmd", "nl80211.cmd") if name in m.fields), 0)


def by_tshark(source: Recording) -> Iterator[Witness]:
    """Every message."""
    wanted = announced(source)
    for m in dissected(source):
        if m.key in wanted:
            fields = {
                **header_by_tshark(m),
                "genl_family_id": m.header["type"],
                "genl_family_name": m.family or None,
                "genl_cmd": commands(m),
                "genl_version": int(m.fields["genl.version"], 0),
                "attributes": attributes_by_tshark(m),
            }
            yield Witness(m.key, fields)


# -- pyroute2 ----------------------------------------------------------------------------------------------------


class AnyFamily(genlmsg):  # type: ignore[misc]
    """A message whose attributes pyroute2 frames and does not interpret."""

    nla_map = tuple((number, f"ATTR_{number}", "hex") for number in range(400))


def by_pyroute2(source: Recording) -> Iterator[Witness]:
    """Every message: the header, and the framing of the attributes."""
    listed = names(source)
    for one in source.messages:
        if one.frame.protocol != GENERIC or one.header.type < NLMSG_MIN_TYPE:
            continue
        m = AnyFamily(one.data)
        m.decode()
        pairs = [
            (int(name.removeprefix("ATTR_")), str(value or "").replace(":", ""))
            for name, value in ((slot[0], slot[1]) for slot in m["attrs"])
        ]
        yield Witness(
            one.key,
            {
                **header_by_pyroute2(m),
                "genl_family_id": m["header"]["type"],
                "genl_cmd": m["cmd"],
                "genl_version": m["version"],
                "attributes": None if listed.get(one.header.type) == "nl80211" else tuple(pairs),
            },
        )


# -- genl --------------------------------------------------------------------------------------------------------


def names(source: Recording) -> dict[int, str]:
    """Name by number, of every family that ``genl ctrl list`` and ``genl ctrl get`` printed."""
    found: dict[int, str] = {}
    for row in source.commands("genl ctrl "):
        found |= {int(number, 16): name for name, number in re.findall(r"Name: (\S+)\n\s+ID: (\S+)", row["stdout"])}
    return found


def by_genl(source: Recording) -> Iterator[Witness]:
    """Every message of a family that was listed."""
    listed = names(source)
    for one in source.messages:
        if one.frame.protocol == GENERIC and one.header.type in listed:
            yield Witness(one.key, {"genl_family_name": listed[one.header.type]})


# -- cases -------------------------------------------------------------------------------------------------------

CASES = (
    Case("generic", "tshark", CAPTURES, BACKENDS, 3918, by_tshark, in_sample),
    Case("generic", "pyroute2", CAPTURES, BACKENDS, 7582, by_pyroute2, is_generic),
    Case("generic", "genl", CAPTURES, ("libnl",), 7582, by_genl, is_generic),
)
