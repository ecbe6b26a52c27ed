"""When two values are the same: equal, and of the same Python types; and when those of a payload are the right ones.

``True`` is equal to 1 and 1500.0 to 1500, and they are other values in JSON and for who asks for their type.

Not here: which values are held against each other (``classify``, ``evidence``), and the fast way (``fast``).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Set
from operator import contains
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from msgspec import Struct, structs

__all__ = ["fields_of", "of_its_types", "same"]

# Values that hold no others.
PLAIN = {int, str}
# Of types of the values of a payload that are remembered.
COMBINATIONS = 1024
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
    values = structs.astuple(payload)
    inside = _inside(type(payload), tuple(map(type, values)))
    return inside is not None and all(check(values[at]) for at, check in inside)


@functools.lru_cache(COMBINATIONS)
def _inside(kind: type[Struct], found: tuple[type, ...]) -> tuple[tuple[int, Check], ...] | None:
    """Where in a payload values stand that hold others, if all have the types ``found``, and what says whether these
    are right; None: one of the types is not of its structure."""
    hints, allowed = _annotated(kind)
    if not all(map(contains, allowed, found)):
        return None
    holders = [at for at, one in enumerate(found) if issubclass(one, (tuple, Struct))]
    return tuple((at, _check(hints[at])) for at in holders)


@functools.cache
def _annotated(kind: type[Struct]) -> tuple[tuple[Any, ...], tuple[Set[type], ...]]:
    """The annotations of the fields of a structure, and of which types the values of each may be."""
    hints = tuple(field.type for field in fields_of(kind))
    return hints, tuple(map(_types, hints))


@functools.cache
def fields_of(kind: type[Struct]) -> tuple[structs.FieldInfo, ...]:
    """The fields of a structure, whose annotations take long to read."""
    return structs.fields(kind)


@functools.cache
def _types(hint: Any) -> Set[type]:
    """The types of the values that an annotation allows, whatever is in these."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _types(inner[0])
    if origin in {Union, types.UnionType}:
        return frozenset().union(*map(_types, inner))
    return frozenset({origin or hint})


def _check(hint: Any) -> Check:
    """What says whether a value is of an annotated type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _check(inner[0])
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
