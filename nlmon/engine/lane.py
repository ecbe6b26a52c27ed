"""A lane: one implementation behind a transport of its own, and what it gave.

Rules:
1. A lane takes any transport; the implementation cannot tell a recording from the running kernel.
2. What the implementation gives is returned, datagram by datagram; the lane keeps counters and nothing else.
3. An implementation that raises, never comes to rest or gives what is no event (``form``) has crashed, which is a
   result (``Side.crash``); the lane goes on. So whoever is above asks its guard (``guarded``), not the implementation.

Not here: feeding recorded datagrams (``recorded``), and comparing lanes (``replay``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from nlmon.backends.options import BackendOptions
from nlmon.compare.side import Side
from nlmon.compare.statement import named
from nlmon.engine.form import check_error, check_event
from nlmon.engine.guarded import BackendMaker, Guarded, crash_of
from nlmon.engine.heard import Heard
from nlmon.engine.losses import Ledger
from nlmon.errors import AttributeFormatError, DecodeError, HarnessError, KernelError, NlmonError, WrappedLength
from nlmon.events import Event
from nlmon.limits import OTHERS, count_kinds
from nlmon.names import unknown_message
from nlmon.names.foreign import without_data
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram

__all__ = ["Lane"]

# So often may process() say that it did something without reading, such as a resync.
RESTLESS = 64
# Kinds of errors counted apart; the others are counted together.
PROBLEMS_KEPT = 100


class Problems(Counter[str]):
    """How many errors of each kind there were; ``wrapped``: the first message that the kernel damaged; ``failure``: how
    a program failed first, of which all that follows comes of one that was started again."""

    wrapped: WrappedLength | None = None
    failure: HarnessError | None = None


class Lane:
    """One implementation. ``guarded``: what else is asked of it; ``counts``: events, answers and errors so far;
    ``problems``: errors by code and by attribute or by what happened; ``ledger``: its losses; ``heard``: what its
    counters must say. Raises ``PlatformError`` (NLM-B013) where the implementation cannot be made."""

    def __init__(self, make: BackendMaker, factory: TransportFactory, options: BackendOptions | None = None) -> None:
        options = options or BackendOptions()
        self.guarded = Guarded(make, factory, options, (self._event, self._error))
        self.backend, self.name = self.guarded.backend, self.guarded.name
        self.counts: Counter[str] = Counter()
        self.problems = Problems()
        self.ledger = Ledger()
        # A pool gives what comes of a datagram with a later one, or never.
        self.heard = Heard(whole=options.message_pool_size is None)
        # Types of messages in answers that gave no event; the implementation counts those of its own sockets.
        self._unknown: Counter[str] = Counter()
        # What the callbacks were given since ``_result`` was called last.
        self._events: list[Event] = []
        self._errors: list[NlmonError] = []

    def rename(self, name: str) -> None:
        """Call it otherwise, before anything is fed to it."""
        self.name = name
        self.guarded.statement = named(self.guarded.statement, name)

    def supports(self, protocol: int) -> bool:
        """Whether this implementation reads a protocol at all."""
        return protocol in self.guarded.protocols

    def start(self, protocols: Iterable[int]) -> Side:
        """Enable those protocols that this implementation supports."""
        for protocol in protocols:
            if self.supports(protocol):
                self.heard.protocols.add(protocol)
                with self.heard.counting(protocol, self._events, self._errors):
                    self.guarded.call(self.backend.enable, protocol)
        return self._result(0)

    def close(self) -> Side:
        """Close the implementation."""
        self.guarded.close()
        unanswered = self.counts["unanswered"]
        side = self._result(0)
        self.counts["unanswered"] = unanswered  # a failure at the end is of no datagram
        return side

    @property
    def sockets(self) -> Mapping[int, Transport | None]:
        """The event socket of each protocol that was ever enabled, None where it is closed; those that a fault took are
        not among them."""
        raise NotImplementedError

    @property
    def unknown(self) -> Counter[str]:
        """Messages that gave no event, by the name of their type, once it is closed."""
        return self._unknown + self.guarded.unread

    def _drain(self, protocol: int, waiting: Callable[[], int]) -> None:
        """Let it read all that waits; ``waiting``: how much that is."""
        process, idle, before = self.backend.process, 0, waiting()
        while process(protocol):
            left = waiting()
            idle = 0 if left < before else idle + 1
            before = left
            if idle > RESTLESS:
                said = "leaves what waits unread" if left else "never says that nothing waits"
                raise RuntimeError(f"process() {said}")

    def _decode(self, datagram: Datagram) -> None:
        """Decode a datagram that came over no event socket, such as an answer to a dump."""
        decoded = self.backend.decode(datagram)
        for event in decoded.events:
            self._event(event)
        for error in decoded.errors:
            self._error(error)
        names = (unknown_message(datagram.protocol, *one) for one in decoded.unknown)
        count_kinds(self._unknown, names, OTHERS)

    # -- what the implementation gives -----------------------------------------------------------------------

    def _event(self, event: Event) -> None:
        check_event(event, ours=self.guarded.ours)
        self._events.append(event)

    def _error(self, error: Exception) -> None:
        if isinstance(error, Exception) and not isinstance(error, NlmonError):
            self.guarded.raised.append(error)
            return
        check_error(error)
        self._errors.append(error)

    def _result(
        self, protocol: int, *, subscribed: bool = True, missed: bool = False, lossy: bool = False, answer: bool = False
    ) -> Side:
        """All that came since the last result, counted."""
        events, errors, raised = self._events, self._errors, self.guarded.raised
        self._events, self._errors, self.guarded.raised = [], [], []
        failure = next((one for one in raised if isinstance(one, HarnessError)), None)
        self.problems.failure = self.problems.failure or failure
        self.counts["unanswered"] += failure is not None
        crash, trace = crash_of(raised) if raised else ("", "")
        self.heard.crashed = self.heard.crashed or bool(raised)
        side = Side(
            self.name,
            events,
            errors,
            reads=self.supports(protocol),
            subscribed=subscribed,
            missed=missed,
            lossy=lossy,
            crash=crash,
            trace=trace,
            failure=failure,
        )
        self.counts["answers" if answer else "events"] += len(events)
        self._note(errors)
        self.ledger.note(protocol, side)
        return side

    def _note(self, errors: Iterable[NlmonError]) -> None:
        """Count errors."""
        for error in errors:
            kind = _kind_of(error)
            self.problems[kind if kind in self.problems or len(self.problems) < PROBLEMS_KEPT else "others"] += 1
            self.counts["errors"] += isinstance(error, DecodeError)
            if isinstance(error, WrappedLength) and self.problems.wrapped is None:
                self.problems.wrapped = error


def _kind_of(error: NlmonError) -> str:
    """What errors are counted by: texts with numbers of one message in them would not end."""
    if isinstance(error, KernelError):
        return f"{error.code} {without_data(error.what)}"
    if isinstance(error, AttributeFormatError):
        return f"{error.code} {error.path or 'an attribute'}"
    return f"{error.code} {error.kind}"
