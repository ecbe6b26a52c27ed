"""``nlmon deprecations``: where is something used that the migration guide calls old?

Not here: what is old, and finding it (``nlmon.deprecations``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import say_where_explained, warn
from nlmon.cli.output import print_json
from nlmon.errors import ExitCode
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs no search
    from nlmon.deprecations.found import Deprecations, Unread, Use

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False), metavar="PATH...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines for people, a JSON report, or annotations of GitHub Actions.",
)
@click.option("--strict", is_flag=True, help="Fail if there is a use, or a file that could not be searched.")
def command(paths: tuple[Path, ...], form: str, *, strict: bool) -> None:
    """List uses of old functions, options and fields in the files PATH, and in folders PATH and those below them.

    YAML (configurations of a monitor, scenarios), Python (names of nlmon.compat, fields of events) and C (functions,
    the header, fields of events) are searched. Each use is one line with what to write instead and until when it works,
    the worst first. In folders, hidden ones, environments and what builds make are left out, and no symbolic link is
    followed.

    Exit code: 0 searched; 1 with --strict, there is a use; 3 a PATH could not be searched, or with --strict a file
    below one.
    """
    from nlmon.deprecations.search import search  # noqa: PLC0415  (start-up: --help needs none of it)

    report = search(paths)
    if form != "github":
        _say_unread(report.unread)
    if form == "json":
        print_json(report, by_name=False)
    elif form == "github":
        _write_annotations(report)
    else:
        for use in report.uses:
            sys.stdout.write(f"{_place(use)} {printable(use.text)}\n")
        sys.stdout.write(_summary(report) + "\n")
    if strict and report.total:
        sys.exit(ExitCode.FAILED)
    named = {printable(str(path)) for path in paths}
    if any(strict or one.file in named for one in report.unread):
        sys.exit(ExitCode.INPUT)


def _place(one: Use | Unread) -> str:
    return f"{one.file}:{one.line}:{one.column}" if one.line else one.file


def _summary(report: Deprecations) -> str:
    from nlmon.report.text import counted  # noqa: PLC0415  (start-up: --help needs none of it)

    searched = f"{counted(report.files, 'file')} searched"
    if report.unread:
        searched += f", {len(report.unread)} not or not wholly"
    if not report.total:
        return f"{searched}: nothing old"
    kinds = ", ".join(counted(count, kind) for kind, count in report.counts.items())
    more = f", {report.left_out} not listed" if report.left_out else ""
    return f"{searched}: {counted(report.total, 'use')} ({kinds}){more}"


def _text(one: Unread) -> str:
    what = f"{one.what}: {one.why}" if one.why else one.what
    return f"{what}; {one.hint}" if one.hint else what


def _say_unread(unread: tuple[Unread, ...]) -> None:
    for one in unread:
        warn(f"warning[{one.code}]: {printable(_place(one))}: {printable(_text(one))}")
    say_where_explained((one.code for one in unread), sys.stderr)


def _write_annotations(report: Deprecations) -> None:
    from nlmon.report.annotations import workflow_command  # noqa: PLC0415  (start-up: only this form needs it)

    for use in report.uses:
        place = {"file": use.file, "line": str(use.line), "col": str(use.column), "title": f"nlmon: old {use.kind}"}
        level = "notice" if use.removal == "kept" else "warning"
        sys.stdout.write(workflow_command(level, place, printable(use.text)) + "\n")
    for one in report.unread:
        place = {"file": one.file} | ({"line": str(one.line), "col": str(one.column)} if one.line else {})
        command = workflow_command("warning", place | {"title": f"nlmon: {one.code}"}, printable(_text(one)))
        sys.stdout.write(command + "\n")
