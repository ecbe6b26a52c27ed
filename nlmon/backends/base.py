"""What every implementation of the monitor looks like from outside, and how one is chosen by name.

Rules:
1. One choice of implementation for all protocols of a monitor, never a mix.
2. ``decode`` is pure: a datagram in, values out, nothing raised for any bytes. ``process`` is ``decode``
   behind a transport.
3. Class attributes ``groups`` and the tables of each implementation are the seam for deviations: a subclass
   replaces an entry; the good code has no switches.

Not here: any decoding. The two implementations share no code but this interface, ``nlmon.events``,
``nlmon.errors`` and ``nlmon.transport.base``.
"""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from nlmon.backends.options import BackendOptions
from nlmon.backends.reads import Declares
from nlmon.backends.status import BackendStatus, ProtocolStatus
from nlmon.errors import NlmonError, Overrun, TransportError, UsageError
from nlmon.events import OVERRUN, Decoded, Event, OverrunInfo
from nlmon.limits import KINDS_KEPT, count_kinds
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["Backend"]

# Messages that give no event of further types than are counted apart.
OTHERS = (-1, -1)

EventCallback = Callable[[Event], None]
ErrorCallback = Callable[[NlmonError], None]


class Backend(Declares, abc.ABC):
    """An implementation of the monitor: enable protocols, poll descriptors, process, get events by callback."""

    name: ClassVar[str]
    groups: ClassVar[Mapping[int, tuple[int, ...]]]
    """Multicast groups joined per supported protocol."""
    bulk: ClassVar[bool] = False
    """Whether many datagrams may be decoded by one call of ``decode_all``. A class keyword declares it
    (``class My(Backend, bulk=True)``) and no subclass inherits it, since what it changes may need each datagram by
    itself."""

    identity: object = None
    """What tells implementations of one class apart; None: nothing does."""

    def __init_subclass__(cls, *, bulk: bool = False, **others: Any) -> None:
        super().__init_subclass__(**others)
        cls.bulk = bulk

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        self._factory = transports
        self.options = options or BackendOptions()
        self.byteorder = transports.byteorder
        self._transports: dict[int, Transport] = {}
        # Events, errors and control messages, by protocol.
        self._counts: dict[int, list[int]] = {}
        self._unknown: dict[int, Counter[tuple[int, int]]] = {}
        # The last datagram read, by protocol.
        self._frames: dict[int, int] = {}
        self._on_event: EventCallback | None = None
        self._on_error: ErrorCallback | None = None

    @abc.abstractmethod
    def decode(self, datagram: Datagram) -> Decoded:
        """Events and errors of one datagram, for any bytes. Counts nothing and calls nobody."""

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        """Events and errors of many datagrams, in order: those that ``decode`` gives of each, while no interface
        changes its name."""
        found = Decoded([], [])
        for datagram in datagrams:
            found.add(self.decode(datagram))
        return found

    def set_callback(self, on_event: EventCallback | None, on_error: ErrorCallback | None = None) -> None:
        """Who receives events and decode errors; None discards them. Allowed before and after ``enable``."""
        self._on_event = on_event
        self._on_error = on_error

    def enable(self, protocol: int) -> None:
        """Open the sockets of a protocol; enabling an enabled protocol does nothing.

        Raises ``UsageError`` for a protocol this implementation does not support, ``TransportError`` if the
        kernel refuses.
        """
        if protocol in self._transports:
            return
        if protocol not in self.groups:
            raise UsageError(
                "NLM-B001",
                f"the {self.name} implementation does not support protocol {protocol}",
                hint="it supports " + ", ".join(map(str, sorted(self.groups))),
            )
        transport = self._transports[protocol] = self._factory.open(
            protocol,
            self.groups_of(protocol),
            receive_buffer=self.options.receive_buffer,
            send_buffer=self.options.send_buffer,
        )
        self._counts.setdefault(protocol, [0, 0, 0])
        self._unknown.setdefault(protocol, Counter())
        try:
            self.opened(protocol, transport)
        except TransportError:
            self.disable(protocol)
            raise

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """Multicast groups to join when a protocol is enabled."""
        return self.groups[protocol]

    def opened(self, protocol: int, transport: Transport) -> None:
        """A protocol was just enabled; may ask and join more. May raise ``TransportError``."""

    def refresh(self) -> None:
        """Look again for what may have appeared since, such as generic families. Does nothing by default."""

    def unresolved(self) -> tuple[str, ...]:
        """Generic families that the options name and the kernel has not named yet. None by default."""
        return ()

    def observed(self, datagram: Datagram, decoded: Decoded) -> None:
        """A datagram was read; called before its events are delivered. Does nothing by default."""

    def report(self, error: NlmonError, protocol: int | None = None) -> None:
        """Hand an error to the error callback, and count it for ``protocol`` when no read counts it."""
        if protocol is not None:
            self._counts[protocol][1] += 1
        if self._on_error is not None:
            self._on_error(error)

    def disable(self, protocol: int) -> None:
        """Close the sockets of a protocol; what waits in them is gone. Allowed when it is not enabled."""
        transport = self._transports.pop(protocol, None)
        if transport is not None:
            transport.close()

    def fileno(self, protocol: int) -> int:
        """Descriptor to poll, -1 when the protocol is not enabled or has no descriptor."""
        transport = self._transports.get(protocol)
        return -1 if transport is None else transport.fileno()

    def process(self, protocol: int) -> bool:
        """Read one datagram and deliver its events; False when nothing waited.

        Raises ``UsageError`` when the protocol is not enabled, ``TransportError`` when the socket is lost.
        An overrun is an event, goes to the error callback, too, and reading goes on.
        """
        transport = self._transports.get(protocol)
        if transport is None:
            raise UsageError("NLM-B002", f"protocol {protocol} is not enabled", hint="call enable() first")
        try:
            datagram = self.read(protocol, transport)
            if datagram is None:
                return self.idle(protocol)
        except TransportError as error:
            counts = self._counts[protocol]
            counts[1] += 1
            if not self.on_transport_error(protocol, error):
                raise
            if isinstance(error, Overrun):
                counts[0] += 1
                lost = OverrunInfo(error.drops if error.drops >= 0 else None)
                head = transport.now(), protocol, 0, 0, 0, 0, self._frames.get(protocol, 0), 0, None
                self.deliver([Event(*head, lost, OVERRUN)])
            return True
        decoded = self.decode(datagram)
        self.count(protocol, datagram.frame, decoded)
        self.observed(datagram, decoded)
        self.deliver(decoded.events)
        if decoded.errors and self._on_error is not None:
            for found in decoded.errors:
                self._on_error(found)
        return True

    def count(self, protocol: int, frame: int, decoded: Decoded) -> None:
        """Count what was decoded of an enabled protocol's datagrams, of which the last one is number ``frame``."""
        self._frames[protocol] = frame
        counts = self._counts[protocol]
        counts[0] += len(decoded.events)
        if decoded.errors:
            counts[1] += len(decoded.errors)
        if decoded.control:
            counts[2] += decoded.control
        if decoded.unknown:
            unknown = self._unknown[protocol]
            if len(unknown) + len(decoded.unknown) <= KINDS_KEPT:
                unknown.update(decoded.unknown)
            else:
                count_kinds(unknown, decoded.unknown, OTHERS)

    def in_bulk(self, protocol: int, transport: Transport | None) -> bool:
        """Whether datagrams that ``transport`` would give may go through ``decode_all`` and ``count`` instead: the
        class declares it, the options ask for nothing that is done between two datagrams, and this very transport,
        with nothing around it, is the one that ``process`` reads."""
        return self.bulk and transport is not None and self._transports.get(protocol) is transport

    def read(self, protocol: int, transport: Transport) -> Datagram | None:
        """The next datagram to decode, None when nothing waits. Raises ``TransportError``."""
        return transport.recv()

    def idle(self, protocol: int) -> bool:
        """Nothing waits; True if that was used to do something. Does nothing by default."""
        return False

    def due(self) -> float | None:
        """Seconds until ``process`` should be called though no descriptor is ready; None: never."""
        return None

    def resyncing(self) -> bool:
        """Whether what a loss concerns is still to be dumped."""
        return False

    def deliver(self, events: Sequence[Event]) -> None:
        """Hand events to the callback."""
        if self._on_event is not None:
            for event in events:
                self._on_event(event)

    @abc.abstractmethod
    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """React to a failed read; True when reading may go on."""

    def status(self) -> BackendStatus:
        """Counters and socket settings of every protocol that was ever enabled."""
        protocols = {}
        for protocol, (events, errors, control) in self._counts.items():
            transport = self._transports.get(protocol)
            protocols[protocol] = ProtocolStatus(
                enabled=transport is not None,
                fd=-1 if transport is None else transport.fileno(),
                events=events,
                errors=errors,
                unknown=dict(self._unknown[protocol]),
                control=control,
                transport=None if transport is None else transport.status(),
            )
        return BackendStatus(name=self.name, protocols=protocols)

    def close(self) -> None:
        """Disable every protocol. Closing twice is allowed; ``enable`` opens again."""
        for protocol in list(self._transports):
            self.disable(protocol)
