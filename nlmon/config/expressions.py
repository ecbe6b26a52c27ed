"""What a configuration asks of the filters in it: whether they are filters.

Not here: the language (``nlmon.filters``), and where in a file an expression stands (``values``).
"""

from __future__ import annotations

from nlmon.errors import FilterError

__all__ = ["check_expression"]


def check_expression(text: str) -> tuple[str, str, int] | None:
    """Why a text is no filter, what to do, and the position, in characters from 0; None if it is one."""
    from nlmon.filters import compile_filter  # noqa: PLC0415  (start-up: most configurations have no filter)

    try:
        compile_filter(text)
    except FilterError as error:
        why = f": {error.why}" if error.why else ""
        return f"{error.what}{why}", error.hint, error.position
    return None
