"""A lane: one implementation behind a transport of its own, fed from a recording.

Rules of this file:
1. A lane gets what its own socket would have received: the notifications of the groups it joined, in order. It
   cannot tell that it is a replay.
2. An implementation that raises, never comes to rest or gives what is no event is told by ``crash``; the lane goes on
   with the next datagram.

Not here: comparing lanes (``nlmon.engine.replay``).
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.compare.contract import Contract
from nlmon.compare.side import Side
from nlmon.engine.many import Many
from nlmon.errors import (
    AttributeFormatError,
    DecodeError,
    FramingError,
    HeaderError,
    KernelError,
    NlmonError,
    Overrun,
    ResyncIncomplete,
)
from nlmon.events import OVERRUN, Decoded, Event, RouteInfo, RoutePayload
from nlmon.names import unknown_message
from nlmon.state.identity import Key, objects_of
from nlmon.state.tables import State
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.transport import ReplayFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["BackendMaker", "Lane"]

ROUTE, GENERIC = 0, 16
# RTM_GET* type and family of all dumps that together show a namespace's state.
STATE_DUMPS = ((18, 0), (18, 7), (22, 0), (30, 0), (30, 7), (34, 0), (26, 2), (26, 10))
NLCTRL = {b"\x10\x00", b"\x00\x10"}
# So often may process() say that it did something while nothing waits, such as making up for a loss.
RESTLESS = 64
# Kinds of errors told apart; the others are counted together.
PROBLEMS_KEPT = 100

BackendMaker: TypeAlias = Callable[[TransportFactory, BackendOptions], Backend]


class Lane:
    """One implementation in a replay: its transport, its callback, its state."""

    def __init__(
        self,
        make: BackendMaker,
        byteorder: Literal["little", "big"],
        select_all: bool,
        options: BackendOptions | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        options = options or BackendOptions()
        asks = options.resync or bool(options.caches)
        self.factory = ReplayFactory(byteorder, select_all=select_all, objects=asks, faults=faults)
        self.backend = make(self.factory, options)
        self.backend.set_callback(self._event, self._error)
        self.name = self.backend.name
        # What was folded here; ``state`` is whole, whoever folds.
        self.own = State()
        # What to do before the state is looked at, while the other lane's stands for both; see ``nlmon.engine.states``.
        self.parting: Callable[[], None] | None = None
        self.events: list[Event] = []
        self.errors: list[NlmonError] = []
        self.crash = self.trace = ""
        # Whether the last datagram reached this implementation's socket at all.
        self.heard = True
        # Whether a seeded fault took the last datagram.
        self.missed = False
        # Whether a loss was told that was not looked at since; see ``Replay``.
        self.unmended = False
        # Objects that events told of and that are not gone since; kept where losses are to be made up for.
        self.told: set[tuple[str, Key]] = set()
        # Objects that the state dropped though no event told so; the played kernel may hold them still.
        self.vanished: set[tuple[str, Key]] = set()
        self._keeps = options.resync
        self.totals: Counter[str] = Counter()
        # Errors so far, by code and by attribute or by what happened.
        self.problems: Counter[str] = Counter()
        # Objects that were told by synthetic events, which an implementation that recovered gives alone.
        self.recovered: set[tuple[str, Key]] = set()
        self._seeds_unknown: Counter[str] = Counter()
        self._caches = bool(options.caches)
        self._asked = options.extra_groups
        self._joins: dict[int, frozenset[int]] = {}
        # What the kernel's side learned that the implementation has not asked for again.
        self._families = self._links = 0
        self._stale: set[int] = set()
        # Protocols whose datagrams may be taken without a queue.
        self.straight: set[int] = set()
        self.many = Many(self.backend, self.factory, self.straight)

    def start(self, protocols: Iterable[int]) -> None:
        """Enable the protocols that this implementation supports."""
        with self._guarded():
            for protocol in protocols:
                if self.supports(protocol):
                    self.backend.enable(protocol)
                    own = self.backend.reads(protocol, self.factory.opened(protocol))
                    if own and self.backend.straight(protocol) and self.factory.faults.none:
                        self.straight.add(protocol)

    def stop(self) -> None:
        """Close the implementation."""
        self._reset()
        with self._guarded():
            self.backend.close()

    def supports(self, protocol: int) -> bool:
        """Whether this implementation reads a protocol at all."""
        return protocol in self.backend.groups

    @property
    def state(self) -> State:
        """What this implementation was told, folded."""
        if self.parting is not None:
            self.parting()
        return self.own

    @property
    def unknown(self) -> Counter[str]:
        """Messages so far that gave no event, by the name of their type."""
        found = self._seeds_unknown.copy()
        for protocol, status in self.backend.status().protocols.items():
            for (kind, first), count in status.unknown.items():
                found[unknown_message(protocol, kind, first)] += count
        return found

    def owes(self, contract: Contract) -> None:
        """Take note of the groups that the contract makes this implementation join."""
        self._joins = contract.joins(self.name, self._asked)

    def should_hear(self, datagram: Datagram) -> bool:
        """Whether a notification comes in a group that this implementation owes to join."""
        groups = self.factory.carried_by(datagram)
        return bool(groups) and groups <= self._joins.get(datagram.protocol, frozenset())  # type: ignore[operator]

    def notes(self) -> list[str]:
        """What a report says of the losses of this lane."""
        lost, incomplete = self.totals["lost"], self.totals["incomplete"]
        found = []
        if lost:
            events = self.totals["synthetic"]
            resync = f"its resync gave {events:,} events" if events else "no resync followed"
            found.append(f"{self.name} lost {lost:,} messages; {resync}")
        if incomplete:
            found.append(f"the resync of {self.name} was incomplete after {incomplete:,} losses")
        return found

    def _event(self, event: Event) -> None:
        if not isinstance(event, Event) or not isinstance(event.offset, int):
            raise TypeError(f"a {type(event).__name__} was given for an event")
        self.events.append(event)

    def _error(self, error: Exception) -> None:
        if isinstance(error, NlmonError):
            self.errors.append(error)
            kind = _kind_of(error)
            self.problems[kind if kind in self.problems or len(self.problems) < PROBLEMS_KEPT else "others"] += 1
            if isinstance(error, Overrun):
                self.totals["lost"] += max(0, error.drops)
                self.unmended = True
            self.totals["incomplete"] += isinstance(error, ResyncIncomplete)
        else:
            self._crashed(error)

    def side(self, protocol: int) -> Side:
        """What was made of the last datagram, for the judge."""
        return Side(
            *(self.name, self.events, self.errors, self.supports(protocol), self.heard, self.missed, self.lossy),
            crash=self.crash,
            trace=self.trace,
        )

    @property
    def lossy(self) -> bool:
        """Whether this lane's socket was made to lose anything so far; nothing else excuses synthetic events."""
        return self.factory.losses > 0

    @property
    def clean(self) -> bool:
        """Whether the last datagram was heard and read without trouble."""
        return self.heard and not (self.missed or self.errors or self.crash)

    @property
    def damaged(self) -> bool:
        """Whether the last datagram had messages that could not be read at all."""
        return any(isinstance(error, FramingError | HeaderError) for error in self.errors)

    def notify(self, datagram: Datagram, *, learn: bool = True, tells: bool = True) -> bool:
        """Hand over a notification; False when this lane does not subscribe to it. ``learn``: the kernel's side does
        from it, ``tells``: more than the time."""
        self._reset()
        if learn and tells:
            self.learn(datagram)
        elif learn:
            self.factory.time = max(self.factory.time, datagram.timestamp)
        if self._stale:
            self._refresh(datagram)
        if datagram.protocol in self.straight:
            self._take(datagram)
            return self.heard
        faults = self.factory.faults
        lost = faults.lost
        self.heard = self.factory.deliver(datagram)
        self.missed = faults.lost > lost
        if self.heard:
            self._process(datagram.protocol)
        return self.heard

    def took(self, run: Datagrams) -> None:
        """Count what was taken together; see ``many``."""
        self.totals["events"] += self.many.count(run)

    def recall(self, place: int) -> None:
        """Make one of the datagrams that were taken together the last one, with what it gave."""
        self._reset()
        event = self.many.taken[place]
        if event is not None:
            self.events = [event]
        else:
            self._got(self.many.odd[place])
            self._count("events")

    def recall_all(self) -> bool:
        """The same for all of them, if each gave but one event."""
        if self.many.odd:
            return False
        self._reset()
        self.events = [event for event in self.many.taken if event is not None]
        return True

    def _take(self, datagram: Datagram) -> None:
        self.heard = self.factory.hand(datagram)
        if self.heard:
            with self._guarded():
                self._got(self.backend.take(datagram.protocol, datagram))
            owed = self.many.owed(datagram.frame, self.crash)
            if owed is not None:
                self._crashed(owed)
            self._count("events")

    def _got(self, decoded: Decoded) -> None:
        for event in decoded.events:
            self._event(event)
        for found in decoded.errors:
            self._error(found)

    def _process(self, protocol: int) -> None:
        process, idle = self.backend.process, 0
        try:
            while process(protocol):
                idle = 0 if self.factory.waiting(protocol) else idle + 1
                if idle > RESTLESS:
                    raise RuntimeError("process() never says that nothing waits")
        except Exception as error:
            self._crashed(error)
        self._count("events")

    def seed(self, datagram: Datagram) -> None:
        """Decode a recorded answer without delivering it."""
        self._reset()
        self.learn(datagram)
        if self._caches and datagram.protocol == ROUTE and self.factory.links_changed != self._links:
            # A kernel knew its links before anybody asked, too; a notification is not known before it is read.
            self._stale.add(ROUTE)
        self._links = self.factory.links_changed
        if not self.supports(datagram.protocol):
            return
        self._refresh(datagram)
        with self._guarded():
            decoded = self.backend.decode(datagram)
            self._got(decoded)
            self._seeds_unknown.update(unknown_message(datagram.protocol, *one) for one in decoded.unknown)
        self._count("seeds")

    def truth(self, reader: Backend) -> State:
        """What this lane's kernel would answer to dumps now, read by ``reader``."""
        found = State(notes=False)
        for dump in STATE_DUMPS:
            for datagram in self.factory.dump(*dump):
                for event in reader.decode(datagram).events:
                    if isinstance(event.payload, RoutePayload):
                        for kind, key, value in objects_of(event.payload):
                            found.tables[kind][key] = value
        return found

    def end(self) -> None:
        """The recording is over: hear of a loss that nothing followed, and make up for it."""
        self._reset()
        protocol = self.factory.end()
        if protocol is not None:
            self._process(protocol)
            self.fold()

    def fold(self) -> None:
        """Fold the events of the last datagram into the state. What a synthetic event takes along was made up for,
        too, and happens to the other implementation at another time or not at all."""
        for event in self.events:
            if self._keeps and isinstance(event.payload, RoutePayload) and event.msg_type & 3 < 2:
                change = self.told.difference_update if event.msg_type & 3 else self.told.update
                keys = [(kind, key) for kind, key, _ in objects_of(event.payload)]
                change(keys)
                self.vanished.difference_update(keys)
            if event.synthetic and self.lossy:
                before = self.state.take_corrections()
                self.state.apply(event)
                taken = [(found.kind, found.key) for found in self.state.take_corrections()]
                self.recovered.update(taken)
                self.vanished.update(taken)
                self.state.restore(before)
            else:
                self.state.apply(event)
                if self.recovered:
                    self._told(event)

    def _told(self, event: Event) -> None:
        """What both are told about an object settles it, so it is compared again. Not so for a route, whose message
        says nothing of the others of its group."""
        if isinstance(event.payload, RoutePayload) and not isinstance(event.payload, RouteInfo):
            self.recovered.difference_update((kind, key) for kind, key, _ in objects_of(event.payload))

    def learn(self, datagram: Datagram) -> None:
        """Let the kernel's side remember what a recorded answer tells."""
        self.factory.learn(datagram)
        if len(self.factory.families) > self._families:
            self._families = len(self.factory.families)
            self._stale.add(GENERIC)

    def _refresh(self, datagram: Datagram) -> None:
        """A kernel knew its families before anybody asked, so the implementation may ask for them again, before it
        meets a message of theirs."""
        if datagram.protocol not in self._stale or datagram.data[4:6] in NLCTRL:
            return
        self._stale.discard(datagram.protocol)
        with self._guarded():
            self.backend.refresh()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._crashed(error)

    def _crashed(self, error: Exception) -> None:
        self.crash = f"{type(error).__name__}: {error}"
        where = traceback.extract_tb(error.__traceback__)[-1:]
        self.trace = "".join(f"{place.filename}:{place.lineno} in {place.name}" for place in where)

    def _reset(self) -> None:
        self.events, self.errors = [], []
        self.heard, self.missed = True, False
        self.crash = self.trace = ""

    def _count(self, counted: str) -> None:
        self.totals[counted] += len(self.events)
        for event in self.events:
            if event.synthetic is not False:
                self.totals["synthetic"] += event.synthetic
            if event.type == OVERRUN:
                self.totals["overruns"] += 1
            if event.synthetic and self.lossy and isinstance(event.payload, RoutePayload):
                self.recovered.update((kind, key) for kind, key, _ in objects_of(event.payload))
        if self.errors:
            self.totals["errors"] += sum(isinstance(error, DecodeError) for error in self.errors)


def _kind_of(error: NlmonError) -> str:
    """What errors are counted by: texts with numbers of one message in them would not end."""
    if isinstance(error, KernelError):
        return f"{error.code} {error.what}"
    if isinstance(error, AttributeFormatError):
        return f"{error.code} {error.path or 'an attribute'}"
    return f"{error.code} {type(error).__name__}"
