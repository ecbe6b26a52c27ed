"""Reads what stands at a key as the value that its kind wants.

Rules:
1. All of a list is read, up to the number that it may have, so that each mistake is reported; with one it has no value.

Not here: which texts a kind takes (``kinds``), and where they stand (``entries``, ``environment``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nlmon.config.entries import FEW, HINTED, Entry, File, Raw, form_of
from nlmon.config.expressions import check_expression
from nlmon.config.keys import Key, dotted, keys, keys_of
from nlmon.config.kinds import Expression, Items, Kind, Records, Unfit
from nlmon.config.problems import Position, Problem, error, notice, shown
from nlmon.config.variables import substitute
from nlmon.yamlfile import Path, nearest

__all__ = ["Read", "read_entry", "read_text"]

# How Python has bytes of the environment that are no UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")


class Read(Struct, frozen=True):
    """What came of an entry: its value unless a problem is an error. ``named``: variables that it names."""

    value: Any
    problems: tuple[Problem, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether there is no value."""
        return any(one.severity == "error" for one in self.problems)


def read_entry(entry: Entry, file: File, environ: Mapping[str, str]) -> Read:
    """The value of an entry of a file."""
    reader = _Reader(file, environ)
    value = reader.value(keys()[entry.path], entry.raw, entry.written, entry.path)
    return Read(value, tuple(reader.problems), tuple(reader.named))


def read_text(key: Key, text: str, place: Position) -> Read:
    """The value of a variable of the environment; a list has commas between its items."""
    if not isinstance(key.kind, Items):
        value = _read(key.kind, text, key.name, place)
        return Read(None, (value,)) if isinstance(value, Problem) else Read(value)
    texts = [one.strip() for one in text.split(",") if one.strip()]
    if len(texts) > key.kind.most:
        return Read(None, (_too_many(key.name, len(texts), key.kind, place),))
    found = [_read(key.kind.item, one, key.name, place) for one in texts]
    return Read(tuple(found), tuple(one for one in found if isinstance(one, Problem)))


