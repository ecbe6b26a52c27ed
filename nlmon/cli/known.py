"""``nlmon known``: writes, checks and trims the file of known differences.

Rules:
1. Standard output stays empty: what was done is said on stderr, one line for each entry.
2. An entry names what was found and nothing more: place, capture or scenario, and direction. Wider ones are asked for.

Not here: the file (``nlmon.project.known``), reports (``knownreports``), what an entry allows
(``nlmon.compare.known``), and which entries a run calls stale (``nlmon.project.unused``).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from nlmon.cli.common import FilePath, refuse_stdin_twice, warn
from nlmon.errors import ExitCode, InputError, UsageError
from nlmon.report.text import counted, shown_path

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.compare.known import KnownDifference
    from nlmon.project.known import KnownFile
    from nlmon.report.model import CaptureReport, Report

__all__ = ["command"]

SHOWN = 10
LOSS = "NLD002"  # of service: fields and events that the reference alone provides
REST = "others"  # the group of a class that counts what no other group had room for


class _Place(NamedTuple):
    """What differences that are alike have in common, and how many there are; ``usual``: they fail a run without being
    asked for."""

    code: str
    message: str
    field: str
    usual: bool
    number: int


class _Wanted(NamedTuple):
    """What the options of ``add`` select; empty: everything that fails."""

    codes: tuple[str, ...]
    messages: tuple[str, ...]
    fields: tuple[str, ...]

    def selects(self, place: _Place) -> bool:
        return (
            (place.code in self.codes if self.codes else place.usual)
            and (not self.messages or place.message in self.messages)
            and (not self.fields or place.field in self.fields)
        )


@click.group()
def command() -> None:
    """Keep the differences that are known and allowed, each with a reason and an owner.

    FILE is the one that the settings name (known = "FILE"), else nlmon-known.yaml.
    """


_file = click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="The file of known differences.")


@command.command()
@click.argument("report", type=FilePath())
@click.option("--reason", required=True, metavar="TEXT", help="Why the difference is allowed.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--issue", default="", metavar="REF", help="Where it is dealt with.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The last day on which it is allowed, in UTC.",
)
@click.option("--code", "codes", multiple=True, metavar="NLD102", help="Only differences of this code. Repeatable.")
@click.option("--message", "messages", multiple=True, metavar="TYPE", help="Only those of this message. Repeatable.")
@click.option("--field", "fields", multiple=True, metavar="NAME", help="Only those of this field. Repeatable.")
@click.option(
    "--capture",
    "pattern",
    default="",
    metavar="PATTERN",
    help="Only those in captures of this name, and in all such captures. Default: each capture by its own name.",
)
@click.option(
    "--scenario",
    default="",
    metavar="PATTERN",
    help="Only those of scenarios of this id, and of all such scenarios. Default: each scenario by its own id.",
)
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
    pattern: str,
    scenario: str,
    kernel: str,
    file: Path | None,
) -> None:
    """Allow differences that REPORT holds, of nlmon replay --format json or of nlmon run --report jsonl:REPORT.

    These are all regressions, or those of them that --code, --message and --field name. Warnings, and fields and events
    that a move would lose (--code NLD002), are allowed only where their code is named.

    Exit code: 0 done, 2 an option cannot be used, 3 the report or the file cannot be used, or REPORT holds nothing of
    this, or more than it names.
    """
    from nlmon.cli.knownreports import read_reports  # noqa: PLC0415
    from nlmon.project.known import today  # noqa: PLC0415  (start-up: --help needs none of it)

    last = None if expires is None else expires.date()
    if last is not None and last < today():
        raise UsageError("NLM-U026", f"--expires {last} is over", hint="name a day that is to come")
    said = {
        "reason": reason,
        "owner": owner,
        "issue": issue,
        "capture": pattern,
        "scenario": scenario,
        "kernel": kernel,
    }
    _refuse_unreadable(said)
    read = read_reports(report)
    wanted = _Wanted(codes, messages, fields)
    entries = _merged(entry for one in read for entry in _entries(one, wanted, said, last))
    if not entries:
        raise _nothing(read, report, wanted)
    path = _path(file)
    known = _read_or_new(path)
    there = {entry.scope: number for number, entry in known.entries}
    new = [entry for entry in entries if entry.scope not in there]
    known = known.adding(new)
    if new:
        known.write()
    held = {entry.scope: (number, entry) for number, entry in known.entries}
    for number, entry in (held[entry.scope] for entry in entries):
        what = "is there already" if entry.scope in there else "added"
        warn(f"{known.place(number)}: {what}: {_shown(entry)}")
    warn(f"{len(new):,} added, {len(entries) - len(new):,} were there")
    if rest := _unnamed(read, wanted):
        what, hint = f"the report counts more than it names: {rest}", f"replay again with --known {path}"
        raise InputError("NLM-K019", what, where=shown_path(report), hint=hint)


def _read_or_new(path: Path) -> KnownFile:
    """The file, or an empty one where there is none yet."""
    from nlmon.project.known import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)

    try:
        return KnownFile.read(path)
    except InputError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        return KnownFile(path)


@command.command()
@click.argument("named", metavar="[FILE]", required=False, type=click.Path(path_type=Path, readable=False))
@_file
def check(named: Path | None, file: Path | None) -> None:
    """Check the file, and whether all of its entries still hold.

    Exit code: 0 good, 1 an entry has expired, 3 the file cannot be used.
    """
    from nlmon.project.known import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)

    if named and file:
        raise UsageError("NLM-U026", "FILE and --file name the same", hint="leave out one of them")
    known = KnownFile.read(_path(named or file))
    for number, entry in known.entries:
        if number in known.expired:
            warn(f"{known.place(number)}: expired on {entry.expires}: {_shown(entry)} ({entry.owner})")
    warn(f"{counted(len(known.entries), 'known difference')}, {len(known.expired):,} expired")
    sys.exit(ExitCode.FAILED if known.expired else ExitCode.OK)


@command.command()
@click.argument("reports", nargs=-1, metavar="[REPORT]...", type=FilePath())
@_file
def trim(reports: tuple[Path, ...], file: Path | None) -> None:
    """Remove the entries that have expired, and those that each REPORT which tried them calls stale.

    A report speaks of the file as it was, so each must have been made with the file as it is.

    Exit code: 0 done, 3 a report or the file cannot be used.
    """
    from nlmon.cli.knownreports import read_reports  # noqa: PLC0415
    from nlmon.project.known import KnownFile  # noqa: PLC0415  (start-up: --help needs none of it)

    refuse_stdin_twice(reports)
    known = KnownFile.read(_path(file))
    named = [(path, report) for path in reports for report in read_reports(path)]
    read = [report for _, report in named]
    for path, report in named:
        if report.known_digest != known.digest:
            what = "the report was made with another file of known differences, or with this one before a change"
            hint = f"replay again with --known {shown_path(known.path)}"
            raise InputError("NLM-K018", what, where=shown_path(path), hint=hint)
    used = {use.entry for report in read for capture in report.captures for use in capture.known}
    stale = {number for report in read for number in report.stale} - used
    gone = known.expired | {number for number, _ in known.entries if number in stale}
    for number, entry in known.entries:
        if number in gone:
            why = "stale" if number in stale else f"expired on {entry.expires}"
            warn(f"{known.place(number)}: removed, {why}: {_shown(entry)}")
    if gone:
        known.without(gone).write()
    warn(f"{len(gone):,} removed, {len(known.entries) - len(gone):,} kept")


def _path(file: Path | None) -> Path:
    """The file that is meant: as named, as the settings say, or the usual one."""
    from nlmon.project.known import DEFAULT  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.project.settings import named_file  # noqa: PLC0415

    return file or named_file(Path.cwd()) or DEFAULT


def _refuse_unreadable(said: dict[str, str]) -> None:
    """Raise ``UsageError`` for text that is no entry's, before a report is read."""
    from nlmon.compare.known import KnownDifference  # noqa: PLC0415  (start-up: --help needs none of it)

    for name, text in said.items():
        if not text.isprintable():
            raise UsageError("NLM-U026", f"--{name} {text!a} cannot be printed", hint="write it as text in one line")
    try:
        KnownDifference(
            code=LOSS,
            message="any",
            reason=said["reason"],
            owner=said["owner"],
            capture=said["capture"] or "*",
            scenario=said["scenario"] or "*",
            kernel=said["kernel"],
        )
    except ValueError as error:
        raise UsageError("NLM-U026", str(error), hint="see nlmon known add --help") from error


