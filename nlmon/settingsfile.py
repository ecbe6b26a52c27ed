"""The file that settings stand in: which one it is, its table, and the line of each key.

Not here: which keys there are and what they may be (``nlmon.project.settings``, ``nlmon.harness.named``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from nlmon.errors import InputError, reason_of

__all__ = ["SettingsFile", "from_here", "named", "nearest", "shown", "type_name"]

MOST_BYTES = 1 << 20  # a settings file is written by hand
PYPROJECT = "pyproject.toml"
# What TOML calls the types that tomllib gives; anything else is one of its four kinds of date and time.
_TYPES: dict[type, str] = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", dict: "a table"}
# What a statement may be longer than its line for, and what may hide a bracket.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'|#[^\n]*|[\[\]{}\n]", re.DOTALL
)


class SettingsFile(Struct, frozen=True):
    """The settings of a file, and the line of each of its keys."""

    path: Path
    table: dict[str, Any]
    lines: dict[str, int]

    def place(self, key: str) -> str:
        """Where a key stands, such as ``pyproject.toml:12``; one of a table in the settings is called by the path
        to it, with dots between."""
        line = self.lines.get(key)
        return shown(self.path) + (f":{line}" if line else "")


def nearest(start: Path) -> SettingsFile | None:
    """The settings of the nearest folder that has some."""
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in ("nlmon.toml", PYPROJECT):
            path = folder / name
            if _is_there(path) and (file := _read(path)) is not None:
                return file
    return None


def named(path: Path) -> SettingsFile:
    """The settings of a file that was named; raises when it has none."""
    file = _read(path)
    if file is None:
        hint = "add it, or name a file with the keys at its top"
        raise InputError("NLM-P004", "the file has no table [tool.nlmon]", where=shown(path), hint=hint)
    return file


def _is_there(path: Path) -> bool:
    """Whether somebody put a file there; a link that leads nowhere counts, since it was meant to be read."""
    try:
        return path.is_file() or path.is_symlink()
    except OSError:  # a folder that must not be searched
        return False


def _read(path: Path) -> SettingsFile | None:
    """The settings of a file; None for a ``pyproject.toml`` that has none."""
    where = shown(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = reason_of(error)
        hint = "name another with --config"
        raise InputError("NLM-P001", "the settings cannot be read", where=where, why=why, hint=hint) from error
    names = ("tool", "nlmon") if path.name == PYPROJECT else ()
    # Most projects have no settings of ours: their file is not parsed, whatever is in it.
    if any(name.encode() not in data for name in names):
        return None
    text = _decoded(data, where)
    table: Any = _parsed(text, where)
    for name in names:
        if not isinstance(table, dict) or name not in table:
            return None
        table = table[name]
    if not isinstance(table, dict):
        line = _lines(text, ("tool",)).get("nlmon")
        where += f":{line}" if line else ""
        what, why = "[tool.nlmon] must be a table", f"it is {type_name(table)}"
        raise InputError("NLM-P006", what, where=where, why=why, hint="write the keys below [tool.nlmon]")
    return SettingsFile(path, table, _lines(text, names))


def _decoded(data: bytes, where: str) -> str:
    """The text of a file, without the byte order mark that some editors write."""
    if len(data) > MOST_BYTES:
        what = f"the settings are larger than {MOST_BYTES:,} bytes"
        raise InputError("NLM-P001", what, where=where, hint="name a settings file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        why = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        hint = "save it as UTF-8"
        raise InputError("NLM-P002", "the settings are no text", where=f"{where}:{line}", why=why, hint=hint) from error


def _parsed(text: str, where: str) -> dict[str, Any]:
    """A file as tomllib reads it."""
    import tomllib  # noqa: PLC0415  (start-up: only who has settings needs it)

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        what, why = "the settings are no TOML", "arrays or tables are nested too deeply"
        raise InputError("NLM-P003", what, where=where, why=why, hint="see toml.io") from error
    except ValueError as error:
        why, _, place = str(error).partition(" (at ")
        if found := re.match(r"line (\d+)", place):
            where = f"{where}:{found[1]}"
        elif place:
            where = f"{where}:{text.rstrip().count(chr(10)) + 1}"
            why += " at the end of the file"
        hint = "see toml.io"
        raise InputError("NLM-P003", "the settings are no TOML", where=where, why=why, hint=hint) from error


def _lines(text: str, names: tuple[str, ...]) -> dict[str, int]:
    """The line on which each key of a table stands, which tomllib does not give: each statement is read by itself
    below the header that it stands under. A name of the table that is written with escapes is not found."""
    found: dict[str, int] = {}
    header = ""
    for line, statement in _statements(text):
        if statement.lstrip().startswith("["):
            header, statement = statement, ""
        if all(name in header + statement for name in names):
            table: Any = _parsed(header + statement, "")
            for name in names:
                table = table.get(name, {}) if isinstance(table, dict) else {}
            for key in _paths(table):
                found.setdefault(key, line)
    return found


def _paths(table: object) -> Iterator[str]:
    """The keys of a table, and of the tables in it, each as the path to it."""
    for key, value in table.items() if isinstance(table, dict) else ():
        yield key
        yield from (f"{key}.{one}" for one in _paths(value))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers, and keys with their values, of a valid file, each with its first line."""
    text += "\n"
    start = depth = 0
    line = 1
    for token in _TOKEN.finditer(text):
        if token[0] in {"[", "{"}:
            depth += 1
        elif token[0] in {"]", "}"}:
            depth -= 1
        elif token[0] == "\n" and not depth:
            statement = text[start : token.end()]
            yield line, statement
            line += statement.count("\n")
            start = token.end()


def from_here(path: Path) -> Path:
    """A path relative to the current folder, if it is below."""
    try:
        return path.relative_to(Path.cwd())
    except (OSError, ValueError):  # the current folder may be gone
        return path


def shown(path: Path) -> str:
    """A path as people read it."""
    return os.fsencode(from_here(path)).decode("utf-8", "backslashreplace")


def type_name(value: object) -> str:
    """What TOML calls the type of a value."""
    return "an array" if isinstance(value, list | tuple) else _TYPES.get(type(value), "a date or time")
