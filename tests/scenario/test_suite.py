"""The suite of the project: every scenario holds, and would not hold if an implementation gave another value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.feed import Feed, Step
from nlmon.eventjson.write import event_to_dict
from nlmon.names import protocol_number
from nlmon.scenario.check import capture_path
from nlmon.scenario.expectation import check_events, check_order
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.model import Capture, Count, EventPattern
from support.paths import REPOSITORY

SUITE = sorted((REPOSITORY / "scenarios").rglob("*.yaml"))


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY / "scenarios").with_suffix("").as_posix()


@pytest.mark.parametrize("path", SUITE, ids=_name)
def test_a_scenario_holds_and_can_fail(path: Path) -> None:
    """Events, counts and order of each implementation; not so with any value of a pattern changed."""
    file = load_scenario(path.read_bytes(), str(path))
    expect = file.scenario.expect
    for name, lines in _replayed(file).items():
        events = [each for each in expect.events if each.by in {"", name}]
        in_order = [each for each in expect.in_order if each.by in {"", name}]
        changed = [other for each in (*events, *in_order) for other in _changed(each)]

        assert check_events(events, lines) + check_order(in_order, lines) == []
        assert [unmet.pattern for unmet in check_events(changed, lines)] == changed


def _replayed(file: ScenarioFile) -> dict[str, list[dict[str, Any]]]:
    """The events of each implementation, as lines."""
    scenario = file.scenario
    capture = scenario.capture
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in scenario.implementations}
    assert isinstance(capture, Capture)
    groups = tuple(group for one in scenario.implementations for group in one.groups)
    numbers = [protocol_number(name) for name in capture.protocols]
    with open_capture(Path(capture_path(file)), byteorder=capture.byteorder) as reader:
        feed = Feed(
            [partial(create, one.name) for one in scenario.implementations],
            reader.info.byteorder,
            select=capture.select,
            protocols=[number for number in numbers if number is not None] or None,
            options=BackendOptions(extra_groups=groups),
            answers=False,
        )
        feed.start()
        for batch in reader.batches():
            begin = max(0, capture.first_frame - batch.number)
            end = min(len(batch.data), (capture.last_frame or 2**31) + 1 - batch.number)
            if begin < end:
                _collect(feed.steps(batch.part(begin, end)), found)
        _collect(feed.flush(), found)
        feed.close()
    return found


def _collect(steps: Iterator[Step], found: dict[str, list[dict[str, Any]]]) -> None:
    for step in steps:
        for results in step.results:
            found[results.name] += [event_to_dict(event) for side in results.sides() for event in side.events]


def _changed(pattern: EventPattern) -> Iterator[EventPattern]:
    """The pattern with each of its values changed to one that nothing has; of one that nothing may match, that
    something must."""
    if pattern.count == Count(0, 0):
        yield structs.replace(pattern, count=Count())
        return
    for fields in _other_values(pattern.fields):
        yield EventPattern(fields, Count(), pattern.by)


def _other_values(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from ({**fields, name: other} for other in _other_values(value))
        else:
            yield {**fields, name: "none of these" if isinstance(value, str) else [987_654_321]}
