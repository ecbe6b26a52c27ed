"""The outcome of a case: the verdict that came of a run and what implementations gave, held against the scenario.

Rules:
1. A case passes when the verdict is the one that is expected and nothing else that is expected is lacking. Too little
   evidence is no success: a verdict that is inconclusive or an error, where that is not expected, is an errored case.
2. What does not depend on the direction must hold in every case, so that a case by itself says the same as among
   others.
3. A scenario that is optional or tentative and does not hold is ``xfailed``, which fails no run.
4. Where no verdict is expected, a regression does not hold all the same.
5. A difference that the policy fails does not hold unless a pattern names it. Where a regression is expected and
   differences are named, a regression that no pattern names does not hold.

Not here: running scenarios (``recorded``, ``run``).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from nlmon.report.differences import evidence_lines
from nlmon.report.model import UNDECIDED, CaptureReport, Direction, Verdict, in_direction, labels
from nlmon.report.outcome import DID_NOT_PASS, CaseLine, CaseResult, Finding, Outcome
from nlmon.report.policy import Policy
from nlmon.report.text import shown_path
from nlmon.scenario.differences import check_differences
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Scenario

__all__ = [
    "Pair",
    "case_id",
    "cases_of",
    "judge",
    "leave",
    "merge_findings",
    "pairs_of",
    "reproduce",
    "uncompared",
    "without_run",
]

# Codes of what is refused unless whoever runs a scenario allows it.
REFUSED = {"NLM-N022", "NLM-S044"}


class Pair(Struct, frozen=True):
    """Two implementations of a scenario that are compared, by their place in its list. ``control``: the first one with
    itself, so that a difference is noise. ``directions``: those in which there is a case."""

    reference: int
    candidate: int
    directions: tuple[Direction, ...]
    control: bool = False

    @property
    def held(self) -> tuple[int, ...]:
        """Which of the two, 0 or 1, are held against the scenario: each implementation in the first of its
        comparisons, and none for control."""
        if self.control:
            return ()
        return (0, 1) if self.candidate == 1 else (1,)


def pairs_of(scenario: Scenario, only: Collection[str] = ()) -> tuple[Pair, ...]:
    """The comparisons of a scenario: the first implementation with each other one, and with itself for control.
    ``only``: ids of the cases that are meant; empty: all."""
    verdict = scenario.expect.verdict
    directions: tuple[Direction, ...] = (
        *(("migrate",) if verdict.migrate is not None or verdict.rollback is None else ()),
        *(("rollback",) if verdict.rollback is not None else ()),
    )
    others = tuple(Pair(0, number, directions) for number in range(1, len(scenario.implementations)))
    pairs = (*others, Pair(0, 0, ("migrate",), control=True)) if scenario.control else others
    if not only:
        return pairs
    meant = [
        structs.replace(pair, directions=tuple(one for one in pair.directions if case_id(scenario, pair, one) in only))
        for pair in pairs
    ]
    return tuple(pair for pair in meant if pair.directions)


def case_id(scenario: Scenario, pair: Pair, direction: Direction) -> str:
    """``link.flap[rollback]``; of more than two implementations it names the other one, too."""
    if pair.control:
        return f"{scenario.id}[control]"
    several = len(scenario.implementations) > 2
    other = f"-{scenario.implementations[pair.candidate].name}" if several else ""
    return f"{scenario.id}[{direction}{other}]"


def cases_of(file: ScenarioFile, only: Collection[str] = ()) -> list[CaseLine]:
    """The cases of a scenario; ``only``: see ``pairs_of``."""
    scenario = file.scenario
    return [
        CaseLine(case_id(scenario, pair, direction), scenario.id, scenario.title, file.where, direction)
        for pair in pairs_of(scenario, only)
        for direction in pair.directions
    ]


def reproduce(where: str, scenario: str, options: Iterable[str] = (), program: Iterable[str] = ("nlmon",)) -> str:
    """The command that runs a scenario again; ``where``: a path that it is found by, empty for the default;
    ``program``: the words that nlmon is called by."""
    # An id may be a word of the language of -k, which the id of a case is not.
    words = f"{scenario}[" if scenario in {"and", "or", "not"} else scenario
    return shown_path(shlex.join([*program, "run", *filter(None, (where,)), "-k", words, *options]))


def leave(code: str) -> tuple[str, ...]:
    """The options that whoever runs a scenario again must give, which was refused by a code."""
    return ("--allow-run",) if code in REFUSED else ()


def judge(
    file: ScenarioFile,
    pair: Pair,
    reports: Sequence[CaptureReport],
    findings: Iterable[Finding],
    seconds: float,
    policy: Policy,
) -> list[CaseResult]:
    """The results of a comparison that was run. ``reports``: of both directions; ``findings``: what does not hold,
    whatever the direction."""
    results = []
    shared = tuple(findings)
    for direction in pair.directions:
        found = next(one for one in reports if one.direction == direction)
        report = structs.replace(found, scenario=file.scenario.id)
        expected = _expected(file.scenario, pair, direction)
        names = _names(file.scenario, pair, direction)
        if pair.control:
            own = _noise(report, labels(names))
        else:
            own = [*_verdict(file, report, names, expected), *check_differences(file, report, names, policy)]
        results.append(_result(file, pair, report, expected, (*own, *shared), seconds))
    return results


def uncompared(file: ScenarioFile, pair: Pair, findings: Iterable[Finding], seconds: float) -> list[CaseResult]:
    """The results of a run in which the implementations were not compared with each other."""
    found = tuple(findings)
    outcome: Outcome = "passed" if not found else "failed" if file.scenario.level == "required" else "xfailed"
    results = []
    for direction in pair.directions:
        reference, candidate = _names(file.scenario, pair, direction)
        case = case_id(file.scenario, pair, direction)
        head = case, file.scenario.id, file.scenario.title, file.where, direction, reference, candidate, outcome
        results.append(
            CaseResult(
                *head,
                reason=found[0].what if found else "",
                findings=found,
                expected=_expected(file.scenario, pair, direction),
                seconds=seconds,
                reproduce=reproduce(file.where, file.scenario.id) if outcome in DID_NOT_PASS else "",
            )
        )
    return results


def without_run(
    file: ScenarioFile,
    only: Collection[str],
    outcome: Outcome,
    reason: str,
    *,
    code: str = "",
    where: str = "",
    seconds: float = 0.0,
) -> list[CaseResult]:
    """The results of a scenario that did not run to its end, or was skipped. ``only``: see ``pairs_of``; ``where``: the
    place of the reason."""
    return [
        CaseResult(
            id=case.id,
            scenario=case.scenario,
            title=case.title,
            where=where or case.where,
            direction=case.direction,
            reference="",
            candidate="",
            outcome=outcome,
            reason=reason,
            code=code,
            seconds=seconds,
            reproduce=reproduce(case.where, case.scenario, leave(code)) if outcome == "errored" else "",
        )
        for case in cases_of(file, only)
    ]


def _result(
    file: ScenarioFile,
    pair: Pair,
    report: CaptureReport,
    expected: Verdict | None,
    findings: tuple[Finding, ...],
    seconds: float,
) -> CaseResult:
    scenario, direction = file.scenario, report.direction
    outcome = _outcome(scenario, report, expected, findings)
    reference, candidate = _names(scenario, pair, direction)
    return CaseResult(
        id=case_id(scenario, pair, direction),
        scenario=scenario.id,
        title=scenario.title,
        where=file.where,
        direction=direction,
        reference=reference,
        candidate=candidate,
        outcome=outcome,
        reason=findings[0].what if findings else "",
        findings=findings,
        expected=expected,
        verdict=report.verdict,
        report=report,
        seconds=seconds,
        reproduce=reproduce(file.where, scenario.id) if outcome in DID_NOT_PASS else "",
    )


def _names(scenario: Scenario, pair: Pair, direction: Direction) -> tuple[str, str]:
    """The reference and the candidate of a case."""
    both = scenario.implementations[pair.reference].name, scenario.implementations[pair.candidate].name
    return in_direction(direction, both)


def _expected(scenario: Scenario, pair: Pair, direction: Direction) -> Verdict | None:
    if pair.control:
        return "equivalent"
    return scenario.expect.verdict.migrate if direction == "migrate" else scenario.expect.verdict.rollback


def _outcome(
    scenario: Scenario, report: CaptureReport, expected: Verdict | None, findings: Sequence[Finding]
) -> Outcome:
    if report.verdict in UNDECIDED and report.verdict != expected:
        return "errored"
    if not findings:
        return "passed"
    return "failed" if scenario.level == "required" else "xfailed"


def _verdict(
    file: ScenarioFile, report: CaptureReport, names: tuple[str, str], expected: Verdict | None
) -> Iterator[Finding]:
    """What is wrong with a verdict, with the differences that it rests on."""
    if report.verdict != expected and (expected is not None or report.verdict not in {"equivalent", "lossy"}):
        where = file.place("expect", "verdict", report.direction)
        wanted = f"expected {expected}, " if expected else ""
        what = f"verdict ({report.direction}): {wanted}got {report.verdict}"
        yield Finding(what, where, evidence_lines(report, names))


def merge_findings(found: Mapping[str, Iterable[Finding]]) -> list[Finding]:
    """What does not hold of implementations, by their names; what is the same for several is said once."""
    names: dict[Finding, list[str]] = {}
    for name, findings in found.items():
        for finding in findings:
            names.setdefault(finding, []).append(name)
    return [structs.replace(finding, what=f"{', '.join(of)}: {finding.what}") for finding, of in names.items()]


def _noise(report: CaptureReport, names: tuple[str, str]) -> list[Finding]:
    """What an implementation gives otherwise when it is run once more."""
    if not report.groups and report.verdict not in {"regression", "error"}:
        return []
    what = f"control: {report.verdict}: the same implementation gives something else when it runs once more"
    return [Finding(what, "", evidence_lines(report, names))]
