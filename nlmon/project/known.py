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
1. A change adds or removes whole lines and leaves all others as they are, comments among them. What it gives is read
   again before it is written, to a temporary name that is renamed.

Not here: its entries (``known_entries``), what one allows (``nlmon.compare.known``), and the commands
(``nlmon.cli.known``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Any, NamedTuple

from nlmon.compare.difference import Class
from nlmon.compare.known import KnownDifference
from nlmon.errors import InputError, reason_of
from nlmon.project import known_entries
from nlmon.project.known_entries import DIGITS, KEYS, REQUIRED, VERSION
from nlmon.report.text import shown_path
from nlmon.reportfile import write_report

__all__ = ["DEFAULT", "KnownFile", "known_file", "known_schema", "today"]

DEFAULT = Path("nlmon-known.yaml")
NEW = "# Differences that are known and allowed: nlmon known add writes an entry, nlmon known trim removes one.\n"


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
        root = known_entries.root(path, text)
        self._list: Any = known_entries.list_of(root, path)
        self._keys = {} if root is None else {key.value: key.start_mark.line for key, _ in root.value}
        entries: dict[tuple[str, ...], tuple[int, KnownDifference]] = {}
        for number, node in enumerate(known_entries.items(self._list), 1):
            entry = known_entries.entry(node, number, path)
            if entry.scope in entries:
                what = f"entry {number} allows the same as entry {entries[entry.scope][0]}"
                raise InputError("NLM-K013", what, where=known_entries.place(path, node), hint="remove one of them")
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
            what, why = "the known differences cannot be read", reason_of(error)
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
        added = known_entries.yaml_of(entries, self._column()).replace("\n", break_).split(break_)[:-1]
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
