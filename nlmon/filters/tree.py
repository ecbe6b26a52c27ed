"""What a filter consists of: comparisons of fields with constants, joined by AND, OR and NOT; and its text.

Rules of this file:
1. The text of a tree, parsed again, is the same tree.

Not here: reading text (``parse``), matching (``compile``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from nlmon.filters.fields import Field

__all__ = [
    "All",
    "Comparison",
    "Constant",
    "Either",
    "Negated",
    "Number",
    "Operand",
    "Tree",
    "fields_in",
    "operand_text",
    "quoted",
    "text_of",
]

Number: TypeAlias = int | Decimal


class Constant(Struct, frozen=True):
    """A value that is written in a filter; ``name``: the constant of the kernel that it was written as, if it was."""

    value: Number | str
    name: str = ""


Operand: TypeAlias = Field | Constant | tuple[Constant, ...]


class Comparison(Struct, frozen=True):
    """``left`` and ``right`` of an operator, which is written in capitals. IN and NOT IN have a list to the right,
    CONTAINS may have one."""

    left: Field | Constant
    operator: str
    right: Operand


class All(Struct, frozen=True):
    """Two conditions or more that all must hold."""

    parts: tuple[Tree, ...]


class Either(Struct, frozen=True):
    """Two conditions or more of which one must hold."""

    parts: tuple[Tree, ...]


class Negated(Struct, frozen=True):
    """A condition that must not hold."""

    part: Tree


Tree: TypeAlias = Comparison | All | Either | Negated


def text_of(tree: Tree) -> str:
    """The expression of a tree, with the paths of fields and no more brackets than it needs."""
    match tree:
        case Either(parts):
            return " OR ".join(_within(part, Either) for part in parts)
        case All(parts):
            return " AND ".join(_within(part, Either, All) for part in parts)
        case Negated(part):
            return f"NOT {_within(part, Either, All)}"
        case Comparison(left, operator, right):
            return f"{operand_text(left)} {operator} {operand_text(right)}"


def _within(tree: Tree, *weaker: type[Either | All]) -> str:
    text = text_of(tree)
    return f"({text})" if isinstance(tree, weaker) else text


def operand_text(operand: Operand) -> str:
    """One side of a comparison as it is written."""
    match operand:
        case Field():
            return operand.path
        case Constant(value, name):
            return name or (
                quoted(value) if isinstance(value, str) else format(value, "f" if isinstance(value, Decimal) else "d")
            )
        case _:
            return f"[{', '.join(map(operand_text, operand))}]"


def quoted(text: str) -> str:
    """Text in double quotes, as a filter has it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def fields_in(tree: Tree) -> Iterator[Field]:
    """Every field that a tree compares, each once and in the order of the text."""
    return iter(dict.fromkeys(_fields(tree)))


def _fields(tree: Tree) -> Iterator[Field]:
    match tree:
        case Either(parts) | All(parts):
            for part in parts:
                yield from _fields(part)
        case Negated(part):
            yield from _fields(part)
        case Comparison(left, _, right):
            yield from (side for side in (left, right) if isinstance(side, Field))
