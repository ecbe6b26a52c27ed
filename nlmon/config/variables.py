"""Puts variables of the environment into texts: ``${NAME}`` and ``${NAME:-default}``.

Rules:
1. A variable that is not set or empty gives its default, and nothing where there is none.
2. ``${`` without an end stays as it is; there is no way to write another ``${NAME}`` literally.
3. What a variable holds is not looked into again.
4. What is longer than any value may be is cut off there, so that a few letters cannot stand for any amount of memory.

Not here: variables that set a key by their name (``environment``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

__all__ = ["Substituted", "substitute"]

# No value may be longer, so of a longer one the rest is left out.
LONGEST = 1 << 16
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class Substituted(Struct, frozen=True):
    """A text with its variables put in. ``named``: all that it names; ``unset``: those that gave nothing; ``wrong``:
    what stands between braces and names none, each once; ``open``: whether a ``${`` has no end."""

    text: str
    named: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    open: bool = False


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """A text with the values of the variables that it names."""
    if "${" not in text:
        return Substituted(text)
    parts: list[str] = []
    named: list[str] = []
    unset: list[str] = []
    wrong: list[str] = []
    at = length = 0
    for found in _VARIABLE.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        meant = _NAME.fullmatch(found[1])
        if meant is None:
            wrong.append(found[0])
            continue
        name, default = meant.groups()
        named.append(name)
        if not environ.get(name) and default is None:
            unset.append(name)
        value = environ.get(name) or default or ""
        parts.append(value[: max(0, LONGEST - length)])
        length += len(parts[-1])
    parts.append(text[at:])
    return Substituted("".join(parts), _once(named), _once(unset), _once(wrong), "${" in text[at:])


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
