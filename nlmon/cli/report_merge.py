"""``nlmon report merge``: several runs as one file that keeps whose each case is.

Not here: the merging (``nlmon.report.merge``).
"""

from __future__ import annotations

from pathlib import Path

import click

from nlmon import __version__
from nlmon.cli.common import FilePath, refuse_stdin_twice, warn
from nlmon.report.kinds import STDOUT, report_as
from nlmon.reportfile import refuse_captures, refuse_unwritable, write_report

__all__ = ["command"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FilePath())
@click.option(
    "-o", "--output", required=True, type=FilePath(dir_okay=False), metavar="FILE", help="Where the merged run goes."
)
def command(files: tuple[Path, ...], output: Path) -> None:
    """Join the runs in FILE... into one, in which every case says its host.

    Exit code: 0 merged, whatever the runs found; 3 a report cannot be used, or the same one is given twice.
    """
    from nlmon.cli.report_file import read_run_file  # noqa: PLC0415  (start-up: --help reads no report)
    from nlmon.report.headline import headline  # noqa: PLC0415
    from nlmon.report.merge import merge_runs  # noqa: PLC0415
    from nlmon.report.text import shown_path  # noqa: PLC0415

    refuse_stdin_twice(files)
    output = Path(STDOUT) if str(output) == "-" else output
    refuse_captures(output, files, "a report")
    refuse_unwritable(output)
    merged = merge_runs([(shown_path(path), read_run_file(path)) for path in files], __version__)
    write_report(output, report_as("jsonl", merged))
    warn(f"{', '.join(merged.hosts)}: {headline(merged)}")
