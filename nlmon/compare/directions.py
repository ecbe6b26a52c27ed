"""Judges both directions of a move at once: from the reference to the candidate, and back.

Rules:
1. What both implementations make of a datagram does not depend on the direction, so it is made once; only what a
   difference weighs is judged twice. A run in both directions finds in each what a run in that direction alone finds.

Not here: the rules of comparison (``judge``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from nlmon.compare.judge import Judge, Lost
from nlmon.compare.pair import Pair
from nlmon.compare.recovered import Flaw
from nlmon.compare.side import Miscount, Side
from nlmon.objects.keys import Key
from nlmon.state.dumps import Unannounced
from nlmon.state.tables import State
from nlmon.wire import Datagram

__all__ = ["BothDirections", "Judges"]

Objects: TypeAlias = Collection[tuple[str, Key]]


class BothDirections:
    """Two judges that are given the same with the sides exchanged; ``forward``: from the reference to the candidate."""

    def __init__(self, forward: Judge, back: Judge) -> None:
        self.forward = forward
        self.back = back
        # To agree is the same in both directions, and is counted once.
        self.agree: Callable[..., bool] = forward.agree
        self.agree_on: Callable[..., int] = forward.agree_on

    @property
    def pair(self) -> Pair:
        """The statements of the two, seen from ``forward``."""
        return self.forward.pair

    def settle(self) -> None:
        """See ``Judge.settle``."""
        self.forward.settle()

    def compare(
        self, datagram: Datagram, reference: Side, candidate: Side, *, answer: bool, request: bool = False
    ) -> None:
        """See ``Judge.compare``."""
        self.forward.compare(datagram, reference, candidate, answer=answer, request=request)
        self.back.compare(datagram, candidate, reference, answer=answer, request=request)

    def not_subscribed(self, datagram: Datagram, number: int, *, neither: bool) -> None:
        """See ``Judge.not_subscribed``; ``number``: seen from ``forward``."""
        self.forward.not_subscribed(datagram, number, neither=neither)
        self.back.not_subscribed(datagram, 1 - number, neither=neither)

    def losses(self, number: int, had: Lost, said: Lost, frame: int) -> None:
        """See ``Judge.losses``; ``number``: seen from ``forward``."""
        self.forward.losses(number, had, said, frame)
        self.back.losses(1 - number, had, said, frame)

    def counters(self, number: int, found: Iterable[Miscount], frame: int) -> None:
        """See ``Judge.counters``; ``number``: seen from ``forward``."""
        wrong = list(found)
        self.forward.counters(number, wrong, frame)
        self.back.counters(1 - number, wrong, frame)

    def synthetic(self, number: int, found: Iterable[Flaw]) -> None:
        """See ``Judge.synthetic``; ``number``: seen from ``forward``."""
        flaws = list(found)
        self.forward.synthetic(number, flaws)
        self.back.synthetic(1 - number, flaws)

    def corrections(
        self, reference: Iterable[Unannounced], candidate: Iterable[Unannounced], recovered: Objects
    ) -> None:
        """See ``Judge.corrections``."""
        before, after = list(reference), list(candidate)
        self.forward.corrections(before, after, recovered)
        self.back.corrections(after, before, recovered)

    def recovery(
        self, names: tuple[str, str], held: State, truth: State, known: tuple[Objects, Objects], frame: int
    ) -> None:
        """See ``Judge.recovery``."""
        self.forward.recovery(names, held, truth, known, frame)
        self.back.recovery(names, held, truth, known, frame)

    def states(self, reference: State, candidate: State, frame: int, recovered: Objects) -> None:
        """See ``Judge.states``."""
        self.forward.states(reference, candidate, frame, recovered)
        self.back.states(candidate, reference, frame, recovered)


Judges: TypeAlias = Judge | BothDirections
