"""``nlmon claims``: what the migration guide says of the implementations, and what of it is true of which.

Not here: the claims (``nlmon.conformance``), and a line for each that fails (``conform``).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.conform import counts_line, refuse_nothing
from nlmon.cli.output import console, print_json
from nlmon.errors import ExitCode, InputError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.conformance.results import ClaimResult, ConformanceReport

__all__ = ["command"]


@click.command()
@click.argument("report", required=False, type=click.Path(path_type=Path, readable=False))
@click.option("--list", "listing", is_flag=True, help="Say what is claimed, and test nothing.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(report: Path | None, listing: bool, form: str) -> None:
    """Print every claim with its result for each implementation: from REPORT, which nlmon conform --report wrote, else
    by testing them.

    Exit code: 0 all is as declared, 1 a claim fails, 3 REPORT is none or has no claim, 4 pytest is not installed.
    """

    if report is not None and listing:
        raise click.UsageError("--list takes no REPORT")
    found = _listed() if listing else _tested() if report is None else _read(report)
    refuse_nothing(found)
    if form == "json":
        print_json(found)
    else:
        _print(found)
    if found.unexpected():
        sys.exit(ExitCode.FAILED)


def _listed() -> ConformanceReport:
    from nlmon.backends.registry import BACKENDS  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.conformance.claim import all_claims  # noqa: PLC0415
    from nlmon.conformance.results import untested  # noqa: PLC0415

    return untested(all_claims(), tuple(BACKENDS))


def _tested() -> ConformanceReport:
    from nlmon.conformance.monitor import registered  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.conformance.run import conform  # noqa: PLC0415

    return conform(registered())


def _read(path: Path) -> ConformanceReport:
    from nlmon.conformance.results import read_report  # noqa: PLC0415  (start-up: --help needs none of it)

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("NLM-F007", "the file cannot be read", where=str(path), why=error.strerror or "") from error
    return read_report(data, str(path))


def _print(found: ConformanceReport) -> None:
    from rich import box  # noqa: PLC0415  (start-up: only people need it)
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from nlmon.report.text import counted  # noqa: PLC0415

    table = Table("claim", "says", *map(escape, found.implementations), box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True
    for claim in found.claims:
        by_name = {result.implementation: result for result in claim.results}
        cells = [_cell(by_name.get(name)) for name in found.implementations]
        table.add_row(escape(printable(claim.id)), escape(printable(claim.statement)), *cells)
    console().print(table)
    reasons = Counter(
        (result.implementation, result.expected, result.reason)
        for claim in found.claims
        for result in claim.results
        if result.reason
    )
    for (name, expected, reason), count in reasons.items():
        click.echo(printable(f"{name}, {expected} ({counted(count, 'claim')}): {reason}"))
    if any(result.outcome is not None for claim in found.claims for result in claim.results):
        click.echo(counts_line(found))


def _cell(result: ClaimResult | None) -> str:
    """The outcome, else what is expected; in red what was not."""
    if result is None:
        return ""
    text = result.outcome or result.expected
    return text if result.as_expected else f"[bold red]{text}, fails[/]"
