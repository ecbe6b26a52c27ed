"""Differences as lines for people: what differs and where, both values one below the other, and the bytes.

Not here: the table of a comparison (``pretty``).
"""

from __future__ import annotations

from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow, in_direction

__all__ = ["difference_lines", "evidence_lines", "names_of"]

GROUPS_SHOWN = 5


def difference_lines(group: DifferenceGroup, names: tuple[str, str]) -> list[str]:
    """The first of differences that are alike, and how many there are."""
    lines = _difference(group.first, names)
    if group.count > 1:
        lines.append(f"    … and {group.count - 1:,} more like it")
    return lines


def evidence_lines(report: CaptureReport) -> tuple[str, ...]:
    """Why a verdict is what it is."""
    lines = [f"because: {report.reason}"] if report.reason else []
    for group in report.groups[:GROUPS_SHOWN]:
        lines += difference_lines(group, names_of(report))
    if len(report.groups) > GROUPS_SHOWN:
        lines.append(f"… and {len(report.groups) - GROUPS_SHOWN:,} other kinds of differences")
    if report.losses:
        lines.append("would be lost: " + ", ".join(f"{name} {count:,}" for name, count in report.losses.items()))
    return tuple(lines)


def names_of(report: CaptureReport) -> tuple[str, str]:
    """What the two are called in a report, in its direction."""
    first, second = list(report.events) if len(report.events) == 2 else ("reference", "candidate")
    return in_direction(report.direction, (first, second))


def _difference(found: DifferenceRow, names: tuple[str, str]) -> list[str]:
    where = f"frame {found.frame}, offset {found.offset:#x}"
    if found.attribute:
        at = f" at {found.attribute_offset:#x}" if found.attribute_offset >= 0 else " (not in the message)"
        where += f", {found.attribute}{at}"
    lines = [f"{found.code} {found.cls} {found.message} {found.field}".rstrip() + f" — {where}: {found.reason}"]
    width = max(map(len, names))
    if found.reference or found.candidate:
        lines.append(f"    {names[0]:<{width}}  {found.reference}")
        lines.append(f"    {names[1]:<{width}}  {found.candidate}")
    if found.hex:
        lines.append(f"    {'bytes':<{width}}  {found.hex}")
    return lines
