"""What the commands that compare make of their reports: the report of the run, its form, and the exit code.

Not here: the values (``nlmon.report.model``), their forms (``nlmon.report``), and the verdict on one capture
(``nlmon.engine.verdict``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nlmon import __version__
from nlmon.cli.common import say_where_explained
from nlmon.cli.output import console
from nlmon.cli.reports import ReportFile, write_capture_reports
from nlmon.errors import ExitCode
from nlmon.project.unused import met_entries, stale_entries
from nlmon.report.blind import add_up_spots
from nlmon.report.jsonout import Footer, line_bytes, report_bytes
from nlmon.report.model import UNDECIDED, CaptureReport, Report, by_direction, in_direction, worst

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.project.known import KnownFile
    from nlmon.report.policy import Policy
    from nlmon.report.shown import Shown

__all__ = ["exit_code", "give_report", "print_verdict", "whole_report"]


def whole_report(
    captures: list[CaptureReport],
    names: tuple[str, str],
    select: str,
    policy: Policy,
    known: KnownFile,
    *,
    tried: bool,
    complete: bool = False,
) -> Report:
    """The report of a run. ``names``: the reference and the candidate; ``known``: the file of known differences;
    ``tried``: whether the run can say that an entry is of no use, and ``complete``: whether of any entry."""
    judged = [(capture, in_direction(capture.direction, names)) for capture in captures]
    expired = met_entries(known.entries, judged) & known.expired
    return Report(
        tool="nlmon",
        version=__version__,
        reference=names[0],
        candidate=names[1],
        select=select,
        captures=captures,
        verdict=worst(capture.verdict for capture in captures),
        verdicts=by_direction(captures),
        policy=policy,
        stale=stale_entries(known.valid, judged, complete=complete) if tried else [],
        expired=sorted(expired),
        known_digest=known.digest,
        blind=add_up_spots(captures),
    )


def exit_code(whole: Report, *, lost_worker: bool = False) -> ExitCode:
    """The exit code of a run, the first that applies: 1 something fails, 4 a worker was lost, 3 a verdict could not be
    given, 0."""
    if whole.stale or whole.expired or any(capture.fails for capture in whole.captures):
        return ExitCode.FAILED
    if lost_worker:
        return ExitCode.PLATFORM
    if not whole.captures or any(capture.verdict in UNDECIDED for capture in whole.captures):
        return ExitCode.INPUT
    return ExitCode.OK


def give_report(whole: Report, form: str, shown: Shown, reports: Sequence[ReportFile]) -> None:
    """Print the report, and write it to files; see ``print_verdict``."""
    try:
        print_verdict(whole, form, shown)
    finally:
        # The files are written even when the terminal is gone.
        write_capture_reports(reports, whole)


def print_verdict(whole: Report, form: str, shown: Shown) -> None:
    """The report on stdout; of a stream (``jsonl``) only its end. ``shown``: what people ask it to show."""
    out = sys.stdout.buffer
    if form == "jsonl":
        footer = Footer(len(whole.captures), whole.verdict, whole.verdicts, whole.stale, whole.expired)
        out.write(line_bytes(footer))
    elif form == "json":
        out.write(report_bytes(whole))
    else:
        from nlmon.report.pretty import print_report  # noqa: PLC0415

        print_report(whole, console(), shown)
        say_where_explained(_codes(whole), sys.stdout)
    out.flush()


def _codes(whole: Report) -> Iterator[str]:
    """The codes that a report for people names."""
    for capture in whole.captures:
        yield from (group.first.code for group in capture.groups)
        yield from (end.code for end in (capture.damage, capture.stop) if end is not None)
