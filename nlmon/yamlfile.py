"""Reads a YAML file as plain values, with the line and column of each: mappings with keys that are text, lists, and
scalars. A ``Format`` says what a scalar without quotes is, how large a file may be, and the codes of its mistakes.

Rules:
1. Any bytes give a document or a ``PlacedError`` with a place, in bounded time and memory: a file has a size, values
   nest no deeper than ``DEPTH``, a format may let there be so many and no more, and anchors, aliases and tags are
   refused.

Not here: what the keys mean (``nlmon.scenario``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.errors import PlacedError

__all__ = [
    "DEPTH",
    "NULLS",
    "Codes",
    "Document",
    "Format",
    "Path",
    "Position",
    "event_kind",
    "nearest",
    "read_document",
    "scalar_text",
]

DEPTH = 32
LISTED = 20
# What YAML 1.2 reads as no value.
NULLS = ("", "~", "null", "Null", "NULL")

Path: TypeAlias = tuple[str | int, ...]

# Characters that YAML does not let stand in a file.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# What the parser says of a text in quotes without the second one.
_QUOTED = "while scanning a quoted scalar"
_ENDLESS = {"found unexpected end of stream", "found unexpected document separator"}
# What to look at, by the beginning of what the parser says: its words are about YAML, and not about the mistake.
_HINTS = {
    "mapping values are not allowed here": "look at the indent, for a colon that is missing in the line above, "
    "and for a colon in a text without quotes",
    "could not find expected ':'": "a key has a colon behind it",
    "expected <block end>, but found": "look at the indent, and for quotes in a text",
    "the text in quotes does not end": "put the same quote at its end",
    "found unknown escape character": "write two backslashes for one, or use single quotes",
    "expected escape sequence": "write two backslashes for one, or use single quotes",
    "expected ',' or": "look for a bracket that is not closed",
    "expected the node content": "look for a bracket that is not closed; or put the text in quotes",
    "found character": "put the text in quotes",
}


class Position(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class Document(Struct, frozen=True):
    """A value, and by the path to it the place of each value in it; of what is in a mapping also that of its key."""

    value: Any
    values: dict[Path, Position]
    keys: dict[Path, Position]

    def place(self, path: Path) -> Position:
        """Where a value is, or the innermost one around it that is in the text."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def key_place(self, path: Path) -> Position:
        """Where the key of a value is, or the value if it has none."""
        return self.keys.get(path) or self.place(path)


class Codes(NamedTuple):
    """The code of each mistake that a text can have."""

    encoding: str
    size: str
    syntax: str
    tab: str
    twice: str
    alias: str
    documents: str
    depth: str
    value: str


class Format(Struct, frozen=True):
    """What files of one kind may be. ``noun``: what a file holds; ``size``: bytes that it may have, and ``too_large``
    what to do about more; ``error``: the class of its mistakes. ``scalar``: reads one without quotes, or raises
    ``ValueError`` with what is wrong and what to do; ``empty``: a file may hold nothing, which is None; ``values``: how
    many there may be, None: as many as fit."""

    noun: str
    error: type[PlacedError]
    codes: Codes
    size: int
    too_large: str
    scalar: Callable[[str], Any]
    empty: bool = False
    values: int | None = None


def read_document(data: bytes, where: str, form: Format) -> Document:
    """The document of a file that is called ``where``; raises the error of its format."""
    return _Reader(where, form).read(_decode(data, where, form))


