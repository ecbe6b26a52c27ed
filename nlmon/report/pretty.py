"""Reports for people: a table of verdicts, then the evidence.

Not here: the values (``nlmon.report.model``), and the table itself (``table``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.markup import escape

from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow, Report
from nlmon.report.table import COLOURS, both, table, unopened
from nlmon.report.text import counted, counted_roles, printable, times

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_report"]

GROUPS_SHOWN = 20
UNANNOUNCED_SHOWN = 5
WARNINGS = {"reordered", "duplicate", "coalesced"}
SERVICE = "loss-of-service"


def print_report(report: Report, console: Console) -> None:
    """The table, the differences with their bytes, what changed without a notification, and the overall verdict."""
    console.print(table(report.captures, console.width), crop=False)
    for capture in report.captures:
        _details(capture, report, console)
    colour = COLOURS[report.verdict]
    warnings = sum(
        count for capture in report.captures for cls, count in capture.differences.items() if cls in WARNINGS
    )
    less = f", {counted(warnings, 'warning')}" if warnings else ""
    lost = sum(capture.differences.get(SERVICE, 0) for capture in report.captures)
    if lost:
        less += f", and {lost:,} values and events that {report.reference} alone provides would be lost"
    console.print(
        f"[{colour}]verdict: {report.verdict}[/]{less}  "
        f"({report.candidate} against {report.reference}, {counted(len(report.captures), 'capture')})",
        highlight=False,
        soft_wrap=True,
    )


def _details(capture: CaptureReport, report: Report, console: Console) -> None:
    if unopened(capture):
        return  # the table says why
    lines: list[str] = []
    if capture.frames:
        held = f"{counted(capture.messages, 'message')} in {counted(capture.frames, 'datagram')}"
        lines.append(f"{held}: {counted_roles(capture.roles)}")
        events, answers = both(capture.events) or "0", both(capture.answers) or "0"
        sides = f" ({report.reference}/{report.candidate})" if "/" in events + answers else ""
        lines.append(f"compared: {events} events, and {answers} messages of recorded dumps and replies{sides}")
    for group in capture.groups[:GROUPS_SHOWN]:
        lines += _group(group, report)
    if len(capture.groups) > GROUPS_SHOWN:
        more = sum(group.count for group in capture.groups[GROUPS_SHOWN:])
        lines.append(f"… and {more:,} of {len(capture.groups) - GROUPS_SHOWN:,} other kinds; see --format json")
    if capture.damage is not None:
        place = f" at byte {capture.damage.offset:,}" if capture.damage.offset >= 0 else ""
        lines.append(f"damage{place}: {capture.damage.what} [{capture.damage.code}]")
    if capture.not_covered:
        lines.append(f"datagrams of protocols that were not compared: {_listed(capture.not_covered)}")
    if capture.not_subscribed:
        lines.append(f"notifications of multicast groups that neither joins: {_listed(capture.not_subscribed)}")
    lines += _problems(capture)
    if capture.unannounced_counts:
        listed = ", ".join(f"{count:,} {what}" for what, count in capture.unannounced_counts.items())
        lines.append(f"changed in the kernel without a notification: {listed}")
        for found in capture.unannounced[:UNANNOUNCED_SHOWN]:
            fields = f" ({', '.join(found.fields)})" if found.fields else ""
            lines.append(f"  {found.object} {found.change}{fields}: {found.reason}")
        if sum(capture.unannounced_counts.values()) > UNANNOUNCED_SHOWN:
            lines.append("  … all of them in --format json")
    lines += capture.notes
    if capture.reason:
        lines.append(f"because: {capture.reason}")
    if lines:
        console.print(f"[bold]{escape(printable(capture.path))}[/]", highlight=False, soft_wrap=True)
        for line in lines:
            console.print(f"  {escape(printable(line))}", highlight=False, soft_wrap=True)
        console.print()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


def _problems(capture: CaptureReport) -> list[str]:
    """What could not be read, and what the kernel refused; once, where both say the same."""
    found = {name: kinds for name, kinds in capture.problems.items() if kinds}
    alike = len(found) > 1 and len({tuple(kinds.items()) for kinds in found.values()}) == 1
    shown = {"both": next(iter(found.values()))} if alike else found
    return [
        f"errors in {name}: " + "; ".join(f"{kind}, {times(count)}" for kind, count in kinds.items())
        for name, kinds in shown.items()
    ]


def _group(group: DifferenceGroup, report: Report) -> list[str]:
    """The first of differences that are alike, and how many there are."""
    lines = _difference(group.first, report)
    if group.count > 1:
        lines.append(f"    … and {group.count - 1:,} more like it")
    return lines


def _difference(found: DifferenceRow, report: Report) -> list[str]:
    where = f"frame {found.frame}, offset {found.offset:#x}"
    if found.attribute:
        at = f" at {found.attribute_offset:#x}" if found.attribute_offset >= 0 else " (not in the message)"
        where += f", {found.attribute}{at}"
    lines = [f"{found.code} {found.cls} {found.message} {found.field}".rstrip() + f" — {where}: {found.reason}"]
    width = max(len(report.reference), len(report.candidate))
    if found.reference or found.candidate:
        lines.append(f"    {report.reference:<{width}}  {found.reference}")
        lines.append(f"    {report.candidate:<{width}}  {found.candidate}")
    if found.hex:
        lines.append(f"    {'bytes':<{width}}  {found.hex}")
    return lines
