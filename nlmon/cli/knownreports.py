"""Reads the reports that entries of the known differences are made from, and trimmed by.

Rules:
1. A report of ``nlmon replay --format json`` is one; the stream of ``nlmon run`` is one for each pair of
   implementations that took part, made of the reports on its cases.

Not here: what becomes of them (``known``), and the file of entries (``knownfile``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from nlmon.errors import InputError
from nlmon.report.model import CaptureReport, Report, by_direction, in_direction, worst
from nlmon.report.outcome import CaseResult, RunFooter, RunHeader, RunLine
from nlmon.report.runstream import read_run
from nlmon.report.text import shown_path

__all__ = ["read_reports"]


def read_reports(path: Path) -> list[Report]:
    """The reports in a file; raises ``InputError`` (NLM-K016, or what ``read_run`` raises) for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _no_report(path, error.strerror or "") from error
    if data.startswith(b"{\n"):
        return [_of_replay(data, path)]
    if b'"record"' not in data.partition(b"\n")[0]:
        raise _no_report(path, "it is no JSON of a report")
    return _of_run(read_run(data.splitlines(keepends=True), shown_path(path)))


def _of_replay(data: bytes, path: Path) -> Report:
    try:
        report = msgspec.json.decode(data, type=Report)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise _no_report(path, str(error)) from error
    if report.tool != "nlmon":
        raise _no_report(path, f"{report.tool!r} made it")
    return report


def _of_run(records: Sequence[RunLine]) -> list[Report]:
    """The reports of a run of scenarios; an entry is stale or expired for the whole of it."""
    header, footer = records[0], records[-1]
    assert isinstance(header, RunHeader)
    assert isinstance(footer, RunFooter)
    found: dict[tuple[str, str], list[CaptureReport]] = {}
    for result in records:
        if isinstance(result, CaseResult) and result.report is not None:
            names = in_direction(result.direction, (result.reference, result.candidate))
            found.setdefault(names, []).append(result.report)
    return [
        Report(
            tool=header.tool,
            version=header.version,
            reference=reference,
            candidate=candidate,
            select="",
            captures=captures,
            verdict=worst(capture.verdict for capture in captures),
            verdicts=by_direction(captures),
            policy=header.policy,
            stale=footer.stale,
            expired=footer.expired,
            known_digest=header.known_digest,
        )
        for (reference, candidate), captures in found.items()
    ]


def _no_report(path: Path, why: str) -> InputError:
    hint = "nlmon replay --format json makes one, and nlmon run --report jsonl:PATH"
    return InputError("NLM-K016", "this is no report", where=shown_path(path), why=why, hint=hint)
