"""Feeds captures to any number of implementations, each with processes of its own for each capture.

Rules:
1. One that cannot be started has failed for that capture; the others go on.

Not here: judging (``judging``), and printing (``text``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, count

from msgspec import Struct

from nlmon.aside import prints_aside
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import CaptureReader
from nlmon.capture.segment import ASIDE
from nlmon.compare.contract import load_contract
from nlmon.engine.bounds import Watch
from nlmon.engine.feed import Feed, Step
from nlmon.errors import HarnessError
from nlmon.matrix.judging import Judging
from nlmon.matrix.model import Implementation
from nlmon.matrix.places import ExampleMaker
from nlmon.matrix.tally import Tally
from nlmon.report.text import shortened
from nlmon.transport.base import TransportFactory

__all__ = ["Matrix"]

# Characters of a name that a program says.
LONG = 80


class _Known(Struct):
    """What is known of an implementation once it was started."""

    version: str = ""
    language: str = ""


class Matrix:
    """Implementations beside each other over captures. ``given``: as they were named; ``names``: what each is called,
    which no other is; ``tally``: what was counted."""

    def __init__(self, given: Sequence[str], protocols: Sequence[int] = ()) -> None:
        self.given = tuple(given)
        self.tally = Tally()
        self._protocols = protocols or None
        # What each is called: as it was named, until it has said its own name; from then on that.
        self.names: list[str] = []
        for name in given:
            self.names.append(_unlike(name, self.names))
        self._known: dict[int, _Known] = {}
        self._unknown: dict[int, Counter[str]] = {number: Counter() for number in range(len(given))}

    def implementations(self) -> list[Implementation]:
        """Those that take part; counts are those of the tally."""
        rows = []
        for number, name in enumerate(self.names):
            known = self._known.get(number, _Known())
            unknown = dict(self._unknown[number])
            rows.append(Implementation(name, self.given[number], known.version, known.language, 0, 0, 0, unknown))
        return rows

    def read(
        self,
        reader: CaptureReader,
        capture: str,
        watch: Watch,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Feed one capture. Raises ``UsageError`` where a program is not there."""
        feed, numbers = self._started(reader, capture)
        if feed is None:
            return
        places = ExampleMaker(capture, tuple(self.names), reader.info.byteorder, feed.kernel.family_names)
        statements = {number: lane.guarded.statement for number, lane in zip(numbers, feed.lanes, strict=True)}
        order = reader.info.byteorder
        judging = Judging(self.tally, load_contract(), order, places, statements, len(self.given))
        with prints_aside():
            feed.start()
        for batch in watch.batches(reader.batches()):
            if on_progress is not None:
                on_progress(reader.position)
            for step in feed.steps(batch):
                _take(judging, capture, step, numbers)
        for step in feed.flush():
            _take(judging, capture, step, numbers)
        with prints_aside():
            feed.end()
            closed = feed.close()
        for number, side in zip(numbers, closed, strict=True):
            if side.crash:
                self.tally.failed(number, side.crash, capture, feed.tally.last_frame)
        for number, lane in zip(numbers, feed.lanes, strict=True):
            values = getattr(lane.backend, "values", None)
            self._unknown[number] += getattr(values, "unknown", Counter())

    def _started(self, reader: CaptureReader, capture: str) -> tuple[Feed | None, list[int]]:
        """A feed with all that can be started, and their numbers."""
        failed: set[int] = set()
        while True:
            numbers = [number for number in range(len(self.given)) if number not in failed]
            if not numbers:
                return None, []
            try:
                makers = [partial(self._make, number) for number in numbers]
                return Feed(makers, reader.info.byteorder, protocols=self._protocols), numbers
            except _NotStarted as error:
                failed.add(error.number)
                self.tally.failed(error.number, f"{error.code}: {error.text}", capture, 0)

    def _make(self, number: int, factory: TransportFactory, options: BackendOptions) -> Backend:
        """One implementation, of which is kept what it says of itself. Raises ``_NotStarted``."""
        try:
            backend = create(self.given[number], factory, options)
        except HarnessError as error:
            raise _NotStarted(number, error) from error
        hello = getattr(getattr(backend, "conversation", None), "hello", None)
        version, language = (hello.version, hello.language) if hello is not None else ("", "Python")
        if number not in self._known:
            others = [name for at, name in enumerate(self.names) if at != number]
            self.names[number] = _unlike(shortened(backend.name, LONG) or self.given[number], others)
        self._known[number] = _Known(version, language)
        return backend


class _NotStarted(HarnessError):
    """Which implementation cannot be started, and why."""

    def __init__(self, number: int, why: HarnessError) -> None:
        super().__init__(why.code, why.what, where=why.where, why=why.why, hint=why.hint)
        self.number = number


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name, with a number behind it where another one has it."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in others)


def _take(judging: Judging, capture: str, step: Step, numbers: Sequence[int]) -> None:
    """Judge what came of the datagrams of a step, each by the numbers of the implementations."""
    if not step.results or step.place.role in ASIDE:
        return
    for at, sides in enumerate(zip(*(one.sides() for one in step.results), strict=True)):
        judging.take(capture, step.datagrams.at(at), dict(zip(numbers, sides, strict=True)))
