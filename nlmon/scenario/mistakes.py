"""Words for what is wrong in a scenario file: each mistake with its code, its place and, where there is one, the
nearest word that would be right.

    NLM-S001 … S009   the text: encoding, size, YAML, tabs, keys given twice, aliases, documents, depth, values
    NLM-S010, S011    the version of the format: missing or not known, newer than this nlmon
    NLM-S012 … S016   the format: an unknown key, a missing key, a wrong type, a wrong value, keys that exclude others
    NLM-S017          the parts of one scenario contradict each other
    NLM-S018          a filter in it is wrong
    NLM-S020 … S029   a suite of scenarios (``check``)
    NLM-S030, S031    a scenario that cannot be written (``nlmon.cli.scenario_new``)

Not here: finding mistakes (``load``, ``check``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from nlmon.errors import ScenarioError
from nlmon.scenario.document import Document, Path
from nlmon.yamlfile import nearest

__all__ = ["explain", "mistake"]

SHOWN = 60


def mistake(
    code: str, what: str, document: Document, path: Path, where: str, *, key: bool = False, hint: str = ""
) -> ScenarioError:
    """A mistake at the value of ``path``, or at its ``key``."""
    place = document.key_place(path) if key else document.place(path)
    return ScenarioError(code, what, where=where, hint=hint, line=place.line, column=place.column)


def explain(error: Any, document: Document, where: str) -> list[ScenarioError]:
    """Mistakes in words, of what jsonschema found wrong."""
    path: Path = tuple(error.absolute_path)
    words = _WORDS.get(error.validator, _value)
    return words(error, document, path, where)


def _unknown(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    known = list(error.schema.get("properties", {}))
    return [
        mistake(
            *("NLM-S012", f"{_show(key)} is no key here", document, (*path, key), where),
            key=True,
            hint=nearest(key, [one for one in known if one not in error.instance]),
        )
        for key in error.instance
        if key not in known
    ]


def _missing(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    # jsonschema reports each missing key by itself, and names it in its message alone.
    key = next(one for one in error.validator_value if one not in error.instance and repr(one) in error.message)
    return [mistake("NLM-S013", f"the key {_show(key)} is missing", document, path, where, key=True)]


def _type(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    wanted = error.validator_value
    names = [_TYPES[one] for one in ([wanted] if isinstance(wanted, str) else wanted)]
    what = f"{_name(path)} is {_kind(error.instance)}, and not {_any_of(names)}"
    hint = "write [a, b], or each item on a line of its own that begins with -" if wanted == "array" else ""
    return [mistake("NLM-S014", what, document, path, where, hint=hint)]


def _enum(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    known = error.validator_value if error.validator == "enum" else [error.validator_value]
    words = ["true" if one is True else str(one) for one in known]
    what = f"{_show(error.instance)} is no value of {_name(path)}"
    return [mistake("NLM-S015", what, document, path, where, hint=nearest(error.instance, words))]


def _pattern(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    what = f"{_show(error.instance)} is not {error.schema['description']}"
    return [mistake("NLM-S015", what, document, path, where)]


def _value(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    limit = error.validator_value
    texts = {
        "minimum": f"is less than {limit}",
        "exclusiveMinimum": f"is not more than {limit}",
        "maximum": f"is more than {limit}",
        "minItems": "has too few items" if limit > 1 else "is empty",
        "minProperties": "is empty",
        "maxProperties": "has more than one key",
        "minLength": "is empty",
        "maxLength": f"has more than {limit} characters",
        "uniqueItems": "has the same item twice",
    }
    what = f"{_name(path)} {texts.get(error.validator, 'has a value that it may not have')}"
    return [mistake("NLM-S015", what, document, path, where)]


def _one_of(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    keys = [key for branch in error.validator_value for key in branch.get("required", ())]
    given = [key for key in keys if key in error.instance]
    if not given:
        strange = [str(key) for key in error.instance if key not in error.schema.get("properties", {})]
        if any(get_close_matches(key, keys, 1) for key in strange):
            return []  # it is there and misspelt, which is said of the key
        return [mistake("NLM-S013", f"one of the keys {', '.join(keys)} is missing", document, path, where, key=True)]
    last = max(given, key=lambda key: document.key_place((*path, key)))
    others = ", ".join(key for key in given if key != last)
    what = f"{last} does not go with {others}"
    return [mistake("NLM-S016", what, document, (*path, last), where, key=True)]


def _any_of_keys(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    keys = [key for branch in error.validator_value for key in branch["required"]]
    # It stands in dependentSchemas, below the key that it is about.
    key = error.absolute_schema_path[-2]
    return [mistake("NLM-S016", f"{key} goes with {_any_of(keys)} alone", document, (*path, key), where, key=True)]


def _depends(error: Any, document: Document, path: Path, where: str) -> list[ScenarioError]:
    return [
        mistake("NLM-S016", f"{key} needs {other}", document, (*path, key), where, key=True)
        for key, others in error.validator_value.items()
        if key in error.instance
        for other in others
        if other not in error.instance
    ]


_WORDS: Mapping[str, Callable[[Any, Document, Path, str], list[ScenarioError]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "pattern": _pattern,
    "oneOf": _one_of,
    "anyOf": _any_of_keys,
    "dependentRequired": _depends,
}
_TYPES = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def _kind(value: object) -> str:
    for kind, name in ((bool, "true or false"), (int, "an integer"), (float, "a number"), (str, "a text")):
        if isinstance(value, kind):
            return name
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "empty"


def _any_of(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _name(path: Path) -> str:
    """How a value is called: by its key, with its number in a list."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_name(path[:-1])}"
    return str(path[-1])


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
