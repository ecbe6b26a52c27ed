"""``nlmon assess``: whether a host may move to the other implementation with its configuration, and come back.

Not here: the assessment (``nlmon.assess``).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import FilePath, duration_option, say_where_explained, warn
from nlmon.cli.config_files import MISTAKEN, say_problems
from nlmon.cli.output import print_json
from nlmon.cli.reports import ReportFile, refuse_reports, reports_option, write_reports
from nlmon.cli.terminated import terminated_in_order
from nlmon.errors import NlmonError, UsageError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.assess.model import Assessment
    from nlmon.migrate.model import Implementation

__all__ = ["command"]


@click.command("assess")
@click.argument("config", type=click.Path(path_type=Path, readable=False))
@click.option("--capture", "captures", type=FilePath(), multiple=True, help="A recording of the host; repeatable.")
@click.option("--live", is_flag=True, help="Record the running host for --duration, and then play that to both.")
@duration_option
@click.option("--record", "kept", type=FilePath(dir_okay=False), help="Keep what --live records in this file.")
@click.option("--to", type=click.Choice(["libnl", "legacy"]), default="libnl", show_default=True)
@click.option(
    "--min-events",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Events that both sides must have exported, of all recordings.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("-v", "--verbose", count=True, help="Also print every option, and the checklist.")
@reports_option()
@click.pass_context
def command(
    ctx: click.Context,
    config: Path,
    captures: tuple[Path, ...],
    live: bool,
    duration: float | None,
    kept: Path | None,
    to: Implementation,
    min_events: int,
    form: str,
    verbose: int,
    reports: tuple[ReportFile, ...],
) -> None:
    """Say whether a host may move to the other implementation with CONFIG, and whether it may come back.

    Recordings are played to a monitor of each side, with this configuration, and what both export is compared. Without
    one the answer is undecided.

    Exit code: 0 go, or go with notes; 1 no go; 2 the command line is wrong; 3 undecided, or CONFIG is wrong; 4 the
    kernel refuses the sockets.
    """
    if live and (duration is None or captures):
        hint = "write --live --duration SECONDS, and record apart from that with nlmon record"
        raise UsageError("NLM-I030", "--live takes a --duration and no --capture", hint=hint)
    for name, given in (("--duration", duration), ("--record", kept)):
        if given is not None and not live:
            raise UsageError("NLM-I030", f"{name} is of --live", hint="add --live, or leave it out")
    refuse_reports(reports, (config,), "the configuration")
    refuse_reports(reports, captures)
    _refuse_streams(captures)
    began = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(terminated_in_order())
        if live:
            from nlmon.cli.record import command as record  # noqa: PLC0415  (start-up: only --live needs it)

            recorded = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nlmon-"))) / "live.pcapng"
            ctx.invoke(record, out=recorded, duration=duration)
            captures = (recorded,)
        name = (str(kept) if kept else "this host") if live else ""
        found = _assessed(config, captures, to, min_events, name)
    if live and not kept and found.result == "no go":
        warn("note: the recording is gone; with --record FILE it is kept")
    seconds = time.perf_counter() - began
    _say(found, seconds, form, verbose)
    if reports:
        from nlmon.assess.asrun import as_run  # noqa: PLC0415  (start-up: only who asked for one needs it)

        write_reports(reports, as_run(found, seconds))
    from nlmon.assess.model import exit_code  # noqa: PLC0415

    sys.exit(exit_code(found.result))


def _assessed(
    config: Path, captures: Sequence[Path], to: Implementation, min_events: int, live: str = ""
) -> Assessment:
    from nlmon.assess.assessing import assess  # noqa: PLC0415
    from nlmon.assess.model import Assessment  # noqa: PLC0415
    from nlmon.cli.migrate_measured import measured  # noqa: PLC0415
    from nlmon.config.files import read_source  # noqa: PLC0415
    from nlmon.config.problems import Problem  # noqa: PLC0415

    name, data = read_source(config)
    if isinstance(data, Problem):
        source: Implementation = "legacy" if to == "libnl" else "libnl"
        return Assessment(name, source, to, "undecided", "undecided", problems=(data,))
    try:
        needs = measured(captures) if captures else None
    except NlmonError:  # the assessment says what is wrong with a recording
        needs = None
    return assess(data, name, captures, environ=os.environ, to=to, measured=needs, min_events=min_events, live=live)


def _refuse_streams(captures: Sequence[Path]) -> None:
    """Raise ``UsageError`` for a recording that can be read only once."""
    for path in captures:
        if str(path) == "-" or (path.exists() and not path.is_file() and not path.is_dir()):
            what = "a recording is read several times, and this one cannot be"
            raise UsageError("NLM-I031", what, where=str(path), hint="save it as a file, and name that")


def _say(found: Assessment, seconds: float, form: str, verbose: int) -> None:
    from nlmon.assess.text import lines_of, markdown_of  # noqa: PLC0415  (start-up: --help needs none of it)

    wrong = [one for one in found.problems if one.severity == "error"]
    if form == "json":
        print_json(found)
    if wrong:
        say_problems(wrong)
        say_where_explained([one.code for one in wrong], sys.stderr)
        sys.exit(MISTAKEN)
    if form == "markdown":
        click.echo(markdown_of(found), nl=False)
    elif form == "text":
        for line in lines_of(found, seconds, verbose=verbose):
            click.echo(line)
        say_where_explained([one.code for one in found.reasons if one.weight != "note"], sys.stderr)
