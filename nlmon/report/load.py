"""Reads every report that nlmon has written as a run, which other reports are made from.

    NLM-R001   a line is no record
    NLM-R002   the report has no header
    NLM-R003   the report is truncated
    NLM-R004   several reports stand one behind the other
    NLM-R005   the report was changed
    NLM-R006   the report is of a newer version
    NLM-R007   it is no report of nlmon

What it reads: the JSON report of ``nlmon replay`` and ``nlmon live``, the JSON lines of a replay, and the stream of
``nlmon run`` and of the plugin.

Rules:
1. A report is read whole or not at all; what is wrong with it is one typed error.
2. Of a report of captures each capture is a case in each direction, as a scenario is.

Not here: files (``nlmon.cli``), and what is made of a run: a module for each kind of report.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import structs

from nlmon.errors import InputError
from nlmon.report.blind import add_up_spots
from nlmon.report.differences import evidence_lines
from nlmon.report.jsonout import CaptureLine, DifferenceLine, Footer, Header, Line, read_stream
from nlmon.report.model import UNDECIDED, CaptureReport, DifferenceRow, Report, in_direction, labels, worst
from nlmon.report.outcome import (
    CaseResult,
    Finding,
    Outcome,
    Run,
    RunHeader,
    case_of,
    footer_of,
    run_of,
)
from nlmon.report.runstream import read_run

__all__ = ["as_run", "form_of", "read_report", "report_of_lines"]

# How many differences of each class a report of one capture lists by themselves (``nlmon.compare.judge``).
_DETAILS = 100


def read_report(data: bytes, where: str) -> Run:
    """A run from the bytes of any report of nlmon; raises ``InputError``. ``where``: what an error calls it."""
    form = form_of(data)
    if form == "replay":
        return as_run(_report(data, where))
    lines = data.splitlines(keepends=True)
    if form == "replay-stream":
        return as_run(report_of_lines(read_stream(lines, where), where))
    return run_of(read_run(lines, where))


def form_of(data: bytes) -> Literal["replay", "replay-stream", "run-stream"]:
    """Which form a report has by its beginning, by the name of its schema; ``replay`` for what is no report, too."""
    first = _record(data.partition(b"\n")[0])
    if first is None:
        return "replay"
    # The header of a replay names the two that were compared; of scenarios each has two of its own.
    of_replay = first.get("record") in {"difference", "capture"} or "reference" in first
    return "replay-stream" if of_replay else "run-stream"


def as_run(report: Report) -> Run:
    """A report of captures as a run, in which each capture is a case in each direction."""
    several = len({capture.host for capture in report.captures} - {""}) > 1
    results = _unique(_result(capture, report, capture.host if several else "") for capture in report.captures)
    cut = any(capture.stop is not None and capture.stop.interrupted for capture in report.captures)
    header = RunHeader(
        tool=report.tool,
        version=report.version,
        host=report.host or _common(capture.host for capture in report.captures),
        kernel=_common(capture.kernel.removeprefix("Linux ") for capture in report.captures),
        started=report.started,
        policy=report.policy,
        options={"against": report.reference, "implementation": report.candidate, "select": report.select},
        known_digest=report.known_digest,
        inputs={capture.path: capture.digest for capture in report.captures if capture.digest},
    )
    footer = footer_of(results, 0.0, stale=report.stale, expired=report.expired, cut=cut)
    return Run(header, results, footer, tuple(map(case_of, results)), whole=not cut)


def report_of_lines(lines: Sequence[Line], where: str) -> Report:
    """A report of captures from its JSON lines, of which the first is the header and the last the footer. Of each
    capture the first differences of each class are kept, as a report that is one object has them."""
    header, footer = lines[0], lines[-1]
    assert isinstance(header, Header)
    assert isinstance(footer, Footer)
    details: dict[tuple[str, str], list[DifferenceRow]] = {}
    kept: Counter[tuple[str, str, str]] = Counter()
    captures: list[CaptureReport] = []
    for line in lines:
        if isinstance(line, DifferenceLine):
            key = line.path, line.direction
            kept[(*key, line.difference.code)] += 1
            if kept[(*key, line.difference.code)] <= _DETAILS:
                details.setdefault(key, []).append(line.difference)
        elif isinstance(line, CaptureLine):
            found = details.pop((line.capture.path, line.capture.direction), [])
            captures.append(structs.replace(line.capture, details=found))
    if footer.captures != len(captures):
        raise _changed(where)
    report = Report(
        tool=header.tool,
        version=header.version,
        reference=header.reference,
        candidate=header.candidate,
        select=header.select,
        captures=captures,
        verdict=footer.verdict,
        verdicts=footer.verdicts,
        policy=header.policy,
        stale=footer.stale,
        expired=footer.expired,
        blind=add_up_spots(captures),
        arguments=header.arguments,
        program=header.program,
    )
    return _consistent(report, where)


def _record(line: bytes) -> dict[str, Any] | None:
    """A record of a stream; None for anything else."""
    try:
        found = msgspec.json.decode(line)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("record"), str) else None


def _report(data: bytes, where: str) -> Report:
    try:
        report = msgspec.json.decode(data, type=Report)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        if data.startswith(b"{") and "truncated" in str(error):
            hint = "it was cut; write it again"
            raise InputError("NLM-R003", "the report is truncated", where=where, hint=hint) from error
        raise _no_report(where, str(error)) from error
    if report.tool != "nlmon":
        raise _no_report(where, f"{report.tool!r} made it")
    return _consistent(report, where)


def _consistent(report: Report, where: str) -> Report:
    """The report, whose verdict must be that of its captures."""
    if report.verdict != worst(capture.verdict for capture in report.captures):
        raise _changed(where)
    return report


def _changed(where: str) -> InputError:
    why = "its end does not belong to what is before it"
    return InputError("NLM-R005", "the report was changed", where=where, why=why, hint="run it again")


def _no_report(where: str, why: str) -> InputError:
    hint = "nlmon replay --format json makes one, and nlmon run --report jsonl:PATH"
    return InputError("NLM-R007", "this is no report of nlmon", where=where, why=why, hint=hint)


def _result(capture: CaptureReport, report: Report, host: str) -> CaseResult:
    """A capture in one direction as a case; ``host``: of the recording, where there are several."""
    names = in_direction(capture.direction, (report.reference, report.candidate))
    outcome = _outcome(capture)
    end = capture.damage or capture.stop
    reason = "" if outcome == "passed" else capture.fails or capture.reason
    findings = (Finding(reason, "", evidence_lines(capture, labels(names))),) if outcome == "failed" else ()
    way = f"[{capture.direction}]" if capture.direction != "migrate" else ""
    return CaseResult(
        id=f"{capture.path}{way}",
        scenario=capture.scenario or capture.path,
        title="",
        where=capture.path,
        direction=capture.direction,
        reference=names[0],
        candidate=names[1],
        outcome=outcome,
        source=report.source,
        reason=reason,
        code=end.code if outcome == "errored" and end is not None else "",
        findings=findings,
        verdict=capture.verdict,
        report=capture,
        reproduce=_reproduce(capture, report),
        host=host,
    )


def _outcome(capture: CaptureReport) -> Outcome:
    # A report of before reasons were kept has none for a regression, which fails all the same.
    if capture.fails or capture.verdict == "regression":
        return "failed"
    return "errored" if capture.verdict in UNDECIDED else "passed"


def _reproduce(capture: CaptureReport, report: Report) -> str:
    """The command that replays a capture again; empty where there is none."""
    if report.arguments is None or capture.path == "-":
        return ""
    path = capture.path if not capture.path.startswith("-") else f"./{capture.path}"
    return shlex.join([*(report.program or ["nlmon"]), "replay", *report.arguments, path])


def _unique(results: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
    """Cases, of which one that has the id of another before it is numbered: a capture may be replayed twice."""
    seen: Counter[str] = Counter()
    found = []
    for result in results:
        seen[result.id] += 1
        number = seen[result.id]
        found.append(result if number == 1 else structs.replace(result, id=f"{result.id} ({number})"))
    return tuple(found)


def _common(values: Iterable[str]) -> str:
    """What all have that have any; empty where they have several."""
    found = set(values) - {""}
    return found.pop() if len(found) == 1 else ""
