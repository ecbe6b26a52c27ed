"""Holds events against what a scenario expects of them: which fields differ, how often, and in which order.

Rules:
1. An event is what ``nlmon decode`` prints of it. A pattern names fields of the object ``netlink`` and those beside it;
   whatever it does not name may be anything.
2. A number stands for a name, too: ``msg_type: 16`` is ``msg_type: RTM_NEWLINK``. A single value holds of a list that
   has it, ``flags: UP``; a list holds of the same list. ``null`` is a field that the message did not carry.
3. The implementations that are judged never see a pattern.
4. A filter is held against the event itself, and not against its line.

Not here: how patterns are written (``schema``), and where events come from (``nlmon.engine``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from nlmon.events import UNSET, Event
from nlmon.filters.compile import read_field
from nlmon.filters.fields import Field
from nlmon.scenario.model import EventPattern

__all__ = [
    "EventCounts",
    "EventOrder",
    "FieldDifference",
    "Unmet",
    "check_events",
    "explain_unmet",
    "match",
]

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
    differs from it in the fewest fields, None if there is no event, ``differences``: which fields these are, and
    ``frame``: where it stands in the capture."""

    pattern: EventPattern
    number: int
    found: int
    nearest: int | None = None
    differences: tuple[FieldDifference, ...] = ()
    frame: int = 0


def match(fields: Mapping[str, Any], line: Line) -> list[FieldDifference]:
    """The fields in which an event is not as expected; none if it matches."""
    outer = {name: value for name, value in line.items() if name != "netlink"}
    return list(_differences(fields, {**_LEFT_OUT, **outer, **line.get("netlink", {})}, ""))


class EventCounts:
    """Holds events against patterns, each by itself and in any order. ``by``: the implementation that gives the events;
    patterns for another one are left out."""

    def __init__(self, patterns: Sequence[EventPattern], by: str = "") -> None:
        self._patterns = _for(patterns, by)
        self._found = [0] * len(self._patterns)
        self._near: list[_Near | None] = [None] * len(self._patterns)
        self._lines = 0

    def add(self, line: Line, event: Event | None = None) -> None:
        """Take the next event, as a line and, for filters, as it is."""
        for place, (_, pattern) in enumerate(self._patterns):
            differences = _unlike(pattern, line, event)
            if differences:
                self._near[place] = _nearer(self._near[place], differences, line, self._lines)
            else:
                self._found[place] += 1
        self._lines += 1

    def unmet(self) -> list[Unmet]:
        """The patterns of which there are not as many events as expected so far."""
        return [
            _unmet(pattern, number, found, near if found < pattern.count.least else None)
            for (number, pattern), found, near in zip(self._patterns, self._found, self._near, strict=True)
            if found not in pattern.count
        ]


class EventOrder:
    """Holds events against patterns of which each comes behind the one before it. Events may stand between them; of a
    count only the least number is asked for."""

    def __init__(self, patterns: Sequence[EventPattern], by: str = "") -> None:
        self._patterns = _for(patterns, by)
        self._at = self._found = self._lines = 0
        self._near: _Near | None = None
        self._skip()

    def add(self, line: Line, event: Event | None = None) -> None:
        """Take the next event, as a line and, for filters, as it is."""
        if self._at < len(self._patterns):
            differences = _unlike(self._patterns[self._at][1], line, event)
            if differences:
                self._near = _nearer(self._near, differences, line, self._lines)
            else:
                self._found += 1
                self._skip()
        self._lines += 1

    def unmet(self) -> list[Unmet]:
        """The pattern whose events did not come so far, if there is one."""
        if self._at == len(self._patterns):
            return []
        number, pattern = self._patterns[self._at]
        return [_unmet(pattern, number, self._found, self._near)]

    def _skip(self) -> None:
        """Go on to the next pattern while that one has its events."""
        while self._at < len(self._patterns) and self._found >= self._patterns[self._at][1].count.least:
            self._at, self._found, self._near = self._at + 1, 0, None


