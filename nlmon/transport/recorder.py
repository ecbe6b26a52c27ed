"""Records what passes through a transport: events, requests and answers, into a capture.

A ``RecordingFactory`` wraps any other factory, so a backend can be recorded without knowing it. Each transport
becomes two sockets of the capture, as in life: events and requests never mix.

Not here: the file format (``nlmon.capture.write``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeAlias

from nlmon.transport.base import Transport, TransportFactory
from nlmon.transport.wrapped import WrappedTransport
from nlmon.wire import Datagram

__all__ = ["RecordingFactory", "RecordingTransport", "Sink", "Way"]


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


class RecordingTransport(WrappedTransport):
    """A transport that keeps a copy of every datagram; see ``Transport``. ``events``: how many it read that were no
    answers."""

    def __init__(self, inner: Transport, sink: Sink) -> None:
        super().__init__(inner)
        self.events = 0
        self._sink = sink
        self._closed = False
        self._events = sink.add_socket(f"events-{inner.protocol}", inner.protocol)
        self._requests = sink.add_socket(f"requests-{inner.protocol}", inner.protocol)

    def recv(self) -> Datagram | None:
        """The next event, recorded."""
        datagram = self.inner.recv()
        if datagram is not None:
            self.events += 1
            self._keep(self._events, datagram.timestamp, datagram.data, "in")
        return datagram

    def request(self, message: bytes, *, before: Callable[[Datagram], None] | None = None) -> Iterator[Datagram]:
        """A request and its answer, both recorded. ``before`` is called with each part of the answer before that is
        recorded, and may read the events that precede it."""
        self._keep(self._requests, time.time_ns(), message, "out")
        for datagram in self.inner.request(message):
            if before is not None:
                before(datagram)
            self._keep(self._requests, datagram.timestamp, datagram.data, "in")
            yield datagram

    def close(self) -> None:
        """Close the recorded transport and report to the sink what it lost; the sink stays open."""
        if self._closed:
            return
        self._closed = True
        self._sink.lost(self._events, self.inner.status().drops)
        self.inner.close()

    def _keep(self, number: int, timestamp: int, data: bytes, direction: Way) -> None:
        self._sink.write(socket=number, timestamp=timestamp, data=data, direction=direction)
