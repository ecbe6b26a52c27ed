"""What the page shows of a case, as its template wants it.

Rules:
1. Sentences are those of the other reports (``sentences``, ``differences``).
2. Every list is bounded, and what it leaves out is counted in a sentence beside it.

Not here: how it looks (the template), and what is drawn (``message``, ``timeline``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct, structs

from nlmon.report.differences import counts_by_class, place_of
from nlmon.report.evidence import Example
from nlmon.report.model import CaptureReport, DifferenceGroup, in_direction, labels
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Finding, unexpected_verdict
from nlmon.report.page.message import FieldRow, byte_lines, field_rows
from nlmon.report.page.timeline import Drawing, draw
from nlmon.report.page.view import moment
from nlmon.report.sentences import in_order, known_line, losses, read_lines, would_be_lost
from nlmon.report.text import counted, shortened, times

__all__ = ["Case", "ShownGroup", "case_of"]

Examples: TypeAlias = Mapping[tuple[str, str, str], Example]

DIFFERENCES_SHOWN, STATES_SHOWN, LOSSES_SHOWN, KNOWN_SHOWN, READ_SHOWN = 50, 50, 100, 100, 50
# Of a case in short: characters of each text, and classes of differences.
TEXT_LONG, CLASSES_SHOWN = 1_000, 50
# The class of a difference of the final states.
STATE = "NLD105"


class ShownGroup(Struct, frozen=True):
    """One group of differences with its first. ``fields``: those in which the two events differ, or of one event all;
    ``alone``: those that one of them alone gives; ``same``: the others; ``values``: the two where there are no events;
    ``lines``: bytes of the message, under the sentence ``bytes_are``."""

    id: str
    group: DifferenceGroup
    times: str
    where: str
    open: bool
    example: Example | None
    fields: list[FieldRow]
    alone: list[FieldRow]
    same: list[FieldRow]
    values: list[FieldRow]
    lines: list[tuple[str, list[tuple[str, str]]]]
    bytes_are: str


class Case(Struct, frozen=True):
    """A case. ``host``: whose it is, where there are several; ``about``: what its closed line says;
    ``expected``: its verdict is no surprise; ``left_out``: what
    there is no room for; ``names``: of reference and candidate; ``states``: lines of a diff, each with its sign."""

    result: CaseResult
    host: str
    open: bool
    about: str
    expected: bool
    classes: list[str]
    why: list[str]
    left_out: str = ""
    names: tuple[str, str] = ("", "")
    findings: tuple[Finding, ...] = ()
    timeline: Drawing | None = None
    began: str = ""
    ended: str = ""
    differences: list[ShownGroup] = []
    differences_left_out: str = ""
    states: list[tuple[str, str]] = []
    states_left_out: str = ""
    lost: str = ""
    losses: list[tuple[str, str, str, str]] = []
    losses_left_out: str = ""
    known: list[str] = []
    read: list[str] = []


def case_of(result: CaseResult, number: int, *, brief: bool = False) -> Case:
    """A case by its place on the page; the first is open if it did not pass. ``brief``: without its details."""
    report = result.report
    bad = result.outcome in DID_NOT_PASS
    counts = ", ".join(f"{count:,} {cls}" for cls, count in counts_by_class(report).items()) if report else ""
    case = Case(
        result=result,
        host=result.host,
        open=bad and number == 0,
        about=_about(result, counts),
        expected=unexpected_verdict(result) is None,
        classes=list(report.differences) if report else [],
        why=_why(result),
        findings=result.findings,
    )
    if brief:
        return _in_short(case)
    return case if report is None else structs.replace(case, **_details(result, report, f"case-{number}"))


def _in_short(case: Case) -> Case:
    """A case without its details, every text of which is bounded; a command that would be cut is left out."""
    result = case.result
    return structs.replace(
        case,
        result=structs.replace(
            result,
            id=shortened(result.id, TEXT_LONG),
            title=shortened(result.title, TEXT_LONG),
            reproduce=result.reproduce if len(result.reproduce) <= TEXT_LONG else "",
        ),
        host=shortened(case.host, TEXT_LONG),
        about=shortened(case.about, TEXT_LONG),
        why=[shortened(text, TEXT_LONG) for text in case.why],
        classes=[name for name in case.classes if len(name) <= TEXT_LONG][:CLASSES_SHOWN],
        findings=(),
        left_out="The page has no room for the details of this case.",
    )


def _about(result: CaseResult, counts: str) -> str:
    """The reason, if there is one that the verdict beside it does not say; else what it is about, or what was found."""
    plain = result.outcome == "passed" or (result.outcome == "failed" and _is_capture(result))
    return ("" if plain else result.explanation) or result.title or counts


def _why(result: CaseResult) -> list[str]:
    """Why the case is what it is, as far as no finding says it."""
    said = {finding.what for finding in result.findings if not _is_capture(result)}
    reasons = [result.explanation] if result.reason not in said else []
    if result.report is not None and result.report.reason not in {"", result.reason, *said}:
        reasons.append(f"because: {result.report.reason}")
    return [text for text in reasons if text]


def _is_capture(result: CaseResult) -> bool:
    """Whether the case is a capture, whose only finding is what the report says."""
    return result.report is not None and not result.report.scenario


def _details(result: CaseResult, report: CaptureReport, anchor: str) -> dict[str, Any]:
    names = (result.reference, result.candidate)
    shown = labels(names)
    move = in_direction(result.direction, shown)
    examples = {(one.code, one.message, one.field): one for one in report.examples}
    groups, others = report.groups[:DIFFERENCES_SHOWN], report.groups[DIFFERENCES_SHOWN:]
    states = [group for group in report.groups if group.first.code == STATE]
    lost, most = losses(report.losses, report.lost_events), max(report.losses.values(), default=1)
    first, last = report.time or (0, 0)
    return {
        "names": shown,
        "findings": () if _is_capture(result) else result.findings,
        "timeline": draw(report.timeline, _lanes(report, shown), shown, report.frames) if report.timeline else None,
        "began": moment(first) if report.time else "",
        "ended": moment(last) if report.time else "",
        "differences": [
            _difference(group, examples, shown, f"{anchor}-{place}", is_open=place == 0)
            for place, group in enumerate(groups)
        ],
        "differences_left_out": _left_out(len(others), "other kind of differences", "other kinds of differences"),
        "states": [line for group in states[:STATES_SHOWN] for line in _state(group, examples)],
        "states_left_out": _left_out(len(states[STATES_SHOWN:]), "other kind", "other kinds"),
        "lost": f"{would_be_lost(names)}:",
        "losses": [
            (name, f"{count:,}", f"{100 * count / most:.3g}", whole) for name, count, whole in lost[:LOSSES_SHOWN]
        ],
        "losses_left_out": _left_out(len(lost[LOSSES_SHOWN:]), "other event or field", "other events and fields"),
        "known": _first(map(known_line, report.known), KNOWN_SHOWN),
        "read": _first(map(str.strip, read_lines(report, move, hints=False)), READ_SHOWN),
    }


def _lanes(report: CaptureReport, names: tuple[str, str]) -> tuple[str, str]:
    """By what names the counts of a report stand, that of the reference first."""
    found = tuple(in_order(report.events, names))
    return (found[0], found[1]) if len(found) == 2 else names


def _difference(
    group: DifferenceGroup, examples: Examples, names: tuple[str, str], anchor: str, *, is_open: bool
) -> ShownGroup:
    first = group.first
    example = examples.get((first.code, group.message, group.field))
    rows = field_rows(example.reference_event, example.candidate_event, group.field) if example else []
    cut = ", cut" if example and len(example.bytes) < 2 * example.length else ""
    return ShownGroup(
        id=anchor,
        group=group,
        times=times(group.count),
        where=place_of(first),
        open=is_open,
        example=example,
        fields=[row for row in rows if row.how in {"differs", "whole"}],
        alone=[row for row in rows if row.how == "alone"],
        same=[row for row in rows if row.how == "same"],
        values=[FieldRow(group.field or group.message, first.reference, first.candidate, "differs")],
        lines=list(byte_lines(example)) if example else [],
        bytes_are=f"The message, {counted(example.length, 'byte')}{cut}" if example else "",
    )


def _state(group: DifferenceGroup, examples: Examples) -> Iterator[tuple[str, str]]:
    """An object on which the final states differ: what the reference believes, and the candidate."""
    first = group.first
    yield "", f"{first.message} {group.field}".rstrip() + (f", and {group.count - 1:,} more" if group.count > 1 else "")
    example = examples.get((first.code, group.message, group.field))
    sides = (example.reference_event, example.candidate_event) if example else (None, None)
    for sign, value, side in zip("-+", (first.reference, first.candidate), sides, strict=True):
        text = value or (json.dumps(side, ensure_ascii=False) if side else "")
        if text:
            yield sign, text


def _first(lines: Iterable[str], most: int) -> list[str]:
    """At most so many lines, and one that counts the others."""
    found = list(lines)
    return [*found[:most], *filter(None, [_left_out(len(found) - most, "more line", "more lines")])]


def _left_out(count: int, one: str, many: str) -> str:
    return f"… and {counted(count, one, many)}" if count > 0 else ""
