"""Completes what was typed of a filter: the last word of it, if it begins a field, a constant or an operator.

Not here: how a shell asks (``nlmon.cli.where``).
"""

from __future__ import annotations

import re

from nlmon.filters.constants import constant_names
from nlmon.filters.fields import FIELDS

__all__ = ["complete"]

_WORDS = ("AND", "OR", "NOT", "IN", "CONTAINS", "STARTSWITH", "ENDSWITH")
_QUOTED = re.compile(r"""("([^"\\]|\\.)*"|'([^'\\]|\\.)*')""", re.DOTALL)
# So many that a terminal can show them.
SHOWN = 100


def complete(text: str) -> list[str]:
    """Every expression that a text may go on to by completing its last word; none where no word was begun, or where it
    is in quotes."""
    begun = re.search(r"[A-Za-z_][\w.]*\Z", text)
    if begun is None or re.search("[\"']", _QUOTED.sub("", text)):
        return [] if text.strip() else sorted(FIELDS)[:SHOWN]
    before, word = text[: begun.start()], begun.group()
    names = [name for name in FIELDS if name.startswith(word.lower())]
    names += [name for name in (*_WORDS, *constant_names()) if name.startswith(word.upper())]
    return [before + name for name in names[:SHOWN]]
