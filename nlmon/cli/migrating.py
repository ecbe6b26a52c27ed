"""What ``nlmon migrate`` and ``nlmon rollback`` share: their options, and what they do.

Not here: rewriting (``nlmon.migrate``), files (``migrate_target``), and what is said (``migrate_report``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import argument, option

from nlmon.cli.common import F, say_where_explained, warn
from nlmon.cli.config_files import MISTAKEN, say_problems
from nlmon.cli.output import print_json
from nlmon.errors import ExitCode, UsageError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.cli.migrate_report import MigrationReport
    from nlmon.migrate import Rewriting
    from nlmon.migrate.measured import Measured
    from nlmon.migrate.model import Implementation

__all__ = ["carry_out", "migration_options"]

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    argument("config", type=click.Path(path_type=Path, readable=False)),
    option("--apply", is_flag=True, help="Replace the file, and keep what it was in FILE.backup beside it."),
    option("--output", type=click.Path(path_type=Path), help="Write this file instead, which is a new one."),
    option("--check", is_flag=True, help="Write nothing, and exit with 1 if something would change."),
    option("--force", is_flag=True, help="Write in spite of errors, and replace the file that --output names."),
    option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True),
)


def migration_options(function: F) -> F:
    """The options of both commands."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def carry_out(
    to: Implementation,
    config: Path,
    *,
    apply: bool,
    output: Path | None,
    check: bool,
    force: bool,
    form: str,
    measure: Callable[[], Measured | None] = lambda: None,
    propose: bool = True,
) -> None:
    """Rewrite a configuration, say what changes, and write it where that is wanted; exits."""
    from functools import partial  # noqa: PLC0415  (start-up: --help needs none of it)

    from nlmon.cli.migrate_report import migration_report  # noqa: PLC0415
    from nlmon.cli.migrate_target import refuse_target  # noqa: PLC0415
    from nlmon.compare.contract import load_contract  # noqa: PLC0415
    from nlmon.compare.statement import statement_of  # noqa: PLC0415
    from nlmon.config.files import read_source  # noqa: PLC0415
    from nlmon.config.problems import Problem  # noqa: PLC0415
    from nlmon.migrate import Rewriting, rewrite  # noqa: PLC0415
    from nlmon.monitor.filterfields import provides  # noqa: PLC0415

    _refuse_together(apply=apply, output=output, check=check)
    name, data = read_source(config)
    if isinstance(data, Problem):
        _say(migration_report(Rewriting(to, name, None, problems=(data,)), b""), form)
        sys.exit(MISTAKEN)
    if apply:
        refuse_target(config)
    contract = load_contract()
    provided = partial(provides, statement_of(to))
    done = rewrite(
        data,
        name,
        to,
        environ=os.environ,
        provided=provided,
        contract=contract,
        measured=measure(),
        propose=propose,
    )
    stopped = done.data is None or (done.errors and not force)
    written, backup = ("", "") if stopped else _write(done, config, data, apply=apply, output=output, force=force)
    _say(migration_report(done, data, written, backup), form)
    if any(one.severity == "error" for one in done.problems):
        sys.exit(MISTAKEN)
    if stopped or (check and done.changes):
        sys.exit(ExitCode.FAILED)


def _write(
    done: Rewriting, config: Path, before: bytes, *, apply: bool, output: Path | None, force: bool
) -> tuple[str, str]:
    """The names of the file that was written and of the backup."""
    from nlmon.cli.migrate_target import replace_config, write_other  # noqa: PLC0415  (start-up)

    assert done.data is not None  # else it was stopped
    if output is not None:
        write_other(output, done.data, source=config, force=force)
        return printable(str(output)), ""
    if apply and done.data != before:
        backup = replace_config(config, before, done.data)
        return printable(str(config)), printable(str(backup))
    return "", ""


def _say(report: MigrationReport, form: str) -> None:
    from nlmon.cli.migrate_report import lines_of  # noqa: PLC0415  (start-up: --help needs none of it)

    if form == "json":
        print_json(report)
        return
    wrong = [one for one in report.problems if one.severity == "error"]
    if not wrong and not (report.findings and not report.changes):
        for line in lines_of(report):
            click.echo(line)
    say_problems(wrong)
    for one in report.findings:
        place = f" ({one.file}:{one.line})" if one.line else f" ({one.file})"
        warn(f"{one.severity}[{one.code}]: {printable(one.what)}{place}; {printable(one.hint)}")
    if report.written:
        kept = f"; what it was is in {report.backup}" if report.backup else ""
        warn(f"written: {report.written}{kept}")
    elif report.changes:
        warn("nothing was written")
    say_where_explained([*(one.code for one in wrong), *(one.code for one in report.findings)], sys.stderr)


def _refuse_together(*, apply: bool, output: Path | None, check: bool) -> None:
    given = [name for name, wanted in (("--apply", apply), ("--output", output), ("--check", check)) if wanted]
    if len(given) > 1:
        what = f"{' and '.join(given)} do not go together"
        raise UsageError("NLM-V037", what, hint="give one of them")
