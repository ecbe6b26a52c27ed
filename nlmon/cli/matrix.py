"""``nlmon matrix``: any number of implementations beside each other, and who is right by the bytes.

Not here: judging (``nlmon.matrix``).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon import __version__
from nlmon.cli.bounds import interruption, max_messages_option, stopped
from nlmon.cli.common import (
    FilePath,
    ImplementationName,
    byteorder_option,
    progress,
    protocol_option,
    refuse_stdin_twice,
    show_error,
    warn,
    warn_notes,
)
from nlmon.cli.output import print_bytes
from nlmon.cli.reports import ReportFile, refuse_reports, reports_option
from nlmon.errors import ExitCode, InputError, NlmonError, UsageError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.capture import ByteOrder
    from nlmon.matrix.explained import Explanation
    from nlmon.matrix.model import MatrixReport, Unread
    from nlmon.matrix.run import Matrix

__all__ = ["command"]


@click.command()
@click.argument("captures", nargs=-1, required=True, type=FilePath())
@click.option(
    "-i",
    "--implementation",
    "implementations",
    multiple=True,
    type=ImplementationName(),
    help="An implementation that takes part; repeat for each.  [default: legacy and libnl]",
)
@protocol_option
@click.option("--explained", type=FilePath(), help="A file that explains what is known; that alone fails nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Every example, what the bytes leave open, and what they excuse.")
@reports_option(bare="json", kinds=("html", "markdown"))
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json", "markdown"]), default="pretty", show_default=True
)
@byteorder_option
@max_messages_option
def command(
    captures: tuple[Path, ...],
    implementations: tuple[str, ...],
    protocols: tuple[int, ...],
    explained: Path | None,
    verbose: bool,
    reports: tuple[ReportFile, ...],
    form: str,
    byteorder: ByteOrder | None,
    max_messages: int | None,
) -> None:
    """Feed CAPTURES to several implementations at once, and print who says what of each field and who is right by the
    bytes, the worst first.

    Exit code: 0 nobody is wrong by the bytes and none has failed, or all that is explained, 1 somebody is or has, 3 a
    capture cannot be read to its end or nothing was comparable, 130 interrupted.
    """
    from nlmon.matrix.run import Matrix  # noqa: PLC0415  (start-up: --help needs none of it)

    names = implementations or ("legacy", "libnl")
    if len(names) < 2:
        raise UsageError("NLM-Q002", "one implementation has nobody beside it", hint="name a second one with -i")
    refuse_stdin_twice(captures)
    refuse_reports(reports, captures)
    explanations = _explanations(explained)
    began = time.monotonic()
    matrix = Matrix(names, protocols)
    read, unread, code = _read(captures, matrix, byteorder, max_messages)
    report = matrix.tally.report(matrix.implementations(), read, unread, explanations)
    for one in reports:
        from nlmon.reportfile import write_report  # noqa: PLC0415  (start-up: only who asked for one needs it)

        write_report(one.path, _written(report, one.kind))
    if form == "pretty":
        from nlmon.matrix.text import lines_of, summary_of  # noqa: PLC0415  (start-up: --help needs none of it)

        for line in lines_of(report, verbose=verbose):
            click.echo(printable(line))
        click.echo(printable(summary_of(report, time.monotonic() - began)))
    else:
        print_bytes(_written(report, form))
    if not (report.messages or code or report.unexplained):
        show_error(InputError("NLM-Q003", "no message was read by two implementations", hint="see nlmon capture info"))
        code = ExitCode.INPUT
    sys.exit(code or (ExitCode.FAILED if report.unexplained else ExitCode.OK))


def _written(report: MatrixReport, kind: str) -> bytes:
    """The report as a file of a kind; what only a reader of it needs is imported here."""
    if kind == "json":
        from nlmon.report.jsonout import report_bytes  # noqa: PLC0415

        return report_bytes(report)
    if kind == "html":
        from nlmon.matrix.page import html_page  # noqa: PLC0415

        text = html_page(report, __version__)
    else:
        from nlmon.matrix.markdown import markdown  # noqa: PLC0415

        text = markdown(report)
    return text.encode("utf-8", "backslashreplace")


def _explanations(path: Path | None) -> tuple[Explanation, ...]:
    if path is None:
        return ()
    from nlmon.matrix.explained import read_explanations  # noqa: PLC0415  (start-up: --help needs none of it)

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("NLM-U001", "the file cannot be read", where=str(path), why=error.strerror or "") from error
    return read_explanations(data, str(path))


def _read(
    captures: tuple[Path, ...], matrix: Matrix, byteorder: ByteOrder | None, max_messages: int | None
) -> tuple[list[str], list[Unread], ExitCode]:
    """Feed the captures; the paths of those that were opened, what could not be read, and the exit code."""
    from nlmon.capture import open_capture  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.engine.bounds import Bounds, Watch  # noqa: PLC0415
    from nlmon.matrix.model import Unread  # noqa: PLC0415
    from nlmon.report.text import shown_path  # noqa: PLC0415

    read: list[str] = []
    unread: list[Unread] = []
    code = ExitCode.OK
    for number, path in enumerate(captures, 1):
        shown = shown_path(path)
        try:
            with open_capture(path, byteorder=byteorder) as reader, interruption() as interrupted:
                read.append(shown)
                watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
                with progress(reader.size, path.name) as advance:
                    try:
                        matrix.read(reader, shown, watch, advance)
                    except KeyboardInterrupt:  # in the middle of a batch, of which nothing counts
                        watch.interrupt()
                warn_notes(reader)
                if watch.stop is not None and watch.stop.interrupted:
                    show_error(stopped(watch.stop, shown))
                    left = captures[number:]
                    warn(f"interrupted: {len(left):,} of {len(captures):,} captures not read")
                    unread += [Unread(shown_path(one), watch.stop.code, watch.stop.what) for one in (path, *left)]
                    return read, unread, ExitCode.INTERRUPTED
                if watch.stop is not None:
                    raise stopped(watch.stop, shown)
                if reader.damage is not None:
                    raise reader.damage
        except UsageError:
            raise
        except NlmonError as error:
            show_error(error)
            unread.append(Unread(shown, error.code, error.why or error.what))
            code = max(code, error.exit_code)
    return read, unread, code
