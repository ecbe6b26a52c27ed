"""Small pieces that several peers need: headers in our words, and bytes that a peer names but does not open.

Not here: anything of one protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peers.tshark import Attribute, Dissection

__all__ = ["header_by_pyroute2", "header_by_tshark", "hexadecimal", "inside", "payload", "shown", "text", "walk"]


def header_by_tshark(m: Dissection) -> dict[str, Any]:
    """nlmsghdr."""
    names = {"msg_type": "type", "msg_flags": "flags", "seq": "seq", "pid": "pid"}
    return {f"event.{ours}": m.header[theirs] for ours, theirs in names.items()}


def header_by_pyroute2(m: Any) -> dict[str, Any]:
    """nlmsghdr."""
    names = {"msg_type": "type", "msg_flags": "flags", "seq": "sequence_number", "pid": "pid"}
    return {f"event.{ours}": m["header"][theirs] for ours, theirs in names.items()}


def walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and payload of the attributes in bytes that a peer does not open, as linux/netlink.h lays them out."""
    at = 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 2], "little")
        if not 4 <= length <= len(data) - at:
            return
        yield int.from_bytes(data[at + 2 : at + 4], "little") & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def inside(data: bytes, number: int) -> bytes | None:
    """The payload of one of these attributes."""
    return next((found for kind, found in walk(data) if kind == number), None)


def hexadecimal(shown: str | None) -> int | None:
    """A little-endian number that pyroute2 gives as ``aa:bb``."""
    return None if shown is None else int.from_bytes(bytes.fromhex(shown.replace(":", "")), "little")


def shown(one: Attribute | None) -> int | None:
    """A number that tshark shows."""
    return None if one is None else one.number_shown


def text(one: Attribute | None) -> str | None:
    """A text that tshark shows."""
    return None if one is None else one.text_shown


def payload(one: Attribute | None) -> bytes | None:
    """The bytes of an attribute."""
    return None if one is None else one.payload
