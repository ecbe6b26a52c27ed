"""Regular expressions of filters, by google-re2 alone: one meaning, and a time that grows with the text and no faster.

Rules of this file:
1. Without google-re2 an expression is refused with the command that installs it. Python's own ``re`` is no substitute:
   it knows other expressions, and some take it for ever.

Not here: where an expression stands in a filter (``check``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nlmon.errors import FilterError

__all__ = ["INSTALL", "compile_regex"]

INSTALL = "pip install 'nlmon[monitor]'"
# What one compiled expression may take.
MOST_MEMORY = 4 << 20


@functools.lru_cache(maxsize=256)
def compile_regex(pattern: str) -> Callable[[str], object | None]:
    """What searches a text for an expression. Raises ``FilterError`` for one that RE2 does not take (NLM-W003), and
    where google-re2 is missing (NLM-W004)."""
    try:
        import re2  # noqa: PLC0415  (start-up: only an expression needs it)
    except ImportError:
        what, why = "=~ and !~ need google-re2", "it is not installed"
        raise FilterError("NLM-W004", what, why=why, hint=INSTALL, expression=pattern, position=0) from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        search: Callable[[str], Any] = re2.compile(pattern, options).search
    except (re2.error, UnicodeError) as error:
        raise FilterError(
            "NLM-W003", "this is no regular expression of RE2", why=_reason(error), expression=pattern, position=0
        ) from None
    return search


def _reason(error: Exception) -> str:
    """What RE2 says, as text."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
