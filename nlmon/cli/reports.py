"""Reports that a command writes beside what it prints: ``--report KIND:PATH``, wherever it is.

Rules:
1. Where a report cannot be written, or would take the place of what is read, that is said before the work.

Not here: the kinds (``nlmon.report.kinds``), and how a file is written (``nlmon.reportfile``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from nlmon.cli.common import F
from nlmon.report.kinds import KINDS, kind_and_path, report_as

if TYPE_CHECKING:  # start-up: --help needs no run
    from nlmon.report.model import Report
    from nlmon.report.outcome import Run

__all__ = ["ReportFile", "refuse_reports", "reports_option", "write_capture_reports", "write_reports"]


class ReportFile(NamedTuple):
    """A report that is asked for: its kind, and where it goes."""

    kind: str
    path: Path

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


def reports_option(*, bare: str = "", kinds: Collection[str] = KINDS) -> Callable[[F], F]:
    """``--report KIND:PATH``, repeatable. ``bare``: what a path without a kind is, and a kind by itself."""
    alone = f"; PATH alone is {bare.upper()}" if bare else ""
    return click.option(
        "--report",
        "reports",
        multiple=True,
        callback=partial(_reports, bare, kinds),
        metavar="[KIND:]PATH" if bare else "KIND:PATH",
        help=f"Also write a report of a kind: {', '.join(kinds)}{alone}. Repeatable.",
    )


def refuse_reports(reports: Iterable[ReportFile], inputs: Iterable[Path], what: str = "a capture") -> None:
    """Raise an error when a report cannot be written, or would replace what is read, which is ``what``, or another
    one of the reports."""
    from nlmon.reportfile import refuse_captures, refuse_unwritable  # noqa: PLC0415  (start-up)

    inputs = tuple(inputs)
    others: list[Path] = []
    for report in reports:
        refuse_captures(report.path, inputs, what)
        refuse_captures(report.path, others, "another report")
        refuse_unwritable(report.path)
        others.append(report.path)


def write_reports(reports: Iterable[ReportFile], run: Run) -> None:
    """Write all reports of a run."""
    from nlmon.project.repository import places  # noqa: PLC0415
    from nlmon.reportfile import write_report  # noqa: PLC0415  (start-up: only who asked for one needs it)

    for report in reports:
        write_report(report.path, report_as(report.kind, run, places()))


def write_capture_reports(reports: Sequence[ReportFile], whole: Report) -> None:
    """Write all reports of captures, of which the kind ``json`` is the report as it is."""
    if not reports:
        return
    from nlmon.report.jsonout import report_bytes  # noqa: PLC0415
    from nlmon.report.load import as_run  # noqa: PLC0415
    from nlmon.reportfile import write_report  # noqa: PLC0415  (start-up: only who asked for one needs it)

    for report in reports:
        if report.kind == "json":
            write_report(report.path, report_bytes(whole))
    write_reports([report for report in reports if report.kind != "json"], as_run(whole))


def _reports(
    bare: str, kinds: Collection[str], _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[ReportFile, ...]:
    found = []
    for value in values:
        try:
            kind, path = kind_and_path(value, bare, kinds)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        found.append(ReportFile(kind, Path(path)))
    return tuple(found)
