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
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import FunctionType
from typing import ClassVar, Literal, NoReturn, TypeAlias, get_args

from msgspec import Struct

from nlmon.errors import NlmonError, Overrun, TransportError, UsageError
from nlmon.events import OVERRUN, Datagram, Datagrams, Decoded, Event, OverrunInfo
from nlmon.transport.base import Transport, TransportFactory, TransportStatus

__all__ = [
    "BACKENDS",
    "Backend",
    "BackendOptions",
    "BackendStatus",
    "LayoutStatus",
    "ProtocolStatus",
    "create",
    "methods_of",
]

EventCallback = Callable[[Event], None]
ErrorCallback = Callable[[NlmonError], None]

BACKENDS: Mapping[str, str] = {
    "legacy": "nlmon.backends.legacy:LegacyBackend",
    "libnl": "nlmon.backends.libnl:LibnlBackend",
}

PoolPolicy: TypeAlias = Literal["wait", "oldest", "newest"]
# The least value of the options that have one; 16 bytes is an nlmsghdr. None, where it is allowed, sets no value.
_LEAST = {
    "receive_buffer": 0,
    "send_buffer": 0,
    "cache_size": 1,
    "resync_interval": 0,
    "resync_quiet": 0,
    "max_message_size": 16,
    "message_pool_size": 1,
    "layouts": 0,
}


class BackendOptions(Struct, frozen=True):
    """Inputs of a backend. Sizes in bytes, 32 KiB is the guide's default, None leaves the kernel's.

    For libnl alone: ``generic_families`` names the families whose groups are joined, None joins all there are;
    ``extra_groups`` names rtnetlink's neighbouring groups (``tc``, ``nexthop``, ``nsid``, ``prefix``, ``mdb``,
    ``netconf``, ``stats``). ``caches``: any of ``link``, ``addr``, ``route``; at most ``cache_size`` objects each,
    filled again when older than ``cache_ttl`` seconds. ``resync``: after a loss, dump and deliver what changed as
    synthetic events, at most once in ``resync_interval`` seconds, and not before nothing came for ``resync_quiet``
    seconds, since dumps in the middle of a burst cost more of it (a burst of more than ten seconds is not waited for);
    keeps a table of all that was delivered. What failed is tried again after a second at least, and what was
    interrupted three times more.
    ``max_message_size``: larger messages, in bytes, are refused and reported. ``message_pool_size``: so many
    datagrams are read ahead of their delivery; when the pool is full, ``pool_policy`` says whether the kernel's
    buffer must wait, or the oldest or newest datagram is dropped, counted, and told like an overrun. ``layouts``: for
    so many kinds of messages functions of their own are kept, which read what repeats itself faster; 0: none, every
    message is read by its policy. Legacy ignores all of these.

    A number that means nothing raises ``UsageError``, whichever implementation it is for."""

    receive_buffer: int | None = 32768
    send_buffer: int | None = 32768
    generic_families: tuple[str, ...] | None = None
    extra_groups: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    cache_size: int = 65536
    cache_ttl: float | None = None
    resync: bool = False
    resync_interval: float = 1.0
    resync_quiet: float = 0.0
    max_message_size: int | None = None
    message_pool_size: int | None = None
    pool_policy: PoolPolicy = "wait"
    layouts: int = 1024

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                _refuse(name, value, f"{least} or more")
        if self.cache_ttl is not None and not 0 < self.cache_ttl < math.inf:
            _refuse("cache_ttl", self.cache_ttl, "more than 0 seconds")
        for name in ("resync_interval", "resync_quiet"):
            if not getattr(self, name) < math.inf:
                _refuse(name, getattr(self, name), "a number of seconds")
        if self.pool_policy not in get_args(PoolPolicy):
            _refuse("pool_policy", self.pool_policy, ", ".join(get_args(PoolPolicy)))


def _refuse(name: str, value: object, allowed: str) -> NoReturn:
    raise UsageError("NLM-B012", f"the option {name} cannot be {value!r}", hint=f"allowed: {allowed}")


# What ``process`` is made of, but for decoding.
_STEPS = ("process", "read", "take", "observed", "deliver", "idle", "set_callback")


class ProtocolStatus(Struct, frozen=True):
    """Counters of one protocol since it was enabled first. ``unknown``: messages that give no event, by type and
    first byte behind the header (often a family; -1: there is none)."""

    enabled: bool
    fd: int
    events: int
    errors: int
    unknown: dict[tuple[int, int], int]
    transport: TransportStatus | None


