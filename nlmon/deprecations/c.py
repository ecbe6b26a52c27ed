"""Finds what is old in C: functions and the header by their names, and fields of the old event in variables that are
declared as ``struct nlmon_event``.

Text is taken apart by the lexer of Pygments, in C's own order: lines that a backslash continues are joined first, so
that a name may go on in the next line; what is in comments, texts, ``#if 0`` and ``#error`` is no name; the text of a
``#define`` is code.

Rules:
1. Any bytes give a list, in a time that grows with their number alone. What is no C is passed over.

Not here: what is old (``table``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from nlmon.deprecations.found import Found
from nlmon.deprecations.table import EVENT_FIELDS, FUNCTIONS, HEADER, Deprecated
from nlmon.yamlfile import Position

__all__ = ["find"]

_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_EVENT = "nlmon_event"
_QUALIFIERS = {"const", "volatile", "restrict"}
_OPENING = {"(": 1, "[": 1, ")": -1, "]": -1}


class _Token(NamedTuple):
    """A word or a sign, and where it begins. ``name``: whether it is a name; ``file``: whether it is what a directive
    includes."""

    text: str
    at: int
    name: bool
    file: bool


def find(data: bytes) -> list[Found]:
    """The uses in a file, in its order."""
    source = _decode(data)
    joined = _Joined(source)
    events = _Events()
    found: list[Found] = []
    for token in _tokens(joined.text):
        row = None
        if token.file:
            row = HEADER if token.text.strip('<">').rpartition("/")[2] == HEADER.name else None
        else:
            row = FUNCTIONS.get(token.text) if token.name else None
            row = events.field(token) or row
        if row is not None:
            found.append(Found(row, joined.place(token.at)))
    return found


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What is in another encoding is in comments and texts, and each byte is a column.
        return data.decode("latin-1")


class _Joined:
    """A text with the lines joined that a backslash continues, and where in the file each of its positions is."""

    def __init__(self, source: str) -> None:
        parts: list[str] = []
        # Of each part its position in the text, and in the file.
        self._in_text: list[int] = []
        self._in_file: list[int] = []
        at = length = 0
        for end, after in [*((one.start(), one.end()) for one in _CONTINUED.finditer(source)), (len(source),) * 2]:
            self._in_text.append(length)
            self._in_file.append(at)
            parts.append(source[at:end])
            length += end - at
            at = after
        self.text = "".join(parts) + "\n"
        self._lines = [0, *(one.end() for one in re.finditer("\n", source))]

    def place(self, at: int) -> Position:
        """The line and column of a position of the text."""
        part = bisect_right(self._in_text, at) - 1
        where = self._in_file[part] + at - self._in_text[part]
        line = bisect_right(self._lines, where)
        return Position(line, where - self._lines[line - 1] + 1)


class _Events:
    """Which variables are events at the place that was read to, by the block that they are declared in."""

    def __init__(self) -> None:
        # Each with the depth of its block, the innermost last; and how many there are of each name.
        self._declared: list[tuple[str, int]] = []
        self._known: Counter[str] = Counter()
        self._depth = 0
        self._brackets = 0
        # The last names and signs, blanks left out.
        self._before: tuple[str, ...] = ("",) * 5
        # Whether a declaration of events is being read, whose names are behind commas, too.
        self._declaring = False

    def field(self, token: _Token) -> Deprecated | None:
        """The row of an old field if this token is one of an event; every token is given in its order."""
        text, before = token.text, self._before
        if text in _QUALIFIERS:
            return None
        self._before = (*before[1:], text)
        if not token.name:
            self._sign(text)
        elif text == _EVENT and before[-1] == "struct":
            self._declaring = True
        elif self._declaring and (before[-1] in {"*", _EVENT} or (before[-1] == "," and not self._brackets)):
            self._declare(text)
        elif self._is_member_of_event(before):
            return EVENT_FIELDS.get(text)
        return None

    def _is_member_of_event(self, before: tuple[str, ...]) -> bool:
        """Whether what stands before a name makes it a member of a variable that is an event."""
        if before[-2:] == (")", "."):
            return before[-5:-3] == ("(", "*") and self._known[before[-3]] > 0
        if before[-1] == ".":
            return self._known[before[-2]] > 0 and before[-3] not in {".", ">"}
        return before[-2:] == ("-", ">") and self._known[before[-3]] > 0 and before[-4] not in {".", ">"}

    def _declare(self, name: str) -> None:
        # A parameter is known in the block that follows.
        self._declared.append((name, self._depth + (self._brackets > 0)))
        self._known[name] += 1
        self._declaring = not self._brackets

    def _sign(self, text: str) -> None:
        if text in _OPENING:
            self._brackets = max(0, self._brackets + _OPENING[text])
            self._declaring = self._declaring and text not in {"(", ")"}
        elif text == "{":
            self._depth += 1
            self._brackets, self._declaring = 0, False
        elif text == "}":
            self._depth = max(0, self._depth - 1)
            self._forget()
        elif text == ";" and not self._brackets:
            self._declaring = False
            self._forget()
        elif text not in {"*", ",", "struct"}:
            self._declaring = False

    def _forget(self) -> None:
        """Drop the variables of blocks that have ended, and the parameters of functions that are only declared."""
        while self._declared and self._declared[-1][1] > self._depth:
            name, _ = self._declared.pop()
            self._known[name] -= 1


def _tokens(text: str) -> Iterator[_Token]:
    from pygments.token import Comment, Name, String  # noqa: PLC0415  (start-up: only C needs it)

    for at, kind, value in _lexer().get_tokens_unprocessed(text):
        if not value.isspace() and (kind is Comment.PreprocFile or (kind not in Comment and kind not in String)):
            yield _Token(value, at, kind in Name, kind is Comment.PreprocFile)


@cache
def _lexer() -> Any:
    """Pygments' lexer of C, with directives as this search needs them; its own rules for these take a time that grows
    with the square of a stretch of blank lines."""
    from pygments.lexer import default, include  # noqa: PLC0415  (start-up: only C needs it)
    from pygments.lexers.c_cpp import CLexer  # noqa: PLC0415
    from pygments.token import Comment, Punctuation, Whitespace  # noqa: PLC0415

    blank = r"[^\S\n]*"
    nested = rf"^{blank}#{blank}if(n?def)?\b.*\n"
    inner = [
        (nested, Comment, "#push"),
        (rf"^{blank}#{blank}endif\b.*\n", Comment, "#pop"),
        (r".*\n", Comment),
    ]
    skipped = [
        (nested, Comment, "inner"),
        (rf"^{blank}#{blank}(else|elif|elifdef|elifndef|endif)\b", Comment, "#pop"),
        (r".*\n", Comment),
    ]
    tokens = {
        "root": [
            (rf"^{blank}#{blank}if{blank}0\b.*\n", Comment, "skipped"),
            (rf"^{blank}#{blank}(error|warning|pragma|line)\b.*\n", Comment),
            (rf"^{blank}#{blank}include(_next)?\b", Comment, "included"),
            include("whitespace"),
            include("statements"),
            (r"[{};]", Punctuation),
        ],
        "whitespace": [
            (r"\n|[^\S\n]+", Whitespace),
            (r"//.*\n", Comment),
            (r"/\*[\s\S]*?(\*/|\Z)", Comment),
        ],
        "skipped": skipped,
        "inner": inner,
        "included": [
            (r"[^\S\n]+", Whitespace),
            (r'"[^"\n]*"|<[^>\n]*>', Comment.PreprocFile, "#pop"),
            default("#pop"),
        ],
    }
    # A class of its own for its rules: Pygments makes them into a machine when it is first used.
    return type("Lexer", (CLexer,), {"tokens": tokens})()
