"""The suite of the project: every scenario holds, and would not hold if an implementation gave another value."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec import structs

from nlmon.report.outcome import Outcome
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.model import Count, Expect, Losses, Verdicts
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import run_scenario
from support.changed import MANY, changed, different, missed
from support.paths import FIXTURES, REPOSITORY
from support.sampled import one_in

FOLDER = REPOSITORY / "scenarios"
# What runs on the kernel, and what is of monitors, has tests of its own.
OTHERS = {"live", "configuration", "migration", "rollback", "config-compat"}
SUITE = [path for path in sorted(FOLDER.rglob("*.yaml")) if not OTHERS & {*path.relative_to(FOLDER).parts}]
OPTIONS = RunOptions(folders=(str(FOLDER), str(FIXTURES)))


def _name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def _load(path: Path) -> ScenarioFile:
    return load_scenario(path.read_bytes(), str(path))


@pytest.mark.parametrize("path", one_in(12, SUITE), ids=_name)
def test_a_scenario_holds(path: Path) -> None:
    """In both directions; what is tentative need not, and is named."""
    file = _load(path)
    results = run_scenario(file, OPTIONS)
    fine: set[Outcome] = {"passed"} if file.scenario.level == "required" else {"passed", "xfailed"}

    assert [(one.id, one.findings) for one in results if one.outcome not in fine] == []
    assert {one.direction for one in results} == {"migrate", "rollback"}


@pytest.mark.slow
@pytest.mark.parametrize("path", one_in(3, SUITE, pytest.mark.long), ids=_name)
def test_a_scenario_can_fail(path: Path) -> None:
    """Each value of each pattern, changed to one that nothing has, is missed by every implementation that it is
    expected of; so are other verdicts, losses and errors. What is tentative fails as it is."""
    file = _load(path)
    expect, names = file.scenario.expect, [one.name for one in file.scenario.implementations]
    assert expect.state != "kernel"
    if file.scenario.level != "required":
        assert "xfailed" in {one.outcome for one in run_scenario(file, OPTIONS)}
        return
    events = different(other for one in (*expect.events, *expect.in_order) for other in changed(one))
    objects = different(other for one in expect.state for other in changed(one))
    wrong = Expect(
        verdict=Verdicts("error", "error"),
        events=events,
        state=objects,
        losses=Losses(Count(MANY, MANY)),
        errors=tuple(structs.replace(one, count=Count(MANY, MANY)) for one in expect.errors),
    )
    scenario = structs.replace(file.scenario, expect=wrong)
    results = run_scenario(structs.replace(file, scenario=scenario), OPTIONS)
    said = [Counter(kind for finding in one.findings for kind in missed(finding.what)) for one in results]

    assert len(events) + len(objects) > 0
    expected = Counter(
        {
            "verdict": 1,
            "losses": len(names),
            "events": sum(1 if one.by else len(names) for one in events),
            "state": sum(1 if one.by else len(names) for one in objects),
            "errors": sum(1 if one.by else len(names) for one in wrong.errors),
        }
    )
    assert said == [+expected, +expected]
