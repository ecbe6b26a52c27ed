"""Takes a file apart into entries: what stands at which key, by its canonical path, and where.

Rules:
1. The keys stand at the top of a file, or under ``nlmon`` all the same, or under another name of theirs (``names``).
   Two entries of one key that say the same are one.
2. Every key that is not known is an error; nothing is passed over silently.

Not here: what the values mean (``values``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import fields

from nlmon.config.keys import KeyPath, dotted, keys, sections
from nlmon.config.kinds import Unfit
from nlmon.config.names import ALIASES, canonical, misplaced
from nlmon.config.problems import Position, Problem, error, notice, shown
from nlmon.errors import ConfigurationError
from nlmon.yamlfile import Codes, Document, Format, Path, nearest, read_document, scalar_text

__all__ = ["FEW", "HINTED", "SIZE", "VALUES", "Entry", "File", "Raw", "entries", "form_of", "read_file"]

# Bytes of a file, and values in it: more would take longer to read than a monitor may be away from its sockets.
SIZE, VALUES = 256 * 1024, 4096
WRAPPER = "nlmon"
# Of keys with one name in several sections, and of variables in one value, how many are reported.
FEW = 3
# For so many unknown keys, or variables, the nearest one is looked for, which takes a while.
HINTED = 100
# What a mix of implementations is written with, by those who want one.
_CHOICES = {"use_libnl", "implementation", "backend", "libnl", "legacy"}

_SWITCHED = {"true", "false", "yes", "no", "on", "off"}

# A value as it stands in a file: each scalar is its text, and None is no value.
Raw: TypeAlias = Any


_FORMAT = Format(
    noun="configuration",
    error=ConfigurationError,
    codes=Codes(
        encoding="NLM-G001",
        size="NLM-G002",
        syntax="NLM-G003",
        tab="NLM-G004",
        twice="NLM-G005",
        alias="NLM-G006",
        documents="NLM-G007",
        depth="NLM-G008",
        value="NLM-G009",
    ),
    size=SIZE,
    values=VALUES,
    too_large="is this the file that was meant?",
    scalar=scalar_text,
    empty=True,
)


class File(Struct, frozen=True):
    """A file that was read. ``name``: what it is called; ``lines``: its text, for messages."""

    name: str
    document: Document
    lines: tuple[str, ...]

    def place(self, path: Path) -> Position:
        """Where the value at a path is."""
        return self._at(*self.document.place(path))

    def key_place(self, path: Path) -> Position:
        """Where the key at a path is."""
        return self._at(*self.document.key_place(path))

    def _at(self, line: int, column: int) -> Position:
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        return Position(self.name, line, column, source)


class Entry(Struct, frozen=True):
    """What a file says of one key. ``written``: the path at which it stands in the file."""

    path: KeyPath
    written: Path
    raw: Raw


class _Unknown(Struct, frozen=True):
    """A key that is not known. ``at``: its path without the wrapper."""

    written: Path
    at: KeyPath


def read_file(data: bytes, name: str) -> File:
    """The file that these bytes are; raises ``ConfigurationError``."""
    document = read_document(data, name, _FORMAT)
    return File(name, document, tuple(data.decode("utf-8-sig").splitlines()))


def entries(file: File) -> Iterator[Entry | Problem]:
    """All entries of a file and what is wrong with its keys, in the order of its lines."""
    first: dict[KeyPath, Entry] = {}
    unknown = 0
    for one in _section(file, (), ()):
        if isinstance(one, _Unknown):
            unknown += 1
            yield _unknown(file, one, hinted=unknown <= HINTED)
        elif isinstance(one, Problem):
            yield one
        elif one.path not in first:
            first[one.path] = one
            yield one
        elif not _alike(one, first[one.path]):
            other = file.key_place(first[one.path].written)
            what = f"{dotted(one.path)} is given twice, with different values"
            hint = f"it is in line {other.line}, too, as {dotted(first[one.path].written)}"
            yield error("NLM-G014", what, file.key_place(one.written), key=dotted(one.path), hint=hint)


def _alike(one: Entry, other: Entry) -> bool:
    """Whether two entries of a key say the same, such as yes and true."""
    if one.raw == other.raw or not (isinstance(one.raw, str) and isinstance(other.raw, str)):
        return bool(one.raw == other.raw)
    kind = keys()[one.path].kind
    try:
        return bool(kind.read(one.raw) == kind.read(other.raw))
    except Unfit:
        return False


def form_of(raw: Raw) -> str:
    """What a value is, in words."""
    if isinstance(raw, Mapping):
        return "a mapping"
    return "empty" if raw is None else "a text" if isinstance(raw, str) else "a list"


def _section(file: File, written: Path, at: KeyPath) -> Iterator[Entry | Problem | _Unknown]:
    """The entries under a path of the file; ``at``: the same path without the wrapper, by the names of the file."""
    value = _at(file.document.value, written)
    if value is None:
        return
    if not isinstance(value, Mapping):
        name = dotted(at) or "the file"
        what = f"{name} is {shown(value) if isinstance(value, str) else form_of(value)}, and not a mapping of keys"
        hint = _below(value, _keys_under(canonical(at)))
        yield error("NLM-G012", what, file.place(written), key=dotted(canonical(at)), value=_text(value), hint=hint)
        return
    for name, raw in value.items():
        here = (*written, name)
        if not written and name == WRAPPER:
            yield from _section(file, here, ())
        else:
            yield from _key(file, here, (*at, name), raw)


def _below(value: Raw, names: list[str]) -> str:
    """What to write where a section is something else."""
    key, colon, _ = value.partition(":") if isinstance(value, str) else ("", "", "")
    if colon and key in names:
        return "a blank stands behind the colon of a key"
    if "enabled" in names and isinstance(value, str) and value.lower() in _SWITCHED:
        return f"write enabled: {value} below it"
    return f"its keys are {', '.join(names)}"


def _key(file: File, written: Path, at: KeyPath, raw: Raw) -> Iterator[Entry | Problem | _Unknown]:
    path = canonical(at)
    if _is_mix(path, raw):
        yield _mixed(file, written, path)
        return
    if misplaced(at) and len(at) == 1:
        what = f"{at[0]} is taken for {dotted(path)}"
        place = file.key_place(written)
        yield notice("NLM-G034", what, place, key=dotted(path), hint="write it under netlink")
    if path in sections():
        yield from _section(file, written, at)
    elif path in keys():
        yield Entry(path, written, raw)
    else:
        yield _Unknown(written, at)


def _is_mix(path: KeyPath, raw: Raw) -> bool:
    """Whether an implementation is chosen for some protocols alone."""
    if path == ("netlink", "use_libnl"):
        return isinstance(raw, list | Mapping)
    if path[:2] != ("netlink", "protocols") or len(path) != 3:
        return False
    words = raw if isinstance(raw, Mapping) else {raw} if isinstance(raw, str) else set()
    return not _CHOICES.isdisjoint(words) and ("netlink", "protocols", path[2]) in keys()


def _mixed(file: File, written: Path, path: KeyPath) -> Problem:
    # The words are the migration guide's.
    what = "libnl cannot be used for some protocols and legacy for others"
    hint = (
        "the implementation choice applies to all protocols, use one or the other: netlink.use_libnl is true or false"
    )
    value = _text(_at(file.document.value, written))
    return error("NLM-G015", what, file.key_place(written), key=dotted(path), value=value, hint=hint)


def _unknown(file: File, one: _Unknown, *, hinted: bool) -> Problem:
    here, name = canonical(one.at[:-1]), one.at[-1]
    what = f"{shown(name)} is no key of {dotted(one.at[:-1])}" if len(one.at) > 1 else f"{shown(name)} is no key"
    hint = _meant(name, here) if hinted else ""
    return error("NLM-G011", what, file.key_place(one.written), key=dotted(canonical(one.at)), hint=hint)


def _meant(name: str, here: KeyPath) -> str:
    """Where a key of this name is, or the nearest one of the same section, or one of nearly this name in another."""
    names, name = _keys_under(here), name.lower()
    if "." in name and canonical((*here, *name.split("."))) in {**keys(), **sections()}:
        return "a key stands in a line of its own, below its section and with an indent"
    if name in _CHOICES:
        return "netlink.use_libnl is true for libnl, and false for legacy"
    if not get_close_matches(name, names, 1, 0.8):
        near = get_close_matches(name, _everywhere(), 1, 0.8)
        found = _everywhere()[near[0]] if near else []
        # What is in a section beside this one was hardly meant, unless no other one has such a key.
        found = [path for path in found if path[: len(here)] == here] or found
        if len(found) == 1 or (len(found) <= FEW and found and found[0][: len(here)] == here):
            return f"did you mean {' or '.join(map(dotted, found))}?"
        if here and name in _everywhere():
            return f"it is one of {', '.join(names)}"
    return nearest(name, names) if here or get_close_matches(name, names, 1) else ""


@cache
def _everywhere() -> Mapping[str, list[KeyPath]]:
    """By the last part of its name every section and key, aliases among them."""
    found: dict[str, list[KeyPath]] = {}
    for path in (*sections(), *keys(), *ALIASES):
        if path:
            known = found.setdefault(path[-1], [])
            known += [canonical(path)] if canonical(path) not in known else []
    return found


def _keys_under(path: KeyPath) -> list[str]:
    """What may stand in a section, by every name."""
    own = [field.name for field in fields(sections()[path])]
    return own + [alias[-1] for alias in ALIASES if alias[:-1] == path]


def _at(value: Raw, path: Path) -> Raw:
    for part in path:
        value = value[part]
    return value


def _text(value: Raw) -> str:
    return value if isinstance(value, str) else ""
