"""Segments: datagrams of a recording by their place in the conversation between programs and kernel.

Not here: finding the place of a frame (``conversation``).
"""

from __future__ import annotations

import enum

from msgspec import Struct

from nlmon.wire import Datagrams

__all__ = ["ASIDE", "NOTIFICATION", "DumpScope", "Place", "Role", "Segment"]


class Role(enum.Enum):
    """What a datagram is in its conversation."""

    NOTIFICATION = "notification"
    DUMP = "dump"
    REPLY = "reply"
    REQUEST = "request"
    CONTROL = "control"


# What no listener receives, only the kernel or the program that asked.
ASIDE = frozenset({Role.REQUEST, Role.CONTROL})


class DumpScope(Struct, frozen=True):
    """What a dump request asked for: its protocol, RTM_GET* type and family.

    ``whole``: no filter in header or attributes, so that an object that is absent does not exist.
    """

    protocol: int
    get_type: int
    family: int
    whole: bool


class Place(Struct, frozen=True):
    """Role of one datagram. For a dump: the port and sequence that identify it, its scope if the request was
    recorded, whether this datagram ends it, and whether NLM_F_DUMP_INTR was set in this datagram. For an answer:
    the beginning of its request, if that was recorded."""

    role: Role
    dump_id: tuple[int, int, int] | None = None
    scope: DumpScope | None = None
    ends: bool = False
    interrupted: bool = False
    request: bytes = b""


NOTIFICATION, REQUEST, CONTROL = Place(Role.NOTIFICATION), Place(Role.REQUEST), Place(Role.CONTROL)


class Segment(Struct, frozen=True, gc=False):
    """Datagrams that have the same place in the conversation, and the number of their whole messages. Of a dump or an
    answer it is one datagram; of notifications several only where each is one whole message."""

    place: Place
    datagrams: Datagrams
    messages: int
