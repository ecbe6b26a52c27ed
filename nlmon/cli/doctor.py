"""``nlmon doctor``: what is wrong with a host, a configuration or a running monitor, and what to type.

Not here: the checks (``nlmon.monitor.doctor``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from nlmon.cli.common import FilePath, say_where_explained
from nlmon.cli.output import print_json
from nlmon.errors import ExitCode

__all__ = ["command"]


@click.command()
@click.option(
    "--config", multiple=True, type=FilePath(), help="A file of the configuration; repeatable, a later one wins."
)
@click.option("--socket", type=FilePath(), help="The control socket of the monitor, if it is not the usual one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines, or a report.",
)
def command(config: tuple[Path, ...], socket: Path | None, form: str) -> None:
    """Check this host, the configuration, and the monitor that runs with it, and say what to do.

    Without --config the files are those that a monitor reads. Sockets and ports are opened and closed again; nothing is
    changed. What is worst comes first.

    Exit code: 0 all is well, 1 there is a problem or a warning.
    """
    from nlmon.monitor.doctor import examine  # noqa: PLC0415
    from nlmon.monitor.doctor.finding import report_lines  # noqa: PLC0415
    from nlmon.monitor.doctor.look import look  # noqa: PLC0415

    report = examine(look(config, socket, os.environ))
    if form == "json":
        print_json(report)
    else:
        for line in report_lines(report):
            click.echo(line)
        say_where_explained((one.code for one in report.findings if one.level != "ok"), sys.stderr)
    sys.exit(ExitCode.OK if report.well else ExitCode.FAILED)
