"""The suite of the project: every scenario holds, and would not hold if an implementation gave another value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import structs

from nlmon.report.outcome import Outcome
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.model import Count, EventPattern, Expect, Losses, ObjectPattern, Verdicts
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import run_scenario
from support.paths import FIXTURES, REPOSITORY

FOLDER = REPOSITORY / "scenarios"
SUITE = [path for path in sorted(FOLDER.rglob("*.yaml")) if "live" not in path.relative_to(FOLDER).parts]
OPTIONS = RunOptions(folders=(str(FOLDER), str(FIXTURES)))
NEVER = Count(0, 0)
MANY = 987_654

Pattern = TypeVar("Pattern", EventPattern, ObjectPattern)


def _name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def _load(path: Path) -> ScenarioFile:
    return load_scenario(path.read_bytes(), str(path))


@pytest.mark.parametrize("path", SUITE, ids=_name)
def test_a_scenario_holds(path: Path) -> None:
    """In both directions; what is tentative need not, and is told."""
    file = _load(path)
    results = run_scenario(file, OPTIONS)
    fine: set[Outcome] = {"passed"} if file.scenario.level == "required" else {"passed", "xfailed"}

    assert [(one.id, one.findings) for one in results if one.outcome not in fine] == []
    assert {one.direction for one in results} == {"migrate", "rollback"}


@pytest.mark.slow
@pytest.mark.parametrize("path", SUITE, ids=_name)
def test_a_scenario_can_fail(path: Path) -> None:
    """Each value of each pattern, changed to one that nothing has, is missed by every implementation that it is
    expected of; so are other verdicts, losses and errors. What is tentative fails as it is."""
    file = _load(path)
    expect, names = file.scenario.expect, [one.name for one in file.scenario.implementations]
    assert expect.state != "kernel"
    if file.scenario.level != "required":
        assert "xfailed" in {one.outcome for one in run_scenario(file, OPTIONS)}
        return
    events = _different(other for one in (*expect.events, *expect.in_order) for other in _changed(one))
    objects = _different(other for one in expect.state for other in _changed(one))
    wrong = Expect(
        verdict=Verdicts("error", "error"),
        events=events,
        state=objects,
        losses=Losses(Count(MANY, MANY)),
        errors=tuple(structs.replace(one, count=Count(MANY, MANY)) for one in expect.errors),
    )
    scenario = structs.replace(file.scenario, expect=wrong)
    results = run_scenario(structs.replace(file, scenario=scenario), OPTIONS)
    found = Counter(kind for one in results for finding in one.findings for kind in _missed(finding.what))

    assert len(events) + len(objects) > 0
    assert found == Counter(
        {
            "verdict": 2,
            "losses": len(names),
            "events": sum(1 if one.by else len(names) for one in events),
            "state": sum(1 if one.by else len(names) for one in objects),
            "errors": sum(1 if one.by else len(names) for one in wrong.errors),
        }
    )


def _missed(what: str) -> Iterator[str]:
    """What a finding is about, once for each implementation; that of a verdict is about both."""
    if what.startswith("verdict"):
        yield "verdict"
        return
    names, kind, *_ = what.split(": ")
    yield from (kind for _ in names.split(", "))


def _different(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    found: list[Pattern] = []
    for one in patterns:
        if one not in found:
            found.append(one)
    return tuple(found)


def _changed(pattern: Pattern) -> Iterator[Pattern]:
    """The pattern with each of its values changed to one that nothing has; of one that nothing may match, that
    something must."""
    if pattern.count == NEVER:
        yield structs.replace(pattern, count=Count())
        return
    for fields in _other_values(pattern.fields):
        yield structs.replace(pattern, fields=fields, count=Count())


def _other_values(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from ({**fields, name: other} for other in _other_values(value))
        else:
            yield {**fields, name: "none of these" if isinstance(value, str) else [MANY]}
