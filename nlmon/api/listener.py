"""One implementation and its sockets, which hands on each event with the datagram that it was in.

Rules:
1. Who listens waits for the descriptors and calls ``process``; there is no thread and no loop here.
2. An event that was in no datagram, such as the place of a loss, comes with an empty one.

Not here: what a program is given of an event (``monitor``), and what a running monitor does with it
(``nlmon.monitor``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import NlmonError
from nlmon.events import Event
from nlmon.transport.base import TransportFactory
from nlmon.transport.tap import Reading, TapFactory
from nlmon.wire import Datagram

__all__ = ["Listener", "OnError", "OnEvent"]

OnEvent: TypeAlias = Callable[[Event, bytes], None]
OnError: TypeAlias = Callable[[NlmonError], None]


class Listener:
    """An implementation with no protocol enabled; see the module. ``backend``: the implementation; ``taps``: its open
    sockets, and ``dropped``: messages that the kernel has dropped at those that were closed, by protocol. ``on_event``
    is given each event, ``on_error`` what could not be read. ``arrived``: asked of each datagram whether it is to be
    decoded; None: all are."""

    def __init__(
        self,
        implementation: str,
        options: BackendOptions,
        transports: TransportFactory,
        on_event: OnEvent,
        on_error: OnError | None = None,
    ) -> None:
        self._factory = TapFactory(transports, self._arrive)
        self.taps = self._factory.taps
        self.dropped = self._factory.dropped
        self.byteorder = self._factory.byteorder
        self.arrived: Callable[[Datagram], bool] | None = None
        self._on_event = on_event
        self._on_error = on_error
        # Datagrams that were read and whose events may not be delivered yet, by protocol.
        self._datagrams: dict[int, deque[Datagram]] = {}
        self._ahead = 0
        self.set_up(implementation, options)

    def set_up(self, implementation: str, options: BackendOptions) -> None:
        """Make the implementation anew, with no protocol enabled; the one before must have none either."""
        self._ahead = options.message_pool_size or 0
        self._datagrams.clear()
        self.backend: Backend = create(implementation, self._factory, options)
        self.backend.set_callback(self._deliver, self._on_error)

    def deliver_to(self, on_event: OnEvent, on_error: OnError | None) -> tuple[OnEvent, OnError | None]:
        """Give events and errors to others from now on; who was given them before."""
        before = self._on_event, self._on_error
        self._on_event, self._on_error = on_event, on_error
        self.backend.set_callback(self._deliver, on_error)
        return before

    def process(self, protocol: int) -> bool:
        """Read one datagram and deliver its events; False when nothing waited. Never blocks. With a message pool what
        was read ahead is delivered, too, since no descriptor shows it.

        Raises ``UsageError`` when the protocol is not enabled, ``TransportError`` when the socket is lost and not
        replaced."""
        backend = self.backend
        try:
            read = backend.process(protocol)
            # Or there is something to do as soon as nothing waits, such as asking for families after a loss.
            ahead = 2 * self._ahead + 1 if read else 0
            while ahead and protocol in self.taps and backend.due() == 0.0 and backend.process(protocol):
                ahead -= 1
            return read
        finally:
            self._factory.readings()  # they are kept until somebody takes them

    def _arrive(self, datagram: Datagram) -> Reading | None:
        if self.arrived is not None and not self.arrived(datagram):
            return None
        self._datagrams.setdefault(datagram.protocol, deque(maxlen=self._ahead + 1)).append(datagram)
        return Reading(datagram, {})

    def _deliver(self, event: Event) -> None:
        if event.synthetic or event.type != "netlink":
            self._on_event(event, b"")
            return
        read = self._datagrams[event.protocol]
        while read[0].frame != event.frame:
            read.popleft()  # its events were delivered before
        self._on_event(event, read[0].data)
