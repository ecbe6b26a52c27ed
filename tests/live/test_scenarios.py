"""The scenarios of the project that run on the kernel: each gives here what its recording gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.scenario.beside import has_recording
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario
from support.paths import REPOSITORY
from support.requirements import require_sandbox

pytestmark = [pytest.mark.live, pytest.mark.slow]

SUITE = sorted((REPOSITORY / "scenarios" / "live").glob("*.yaml"))


@pytest.fixture(scope="module", autouse=True)
def sandbox() -> None:
    """What every one of them needs."""
    require_sandbox()


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_a_scenario_holds_on_this_kernel(path: Path) -> None:
    """With the verdicts of its recording; what this kernel lacks is a reason to skip it."""
    file, mistaken = load_file(path)
    assert file is not None, mistaken
    # A busy machine has more time for what must hold, and waits no longer for what does not.
    required = file.scenario.level == "required"
    results = run_scenario(file, RunOptions(source="live", time_scale=4 if required else 1))
    if all(one.outcome == "skipped" for one in results):
        pytest.skip(results[0].reason)
    fine = {"passed"} if required else {"passed", "xfailed"}

    assert [(one.id, one.reason, one.findings) for one in results if one.outcome not in fine] == []
    if has_recording(file):
        recorded = run_scenario(file, RunOptions(source="recorded"))
        assert [(one.id, one.verdict) for one in results] == [(one.id, one.verdict) for one in recorded]


def test_there_are_such_scenarios() -> None:
    """All that lies beside them is a recording of theirs."""
    assert len(SUITE) >= 15