def nearest(word: object, known: Iterable[object]) -> str:
    """Which of the known words is meant, or what they are when there are few; empty if that would not help."""
    words = list(dict.fromkeys(map(str, known)))
    if len(words) == 1:
        return f"it can be {words[0]} alone"
    near = get_close_matches(str(word), words, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"it is one of {', '.join(words)}" if words and len(words) <= LISTED else ""


def _decode(data: bytes, where: str, form: Format) -> str:
    """The text of a file, without a byte order mark."""
    if len(data) > form.size:
        what = f"a {form.noun} has at most {form.size:,} bytes, and this file has more"
        raise form.error(form.codes.size, what, where=where, hint=form.too_large)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_in(data[: error.start].decode("utf-8-sig"))
        what = f"the byte {data[error.start]:#04x} is no UTF-8"
        hint, line, column = "save the file as UTF-8", place.line, place.column
        raise form.error(form.codes.encoding, what, where=where, hint=hint, line=line, column=column) from error
    found = _UNPRINTABLE.search(text)
    if found is not None:
        place = _place_in(text[: found.start()])
        what = f"the character U+{ord(found.group()):04X} may not stand in YAML"
        raise form.error(form.codes.syntax, what, where=where, line=place.line, column=place.column)
    return text


def _place_in(before: str) -> Position:
    lines = _LINE_END.split(before)
    return Position(len(lines), len(lines[-1]) + 1)


class _Reader:
    """Reads one text."""

    def __init__(self, where: str, form: Format) -> None:
        self._where = where
        self._form = form
        self._values: dict[Path, Position] = {}
        self._keys: dict[Path, Position] = {}

    def read(self, text: str) -> Document:
        """The one document of a text."""
        from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only a file needs it)
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        events = iter(YAML(typ="safe", pure=True).parse(text))
        try:
            value: Any = None
            empty = True
            for event in events:
                kind = event_kind(event)
                if kind == "DocumentStart":
                    if not empty:
                        what = f"a file holds one {self._form.noun}, and here begins a second"
                        raise self._error(self._form.codes.documents, what, event)
                    empty = False
                    value = self._value(next(events), events, ())
        except YAMLError as error:
            raise self._syntax(error, text) from error
        except (ValueError, IndexError, AttributeError, AssertionError, TypeError, OverflowError) as error:
            # The parser trips over a few texts instead of refusing them, such as an escape that is no character.
            raise self._mistake(self._form.codes.syntax, "this is no YAML", Position(1, 1)) from error
        if empty:
            if not self._form.empty:
                raise self._mistake(self._form.codes.documents, "the file is empty", Position(1, 1))
            self._values[()] = Position(1, 1)
        return Document(value, self._values, self._keys)

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        kind = event_kind(event)
        if kind == "Alias" or event.anchor:
            what = "anchors and aliases are no part of the format"
            raise self._error(self._form.codes.alias, what, event, hint="write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            # One of a single "!" says nothing to YAML; who writes it may have meant a word of the text.
            local = str(tag).startswith("!")
            hint = "a text that begins with ! stands in quotes" if local else "leave it out"
            raise self._error(self._form.codes.alias, "tags are no part of the format", event, hint=hint)
        if len(path) >= DEPTH and kind != "Scalar":
            raise self._error(self._form.codes.depth, f"values nest deeper than {DEPTH} levels", event)
        if self._form.values is not None and len(self._values) >= self._form.values:
            what = f"a {self._form.noun} has at most {self._form.values:,} values, and here is one more"
            raise self._error(self._form.codes.size, what, event, hint=self._form.too_large)
        self._values[path] = _place(event)
        if kind == "Scalar":
            return self._scalar(event)
        if kind == "SequenceStart":
            return self._list(events, path)
        return self._mapping(events, path)

    def _list(self, events: Iterator[Any], path: Path) -> list[Any]:
        found: list[Any] = []
        while event_kind(event := next(events)) != "SequenceEnd":
            found.append(self._value(event, events, (*path, len(found))))
        return found

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while event_kind(event := next(events)) != "MappingEnd":
            # The path of the key itself is not kept: what is at it is the value.
            key = self._value(event, events, (*path, ""))
            self._values.pop((*path, ""), None)
            if not isinstance(key, str):
                raise self._error(self._form.codes.value, "a key is a text", event, hint="put it in quotes")
            if key in found:
                first = self._keys[(*path, key)]
                what = f"the key {key!r} is given twice"
                raise self._error(self._form.codes.twice, what, event, hint=f"it is in line {first.line}, too")
            self._keys[(*path, key)] = _place(event)
            found[key] = self._value(next(events), events, (*path, key))
            if found[key] is None:
                # A value that is left out has no place of its own.
                self._values[(*path, key)] = self._keys[(*path, key)]
        return found

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if _SURROGATE.search(text):
            raise self._error(self._form.codes.value, "half of a surrogate pair is no character", event)
        if event.style is not None:
            return text
        try:
            return self._form.scalar(text)
        except ValueError as error:
            what, *hint = map(str, error.args)
            raise self._error(self._form.codes.value, what, event, hint="".join(hint)) from error

    def _error(self, code: str, what: str, event: Any, *, hint: str = "") -> PlacedError:
        return self._mistake(code, what, _place(event), hint=hint)

    def _mistake(self, code: str, what: str, place: Position, *, why: str = "", hint: str = "") -> PlacedError:
        where, error = self._where, self._form.error
        return error(code, what, where=where, why=why, hint=hint, line=place.line, column=place.column)

    def _syntax(self, error: Any, text: str) -> PlacedError:
        """What the parser says, in one line; a tab has a code of its own, since it cannot be seen."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "context", None) or "it cannot be read"
        why, codes = " ".join(str(problem).split()), self._form.codes
        if mark is not None and text[mark.index : mark.index + 1] == "\t":
            return self._mistake(codes.tab, "a tab cannot stand here", _at(mark), hint="indent with spaces")
        if getattr(error, "context", None) == _QUOTED and why in _ENDLESS:
            # Where it begins is of more use than the end of the file.
            mark, why = error.context_mark, "the text in quotes does not end"
        hint = next((hint for begin, hint in _HINTS.items() if why.startswith(begin)), "")
        return self._mistake(codes.syntax, "this is no YAML", _at(mark), why=why, hint=hint)


def _at(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark is not None else Position(1, 1)


def scalar_text(text: str) -> str | None:
    """A scalar as its text; None for each of the ways to write no value."""
    return None if text in NULLS else text


def event_kind(event: Any) -> str:
    """What an event of the parser is, such as ``Scalar`` or ``MappingStart``."""
    return type(event).__name__.removesuffix("Event")


def _place(event: Any) -> Position:
    return _at(event.start_mark)
