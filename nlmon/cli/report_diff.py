"""``nlmon report diff``: what is new, gone and changed between two runs.

Not here: the comparison (``nlmon.report.rundiff``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nlmon.cli.common import FilePath, refuse_stdin_twice
from nlmon.cli.output import print_json
from nlmon.errors import ExitCode

__all__ = ["command"]


@click.command()
@click.argument("old", type=FilePath())
@click.argument("new", type=FilePath())
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Name every difference that is new, gone or changed.")
def command(old: Path, new: Path, form: str, verbose: bool) -> None:
    """Say what the run in NEW found that the run in OLD did not, and the other way round.

    Exit code: 0 nothing that fails is new, 1 something is, 3 a report cannot be used, or the run in NEW did not come to
    its end.
    """
    from nlmon.cli.report_file import read_run_file  # noqa: PLC0415  (start-up: --help reads no report)
    from nlmon.report.rundiff import compare_runs  # noqa: PLC0415
    from nlmon.report.rundifftext import run_difference_lines  # noqa: PLC0415

    refuse_stdin_twice((old, new))
    found = compare_runs(read_run_file(old), read_run_file(new))
    if form == "json":
        print_json(found)
    else:
        for line in run_difference_lines(found, verbose=verbose):
            sys.stdout.write(f"{line}\n")
    sys.exit(ExitCode.FAILED if found.fails else ExitCode.OK if found.complete else ExitCode.INPUT)
