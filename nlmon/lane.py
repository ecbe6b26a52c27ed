"""A lane: one implementation behind a transport of its own, fed from a recording.

Rules of this file:
1. A lane gets what its own socket would have received: the notifications of the groups it joined, in order. It
   cannot tell that it is a replay.
2. An implementation that raises is told by ``crash``; the lane goes on with the next datagram.

Not here: comparing lanes (``nlmon.replay``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal, TypeAlias

from nlmon.backends.base import Backend, BackendOptions
from nlmon.errors import NlmonError
from nlmon.events import Datagram, Event
from nlmon.state import State
from nlmon.transport.base import TransportFactory
from nlmon.transport.replay import ReplayFactory

__all__ = ["BackendMaker", "Lane"]

BackendMaker: TypeAlias = Callable[[TransportFactory, BackendOptions], Backend]


class Lane:
    """One implementation in a replay: its transport, its callback, its state."""

    def __init__(self, make: BackendMaker, byteorder: Literal["little", "big"], select_all: bool) -> None:
        self.factory = ReplayFactory(byteorder=byteorder, select_all=select_all)
        self.backend = make(self.factory, BackendOptions(byteorder=byteorder))
        self.backend.set_callback(self._event, self._error)
        self.name = self.backend.name
        self.state = State()
        self.events: list[Event] = []
        self.errors: list[NlmonError] = []
        self.crash = ""
        self.unknown = 0
        self.totals: Counter[str] = Counter()

    def _event(self, event: Event) -> None:
        self.events.append(event)

    def _error(self, error: NlmonError) -> None:
        self.errors.append(error)

    def notify(self, datagram: Datagram, counted: str) -> bool:
        """Hand over a notification; False when this lane does not subscribe to it."""
        self._reset()
        if not self.factory.feed(datagram):
            return False
        try:
            while self.backend.process(datagram.protocol):
                pass
        except Exception as error:
            self.crash = f"{type(error).__name__}: {error}"
        self._count(counted)
        return True

    def seed(self, datagram: Datagram) -> None:
        """Decode a recorded dump reply without delivering it."""
        self._reset()
        self.factory.learn(datagram)
        try:
            decoded = self.backend.decode(datagram)
        except Exception as error:
            self.crash = f"{type(error).__name__}: {error}"
            return
        self.events = decoded.events
        self.errors = [error for error in decoded.errors if isinstance(error, NlmonError)]
        self._count("seeds")

    def _reset(self) -> None:
        self.events = []
        self.errors = []
        self.crash = ""

    def _count(self, counted: str) -> None:
        self.totals[counted] += len(self.events)
        self.totals["errors"] += len(self.errors)
