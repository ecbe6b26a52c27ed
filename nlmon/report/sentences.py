"""Sentences that every report for people has: what was read, what would be lost, what is known, and the policy.

Not here: differences one by one (``differences``), what not both read (``blind``), and the first sentence of a report
of a run (``headline``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from nlmon.report.blind import blind_lines, unread_lines
from nlmon.report.model import CaptureReport, KnownUse, Unannounced
from nlmon.report.policy import Policy
from nlmon.report.text import both, counted, counted_roles, times

__all__ = [
    "LOSSES_SHOWN",
    "in_order",
    "known_line",
    "losses",
    "losses_line",
    "policy_lines",
    "read_lines",
    "would_be_lost",
]

T = TypeVar("T")

LOSSES_SHOWN = 10
UNANNOUNCED_SHOWN = 5
UNANNOUNCED = "changed in the kernel without a notification"
MISSED = "lost by the fault, and shown by a later dump"
ONE_ALONE = "  an error about what one of them alone reads, as the contract says, is no difference"


def in_order(values: Mapping[str, T], names: tuple[str, str]) -> dict[str, T]:
    """Values of each implementation, that of the reference first, whatever order a report has them in. ``names``: what
    the two are called; a value that has the name that the contract knows instead is the other one's."""
    known = tuple(values)
    if len(known) != 2:
        return dict(values)
    first = names[0] if names[0] in values else next((name for name in known if name != names[1]), known[0])
    return {name: values[name] for name in (first, known[1 - known.index(first)])}


def would_be_lost(names: tuple[str, str]) -> str:
    """What a list of losses begins with. ``names``: of the reference and the candidate in its direction."""
    return f"{names[0]} alone provides, and {names[1]} would lose"


def losses(counts: Mapping[str, int], events: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """What would be lost, how often, and what of it is whole events, which come first; then the most frequent.
    ``counts``, ``events``: as a report of a capture has them, or those of several added up."""
    found = sorted(counts.items(), key=lambda loss: (loss[0] not in events, -loss[1], loss[0]))
    return [(name, count, whole_events(count, events.get(name, 0))) for name, count in found]


def losses_line(
    names: tuple[str, str],
    counts: Mapping[str, int],
    events: Mapping[str, int],
    most: int = LOSSES_SHOWN,
    *,
    hint: str = "",
) -> str:
    """What would be lost in a line, at most so many; empty if nothing would. ``hint``: what shows the others."""
    if not counts:
        return ""
    listed = ", ".join(
        f"{name} {count:,}" + (f" ({whole})" if whole else "") for name, count, whole in losses(counts, events)[:most]
    )
    left_out = len(counts) - most
    return f"{would_be_lost(names)}: {listed}" + (f" and {left_out:,} more{hint}" if left_out > 0 else "")


def whole_events(count: int, events: int) -> str:
    """How many of ``count`` losses are whole events; the others are answers, which a monitor would not have received.
    Nothing of a field."""
    if not events:
        return ""
    if count == events:
        return "whole events"
    return f"{counted(events, 'whole event')}, {counted(count - events, 'answer')}"


def known_line(use: KnownUse) -> str:
    """What an entry of the known differences allowed, why, and who says so."""
    until = f", until {use.expires}" if use.expires else ""
    issue = f", {use.issue}" if use.issue else ""
    place = f"{use.code} {use.message} {use.field}".rstrip()
    limit = "" if use.at_most is None else f", and at most {use.at_most:,} allowed"
    return f"{place}, {times(use.count)}{limit}: {use.reason} ({use.owner}{issue}{until})"


def policy_lines(policy: Policy) -> Iterator[str]:
    """What the run had to show, where somebody said so; of merged runs with several policies, that it is not one."""
    values = structs.asdict(policy)
    said = [
        f"{key} {_value(values[key])} ({source})" if key in values else source for key, source in policy.sources.items()
    ]
    if said:
        yield "policy: " + ", ".join(said)


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def read_lines(
    capture: CaptureReport, names: tuple[str, str], *, verbose: bool = False, blind: bool = True, hints: bool = True
) -> Iterator[str]:
    """What was read of a capture, which is the same in both directions. ``names``: of the reference and the candidate
    of the move. ``verbose``: each blind spot and each change without a notification; ``blind``: whether blind spots are
    shown at all; ``hints``: whether it is said how to see what is left out, which needs a command line."""
    lines: list[str] = []
    if capture.frames:
        held = f"{counted(capture.messages, 'message')} in {counted(capture.frames, 'datagram')}"
        lines.append(f"{held}: {counted_roles(capture.roles)}")
        events = counted(sum(capture.compared.values()), "event")
        answers = both(in_order(capture.answers, names)) or "0"
        sides = f" ({'/'.join(names)})" if "/" in answers else ""
        messages = "message" if answers == "1" else "messages"
        lines.append(f"compared: {events}, and {answers} {messages} of recorded dumps and replies{sides}")
    if capture.damage is not None:
        place = f" at byte {capture.damage.offset:,}" if capture.damage.offset >= 0 else ""
        lines.append(f"damage{place}: {capture.damage.what} [{capture.damage.code}]")
    if capture.not_covered:
        lines.append(f"datagrams of protocols that were not compared: {_listed(capture.not_covered)}")
    if capture.not_subscribed:
        lines.append(f"notifications of multicast groups that neither joins: {_listed(capture.not_subscribed)}")
    lines += _problems(in_order(capture.problems, names))
    lines += unread_lines(in_order(capture.unknown_types, names), verbose=verbose)
    spots = capture.blind if blind else ()
    lines += blind_lines(spots, capture.blind_changes, verbose=verbose, hints=hints, left_out=capture.blind_left_out)
    for what, counts, changes in (
        (UNANNOUNCED, capture.unannounced_counts, capture.unannounced),
        (MISSED, capture.missed_counts, capture.missed),
    ):
        lines += _brought_to_light(what, counts, changes, verbose=verbose, hints=hints)
    lines += capture.notes
    yield from lines


def _brought_to_light(
    what: str, counts: Mapping[str, int], changes: Sequence[Unannounced], *, verbose: bool, hints: bool
) -> Iterator[str]:
    """Changes without a notification, the first of them one by one; with ``verbose`` all that are kept."""
    if not counts:
        return
    listed = ", ".join(f"{count:,} {change}" for change, count in counts.items())
    yield f"{what}: {listed}"
    shown = changes if verbose else changes[:UNANNOUNCED_SHOWN]
    for found in shown:
        fields = f" ({', '.join(found.fields)})" if found.fields else ""
        yield f"  {found.object} {found.change}{fields}: {found.reason}"
    if more := sum(counts.values()) - len(shown):
        kept = len(changes) - len(shown)
        hint = f"; {'all' if kept == more else f'{kept:,}'} of them with -v" if kept and hints else ""
        yield f"  … and {more:,} more{hint}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


def _problems(problems: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What could not be read, and what the kernel refused; once, where both say the same. Why the two may differ there
    while the verdict does not speak of it, too."""
    found = {name: kinds for name, kinds in problems.items() if kinds}
    alike = len(found) > 1 and len({tuple(kinds.items()) for kinds in found.values()}) == 1
    shown = {"both": next(iter(found.values()))} if alike else found
    lines = [
        f"errors in {name}: " + "; ".join(f"{kind}, {times(count)}" for kind, count in kinds.items())
        for name, kinds in shown.items()
    ]
    return lines if alike or not found else [*lines, ONE_ALONE]
