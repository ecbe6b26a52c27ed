"""When what an implementation gives agrees with a value: parts that it does not provide contradict nobody.

Not here: which value the bytes hold (``third``).
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct

from nlmon.compare.same import same

__all__ = ["agrees", "where_it_differs"]


def agrees(expected: Any, given: Any) -> bool:
    """Whether a value is the expected one, as far as it is provided."""
    return where_it_differs(expected, given) is None


def where_it_differs(expected: Any, given: Any) -> str | None:
    """The name of what differs inside of a value, empty for the whole value; None: nothing does."""
    if given is UNSET or expected is UNSET or same(expected, given):
        return None
    if isinstance(expected, Struct) and type(expected) is type(given):
        for name in expected.__struct_fields__:
            if (inside := where_it_differs(getattr(expected, name), getattr(given, name))) is not None:
                return f"{name}.{inside}".rstrip(".")
        return None
    if isinstance(expected, tuple) and isinstance(given, tuple) and len(expected) == len(given):
        found = (where_it_differs(one, other) for one, other in zip(expected, given, strict=True))
        return next((inside for inside in found if inside is not None), None)
    return ""