def _entries(
    report: Report, wanted: _Wanted, said: dict[str, str], expires: dt.date | None
) -> Iterator[KnownDifference]:
    """An entry for each place in a report that is wanted, with what was said of all."""
    from nlmon.compare.known import KnownDifference  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.report.model import in_direction  # noqa: PLC0415

    said = {name: text for name, text in said.items() if text}

    for capture in report.captures:
        reference, candidate = in_direction(capture.direction, (report.reference, report.candidate))
        for place in _places(capture):
            values: dict[str, Any] = {
                "code": place.code,
                "message": place.message,
                "field": place.field,
                **_source(capture),
                "reference": reference,
                "candidate": candidate,
                "at_most": place.number,
            }
            try:
                entry = KnownDifference(**(values | said), expires=expires)
            except ValueError as error:
                what, hint = "the report names what this nlmon does not know", "replay again with this nlmon"
                raise InputError("NLM-K016", what, where=capture.path, why=str(error), hint=hint) from error
            # A range of kernels, or a pattern, may leave this capture out.
            here = capture.path, capture.kernel, reference, candidate
            if wanted.selects(place) and entry.applies(*here, scenario=capture.scenario):
                yield entry


def _merged(entries: Iterable[KnownDifference]) -> list[KnownDifference]:
    """One entry of those that allow the same: each capture must fit in."""
    found: dict[tuple[str, ...], KnownDifference] = {}
    for entry in entries:
        other = found.setdefault(entry.scope, entry)
        if (entry.at_most or 0) > (other.at_most or 0):
            found[entry.scope] = entry
    return list(found.values())


