"""The file of known differences: read with the place of every mistake, and written without losing a comment.

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
3. It is written to a temporary name and renamed.

Not here: what an entry allows (``nlmon.compare.known``), and the commands (``nlmon.cli.known``).
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from msgspec import structs

from nlmon.cli.output import write_report
from nlmon.compare.known import KnownDifference, same_place
from nlmon.errors import InputError

__all__ = ["DEFAULT", "VERSION", "KnownFile", "known_entries", "known_schema"]

DEFAULT = Path("nlmon-known.yaml")
VERSION = 1
KEYS = tuple(KnownDifference.__struct_fields__)
NEW = f"""# Differences that are known and allowed: nlmon known add writes an entry, nlmon known trim removes one.
known: {VERSION}
entries: []
"""


class KnownFile:
    """A file of known differences; ``entries``: what it holds, with the number of each from 1."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        self._document = self._parsed(NEW if text is None else text)
        self.entries: list[tuple[int, KnownDifference]] = []
        for number, found in enumerate(self._document["entries"], 1):
            entry = self._entry(found, number)
            for other, before in self.entries:
                if same_place(entry, before):
                    self._refuse("NLM-K013", f"entry {number} allows the same as entry {other}", (number - 1, ""))
            self.entries.append((number, entry))

    @classmethod
    def read(cls, path: Path) -> KnownFile:
        """The file at a path; raises ``InputError`` (NLM-K010 to K013) if it cannot be used."""
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", "") or str(error)
            raise InputError("NLM-K010", "the known differences cannot be read", where=str(path), why=why) from error

    def place(self, number: int) -> str:
        """File and line of an entry."""
        line, _ = self._document["entries"].lc.item(number - 1)
        return f"{self.path}:{line + 1}"

    def add(self, entries: Iterable[KnownDifference]) -> list[KnownDifference]:
        """Append entries and write the file; those that are there already are left out. Gives what was added."""
        added = []
        held = [entry for _, entry in self.entries]
        for entry in entries:
            if not any(same_place(entry, one) for one in held):
                self._document["entries"].append(_plain(entry))
                held.append(entry)
                added.append(entry)
        if added:
            self._document["entries"].fa.set_block_style()
            self._write()
        return added

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove entries and write the file."""
        for number in sorted(set(numbers), reverse=True):
            del self._document["entries"][number - 1]
        self._write()

    def _write(self) -> None:
        out = io.StringIO()
        _yaml().dump(self._document, out)
        write_report(self.path, out.getvalue().encode())

    def _parsed(self, text: str) -> Any:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415  (start-up)

        try:
            found = _yaml().load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            where = str(self.path) if mark is None else f"{self.path}:{mark.line + 1}:{mark.column + 1}"
            raise InputError("NLM-K011", "this is not YAML", where=where, why=error.problem or "") from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise InputError("NLM-K011", "this is not YAML", where=str(self.path), why=str(error)) from error
        if not isinstance(found, dict) or "known" not in found:
            hint = f"begin with known: {VERSION}"
            raise InputError("NLM-K012", "this is no file of known differences", where=str(self.path), hint=hint)
        if type(found["known"]) is not int or not 1 <= found["known"] <= VERSION:
            why = f"this nlmon reads version {VERSION}"
            what = f"the file is of version {found['known']}"
            raise InputError("NLM-K014", what, where=self._at(found, "known"), why=why, hint="use a newer nlmon")
        for key in found:
            if key not in {"known", "entries"}:
                raise InputError("NLM-K012", f"{key!r} is no key here", where=self._at(found, key), hint="try entries")
        if found.get("entries") is None:
            found["entries"] = _yaml().load("[]")
        if not isinstance(found["entries"], list):
            raise InputError("NLM-K012", "entries must be a list", where=self._at(found, "entries"))
        return found

    def _entry(self, found: Any, number: int) -> KnownDifference:
        if not isinstance(found, dict):
            self._refuse("NLM-K012", f"entry {number} is no mapping", (number - 1, ""))
        for key, value in found.items():
            if key not in KEYS:
                near = get_close_matches(str(key), KEYS, 1)
                hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}"
                self._refuse("NLM-K012", f"{key!r} is no key of an entry", (number - 1, key), hint)
            if not isinstance(value, dt.date if key == "expires" else str):
                wanted = "a date, such as 2027-03-31" if key == "expires" else "a text"
                self._refuse("NLM-K012", f"{key} must be {wanted}", (number - 1, key))
        missing = [key for key in ("code", "message", "reason", "owner") if key not in found]
        if missing:
            self._refuse("NLM-K012", f"entry {number} has no {' and no '.join(missing)}", (number - 1, ""))
        try:
            return msgspec.convert(dict(found), KnownDifference)
        except (ValueError, msgspec.ValidationError) as error:
            self._refuse("NLM-K012", str(error), (number - 1, ""))

    def _refuse(self, code: str, what: str, place: tuple[int, str], hint: str = "") -> NoReturn:
        number, key = place
        entries = self._document["entries"]
        line, column = entries[number].lc.key(key) if key else entries.lc.item(number)
        raise InputError(code, what, where=f"{self.path}:{line + 1}:{column + 1}", hint=hint)

    def _at(self, found: Any, key: str) -> str:
        line, column = found.lc.key(key)
        return f"{self.path}:{line + 1}:{column + 1}"


def known_entries(path: str) -> list[tuple[int, KnownDifference]]:
    """The entries of the file that a policy names, none if it names none."""
    return KnownFile.read(Path(path)).entries if path else []


def known_schema() -> dict[str, Any]:
    """JSON Schema of the file, as YAML reads it."""
    entry = msgspec.json.schema(KnownDifference)
    definitions = entry.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nlmon known differences",
        "type": "object",
        "additionalProperties": False,
        "required": ["known"],
        "properties": {"known": {"const": VERSION}, "entries": {"type": "array", "items": entry}},
        "$defs": definitions,
    }


def _plain(entry: KnownDifference) -> Mapping[str, Any]:
    """An entry as it is written: what is the default is left out."""
    defaults = {field.name: field.default for field in structs.fields(KnownDifference)}
    return {key: value for key, value in structs.asdict(entry).items() if value != defaults[key]}


def _yaml() -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415  (start-up: only who has known differences needs it)

    yaml = YAML()
    yaml.representer.ignore_aliases = lambda _: True  # entries that share a date are written in full
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
