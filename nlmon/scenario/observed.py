"""What an implementation gave during a run, held against what the scenario expects while it comes.

Rules:
1. Nothing is kept but counts and the nearest event to each pattern, however long the run is.
2. What is expected of all implementations must hold of each.

Not here: what an event must be like (``expectation``), and the outcome of a case (``cases``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from nlmon.compare.side import Side
from nlmon.errors import (
    CaptureError,
    DecodeError,
    FramingError,
    HeaderError,
    MessageTooLarge,
    NlmonError,
    ScenarioError,
)
from nlmon.eventjson.write import event_to_dict, payload_to_dict
from nlmon.events import Event
from nlmon.names import message_type
from nlmon.report.outcome import Finding
from nlmon.report.text import counted
from nlmon.scenario.expectation import EventCounts, EventOrder, explain_unmet
from nlmon.scenario.kernel_state import Lines, differences, folded
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import EventPattern, Phase, Step
from nlmon.state.tables import State

__all__ = ["Observed", "StepEvents", "phase_of", "state_findings", "step_findings"]


class Observed:
    """What the implementation called ``name`` gives in a run of a scenario."""

    def __init__(self, file: ScenarioFile, name: str) -> None:
        expect = file.scenario.expect
        self.name = name
        self._file = file
        self._events = EventCounts(expect.events, name)
        self._order = EventOrder(expect.in_order, name)
        self._wanted = _Wanted((*expect.events, *expect.in_order))
        self._errors: Counter[tuple[Phase, str]] = Counter()

    def take(self, side: Side) -> None:
        """Take what it made of a datagram."""
        for event in side.events:
            if self._wanted[event.protocol, event.msg_type]:
                line = _line(event)
                self._events.add(line, event)
                self._order.add(line, event)
        for error in side.errors:
            self.take_error(error)

    def take_error(self, error: NlmonError) -> None:
        """Take an error that it reported, or that ended the run."""
        self._errors[phase_of(error), error.code] += 1

    def findings(self, lost: int, state: State) -> Iterator[Finding]:
        """What does not hold at the end, without its name. ``lost``: messages that it said it lost; ``state``: its
        final one."""
        expect, place = self._file.scenario.expect, self._file.place
        for key, unmet in (("events", self._events.unmet()), ("in_order", self._order.unmet())):
            for one in unmet:
                first, *more = explain_unmet(one)
                yield Finding(f"{key}: event {one.number}: {first}", place("expect", key, one.number - 1), tuple(more))
        wanted = expect.losses.by.get(self.name, expect.losses.each)
        if wanted is not None and lost not in wanted:
            what = f"losses: expected {wanted}, reported {lost:,}"
            yield Finding(what, place("expect", "losses"))
        yield from self._errors_unmet()
        if expect.state != "kernel":
            yield from self._objects_unmet(state)

    def _errors_unmet(self) -> Iterator[Finding]:
        for number, pattern in enumerate(self._file.scenario.expect.errors):
            found = self._errors[pattern.phase, pattern.code]
            if pattern.by in {"", self.name} and found not in pattern.count:
                what = f"errors: expected {pattern.count} {pattern.code} ({pattern.phase}), found {found:,}"
                others = ", ".join(
                    f"{code} ({phase}) {counted(count, 'time')}"
                    for (phase, code), count in sorted(self._errors.items())
                )
                lines = (f"reported: {others or 'no error'}",)
                yield Finding(what, self._file.place("expect", "errors", number), lines)

    def _objects_unmet(self, state: State) -> Iterator[Finding]:
        expect = self._file.scenario.expect
        for number, pattern in enumerate(expect.state if expect.state != "kernel" else ()):
            if pattern.by not in {"", self.name}:
                continue
            # An object is held against a pattern as an event is.
            counts = EventCounts([EventPattern(pattern.fields, pattern.count)])
            for payload in state.tables.get(pattern.kind, {}).values():
                counts.add(_object(payload))
            for unmet in counts.unmet():
                first, *more = explain_unmet(unmet, pattern.kind)
                where = self._file.place("expect", "state", number)
                yield Finding(f"state: {pattern.kind}: {first}", where, tuple(more))


class StepEvents:
    """What an implementation gives of each step of a recorded run. ``ends``: the last frame before the first step, and
    the last one of each."""

    def __init__(self, steps: Sequence[Step], ends: Sequence[int], name: str) -> None:
        self._steps = steps
        self._ends = ends
        self._counts = [EventCounts(step.expect, name) for step in steps]

    def take(self, side: Side) -> None:
        """Take what it made of a datagram."""
        for event in side.events:
            place = bisect_left(self._ends, event.frame) - 1
            if 0 <= place < len(self._steps) and self._steps[place].expect:
                self._counts[place].add(_line(event), event)

    def findings(self) -> Iterator[Finding]:
        """What does not hold of the steps, without its name; nothing when it is not known where they ended."""
        for step, counts in zip(self._steps, self._counts, strict=True) if self._ends else ():
            yield from step_findings(step, counts)


def step_findings(step: Step, counts: EventCounts, when: str = "") -> Iterator[Finding]:
    """What does not hold of a step."""
    for unmet in counts.unmet():
        first, *more = explain_unmet(unmet)
        yield Finding(f"step: {when}event {unmet.number}: {first}", step.place, tuple(more))


def state_findings(file: ScenarioFile, kernel: Lines, state: State) -> list[Finding]:
    """What of a final state is not as the kernel listed it, without the name of the implementation."""
    lines = differences(kernel, folded(state))
    where = file.place("expect", "state")
    return [Finding("state: not as the kernel lists it", where, tuple(lines))] if lines else []


def _line(event: Event) -> dict[str, Any]:
    """An event as ``nlmon decode`` prints it; one that has no such form, since an implementation filled it with
    something else, is as no pattern asks for it."""
    try:
        return event_to_dict(event)
    except Exception:
        return {"frame": event.frame, "netlink": {}}


def _object(payload: Any) -> dict[str, Any]:
    """An object of a state in the form of an event; see ``_line``."""
    try:
        return {"netlink": payload_to_dict(payload)}
    except Exception:
        return {"netlink": {}}


class _Wanted(dict[tuple[int, int], bool]):
    """Whether a pattern may be about events of a type, by protocol and number: only of these a line is made."""

    def __init__(self, patterns: Sequence[EventPattern]) -> None:
        super().__init__()
        self._types: Collection[Any] = {pattern.fields.get("msg_type") for pattern in patterns}

    def __missing__(self, one: tuple[int, int]) -> bool:
        found = None in self._types or bool({one[1], message_type(*one)} & set(self._types))
        self[one] = found
        return found


def phase_of(error: NlmonError) -> Phase:
    """In which phase of a run an error arose."""
    if isinstance(error, CaptureError):
        return "capture"
    if isinstance(error, ScenarioError):
        return "step"
    if isinstance(error, FramingError | HeaderError | MessageTooLarge):
        return "frame"
    return "decode" if isinstance(error, DecodeError) else "socket"
