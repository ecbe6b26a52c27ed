"""What a check of the doctor finds, and the report of all checks.

Not here: the checks (``system``, ``configured``, ``running``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nlmon.printable import printable

__all__ = [
    "LEVELS",
    "DoctorReport",
    "Finding",
    "Level",
    "note",
    "ok",
    "problem",
    "report_lines",
    "report_of",
    "warning",
]

Level: TypeAlias = Literal["problem", "warning", "note", "ok"]
# The worst first.
LEVELS: tuple[Level, ...] = ("problem", "warning", "note", "ok")
_COUNTED: dict[Level, tuple[str, str]] = {
    "problem": ("problem", "problems"),
    "warning": ("warning", "warnings"),
    "note": ("note", "notes"),
}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a check found. ``check``: the name of the check; ``what``: a sentence; ``why``: what comes of it
    or where it comes from; ``command``: what to type. The last two may be empty."""

    check: str = ""
    level: Level
    code: str
    what: str
    why: str = ""
    command: str = ""


class DoctorReport(Struct, frozen=True):
    """What ``nlmon doctor --format json`` prints: findings, the worst first, and how many there are of each level;
    ``well``: there is no problem and no warning."""

    well: bool
    counts: dict[Level, int]
    findings: tuple[Finding, ...]


def ok(code: str, what: str) -> Finding:
    """Something that is in order."""
    return Finding(level="ok", code=code, what=what)


def note(code: str, what: str, why: str = "", command: str = "") -> Finding:
    """Something to know that need not be changed."""
    return Finding(level="note", code=code, what=what, why=why, command=command)


def warning(code: str, what: str, why: str = "", command: str = "") -> Finding:
    """Something that costs events or memory, or soon may."""
    return Finding(level="warning", code=code, what=what, why=why, command=command)


def problem(code: str, what: str, why: str = "", command: str = "") -> Finding:
    """Something that keeps the monitor from doing what its configuration asks for."""
    return Finding(level="problem", code=code, what=what, why=why, command=command)


def report_of(found: Iterable[tuple[str, Finding]]) -> DoctorReport:
    """The report of findings, each with the name of its check."""
    findings = [replace(one, check=check) for check, one in found]
    findings.sort(key=lambda one: LEVELS.index(one.level))
    counts = Counter(one.level for one in findings)
    well = not counts["problem"] and not counts["warning"]
    return DoctorReport(well, {level: counts[level] for level in LEVELS}, tuple(findings))


def report_lines(report: DoctorReport) -> Iterator[str]:
    """A report as people read it; the last line has the counts."""
    for one in report.findings:
        yield printable(f"{one.level}[{one.code}]: {one.what}{': ' if one.why else ''}{one.why}")
        if one.command:
            yield printable(f"    {one.command}")
    counted = [
        f"{report.counts[level]} {names[report.counts[level] != 1]}"
        for level, names in _COUNTED.items()
        if report.counts[level]
    ]
    yield ", ".join((*counted, f"{report.counts['ok']} in order"))
