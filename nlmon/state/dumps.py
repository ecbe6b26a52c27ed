"""Dumps held against a state: what is collected of one, and what it brings to light.

Not here: the state itself (``tables``).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.events import RoutePayload
from nlmon.state.identity import Key

__all__ = ["DumpLoad", "Unannounced"]

Change: TypeAlias = Literal["gone", "appeared", "changed"]


class Unannounced(Struct, frozen=True):
    """One difference between what events said and what the kernel turned out to hold.

    ``frame`` is where it came to light; ``reason`` says how; ``fields`` names what changed. ``key`` is the
    identity of the object, ``object`` the same for people.
    """

    kind: str
    change: Change
    object: str
    frame: int
    reason: str
    key: Key
    fields: tuple[str, ...] = ()


class DumpLoad:
    """The objects of one dump while its datagrams arrive.

    ``touched`` collects keys announced meanwhile: a dump is no snapshot, so these are not judged by it;
    ``reordered`` the groups of IPv4 routes whose order it does not tell either.
    """

    def __init__(self, msg_type: int, family: int) -> None:
        self.msg_type = msg_type
        self.family = family
        self.payloads: list[RoutePayload] = []
        self.touched: set[tuple[str, Key]] = set()
        self.reordered: set[Key] = set()
