"""``nlmon switch``: a monitor that runs goes on with the other implementation, and loses no event.

Rules:
1. The monitor does it; this command asks, and says what came of it. Files stay as they are without ``--write``.
2. A file is written when the monitor has switched, and as ``nlmon migrate`` and ``nlmon rollback`` write it. Whether
   there is one that can be written, and that decides, is asked before.

Not here: the exchange (``nlmon.monitor.exchange``), and rewriting (``migrating``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import FilePath, say_where_explained, warn
from nlmon.errors import ExitCode, PlatformError, UsageError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.migrate.model import Implementation
    from nlmon.monitor.switching import SwitchReport

__all__ = ["command"]

# Seconds for an answer: an implementation is loaded first, and both listen for a while.
PATIENCE = 15.0


@click.command("switch")
@click.argument("implementation", type=click.Choice(["legacy", "libnl"]))
@click.option("--socket", type=FilePath(dir_okay=False), help="Control socket of the monitor.")
@click.option("--config", multiple=True, type=FilePath(dir_okay=False), help="The monitor of this file. Repeatable.")
@click.option("--force", is_flag=True, help="Switch though filters or exports would lose something.")
@click.option("--write", is_flag=True, help="Rewrite its file, too, and keep what it was in FILE.backup beside it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    implementation: Implementation,
    *,
    socket: Path | None,
    config: tuple[Path, ...],
    force: bool,
    write: bool,
    form: str,
) -> None:
    """Let a monitor that runs go on with IMPLEMENTATION.

    The new sockets are open before the old ones are closed, and what both receive is exported once, into the same
    files. With any failure the old implementation stays. The next start, and a reload, take the one that the files
    name: write them with --write.

    Exit code: 0 it has this implementation now, 1 it has not, 2 the command line is wrong, 4 no monitor answers.
    """
    from nlmon.monitor.asking import ask  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.monitor.switching import read_report  # noqa: PLC0415

    path = _meant(socket, config)
    file = _file_of(path) if write else None
    report = read_report(ask(path, "switch", PATIENCE, to=implementation, force=force), str(path))
    _say(report, form, write=write)
    if report.after != implementation:
        sys.exit(ExitCode.FAILED)
    if file is not None:
        _write(file, implementation, force=force)


def _meant(socket: Path | None, config: tuple[Path, ...]) -> Path:
    """The control socket of the monitor that is meant: the one that is named, or the only one that runs."""
    import os  # noqa: PLC0415  (start-up: --help needs none of it)

    from nlmon.monitor.runtime import default_path, instances  # noqa: PLC0415

    if socket is not None or config:
        return socket or default_path(config, os.environ)
    running = instances(os.environ)
    if len(running) == 1:
        return running[0]
    if not running:
        raise PlatformError("NLM-M024", "no monitor runs", hint="start one with nlmon --config FILE")
    names = ", ".join(map(str, running))
    raise UsageError("NLM-M105", "several monitors run", why=names, hint="name one with --socket or --config")


def _say(report: SwitchReport, form: str, *, write: bool) -> None:
    from nlmon.monitor.switching import report_json  # noqa: PLC0415  (start-up: --help needs none of it)

    if form == "json":
        sys.stdout.write(report_json(report).decode())
    else:
        for line in _lines(report):
            click.echo(printable(line))
    for one in report.findings:
        warn(f"{one.severity}[{one.code}]: {printable(one.what)} ({printable(one.file)}); {printable(one.hint)}")
    if report.error:
        warn(f"error[NLM-M103]: not switched: {printable(report.error)}")
    if report.dropped:
        warn(f"warning[NLM-M107]: the kernel dropped {report.dropped:,} messages meanwhile, since a socket was full")
    if report.configured != report.after and not write:
        warn(f"{report.configured} is what its files say; nlmon switch {report.after} --write changes them")
    codes = [one.code for one in report.findings]
    say_where_explained([*codes, "NLM-M107"] if report.dropped else codes, sys.stderr)


def _lines(report: SwitchReport) -> list[str]:
    if report.state == "already":
        return [f"{report.instance} listens with {report.after} already"]
    if report.state != "switched":
        return [f"{report.instance} stays with {report.after}: {report.state}"]
    opened, both = (report.attached - report.began) / 1e6, (report.closed - report.attached) / 1e6
    matched = "" if report.settled else ", which were matched by their bytes alone, since more came than was read"
    return [
        f"{report.instance} switched from {report.before} to {report.after} after {report.events:,} events",
        f"  {report.after} was loaded and its sockets opened in {opened:.1f} ms, in which {report.before} listened",
        f"  both listened for {both:.1f} ms; {report.both:,} datagrams came to both and were read once{matched}",
    ]


def _file_of(path: Path) -> Path:
    """The file that decides which implementation a monitor has, and that can be replaced."""
    from nlmon.cli.migrate_target import refuse_target  # noqa: PLC0415  (start-up: only who writes needs it)
    from nlmon.monitor.asking import ask  # noqa: PLC0415
    from nlmon.monitor.status import read_status  # noqa: PLC0415

    status = read_status(ask(path, "status"), str(path))
    files, by = status.config_files, printable(status.configured_by)
    if by.startswith("environment "):
        why = f"the variable {by.removeprefix('environment ')} decides, whatever a file says"
        raise _no_file(why, "switch without --write, and change the variable for the next start")
    if len(files) != 1:
        why = f"the monitor has {len(files) or 'no'} files" + (f", and netlink.use_libnl is from {by}" if files else "")
        raise _no_file(why, "switch without --write, then rewrite the right file with nlmon migrate or nlmon rollback")
    refuse_target(Path(files[0]))
    return Path(files[0])


def _no_file(why: str, hint: str) -> UsageError:
    return UsageError("NLM-M106", "nothing was switched, and nothing was written", why=why, hint=hint)


def _write(file: Path, to: Implementation, *, force: bool) -> None:
    """Rewrite the file of a monitor."""
    from nlmon.cli.migrating import carry_out  # noqa: PLC0415  (start-up: only who writes needs it)

    carry_out(to, file, apply=True, output=None, check=False, force=force, form="text", propose=False)
