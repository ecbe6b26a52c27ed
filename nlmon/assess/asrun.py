"""An assessment as a run, of which every kind of report is made: HTML, JUnit, annotations and the others.

Rules:
1. The configuration is a case in each direction, and so is each recording, twice: what is exported of it, and what the
   implementations make of it; the checklist is one that is skipped, since what is open there neither passes nor fails.
2. Every report opens with what the assessment says, and not with how many cases passed.
3. A way back that does not hold fails nothing: who goes need not come back.

Not here: the writers (``nlmon.report.kinds``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from nlmon import __version__
from nlmon.assess.model import Assessment, Reason, Result, result_of
from nlmon.assess.text import reason_line, sentence_of
from nlmon.report.model import CaptureReport, Direction, in_direction
from nlmon.report.outcome import (
    CaseResult,
    Conclusion,
    Decision,
    Finding,
    Outcome,
    Run,
    RunHeader,
    case_of,
    footer_of,
    run_of,
)

__all__ = ["as_run"]

_OUTCOMES: dict[Result, Outcome] = {
    "go": "passed",
    "go with notes": "passed",
    "no go": "failed",
    "undecided": "errored",
}
_CONCLUSIONS: dict[Result, Conclusion] = {
    "go": "passed",
    "go with notes": "passed",
    "no go": "failed",
    "undecided": "errored",
}
# Reasons that are about what the implementations make of a recording.
_DECODED = frozenset({"NLM-I016", "NLM-I025", "NLM-I026", "NLM-I027"})
_DIRECTIONS: tuple[Direction, ...] = ("migrate", "rollback")


def as_run(found: Assessment, seconds: float) -> Run:
    """The run that an assessment took some seconds for."""
    results = tuple(_results(found))
    started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    kernel, host = (_common(getattr(one, name) for one in found.reports) for name in ("kernel", "host"))
    header = RunHeader("nlmon", __version__, host, kernel, started, decision=_decision(found))
    return run_of((header, *map(case_of, results), *results, footer_of(results, seconds)))


def _results(found: Assessment) -> Iterator[CaseResult]:
    for direction in _DIRECTIONS:
        own = [one for one in found.reasons_of(direction) if not _of_recording(one, found)]
        yield _case(found, "assess.configuration", "What the configuration says of the move.", direction, own)
        for report in found.reports:
            if report.direction == direction:
                decoded = [one for one in found.decoded if (one.path, one.direction) == (report.path, direction)]
                reasons = [one for one in found.reasons_of(direction) if _is_of(one, report)]
                beside = [one for one in reasons if decoded and one.code in _DECODED]
                title = "What both sides export of a recording, with this configuration."
                yield _case(found, report.path, title, direction, [one for one in reasons if one not in beside], report)
                title = "What both implementations make of a recording, whatever is exported of it."
                for one in decoded:
                    yield _case(found, f"{one.path} decoded", title, direction, beside, one)
    lines = tuple(f"[{one.state}] {one.stage}: {one.what}: {one.why}" for one in found.checklist)
    still = sum(one.state == "open" for one in found.checklist)
    what = f"{still} of {len(found.checklist)} items of the checklist are open"
    yield CaseResult(
        "assess.checklist[migrate]",
        "assess.checklist",
        "The checklist of the migration guide.",
        found.file,
        "migrate",
        found.source,
        found.to,
        "skipped",
        reason=what,
        findings=(Finding(what, found.file, lines),),
    )


def _decision(found: Assessment) -> Decision:
    """What the assessment says, with the reasons of the move, and then those that leave no way back."""
    back = [one for one in found.reasons_of("rollback") if one.weight == "no go" and found.back != found.result]
    reasons = (*map(reason_line, found.reasons_of("migrate")), *(f"back: {reason_line(one)}" for one in back))
    return Decision(found.result, sentence_of(found), _CONCLUSIONS[found.result], reasons)


def _common(values: Iterable[str]) -> str:
    """What all of them are; empty if they are not the same."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _case(
    found: Assessment,
    name: str,
    title: str,
    direction: Direction,
    reasons: list[Reason],
    report: CaptureReport | None = None,
) -> CaseResult:
    reference, candidate = in_direction(direction, (found.source, found.to))
    findings = tuple(Finding(f"{one.weight}: {one.code} {one.what}", one.where, one.evidence) for one in reasons)
    result = result_of(reasons)
    return CaseResult(
        f"{name}[{direction}]",
        name,
        title,
        found.file,
        direction,
        reference,
        candidate,
        "xfailed" if direction == "rollback" and result == "no go" else _OUTCOMES[result],
        reason="" if result == "go" else f"{result}: {reasons[0].code} {reasons[0].what}",
        findings=findings,
        verdict=None if report is None else report.verdict,
        report=report,
    )


def _of_recording(one: Reason, found: Assessment) -> bool:
    return any(_is_of(one, report) for report in found.reports)


def _is_of(one: Reason, report: CaptureReport) -> bool:
    """Whether a reason is about a recording, or a place in it."""
    return one.where == report.path or one.where.startswith(f"{report.path}, ")
