"""The running kernel as a source of events: the sockets of one implementation, which are opened again when they are
lost and exchanged when the configuration asks for others.

Rules:
1. A socket that is lost and that the implementation does not replace itself is opened again after a pause that grows. A
   protocol for which that has failed ``Patience.tries`` times in a row is given up; when none is left, the monitor
   ends.
2. When sockets are exchanged (``exchange``), the new ones are open before the old ones are closed, also when they are
   those of the other implementation. A datagram that both have received is read once, and counters go on. An
   implementation takes a while to load, and sockets may take one to open: meanwhile the old ones are read.
3. What could not be read is counted by its code, and ends nothing.

Not here: exchanging sockets (``exchange``), waiting for them (``loop``), and what becomes of events (``pipeline``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from nlmon.api.listener import Listener
from nlmon.backends.base import Backend
from nlmon.backends.status import BackendStatus
from nlmon.errors import DecodeError, NlmonError, Overrun, PlatformError, TransportError
from nlmon.events import Event
from nlmon.exporters.queue import Patience
from nlmon.monitor import messages
from nlmon.monitor.exchange import Exchange
from nlmon.monitor.meanwhile import meanwhile
from nlmon.monitor.plan import Listening
from nlmon.monitor.totals import Totals
from nlmon.monitor.warmup import warm_up
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram

__all__ = ["Exchanged", "KernelSource", "Source", "Take"]

Take = Callable[[Event, bytes], None]
T = TypeVar("T")
# Of a socket that is lost: at once, then after 0.5, 1, 2 … 30 seconds.
PATIENCE = Patience(tries=10, first=0.5, longest=30.0)
# Seconds that what waits is read at most: at a time while another side is loaded, and before it is opened.
AT_A_TIME, BEFORE = 0.05, 0.5


class Exchanged(Struct, frozen=True):
    """Sockets that were exchanged: when that began, when the new ones were open and when the old ones were closed, in
    nanoseconds since 1970; ``both``: datagrams that both have received, which were read once. ``settled``: whether
    nothing but these two moments had to be known to find what both have; see ``exchange``. ``dropped``: messages that
    the kernel has dropped meanwhile, as a socket was full; what the new ones lack of them may have come to the old."""

    began: int
    attached: int
    closed: int
    both: int
    settled: bool
    dropped: int = 0


class Source(Protocol):
    """What gives events while a monitor runs."""

    @property
    def errors(self) -> Mapping[int, Counter[str]]:
        """What could not be read, by protocol and code."""

    def open(self) -> None:
        """Open what is read. Raises ``PlatformError``, and then nothing is open."""

    def descriptors(self) -> dict[int, int]:
        """The protocols of the descriptors to wait for."""

    def process(self, protocol: int) -> bool:
        """Read one datagram; False when nothing waited. Raises ``PlatformError`` when nothing is left to read."""

    def due(self, now: float) -> float | None:
        """Seconds until ``idle`` should be called though nothing can be read; None: never."""

    def idle(self, now: float) -> None:
        """Do what is due."""

    def change(self, listening: Listening) -> Exchanged:
        """Read by other sockets from now on. Raises ``PlatformError``, and then the old ones stay."""

    def status(self) -> BackendStatus:
        """What the implementation counts."""

    def close(self) -> None:
        """Close everything."""


@runtime_checkable
class _Pooled(Protocol):
    """What an implementation has that reads ahead."""

    @property
    def pool_waiting(self) -> Mapping[int, int]: ...


class KernelSource:
    """The running kernel; see ``Source``. ``kernel``: opens its sockets; ``errors``: by protocol and code;
    ``reconnects``: how often a lost socket was opened again, by protocol."""

    def __init__(self, listening: Listening, take: Take, kernel: Callable[[Listening], TransportFactory]) -> None:
        self.errors: dict[int, Counter[str]] = {}
        self.reconnects: Counter[int] = Counter()
        self._listening = listening
        self._take = take
        self._kernel = kernel
        self._listener = self._made(listening)
        self._totals = Totals()
        # The protocol that is read, or -1.
        self._reading = -1
        # By protocol how often a lost socket was tried again, and when it is next.
        self._lost: dict[int, tuple[int, float]] = {}
        # Datagrams that closed sockets have read, and that these will read, too.
        self._read_before: dict[int, Counter[bytes]] = {}
        self._skips = False
        self._trace: Callable[[Datagram], None] | None = None

    def trace(self, trace: Callable[[Datagram], None] | None) -> None:
        """Pass each datagram that is read to ``trace``; None: to nobody."""
        self._trace = trace
        self._listener.arrived = self._arrive if trace is not None or self._read_before else None

    @property
    def backend(self) -> Backend:
        """The implementation."""
        return self._listener.backend

    def open(self) -> None:
        """Open a socket for each protocol. Raises ``PlatformError``, and then none is open."""
        warm_up(self._listener.backend, self._listening.protocols)
        self._enable(self._listener, self._listening, self._turn)
        self._say_open()

    def descriptors(self) -> dict[int, int]:
        """The protocols of the sockets to wait for."""
        backend = self._listener.backend
        found = {backend.fileno(protocol): protocol for protocol in self._listener.taps}
        return {descriptor: protocol for descriptor, protocol in found.items() if descriptor >= 0}

    def process(self, protocol: int) -> bool:
        """Read one datagram; False when nothing waited. Raises ``TransportError`` when nothing is left to read."""
        self._reading = protocol
        try:
            return self._listener.process(protocol) or self._skipped(protocol)
        except TransportError as error:
            self._lose(protocol, error)
            return False

    def due(self, now: float) -> float | None:
        """Seconds until a lost socket is tried again, or the implementation wants to do something."""
        waits = [max(0.0, at - now) for _, at in self._lost.values()]
        own = self._listener.backend.due() if self._listener.taps else None
        return min([*waits, *([] if own is None else [own])], default=None)

    def idle(self, now: float) -> None:
        """Open what is lost, and let the implementation do what is due."""
        for protocol, (tries, at) in list(self._lost.items()):
            if at <= now:
                self._open_again(protocol, tries, now)
        if self._listener.taps and self._listener.backend.due() == 0.0:
            for protocol in list(self._listener.taps):
                self.process(protocol)

    def change(self, listening: Listening, between: Callable[[], None] = lambda: None) -> Exchanged:
        """Read by sockets that are opened anew, of the same implementation or of the other; ``between`` is called again
        and again meanwhile. Raises ``PlatformError``, and then the old ones stay."""

        def read_on() -> None:
            self.drain(AT_A_TIME)
            between()

        began, dropped = time.time_ns(), self._dropped()
        old, new = (
            self._listener,
            _checked(lambda: meanwhile(lambda: self._warm(listening), read_on)),
        )
        # As late as can be: what only the old ones receive until the new ones are open may equal what follows.
        self.drain(BEFORE)
        exchange = Exchange(old, new, self._trace, self._turn, between)
        attached = _settled(exchange, lambda: self._enable(new, listening, exchange.opens))
        self._totals.keep(old)
        self._listening = listening
        for protocol, decoded in exchange.hand_over():
            self._totals.take_back(protocol, decoded)
        closed = time.time_ns()
        self._read_before = {
            number: exchange.ahead[number] for number in listening.protocols if number in exchange.ahead
        }
        self._listener = new
        self.trace(self._trace)
        self._lost.clear()
        self._say_open()
        both, settled = sum(exchange.both.values()), exchange.settled
        return Exchanged(began, attached, closed, both, settled, self._dropped() - dropped)

    def status(self) -> BackendStatus:
        """What the implementation counts, with what it has counted of sockets that are closed."""
        return self._totals.of(self._listener)

    def drain(self, seconds: float, clock: Callable[[], float] = time.thread_time) -> None:
        """Read what waits, for at most so many seconds of a processor: while others have it, nothing is read."""
        until = clock() + seconds
        waiting = set(self._listener.taps)
        while waiting and clock() < until:
            waiting = {protocol for protocol in waiting if protocol in self._listener.taps and self.process(protocol)}

    def unread(self, seconds: float) -> tuple[int, bool]:
        """How many datagrams still wait in sockets and in a message pool, of which nobody will have an event, and
        whether these are all; they are counted for at most so many seconds."""
        until = time.monotonic() + seconds
        backend = self._listener.backend
        ahead = sum(backend.pool_waiting.values()) if isinstance(backend, _Pooled) else 0
        found = [tap.unread(until) for tap in list(self._listener.taps.values())]
        return ahead + sum(count for count, _ in found), all(whole for _, whole in found)

    def close(self) -> None:
        """Close every socket."""
        self._listener.backend.close()
        self._lost.clear()

    # -- sockets -----------------------------------------------------------------------------------------------------

    def _made(self, listening: Listening) -> Listener:
        return Listener(listening.implementation, listening.options, self._kernel(listening), self._take, self._note)

    def _warm(self, listening: Listening) -> Listener:
        """An implementation that has loaded what it needs."""
        made = self._made(listening)
        warm_up(made.backend, listening.protocols)
        return made

    def _dropped(self) -> int:
        """Messages that the kernel is known to have dropped so far, at any socket."""
        found = [one.transport.drops for one in self.status().protocols.values() if one.transport is not None]
        return sum(max(0, drops) for drops in found)

    @staticmethod
    def _enable(listener: Listener, listening: Listening, turn: Callable[[int], None]) -> None:
        try:
            for protocol in listening.protocols:
                turn(protocol)
                listener.backend.enable(protocol)
        except PlatformError:
            listener.backend.close()
            raise

    def _say_open(self) -> None:
        status = self.status()
        for protocol, one in status.protocols.items():
            if one.enabled:
                size = None if one.transport is None else one.transport.receive_buffer_effective
                messages.listening(protocol, one.fd, size)
        for name in self._listener.backend.unresolved():
            messages.unresolved(name)

    def _turn(self, protocol: int) -> None:
        """What comes now is of this protocol."""
        self._reading = protocol

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def _note(self, error: NlmonError) -> None:
        """Count an error, and say it."""
        protocol = self._reading
        self.errors.setdefault(protocol, Counter())[error.code] += 1
        if isinstance(error, Overrun):
            messages.overrun(protocol, error, self._listening.options.receive_buffer or 0)
        elif isinstance(error, TransportError) and error.code == "NLM-T003":
            # Of a socket that could not be read the implementation has opened another one.
            messages.reconnecting(protocol, 1, why=error.text)
            self._reconnected(protocol, 1)
        else:
            module = self._listening.implementation if isinstance(error, DecodeError) else "netlink"
            messages.problem(error, protocol, module)

    def _lose(self, protocol: int, error: TransportError) -> None:
        self.errors.setdefault(protocol, Counter())[error.code] += 1
        self._listener.backend.disable(protocol)
        messages.reconnecting(protocol, 1, PATIENCE.tries, error.text)
        self._lost[protocol] = 1, 0.0

    def _open_again(self, protocol: int, tries: int, now: float) -> None:
        self._reading = protocol
        try:
            self._listener.backend.enable(protocol)
        except TransportError as error:
            self.errors.setdefault(protocol, Counter())[error.code] += 1
            if tries < PATIENCE.tries:
                self._lost[protocol] = tries + 1, now + PATIENCE.pause(tries)
                messages.reconnecting(protocol, tries + 1, PATIENCE.tries, error.text)
                return
            messages.given_up(protocol, tries, error)
            del self._lost[protocol]
            if not self._lost and not self._listener.taps:
                raise
        else:
            del self._lost[protocol]
            self._reconnected(protocol, tries)

    def _reconnected(self, protocol: int, tries: int) -> None:
        self.reconnects[protocol] += 1
        messages.reconnected(protocol, tries)

    # -- sockets that were exchanged -----------------------------------------------------------------------------------

    def _arrive(self, datagram: Datagram) -> bool:
        """Whether closed sockets have not read a datagram already; then it is traced."""
        before = self._read_before.get(datagram.protocol)
        if not before or not before[datagram.data]:
            if self._trace is not None:
                self._trace(datagram)
            return True
        before[datagram.data] -= 1
        self._skips = True
        return False

    def _skipped(self, protocol: int) -> bool:
        """Whether something was read, though it was nothing new; with nothing waiting all that is old was read."""
        skipped, self._skips = self._skips, False
        if not skipped and self._read_before.pop(protocol, None) is not None:
            self.trace(self._trace)
        return skipped


def _settled(exchange: Exchange, enable: Callable[[], None]) -> int:
    """Bring both sides to the same place; when the new sockets were open, in nanoseconds since 1970."""
    _checked(lambda: exchange.attach(enable))
    attached = time.time_ns()
    _checked(exchange.settle)
    return attached


def _checked(step: Callable[[], T]) -> T:
    """Do a step of another implementation; whatever it raises is a ``PlatformError`` then."""
    try:
        return step()
    except NlmonError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        hint = "it was not taken; run nlmon doctor, and report this with the log"
        raise PlatformError("NLM-M100", "the new implementation failed", why=why, hint=hint) from error
