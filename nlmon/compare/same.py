"""When two values are the same: equal, and of the same Python types; and when those of a payload are the right ones.

``True`` is equal to 1 and 1500.0 to 1500, and they are other values in JSON and for who asks for their type.

Not here: which values are held against each other (``classify``, ``evidence``), and the fast way (``fast``).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, structs

__all__ = ["of_its_types", "same"]

# Values that hold no others.
PLAIN = {int, str}
Check: TypeAlias = Callable[[Any], bool]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other) or one != other:
        return False
    if kind in PLAIN:
        return True
    if isinstance(one, Struct):
        return same(structs.astuple(one), structs.astuple(other))
    return kind is not tuple or all(map(same, one, other))


def of_its_types(payload: Struct) -> bool:
    """Whether the values of a payload are of the types that its structure says, inside, too."""
    return all(check(getattr(payload, name)) for name, check in _checks(type(payload)))


@functools.cache
def _checks(kind: type[Struct]) -> tuple[tuple[str, Check], ...]:
    return tuple((name, _check(hint)) for name, hint in get_type_hints(kind).items())


def _check(hint: Any) -> Check:
    """What says whether a value is of an annotated type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        checks = tuple(map(_check, inner))
        return lambda value: any(check(value) for check in checks)
    if origin is tuple and inner[-1] is Ellipsis:
        one = _check(inner[0])
        return lambda value: type(value) is tuple and all(map(one, value))
    if origin is tuple:
        each = tuple(map(_check, inner))
        return lambda value: (
            type(value) is tuple
            and len(value) == len(each)
            and all(check(one) for check, one in zip(each, value, strict=True))
        )
    if isinstance(hint, type) and issubclass(hint, Struct):
        return lambda value: type(value) is hint and of_its_types(value)
    return lambda value: type(value) is hint
