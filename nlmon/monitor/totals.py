"""What sockets that follow one another have counted together, so that a status counts since the monitor has started.

Not here: counting (``nlmon.backends``), and when a socket is replaced (``sources``).
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from nlmon.backends.status import BackendStatus, ProtocolStatus
from nlmon.transport.base import TransportStatus

__all__ = ["Totals"]

NO_SOCKET = TransportStatus((), None, None, None, None)


class Totals:
    """Counters of what is closed, by protocol."""

    def __init__(self) -> None:
        self._closed: dict[int, ProtocolStatus] = {}

    def add(self, status: BackendStatus) -> None:
        """Take over what an implementation has counted that is closed now."""
        self._closed = dict(self.with_status(status).protocols)

    def add_socket(self, protocol: int, one: ProtocolStatus) -> None:
        """Take over what a socket has counted that is closed now, while its implementation goes on counting."""
        self.add(BackendStatus("", {protocol: ProtocolStatus(False, -1, 0, 0, {}, 0, one.transport)}))

    def with_status(self, status: BackendStatus) -> BackendStatus:
        """A status with what was closed before."""
        closed = self._closed
        alone = {number: one for number, one in closed.items() if number not in status.protocols}
        both = {
            number: one if number not in closed else _together(closed[number], one)
            for number, one in status.protocols.items()
        }
        return replace(status, protocols={**both, **{number: _without_socket(one) for number, one in alone.items()}})


def _without_socket(one: ProtocolStatus) -> ProtocolStatus:
    return replace(one, enabled=False, fd=-1)


def _together(closed: ProtocolStatus, now: ProtocolStatus) -> ProtocolStatus:
    return replace(
        now,
        events=closed.events + now.events,
        errors=closed.errors + now.errors,
        unknown=dict(Counter(closed.unknown) + Counter(now.unknown)),
        control=closed.control + now.control,
        transport=_sockets(closed.transport, now.transport),
    )


def _sockets(closed: TransportStatus | None, now: TransportStatus | None) -> TransportStatus | None:
    """The settings of the socket that is open, and the counters of both."""
    if closed is None:
        return now
    shown = NO_SOCKET if now is None else now
    return replace(
        shown,
        datagrams=closed.datagrams + shown.datagrams,
        drops=closed.drops + shown.drops,
        foreign=closed.foreign + shown.foreign,
    )
