"""What the text of a configuration tells of a move, without any event.

Not here: what is found in it (``nlmon.migrate``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.assess.model import Reason, Weight
from nlmon.migrate.model import Finding, Rewriting
from nlmon.report.model import Direction

__all__ = ["static_reasons"]


def static_reasons(done: Rewriting, direction: Direction) -> Iterator[Reason]:
    """The reasons that stand in a configuration which was rewritten for a direction."""
    for one in done.findings:
        yield _reason(one, direction)


def _reason(one: Finding, direction: Direction) -> Reason:
    where = f"{one.file}:{one.line}" if one.line else one.file
    weight: Weight = "no go" if one.severity == "error" else "note"
    return Reason(one.code, weight, direction, one.what, where, one.hint, one.field)
