"""What the environment says: a variable for each key, by its name.

Rules:
1. A variable that is empty says nothing.
2. What begins with ``NLMON_`` and is no key is a notice, unless a file names it as ``${NAME}``; ``NLMON_TEST_*`` is for
   tests, and nothing is said of it.

Not here: the names (``names``), and ``${NAME}`` in files (``variables``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from nlmon.config.entries import HINTED
from nlmon.config.keys import KeyPath, dotted, keys
from nlmon.config.names import FILE_VARIABLE, PREFIX, RESERVED, variables
from nlmon.config.problems import Position, Problem, notice, shown

__all__ = ["Override", "overrides"]


class Override(Struct, frozen=True):
    """A variable that gives a key."""

    path: KeyPath
    name: str
    text: str

    @property
    def place(self) -> Position:
        """Where it stands."""
        return Position(variable=self.name)


def overrides(environ: Mapping[str, str], named: Collection[str]) -> Iterator[Override | Problem]:
    """All variables that give a key, one for each key; ``named``: variables that files name."""
    found: dict[KeyPath, list[tuple[int, str]]] = {}
    unknown = 0
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(RESERVED) or name == FILE_VARIABLE or not environ[name]:
            continue
        if name in variables():
            path, rank = variables()[name]
            found.setdefault(path, []).append((rank, name))
        elif name not in named:
            unknown += 1
            yield _unknown(name, environ[name], hinted=unknown <= HINTED)
    for path in keys():
        if path not in found:
            continue
        (_, best), *others = sorted(found[path])
        yield Override(path, best, environ[best])
        for _, name in others:
            if environ[name] != environ[best]:
                what = f"{name} has no effect beside {best}"
                place, key = Position(variable=name), dotted(path)
                yield notice("NLM-G037", what, place, key=key, value=environ[name], hint="leave one of them out")


def _unknown(name: str, text: str, *, hinted: bool) -> Problem:
    # All begin alike, which makes none of them the one that is meant.
    known = [one.removeprefix(PREFIX) for one in variables()] if hinted else []
    near = get_close_matches(name.removeprefix(PREFIX), known, 1, 0.8)
    hint = f"did you mean {PREFIX}{near[0]}?" if near else ""
    return notice(
        "NLM-G032", f"{shown(name)} is no key of the configuration", Position(variable=name), value=text, hint=hint
    )
