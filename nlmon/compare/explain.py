"""Turns a finding into a difference that a person can act on: the place, the bytes, both values.

The costly part of a comparison, and only done where something differs.

Not here: deciding what differs (``classify``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from msgspec import UNSET

from nlmon.compare.classify import FieldFinding
from nlmon.compare.difference import Class, Difference
from nlmon.compare.evidence.hidden import shown_values
from nlmon.compare.evidence.locate import Span, locate
from nlmon.events import Event
from nlmon.names import message_type
from nlmon.wire import Datagram

__all__ = ["explain_event", "explain_field", "show"]

# Bytes of a message, and characters of a value, that a report shows.
HEX_LIMIT, LONGEST = 64, 4096


def show(value: Any) -> str:
    """A value as one line of text; not provided and not in the message are two texts."""
    if value is UNSET:
        return "(not provided)"
    if value is None:
        return "(not in the message)"
    if isinstance(value, int | str):
        return _short(str(value))
    try:
        return _short(msgspec.json.encode(msgspec.to_builtins(value)).decode())
    except TypeError:
        return _short(repr(value))  # with something in it that no event may have


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def explain_field(
    finding: FieldFinding,
    event: Event,
    datagram: Datagram,
    byteorder: str,
    answer: bool,
    families: Callable[[int], Collection[str]],
) -> Difference:
    """The difference behind one finding about one event. ``families``: the names of a generic family by its number."""
    values = shown_values(event, (finding.reference, finding.candidate), families)
    finding = finding._replace(reference=values[0], candidate=values[1])
    spot = locate(datagram.data, event.offset, finding.path, byteorder)
    return Difference(
        cls=finding.cls,
        message=message_type(event.protocol, event.msg_type),
        frame=datagram.frame,
        offset=event.offset,
        field=finding.field,
        attribute=finding.path,
        attribute_offset=spot.offset,
        hex=spot.data[:HEX_LIMIT].hex(" ") + ("" if len(spot.data) <= HEX_LIMIT else " …"),
        reference=show(finding.reference),
        candidate=show(finding.candidate),
        reason=finding.reason + _detail(finding),
        answer=answer,
    )


def _detail(finding: FieldFinding) -> str:
    """For nested values, where inside them the difference is."""
    plain = int | str | None | msgspec.UnsetType
    if isinstance(finding.reference, plain) or isinstance(finding.candidate, plain):
        return ""
    from deepdiff import DeepDiff  # noqa: PLC0415  (a heavy import, needed only once something differs)

    try:
        before, after = msgspec.to_builtins(finding.reference), msgspec.to_builtins(finding.candidate)
    except TypeError:
        return ""  # with something in it that no event may have
    text = DeepDiff(before, after, view="text").pretty().replace("\n", "; ")
    return f" ({_short(text)})"


def explain_event(
    cls: Class,
    event: Event | None,
    datagram: Datagram,
    reason: str,
    answer: bool,
    values: tuple[str, str],
    place: Span | None = None,
) -> Difference:
    """A difference about an event as a whole; ``values`` are what each side has to show for it. ``place``: the message,
    where there is no event."""
    offset = event.offset if event is not None else 0 if place is None else place.start
    kind = event.msg_type if event is not None else None if place is None else place.kind
    return Difference(
        cls=cls,
        message="" if kind is None else message_type(datagram.protocol, kind),
        frame=datagram.frame,
        offset=offset,
        field="",
        attribute="",
        attribute_offset=-1,
        hex=datagram.data[offset : offset + HEX_LIMIT].hex(" "),
        reference=values[0],
        candidate=values[1],
        reason=reason,
        answer=answer,
    )
