"""The text of a configuration with the places of its keys, and changes of it.

Not here: which changes (``rewrite``), where a key goes that is new (``added``), and whether a text says what was meant
(``proof``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from nlmon.config.keys import KeyPath
from nlmon.config.names import canonical
from nlmon.migrate.edits import Edit, line_at
from nlmon.migrate.model import Change
from nlmon.migrate.nodes import Node, nodes, read_nodes
from nlmon.yamlfile import Path

__all__ = ["BOM", "Source", "Step", "Value", "split_path"]

BOM = "\ufeff"
_WRAPPER = "nlmon"

# What a key is given: a text, or a list of texts.
Value: TypeAlias = str | list[str]


class Step(Struct, frozen=True):
    """Changes that belong together. ``edits``: None if the text has a form in which they cannot be made; ``means``: by
    path the value that a key has afterwards, None where there is no key of this path or below it any more; ``new``: the
    path and the value of a key that is put in."""

    changes: tuple[Change, ...]
    edits: tuple[Edit, ...] | None
    means: Mapping[Path, Any]
    new: tuple[KeyPath, Value] | None = None


class Source:
    """A text without a byte order mark, in which keys are found by their canonical path."""

    def __init__(self, data: bytes, name: str) -> None:
        text = data.decode()
        self.name = name
        self.mark = BOM if text.startswith(BOM) else ""
        self.text = text.removeprefix(BOM)
        self.root = read_nodes(self.text)
        self._nodes = {node.path: node for node in nodes(self.root)}

    def at(self, path: Path) -> list[Node]:
        """Every node of a key or a section, whichever of its names it has, in the order of the text."""
        return [node for node in self._nodes.values() if node.path and self.path(node) == path]

    def section(self, path: KeyPath) -> Node | None:
        """The first node of a section."""
        return next(iter(self.at(path)), None) if path else None

    def parent(self, node: Node) -> Node:
        """What a node stands in."""
        return self._nodes[node.path[:-1]]

    @property
    def given(self) -> frozenset[Path]:
        """The canonical path of everything that is written."""
        return frozenset(map(self.path, self._nodes.values()))

    @property
    def top(self) -> Node | None:
        """What a new section goes into: the wrapper, if everything is in it."""
        items = self.root.items if self.root is not None else ()
        return items[0] if len(items) == 1 and items[0].path == (_WRAPPER,) and items[0].mapping else self.root

    def line_at(self, path: Path) -> int:
        """The line of what stands at a path, 0 if nothing does."""
        return next(map(self.line, self.at(path)), 0)

    def line(self, node: Node) -> int:
        """The line in which a node begins."""
        return line_at(self.text, node.begin)

    @staticmethod
    def path(node: Node) -> Path:
        """The canonical path of a node."""
        key, inside = split_path(node.path[1:] if node.path[:1] == (_WRAPPER,) else node.path)
        return (*canonical(key), *inside)


def split_path(path: Path) -> tuple[KeyPath, Path]:
    """The path of a key, and that of what is inside of its value."""
    names: list[str] = []
    for part in path:
        if isinstance(part, int):
            break
        names.append(part)
    return tuple(names), path[len(names) :]
