"""The text of a YAML file as nodes, with the characters at which each begins and ends.

Rules:
1. A text is read that ``nlmon.yamlfile`` has read before, so there are no anchors, no tags and one document.
2. A collection that has no brackets ends with its last value; comments and blank lines behind that are not part of it.
3. A key that stands behind a question mark begins with that, and ends with the colon of its value.

Not here: what the keys mean (``nlmon.config``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from nlmon.yamlfile import Path, event_kind

__all__ = ["Node", "nodes", "read_nodes"]


# What may stand between a key behind a question mark and its value.
_COLON = re.compile(r"\s*(?:#[^\n]*\n\s*)*:")


class Node(Struct, frozen=True):
    """A value at a path. ``start`` and ``end``: its characters; ``key``: those of its key, if it has one. ``text``: of
    a scalar; ``flow``: whether a collection has brackets; ``items``: what is in it."""

    path: Path
    start: int
    end: int
    key: tuple[int, int] | None = None
    text: str | None = None
    mapping: bool = False
    flow: bool = False
    items: tuple[Node, ...] = ()

    @property
    def begin(self) -> int:
        """Where it begins, with its key."""
        return self.start if self.key is None else self.key[0]

    @property
    def empty(self) -> bool:
        """Whether nothing is written: its key has a colon and no value."""
        return self.text is not None and self.start == self.end


def read_nodes(text: str) -> Node | None:
    """The value of a text without a byte order mark; None if it holds nothing."""
    from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only a file needs it)

    events = iter(YAML(typ="safe", pure=True).parse(text))
    for event in events:
        if event_kind(event) == "DocumentStart":
            return _node(text, next(events), events, (), None)
    return None


def nodes(root: Node | None) -> Iterator[Node]:
    """A node and all that is in it, in the order of the text."""
    if root is not None:
        yield root
        for item in root.items:
            yield from nodes(item)


def _node(text: str, event: Any, events: Iterator[Any], path: Path, key: tuple[int, int] | None) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    kind = event_kind(event)
    if kind == "Scalar":
        return Node(path, start, end, key, event.value)
    mapping, flow = kind == "MappingStart", bool(event.flow_style)
    items: list[Node] = []
    while not event_kind(event := next(events)).endswith("End"):
        if mapping:
            at = _key(text, event.start_mark.index, event.end_mark.index)
            items.append(_node(text, next(events), events, (*path, event.value), at))
        else:
            items.append(_node(text, event, events, (*path, len(items)), None))
    if flow:
        end = event.end_mark.index
    elif items:
        end = items[-1].end
    return Node(path, start, end, key, None, mapping, flow, tuple(items))


def _key(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a key begins and ends whose name has these characters."""
    before = start
    while before and text[before - 1] == " ":
        before -= 1
    if before == start or text[before - 1] != "?":
        return start, end
    colon = _COLON.match(text, end)
    return before - 1, end if colon is None else colon.end()
