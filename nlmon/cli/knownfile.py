"""The file of known differences: read with the place of every mistake, and changed without touching what is not meant.

    known: 1
    entries:
      - code: NLD102
        message: RTM_NEWLINK
        field: mtu
        capture: 01-route-basic.pcap.zst
        reason: the driver reports it late
        owner: net-team

Rules:
1. It is closed: an unknown key, a value of another kind and an entry that is there twice are errors with file, line and
   column. An entry that is not understood would allow more or less than somebody believes.
2. ``known: 1`` is the version of the file. Newer ones are refused, since they may mean something else.
3. A change adds or removes whole lines and leaves all others as they are, comments among them. What it gives is read
   again before it is written, to a temporary name that is renamed.

Not here: what an entry allows (``nlmon.compare.known``), and the commands (``nlmon.cli.known``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from inspect import cleandoc
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from nlmon.cli.output import write_report
from nlmon.compare.difference import Class
from nlmon.compare.known import KnownDifference
from nlmon.errors import InputError
from nlmon.printable import printable
from nlmon.report.text import shown_path

__all__ = ["DEFAULT", "VERSION", "KnownFile", "known_file", "known_schema", "today"]

DEFAULT = Path("nlmon-known.yaml")
VERSION = 1
DIGITS = 9  # of a number
KEYS = tuple(KnownDifference.__struct_fields__)
REQUIRED = tuple(field.name for field in structs.fields(KnownDifference) if field.required)
NEW = "# Differences that are known and allowed: nlmon known add writes an entry, nlmon known trim removes one.\n"

_STRING, _DATE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"
_LIST, _NULL = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:null"


class _Lines(NamedTuple):
    """The lines of an entry, numbered from 0: its first, and the one behind its last."""

    begin: int
    end: int


class KnownFile:
    """A file of known differences as it was read. ``entries``: what it holds, with the number of each from 1;
    ``expired``: the numbers of those whose last day was over then, in UTC."""

    def __init__(self, path: Path, text: str = NEW) -> None:
        self.path = path
        self.text = text
        root = _root(path, text)
        self._list: Any = _list_of(root, path)
        self._keys = {} if root is None else {key.value: key.start_mark.line for key, _ in root.value}
        entries: dict[tuple[str, ...], tuple[int, KnownDifference]] = {}
        for number, node in enumerate(_items(self._list), 1):
            entry = _entry(node, number, path)
            if entry.scope in entries:
                what = f"entry {number} allows the same as entry {entries[entry.scope][0]}"
                raise InputError("NLM-K013", what, where=_place(path, node), hint="remove one of them")
            entries[entry.scope] = number, entry
        self.entries = tuple(entries.values())
        now = today()
        self.expired = frozenset(number for number, entry in self.entries if entry.expired(now))

    @classmethod
    def read(cls, path: Path) -> KnownFile:
        """The file at a path; raises ``InputError`` (NLM-K010 to K014) if it cannot be used."""
        try:
            return cls(path, path.read_bytes().decode("utf-8-sig"))
        except (OSError, ValueError) as error:
            what, why = "the known differences cannot be read", getattr(error, "strerror", "") or str(error)
            hint = "nlmon known add writes the file" if isinstance(error, FileNotFoundError) else ""
            raise InputError("NLM-K010", what, where=shown_path(path), why=why, hint=hint) from error

    @property
    def digest(self) -> str:
        """SHA-256 of the text, empty if there is none: by this a report names the file whose entries it numbers."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.text else ""

    @property
    def valid(self) -> tuple[tuple[int, KnownDifference], ...]:
        """The entries that have not expired; no other allows anything."""
        return tuple(one for one in self.entries if one[0] not in self.expired)

    def place(self, number: int) -> str:
        """File and line of an entry."""
        return f"{shown_path(self.path)}:{self._lines(number).begin + 1}"

    def adding(self, entries: Sequence[KnownDifference]) -> KnownFile:
        """The same file with entries at the end of its list."""
        held = [entry for _, entry in self.entries]
        if not entries:
            return self
        lines, break_ = self._split()
        added = _yaml_of(entries, self._column()).replace("\n", break_).split(break_)[:-1]
        if self._list is None:
            added.insert(0, "entries:")
            if not self._keys:
                added.insert(0, f"known: {VERSION}")
            at = len(lines) - (not lines[-1])
        elif self.entries:
            at = self._lines(len(self.entries)).end
        else:
            # Behind the key, whose value is nothing, null or [].
            start, end = self._list.start_mark.index, self._list.end_mark.index
            lines = (self.text[:start] + self.text[end:]).split(break_)
            at = self._keys["entries"] + 1
            lines[at - 1] = lines[at - 1].rstrip()
        return self._changed([*lines[:at], *added, *lines[at:]], [*held, *entries])

    def without(self, numbers: Collection[int]) -> KnownFile:
        """The same file without some entries and the comments directly above them."""
        lines, _ = self._split()
        before = 0
        gone: set[int] = set()
        for number, _entry in self.entries:
            begin, end = self._lines(number)
            while begin - 1 >= before and lines[begin - 1].lstrip().startswith("#"):
                begin -= 1
            if number in numbers:
                gone |= set(range(begin, end))
            before = end
        left = [line for at, line in enumerate(lines) if at not in gone]
        return self._changed(left, [entry for number, entry in self.entries if number not in numbers])

    def write(self) -> None:
        """Write the file; raises ``InputError`` if that is not possible."""
        write_report(self.path, self.text.encode())

    def _split(self) -> tuple[list[str], str]:
        """The lines, and what is between them."""
        break_ = "\r\n" if "\r\n" in self.text else "\n"
        return self.text.split(break_), break_

    def _column(self) -> int:
        """Where the entries of the list begin."""
        return self._list.start_mark.column if self.entries else 2

    def _lines(self, number: int) -> _Lines:
        """Where an entry stands."""
        node = self._list.value[number - 1]
        lines, _ = self._split()
        begin = node.start_mark.line
        if self._list.flow_style:
            return _Lines(begin, node.end_mark.line + 1)
        # The dash may stand on a line of its own.
        while not lines[begin].startswith(" " * self._list.start_mark.column + "-"):
            begin -= 1
        ends = [node.end_mark] if node.flow_style else [value.end_mark for _, value in node.value]
        # A text in several lines ends where the next line begins, and an alias ends where its anchor stands.
        end = max(mark.line + (mark.column > 0) for mark in ends + [key.end_mark for key, _ in node.value])
        while not lines[end - 1].strip():
            end -= 1
        return _Lines(begin, end)

    def _changed(self, lines: list[str], wanted: list[KnownDifference]) -> KnownFile:
        """The file with other lines, if they hold what is wanted."""
        _, break_ = self._split()
        text = break_.join(lines)
        try:
            changed = KnownFile(self.path, text if text.endswith("\n") else text + break_)
            done = [entry for _, entry in changed.entries] == wanted
        except InputError:
            done = False
        if not done:
            what, hint = "the file cannot be changed as it is written", "begin each entry on a new line, with a dash"
            raise InputError("NLM-K017", what, where=shown_path(self.path), hint=hint)
        return changed