def check_events(patterns: Sequence[EventPattern], lines: Iterable[Line]) -> list[Unmet]:
    """The patterns of which there are not as many events as expected, in any order."""
    counts = EventCounts(patterns)
    for line in lines:
        counts.add(line)
    return counts.unmet()


def explain_unmet(unmet: Unmet, kind: str = "event") -> list[str]:
    """Lines for people: what was expected, and of the nearest event, or object of a ``kind``, expected and actual
    values, one above the other."""
    where = unmet.pattern.where
    fields = unmet.pattern.fields if where is None else {**unmet.pattern.fields, "where": where.text}
    wanted = msgspec.json.encode(fields).decode()
    lines = [f"expected {unmet.pattern.count}, found {unmet.found}: {wanted}"]
    if not unmet.differences:
        return lines
    width = max(len(one.path) for one in unmet.differences)
    at = f" (frame {unmet.frame})" if unmet.frame else ""
    lines.append(f"  the nearest {kind}{at} differs in")
    for one in unmet.differences:
        lines.append(f"    {one.path:{width}}  expected {one.expected}")
        lines.append(f"    {'':{width}}  actual   {one.actual}")
    return lines


def _unlike(pattern: EventPattern, line: Line, event: Event | None) -> list[FieldDifference]:
    """What of an event is not as a pattern says; a filter that does not match is one difference, with the values of its
    fields."""
    differences = match(pattern.fields, line)
    where = pattern.where
    if where is not None and (event is None or not where.matches(event)):
        values = "" if event is None else ", ".join(_field(field, event) for field in where.fields)
        differences.append(FieldDifference("where", where.text, values or "not so"))
    return differences


def _field(field: Field, event: Event) -> str:
    value = read_field(field, event)
    return f"{field.path} {'not provided' if value is UNSET else _show(value)}"


class _Near(NamedTuple):
    """The event that is nearest to a pattern so far."""

    distance: int
    place: int
    frame: int
    differences: tuple[FieldDifference, ...]


def _for(patterns: Sequence[EventPattern], by: str) -> list[tuple[int, EventPattern]]:
    """Patterns for an implementation, with their numbers."""
    return [(number, one) for number, one in enumerate(patterns, 1) if not (by and one.by and one.by != by)]


def _nearer(near: _Near | None, differences: list[FieldDifference], line: Line, place: int) -> _Near:
    """The nearer one of two events: another type of message is further away than another value."""
    distance = sum(10 if difference.path == "msg_type" else 1 for difference in differences)
    if near is not None and near.distance <= distance:
        return near
    return _Near(distance, place, line.get("frame", 0), tuple(differences))


def _unmet(pattern: EventPattern, number: int, found: int, near: _Near | None) -> Unmet:
    if near is None:
        return Unmet(pattern, number, found)
    return Unmet(pattern, number, found, near.place, near.differences, near.frame)


def _differences(expected: Mapping[str, Any], actual: Mapping[str, Any], before: str) -> Iterator[FieldDifference]:
    numbers = actual.get("_num", {})
    for name, value in expected.items():
        yield from _compare(value, actual.get(name, _ABSENT), numbers.get(name, _ABSENT), f"{before}{name}")


def _compare(expected: Any, actual: Any, number: Any, path: str) -> Iterator[FieldDifference]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        yield from _differences(expected, actual, f"{path}.")
    elif _holds(expected, actual) or _same(expected, number):
        return
    elif _is_list(expected) and _is_list(actual) and len(expected) == len(actual):
        for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _compare(one, other, _ABSENT, f"{path}[{place}]")
    else:
        yield FieldDifference(path, _show(expected), _show(actual))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


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
    return value if isinstance(value, str) else msgspec.json.encode(_named(value)).decode()


def _named(value: Any) -> Any:
    """A value without the numbers that stand beside names."""
    if isinstance(value, Mapping):
        return {name: _named(one) for name, one in value.items() if name != "_num"}
    return [_named(one) for one in value] if _is_list(value) else value
