"""An assessment as a run, of which every kind of report is made: HTML, JUnit, annotations and the others.

Rules:
1. The configuration is a case in each direction, and so is each recording; the checklist is one that is skipped, since
   what is open there neither passes nor fails.

Not here: the writers (``nlmon.report.kinds``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from nlmon import __version__
from nlmon.assess.model import Assessment, Reason, Result, result_of
from nlmon.report.model import CaptureReport, Direction, in_direction
from nlmon.report.outcome import CaseResult, Finding, Outcome, Run, RunHeader, case_of, footer_of, run_of

__all__ = ["as_run"]

_OUTCOMES: dict[Result, Outcome] = {
    "go": "passed",
    "go with notes": "passed",
    "no go": "failed",
    "undecided": "errored",
}
_DIRECTIONS: tuple[Direction, ...] = ("migrate", "rollback")


def as_run(found: Assessment, seconds: float) -> Run:
    """The run that an assessment took some seconds for."""
    results = tuple(_results(found))
    started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    header = RunHeader("nlmon", __version__, "", "", started)
    return run_of((header, *map(case_of, results), *results, footer_of(results, seconds)))


def _results(found: Assessment) -> Iterator[CaseResult]:
    for direction in _DIRECTIONS:
        own = [one for one in found.reasons_of(direction) if not _of_recording(one, found)]
        yield _case(found, "assess.configuration", "What the configuration says of the move.", direction, own)
        for report in found.reports:
            if report.direction == direction:
                reasons = [one for one in found.reasons_of(direction) if _is_of(one, report)]
                title = "What both sides export of a recording, with this configuration."
                yield _case(found, report.path, title, direction, reasons, report)
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
        _OUTCOMES[result],
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