def today() -> dt.date:
    """The day by which entries expire."""
    return dt.datetime.now(tz=dt.UTC).date()


def known_file(path: str) -> KnownFile:
    """The file that a policy names; one that is empty if it names none."""
    return KnownFile.read(Path(path)) if path else KnownFile(Path(), "")


def known_schema() -> dict[str, Any]:
    """JSON Schema of the file, as YAML reads it; dates as text."""
    some = {"type": "string", "pattern": r"\S"}
    keys: dict[str, Any] = {
        "code": {"enum": [cls.code for cls in Class]},
        "field": {"type": "string", "default": ""},
        "kernel": {"type": "string", "default": ""},
        "at_most": {"type": "integer", "minimum": 1, "maximum": 10**DIGITS - 1},
        "issue": {"type": "string", "default": ""},
        "expires": {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        **{name: {**some, "default": "*"} for name in ("capture", "scenario", "reference", "candidate")},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nlmon known differences",
        "description": "Differences that somebody looked at and accepts for a while.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "required": ["known"],
        "properties": {
            "known": {"const": VERSION, "description": "The version of the file."},
            "entries": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "description": cleandoc(KnownDifference.__doc__ or ""),
                    "additionalProperties": False,
                    "required": list(REQUIRED),
                    "properties": {name: keys.get(name, some) for name in KEYS},
                    "if": {"properties": {"code": {"const": Class.STATE.code}}},
                    "then": {"required": ["field"], "properties": {"field": some}},
                },
            },
        },
    }


# -- reading -------------------------------------------------------------------------------------------------


