"""Reports for people: a table of verdicts, then the evidence.

Not here: the values (``nlmon.report.model``), and the table itself (``table``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import structs
from rich.markup import escape

from nlmon.report.blind import blind_lines, unread_lines
from nlmon.report.differences import difference_lines
from nlmon.report.model import WORST_FIRST, CaptureReport, Report, Unannounced, in_direction
from nlmon.report.table import COLOURS, both, table, unopened
from nlmon.report.text import counted, counted_roles, printable, times

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_report"]

GROUPS_SHOWN = 20
UNANNOUNCED_SHOWN = 5
UNANNOUNCED = "changed in the kernel without a notification"
MISSED = "lost by the fault, and shown by a later dump"
LOSSES_SHOWN = 10
ONE_ALONE = "  an error about what one of them alone reads, as the contract says, is no difference"


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """The table, the differences with their bytes, what changed without a notification, what not both read, and the
    overall verdict. ``verbose``: each blind spot by itself, and each
    change without a notification."""
    console.print(table(report.captures, console.width), crop=False)
    for capture in sorted(report.captures, key=lambda capture: not capture.fails):
        _details(capture, report, console, verbose=verbose)
    for line in (*_known_differences(report), *_blind(report, verbose=verbose), *_policy(report)):
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
    for what, numbers in (("is over", report.expired), ("allowed nothing", report.stale)):
        for number in numbers:
            yield f"known difference {number} of {report.policy.known} {what}: remove it, or see nlmon known trim"


def _blind(report: Report, *, verbose: bool) -> Iterator[str]:
    """What not both read of several captures together."""
    if _is_one(report):
        return
    for line in blind_lines(report.blind, verbose=verbose):
        yield f"of all captures {line}"


def _is_one(report: Report) -> bool:
    return sum(capture.direction == "migrate" for capture in report.captures) < 2


def _policy(report: Report) -> Iterator[str]:
    """What the run had to show, where somebody said so."""
    policy = structs.asdict(report.policy)
    said = [f"{key} {_value(policy[key])} ({source})" for key, source in report.policy.sources.items()]
    if said:
        yield "policy: " + ", ".join(said)


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _details(capture: CaptureReport, report: Report, console: Console, *, verbose: bool) -> None:
    if unopened(capture) and capture.damage is not None:
        if capture.direction != "migrate":
            return
        lines = [f"not read: {capture.damage.what} [{capture.damage.code}]"]
    else:
        lines = [
            *(_shared(capture, report, verbose=verbose) if capture.direction == "migrate" else ()),
            *_judged(capture, report),
        ]
    if not lines:
        return
    console.print(f"[bold]{escape(printable(_title(capture)))}[/]", highlight=False, soft_wrap=True)
    for line in lines:
        console.print(f"  {escape(printable(line))}", highlight=False, soft_wrap=True)
    console.print()


def _title(capture: CaptureReport) -> str:
    return capture.path if capture.direction == "migrate" else f"{capture.path} ({capture.direction})"


def _judged(capture: CaptureReport, report: Report) -> Iterator[str]:
    """What was found in one direction."""
    names = in_direction(capture.direction, (report.reference, report.candidate))
    for group in capture.groups[:GROUPS_SHOWN]:
        yield from difference_lines(group, names)
    if len(capture.groups) > GROUPS_SHOWN:
        more = sum(group.count for group in capture.groups[GROUPS_SHOWN:])
        yield f"… and {more:,} of {len(capture.groups) - GROUPS_SHOWN:,} other kinds; see --format json"
    if capture.losses:
        most = sorted(capture.losses.items(), key=lambda loss: (loss[0] not in capture.lost_events, -loss[1]))
        listed = ", ".join(
            f"{name} {count:,}" + " (whole events)" * (name in capture.lost_events)
            for name, count in most[:LOSSES_SHOWN]
        )
        others = f" and {len(most) - LOSSES_SHOWN:,} more, see --format json" if len(most) > LOSSES_SHOWN else ""
        yield f"{names[0]} alone provides, and {names[1]} would lose: {listed}{others}"
    for use in capture.known:
        until = f", until {use.expires}" if use.expires else ""
        issue = f", {use.issue}" if use.issue else ""
        place = f"{use.code} {use.message} {use.field}".rstrip()
        limit = "" if use.at_most is None else f", and at most {use.at_most:,} allowed"
        yield f"known: {place}, {times(use.count)}{limit}: {use.reason} ({use.owner}{issue}{until})"
    if capture.reason:
        yield f"because: {capture.reason}"
    if capture.fails:
        yield f"fails: {capture.fails}"


def _shared(capture: CaptureReport, report: Report, *, verbose: bool) -> Iterator[str]:
    """What was read, which is the same in both directions."""
    lines: list[str] = []
    if capture.frames:
        held = f"{counted(capture.messages, 'message')} in {counted(capture.frames, 'datagram')}"
        lines.append(f"{held}: {counted_roles(capture.roles)}")
        events, answers = counted(sum(capture.compared.values()), "event"), both(capture.answers) or "0"
        sides = f" ({report.reference}/{report.candidate})" if "/" in answers else ""
        messages = "message" if answers == "1" else "messages"
        lines.append(f"compared: {events}, and {answers} {messages} of recorded dumps and replies{sides}")
    if capture.damage is not None:
        place = f" at byte {capture.damage.offset:,}" if capture.damage.offset >= 0 else ""
        lines.append(f"damage{place}: {capture.damage.what} [{capture.damage.code}]")
    if capture.not_covered:
        lines.append(f"datagrams of protocols that were not compared: {_listed(capture.not_covered)}")
    if capture.not_subscribed:
        lines.append(f"notifications of multicast groups that neither joins: {_listed(capture.not_subscribed)}")
    lines += _problems(capture)
    lines += unread_lines(capture.unknown_types, verbose=verbose)
    spots = capture.blind if verbose or _is_one(report) else ()
    lines += blind_lines(spots, capture.blind_changes, verbose=verbose, left_out=capture.blind_left_out)
    lines += _brought_to_light(UNANNOUNCED, capture.unannounced_counts, capture.unannounced, verbose=verbose)
    lines += _brought_to_light(MISSED, capture.missed_counts, capture.missed, verbose=verbose)
    lines += capture.notes
    yield from lines


def _brought_to_light(
    what: str, counts: Mapping[str, int], changes: Sequence[Unannounced], *, verbose: bool
) -> Iterator[str]:
    """Changes of which no implementation was told, the first of them one by one; with ``verbose`` all that are kept."""
    if not counts:
        return
    listed = ", ".join(f"{count:,} {change}" for change, count in counts.items())
    yield f"{what}: {listed}"
    shown = changes if verbose else changes[:UNANNOUNCED_SHOWN]
    for found in shown:
        fields = f" ({', '.join(found.fields)})" if found.fields else ""
        yield f"  {found.object} {found.change}{fields}: {found.reason}"
    if more := sum(counts.values()) - len(shown):
        yield f"  … and {more:,} more{'' if verbose else '; all of them with -v'}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


def _problems(capture: CaptureReport) -> list[str]:
    """What could not be read, and what the kernel refused; once, where both say the same. Why the two may differ there
    while the verdict does not speak of it, too."""
    found = {name: kinds for name, kinds in capture.problems.items() if kinds}
    alike = len(found) > 1 and len({tuple(kinds.items()) for kinds in found.values()}) == 1
    shown = {"both": next(iter(found.values()))} if alike else found
    lines = [
        f"errors in {name}: " + "; ".join(f"{kind}, {times(count)}" for kind, count in kinds.items())
        for name, kinds in shown.items()
    ]
    return lines if alike or not found else [*lines, ONE_ALONE]
