"""Counters of an implementation, as values.

Not here: counting (``base``).
"""

from __future__ import annotations

from msgspec import Struct

from nlmon.transport.base import TransportStatus

__all__ = ["BackendStatus", "LayoutStatus", "ProtocolStatus"]


class ProtocolStatus(Struct, frozen=True):
    """Counters of one protocol since it was enabled first. ``unknown``: messages that give no event, by type and
    first byte behind the header (often a family; -1: there is none); ``control``: NOOP, DONE and acknowledgements."""

    enabled: bool
    fd: int
    events: int
    errors: int
    unknown: dict[tuple[int, int], int]
    control: int
    transport: TransportStatus | None


class LayoutStatus(Struct, frozen=True):
    """Layouts that are kept (``entries``), messages and nested ranges that one of them read (``hits``), that none did
    (``misses``), functions made (``compiled``), how many of these for a layout that held for constant what is not
    (``recompiled``), and keys that were given up or had to go (``evicted``)."""

    entries: int
    hits: int
    misses: int
    compiled: int
    recompiled: int
    evicted: int


class BackendStatus(Struct, frozen=True):
    """Name of the implementation and its protocols by number; its layouts, where it has any."""

    name: str
    protocols: dict[int, ProtocolStatus]
    layouts: LayoutStatus | None = None
