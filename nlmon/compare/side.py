"""What one implementation made of datagrams, as values that are handed to the judge.

Not here: comparing two of them (``judge``), and feeding implementations (``nlmon.engine``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from nlmon.errors import FramingError, HarnessError, HeaderError, NlmonError
from nlmon.events import Event

__all__ = ["Miscount", "Results", "Side"]


class Miscount(NamedTuple):
    """A counter of an implementation's status that is wrong: its name, what it must be, and what it is. ``protocol``:
    -1, it is of none."""

    protocol: int
    counter: str
    expected: Any
    given: Any


class Side(Struct, frozen=True):
    """What one implementation made of a datagram. ``reads``: whether it reads the protocol at all, ``subscribed``:
    whether the datagram reached its socket, ``due``: whether it had to, ``missed``: whether it was lost by a fault,
    ``lossy``: whether its socket lost anything so far, ``crash`` and ``trace``: what it raised, and where, ``failure``:
    what of that is the failure of a program of others, of whose answer nothing is known then."""

    name: str
    events: Sequence[Event]
    errors: Sequence[NlmonError]
    reads: bool = True
    subscribed: bool = True
    due: bool = True
    missed: bool = False
    lossy: bool = False
    crash: str = ""
    trace: str = ""
    failure: HarnessError | None = None

    @property
    def clean(self) -> bool:
        """Whether the datagram was received and read without trouble."""
        return self.subscribed and not (self.missed or self.errors or self.crash)

    @property
    def damaged(self) -> bool:
        """Whether the datagram held messages that could not be read at all."""
        return any(isinstance(error, FramingError | HeaderError) for error in self.errors)


class Results(Struct, frozen=True):
    """What one implementation made of the datagrams of a segment.

    ``events``: of each datagram that gave one event and nothing else, that event, else None. ``others``: all that came
    of a datagram, by its place in the segment; every place without an event is among them.
    """

    name: str
    events: Sequence[Event | None]
    others: Mapping[int, Side]

    def side(self, place: int) -> Side:
        """What came of the datagram at a place."""
        found = self.others.get(place)
        if found is not None:
            return found
        event = self.events[place]
        return Side(self.name, () if event is None else (event,), ())

    def sides(self) -> Iterator[Side]:
        """What came of each datagram, in order."""
        return map(self.side, range(len(self.events)))
