"""Changes of a text at places of it: keys put in and taken out, and values replaced.

Rules:
1. A key that is taken out goes with its lines. Lines between them that are comments stay.
2. What is put in has the indent and the line ends of what stands there.
3. Where a text is of a form that cannot be changed so, there is no edit (None).

Not here: which keys (``rewrite``), and whether the result says what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from nlmon.migrate.nodes import Node, nodes

__all__ = ["Edit", "append", "applied", "line_at", "listed", "put_in", "replaced", "take_out"]

_LINE = re.compile("[^\n]*(?:\n|$)")


class Edit(Struct, frozen=True):
    """The characters from ``start`` to ``end`` of a text become another text."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text after edits that do not touch each other; those at one place in their order."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join((*parts, text[at:]))


def line_at(text: str, position: int) -> int:
    """The line of a character, from 1."""
    return text.count("\n", 0, position) + 1


def replaced(node: Node, text: str) -> Edit:
    """A scalar with another text in its place, quotes and all."""
    return Edit(node.start, node.end, text)


def listed(text: str, node: Node, values: list[str]) -> Edit:
    """A list without brackets, which becomes longer at its end."""
    last = node.items[-1]
    begin = text.rfind("\n", 0, last.start) + 1
    lead = text[begin : last.start]
    more = "".join(f"{_line_end(text)}{lead}{value}" for value in values[len(node.items) :])
    return Edit(last.end, last.end, more)


def take_out(text: str, parent: Node, gone: Collection[Node]) -> list[Edit] | None:
    """Edits that take items out of a mapping."""
    if parent.flow:
        return _out_of_brackets(parent, gone)
    found: list[Edit] = []
    for node in gone:
        begin = text.rfind("\n", 0, node.begin) + 1
        if text[begin : node.begin].strip(" "):
            return None
        end = max(node.begin, len(text[: node.end].rstrip()))
        found += _lines(text, begin, _next_line(text, end), node)
    return found


def put_in(text: str, parent: Node, lines: list[str], *, rest: int) -> Edit | None:
    """An edit that puts keys in at the beginning of a mapping that has a key itself. ``lines``: as they stand in a
    section without indent; ``rest``: how many of its items stay."""
    end = _line_end(text)
    if parent.flow:
        flow = ", ".join(_in_brackets(lines))
        return Edit(parent.start + 1, parent.start + 1, flow + (", " if rest else ""))
    if parent.key is None:
        return None
    if parent.mapping:
        begin = text.rfind("\n", 0, parent.start) + 1
        indent = text[begin : parent.start]
        if indent.strip(" ") or begin <= parent.key[1]:
            return None
    elif parent.empty:
        begin = text.rfind("\n", 0, parent.key[0]) + 1
        indent = text[begin : parent.key[0]] + "  "
    elif parent.text is not None:
        return replaced(parent, "{" + ", ".join(_in_brackets(lines)) + "}")
    else:
        return None
    at = _next_line(text, parent.key[1])
    return Edit(at, at, _ended(text, at, end) + "".join(f"{indent}{line}{end}" for line in lines))


def append(text: str, root: Node | None, lines: list[str]) -> Edit | None:
    """An edit that puts keys in at the end of a mapping, or of a text that holds nothing."""
    end = _line_end(text)
    if root is None or root.empty:
        return Edit(len(text), len(text), _ended(text, len(text), end) + "".join(line + end for line in lines))
    if not root.mapping:
        return None
    if root.flow:
        return put_in(text, root, lines, rest=len(root.items))
    begin = text.rfind("\n", 0, root.start) + 1
    indent = text[begin : root.start]
    at = _next_line(text, max(root.start, len(text[: root.end].rstrip())))
    return Edit(at, at, _ended(text, at, end) + "".join(f"{indent}{line}{end}" for line in lines))


def _out_of_brackets(parent: Node, gone: Collection[Node]) -> list[Edit]:
    found = []
    items = parent.items
    kept = [number for number, item in enumerate(items) if item not in gone]
    for number, item in enumerate(items):
        if item in gone:
            # The comma behind it goes, too; behind the last one there is none, so the one before that goes.
            if number < len(items) - 1 and any(one > number for one in kept):
                found.append(Edit(item.begin, items[number + 1].begin, ""))
            else:
                start = items[kept[-1]].end if kept else item.begin
                return [*found, Edit(start, items[-1].end, "")]
    return found


def _lines(text: str, begin: int, end: int, node: Node) -> Iterator[Edit]:
    """Edits that take lines out, but for those that are comments."""
    scalars = [(one.start, one.end) for one in nodes(node) if one.text is not None]
    at = begin
    for found in _LINE.finditer(text, begin, end):
        hash_at = found.start() + len(found.group()) - len(found.group().lstrip(" \t"))
        comment = found.group().lstrip(" \t").startswith("#")
        if comment and not any(start < hash_at < stop for start, stop in scalars):
            if at < found.start():
                yield Edit(at, found.start(), "")
            at = found.end()
    if at < end:
        yield Edit(at, end, "")


def _in_brackets(lines: list[str]) -> Iterator[str]:
    """Lines of a section as they stand in brackets; a line below a key without a value is in brackets of its own."""
    inner: list[str] = []
    for line in reversed(lines):
        if line.startswith("  "):
            inner.insert(0, line.strip())
        elif inner:
            values = [one.removeprefix("- ") for one in inner]
            form = "[%s]" if inner[0].startswith("- ") else "{%s}"
            yield f"{line} {form % ', '.join(values)}"
            inner = []
        else:
            yield line


def _next_line(text: str, position: int) -> int:
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _line_end(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _ended(text: str, at: int, end: str) -> str:
    """What ends the line before a position, if nothing does."""
    return "" if at == 0 or text[at - 1] == "\n" else end
