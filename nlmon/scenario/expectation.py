"""Holds events against what a scenario expects of them: which fields differ, how often, and in which order.

Rules:
1. An event is what ``nlmon decode`` prints of it. A pattern names fields of the object ``netlink`` and those beside it;
   whatever it does not name may be anything.
2. A number stands for a name, too: ``msg_type: 16`` is ``msg_type: RTM_NEWLINK``. A single value holds of a list that
   has it, ``flags: UP``; a list holds of the same list. ``null`` is a field that the message did not carry.
3. The implementations that are judged never see a pattern.

Not here: how patterns are written (``schema``), and where events come from (``nlmon.engine``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from nlmon.scenario.model import EventPattern

__all__ = ["FieldDifference", "Unmet", "check_events", "check_order", "explain_unmet", "match"]

Line: TypeAlias = Mapping[str, Any]

_ABSENT = object()
# What ``nlmon decode`` leaves out where it is not so.
_LEFT_OUT = {"synthetic": False, "nsid": None}


class FieldDifference(Struct, frozen=True):
    """A field that is not as expected, by its path, such as ``link.operstate``; both values as text."""

    path: str
    expected: str
    actual: str


class Unmet(Struct, frozen=True):
    """An expectation that does not hold. ``number``: of the pattern in its list, from 1; ``found``: how often it was
    there, in ``in_order`` behind the pattern before it. ``nearest``: the place in the trace, from 0, of the event that
    differs from it in the fewest fields, None if there is no event, and ``differences``: which fields these are."""

    pattern: EventPattern
    number: int
    found: int
    nearest: int | None = None
    differences: tuple[FieldDifference, ...] = ()


def match(fields: Mapping[str, Any], line: Line) -> list[FieldDifference]:
    """The fields in which an event is not as expected; none if it matches."""
    outer = {name: value for name, value in line.items() if name != "netlink"}
    return list(_differences(fields, {**_LEFT_OUT, **outer, **line.get("netlink", {})}, ""))


def check_events(patterns: Sequence[EventPattern], lines: Sequence[Line]) -> list[Unmet]:
    """The patterns of which there are not as many events as expected, in any order."""
    unmet = []
    for number, pattern in enumerate(patterns, 1):
        found = sum(not match(pattern.fields, line) for line in lines)
        if found < pattern.count.least:
            unmet.append(_with_nearest(pattern, number, found, lines))
        elif found not in pattern.count:
            unmet.append(Unmet(pattern, number, found))
    return unmet


def check_order(patterns: Sequence[EventPattern], lines: Sequence[Line]) -> list[Unmet]:
    """The first pattern whose events do not come behind those of the pattern before it, if there is one. Events may
    stand between them; of a count only the least number is asked for."""
    begin = 0
    for number, pattern in enumerate(patterns, 1):
        found, at = 0, begin
        while found < pattern.count.least and at < len(lines):
            found += not match(pattern.fields, lines[at])
            at += 1
        if found < pattern.count.least:
            return [_with_nearest(pattern, number, found, lines, begin)]
        begin = at
    return []


def explain_unmet(unmet: Unmet) -> list[str]:
    """Lines for people: what was expected, and of the nearest event expected and actual values, one above the other."""
    wanted = msgspec.json.encode(unmet.pattern.fields).decode()
    found = f"expected {unmet.pattern.count}, found {unmet.found}"
    lines = [f"event {unmet.number}: {found}: {wanted}"]
    if not unmet.differences:
        return lines
    width = max(len(one.path) for one in unmet.differences)
    lines.append("  the nearest event differs in")
    for one in unmet.differences:
        lines.append(f"    {one.path:{width}}  expected {one.expected}")
        lines.append(f"    {'':{width}}  actual   {one.actual}")
    return lines


def _with_nearest(pattern: EventPattern, number: int, found: int, lines: Sequence[Line], begin: int = 0) -> Unmet:
    """An expectation that too few events meet. Events that match are not near to it, they are it."""
    differing = ((at, match(pattern.fields, lines[at])) for at in range(begin, len(lines)))
    near = min(((at, found) for at, found in differing if found), key=_distance, default=None)
    if near is None:
        return Unmet(pattern, number, found)
    return Unmet(pattern, number, found, near[0], tuple(near[1]))


def _distance(one: tuple[int, list[FieldDifference]]) -> tuple[int, int]:
    """How far an event is from a pattern: another type of message is further away than another value."""
    return sum(10 if difference.path == "msg_type" else 1 for difference in one[1]), one[0]


def _differences(expected: Mapping[str, Any], actual: Mapping[str, Any], before: str) -> Iterator[FieldDifference]:
    numbers = actual.get("_num", {})
    for name, value in expected.items():
        yield from _compare(value, actual.get(name, _ABSENT), numbers.get(name, _ABSENT), f"{before}{name}")


def _compare(expected: Any, actual: Any, number: Any, path: str) -> Iterator[FieldDifference]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        yield from _differences(expected, actual, f"{path}.")
    elif not (_holds(expected, actual) or _same(expected, number)):
        yield FieldDifference(path, _show(expected), _show(actual))


def _holds(expected: Any, actual: Any) -> bool:
    """Whether a value is the expected one, or a list that has it."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return not any(_differences(expected, actual, ""))
    if isinstance(actual, list | tuple):
        if isinstance(expected, list | tuple):
            return len(expected) == len(actual) and all(map(_holds, expected, actual))
        return _any_holds(expected, actual)
    return _same(expected, actual)


def _any_holds(expected: Any, values: Iterable[Any]) -> bool:
    return any(_holds(expected, value) for value in values)


def _same(expected: Any, actual: Any) -> bool:
    """Equal in JSON, where true is not 1."""
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "not provided"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