def _source(capture: CaptureReport) -> dict[str, str]:
    """The keys of an entry that name the scenario of a report, or else its capture."""
    from nlmon.compare.known import literal  # noqa: PLC0415  (start-up: --help needs none of it)

    if capture.scenario:
        return {"scenario": literal(capture.scenario)}
    return {"capture": literal("/".join(PurePath(capture.path).parts[-2:]))}


def _places(capture: CaptureReport) -> Iterable[_Place]:
    """What a report on a capture holds that could be allowed."""
    for group in capture.groups:
        if not _is_rest(group.message, group.field):
            kind = group.message.partition(" ")[0] if group.cls == "state" else group.message
            yield _Place(group.first.code, kind, group.field, group.severity == "regression", group.count)
    for name, count in capture.losses.items():
        kind, _, field = name.partition(".")
        yield _Place(LOSS, kind, field, False, count)


def _unnamed(reports: Sequence[Report], wanted: _Wanted) -> str:
    """How many differences of the classes that are wanted reports count and do not name."""
    rest: Counter[str] = Counter()
    for capture in (capture for report in reports for capture in report.captures):
        for group in capture.groups:
            usual = group.severity == "regression"
            if _is_rest(group.message, group.field) and (group.first.code in wanted.codes if wanted.codes else usual):
                rest[group.cls] += group.count
    return ", ".join(f"{count:,} {cls}" for cls, count in rest.items())


def _is_rest(message: str, field: str) -> bool:
    return (message, field) == (REST, "")


def _nothing(read: Sequence[Report], report: Path, wanted: _Wanted) -> InputError:
    """What to say when nothing is selected, or only what is of another scenario, capture or kernel."""
    found = [(place, capture) for one in read for capture in one.captures for place in _places(capture)]
    if not found:
        return InputError("NLM-K015", "the report holds nothing that could be allowed", where=shown_path(report))
    what, hint = "the report holds nothing of this", "name what is to be allowed by --code, --message and --field"
    why = "it has " + _listed(" ".join(place[:3]).rstrip() for place, _ in found)
    elsewhere = [capture for place, capture in found if wanted.selects(place)]
    if elsewhere:
        hint = "--capture, --scenario or --kernel leaves that out; a report of nlmon replay is of no scenario"
        why = "it is of " + _listed(_named(capture) for capture in elsewhere)
    elif not any(wanted):
        what = "the report holds no regression"
    return InputError("NLM-K015", what, where=shown_path(report), why=why, hint=hint)


def _named(capture: CaptureReport) -> str:
    where = f"scenario {capture.scenario}" if capture.scenario else shown_path(capture.path)
    return f"{where} ({capture.kernel})" if capture.kernel else where


def _listed(texts: Iterable[str]) -> str:
    """Texts that differ, and how many more there are."""
    found = list(dict.fromkeys(texts))
    return "; ".join([*found[:SHOWN], *([f"{len(found) - SHOWN:,} more"] if len(found) > SHOWN else [])])


def _shown(entry: KnownDifference) -> str:
    place = f"{entry.code} {entry.message} {entry.field}".rstrip()
    where = entry.capture if entry.scenario == "*" else f"scenario {entry.scenario}"
    most = "" if entry.at_most is None else f", at most {entry.at_most:,}"
    return f"{place} in {where}, {entry.candidate} against {entry.reference}{most}"
