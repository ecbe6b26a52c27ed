"""``nlmon known``: writes and checks the file of known differences.

Not here: the file (``knownfile``), and what an entry allows (``nlmon.compare.known``).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import warn
from nlmon.errors import InputError, UsageError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.compare.known import KnownDifference
    from nlmon.report.model import CaptureReport, Report

__all__ = ["command"]

SHOWN = 10


@click.group()
def command() -> None:
    """Keep the differences that are known and allowed, each with a reason and an owner.

    FILE is that of the settings (known = "FILE"), else nlmon-known.yaml.
    """


_file = click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="The file of known differences.")


@command.command()
@click.argument("report", type=click.Path(path_type=Path, readable=False))
@click.option("--reason", required=True, metavar="TEXT", help="Why the difference is allowed.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--issue", default="", metavar="REF", help="Where it is dealt with.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is allowed.")
@click.option("--code", "codes", multiple=True, metavar="NLD102", help="Only differences of this code. Repeatable.")
@click.option("--message", "messages", multiple=True, metavar="TYPE", help="Only those of this message. Repeatable.")
@click.option("--field", "fields", multiple=True, metavar="NAME", help="Only those of this field. Repeatable.")
@click.option("--kernel", default="", metavar="RANGE", help="Only for these kernels, such as '>=6.1,<6.13'.")
@_file
def add(
    report: Path,
    reason: str,
    owner: str,
    issue: str,
    expires: dt.datetime | None,
    codes: tuple[str, ...],
    messages: tuple[str, ...],
    fields: tuple[str, ...],
    kernel: str,
    file: Path | None,
) -> None:
    """Allow differences that REPORT (nlmon replay --format json) holds.

    Regressions are allowed that --code, --message and --field name, and all of them without these. What a move would
    lose is allowed only where --code NLD002 says so, and warnings only where their code is named.
    """
    from nlmon.cli.knownfile import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.compare.known import KnownDifference  # noqa: PLC0415

    if not reason.strip() or not owner.strip():
        raise UsageError("NLM-U026", "--reason and --owner must say something")
    found = dict.fromkeys(_places(_report(report)))
    chosen = [place for place in found if _is_chosen(place, codes, messages, fields)]
    if not chosen:
        shown = "; ".join(" ".join(place[:3]).rstrip() for place in list(found)[:SHOWN]) or "nothing that could be"
        hint = "name what is to be allowed by --code, --message and --field"
        what = "nothing of this is in the report"
        raise InputError("NLM-K015", what, where=str(report), why=f"it holds {shown}", hint=hint)
    last = None if expires is None else expires.date()
    try:
        entries = [
            KnownDifference(
                code=code,
                message=message,
                field=field,
                capture=capture,
                reference=reference,
                candidate=candidate,
                kernel=kernel,
                reason=reason,
                owner=owner,
                issue=issue,
                expires=last,
            )
            for code, message, field, capture, reference, candidate in chosen
        ]
    except ValueError as error:
        raise UsageError("NLM-U026", str(error)) from error
    path = _path(file)
    known = KnownFile.read(path) if path.exists() else KnownFile(path)
    added = known.add(entries)
    for entry in added:
        warn(f"{path}: {_shown(entry)}")
    warn(f"{len(added)} added, {len(entries) - len(added)} were there")


@command.command()
@_file
def check(file: Path | None) -> None:
    """Check the file. Exit code: 0 good, 1 an entry is over, 3 it cannot be used."""
    from nlmon.cli.knownfile import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)

    known = KnownFile.read(_path(file))
    today = dt.datetime.now(tz=dt.UTC).date()
    over = [(number, entry) for number, entry in known.entries if entry.expired(today)]
    for number, entry in over:
        warn(f"{known.place(number)}: expired on {entry.expires}: {_shown(entry)} ({entry.owner})")
    warn(f"{len(known.entries)} known differences, {len(over)} expired")
    sys.exit(1 if over else 0)


@command.command()
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path, readable=False))
@_file
def trim(reports: tuple[Path, ...], file: Path | None) -> None:
    """Remove the entries that are over, and those that allowed nothing in all of REPORTS that tried them."""
    from nlmon.cli.knownfile import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)

    known = KnownFile.read(_path(file))
    today = dt.datetime.now(tz=dt.UTC).date()
    read = [_report(report) for report in reports]
    used = {use.entry for report in read for capture in report.captures for use in capture.known}
    stale = {number for report in read for number in report.stale} - used
    gone = [(n, entry) for n, entry in known.entries if n in stale or entry.expired(today)]
    for number, entry in gone:
        warn(f"{known.place(number)}: removed: {_shown(entry)}")
    if gone:
        known.remove(number for number, _ in gone)
    warn(f"{len(gone)} removed, {len(known.entries) - len(gone)} kept")


def _path(file: Path | None) -> Path:
    """The file that is meant: as named, as the settings say, or the usual one."""
    from nlmon.cli.knownfile import DEFAULT  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.cli.settings import named_file  # noqa: PLC0415

    return file or named_file(Path.cwd()) or DEFAULT


def _report(path: Path) -> Report:
    """A report of ``nlmon replay --format json``; raises ``InputError`` (NLM-K016) for anything else."""
    import msgspec  # noqa: PLC0415  (start-up: --help needs none of it)

    from nlmon.report.model import Report  # noqa: PLC0415

    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError) as error:
        why = getattr(error, "strerror", "") or str(error)
        hint = "nlmon replay --format json makes one"
        raise InputError("NLM-K016", "this is no report", where=str(path), why=why, hint=hint) from error


def _places(report: Report) -> Iterator[tuple[str, ...]]:
    """What a report holds that could be allowed: code, message, field, capture, reference and candidate."""
    for capture in report.captures:
        pair = (report.reference, report.candidate)
        if capture.direction == "rollback":
            pair = pair[::-1]
        rest = (PurePath(capture.path).name, *pair)
        yield from ((*place, *rest) for place in _differences(capture))


def _differences(capture: CaptureReport) -> Iterable[tuple[str, str, str]]:
    for group in capture.groups:
        kind = group.first.message.partition(" ")[0] if group.cls == "state" else group.message
        yield group.first.code, kind, group.field
    for name in capture.losses:
        kind, _, field = name.partition(".")
        yield "NLD002", kind, field


def _is_chosen(
    place: tuple[str, ...], codes: tuple[str, ...], messages: tuple[str, ...], fields: tuple[str, ...]
) -> bool:
    code, message, field = place[:3]
    usual = code.startswith("NLD1")  # the regressions; anything else has to be named
    return (
        (code in codes if codes else usual)
        and (not messages or message in messages)
        and (not fields or field in fields)
    )


def _shown(entry: KnownDifference) -> str:
    place = f"{entry.code} {entry.message} {entry.field}".rstrip()
    return f"{place} in {entry.capture}, {entry.candidate} against {entry.reference}"
