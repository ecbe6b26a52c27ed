"""``nlmon report show``: a report of a run in another form, on stdout.

Not here: the forms (``nlmon.report.kinds``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nlmon.cli.common import FilePath
from nlmon.cli.output import print_bytes
from nlmon.printable import printable
from nlmon.report.kinds import KINDS, report_as

__all__ = ["command"]


@click.command()
@click.argument("file", type=FilePath())
@click.option(
    "--as",
    "kind",
    type=click.Choice(["pretty", *KINDS]),
    default="pretty",
    show_default=True,
    help="The form: lines for people, or a kind of report that --report takes.",
)
@click.option("-v", "--verbose", is_flag=True, help="Of the lines for people: say more of each case.")
@click.option("-q", "--quiet", is_flag=True, help="Of the lines for people: say nothing of what passes.")
def command(file: Path, kind: str, verbose: bool, quiet: bool) -> None:
    """Print the report in FILE in another form.

    Exit code: 0 printed, whatever the run found; 3 the report cannot be used.
    """
    from nlmon.cli.report_file import read_run_file  # noqa: PLC0415  (start-up: --help reads no report)
    from nlmon.project.repository import places  # noqa: PLC0415
    from nlmon.report.headline import headline  # noqa: PLC0415
    from nlmon.report.outcome import known_fail  # noqa: PLC0415
    from nlmon.report.runtext import case_lines, last_line  # noqa: PLC0415

    run = read_run_file(file)
    if kind == "pretty":
        for line in case_lines(run.results, quiet=quiet, verbose=verbose):
            sys.stdout.write(f"{line}\n")
        if not run.whole or known_fail(run) or run.header.decision is not None:
            # The lines of the cases do not say it.
            sys.stdout.write(f"{printable(headline(run))}\n")
        sys.stdout.write(f"{last_line(run.results, run.footer.seconds)}\n")
    else:
        print_bytes(report_as(kind, run, places()))
