"""Explanations of what implementations are known to do: a file that says why, so that a run is quiet about it.

    [[explained]]
    implementation = "pyroute2"
    what = "link.addr"            # kind.field, kind.(refused), kind.(missing) … or (errored); * and ? as in a shell
    why = "six bytes of every address are read, whatever its length"

Rules:
1. An explanation changes no count and hides nothing: what it names is shown with it, and alone does not fail a run.

Not here: differences that are accepted on a move (``nlmon.compare.known``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from nlmon.errors import InputError

__all__ = ["Explanation", "explanation_of", "read_explanations"]


class Explanation(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry; ``implementation`` and ``what`` are patterns."""

    implementation: str
    what: str
    why: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    explained: tuple[Explanation, ...] = ()


def read_explanations(data: bytes, where: str) -> tuple[Explanation, ...]:
    """The entries of a file. Raises ``InputError`` (NLM-Q001) for one that cannot be read."""
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), _File).explained
    except (ValueError, RecursionError) as error:  # also what msgspec and tomllib raise
        hint = 'write [[explained]] with implementation = "…", what = "…" and why = "…"'
        raise InputError(
            "NLM-Q001", "the explanations cannot be read", where=where, why=str(error), hint=hint
        ) from None


def explanation_of(explanations: Sequence[Explanation], implementation: str, what: str) -> str:
    """Why, by the first entry that names it; empty if none does."""
    return next(
        (
            one.why
            for one in explanations
            if fnmatchcase(implementation, one.implementation) and fnmatchcase(what, one.what)
        ),
        "",
    )
