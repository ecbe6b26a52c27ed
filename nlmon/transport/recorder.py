"""Records what passes through a transport: events, requests and answers, into a capture.

A ``RecordingFactory`` wraps any other factory, so a backend can be recorded without knowing it. Each transport
becomes two sockets of the capture, as in life: events and requests never mix.

Not here: the file format (``nlmon.capture.write``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeAlias

from nlmon.transport.base import Transport, TransportFactory, TransportStatus
from nlmon.wire import Datagram

__all__ = ["RecordingFactory", "RecordingTransport", "Sink"]


Way: TypeAlias = Literal["in", "out"]


class Sink(Protocol):
    """Where a recording goes; ``nlmon.capture.write.PcapngWriter`` is one."""

    def add_socket(self, name: str, protocol: int) -> int:
        """Declare a socket."""

    def write(self, *, socket: int, timestamp: int, data: bytes, direction: Way) -> None:
        """Keep one datagram; direction ``in`` is from the kernel."""

    def lost(self, socket: int, drops: int) -> None:
        """Messages that the kernel dropped on a socket."""


class RecordingFactory:
    """Opens transports of ``inner`` and records them into ``sink``."""

    def __init__(self, inner: TransportFactory, sink: Sink) -> None:
        self.byteorder = inner.byteorder
        self._inner = inner
        self._sink = sink

    def open(self, protocol: int, groups: Sequence[int], **buffers: int | None) -> RecordingTransport:
        """A recorded transport; see ``TransportFactory``."""
        inner = self._inner.open(protocol, groups, **buffers)
        return RecordingTransport(inner, self._sink)


class RecordingTransport:
    """A transport that keeps a copy of every datagram; see ``Transport``. ``events``: how many it read that were no
    answers."""

    def __init__(self, inner: Transport, sink: Sink) -> None:
        self.protocol = inner.protocol
        self.events = 0
        self._inner = inner
        self._sink = sink
        self._closed = False
        self._events = sink.add_socket(f"events-{inner.protocol}", inner.protocol)
        self._requests = sink.add_socket(f"requests-{inner.protocol}", inner.protocol)

    def fileno(self) -> int:
        """Descriptor of the recorded transport."""
        return self._inner.fileno()

    def recv(self) -> Datagram | None:
        """The next event, recorded."""
        datagram = self._inner.recv()
        if datagram is not None:
            self.events += 1
            self._keep(self._events, datagram.timestamp, datagram.data, "in")
        return datagram

    def join(self, group: int) -> None:
        """Join a group of the recorded transport."""
        self._inner.join(group)

    def leave(self, group: int) -> None:
        """Leave a group of the recorded transport."""
        self._inner.leave(group)

    def request(self, message: bytes, *, before: Callable[[Datagram], None] | None = None) -> Iterator[Datagram]:
        """A request and its answer, both recorded. ``before`` is called with each part of the answer before that is
        recorded, and may read the events that precede it."""
        self._keep(self._requests, time.time_ns(), message, "out")
        for datagram in self._inner.request(message):
            if before is not None:
                before(datagram)
            self._keep(self._requests, datagram.timestamp, datagram.data, "in")
            yield datagram

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface, of which a capture holds no trace but its link messages."""
        return self._inner.link_name(ifindex)

    def now(self) -> int:
        """Time of the recorded transport."""
        return self._inner.now()

    def status(self) -> TransportStatus:
        """Status of the recorded transport."""
        return self._inner.status()

    def close(self) -> None:
        """Close the recorded transport and report to the sink what it lost; the sink stays open."""
        if self._closed:
            return
        self._closed = True
        self._sink.lost(self._events, self._inner.status().drops)
        self._inner.close()

    def _keep(self, number: int, timestamp: int, data: bytes, direction: Way) -> None:
        self._sink.write(socket=number, timestamp=timestamp, data=data, direction=direction)
