"""Feeds captures to any number of implementations, each with processes of its own for each capture.

Rules:
1. One that cannot be started has failed for that capture; the others go on.

Not here: judging (``judging``), and printing (``text``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

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
from nlmon.matrix.places import Places
from nlmon.matrix.tally import Tally
from nlmon.transport.base import TransportFactory

__all__ = ["Matrix"]


class _Known(Struct):
    """What is known of an implementation once it was started."""

    name: str
    version: str = ""
    language: str = ""


class Matrix:
    """Implementations beside each other over captures. ``given``: as they were named; ``tally``: what was counted."""

    def __init__(self, given: Sequence[str], protocols: Sequence[int] = ()) -> None:
        self.given = tuple(given)
        self.tally = Tally()
        self._protocols = protocols or None
        self._known: dict[int, _Known] = {}
        self._unknown: dict[int, Counter[str]] = {number: Counter() for number in range(len(given))}

    @property
    def names(self) -> tuple[str, ...]:
        """What each is called, with a number behind it where that is not its name alone."""
        found: list[str] = []
        for number, given in enumerate(self.given):
            name = self._known[number].name if number in self._known else given
            same = found.count(name) + sum(one.startswith(f"{name} (") for one in found)
            found.append(f"{name} ({same + 1})" if same else name)
        return tuple(found)

    def implementations(self) -> list[Implementation]:
        """Those that take part; counts are those of the tally."""
        rows = []
        for number, name in enumerate(self.names):
            known = self._known.get(number, _Known(name))
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
        names = self.names
        places = Places(capture, names, reader.info.byteorder, feed.kernel.family_names)
        absent: list[Mapping[str, Any]] = [{} for _ in self.given]
        for number, lane in zip(numbers, feed.lanes, strict=True):
            absent[number] = lane.guarded.statement.absent
        judging = Judging(self.tally, load_contract(), reader.info.byteorder, places, absent)
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
        self._known[number] = _Known(backend.name, version, language)
        return backend


class _NotStarted(HarnessError):
    """Which implementation cannot be started, and why."""

    def __init__(self, number: int, why: HarnessError) -> None:
        super().__init__(why.code, why.what, why=why.why, hint=why.hint)
        self.number = number


def _take(judging: Judging, capture: str, step: Step, numbers: Sequence[int]) -> None:
    """Judge what came of the datagrams of a step, each by the numbers of the implementations."""
    if not step.results or step.place.role in ASIDE:
        return
    for at, sides in enumerate(zip(*(one.sides() for one in step.results), strict=True)):
        judging.take(capture, step.datagrams.at(at), dict(zip(numbers, sides, strict=True)))
