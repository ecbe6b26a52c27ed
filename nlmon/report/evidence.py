"""What a report holds beside a difference, so that a person can see it: the message, both events, and when it was.

Rules:
1. Keys are never among it: their bytes are zeros and their length is said.
2. All of it is bounded; what found no room is counted beside it.

Not here: how it is found (``nlmon.compare.evidence``, ``nlmon.engine.timeline``), and the report (``model``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:  # start-up: a report is made without the comparison, too
    from nlmon.compare.findings import Group

__all__ = ["Example", "MessagePart", "Timeline", "examples_of"]


class MessagePart(Struct, frozen=True):
    """One attribute of a message, or the header of its family. ``depth``: 0 for the outermost; ``offset``, ``length``:
    its bytes in the message, with its own header and without padding; ``hidden``: it holds keys, which are zeros."""

    depth: int
    name: str
    offset: int
    length: int
    hidden: bool = False


class Example(Struct, frozen=True):
    """The first difference of a group (``code``, ``message`` and ``field`` are those of its ``first``) with what it
    rests on.

    ``frame``, ``offset``: the datagram in the capture, and the message in the datagram, in bytes. ``protocol``: its
    name. ``length``: of the message; ``bytes``: the message in hexadecimal, keys as zeros; shorter than ``length``
    where it found no room, empty where the difference is about no message. ``attributes``: what the message consists
    of, in its order; ``attributes_left_out``: how many more there are. ``at``: offset in the message and length of the
    attribute or field of a header that differs, null where the message carries none. ``reference_event``,
    ``candidate_event``: the events as JSON, null where there is none; a value that found no room is cut. Of the class
    ``state`` these are the two objects."""

    code: str
    message: str
    field: str
    frame: int
    offset: int
    protocol: str = ""
    length: int = 0
    bytes: str = ""
    attributes: tuple[MessagePart, ...] = ()
    attributes_left_out: int = 0
    at: tuple[int, int] | None = None
    reference_event: dict[str, Any] | None = None
    candidate_event: dict[str, Any] | None = None


class Timeline(Struct, frozen=True):
    """When there was what, in parts of a recording that have the same number of frames: each list has one entry for
    each part, and a list that would be all zeros is left out.

    ``frames``: how many frames a part has; the first part begins with frame 1; ``last``: the number of the last frame.
    ``times``: when the first datagram of a part was sent, in nanoseconds since 1970-01-01 UTC; of a part without
    datagrams, the time of the next one. ``events``, ``lost``: events of each implementation, and messages that it lost.
    ``differences``: by severity."""

    frames: int
    times: list[int]
    last: int = 0
    events: dict[str, list[int]] = {}
    lost: dict[str, list[int]] = {}
    differences: dict[str, list[int]] = {}


def examples_of(groups: Iterable[Group]) -> list[Example]:
    """The examples of the groups that have one."""
    return [
        Example(
            code=group.cls.code,
            message=group.message,
            field=group.field,
            frame=group.first.frame,
            offset=group.first.offset,
            protocol=sample.protocol,
            length=sample.length,
            bytes=sample.data,
            attributes=tuple(MessagePart(*part) for part in sample.parts),
            attributes_left_out=sample.parts_left_out,
            at=sample.at,
            reference_event=sample.reference,
            candidate_event=sample.candidate,
        )
        for group in groups
        if (sample := group.sample) is not None
    ]
