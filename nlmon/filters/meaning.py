"""What a filter means to somebody who lacks some of its fields, and the filter as a drawing.

Rules of this file:
1. A comparison of a field that is never there is false. What follows from that, and nothing else, is left out: a
   condition that is false whatever comes, and one that is true.

Not here: who lacks which field (``nlmon.compare.statement``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nlmon.filters.fields import Field
from nlmon.filters.tree import All, Comparison, Either, Negated, Tree, text_of

__all__ = ["drawn", "meaning"]


def meaning(tree: Tree, provided: Callable[[Field], bool]) -> Tree | bool:
    """What is left of a tree where only some fields are provided; a truth value where no condition is left."""
    match tree:
        case Either(parts):
            left = [meaning(part, provided) for part in parts]
            if any(part is True for part in left):
                return True
            return _joined(Either, left)
        case All(parts):
            left = [meaning(part, provided) for part in parts]
            if any(part is False for part in left):
                return False
            return _joined(All, left)
        case Negated(part):
            inner = meaning(part, provided)
            return not inner if isinstance(inner, bool) else Negated(inner)
        case Comparison(left, _, right):
            return tree if all(provided(one) for one in (left, right) if isinstance(one, Field)) else False


def _joined(kind: type[Either | All], parts: list[Tree | bool]) -> Tree | bool:
    left = [part for part in parts if not isinstance(part, bool)]
    if not left:
        return kind is All
    return left[0] if len(left) == 1 else kind(tuple(left))


def drawn(tree: Tree) -> Iterator[str]:
    """The lines of a tree: a condition in each, and under it those that it consists of."""
    match tree:
        case Either(parts):
            yield from _drawn("OR", parts)
        case All(parts):
            yield from _drawn("AND", parts)
        case Negated(part):
            yield from _drawn("NOT", (part,))
        case _:
            yield text_of(tree)


def _drawn(word: str, parts: tuple[Tree, ...]) -> Iterator[str]:
    yield word
    for number, part in enumerate(parts, 1):
        first, *more = drawn(part)
        last = number == len(parts)
        yield f"{'└─' if last else '├─'} {first}"
        for line in more:
            yield f"{'   ' if last else '│  '}{line}"
