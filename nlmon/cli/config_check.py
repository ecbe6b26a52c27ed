"""``nlmon config check``: is a configuration in order?

Not here: what is wrong and right (``nlmon.config``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import say_where_explained, warn
from nlmon.cli.config_files import MISTAKEN, files_argument, load_files, say_problems
from nlmon.cli.output import print_json
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs no configuration
    from nlmon.config.report import CheckReport

__all__ = ["command"]


@click.command()
@files_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines for people on stderr, a JSON report, or annotations of GitHub Actions.",
)
@click.option("--strict", is_flag=True, help="Fail on notices, too.")
def command(files: tuple[Path, ...], form: str, *, strict: bool) -> None:
    """Check the configuration that FILES give, of which a later one wins, under the environment.

    Without FILES those of the system and of the user that are there are read, /etc/nlmon/nlmon.yaml and
    ~/.nlmon/config.yaml, and the one that NLMON_CONFIG names. All problems are reported at once: an error is a
    mistake, a notice something that has no effect or may not be meant.

    Exit code: 0 in order, 3 there is an error, or with --strict a notice.
    """
    from nlmon.config.report import report_of  # noqa: PLC0415  (start-up: --help needs none of it)

    loaded = load_files(files)
    report = report_of(loaded, tuple(printable(str(path)) for path in loaded.files))
    if form == "json":
        print_json(report, by_name=False)
    elif form == "github":
        _write_annotations(report)
    else:
        say_problems(report.problems)
        warn(_summary(report))
        say_where_explained((one.code for one in report.problems), sys.stderr)
    if not report.valid or (strict and report.notices):
        sys.exit(MISTAKEN)


def _summary(report: CheckReport) -> str:
    from nlmon.report.text import counted  # noqa: PLC0415  (start-up: --help needs none of it)

    files = ", ".join(report.files) or "no file, all defaults"
    if not report.problems:
        return f"{files}: in order"
    counts = ((report.errors, "error"), (report.notices, "notice"))
    return f"{files}: {', '.join(counted(count, name) for count, name in counts if count)}"


def _write_annotations(report: CheckReport) -> None:
    from nlmon.report.annotations import workflow_command  # noqa: PLC0415  (start-up: only this form needs it)

    for one in report.problems:
        place = {"file": one.file, "line": str(one.line), "col": str(one.column)} if one.line else {"file": one.file}
        properties = {name: text for name, text in place.items() if text} | {"title": f"nlmon: {one.code}"}
        sys.stdout.write(workflow_command(one.severity, properties, printable(one.text)) + "\n")
