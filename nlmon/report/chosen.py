"""Differences of some classes one by one, and what one implementation alone provides by kind and field, as lines.

Rules:
1. What is left out is counted, with what shows more of it.

Not here: differences in groups (``differences``), and the report that these stand in (``pretty``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nlmon.compare.difference import Class
from nlmon.report.differences import row_lines
from nlmon.report.model import CaptureReport
from nlmon.report.sentences import would_be_lost
from nlmon.report.text import counted

__all__ = ["chosen_lines", "enhancement_lines", "loss_lines"]

# Differences of a class that are shown unless a limit says how many.
SHOWN = 20


def chosen_lines(
    capture: CaptureReport, names: tuple[str, str], classes: Collection[str], limit: int | None = None
) -> Iterator[str]:
    """The differences of some classes, each by itself, at most ``limit`` of a class. ``names``: of the reference and
    the candidate in the direction of the report. What the contract gives to one of the two alone is counted by field,
    and stands so here, too."""
    for cls in Class:
        if cls.label not in classes:
            continue
        if cls is Class.ENHANCEMENT:
            yield from enhancement_lines(capture, names, limit)
        elif cls is Class.SERVICE:
            yield from loss_lines(capture, names, limit)
        else:
            yield from _one_by_one(capture, names, cls, SHOWN if limit is None else limit)


def enhancement_lines(capture: CaptureReport, names: tuple[str, str], limit: int | None = None) -> Iterator[str]:
    """What the candidate alone provides, as the contract says: a line for each kind of message."""
    return _by_kind(f"{names[1]} alone provides", capture.enhancements, limit)


def loss_lines(capture: CaptureReport, names: tuple[str, str], limit: int | None = None) -> Iterator[str]:
    """What the reference alone provides, as the contract says: a line for each kind of message."""
    return _by_kind(would_be_lost(names), capture.losses, limit)


def _by_kind(what: str, counts: Mapping[str, int], limit: int | None) -> Iterator[str]:
    """How often there was each field, the most frequent first; of at most ``limit`` fields in all. A message as a whole
    is an event or an answer."""
    if not counts:
        return
    yield f"{what}:"
    kinds: dict[str, list[str]] = {}
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    for name, count in ordered[:limit]:
        kind, _, field = name.partition(".")
        kinds.setdefault(kind, []).append(f"{field or 'whole messages'} {count:,}")
    for kind, fields in sorted(kinds.items()):
        yield f"  {kind}: {', '.join(fields)}"
    if limit is not None and len(ordered) > limit:
        yield f"  … and {counted(len(ordered) - limit, 'more field')}; see --limit"


def _one_by_one(capture: CaptureReport, names: tuple[str, str], cls: Class, limit: int) -> Iterator[str]:
    kept = [row for row in capture.details if row.cls == cls.label]
    for row in kept[:limit]:
        yield from row_lines(row, names)
    more = capture.differences.get(cls.label, 0) - min(limit, len(kept))
    if more > 0:
        where = "see --limit" if len(kept) > limit else "see --format jsonl"
        yield f"… and {more:,} more of class {cls.label}; {where}"