def _root(path: Path, text: str) -> Any:
    """The tree of the file, None if it is empty."""
    if not text:
        return None
    from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only who has known differences needs it)
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    what, hint = "this is not YAML", "put text with special characters in quotes"
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = shown_path(path) if mark is None else f"{shown_path(path)}:{mark.line + 1}:{mark.column + 1}"
        raise InputError("NLM-K011", what, where=where, why=error.problem or "", hint=hint) from error
    except (YAMLError, ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError("NLM-K011", what, where=shown_path(path), why=why) from error


def _list_of(root: Any, path: Path) -> Any:
    """The list of entries, None if there is none."""
    if root is None:
        return None
    # Another version may have other keys.
    for key, value in root.value if root.tag.endswith(":map") else ():
        if key.value == "known":
            _check_version(value, path)
    keys = _keys(root, ("known", "entries"), path, "the file")
    if "known" not in keys:
        what, hint = "this is no file of known differences", f"begin with known: {VERSION}"
        raise InputError("NLM-K012", what, where=_place(path, root), hint=hint)
    found = keys.get("entries")
    if found is not None and found.tag not in {_LIST, _NULL}:
        raise InputError("NLM-K012", "entries must be a list", where=_place(path, found))
    return found


def _check_version(node: Any, path: Path) -> None:
    text = str(node.value)[:9]
    if not node.tag.endswith(":int") or not (text.isascii() and text.isdigit()) or not int(text):
        what = "known must be the version of the file"
        raise InputError("NLM-K012", what, where=_place(path, node), hint=f"write known: {VERSION}")
    if int(text) > VERSION:
        what, why = f"the file is of version {text}", f"this nlmon reads version {VERSION}"
        raise InputError("NLM-K014", what, where=_place(path, node), why=why, hint="use a newer nlmon")


def _items(found: Any) -> Sequence[Any]:
    return () if found is None or found.tag == _NULL else tuple(found.value)


def _entry(node: Any, number: int, path: Path) -> KnownDifference:
    keys = _keys(node, KEYS, path, f"entry {number}")
    missing = [key for key in REQUIRED if key not in keys]
    if missing:
        what = f"entry {number} has no {' and no '.join(missing)}"
        raise InputError("NLM-K012", what, where=_place(path, node))
    values: dict[str, object] = {}
    for key, value in keys.items():
        if key == "expires":
            values[key] = _date(value, path)
        elif key == "at_most":
            values[key] = _count(value, path)
        elif value.tag == _STRING and isinstance(value.value, str):
            values[key] = value.value
        else:
            hint = "put it in quotes" if isinstance(value.value, str) and value.value else "leave it out, or write one"
            raise InputError("NLM-K012", f"{key} must be a text", where=_place(path, value), hint=hint)
    try:
        return msgspec.convert(values, KnownDifference)
    except msgspec.ValidationError as error:
        what = str(error)
        wrong = next((key for key in ("code", "kernel") if key in keys and repr(keys[key].value) in what), "")
        wrong = wrong or what.partition(" ")[0]
        raise InputError("NLM-K012", what, where=_place(path, keys.get(wrong, node))) from error


def _count(node: Any, path: Path) -> int:
    text = str(node.value)
    if node.tag.endswith(":int") and text.isascii() and text.isdigit() and len(text) <= DIGITS and text.strip("0"):
        return int(text)
    raise InputError("NLM-K012", "at_most must be a number, such as 3", where=_place(path, node))


def _date(node: Any, path: Path) -> dt.date:
    try:
        if node.tag in {_STRING, _DATE} and len(node.value) == len("2027-03-31"):
            return dt.date.fromisoformat(node.value)
    except ValueError:
        pass
    what = "expires must be a date, such as 2027-03-31"
    raise InputError("NLM-K012", what, where=_place(path, node))


def _keys(node: Any, allowed: tuple[str, ...], path: Path, what: str) -> dict[str, Any]:
    """The values of a mapping by key, which must be among those that are allowed, and there once."""
    if not node.tag.endswith(":map"):
        raise InputError("NLM-K012", f"{what} must be a mapping of {', '.join(allowed)}", where=_place(path, node))
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key.value, str) else "a collection"
        if name not in allowed or key.tag != _STRING:
            near = get_close_matches(name, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(allowed)}"
            raise InputError("NLM-K012", f"{name!r} is no key of {what}", where=_place(path, key), hint=hint)
        if name in found:
            raise InputError("NLM-K012", f"{what} has {name} twice", where=_place(path, key))
        found[name] = value
    return found


def _place(path: Path, node: Any) -> str:
    mark = node.start_mark
    return f"{shown_path(path)}:{mark.line + 1}:{mark.column + 1}"


# -- writing -------------------------------------------------------------------------------------------------


def _yaml_of(entries: Sequence[KnownDifference], column: int) -> str:
    """Entries as they are written, in lines that begin at a column; what is the default is left out."""
    from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only who has known differences needs it)
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString  # noqa: PLC0415

    yaml = YAML()
    yaml.width = 1 << 30  # a text stays in one line
    defaults = {field.name: field.default for field in structs.fields(KnownDifference)}
    out = io.StringIO()
    for entry in entries:
        values = {key: value for key, value in structs.asdict(entry).items() if value != defaults[key]}
        # Plain text with a line end of Unicode would be read as two lines.
        quoted = {key: DoubleQuotedScalarString(value) for key, value in values.items() if not str(value).isprintable()}
        yaml.dump([values | quoted], out)
    lines = map(printable, out.getvalue().split("\n")[:-1])
    return "".join(f"{' ' * column}{line}\n" if line else "\n" for line in lines)
