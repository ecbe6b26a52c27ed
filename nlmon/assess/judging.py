"""What follows from playing recordings, as reasons.

    NLM-I010   the exports differ                                no go
    NLM-I011   the candidate exports more, by the contract       note
    NLM-I012   the candidate exports fewer fields                note
    NLM-I013   the candidate exports no events of a kind         no go
    NLM-I015   a line is of no message of the recording          no go
    NLM-I016   an implementation crashed                         no go
    NLM-I017   numbers or captures that the lines refute         no go
    NLM-I020   there is no recording                             undecided
    NLM-I021   too few events were compared                      undecided
    NLM-I022   a protocol, or a generic family, gave no event    undecided
    NLM-I023   a recording was not compared to its end           undecided
    NLM-I024   events of a kind would pass, and none came        note
    NLM-I025   the implementations differ in what no line shows  no go, undecided where nothing of it was exported, or
                                                                 note where nothing of it can be
    NLM-I026   something of a recording could not be read        note
    NLM-I027   a recording is not whole                          note

Rules:
1. Evidence is that of all recordings together: one that holds nothing for a configuration takes nothing from the
   others. One that could not be read to its end does, since what is missing may differ.

Not here: playing (``dynamic``), and what the text of a configuration says (``static``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from nlmon.assess.decoded import Decoded, Unread
from nlmon.assess.dynamic import Played
from nlmon.assess.model import Reason
from nlmon.migrate.model import Implementation
from nlmon.names import message_type
from nlmon.report.differences import place_of, row_lines
from nlmon.report.model import CaptureReport, DifferenceGroup, Direction
from nlmon.report.text import times

__all__ = ["compared_in_all", "dynamic_reasons", "heard_in_all"]

RECORD = "record the host with nlmon record, while it does what it usually does"
REPORT = "report it, with the recording"
# Kinds that are named in a line.
NAMED = 6


def dynamic_reasons(
    played: Sequence[Played],
    names: tuple[Implementation, Implementation],
    direction: Direction,
    *,
    listened: Iterable[str],
    kinds: Mapping[str, str],
    may_pass: Callable[[int, int], bool],
    min_events: int,
) -> Iterator[Reason]:
    """The reasons of one direction. ``names``: from which implementation it goes to which; ``listened``: names of the
    protocols that the configuration listens to, ``kinds``: of the events that it would export, each with its protocol;
    ``may_pass``: whether it may export events of a protocol and type of messages."""
    if not played:
        yield Reason("NLM-I020", "undecided", direction, "no recording was compared", hint=RECORD)
        return
    exported = frozenset[str]().union(*(one.types for one in played))
    for one in played:
        yield from _of_recording(one, names, direction, exported, may_pass)
    compared, heard = compared_in_all(played), heard_in_all(played)
    total = sum(compared.values())
    if not any(one.reports for one in played):  # which says enough
        return
    if total < min_events:
        why = f"{total:,} events were exported by both, and {min_events:,} are required"
        if not total and any(heard.values()):
            why += f"; {sum(heard.values()):,} came before the filters"
        yield Reason("NLM-I021", "undecided", direction, why, hint=f"{RECORD}, or for longer", count=total)
    for name in listened:
        if not heard.get(name):
            what = f"the configuration listens to {name}, of which no event came"
            yield Reason("NLM-I022", "undecided", direction, what, hint=f"{RECORD}, or switch the protocol off")
    for name in _unresolved(played):
        what = f"the configuration listens to the generic family {name}, which no recording names"
        yield Reason("NLM-I022", "undecided", direction, what, hint=f"{RECORD}, or take it out of generic_families")
    if unseen := [
        kind for kind, name in kinds.items() if heard.get(name) and not any(kind in one.kinds for one in played)
    ]:
        what = f"no event of {', '.join(unseen)} came, so of these nothing was compared"
        yield Reason("NLM-I024", "note", direction, what, hint="record them, too, if they matter to you")


def _of_recording(
    one: Played,
    names: tuple[Implementation, Implementation],
    direction: Direction,
    exported: Collection[str],
    may_pass: Callable[[int, int], bool],
) -> Iterator[Reason]:
    """The reasons of one recording. ``exported``: names of the types of messages that were exported of any."""
    if one.failure is not None:
        failed = one.failure
        if failed.crashed is not None:
            what = f"{failed.crashed} crashed: {failed.error}"
            yield Reason("NLM-I016", "no go", direction, what, one.path, REPORT)
        else:
            yield Reason("NLM-I023", "undecided", direction, failed.error, failed.where or one.path, failed.hint)
    for stray in one.strays:
        yield Reason("NLM-I015", "no go", direction, f"{stray.name} exports {stray.why}", f"{one.path}, {stray.line}")
    for report in one.reports:
        if report.direction == direction:
            yield from _of_report(report, names, direction)
    for disagreeing in one.disagreeing:
        yield Reason("NLM-I017", "no go", direction, disagreeing, one.path, REPORT)
    if one.decoded is not None:
        kept = _kept_back(one.decoded.types, exported, may_pass)
        yield from _of_decoded(one, one.decoded, names, direction, kept)


def _kept_back(
    types: Iterable[tuple[int, int]], exported: Collection[str], may_pass: Callable[[int, int], bool]
) -> dict[str, bool]:
    """Types of messages of which both gave events and none was exported, in no recording, since what passes in one does
    on the host; and of each whether one might be."""
    named = ((message_type(*one), may_pass(*one)) for one in types)
    return {name: possible for name, possible in named if name not in exported}


def _of_decoded(
    one: Played, decoded: Decoded, names: tuple[str, str], direction: Direction, kept: Mapping[str, bool]
) -> Iterator[Reason]:
    """What the exports do not show. ``kept``: see ``_kept_back``."""
    reports = [report for report in one.reports if report.direction == direction]
    shown = {(group.message, group.field) for report in reports for group in report.groups}
    for report in decoded.reports:
        if report.direction == direction:
            for group in report.groups:
                if (group.message, group.field) not in shown:
                    unseen = (group.cls, group.message, group.field) in decoded.in_answers
                    exported = not unseen and group.message not in kept
                    possible = not unseen and kept.get(group.message, True)
                    yield _decoded_otherwise(group, report.path, names, direction, exported=exported, possible=possible)
    for name in dict.fromkeys(unread.names for unread in decoded.unread):
        yield _unread([unread for unread in decoded.unread if unread.names == name], one.path, direction)
    for what in decoded.lacking:
        yield Reason("NLM-I027", "note", direction, f"{what}, and nothing of it was compared", one.path, RECORD)


def _decoded_otherwise(
    group: DifferenceGroup,
    path: str,
    names: tuple[str, str],
    direction: Direction,
    *,
    exported: bool,
    possible: bool,
) -> Reason:
    """``exported``: whether events of such messages are exported, ``possible``: whether they may be."""
    first, lines = group.first, tuple(row_lines(group.first, names))
    where = f"{path}, {place_of(first)}"
    if group.cls == "crash":
        raised = f"an implementation crashed: {first.reason}"
        return Reason("NLM-I016", "no go", direction, raised, where, REPORT, count=group.count, evidence=lines)
    about = " ".join(filter(None, (group.message, group.field)))
    what, hint = f"{group.cls}: {about}, as nlmon replay compares them", f"nlmon explain {first.code}"
    if not exported:
        what += "; no such event has passed the filters, and one may" if possible else ", and none of it is exported"
    return Reason(
        "NLM-I025",
        "no go" if exported else "undecided" if possible else "note",
        direction,
        what,
        where,
        hint,
        group.field,
        group.count,
        lines,
    )


def _unread(found: Sequence[Unread], path: str, direction: Direction) -> Reason:
    """What one side, or both, say that they could not read in a recording; what stood there nobody knows."""
    count = sum(one.count for one in found)
    who = "neither side could read" if len(found[0].names) > 1 else f"{found[0].names[0]} alone could not read"
    more = len(found) - NAMED
    lines = [f"{times(one.count)}: {one.first}" for one in found[:NAMED]]
    lines += [f"… and {more:,} more kinds"] if more > 0 else []
    what = f"{who} something {times(count)}, of which nothing was compared; first {found[0].first}"
    return Reason("NLM-I026", "note", direction, what, path, "look at what sends it", "", count, tuple(lines))


def _of_report(report: CaptureReport, names: tuple[str, str], direction: Direction) -> Iterator[Reason]:
    for group in report.groups:
        yield _difference(group, report.path, names, direction)
    if report.lost_events:
        what = f"{names[1]} exports no {_named(report.lost_events)}, which {names[0]} exports"
        hint = f"stay with {names[0]} if they are needed"
        yield Reason("NLM-I013", "no go", direction, what, report.path, hint, count=sum(report.lost_events.values()))
    if values := {name: n for name, n in report.losses.items() if "." in name}:
        what = f"{names[1]} does not export {_named(values)}, by the contract"
        yield Reason("NLM-I012", "note", direction, what, report.path, count=sum(values.values()))
    if report.enhancements:
        what = f"{names[1]} also exports {_named(report.enhancements)}, by the contract"
        yield Reason("NLM-I011", "note", direction, what, report.path, count=sum(report.enhancements.values()))


def _difference(group: DifferenceGroup, path: str, names: tuple[str, str], direction: Direction) -> Reason:
    first = group.first
    what = f"{group.cls}: {group.message}{f' {group.field}' if group.field else ''}, in the exports"
    where = f"{path}, {place_of(first)}"
    hint = f"nlmon explain {first.code}"
    lines = tuple(row_lines(first, names))
    return Reason("NLM-I010", "no go", direction, what, where, hint, group.field, group.count, lines)


def _named(counts: dict[str, int]) -> str:
    """Kinds, and how often, the most frequent first."""
    found = [f"{name} ({n:,})" for name, n in Counter(counts).most_common(NAMED)]
    more = len(counts) - len(found)
    return ", ".join(found) + (f" and {more:,} more" if more else "")


def compared_in_all(played: Iterable[Played]) -> dict[str, int]:
    """Events that both sides have exported, by protocol."""
    found: Counter[str] = Counter()
    for one in played:
        for report in one.reports[:1]:  # of both directions they are the same
            found.update(report.compared)
    return dict(found)


def _unresolved(played: Iterable[Played]) -> list[str]:
    """Generic families that are asked for, and that none of the recordings names."""
    found = [one.decoded.unresolved for one in played if one.decoded is not None]
    return sorted(frozenset.intersection(*found)) if found else []


def heard_in_all(played: Iterable[Played]) -> dict[str, int]:
    """Events before the filters, by protocol."""
    found: Counter[str] = Counter()
    for one in played:
        found.update(one.heard)
    return dict(found)
