"""Scenarios that move and go back find bad rewritings and bad switches; each of them finds some."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.report.outcome import CaseResult
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import run_scenario
from support.moves import BAD_REWRITINGS, BAD_SWITCHES
from support.paths import FIXTURES, REPOSITORY
from support.sampled import one_in

FOLDER = REPOSITORY / "scenarios"
OPTIONS = RunOptions(folders=(str(FOLDER), str(FIXTURES)))
# By mistake a scenario that shows it, and the begin of what does not hold in it.
REWRITINGS = {
    "drops a filter": ("migration/old-filter-fields", "verdict (migrate): expected equivalent, got regression"),
    "drops a rule": ("migration/filter-of-libnl", "verdict (migrate): expected equivalent, got regression"),
    "leaves an option of libnl": ("rollback/guide-procedure", "libnl: changes: expected 1 NLM-V011"),
    "removes what both have": ("migration/guide-4-constrained", "libnl: changes: not expected: NLM-V011"),
    "loses lines that are comments": ("migration/comments", "legacy: rewritten: the text is another one"),
    "loses comments behind values": ("migration/comments", "legacy: rewritten: the text is another one"),
    "writes the whole text anew": ("migration/wrapped", "legacy: rewritten: the text is another one"),
    "changes nothing": ("migration/guide-1-basic", "legacy: changes: expected 1 NLM-V001"),
    "does not say what it changes": ("rollback/twice", "libnl: changes: expected 1 NLM-V001"),
    "keeps the names of fields": ("rollback/new-filter-fields", "libnl: changes: expected 1 NLM-V012"),
    "replaces a variable": ("migration/pattern-3-flag-default", "legacy: rewritten: the text is another one"),
    "passes over what would be lost": ("rollback/interfaces", "libnl: changes: not expected: NLM-V001"),
    "refuses what is only of note": ("rollback/filter-that-is-off", "libnl: changes: expected 1 NLM-V001"),
    "names nothing that it finds": ("rollback/filter-that-is-off", "libnl: findings: expected 1 NLM-V021"),
    "moves the export": ("migration/pattern-2-parallel", "legacy: files: var/log/nlmon/events-legacy.json"),
    "lifts the rate limit": ("migration/rate-limit", "verdict (migrate): expected equivalent, got regression"),
    "puts rules in another order": ("migration/rate-limit", "legacy: rewritten: the text is another one"),
    "writes other quotes": ("migration/comments", "legacy: rewritten: the text is another one"),
    "ends lines otherwise": ("migration/at-the-first-frame", "legacy: rewritten: the text is another one"),
    "names other lines": ("migration/at-the-first-frame", "legacy: changes: expected 1 NLM-V001 in line 2"),
}
SWITCHES = {
    "loses an event": ("migration/equal-messages", "verdict (migrate): expected equivalent, got regression"),
    "repeats an event": ("migration/equal-messages", "verdict (migrate): expected equivalent, got regression"),
    "changes the order of two events": (
        "migration/equal-messages",
        "legacy: exports: json: 1 line behind a line of a later",
    ),
    "goes on with what it had": ("migration/filter-of-libnl", "verdict (migrate): expected equivalent, got"),
    "goes on one message late": (
        "migration/guide-3-high-traffic",
        "verdict (migrate): expected equivalent, got regression",
    ),
    "goes on without rules": ("config-compat/variables", "verdict (migrate): expected equivalent, got regression"),
    "begins files anew": ("migration/pattern-4-canary", "legacy, libnl: exports: json 1: expected 143, found 78"),
    "counts rules anew": ("migration/rules-go-on-counting", "legacy: rules: rules: expected 16 events, it matched 11"),
    "forgets the rate limit": ("migration/rate-limit", "verdict (migrate): expected equivalent, got regression"),
    "brings out no bytes": ("migration/guide-5-program", "legacy: files: events.pcapng: expected 143 lines, found 121"),
    "goes back by itself": ("migration/guide-1-basic", "verdict (migrate): expected equivalent, got regression"),
    "never comes back": ("migration/there-and-back", "verdict (migrate): expected equivalent, got regression"),
}
MISTAKES = {**BAD_REWRITINGS, **BAD_SWITCHES}
SHOWN = {**REWRITINGS, **SWITCHES}
# Scenarios in which nothing is rewritten, as they say.
IDLE = {"already-there", "broken-file"}


def _load(path: Path) -> ScenarioFile:
    return load_scenario(path.read_bytes(), str(path))


def _moves() -> list[Path]:
    """The scenarios in which a configuration is rewritten."""
    found = []
    for kind in ("migration", "rollback", "config-compat"):
        for path in sorted((FOLDER / kind).glob("*.yaml")):
            configured = _load(path).scenario.configured
            if path.stem not in IDLE and configured is not None and any(one.rewrite for one in configured.reloads):
                found.append(path)
    return found


def _run(path: Path, mistake: str) -> list[CaseResult]:
    with pytest.MonkeyPatch.context() as patch:
        MISTAKES[mistake](patch)
        return run_scenario(_load(path), OPTIONS)


def test_every_mistake_has_a_scenario() -> None:
    """That shows it."""
    assert (list(REWRITINGS), list(SWITCHES)) == (list(BAD_REWRITINGS), list(BAD_SWITCHES))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", one_in(2, MISTAKES, pytest.mark.long))
def test_a_scenario_shows_a_mistake(mistake: str) -> None:
    """It is among what does not hold in the first direction."""
    name, what = SHOWN[mistake]
    (first, *_) = _run(FOLDER / f"{name}.yaml", mistake)

    assert [one.what[: len(what)] for one in first.findings if one.what.startswith(what)] == [what]
    assert first.outcome == "failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", one_in(12, _moves(), pytest.mark.long), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_scenario_that_rewrites_shows_some_mistake(path: Path) -> None:
    """With the name of the first one."""
    found = (mistake for mistake in MISTAKES if any(one.outcome == "failed" for one in _run(path, mistake)))

    assert next(found, "") != ""
