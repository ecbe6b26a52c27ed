"""When what an implementation gives agrees with a value: parts that it does not provide contradict nobody.

Not here: which value the bytes hold (``third``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import UNSET, Struct

from nlmon.compare.contract import kind_name
from nlmon.compare.same import same

__all__ = ["Promises", "agrees"]

# Whether a field of a part, such as a next hop, is promised.
Promises: TypeAlias = Callable[[str, str], bool]


def agrees(expected: Any, given: Any, promises: Promises | None = None) -> bool:
    """Whether a value is the expected one, as far as it is provided; a part of it that is promised must be there."""
    if given is UNSET or expected is UNSET or same(expected, given):
        return True
    if isinstance(expected, Struct) and type(expected) is type(given):
        kind = kind_name(expected)
        for name in expected.__struct_fields__:
            one, other = getattr(expected, name), getattr(given, name)
            lacks = other is UNSET and one is not None and promises is not None and promises(kind, name)
            if lacks or not agrees(one, other, promises):
                return False
        return True
    if isinstance(expected, tuple) and isinstance(given, tuple) and len(expected) == len(given):
        return all(agrees(one, other, promises) for one, other in zip(expected, given, strict=True))
    return False
