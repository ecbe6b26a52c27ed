"""A lane: one implementation behind a transport of its own, fed from a recording.

Rules of this file:
1. A lane gets what its own socket would have received: the notifications of the groups it joined, in order. It
   cannot tell that it is a replay.
2. An implementation that raises is told by ``crash``; the lane goes on with the next datagram.

Not here: comparing lanes (``nlmon.replay``).
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from typing import Literal, TypeAlias

from nlmon.backends.base import Backend, BackendOptions
from nlmon.errors import FramingError, HeaderError, NlmonError
from nlmon.events import Datagram, Event
from nlmon.names import unknown_message
from nlmon.state import State
from nlmon.transport.base import TransportFactory
from nlmon.transport.replay import ReplayFactory

__all__ = ["BackendMaker", "Lane"]

BackendMaker: TypeAlias = Callable[[TransportFactory, BackendOptions], Backend]


class Lane:
    """One implementation in a replay: its transport, its callback, its state."""

    def __init__(
        self,
        make: BackendMaker,
        byteorder: Literal["little", "big"],
        select_all: bool,
        options: BackendOptions | None = None,
    ) -> None:
        self.factory = ReplayFactory(byteorder=byteorder, select_all=select_all)
        self.backend = make(self.factory, options or BackendOptions())
        self.backend.set_callback(self._event, self._error)
        self.name = self.backend.name
        self.state = State()
        self.events: list[Event] = []
        self.errors: list[NlmonError] = []
        self.crash = self.trace = ""
        self.totals: Counter[str] = Counter()
        self._seeds_unknown: Counter[str] = Counter()
        self._families = 0

    def supports(self, protocol: int) -> bool:
        """Whether this implementation reads a protocol at all."""
        return protocol in self.backend.groups

    @property
    def unknown(self) -> Counter[str]:
        """Messages so far that gave no event, by the name of their type."""
        found = self._seeds_unknown.copy()
        for protocol, status in self.backend.status().protocols.items():
            for (kind, first), count in status.unknown.items():
                found[unknown_message(protocol, kind, first)] += count
        return found

    def _event(self, event: Event) -> None:
        self.events.append(event)

    def _error(self, error: Exception) -> None:
        if isinstance(error, NlmonError):
            self.errors.append(error)
        else:
            self._crashed(error)

    @property
    def damaged(self) -> bool:
        """Whether the last datagram had messages that could not be read at all."""
        return any(isinstance(error, FramingError | HeaderError) for error in self.errors)

    def notify(self, datagram: Datagram, *, learn: bool = True) -> bool:
        """Hand over a notification; False when this lane does not subscribe to it."""
        self._reset()
        if learn:
            self.learn(datagram)
        if not self.factory.deliver(datagram):
            return False
        try:
            while self.backend.process(datagram.protocol):
                pass
        except Exception as error:
            self._crashed(error)
        self._count("events")
        return True

    def seed(self, datagram: Datagram) -> None:
        """Decode a recorded answer without delivering it."""
        self._reset()
        self.learn(datagram)
        if not self.supports(datagram.protocol):
            return
        try:
            decoded = self.backend.decode(datagram)
        except Exception as error:
            self._crashed(error)
            return
        self.events = decoded.events
        for found in decoded.errors:
            self._error(found)
        self._seeds_unknown.update(unknown_message(datagram.protocol, *one) for one in decoded.unknown)
        self._count("seeds")

    def learn(self, datagram: Datagram) -> None:
        """Let the kernel's side remember what a recorded answer tells. A kernel knew its families before anybody
        asked, so the implementation may ask for them again."""
        self.factory.learn(datagram)
        if len(self.factory.families) > self._families:
            self._families = len(self.factory.families)
            self.backend.refresh()

    def _crashed(self, error: Exception) -> None:
        self.crash = f"{type(error).__name__}: {error}"
        where = traceback.extract_tb(error.__traceback__)[-1:]
        self.trace = "".join(f"{place.filename}:{place.lineno} in {place.name}" for place in where)

    def _reset(self) -> None:
        self.events = []
        self.errors = []
        self.crash = self.trace = ""

    def _count(self, counted: str) -> None:
        self.totals[counted] += len(self.events)
        self.totals["errors"] += len(self.errors)
