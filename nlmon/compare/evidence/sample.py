"""What a difference rests on, as a report shows it: the message, what it consists of, and what both made of it.

Rules:
1. Made when the difference is found: which attributes hold keys follows from what the recording has named until then.
2. Keys are zeros, and what an implementation read of them is a length, whatever it takes the message for.

Not here: which differences have one (``nlmon.compare.findings``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any, Literal

import msgspec
from msgspec import Struct

from nlmon.compare.difference import Difference
from nlmon.compare.evidence.hidden import hidden_bytes, length_of
from nlmon.compare.evidence.locate import locate
from nlmon.compare.evidence.tree import Part, parts_of
from nlmon.events import Event, Payload
from nlmon.framing import header
from nlmon.names import PROTOCOLS
from nlmon.names.secret import ALL, is_secret, secrets_of
from nlmon.uapi import GENL_ID_CTRL, NETLINK_GENERIC, NLMSG_HDRLEN
from nlmon.wire import Datagram

__all__ = ["Sample", "of_message", "of_objects"]

# Bytes of a message, and its parts.
MESSAGE_KEPT, PARTS_KEPT = 4096, 256
# Of an event, characters of a text and items of a list.
TEXT_KEPT, ITEMS_KEPT = 1024, 32
# What a part takes as JSON.
PART_SIZE = 96


class Sample(Struct, frozen=True):
    """What a difference rests on. ``length``: of the message; ``data``: its bytes in hexadecimal, as many as are kept;
    ``parts``: what it consists of, ``parts_left_out``: how many more there are; ``at``: offset and length of what
    differs in it, None if it does not carry that; ``reference``, ``candidate``: the events, or of a state the objects.
    ``size``: about what all this takes as JSON."""

    protocol: str
    length: int
    data: str
    parts: tuple[Part, ...]
    parts_left_out: int
    at: tuple[int, int] | None
    reference: dict[str, Any] | None
    candidate: dict[str, Any] | None
    size: int


def of_message(
    difference: Difference,
    datagram: Datagram,
    events: tuple[Event | None, Event | None],
    byteorder: Literal["little", "big"],
    families: Callable[[int], Collection[str]],
) -> Sample:
    """What a difference about a message rests on. ``events``: that of the reference and that of the candidate;
    ``families``: the names of a generic family by its number."""
    begin, data = difference.offset, datagram.data
    end, kind = len(data), -1
    if begin + NLMSG_HDRLEN <= end:
        head = header(data, begin, byteorder)
        end, kind = min(end, begin + max(head.length, NLMSG_HDRLEN)), head.type
    hidden = hidden_bytes(datagram, byteorder, families)
    spans = [
        (max(start, begin) - begin, min(stop, end) - begin) for start, stop in hidden if start < end and begin < stop
    ]
    message = bytearray(data[begin:end])
    for start, stop in spans:
        message[start:stop] = bytes(stop - start)
    family = _family(kind, families) if datagram.protocol == NETLINK_GENERIC else ""
    found = parts_of(bytes(message), datagram.protocol, kind, family, byteorder, spans) if message else iter(())
    parts = tuple(islice(found, PARTS_KEPT))
    spot = locate(data, begin, difference.attribute, byteorder) if difference.attribute_offset >= 0 else None
    names = families(kind) if datagram.protocol == NETLINK_GENERIC else ()
    secrets = secrets_of(datagram.protocol, kind, names)
    shown = [None if event is None else _shown(event, secrets) for event in events]
    return Sample(
        protocol=PROTOCOLS.get(datagram.protocol, str(datagram.protocol)),
        length=len(message),
        data=message[:MESSAGE_KEPT].hex(),
        parts=parts,
        parts_left_out=sum(1 for _ in found),
        at=None if spot is None or spot.offset < begin else (spot.offset - begin, len(spot.data)),
        reference=shown[0],
        candidate=shown[1],
        size=2 * min(len(message), MESSAGE_KEPT) + PART_SIZE * len(parts) + sum(map(_size, shown)),
    )


def of_objects(reference: Payload | None, candidate: Payload | None) -> Sample:
    """What a difference between two states rests on: the object as each of them has it."""
    shown = [None if one is None else _shown(one) for one in (reference, candidate)]
    return Sample("", 0, "", (), 0, None, shown[0], shown[1], sum(map(_size, shown)))


def _family(kind: int, families: Callable[[int], Collection[str]]) -> str:
    """What a generic family is called, if that is one name."""
    names = {"nlctrl"} if kind == GENL_ID_CTRL else set(families(kind))
    return names.pop() if len(names) == 1 else ""


def _shown(value: Event | Payload, secrets: frozenset[int] | None = frozenset()) -> dict[str, Any]:
    """The JSON form of an event or an object, long values cut; ``secrets``: the attributes of its message that hold
    keys, or ``ALL``."""
    from nlmon.eventjson.write import event_to_dict, payload_to_dict  # noqa: PLC0415  (start-up: for differences alone)

    written: dict[str, Any]
    try:
        made = event_to_dict(value) if isinstance(value, Event) else payload_to_dict(value)
        written = msgspec.json.decode(msgspec.json.encode(made))
    except Exception as error:
        # A value, or a whole payload, of a type that no event has, which is a difference of its own.
        return {"unreadable": type(error).__name__}
    if secrets is ALL or secrets:
        _hide(written, secrets)
    return {key: _cut(one) for key, one in written.items()}


def _hide(written: dict[str, Any], secrets: frozenset[int] | None) -> None:
    """Hide what is left of keys in an event about a generic message: who gave it may call the family something else, or
    the command of a vendor."""
    generic = written.get("netlink", {}).get("generic", {})
    if generic.get("attributes"):
        generic["attributes"] = _lengths(generic["attributes"], secrets)
    if generic.get("qca_vendor"):
        generic["qca_vendor"]["data"] = length_of(generic["qca_vendor"].get("data"))


def _lengths(attributes: Any, secrets: frozenset[int] | None) -> Any:
    """Attributes, those that hold keys as their length; only as their size what is no list of them."""
    try:
        return [[kind, length_of(data) if is_secret(kind, secrets) else data] for kind, data in attributes]
    except (TypeError, ValueError):
        return length_of(str(attributes))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else f"{value[:TEXT_KEPT]} …"
    if isinstance(value, list):
        more = len(value) - ITEMS_KEPT
        return [*map(_cut, value[:ITEMS_KEPT]), *([f"… {more:,} more"] if more > 0 else ())]
    return {key: _cut(one) for key, one in value.items()} if isinstance(value, dict) else value


def _size(value: dict[str, Any] | None) -> int:
    return 0 if value is None else len(msgspec.json.encode(value))