class _Reader:
    """Reads one entry; ``problems`` and ``named`` are what comes beside its value."""

    def __init__(self, file: File, environ: Mapping[str, str]) -> None:
        self._file = file
        self._environ = environ
        self.problems: list[Problem] = []
        self.named: list[str] = []

    def value(self, key: Key, raw: Raw, written: Path, path: Path) -> Any:
        if raw is None:
            hint = "" if key.required else "leave the key out"
            hint += f" for the default, {_default(key)}" if hint and key.default not in {None, "", ()} else ""
            self._wrong("NLM-G012", f"{dotted(path)} has no value", written, key.kind, path, hint=hint)
            return None
        match key.kind:
            case Items(item=kind, most=most):
                return tuple(
                    self._scalar(kind, one, (*written, number), (*path, number))
                    for number, one in enumerate(self._items(key.kind, most, raw, written, path))
                )
            case Records(item=item, most=most):
                return tuple(
                    self._record(item, one, (*written, number), (*path, number))
                    for number, one in enumerate(self._items(key.kind, most, raw, written, path))
                )
        found = self._scalar(key.kind, raw, written, path)
        if key.required and found == "":
            self._wrong("NLM-G013", f"{dotted(path)} is empty", written, key.kind, path, hint="it must be given")
        return found

    def _items(self, kind: Kind, most: int, raw: Raw, written: Path, path: Path) -> list[Raw]:
        if not isinstance(raw, list):
            hint = f"write [{raw}]" if isinstance(raw, str) else "write a list, such as [a, b]"
            if isinstance(kind, Records):
                hint = f"each item begins with - and has the keys {', '.join(keys_of(kind.item))}"
            what = f"{dotted(path)} is {_form(raw)}, and not a list"
            self._wrong("NLM-G012", what, written, kind, path, raw, hint)
            return []
        if len(raw) > most:
            self.problems.append(_too_many(dotted(path), len(raw), kind, self._file.place((*written, most))))
        return raw[:most]

    def _record(self, item: type[Struct], raw: Raw, written: Path, path: Path) -> Any:
        known = keys_of(item)
        if not isinstance(raw, Mapping):
            what = f"{dotted(path)} is {_form(raw)}, and not a mapping with the keys {', '.join(known)}"
            self._wrong("NLM-G012", what, written, None, path, raw)
            return None
        for number, name in enumerate(name for name in raw if name not in known):
            what, place = f"{shown(name)} is no key of {dotted(path)}", self._file.key_place((*written, name))
            hint = nearest(name, known) if number < HINTED else ""
            self.problems.append(error("NLM-G011", what, place, key=dotted((*path, name)), hint=hint))
        missing = [name for name, key in known.items() if key.required and name not in raw]
        if missing:
            what = f"{dotted(path)} has no {' and no '.join(missing)}"
            self._wrong("NLM-G016", what, written, None, path)
        found = {
            name: self.value(key, raw[name], (*written, name), (*path, name))
            for name, key in known.items()
            if name in raw
        }
        return None if missing else item(**found)

    def _scalar(self, kind: Kind, raw: Raw, written: Path, path: Path) -> Any:
        name, place = dotted(path), self._file.place(written)
        if not isinstance(raw, str):
            what = f"{name} is {_form(raw)}, and not one value of the kind {kind.name}"
            self._wrong("NLM-G012", what, written, kind, path)
            return None
        put = substitute(raw, self._environ)
        self.named += put.named
        if put.wrong:
            what = f"{_listed(map(shown, put.wrong))} {'names' if len(put.wrong) == 1 else 'name'} no variable"
            hint = "write ${NAME} or ${NAME:-default}"
            self.problems.append(error("NLM-G017", what, place, key=name, value=raw, hint=hint))
            return None
        if put.open:
            what = f"a ${{ in {name} has no }}, and is left as it is"
            self.problems.append(notice("NLM-G039", what, place, key=name, value=raw))
        found = _read(kind, put.text, name, place)
        if isinstance(found, Problem):
            unset = put.unset and f"{put.unset[0]} is not set; set it, or write ${{{put.unset[0]}:-{_example(kind)}}}"
            self.problems.append(replace(found, hint=unset) if unset else found)
            return None
        if put.unset:
            what = (
                f"{name} is taken without {_listed(put.unset)}, which {'is' if len(put.unset) == 1 else 'are'} not set"
            )
            hint = f"set it, or write ${{{put.unset[0]}:-default}}"
            self.problems.append(notice("NLM-G033", what, place, key=name, value=raw, hint=hint))
        return found

    def _wrong(
        self, code: str, what: str, written: Path, kind: Kind | None, path: Path, raw: Raw = None, hint: str = ""
    ) -> None:
        value = raw if isinstance(raw, str) else ""
        allowed = kind.allowed if kind is not None else ""
        place = self._file.place(written)
        self.problems.append(error(code, what, place, key=dotted(path), value=value, allowed=allowed, hint=hint))


def _read(kind: Kind, text: str, name: str, place: Position) -> Any:
    """A value, or the problem of a text that is none."""
    try:
        if _SURROGATE.search(text):
            raise Unfit("and holds bytes that are no UTF-8")
        value = kind.read(text)
    except Unfit as unfit:
        what = f"{name} is {shown(text) if text else 'empty'}, {unfit.reason}"
        return error("NLM-G013", what, place, key=name, value=text, allowed=kind.allowed, hint=unfit.hint)
    if value and isinstance(kind, Expression):
        wrong = check_expression(value)
        if wrong is not None:
            reason, hint, position = wrong
            what = f"{name} is no expression: {reason}"
            return error("NLM-G018", what, _inside(place, text, position), key=name, value=text, hint=hint)
    return value


def _inside(place: Position, text: str, position: int) -> Position:
    """The place of a position of a text, if it stands in its line as it is."""
    source = place.source[place.column - 1 :] if place.line else ""
    if not source.startswith((text, f"'{text}", f'"{text}')):
        return place
    return replace(place, column=place.column + position + (source[0] in "'\"" and not source.startswith(text)))


def _too_many(name: str, count: int, kind: Kind, place: Position) -> Problem:
    what = f"{name} has {count} items"
    return error("NLM-G013", what, place, key=name, value=str(count), allowed=kind.allowed)


def _listed(texts: Iterable[str]) -> str:
    """The first ones of some texts, and how many there are beside them."""
    all_of_them = list(texts)
    more = len(all_of_them) - FEW
    return ", ".join(all_of_them[:FEW]) + (f" and {more} more" if more > 0 else "")


def _form(raw: Raw) -> str:
    return shown(raw) if isinstance(raw, str) else form_of(raw)


def _example(kind: Kind) -> str:
    return {"boolean": "true", "integer": "0", "size": "64KB"}.get(kind.name, "default")


def _default(key: Key) -> str:
    return str(key.default).lower() if isinstance(key.default, bool) else shown(key.default)
