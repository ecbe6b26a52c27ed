"""Counters of all the sockets that a monitor has had.

    totals.of(listener)             # what is counted now, and what was before
    totals.keep(listener)           # this one goes, and its counts stay

Rules:
1. What was counted never becomes less: not when a socket is lost, and not when others take its place.

Not here: opening and losing sockets (``sources``), and who receives them (``counted``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from nlmon.api.listener import Listener
from nlmon.backends.status import BackendStatus, ProtocolStatus
from nlmon.events import Decoded
from nlmon.transport.base import TransportStatus

__all__ = ["Totals"]

_NO_SOCKET = TransportStatus((), None, None, None, None)


class Totals:
    """What listeners have counted that are no more."""

    def __init__(self) -> None:
        # What is taken back of a count may be more than it, until what the listener of now counts is added.
        self._before: dict[int, ProtocolStatus] = {}

    def of(self, listener: Listener) -> BackendStatus:
        """The status of an implementation, with everything that was counted before. ``drops`` are those of every
        socket; a protocol that has none now has no other settings."""
        status, before, closed = listener.backend.status(), self._before, listener.dropped
        found = {
            number: _sum(
                one if number in listener.taps else replace(one, transport=None), before.get(number), closed[number]
            )
            for number, one in status.protocols.items()
        }
        gone = {number: replace(one, enabled=False, fd=-1) for number, one in before.items() if number not in found}
        return replace(status, protocols={**found, **gone})

    def take_back(self, protocol: int, decoded: Decoded) -> None:
        """Count a datagram once that two listeners have read: what the later one has made of it."""
        before = self._before.get(protocol)
        if before is None:
            return
        self._before[protocol] = replace(
            before,
            events=before.events - len(decoded.events),
            errors=before.errors - len(decoded.errors),
            control=before.control - decoded.control,
            unknown={**before.unknown, **_less(before.unknown, decoded.unknown)},
        )

    def keep(self, listener: Listener) -> None:
        """Keep the counts of one that is about to be closed."""
        self._before = dict(self.of(listener).protocols)


def _less(counts: Mapping[tuple[int, int], int], found: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Those of the counts that become less, which may be below 0 until they are added to others."""
    return {one: counts.get(one, 0) - times for one, times in Counter(found).items()}


def _sum(now: ProtocolStatus, before: ProtocolStatus | None, closed: int) -> ProtocolStatus:
    """The counters of a protocol, those of earlier implementations, and what sockets have lost that were closed."""
    past = 0 if before is None or before.transport is None else before.transport.drops
    transport = now.transport or (_NO_SOCKET if past or closed else None)
    if transport is not None:
        transport = replace(transport, drops=transport.drops + past + closed)
    if before is None:
        return replace(now, transport=transport)
    return replace(
        now,
        events=now.events + before.events,
        errors=now.errors + before.errors,
        control=now.control + before.control,
        unknown=dict(Counter(now.unknown) + Counter(before.unknown)),
        transport=transport,
    )
