"""Differences as lines for people: what differs and where, both values one below the other, and the bytes; and counted.

Not here: the table of a comparison (``pretty``).
"""

from __future__ import annotations

from nlmon.compare.difference import Class
from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow
from nlmon.report.sentences import losses_line

__all__ = ["counts_by_class", "difference_lines", "evidence_lines", "place_of", "row_lines"]

GROUPS_SHOWN = 5


def counts_by_class(report: CaptureReport) -> dict[str, int]:
    """How many differences there are of each class, and how many are known, each counted once: a known loss, which a
    report also counts in its class, is here none of it."""
    known_losses = sum(use.count for use in report.known if use.code == Class.SERVICE.code)
    counts = {
        cls: count - known_losses if cls == Class.SERVICE.label else count for cls, count in report.differences.items()
    }
    counts["known"] = sum(use.count for use in report.known)
    return {cls: count for cls, count in counts.items() if count > 0}


def difference_lines(group: DifferenceGroup, names: tuple[str, str]) -> list[str]:
    """The first of differences that are alike, and how many there are. ``names``: of the reference and the candidate,
    as its two values are."""
    lines = row_lines(group.first, names)
    if group.count > 1:
        lines.append(f"    … and {group.count - 1:,} more like it")
    return lines


def evidence_lines(report: CaptureReport, names: tuple[str, str]) -> tuple[str, ...]:
    """Why a verdict is what it is. ``names``: the reference and the candidate in the direction of the report."""
    lines = [f"because: {report.reason}"] if report.reason else []
    for group in report.groups[:GROUPS_SHOWN]:
        lines += difference_lines(group, names)
    if len(report.groups) > GROUPS_SHOWN:
        lines.append(f"… and {len(report.groups) - GROUPS_SHOWN:,} other kinds of differences")
    return (*lines, *filter(None, [losses_line(names, report.losses, report.lost_events)]))


def place_of(found: DifferenceRow) -> str:
    """Where a difference is: the datagram, the message in it, and the attribute."""
    where = f"frame {found.frame}, offset {found.offset:#x}"
    if not found.attribute:
        return where
    at = f" at {found.attribute_offset:#x}" if found.attribute_offset >= 0 else " (not in the message)"
    return f"{where}, {found.attribute}{at}"


def row_lines(found: DifferenceRow, names: tuple[str, str]) -> list[str]:
    """One difference: where it is, both values, and the bytes."""
    what = f"{found.code} {found.cls} {found.message} {found.field}".rstrip()
    lines = [f"{what} — {place_of(found)}: {found.reason}"]
    width = max(map(len, names))
    if found.reference or found.candidate:
        lines.append(f"    {names[0]:<{width}}  {found.reference}")
        lines.append(f"    {names[1]:<{width}}  {found.candidate}")
    if found.hex:
        lines.append(f"    {'bytes':<{width}}  {found.hex}")
    return lines
