"""Reads a YAML document as plain values, with the line and column of each.

What is read is the part of YAML 1.2 that JSON has, too, so that whoever reads the file in another language gets the
same: mappings with keys that are text, lists, text, numbers, ``true``, ``false`` and ``null``. So ``no`` and ``on`` are
text, and so are the date 2026-01-31 and the hardware address 00:00:5e:00:53:01.

Rules:
1. Any bytes give a document or a ``ScenarioError`` with a place, in bounded time and memory: a file has a size, values
   nest no deeper than ``DEPTH``, and anchors, aliases and tags are refused.

Not here: what the keys mean (``schema``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.errors import ScenarioError

__all__ = ["DEPTH", "SIZE", "Document", "Path", "Position", "read_document"]

SIZE = 64 * 1024
DEPTH = 32
DIGITS = 20

Path: TypeAlias = tuple[str | int, ...]

# Of YAML 1.2's core schema what JSON can hold.
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Characters that YAML does not let stand in a file.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


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


def read_document(data: bytes, where: str) -> Document:
    """The document of a file that is called ``where``; raises ``ScenarioError``."""
    return _Reader(where).read(_decode(data, where))


def _decode(data: bytes, where: str) -> str:
    """The text of a file, without a byte order mark."""
    if len(data) > SIZE:
        hint = "give messages in a capture and not in the scenario"
        what = f"a scenario has at most {SIZE:,} bytes, and this file has more"
        raise ScenarioError("NLM-S002", what, where=where, hint=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_in(data[: error.start].decode("utf-8-sig"))
        what = f"the byte {data[error.start]:#04x} is no UTF-8"
        raise ScenarioError("NLM-S001", what, where=where, line=place.line, column=place.column) from error
    found = _UNPRINTABLE.search(text)
    if found is not None:
        place = _place_in(text[: found.start()])
        what = f"the character U+{ord(found.group()):04X} may not stand in YAML"
        raise ScenarioError("NLM-S003", what, where=where, line=place.line, column=place.column)
    return text


def _place_in(before: str) -> Position:
    lines = _LINE_END.split(before)
    return Position(len(lines), len(lines[-1]) + 1)


class _Reader:
    """Reads one text."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._values: dict[Path, Position] = {}
        self._keys: dict[Path, Position] = {}

    def read(self, text: str) -> Document:
        """The one document of a text."""
        from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only a scenario needs it)
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        events = iter(YAML(typ="safe", pure=True).parse(text))
        try:
            value: Any = None
            empty = True
            for event in events:
                kind = _kind(event)
                if kind == "DocumentStart":
                    if not empty:
                        raise self._error("NLM-S007", "a file holds one scenario, and here begins a second", event)
                    empty = False
                    value = self._value(next(events), events, ())
        except YAMLError as error:
            raise self._syntax(error, text) from error
        except (ValueError, IndexError, AttributeError, AssertionError, TypeError, OverflowError) as error:
            # The parser trips over a few texts instead of refusing them, such as an escape that is no character.
            raise ScenarioError("NLM-S003", "this is no YAML", where=self._where, line=1, column=1) from error
        if empty:
            raise ScenarioError("NLM-S007", "the file is empty", where=self._where, line=1, column=1)
        return Document(value, self._values, self._keys)

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        kind = _kind(event)
        if kind == "Alias" or event.anchor:
            what = "anchors and aliases are no part of the format"
            raise self._error("NLM-S006", what, event, hint="write the value out")
        if getattr(event, "tag", None) not in {None, "!"}:
            raise self._error("NLM-S006", "tags are no part of the format", event, hint="leave it out")
        if len(path) >= DEPTH and kind != "Scalar":
            raise self._error("NLM-S008", f"values nest deeper than {DEPTH} levels", event)
        self._values[path] = _place(event)
        if kind == "Scalar":
            return self._scalar(event)
        if kind == "SequenceStart":
            return self._list(events, path)
        return self._mapping(events, path)

    def _list(self, events: Iterator[Any], path: Path) -> list[Any]:
        found: list[Any] = []
        while _kind(event := next(events)) != "SequenceEnd":
            found.append(self._value(event, events, (*path, len(found))))
        return found

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while _kind(event := next(events)) != "MappingEnd":
            # The path of the key itself is not kept: what is at it is the value.
            key = self._value(event, events, (*path, ""))
            self._values.pop((*path, ""), None)
            if not isinstance(key, str):
                raise self._error("NLM-S009", "a key is a text", event, hint="put it in quotes")
            if key in found:
                first = self._keys[(*path, key)]
                what = f"the key {key!r} is given twice"
                raise self._error("NLM-S005", what, event, hint=f"it is in line {first.line}, too")
            self._keys[(*path, key)] = _place(event)
            found[key] = self._value(next(events), events, (*path, key))
            if found[key] is None:
                # A value that is left out has no place of its own.
                self._values[(*path, key)] = self._keys[(*path, key)]
        return found

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if _SURROGATE.search(text):
            raise self._error("NLM-S009", "half of a surrogate pair is no character", event)
        if event.style is not None or event.tag == "!":
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            if len(text) > DIGITS:
                raise self._error("NLM-S009", f"a number has at most {DIGITS} digits", event)
            return int(text, 10 if text[:2] not in {"0x", "0o"} else 0)
        if _NO_NUMBER.fullmatch(text):
            raise self._error("NLM-S009", f"{text} is no number that JSON has", event, hint="put a text in quotes")
        if _FLOAT.fullmatch(text):
            number = float(text)
            if abs(number) == float("inf"):
                raise self._error("NLM-S009", f"{text} is no number that JSON has", event)
            # As in JSON Schema, 1.0 is the integer 1.
            return int(number) if number.is_integer() else number
        return text

    def _error(self, code: str, what: str, event: Any, *, hint: str = "") -> ScenarioError:
        place = _place(event)
        return ScenarioError(code, what, where=self._where, hint=hint, line=place.line, column=place.column)

    def _syntax(self, error: Any, text: str) -> ScenarioError:
        """What the parser says, in one line; a tab has a code of its own, since it cannot be seen."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Position(mark.line + 1, mark.column + 1) if mark is not None else Position(1, 1)
        problem = getattr(error, "problem", None) or getattr(error, "context", None) or "it cannot be read"
        if mark is not None and text[mark.index : mark.index + 1] == "\t":
            what, hint = "a tab cannot stand here", "indent with spaces"
            return ScenarioError("NLM-S004", what, where=self._where, hint=hint, line=place.line, column=place.column)
        why = " ".join(str(problem).split())
        return ScenarioError(
            "NLM-S003", "this is no YAML", where=self._where, why=why, line=place.line, column=place.column
        )


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _place(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)
