"""Reports for people: a table of verdicts, then the evidence.

Not here: the values (``nlmon.report.model``), the table itself (``table``), and sentences that other reports have, too
(``sentences``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape

from nlmon.printable import printable
from nlmon.report.blind import blind_lines
from nlmon.report.chosen import chosen_lines, enhancement_lines, loss_lines
from nlmon.report.differences import difference_lines
from nlmon.report.model import WORST_FIRST, CaptureReport, Report, in_direction
from nlmon.report.sentences import LOSSES_SHOWN, known_line, losses_line, policy_lines, read_lines
from nlmon.report.shown import Shown
from nlmon.report.table import COLOURS, table, unopened
from nlmon.report.text import counted, useless_known

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_report"]

GROUPS_SHOWN = 20


def print_report(report: Report, console: Console, shown: Shown | None = None) -> None:
    """The table, the differences with their bytes, what changed without a notification, what not both read, and the
    overall verdict; more or less of that where somebody asks for it."""
    shown = shown or Shown()
    console.print(table(report.captures, console.width), crop=False)
    for capture in sorted(report.captures, key=lambda capture: not capture.fails):
        _details(capture, report, console, shown)
    unseen = sorted(shown.classes.difference(*(capture.differences for capture in report.captures)))
    below = (
        *(f"no difference is of class {cls}" for cls in unseen),
        *_known_differences(report),
        *(() if shown.classes else _blind(report, verbose=shown.verbose)),
        *policy_lines(report.policy),
    )
    for line in below:
        console.print(escape(printable(line)), highlight=False, soft_wrap=True)
    console.print(_last_line(report), highlight=False, soft_wrap=True)


def _last_line(report: Report) -> str:
    """The verdict, of each direction if there are two, how many captures have which, and who was compared."""
    colour = COLOURS[report.verdict]
    shown = f"[{colour}]verdict: {report.verdict}[/]"
    if len(report.verdicts) > 1:
        shown = f"[{colour}]verdict:[/] " + ", ".join(
            f"{direction} [{COLOURS[verdict]}]{verdict}[/]" for direction, verdict in report.verdicts.items()
        )
    counts = Counter(capture.verdict for capture in report.captures)
    number = len(report.captures) // max(1, len(report.verdicts))
    tally = ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in WORST_FIRST if counts[verdict])
    tally = f": {tally}" if len(counts) > 1 and number > 1 else ""
    failed = sum(bool(capture.fails) for capture in report.captures)
    fails = f", {failed:,} of {len(report.captures):,} fail" if failed else ""
    return f"{shown}{fails}  ({report.candidate} against {report.reference}, {counted(number, 'capture')}{tally})"


def _known_differences(report: Report) -> Iterator[str]:
    """The entries of the known differences that have to go."""
    for line in useless_known(report.expired, report.stale, report.policy.known):
        yield f"{line}: remove it, or see nlmon known trim"


def _blind(report: Report, *, verbose: bool) -> Iterator[str]:
    """What not both read of several captures together."""
    if _is_one(report):
        return
    for line in blind_lines(report.blind, verbose=verbose):
        yield f"of all captures {line}"


def _is_one(report: Report) -> bool:
    return sum(capture.direction == "migrate" for capture in report.captures) < 2


def _details(capture: CaptureReport, report: Report, console: Console, shown: Shown) -> None:
    if unopened(capture) and capture.damage is not None:
        if capture.direction != "migrate":
            return
        lines = [f"not read: {capture.damage.what} [{capture.damage.code}]"]
    else:
        lines = [
            *(_shared(capture, report, shown) if capture.direction == "migrate" and not shown.classes else ()),
            *_judged(capture, report, shown),
        ]
    if not lines:
        return
    console.print(f"[bold]{escape(printable(_title(capture)))}[/]", highlight=False, soft_wrap=True)
    for line in lines:
        console.print(f"  {escape(printable(line))}", highlight=False, soft_wrap=True)
    console.print()


def _title(capture: CaptureReport) -> str:
    return capture.path if capture.direction == "migrate" else f"{capture.path} ({capture.direction})"


def _judged(capture: CaptureReport, report: Report, shown: Shown) -> Iterator[str]:
    """What was found in one direction."""
    names = in_direction(capture.direction, (report.reference, report.candidate))
    if shown.classes:
        yield from chosen_lines(capture, names, shown.classes, shown.limit)
    else:
        yield from _groups(capture, names, GROUPS_SHOWN if shown.limit is None else shown.limit)
        if shown.verbose:
            yield from enhancement_lines(capture, names, shown.limit)
            yield from loss_lines(capture, names, shown.limit)
        else:
            most = LOSSES_SHOWN if shown.limit is None else shown.limit
            yield from filter(None, [losses_line(names, capture.losses, capture.lost_events, most, hint=", see -v")])
    for use in capture.known:
        yield f"known: {known_line(use)}"
    if capture.reason:
        yield f"because: {capture.reason}"
    if capture.fails:
        yield f"fails: {capture.fails}"


def _groups(capture: CaptureReport, names: tuple[str, str], limit: int) -> Iterator[str]:
    for group in capture.groups[:limit]:
        yield from difference_lines(group, names)
    if len(capture.groups) > limit:
        more = sum(group.count for group in capture.groups[limit:])
        yield f"… and {more:,} of {len(capture.groups) - limit:,} other kinds; see --limit"


def _shared(capture: CaptureReport, report: Report, shown: Shown) -> Iterator[str]:
    """What was read, which is the same in both directions; of several captures, what neither reads is printed once."""
    names = (report.reference, report.candidate)
    return read_lines(capture, names, verbose=shown.verbose, blind=shown.verbose or _is_one(report))
