"""The entries in the file of known differences: read from the nodes of YAML, and written as lines.

Rules:
1. The file is closed: an unknown key, a value of another kind and an entry that is there twice are errors with file,
   line and column. An entry that is not understood would allow more or less than somebody believes.
2. ``known: 1`` is the version of the file. Newer ones are refused, since they may mean something else.

Not here: changing the file (``known``).
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from nlmon.compare.known import KnownDifference
from nlmon.errors import InputError
from nlmon.printable import printable
from nlmon.report.text import shown_path

__all__ = ["DIGITS", "KEYS", "REQUIRED", "VERSION", "entry", "items", "list_of", "place", "root", "yaml_of"]

VERSION = 1
DIGITS = 9  # of a number
KEYS = tuple(KnownDifference.__struct_fields__)
REQUIRED = tuple(field.name for field in structs.fields(KnownDifference) if field.required)

_STRING, _DATE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"
_LIST, _NULL = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:null"


def root(path: Path, text: str) -> Any:
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


def list_of(root: Any, path: Path) -> Any:
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
        raise InputError("NLM-K012", what, where=place(path, root), hint=hint)
    found = keys.get("entries")
    if found is not None and found.tag not in {_LIST, _NULL}:
        raise InputError("NLM-K012", "entries must be a list", where=place(path, found))
    return found


def _check_version(node: Any, path: Path) -> None:
    text = str(node.value)[:9]
    if not node.tag.endswith(":int") or not (text.isascii() and text.isdigit()) or not int(text):
        what = "known must be the version of the file"
        raise InputError("NLM-K012", what, where=place(path, node), hint=f"write known: {VERSION}")
    if int(text) > VERSION:
        what, why = f"the file is of version {text}", f"this nlmon reads version {VERSION}"
        raise InputError("NLM-K014", what, where=place(path, node), why=why, hint="use a newer nlmon")


def items(found: Any) -> Sequence[Any]:
    return () if found is None or found.tag == _NULL else tuple(found.value)


def entry(node: Any, number: int, path: Path) -> KnownDifference:
    keys = _keys(node, KEYS, path, f"entry {number}")
    missing = [key for key in REQUIRED if key not in keys]
    if missing:
        what = f"entry {number} has no {' and no '.join(missing)}"
        raise InputError("NLM-K012", what, where=place(path, node))
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
            raise InputError("NLM-K012", f"{key} must be a text", where=place(path, value), hint=hint)
    try:
        return msgspec.convert(values, KnownDifference)
    except msgspec.ValidationError as error:
        what = str(error)
        wrong = next((key for key in ("code", "kernel") if key in keys and repr(keys[key].value) in what), "")
        wrong = wrong or what.partition(" ")[0]
        raise InputError("NLM-K012", what, where=place(path, keys.get(wrong, node))) from error


def _count(node: Any, path: Path) -> int:
    text = str(node.value)
    if node.tag.endswith(":int") and text.isascii() and text.isdigit() and len(text) <= DIGITS and text.strip("0"):
        return int(text)
    raise InputError("NLM-K012", "at_most must be a number, such as 3", where=place(path, node))


def _date(node: Any, path: Path) -> dt.date:
    try:
        if node.tag in {_STRING, _DATE} and len(node.value) == len("2027-03-31"):
            return dt.date.fromisoformat(node.value)
    except ValueError:
        pass
    what = "expires must be a date, such as 2027-03-31"
    raise InputError("NLM-K012", what, where=place(path, node))


def _keys(node: Any, allowed: tuple[str, ...], path: Path, what: str) -> dict[str, Any]:
    """The values of a mapping by key, which must be among those that are allowed, and there once."""
    if not node.tag.endswith(":map"):
        raise InputError("NLM-K012", f"{what} must be a mapping of {', '.join(allowed)}", where=place(path, node))
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key.value, str) else "a collection"
        if name not in allowed or key.tag != _STRING:
            near = get_close_matches(name, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(allowed)}"
            raise InputError("NLM-K012", f"{name!r} is no key of {what}", where=place(path, key), hint=hint)
        if name in found:
            raise InputError("NLM-K012", f"{what} has {name} twice", where=place(path, key))
        found[name] = value
    return found


def place(path: Path, node: Any) -> str:
    mark = node.start_mark
    return f"{shown_path(path)}:{mark.line + 1}:{mark.column + 1}"


def yaml_of(entries: Sequence[KnownDifference], column: int) -> str:
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
