"""What is wrong in a configuration, or may not be meant: values with a code, a place and what to write instead.

    NLM-G001 … G009   the text: encoding, size, YAML, tabs, keys given twice, aliases, documents, depth, keys
    NLM-G010          the file cannot be read
    NLM-G011 … G013   a key: unknown, of a wrong form, with a value that it may not have
    NLM-G014          one key, given under two names with different values
    NLM-G015          an implementation for some protocols alone
    NLM-G016          a key needs another, or does not go with it
    NLM-G017          ``${…}`` that names no variable
    NLM-G018          an expression that is none
    NLM-G030 … G039   notices: all that is read and has no effect, or another one than may be meant

Rules:
1. An error means that there is no configuration; with notices there is one.

Not here: finding problems (``entries``, ``environment``, ``rules``), and printing them (``nlmon.cli``).
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nlmon.errors import PlacedError
from nlmon.printable import printable

__all__ = ["LONG", "Position", "Problem", "Severity", "error", "from_error", "notice", "shown"]

LONG = 60
# Of a longer line, or a longer value, a problem has the beginning: a file may be one line with a problem in each word.
LONGEST = 400

Severity: TypeAlias = Literal["error", "notice"]


class Position(Struct, frozen=True):
    """Where something stands: a line and a column of a file, from 1, or a variable of the environment. ``source``: the
    line itself."""

    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    variable: str = ""

    def __str__(self) -> str:
        if self.variable:
            return f"environment {self.variable}"
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Problem(Struct, frozen=True):
    """A sentence with a code and a place. ``where``: the place as people read it; ``key``: by its canonical path, as
    ``value`` it has what was given; ``allowed``: what may stand there; ``hint``: what to do. ``source``: the line of
    the file; of a long value or line the beginning. All but code, severity and what may be empty, line and column 0."""

    code: str
    severity: Severity
    what: str
    where: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    key: str = ""
    value: str = ""
    allowed: str = ""
    hint: str = ""
    source: str = ""

    @property
    def text(self) -> str:
        """What, where, what is allowed and what to do, in one line without the code."""
        line = f"{self.what} ({self.where})" if self.where else self.what
        return "; ".join(filter(None, (line, self.allowed and f"allowed: {self.allowed}", self.hint)))

    def at(self, place: Position) -> Problem:
        """The same at a place."""
        where = {"file": place.file, "line": place.line, "column": place.column, "source": place.source[:LONGEST]}
        return replace(self, where=printable(str(place)), **where)


def error(
    code: str, what: str, place: Position, *, key: str = "", value: str = "", allowed: str = "", hint: str = ""
) -> Problem:
    """An error at a place."""
    value = printable(value[:LONGEST])
    return Problem(code, "error", what, key=key, value=value, allowed=allowed, hint=hint).at(place)


def notice(code: str, what: str, place: Position, *, key: str = "", value: str = "", hint: str = "") -> Problem:
    """A notice at a place."""
    return Problem(code, "notice", what, key=key, value=printable(value[:LONGEST]), hint=hint).at(place)


def from_error(found: PlacedError, file: str, source: str = "") -> Problem:
    """The problem of a text that cannot be read."""
    what = f"{found.what}: {found.why}" if found.why else found.what
    return error(found.code, what, Position(file, found.line, found.column, source), hint=found.hint)


def shown(value: object) -> str:
    """A value in a sentence: a word or a number as it is, another text in quotes, what is long cut off."""
    plain = not isinstance(value, str) or re.fullmatch(r"[A-Za-z0-9_./:+-]+", value)
    text = printable(str(value) if plain else repr(value))
    return text if len(text) <= LONG else f"{text[:LONG]}…"
