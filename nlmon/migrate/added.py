"""Where keys go that a text does not have.

Rules:
1. All keys that go into one section go there together. The choice of an implementation is the first key of its section,
   all else stands at the end.

Not here: which keys (``rewrite``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

from msgspec.structs import replace

from nlmon.config.keys import KeyPath
from nlmon.migrate.edits import Edit, append, put_in
from nlmon.migrate.steps import Source, Step, Value
from nlmon.yamlfile import Path

__all__ = ["CHOICE", "placed"]

CHOICE: KeyPath = ("netlink", "use_libnl")


def placed(source: Source, steps: Iterable[Step]) -> Iterator[Step]:
    """Steps with the edits of their new keys; the first of those that go into one section has them for all."""
    found = list(steps)
    gone = {
        node.path for step in found for path, value in step.means.items() if value is None for node in source.at(path)
    }
    new = [(step.new[0], step.new[1]) for step in found if step.new is not None]
    by_section: dict[KeyPath, list[tuple[KeyPath, Value]]] = {}
    for path, value in new:
        by_section.setdefault(_nearest(source, path[:-1]), []).append((path, value))
    for step in found:
        section = None if step.new is None else _nearest(source, step.new[0][:-1])
        if section is not None and section in by_section:
            edits = _edits(source, section, by_section.pop(section), gone)
            step = replace(step, edits=None if None in edits else tuple(edit for edit in edits if edit is not None))
        yield step


def _nearest(source: Source, path: KeyPath) -> KeyPath:
    """The innermost section on a path that the text has."""
    while path and source.section(path) is None:
        path = path[:-1]
    return path


def _edits(
    source: Source, section: KeyPath, new: Iterable[tuple[KeyPath, Value]], gone: Collection[Path]
) -> list[Edit | None]:
    node = source.section(section) if section else source.top
    inside = [(path[len(section) :], value) for path, value in new]
    if not section or node is None:
        return [append(source.text, node, list(_lines(inside)))]
    rest = sum(item.path not in gone for item in node.items)
    if not node.mapping or node.flow:
        return [put_in(source.text, node, list(_lines(inside)), rest=rest)]
    first = [one for one in inside if (*section, *one[0]) == CHOICE]
    later = [one for one in inside if one not in first]
    return [
        *([put_in(source.text, node, list(_lines(first)), rest=rest)] if first else []),
        *([append(source.text, node, list(_lines(later)))] if later else []),
    ]


def _lines(keys: Iterable[tuple[KeyPath, Value]], indent: str = "") -> Iterator[str]:
    """The lines of keys by their paths below a section."""
    for first, group in groupby(keys, key=lambda one: one[0][0]):
        own = [(path[1:], value) for path, value in group]
        path, value = own[0]
        if path:
            yield f"{indent}{first}:"
            yield from _lines(own, indent + "  ")
        else:
            yield f"{indent}{first}: {value if isinstance(value, str) else '[' + ', '.join(value) + ']'}"
