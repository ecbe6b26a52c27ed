"""What pytest says of two lists of events that are not equal: the first event that differs, field by field.

Not here: events as JSON lines (``nlmon.eventjson``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nlmon.printable import printable
from nlmon.report.text import counted

__all__ = ["are_events", "explain"]

_ABSENT = "not there"


def are_events(one: object) -> bool:
    """Whether a value is a list of events, as objects or as ``nlmon decode`` prints them."""
    return isinstance(one, list | tuple) and bool(one) and all(map(_is_event, one))


def explain(left: Sequence[Any], right: Sequence[Any]) -> list[str]:
    """Lines for pytest: how many events there are, and how the first one differs, both values one above the other."""
    lines = [f"{counted(len(left), 'event')} == {counted(len(right), 'event')}"]
    for number, (one, other) in enumerate(zip(left, right, strict=False)):
        found = list(_differences(_line(one), _line(other), ""))
        if found:
            lines.append(f"event {number} ({_title(_line(one))}) differs in")
            width = max(len(path) for path, _, _ in found)
            for path, actual, expected in found:
                lines += [f"  {path:{width}}  left   {actual}", f"  {'':{width}}  right  {expected}"]
            return [printable(line) for line in lines]
    longer, side = (left, "left") if len(left) > len(right) else (right, "right")
    if len(left) != len(right):
        number = min(len(left), len(right))
        lines.append(f"event {number} is only in the {side} one: {_title(_line(longer[number]))}")
    return [printable(line) for line in lines]


def _is_event(one: object) -> bool:
    if isinstance(one, Mapping):
        return "netlink" in one or one.get("type") == "overrun"
    return type(one).__module__ == "nlmon.events" and type(one).__name__ == "Event"


def _line(one: Any) -> Mapping[str, Any]:
    if isinstance(one, Mapping):
        return one
    from nlmon.eventjson.write import event_to_dict  # noqa: PLC0415  (lines need it not)

    return event_to_dict(one)


def _title(line: Mapping[str, Any]) -> str:
    netlink = line.get("netlink", {})
    return " ".join(str(one) for one in (netlink.get("msg_type", line.get("type", "")), line.get("interface")) if one)


def _differences(left: Any, right: Any, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in dict.fromkeys((*left, *right)):
            yield from _differences(left.get(key, _ABSENT), right.get(key, _ABSENT), f"{path}.{key}" if path else key)
    elif left != right:
        yield path, _shown(left), _shown(right)


def _shown(value: Any) -> str:
    return value if value is _ABSENT else repr(value)