class LayoutStatus(Struct, frozen=True):
    """Layouts that are kept (``entries``), messages and nested ranges that one of them read (``hits``), that none did
    (``misses``), functions made (``compiled``), how many of these for a layout that had taken for constant what is not
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


class Backend(abc.ABC):
    """An implementation of the monitor: enable protocols, poll descriptors, process, get events by callback."""

    name: ClassVar[str]
    groups: ClassVar[Mapping[int, tuple[int, ...]]]
    """Multicast groups joined per supported protocol."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        self._factory = transports
        self.options = options or BackendOptions()
        self.byteorder = transports.byteorder
        self._transports: dict[int, Transport] = {}
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
        """Events and errors of many datagrams, in order: those that ``decode`` gives of each, while the kernel has no
        news of interfaces."""
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
        self._counts.setdefault(protocol, [0, 0])
        self._unknown.setdefault(protocol, Counter())
        try:
            self.opened(protocol, transport)
        except TransportError:
            self.disable(protocol)
            raise

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """Multicast groups to join when a protocol is enabled."""
        return self.groups[protocol]

    def opened(self, protocol: int, transport: Transport) -> None:  # noqa: B027
        """A protocol was just enabled; may ask and join more. May raise ``TransportError``."""

    def refresh(self) -> None:  # noqa: B027
        """Look again for what may have appeared since, such as generic families. Does nothing by default."""

    def unresolved(self) -> tuple[str, ...]:
        """Generic families that the options name and the kernel has not named yet. None by default."""
        return ()

    def observed(self, datagram: Datagram, decoded: Decoded) -> None:  # noqa: B027
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
                self.deliver([self._gap(protocol, transport, error)])
            return True
        decoded = self.take(protocol, datagram)
        self.observed(datagram, decoded)
        self.deliver(decoded.events)
        if decoded.errors and self._on_error is not None:
            for found in decoded.errors:
                self._on_error(found)
        return True

    def take(self, protocol: int, datagram: Datagram) -> Decoded:
        """Decode a datagram that was read from an enabled protocol, and count what it holds; nothing is delivered."""
        self._frames[protocol] = datagram.frame
        decoded = self.decode(datagram)
        counts = self._counts[protocol]
        counts[0] += len(decoded.events)
        if decoded.errors:
            counts[1] += len(decoded.errors)
        if decoded.unknown:
            self._unknown[protocol].update(decoded.unknown)
        return decoded

    def count(self, datagrams: Datagrams, found: Decoded) -> None:
        """Count what ``decode_all`` made of datagrams, as ``take`` does."""
        protocol = datagrams.protocol
        self._frames[protocol] = datagrams.frame + len(datagrams) - 1
        self._counts[protocol][0] += len(found.events)
        self._counts[protocol][1] += len(found.errors)
        self._unknown[protocol].update(found.unknown)

    def reads(self, protocol: int, transport: Transport | None) -> bool:
        """Whether what a protocol reads is this very transport, and nothing around it."""
        return transport is not None and self._transports.get(protocol) is transport

    def straight(self, protocol: int) -> bool:
        """Whether ``process`` does nothing with a datagram of a protocol but ``take`` and deliver it, and nothing while
        nothing waits, so that who plays the kernel may ``take`` by himself. An implementation that does more, or a
        subclass that replaces a step, must go the whole way."""
        return self._steps_of(Backend)

    def steady(self) -> bool:
        """Whether ``decode_all`` does for many datagrams all that ``take`` does, but for counting. Nothing is known of
        a subclass, or of an object or a class in which a method was replaced."""
        return False

    def _is_still(self, known: type, methods: Mapping[str, object]) -> bool:
        """Whether this is of that very class, and all methods are what they were."""
        return (
            type(self) is known
            and vars(self).keys().isdisjoint(methods)
            and all(getattr(known, name) is method for name, method in methods.items())
        )

    def _steps_of(self, known: type) -> bool:
        """Whether each step of ``process`` is that of ``known``."""
        return all(getattr(getattr(self, step), "__func__", None) is getattr(known, step) for step in _STEPS)

    def _gap(self, protocol: int, transport: Transport, error: Overrun) -> Event:
        """The event that stands where messages were lost."""
        lost = OverrunInfo(error.drops if error.drops >= 0 else None)
        return Event(transport.now(), protocol, 0, 0, 0, 0, self._frames.get(protocol, 0), 0, None, lost, OVERRUN)

    def read(self, protocol: int, transport: Transport) -> Datagram | None:
        """The next datagram to decode, None when nothing waits. Raises ``TransportError``."""
        return transport.recv()

    def idle(self, protocol: int) -> bool:
        """Nothing waits; True if that was used to do something. Does nothing by default."""
        return False

    def due(self) -> float | None:
        """Seconds until ``process`` should be called though no descriptor is ready; None: never."""
        return None

    def mending(self) -> bool:
        """Whether a loss is still to be made up for."""
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
        for protocol, (events, errors) in self._counts.items():
            transport = self._transports.get(protocol)
            protocols[protocol] = ProtocolStatus(
                enabled=transport is not None,
                fd=-1 if transport is None else transport.fileno(),
                events=events,
                errors=errors,
                unknown=dict(self._unknown[protocol]),
                transport=None if transport is None else transport.status(),
            )
        return BackendStatus(name=self.name, protocols=protocols, layouts=self.layout_status())

    def layout_status(self) -> LayoutStatus | None:
        """Counters of the layouts; None where there are none, as by default."""
        return None

    def close(self) -> None:
        """Disable every protocol. Closing twice is allowed; ``enable`` opens again."""
        for protocol in list(self._transports):
            self.disable(protocol)


def methods_of(known: type) -> Mapping[str, object]:
    """The methods of a class as they are now."""
    return {name: method for name in dir(known) if isinstance(method := getattr(known, name), FunctionType)}


def create(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> Backend:
    """The implementation called ``name``; raises ``UsageError`` for a name that is not in ``BACKENDS``."""
    target = BACKENDS.get(name)
    if target is None:
        raise UsageError("NLM-B003", f"no implementation is called {name!r}", hint="choose " + " or ".join(BACKENDS))
    module, _, attribute = target.partition(":")
    backend: Backend = getattr(import_module(module), attribute)(transports, options)
    return backend
