"""``nlmon conform``: do the implementations keep what the migration guide says of them?

Not here: the claims (``nlmon.conformance``), and the table of all of them (``claims``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import FilePath, ImplementationName
from nlmon.cli.output import print_json
from nlmon.errors import ExitCode, InputError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.conformance.results import ClaimReport, ClaimResult, ConformanceReport

__all__ = ["command", "counts_line", "refuse_nothing"]


@click.command()
@click.option(
    "-i",
    "--implementation",
    "implementations",
    multiple=True,
    type=ImplementationName(),
    help="The implementation to test; repeat for several. Default: all.",
)
@click.option("-k", "--select", default="", metavar="EXPR", help="Only claims that EXPR matches, as of pytest -k.")
@click.option("-v", "--verbose", is_flag=True, help="Say of each claim that fails who makes it, and what was found.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.option("--report", type=FilePath(), metavar="FILE", help="Also write the JSON report to FILE.")
def command(implementations: tuple[str, ...], select: str, verbose: bool, form: str, report: Path | None) -> None:
    """Test what the migration guide says of the implementations: one line for each claim that fails, worst first.

    Each claim is tested on messages and a kernel in memory; no privilege and no network is needed. Where a claim is not
    to hold, its declaration says so with the reason (nlmon claims --list), and it fails when it holds.

    Exit code: 0 all is as declared, 1 a claim fails, 3 no claim was selected, 4 pytest is not installed.
    """
    from nlmon.backends.registry import refuse_program  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.conformance.monitor import registered  # noqa: PLC0415
    from nlmon.conformance.run import conform  # noqa: PLC0415
    from nlmon.report.jsonout import report_bytes  # noqa: PLC0415
    from nlmon.report.kinds import STDOUT  # noqa: PLC0415
    from nlmon.reportfile import refuse_unwritable, write_report  # noqa: PLC0415

    for name in implementations:
        refuse_program(name)
    if report is not None:
        report = Path(STDOUT) if str(report) == "-" else report
        refuse_unwritable(report)
    found = conform(registered(*dict.fromkeys(implementations)), select=select)
    refuse_nothing(found, select)
    if report is not None:
        write_report(report, report_bytes(found))
    if form == "json":
        print_json(found)
    else:
        for claim, result in found.unexpected():
            _print(claim, result, verbose=verbose)
        click.echo(counts_line(found))
    if found.unexpected():
        sys.exit(ExitCode.FAILED)


def refuse_nothing(found: ConformanceReport, select: str = "") -> None:
    """Raise ``InputError`` when a report has no claim."""
    if not found.claims:
        what = f"no claim matches -k {select!r}" if select else "there is no claim"
        raise InputError("NLM-F002", what, hint="nlmon claims --list names them all")


def counts_line(found: ConformanceReport) -> str:
    """How many claims there are, what came of them, and how long that took."""
    from nlmon.report.text import counted  # noqa: PLC0415  (start-up: --help needs none of it)

    results = [result for claim in found.claims for result in claim.results]
    good = [result.outcome for result in results if result.as_expected]
    parts = [
        f"{good.count('holds')} hold",
        f"{good.count('does not hold')} do not by design",
        f"{good.count('not applicable')} not applicable",
        f"{len(results) - len(good)} failed",
    ]
    about = f"{counted(len(found.claims), 'claim')} about {' and '.join(found.implementations)}"
    return f"{about}: {', '.join(parts)}, in {found.seconds:.1f} s"


def _print(claim: ClaimReport, result: ClaimResult, *, verbose: bool) -> None:
    place = f" ({result.place})" if result.place else ""
    outcome = "holds, declared not to" if result.outcome == "holds" else result.outcome
    click.echo(f"{outcome}: {claim.id}, {result.implementation}: {claim.statement}{place}")
    if verbose:
        click.echo(f"    source: {claim.source}")
        if result.reason:
            click.echo(f"    declared: {result.expected}, {result.reason}")
        for line in result.explanation.splitlines():
            click.echo(f"    {printable(line)}")
