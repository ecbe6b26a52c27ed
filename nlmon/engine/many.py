"""Many datagrams taken together by one implementation, as if one by one.

Rules:
1. It is done only where nobody could tell: what an implementation does with a datagram is decoding it.
2. What one of them gave that is not one event is kept apart, to be looked at like a datagram that was taken alone.
3. Nothing is lost: what is raised is told, and nothing is taken together after that.

Not here: which datagrams (``segments``), and what is made of their events (``replay``).
"""

from __future__ import annotations

from collections.abc import Iterable

from nlmon.backends.base import Backend
from nlmon.events import Decoded, Event
from nlmon.transport.recorded.transport import ReplayFactory
from nlmon.wire import Datagrams

__all__ = ["Many"]

ROUTE = 0


class Many:
    """``straight``: protocols of which datagrams are decoded and delivered, and nothing else. ``taken``: the event of
    each datagram that was decoded last; None at places of which ``odd`` has all that came."""

    def __init__(self, backend: Backend, factory: ReplayFactory, straight: set[int]) -> None:
        self._backend, self._factory, self._straight = backend, factory, straight
        self.taken: list[Event | None] = []
        self.odd: dict[int, Decoded] = {}
        self._found = Decoded([], [])
        self._steady = False
        # Whether anything was raised; and what is still to be told, with the last datagram of those it was raised in.
        self._raised = False
        self._owed: tuple[int, Exception] | None = None

    def look(self) -> None:
        """Look whether the implementation is still what it was, which is done before each batch of a capture."""
        self._steady = ROUTE in self._straight and self._backend.steady()

    def may_take(self, kinds: Iterable[bytes]) -> bool:
        """Whether notifications of NETLINK_ROUTE, each a whole message that tells the kernel's side no news but the
        time, may be taken together: they are all heard, and decoding is all that is done with them. ``kinds``: one of
        each (``one_of_each``)."""
        return self._steady and not self._raised and self._factory.hears_all(kinds)

    def take(self, run: Datagrams) -> list[Event | None] | None:
        """Decode what may be taken; gives ``taken``. None where they have to be taken one by one. Counts nothing."""
        try:
            found = self._found = self._backend.decode_all(run)
        except Exception as error:
            self._raised, self._owed = True, (run.frame + len(run) - 1, error)
            return None
        self.odd = {}
        if len(found.events) == len(run) and not (found.errors or found.unknown or found.control):
            self.taken = [*found.events]
            return self.taken
        parts = _apart(run, found)
        if parts is None:
            return None
        self.odd = {place: one for place, one in enumerate(parts) if len(one.events) != 1 or one.errors}
        self.taken = [None if place in self.odd else one.events[0] for place, one in enumerate(parts)]
        return self.taken

    def count(self, run: Datagrams) -> int:
        """Count what was taken, for the implementation and its transport; how many gave one event."""
        self._factory.took_all(run)
        self._backend.count(run, self._found)
        return len(run) - len(self.odd)

    def owed(self, frame: int, crash: str) -> Exception | None:
        """What was raised when datagrams were taken together, to be told with the last of them, or the next that does
        not ``crash`` itself; unless it was raised again when they were taken one by one, of which this is the next."""
        if self._owed is None:
            return None
        last, error = self._owed
        again = crash == f"{type(error).__name__}: {error}"
        if not again and (frame < last or crash):
            return None
        self._owed = None
        return None if again else error


def _apart(run: Datagrams, found: Decoded) -> list[Decoded] | None:
    """What each of many messages gave: an event, errors, or both, or else there is a word of its type, in their order;
    None where that does not work out."""
    parts = {run.frame + place: Decoded([], []) for place in range(len(run))}
    try:
        for event in found.events:
            parts[event.frame].events.append(event)
        for error in found.errors:
            parts[error.frame].errors.append(error)
    except KeyError:
        return None
    silent = [one for one in parts.values() if not (one.events or one.errors)]
    if found.control or len(silent) != len(found.unknown):
        return None
    for one, unknown in zip(silent, found.unknown, strict=True):
        one.unknown.append(unknown)
    return list(parts.values())
