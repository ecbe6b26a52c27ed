"""Reads the reports that entries of the known differences are made from, and trimmed by.

Rules:
1. A run is a report for each pair of implementations that took part, made of the reports on its cases.

Not here: what becomes of them (``known``), and the file of entries (``nlmon.project.known``).
"""

from __future__ import annotations

from pathlib import Path

from nlmon.cli.report_file import read_run_file
from nlmon.errors import InputError
from nlmon.report.model import CaptureReport, Report, by_direction, in_direction, worst
from nlmon.report.outcome import Run
from nlmon.report.text import shown_path

__all__ = ["read_reports"]


def read_reports(path: Path) -> list[Report]:
    """The reports in a file; raises ``InputError`` (NLM-K016, or what ``read_report`` raises) for anything else."""
    try:
        return _of_run(read_run_file(path))
    except InputError as error:
        if error.code == "NLM-R007":
            raise _no_report(path, error.why) from error
        raise


def _of_run(run: Run) -> list[Report]:
    """The reports of a run; an entry is stale or expired for the whole of it."""
    found: dict[tuple[str, str], list[CaptureReport]] = {}
    for result in run.results:
        if result.report is not None:
            names = in_direction(result.direction, (result.reference, result.candidate))
            found.setdefault(names, []).append(result.report)
    return [
        Report(
            tool=run.header.tool,
            version=run.header.version,
            reference=reference,
            candidate=candidate,
            select="",
            captures=captures,
            verdict=worst(capture.verdict for capture in captures),
            verdicts=by_direction(captures),
            policy=run.header.policy,
            stale=run.footer.stale,
            expired=run.footer.expired,
            known_digest=run.header.known_digest,
        )
        for (reference, candidate), captures in found.items()
    ]


def _no_report(path: Path, why: str) -> InputError:
    hint = "nlmon replay --format json makes one, and nlmon run --report jsonl:PATH"
    return InputError("NLM-K016", "this is no report", where=shown_path(path), why=why, hint=hint)
