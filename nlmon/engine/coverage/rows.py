"""Blind spots as rows of a report, by the kernel's names.

Not here: counting (``count``), and the report (``nlmon.engine.summary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from nlmon.engine.coverage.changes import Changes
from nlmon.engine.coverage.count import Coverage
from nlmon.engine.coverage.readings import NEITHER
from nlmon.names.attributes import attribute_name
from nlmon.report.model import BlindChange, BlindSpot
from nlmon.report.text import counted

__all__ = ["blind_changes", "blind_rows", "blind_spots", "unseen_notes"]

# Kinds of one row that are named.
KINDS_SHOWN = 100


def blind_rows(coverage: Coverage, changes: Changes, names: tuple[str, str]) -> dict[str, Any]:
    """What a report says of all this, by the names of its fields; ``names``: of the two."""
    return {
        "blind": blind_spots(coverage, names),
        "blind_left_out": coverage.counts.left_out + changes.others,
        "blind_changes": blind_changes(changes),
    }


def unseen_notes(coverage: Coverage) -> Iterator[str]:
    """Notes on messages that were not searched, or not read to their end."""
    if coverage.undeclared:
        were = counted(coverage.undeclared, "message was", "messages were")
        yield f"{were} not searched for blind spots: an implementation does not declare what it reads"
    if coverage.cut:
        are = counted(coverage.cut, "audit record is", "audit records are")
        yield f"{are} of the audit daemon's own stream, whose length leaves out the header: the end of each is not read"


def blind_spots(coverage: Coverage, names: tuple[str, str]) -> list[BlindSpot]:
    """What of the messages is not read by both, what neither reads first, each the most frequent first; ``names``: of
    the two."""
    coverage.settle()
    messages: Counter[tuple[int, str, tuple[int, ...]]] = Counter()
    kinds: dict[tuple[int, str, tuple[int, ...]], Counter[str]] = {}
    for (label, part), times in coverage.counts.messages.items():
        key = part.readers, label, part.path
        messages[key] += times
        if part.kind:
            kinds.setdefault(key, Counter())[part.kind] += times
    rows = [
        BlindSpot(
            message=label,
            attribute=attribute_name(label, path),
            read_by="" if readers == NEITHER else names[readers - 1],
            messages=times,
            kinds=dict(sorted(kinds.get((readers, label, path), Counter()).most_common(KINDS_SHOWN), key=_most)),
        )
        for (readers, label, path), times in messages.items()
    ]
    return sorted(rows, key=lambda row: (bool(row.read_by), -row.messages, row.message, row.attribute))


def _most(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def blind_changes(changes: Changes) -> list[BlindChange]:
    """Changes that show in blind attributes alone, by the attributes, the most frequent first."""
    found: dict[tuple[str, tuple[str, ...]], BlindChange] = {}
    for change in changes.found.values():
        attributes = tuple(dict.fromkeys(attribute_name(change.root, path, kinds) for path, kinds in change.places))
        key = change.label, attributes
        before = found.get(key)
        count, frame = change.count, change.frame
        if before is not None:
            count, frame = count + before.count, min(frame, before.frame)
        found[key] = BlindChange(*key, count, frame)
    return sorted(found.values(), key=lambda row: (-row.count, row.frame))
