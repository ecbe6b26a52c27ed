"""Finds what is old in YAML: in configurations of a monitor, and in scenarios, which hold configurations as texts.

Fields of a filter are found by its parser, and their place is that of the name in the file; where the text does not
stand in the file as it is, because of an escape or a folded line, it is that of the whole filter.

Rules:
1. Any bytes give uses and ``SourceError`` values. YAML that is neither a configuration nor a scenario has no uses,
   whatever its keys are.

Not here: what is old (``table``), and what keys mean (``nlmon.config``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from nlmon.config.entries import SIZE
from nlmon.config.keys import KeyPath, keys, sections
from nlmon.config.kinds import Expression, Unfit
from nlmon.config.names import canonical
from nlmon.config.variables import substitute
from nlmon.deprecations.found import Found
from nlmon.deprecations.table import FILTER_FIELDS, LEGACY
from nlmon.errors import FilterError, SourceError
from nlmon.filters.parse import names_in
from nlmon.yamlfile import Codes, Document, Format, Path, Position, read_document, scalar_text

__all__ = ["find"]

WRAPPER = "nlmon"
_CHOICE = ("netlink", "use_libnl")
# Lists of mappings, and the key of each item that is a filter.
_RULES = {("filters",): "expression", ("alerts",): "condition"}
# Where the C monitor has a language of its own; what is no filter is passed over.
_FREE = {"alerts"}

_Item: TypeAlias = Found | SourceError


_FORMAT = Format(
    noun="document",
    error=SourceError,
    codes=Codes(*["NLM-H003"] * len(Codes._fields)),
    size=SIZE,
    too_large="no configuration is larger; name the files that are meant",
    scalar=scalar_text,
    empty=True,
)


def find(data: bytes, where: str) -> list[_Item]:
    """The uses in a file, and what of it cannot be read; ``where``: what an error calls it."""
    try:
        document = read_document(data, where, _FORMAT)
    except SourceError as error:
        return [error]
    text = _Text(document, data.decode("utf-8-sig").splitlines(), where)
    if isinstance(document.value, Mapping) and "scenario" in document.value:
        return list(_scenario(text, document.value))
    return list(_configuration(text))


class _Text:
    """A document and its lines. ``where``: the file; ``line``, ``column``: what its places begin behind, in a file that
    holds it."""

    def __init__(self, document: Document, lines: list[str], where: str, line: int = 0, column: int = 0) -> None:
        self.document = document
        self.where = where
        self._lines = lines
        self._line = line
        self._column = column

    def place(self, path: Path) -> Position:
        """Where a value begins in the file."""
        line, column = self.document.place(path)
        return self._at(line, column)

    def _at(self, line: int, column: int) -> Position:
        return Position(self._line + line, self._column + column)

    def inside(self, path: Path, text: str, position: int) -> Position:
        """Where a position of a text is, which is the value at a path."""
        line, column = self.document.place(path)
        source = self._lines[line - 1][column - 1 :] if line <= len(self._lines) else ""
        if source.startswith(text):
            return self._at(line, column + position)
        if source.startswith((f"'{text}'", f'"{text}"')):
            return self._at(line, column + 1 + position)
        indent = self.indent(path, text)
        if indent is not None:
            before = text[:position].split("\n")
            return self._at(line + len(before), indent + len(before[-1]) + 1)
        return self._at(line, column)

    def indent(self, path: Path, text: str) -> int | None:
        """How far the lines of a text are set in that stands below its key as it is (``|``); None if it does not."""
        line = self.document.place(path).line
        wanted = text.rstrip("\n").split("\n")
        lines = self._lines[line : line + len(wanted)]
        if len(lines) < len(wanted) or self._head(path)[:1] != "|":
            return None
        indents = {len(one) - len(other) for one, other in zip(lines, wanted, strict=True) if other.strip()}
        same = all(one.endswith(other) for one, other in zip(lines, wanted, strict=True))
        return indents.pop() if same and len(indents) == 1 else None

    def _head(self, path: Path) -> str:
        line, column = self.document.place(path)
        return self._lines[line - 1][column - 1 :] if line <= len(self._lines) else ""

    def holds(self, path: Path, value: str) -> _Text | SourceError:
        """The document that a value is the text of."""
        indent = self.indent(path, value)
        place = self.place(path)
        try:
            document = read_document(value.encode(errors="replace"), self.where, _FORMAT)
        except SourceError as error:
            why = f"{error.what}: {error.why}" if error.why else error.what
            return SourceError(
                "NLM-H003",
                "a configuration in this scenario is no YAML",
                where=self.where,
                why=why,
                hint=error.hint,
                line=place.line,
                column=place.column,
            )
        if indent is None:
            return _Whole(document, [], self.where, place.line, place.column)
        return _Text(document, value.splitlines(), self.where, place.line, indent)


class _Whole(_Text):
    """A document whose text does not stand in the file as it is, so that all of it has one place."""

    def _at(self, line: int, column: int) -> Position:
        return Position(self._line, self._column)


def _configuration(text: _Text) -> Iterator[_Item]:
    value = text.document.value
    if not isinstance(value, Mapping):
        return
    wrapped = value.get(WRAPPER)
    if isinstance(wrapped, Mapping):
        yield from _keys(text, (WRAPPER,), (), wrapped)
    value = {name: one for name, one in value.items() if name != WRAPPER}
    if "netlink" in value or isinstance(wrapped, Mapping) or all(_known((name,)) for name in value):
        yield from _keys(text, (), (), value)


def _known(at: KeyPath) -> bool:
    return canonical(at) in sections() or canonical(at) in keys()


def _keys(text: _Text, written: Path, at: KeyPath, values: Mapping[str, Any]) -> Iterator[_Item]:
    """The uses under a path; ``at``: the same path without the wrapper."""
    for name, value in values.items():
        here, path = (*written, name), canonical((*at, name))
        if path == _CHOICE and isinstance(value, str):
            yield from _choice(text, here, value)
        elif path in _RULES and isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    one = item.get(_RULES[path])
                    yield from _filter(text, (*here, number, _RULES[path]), one, free=path[0] in _FREE)
        elif path in keys() and isinstance(keys()[path].kind, Expression):
            yield from _filter(text, here, value)
        elif isinstance(value, Mapping):
            yield from _keys(text, here, (*at, name), value)


def _choice(text: _Text, path: Path, value: str) -> Iterator[_Item]:
    """The legacy implementation, where it is chosen whatever variables are set to, or where none is set."""
    try:
        chosen = keys()[_CHOICE].kind.read(substitute(value, {}).text)
    except Unfit:
        return
    if chosen is False:
        yield Found(LEGACY, text.place(path))


def _filter(text: _Text, path: Path, value: Any, *, free: bool = False) -> Iterator[_Item]:
    """The old fields of a filter."""
    if not isinstance(value, str) or not value.strip():
        return
    # What variables hold is not known here: their defaults are looked at, and all has the place of the whole.
    put = substitute(value, {}).text
    whole = put != value
    try:
        words = names_in(put, text.where)
    except FilterError as error:
        if not free and not whole:
            line, column = text.inside(path, value, error.position)
            why = f"{error.what}: {error.why}" if error.why else error.what
            what = "this is no filter"
            yield SourceError("NLM-H005", what, where=text.where, why=why, hint=error.hint, line=line, column=column)
        return
    for word in words:
        row = FILTER_FIELDS.get(word.text.lower())
        if row is not None:
            yield Found(row, text.place(path) if whole else text.inside(path, value, word.position))


# -- scenarios -----------------------------------------------------------------------------------------------


def _scenario(text: _Text, value: Mapping[str, Any]) -> Iterator[_Item]:
    for path, one in _values(value, ()):
        if path[-1] == "where" and path[0] == "expect":
            yield from _filter(text, path, one)
        elif _is_configuration(path) and isinstance(one, str):
            held = text.holds(path, one)
            if isinstance(held, SourceError):
                yield held
            else:
                yield from _configuration(held)


def _is_configuration(path: Path) -> bool:
    """Whether a configuration stands at a path: of both implementations or of one, now or from a frame on."""
    if path[0] == "reloads":
        path = path[2:]
    return path[:1] == ("configuration",) and len(path) <= 2


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value that is no mapping and no list, with its path, in the order of the file."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _values(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _values(one, (*path, number))
    elif path:
        yield path, value
