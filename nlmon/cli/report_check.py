"""``nlmon report check``: whether reports are whole, as they were written, and as their schema says.

Not here: reading them (``nlmon.report.load``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nlmon.cli.common import FilePath, refuse_stdin_twice, show_error, warn
from nlmon.errors import ExitCode, InputError

__all__ = ["command"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FilePath())
def command(files: tuple[Path, ...]) -> None:
    """Check that each FILE is a report that is whole, that nobody changed, and that follows its schema.

    Exit code: 0 all are, 3 one is not. What the runs found is not asked.
    """
    refuse_stdin_twice(files)
    bad = 0
    for path in files:
        try:
            warn(_checked(path))
        except InputError as error:
            show_error(error)
            bad += 1
    sys.exit(ExitCode.INPUT if bad else ExitCode.OK)


def _checked(path: Path) -> str:
    """What a report is, in a line; raises ``InputError`` when something is wrong with it."""
    from nlmon.cli.report_file import read_bytes  # noqa: PLC0415  (start-up: --help reads no report)
    from nlmon.report.load import form_of, read_report  # noqa: PLC0415
    from nlmon.report.text import counted, shown_path  # noqa: PLC0415

    where, data = shown_path(path), read_bytes(path)
    run, form = read_report(data, where), form_of(data)
    _refuse_invalid(data, form, where)
    if not run.whole:
        left = counted(len(run.waiting), "case")
        why = f"{left} did not run" if run.waiting else "it was interrupted"
        raise InputError("NLM-R009", "the run did not come to its end", where=where, why=why, hint="run it again")
    digest = "its digest is right" if run.footer.digest else "it has no digest"
    hosts = f" on {', '.join(run.hosts)}" if run.hosts else ""
    return f"{where}: whole, {counted(len(run.results), 'case')}{hosts}; it follows the schema {form}, and {digest}"


def _refuse_invalid(data: bytes, form: str, where: str) -> None:
    """Raise ``InputError`` when a report does not follow its schema."""
    import json  # noqa: PLC0415  (start-up: only a check needs them)

    from jsonschema import Draft202012Validator  # noqa: PLC0415

    from nlmon.cli.schema import SCHEMAS  # noqa: PLC0415

    validator = Draft202012Validator(SCHEMAS[form]())
    records = [data] if form == "replay" else data.splitlines()
    for number, record in enumerate(records, 1):
        for error in validator.iter_errors(json.loads(record)):
            place = where if form == "replay" else f"{where}:{number}"
            why = f"{error.json_path}: {error.message}"
            raise InputError("NLM-R010", "the report does not follow its schema", where=place, why=why)
