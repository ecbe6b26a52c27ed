"""What ``nlmon migrate`` and ``nlmon rollback`` say: as a value, and as lines for people.

Not here: rewriting (``nlmon.migrate``), and writing files (``migrate_target``).
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from msgspec import Struct

from nlmon.config.problems import Problem
from nlmon.migrate.model import Change, Finding, Implementation, Rewriting
from nlmon.printable import printable
from nlmon.report.text import counted

__all__ = ["MigrationReport", "lines_of", "migration_report"]


class MigrationReport(Struct, frozen=True):
    """What ``--format json`` prints. ``to``: the implementation; ``written`` and ``backup``: files that were written,
    empty if none was; ``findings``: with an error nothing is written; ``problems``: of the configuration as it was;
    ``diff``: what was, or would be, changed."""

    file: str
    to: Implementation
    written: str
    backup: str
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    diff: str


def migration_report(done: Rewriting, data: bytes, written: str = "", backup: str = "") -> MigrationReport:
    """The report of what came of the bytes of a file."""
    diff = "" if done.data is None else "".join(_diff(done.file, data, done.data, done.to))
    return MigrationReport(done.file, done.to, written, backup, done.changes, done.findings, done.problems, diff)


def lines_of(report: MigrationReport) -> Iterator[str]:
    """The changes of a report, and the difference of the texts."""
    if not report.changes:
        yield f"{report.file}: nothing to change for {report.to}"
        return
    yield f"{report.file}: {counted(len(report.changes), 'change')} for {report.to}"
    for one in report.changes:
        place = f"{one.file}:{one.line}" if one.line else one.file
        yield f"  {one.code} {place} {one.key}: {_said(one)} ({one.weight}): {one.reason}"
    yield ""
    yield from report.diff.splitlines()


def _said(one: Change) -> str:
    if not one.before or not one.after:
        return f"add {one.after}" if one.after else "remove"
    return f"{one.before} becomes {one.after}"


def _diff(name: str, before: bytes, after: bytes, to: Implementation) -> Iterator[str]:
    old, new = (data.decode("utf-8-sig").splitlines() for data in (before, after))
    for line in unified_diff(old, new, name, f"{name} for {to}", lineterm=""):
        yield printable(line) + "\n"
