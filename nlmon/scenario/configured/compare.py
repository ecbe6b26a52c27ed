"""Compares what two monitors have exported of the same messages, event by event, under the contract.

    lines of both ─► pairs of the same message ─► classes of the contract ─► a report for each direction

Rules:
1. Lines belong together by what stands in both: the time of the message, its protocol, type, sequence number and port.
   In a recording that is one message, or some of one datagram, which are paired in their order.
2. What one implementation alone gives, as the contract says, is the price of the move or its gain. So is an event that
   only one monitor exports since its configuration asks for a field that the other implementation does not provide:
   the rules of that monitor keep the event, and do not without those fields.
3. What one alone exports of a message is held against the message itself, where that is known.
4. Anything else is a difference.

Not here: what a single monitor must export (``held``), classes and the contract (``nlmon.compare``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

from nlmon.compare.classify import Classifier, FieldFinding
from nlmon.compare.contract import kind_name
from nlmon.compare.difference import Class, Difference
from nlmon.compare.explain import show
from nlmon.compare.findings import Findings
from nlmon.compare.known import KnownDifferences
from nlmon.compare.pair import pair_of
from nlmon.compare.provided import as_provided, only_provided
from nlmon.compare.statement import statement_of
from nlmon.engine.verdict import compared_by_name, give_verdict, losses_of, thin_evidence
from nlmon.events import OVERRUN, Event
from nlmon.names import message_type
from nlmon.report.model import CaptureReport, DifferenceGroup, Direction, directions, in_direction, row
from nlmon.report.policy import Policy
from nlmon.scenario.configured.output import ExportedLine
from nlmon.scenario.configured.recording import FRAMES_KEPT, FrameTable

__all__ = ["ExportSide", "ExportsJudge", "Keeps", "compare_exports"]

# Whether a monitor would export an event of a frame.
Keeps: TypeAlias = Callable[[Event, int], bool]
Key: TypeAlias = tuple[Any, ...]
# Lines by the name of their export.
Exports: TypeAlias = Mapping[str, Sequence[ExportedLine]]


class ExportSide(NamedTuple):
    """A monitor: whether it would export an event of a frame, the implementation that it has at a frame, and whether
    there was nothing of a protocol that it could not read."""

    keeps: Keeps
    speaks: Callable[[int], str]
    all_read: Callable[[int], bool] = lambda _: False


class _Numbered(NamedTuple):
    """A line with its place in the export, and what it is about."""

    number: int
    line: ExportedLine
    event: Event


class ExportsJudge:
    """Judges one direction. ``names``: the reference and the candidate; ``sides``: their monitors, which may have the
    other implementation meanwhile; ``recording``: what was recorded. By protocol: ``compared``, how many events
    both have exported; ``explained``, how many one alone, as it must be."""

    def __init__(
        self,
        names: tuple[str, str],
        sides: tuple[ExportSide, ExportSide],
        recording: FrameTable,
        known: KnownDifferences | None = None,
    ) -> None:
        self.known = known or KnownDifferences()
        self.compared: Counter[int] = Counter()
        self.explained: Counter[int] = Counter()
        self.findings = Findings(self.known)
        # One for each pair of implementations that they had at once.
        self._classifiers: dict[tuple[str, str], Classifier] = {names: Classifier(pair_of(*names))}
        self._names = names
        self._sides = sides
        self._recording = recording

    @property
    def counts(self) -> Counter[Class]:
        """See ``Findings.counts``."""
        return self.findings.counts

    @property
    def enhancements(self) -> Counter[str]:
        """See ``Classifier.enhancements``."""
        return _added(one.enhancements for one in self._classifiers.values())

    @property
    def services(self) -> Counter[str]:
        """See ``Classifier.services``."""
        return _added(one.services for one in self._classifiers.values())

    @property
    def absent(self) -> Counter[str]:
        """See ``Classifier.absent``."""
        return _added(one.absent for one in self._classifiers.values())

    @property
    def lost_events(self) -> Counter[str]:
        """See ``Classifier.lost_events``."""
        return _added(one.lost_events for one in self._classifiers.values())

    def compare(self, reference: Sequence[ExportedLine], candidate: Sequence[ExportedLine]) -> None:
        """Compare the lines of two exports."""
        before, after = (self._events(lines, number) for number, lines in enumerate((reference, candidate)))
        latest = -1
        for left, right in _pairs(before, after):
            if left is None or right is None:
                self._alone(left, right)
                continue
            self.compared[left.event.protocol] += 1
            self._by_bytes(left, right)
            for finding in self._classifier(left.event).compare(left.event, right.event):
                self._add(finding.cls, (left, right), finding)
            if right.number < latest:
                self._add(Class.REORDERED, (left, right))
            latest = max(latest, right.number)

    def _classifier(self, event: Event) -> Classifier:
        """That of the implementations that both had when an event came."""
        names = self._speakers(event)
        if names not in self._classifiers:
            self._classifiers[names] = Classifier(pair_of(*names))
        return self._classifiers[names]

    def _speakers(self, event: Event) -> tuple[str, str]:
        return self._speaker(0, event), self._speaker(1, event)

    def _speaker(self, number: int, event: Event) -> str:
        return self._sides[number].speaks(self._recording.frame(event))

    def _events(self, lines: Sequence[ExportedLine], side: int) -> list[_Numbered]:
        found, name = [], self._names[side]
        for number, line in enumerate(lines):
            if line.event is None:
                why = "is cut, since it is too long for a message" if line.cut else "is no event"
                head = Class.ERROR, "", 0, 0, "", "", -1, "", "", ""
                self.findings.add(Difference(*head, f"{line.place} of {name} {why}"))
            else:
                speaker = self._speaker(side, line.event)
                found.append(_Numbered(number, line, as_provided(statement_of(speaker), line.event)))
        return found

    def _alone(self, left: _Numbered | None, right: _Numbered | None) -> None:
        """What only one of them has exported."""
        one, of_reference = (left, True) if left is not None else (right, False)
        assert one is not None
        self._by_bytes(left, right)
        self.explained[one.event.protocol] += 1
        classifier = self._classifier(one.event)
        if classifier.count_expected(one.event, of_reference=of_reference, recovering=False, answer=False):
            return
        other = int(of_reference)
        if one.event.type != OVERRUN and self._lacks(one.event, other):
            counter = classifier.services if of_reference else classifier.enhancements
            counter[kind_name(one.event.payload)] += 1
            if of_reference:
                classifier.lost_events[kind_name(one.event.payload)] += 1
            return
        self.explained[one.event.protocol] -= 1
        self._add(Class.MISSING if of_reference else Class.EXTRA, (left, right))

    def _by_bytes(self, left: _Numbered | None, right: _Numbered | None) -> None:
        """Hold what one of them provides alone against the message."""
        for number, one in enumerate((left, right)):
            for finding in self._contradictions(one.event, number) if one is not None else ():
                values = f"the message: {show(finding.reference)}", show(finding.candidate)
                before, after = values if number else values[::-1]
                self._add(finding.cls, (left, right), finding._replace(reference=before, candidate=after))

    def _contradictions(self, event: Event, number: int) -> Iterator[FieldFinding]:
        all_read = self._sides[number].all_read(event.protocol)
        return self._recording.contradictions(event, self._speakers(event), number, all_read=all_read)

    def _lacks(self, event: Event, number: int) -> bool:
        """Whether a monitor exports an event, and would not without what its implementation does not provide."""
        frame, keeps = self._recording.frame(event), self._sides[number].keeps
        seen = only_provided(statement_of(self._speaker(number, event)), event)
        return keeps(event, frame) and not keeps(seen, frame)

    def _add(
        self, cls: Class, lines: tuple[_Numbered | None, _Numbered | None], finding: FieldFinding | None = None
    ) -> None:
        at = " and ".join(
            f"{one.line.place} of {name}" for one, name in zip(lines, self._names, strict=True) if one is not None
        )
        event = next(one.event for one in lines if one is not None)
        values = ("a line", "no line") if lines[1] is None else ("no line", "a line")
        if finding is not None:
            values = show(finding.reference), show(finding.candidate)
        self.findings.add(
            Difference(
                cls=cls,
                message=message_type(event.protocol, event.msg_type) if event.type != OVERRUN else OVERRUN,
                frame=self._recording.frame(event),
                offset=0,
                field="" if finding is None else finding.field,
                attribute="" if finding is None else finding.path,
                attribute_offset=-1,
                hex="",
                reference=values[0] if cls is not Class.REORDERED else "",
                candidate=values[1] if cls is not Class.REORDERED else "",
                reason=f"{cls.meaning if finding is None else finding.reason}; {at}",
            )
        )


def compare_exports(
    both: tuple[Exports, Exports],
    names: tuple[str, str],
    sides: tuple[ExportSide, ExportSide],
    *,
    path: str,
    recording: FrameTable,
    known: Sequence[KnownDifferences],
    policy: Policy,
    facts: Mapping[str, Any],
) -> tuple[CaptureReport, ...]:
    """The reports of both directions on what two monitors have exported. ``both``: by the name of an export its lines;
    what one of them alone has is not compared, and that is said. ``path``: of the recording, ``facts``: what else the
    reports say of it."""
    shared = [kind for kind in both[0] if kind in both[1]]
    notes = [
        f"{kind} of {name} was compared with nothing: the other one has no such export"
        for name, lines in zip(names, both, strict=True)
        for kind in lines
        if kind not in shared
    ]
    if not recording.whole:
        notes.append(f"lines of messages behind the first {FRAMES_KEPT:,} frames were not held against the recording")
    reports = []
    for number, direction in enumerate(directions(both_ways=True)):
        step = 1 if direction == "migrate" else -1
        allowed = known[number] if number < len(known) else None
        judge = ExportsJudge(in_direction(direction, names), sides[::step], recording, allowed)  # type: ignore[arg-type]
        for kind in shared:
            judge.compare(*(one[kind] for one in both[::step]))
        counts = {name: sum(len(one[kind]) for kind in shared) for name, one in zip(names, both, strict=True)}
        reports.append(_report(judge, direction, path, policy, {**facts, "events": counts, "notes": notes}))
    return tuple(reports)


def _added(counters: Iterable[Counter[str]]) -> Counter[str]:
    """All counts together."""
    found: Counter[str] = Counter()
    for one in counters:
        found.update(one)
    return found


def _pairs(
    before: Iterable[_Numbered], after: Iterable[_Numbered]
) -> Iterator[tuple[_Numbered | None, _Numbered | None]]:
    """Lines of the same message, in the order of the reference, also of those that came at the same time; what the
    candidate alone has comes last."""
    left, right = _by_message(before), _by_message(after)
    found = [pair for key in left | right for pair in zip_longest(left.get(key, ()), right.get(key, ()))]
    yield from sorted((pair for pair in found if pair[0] is not None), key=lambda pair: pair[0].number)
    yield from (pair for pair in found if pair[0] is None)


def _by_message(lines: Iterable[_Numbered]) -> dict[Key, list[_Numbered]]:
    found: dict[Key, list[_Numbered]] = {}
    for one in lines:
        event = one.event
        key = (event.timestamp, event.protocol, event.msg_type, event.seq, event.pid, event.type, event.synthetic)
        found.setdefault(key, []).append(one)
    return found


def _report(
    judge: ExportsJudge, direction: Direction, path: str, policy: Policy, facts: Mapping[str, Any]
) -> CaptureReport:
    losses = losses_of(judge)
    thin = thin_evidence(judge.compared + judge.explained, "neither monitor exports any", {}, policy)
    verdict, reason, fails = give_verdict(judge, losses, policy, wrong="", unread="", thin=thin)
    totals = {cls.label: count for cls, count in judge.counts.items() if count}
    for cls, counter in ((Class.ENHANCEMENT, judge.enhancements), (Class.SERVICE, judge.services)):
        if counter.total():
            totals[cls.label] = counter.total()
    return CaptureReport(
        path=path,
        verdict=verdict,
        reason=reason,
        direction=direction,
        fails=fails,
        compared=compared_by_name(judge.compared),
        differences=totals,
        enhancements=dict(sorted((+judge.enhancements).items())),
        services=dict(sorted((+judge.services).items())),
        losses=dict(sorted(losses.all.items())),
        lost_events=dict(sorted(losses.events.items())),
        groups=[
            DifferenceGroup(one.cls.label, one.cls.severity.value, one.message, one.field, one.count, row(one.first))
            for one in judge.findings.groups
        ],
        details=[row(one) for one in judge.findings.details],
        **facts,
    )
