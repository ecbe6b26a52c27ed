"""Lines of two event logs, paired by what they are about, while they come.

    lines of both, as they come ─► the same message ─► the contract ─► differences, with both lines

Rules:
1. Lines belong together by the identity of their message: its header, and everything in it that both implementations
   provide. Time and place alone pair nothing, since two sockets read the same message at different times.
2. A line waits for its counterpart for so many seconds of the logs' own time, and so many lines. Then it is compared
   with one about the same object, with the same header, that waits, too, or it stands alone. Such a one is at most half
   as many seconds younger, so that its own counterpart would have been read.
3. What the contract gives to one implementation alone is explained. So is what is older than the other log; what is
   newer than its end, and still waits, is counted and no difference.

Not here: reading files (``following``), and what is equal (``nlmon.compare.classify``).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field, structs

from nlmon.compare.classify import Classifier, FieldFinding
from nlmon.compare.contract import kind_name
from nlmon.compare.difference import Class
from nlmon.compare.explain import show
from nlmon.compare.pair import pair_of
from nlmon.compare.provided import as_provided, only_provided
from nlmon.events import OVERRUN, Event
from nlmon.names import message_type

__all__ = ["WAITING_KEPT", "Line", "LogDifference", "LogSummary", "Pairs"]

# Lines of a log that wait for their counterparts.
WAITING_KEPT = 5000
_Key: TypeAlias = Hashable


class Line(NamedTuple):
    """A line of a log. ``event``: None of a text that is none."""

    place: str
    text: str
    event: Event | None


class LogDifference(Struct, frozen=True, kw_only=True, tag_field="type", tag="difference"):
    """A difference between two logs. ``timestamp``: of the message, in nanoseconds; ``field``, and the values of both:
    empty where it is about the whole line; ``reference_line`` and ``candidate_line``: the lines, None where there is
    none, and ``reference_place``, ``candidate_place`` where they stand."""

    code: str
    difference: str
    message: str
    field: str
    reference: str
    candidate: str
    reason: str
    timestamp: int
    reference_place: str | None
    candidate_place: str | None
    reference_line: str | None
    candidate_line: str | None


class LogSummary(Struct, frozen=True, kw_only=True, tag_field="type", tag="summary"):
    """What there was of two logs. ``lines``: of each; ``paired``: lines of one message in both; ``explained``: lines
    that one alone has, as the contract says, ``explained_fields``: fields, by kind; ``outside``: lines from before the
    other log began; ``waiting``: lines that the other log may still get; ``unfinished``: of each, whether its last
    line is half; ``notes``: what happened to the files."""

    schema_version: int = 1
    verdict: str
    lines: tuple[int, int]
    paired: int
    explained: int
    explained_fields: dict[str, int]
    outside: int
    waiting: int
    differences: dict[str, int]
    unfinished: tuple[bool, bool]
    notes: tuple[str, ...] = field(default=())


class _Waiting:
    """Lines of one log that have no counterpart yet, the oldest first, and by two keys."""

    def __init__(self) -> None:
        self.lines: OrderedDict[int, Line] = OrderedDict()
        self._keys: dict[int, tuple[_Key, _Key]] = {}
        self._by_key: dict[_Key, OrderedDict[int, None]] = {}
        self._number = 0

    def __len__(self) -> int:
        """How many lines wait; a key is kept as long as a line has it."""
        assert len(self.lines) == len(self._keys) and len(self._by_key) <= 2 * len(self.lines)
        return len(self.lines)

    def add(self, line: Line, keys: tuple[_Key, _Key]) -> None:
        """Let a line wait."""
        self._number += 1
        self.lines[self._number] = line
        self._keys[self._number] = keys
        for key in keys:
            self._by_key.setdefault(key, OrderedDict())[self._number] = None

    def take(self, key: _Key, since: float, until: float) -> Line | None:
        """The oldest line with a key that is of this time, and no longer waits then."""
        for number in self._by_key.get(key, ()):
            event = self.lines[number].event
            if event is not None and event.timestamp >= since:
                return self.remove(number) if event.timestamp <= until else None
        return None

    def remove(self, number: int) -> Line:
        """A line that no longer waits."""
        for key in self._keys.pop(number):
            numbers = self._by_key[key]
            del numbers[number]
            if not numbers:
                del self._by_key[key]
        return self.lines.pop(number)


class Pairs:
    """Compares two logs, line by line. ``names``: the implementations that wrote them, the reference first;
    ``seconds``, ``most``: how long, and how many lines, wait. What ``add`` and ``finish`` give are the differences."""

    def __init__(self, names: tuple[str, str], seconds: float, most: int = WAITING_KEPT) -> None:
        self._both = pair_of(*names)
        self._classifier = Classifier(self._both)
        self._window = round(seconds * 1e9)
        self._most = most
        self._waiting = _Waiting(), _Waiting()
        self._first: list[int | None] = [None, None]
        self.latest: list[int] = [0, 0]
        self.counts: Counter[str] = Counter()
        self.lines = [0, 0]
        self.differences: Counter[str] = Counter()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many lines of each log wait for their counterparts: all that is kept of the logs."""
        return len(self._waiting[0]), len(self._waiting[1])

    def add(self, side: int, line: Line) -> Iterator[LogDifference]:
        """Take a line of the reference (0) or the candidate (1)."""
        self.lines[side] += 1
        if line.event is None:
            yield self._difference(Class.ERROR, side, line, f"{line.place} is no event")
            return
        event = as_provided(self._both.statements[side], line.event)
        line = line._replace(event=event)
        if self._first[side] is None:
            self._first[side] = event.timestamp
        self.latest[side] = max(self.latest[side], event.timestamp)
        keys = self._keys(event)
        found = self._waiting[1 - side].take(keys[0], event.timestamp - self._window, event.timestamp + self._window)
        if found is None:
            self._waiting[side].add(line, keys)
        else:
            yield from self._pair((line, found) if side == 0 else (found, line))

    def settle(self, now: int) -> Iterator[LogDifference]:
        """Judge the lines that have waited long enough at a time of the logs, or are too many."""
        for side, waiting in enumerate(self._waiting):
            while waiting.lines:
                number, line = next(iter(waiting.lines.items()))
                assert line.event is not None
                if line.event.timestamp > now - self._window and len(waiting.lines) <= self._most:
                    break
                yield from self._alone(side, waiting.remove(number))

    def finish(self) -> Iterator[LogDifference]:
        """Judge the lines that wait at the end of both logs."""
        for side, waiting in enumerate(self._waiting):
            while waiting.lines:
                line = waiting.remove(next(iter(waiting.lines)))
                assert line.event is not None
                newer = line.event.timestamp > self.latest[1 - side] > 0
                if newer and line.event.timestamp > self.latest[side] - self._window:
                    self.counts["waiting"] += 1
                else:
                    yield from self._alone(side, line)

    def summary(self, least: int, unfinished: tuple[bool, bool], notes: tuple[str, ...]) -> LogSummary:
        """What there was; ``least``: how many lines must have been compared for a verdict."""
        known = self.counts["paired"] + self.counts["explained"]
        fields = self._classifier.enhancements + self._classifier.services
        return LogSummary(
            verdict="differences" if self.differences else "same" if known >= max(least, 1) else "too little evidence",
            lines=(self.lines[0], self.lines[1]),
            paired=self.counts["paired"],
            explained=self.counts["explained"],
            explained_fields=dict(sorted(fields.items())),
            outside=self.counts["outside"],
            waiting=self.counts["waiting"],
            differences=dict(sorted(self.differences.items())),
            unfinished=unfinished,
            notes=notes,
        )

    def _keys(self, event: Event) -> tuple[_Key, _Key]:
        """What tells a message apart from others, and what one of a different content has in common with it."""
        shared = event
        if event.type != OVERRUN:
            for statement in self._both.statements:
                shared = only_provided(statement, shared)
        header = (event.type, event.protocol, event.msg_type, event.seq, event.pid, event.nsid, event.synthetic)
        fields = self._both.contract.identity.get(kind_name(event.payload), ())
        about = tuple(repr(getattr(shared.payload, name, None)) for name in fields)
        return (header, repr(shared.payload)), (header, kind_name(event.payload), about)

    def _pair(self, lines: tuple[Line, Line]) -> Iterator[LogDifference]:
        """Compare two lines of one message."""
        self.counts["paired"] += 1
        before, after = (line.event for line in lines)
        assert before is not None
        assert after is not None
        for finding in self._classifier.compare(before, structs.replace(after, timestamp=before.timestamp)):
            yield self._said(finding.cls, lines, finding)

    def _alone(self, side: int, line: Line) -> Iterator[LogDifference]:
        """Judge a line that has waited long enough."""
        event = line.event
        assert event is not None
        began = self._first[1 - side]
        if began is None or event.timestamp < began:
            self.counts["outside"] += 1
        elif self._classifier.count_expected(event, of_reference=side == 0, recovering=event.synthetic, answer=False):
            self.counts["explained"] += 1
        elif (found := self._like(side, event)) is not None:
            yield from self._pair((line, found) if side == 0 else (found, line))
        else:
            yield self._difference(Class.EXTRA if side else Class.MISSING, side, line, "")

    def _like(self, side: int, event: Event) -> Line | None:
        """What the other log has in place of an event."""
        near = self._window / 2
        return self._waiting[1 - side].take(self._keys(event)[1], event.timestamp - near, event.timestamp + near)

    def _difference(self, cls: Class, side: int, line: Line, reason: str) -> LogDifference:
        lines = (None, line) if side else (line, None)
        return self._said(cls, lines, None, reason)

    def _said(
        self, cls: Class, lines: tuple[Line | None, Line | None], finding: FieldFinding | None, reason: str = ""
    ) -> LogDifference:
        self.differences[cls.label] += 1
        event = next(line.event for line in lines if line is not None)
        named = event is not None and event.type != OVERRUN
        return LogDifference(
            code=cls.code,
            difference=cls.label,
            message=message_type(event.protocol, event.msg_type)
            if event is not None and named
            else OVERRUN
            if event
            else "",
            field="" if finding is None else finding.field,
            reference="" if finding is None else show(finding.reference),
            candidate="" if finding is None else show(finding.candidate),
            reason=reason or (cls.meaning if finding is None else finding.reason),
            timestamp=0 if event is None else event.timestamp,
            reference_place=lines[0].place if lines[0] else None,
            candidate_place=lines[1].place if lines[1] else None,
            reference_line=lines[0].text if lines[0] else None,
            candidate_line=lines[1].text if lines[1] else None,
        )
