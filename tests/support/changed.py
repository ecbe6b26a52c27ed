"""Patterns of scenarios, changed so that nothing matches them: by these a scenario shows that it can fail.

Not here: running scenarios with them (``tests/scenario``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import structs

from nlmon.scenario.model import Count, EventPattern, ObjectPattern

__all__ = ["MANY", "changed", "different", "missed"]

NEVER = Count(0, 0)
MANY = 987_654

Pattern = TypeVar("Pattern", EventPattern, ObjectPattern)


def missed(what: str) -> Iterator[str]:
    """What a finding is about, once for each implementation; that of a verdict is about the case."""
    if what.startswith("verdict"):
        yield "verdict"
        return
    names, kind, *_ = what.split(": ")
    yield from (kind for _ in names.split(", "))


def different(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """Each pattern once."""
    found: list[Pattern] = []
    for one in patterns:
        if one not in found:
            found.append(one)
    return tuple(found)


def changed(pattern: Pattern) -> Iterator[Pattern]:
    """The pattern with each of its values changed to one that nothing has; of one that nothing may match, that
    something must."""
    if pattern.count == NEVER:
        yield structs.replace(pattern, count=Count())
        return
    for fields in _other_values(pattern.fields):
        yield structs.replace(pattern, fields=fields, count=Count())


def _other_values(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from ({**fields, name: other} for other in _other_values(value))
        else:
            yield {**fields, name: "none of these" if isinstance(value, str) else [MANY]}
