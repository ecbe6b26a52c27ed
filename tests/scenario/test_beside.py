"""What runs left beside their scenarios: it gives the verdicts of these runs, and can fail as they can."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

import nlmon.scenario.run
from nlmon.report.outcome import CaseResult
from nlmon.scenario.beside import as_recorded, check_recordings, has_recording, keep_beside, read_beside
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Count, EventPattern, Expect, Losses, Verdicts
from nlmon.scenario.options import RunOptions
from nlmon.scenario.recorded import run_recorded
from nlmon.scenario.run import load_file, run_scenario
from support.changed import MANY, changed, different, missed
from support.paths import REPOSITORY
from support.sampled import one_in

FOLDER = REPOSITORY / "scenarios" / "live"
SUITE = sorted(FOLDER.glob("*.yaml"))
RECORDED = [path for path in SUITE if path.with_suffix(".state.json").exists()]
OVER = RunOptions(source="recorded")


def load(path: Path) -> ScenarioFile:
    """The scenario of a file."""
    file, mistaken = load_file(path)
    assert file is not None, mistaken
    return file


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A scenario with both files that a run left."""
    for path in FOLDER.glob("link-flap.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "link-flap.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_run_holds(path: Path) -> None:
    """In both directions; what is tentative need not."""
    file = load(path)
    results = run_scenario(file, OVER)
    fine = {"passed"} if file.scenario.level == "required" else {"passed", "xfailed"}

    assert [(one.id, one.findings) for one in results if one.outcome not in fine] == []
    assert {(one.direction, one.source) for one in results} == {("migrate", "recorded"), ("rollback", "recorded")}
    assert len(results) == 2 + file.scenario.control


@pytest.mark.parametrize("path", one_in(3, RECORDED), ids=lambda path: path.stem)
def test_a_recorded_run_can_fail(path: Path) -> None:
    """Each value of each pattern, of steps and in the end, changed to one that nothing has, is missed by every
    implementation that it is expected of; so are another state of the kernel, other verdicts and other losses."""
    file = load(path)
    scenario, names = file.scenario, [one.name for one in file.scenario.implementations]
    recording, ran = read_beside(file)
    steps = tuple(structs.replace(step, expect=different(_all_changed(step.expect))) for step in scenario.steps)
    setup = tuple(structs.replace(step, expect=()) for step in scenario.setup)
    wrong = Expect(
        verdict=Verdicts("error", "error"),
        events=different(_all_changed((*scenario.expect.events, *scenario.expect.in_order))),
        state=scenario.expect.state,
        losses=Losses(Count(MANY, MANY)),
    )
    other = structs.replace(scenario, setup=setup, steps=steps, expect=wrong, level="required")
    state = None if ran.state is None else ("link none UP", *ran.state)
    replayed = as_recorded(structs.replace(file, scenario=other), recording, ran)
    results = run_recorded(replayed, OVER, structs.replace(ran, state=state))
    said = [Counter(kind for finding in one.findings for kind in missed(finding.what)) for one in results[:2]]
    expected = {
        "verdict": 1,
        "losses": len(names),
        "step": sum(1 if one.by else len(names) for step in steps for one in step.expect),
        "events": sum(1 if one.by else len(names) for one in wrong.events),
        "state": 0 if ran.state is None else len(names),
    }

    assert expected["step"] > 0
    assert said == [+Counter(expected)] * 2


def _all_changed(patterns: Iterable[EventPattern]) -> Iterator[EventPattern]:
    return (other for one in patterns for other in changed(one))


def test_what_a_run_leaves_is_read_again(copied: Path) -> None:
    """With the digest of the recording as it is kept, which is its owner's alone."""
    file = load(copied)
    recording, ran = read_beside(file)
    for path in (recording, copied.with_suffix(".state.json")):
        shutil.move(path, copied.parent / f"kept-{path.name}")
    assert not has_recording(file)
    keep_beside(file, copied.parent / f"kept-{recording.name}", structs.replace(ran, sha256=""))

    assert structs.replace(read_beside(file)[1], sha256="") == structs.replace(ran, sha256="")
    assert list(check_recordings([file])) == []
    assert sorted(path.name for path in copied.parent.glob("*.part")) == []
    assert recording.stat().st_mode & 0o777 == 0o600


REFUSED = "errors: [{phase: step, code: NLM-S042}]"
MISTAKES = {
    "no state": (lambda path: path.with_suffix(".state.json").unlink(), "NLM-S046"),
    "no recording": (lambda path: path.with_suffix(".pcapng.zst").unlink(), "NLM-S046"),
    "no JSON": (lambda path: path.with_suffix(".state.json").write_bytes(b"\xff"), "NLM-S046"),
    "a newer version": (lambda path: _state(path, version=2), "NLM-S046"),
    "another recording": (lambda path: path.with_suffix(".pcapng.zst").write_bytes(b""), "NLM-S023"),
    "another step": (lambda path: _text(path, "veth0 down", "veth0 mtu 1400"), "NLM-S047"),
    "no state of the kernel": (lambda path: _state(path, state=None), "NLM-S047"),
    "not the end of each step": (lambda path: _state(path, ends=[37]), "NLM-S047"),
    "a step that was refused": (lambda path: _text(path, "losses: 0", REFUSED), "failed"),
    "a step that was refused, as then": (lambda path: (_text(path, "losses: 0", REFUSED), _refuse(path)), ""),
    "something else is expected": (lambda path: _text(path, "  losses: 0\n", ""), ""),
}


def _state(path: Path, **values: object) -> None:
    file = path.with_suffix(".state.json")
    file.write_bytes(msgspec.json.encode(msgspec.json.decode(file.read_bytes()) | values))


def _refuse(path: Path) -> None:
    _state(path, errors=["NLM-S042"])


def _text(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("kind", MISTAKES)
def test_files_beside_a_scenario_may_be_wrong(copied: Path, kind: str) -> None:
    """Each mistake has its code, in a run and in the check of the suite; what does not hold is none."""
    spoil, code = MISTAKES[kind]
    spoil(copied)
    file = load(copied)
    results = run_scenario(file, OVER)

    mistaken = code.startswith("NLM")
    outcome = "errored" if mistaken else code or "passed"
    assert {(one.outcome, one.code) for one in results} == {(outcome, code if mistaken else "")}
    assert [one.code for one in check_recordings([file])] == ([code] if mistaken else [])


def test_a_scenario_that_is_skipped_is_judged_by_its_recording(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it must run on this kernel; without a recording it is skipped."""

    def skipped(file: ScenarioFile, *_: object) -> tuple[list[CaseResult], None]:
        return nlmon.scenario.run.without_run(file, (), "skipped", "no namespaces"), None

    monkeypatch.setattr(nlmon.scenario.run, "run_live", skipped)
    file = load(copied)
    found = {source: run_scenario(file, RunOptions(source=source))[0] for source in ("", "live")}
    copied.with_suffix(".state.json").unlink()
    copied.with_suffix(".pcapng.zst").unlink()
    without = run_scenario(file, RunOptions())[0]

    assert [(one.outcome, one.source) for one in (*found.values(), without)] == [
        ("passed", "recorded"),
        ("skipped", "live"),
        ("skipped", "live"),
    ]
