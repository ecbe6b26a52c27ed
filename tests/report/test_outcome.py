"""What a case and a run have come to, and that every report says the same of it."""

from __future__ import annotations

import json
from itertools import product
from typing import NamedTuple

import pytest
from msgspec import structs

from nlmon.report.headline import headline
from nlmon.report.kinds import report_as
from nlmon.report.model import Verdict
from nlmon.report.outcome import CaseResult, Conclusion, Decision, Run, case_conclusion, run_conclusion
from nlmon.report.page.view import top
from support.annotations import parsed
from support.runs import result, run


class Said(NamedTuple):
    """What the reports of a run of one case say: the colour of the badge, how the page looks, the end of the first
    sentence, and the levels of annotations and of code quality."""

    badge: str
    page: str
    sentence: str
    annotations: tuple[str, ...]
    code_quality: tuple[str, ...]


NONE: tuple[str, ...] = ()
SAID = {
    "failed": Said("red", "bad", "failed", ("error",), ("critical",)),
    "undecided": Said("yellow", "less", "passed; it has no verdict", NONE, NONE),
    "lossy": Said("yellow", "less", "passed; it has a loss of service", NONE, NONE),
    "xfailed": Said("yellow", "less", "None of 1 case failed (1 xfailed)", ("warning",), ("minor",)),
    "passed": Said("brightgreen", "good", "passed", NONE, NONE),
}
VERDICTS: tuple[Verdict | None, ...] = ("equivalent", "lossy", "regression", "inconclusive", "error", None)
LESS: dict[Verdict | None, Conclusion] = {"lossy": "lossy", "inconclusive": "undecided", "error": "undecided"}


def case(verdict: Verdict | None, expected: Verdict | None, *, xfail: bool) -> tuple[CaseResult, Conclusion]:
    """A case of a scenario with its verdict, and what it has come to: one that gets what it expects has passed, and one
    that need not hold is ``xfailed`` else."""
    holds = expected in (None, verdict)
    outcome = "passed" if holds else "xfailed" if xfail else "failed"
    conclusion: Conclusion = LESS.get(verdict, "passed") if holds and expected is None else outcome  # type: ignore[assignment]
    return structs.replace(result(outcome, "a"), verdict=verdict, expected=expected), conclusion


DECIDED: dict[Conclusion, tuple[str, str, str]] = {
    "passed": ("go", "good", "brightgreen"),
    "failed": ("no go", "bad", "red"),
    "errored": ("undecided", "open", "orange"),
}


@pytest.mark.parametrize("conclusion", DECIDED)
def test_every_report_opens_with_what_was_decided(conclusion: Conclusion) -> None:
    """Whatever the cases came to: the sentence, then the reasons, of which the rest is counted."""
    word, tone, colour = DECIDED[conclusion]
    sentence, why = f"n.yaml: legacy to libnl: {word}", tuple(f"reason {number}" for number in range(7))
    one = run([result("failed"), result("passed")])
    one = structs.replace(one, header=structs.replace(one.header, decision=Decision(word, sentence, conclusion, why)))
    shown = top(one)
    badge = json.loads(report_as("badge", one))
    lines = report_as("markdown", one).decode().splitlines()

    assert (shown.sentence, shown.tone, shown.reasons) == (sentence, tone, [*why[:5], "… and 2 other reasons"])
    assert (badge["message"], badge["color"]) == (word, colour)
    assert (lines[0], run_conclusion(one)) == (f"## nlmon: {sentence}", conclusion)


TABLE = [case(*one, xfail=xfail) for *one, xfail in product(VERDICTS, VERDICTS, (False, True))]
NAMES = [f"{verdict}-{expected}-{xfail}" for verdict, expected, xfail in product(VERDICTS, VERDICTS, (False, True))]


@pytest.mark.parametrize(("found", "conclusion"), TABLE, ids=NAMES)
def test_every_report_concludes_the_same(found: CaseResult, conclusion: Conclusion) -> None:
    """Of each verdict, whatever the scenario expects, and whether or not it must hold."""
    one = run([found])
    sentence = f"{headline(one).removesuffix('.')}"
    *annotations, notice = [parsed(line) for line in report_as("github", one).decode().splitlines()]
    said = Said(
        json.loads(report_as("badge", one))["color"],
        top(one).tone,
        sentence.removeprefix("The case "),
        tuple(line["command"] for line in annotations),
        tuple(issue["severity"] for issue in json.loads(report_as("gitlab", one))),
    )
    expected = SAID[conclusion]
    if conclusion == "failed" and found.verdict == "lossy":
        expected = expected._replace(sentence="failed; it has a loss of service")

    assert (case_conclusion(found), run_conclusion(one)) == (conclusion, conclusion)
    assert said == expected
    assert notice["message"] == f"{sentence}."
    assert f"# nlmon: {sentence}." in report_as("markdown", one).decode()


RUNS = [
    (run([result("failed"), result("errored")], stale=[1]), "failed", "red", "bad"),
    (run([result("errored")], stale=[1]), "known", "red", "bad"),
    (run([result("errored"), result("passed", verdict="lossy")]), "errored", "orange", "open"),
    (structs.replace(run([result("passed")]), whole=False), "unfinished", "orange", "open"),
    (run([]), "nothing", "lightgrey", "open"),
    (run([result("skipped")]), "nothing", "lightgrey", "open"),
    (run([result("passed", verdict="lossy"), result("passed", "b", verdict="error")]), "undecided", "yellow", "less"),
    (run([result("passed", verdict="lossy"), result("skipped")]), "lossy", "yellow", "less"),
    (run([result("xfailed", verdict="lossy"), result("passed")]), "passed", "brightgreen", "good"),
    (run([result("xfailed"), result("skipped")]), "xfailed", "yellow", "less"),
]


@pytest.mark.parametrize(("found", "conclusion", "colour", "tone"), RUNS, ids=[str(one[1]) for one in RUNS])
def test_a_run_is_as_bad_as_the_worst_of_it(found: Run, conclusion: Conclusion, colour: str, tone: str) -> None:
    """On the badge and on the page."""
    assert (run_conclusion(found), json.loads(report_as("badge", found))["color"], top(found).tone) == (
        *(conclusion, colour),
        tone,
    )


def test_merged_runs_of_which_one_had_no_case_are_not_finished() -> None:
    """Their exit code says so, though every case passed."""
    found = run([result("passed"), result("passed", "b")])
    found = structs.replace(found, footer=structs.replace(found.footer, exit_code=3))

    assert run_conclusion(found) == "unfinished"
    assert headline(found) == "All 2 cases passed; in one of the runs nothing ran."
