"""Compiles a filter to a function of an event: closures over fields and values, made once.

Rules of this file:
1. A field that the event does not have compares as false with everything: its payload is of another kind, the message
   did not carry it (``None``), or the implementation does not provide it (``UNSET``).
2. Numbers compare with numbers, and with text that writes a number; text compares with text by its bytes. All else is
   false.
3. A field with many values compares as true if one of them does.
4. What an implementation filled with a value of another type compares as false and raises nothing.

Not here: the text of a filter (``parse``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, structs

from nlmon.events import Event
from nlmon.filters.check import number_in
from nlmon.filters.fields import Field
from nlmon.filters.parse import parse
from nlmon.filters.regex import compile_regex
from nlmon.filters.tree import All, Comparison, Constant, Either, Negated, Number, Operand, Tree, fields_in, text_of

__all__ = ["Filter", "Match", "compile_filter", "compile_tree", "read_field"]

Match: TypeAlias = Callable[[Event], bool]
Check: TypeAlias = Callable[[Any], bool]

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Filter(Struct, frozen=True):
    """A compiled filter. ``text``: its expression with the paths of fields, which is the same filter again;
    ``name``: what an error calls it; ``fields``: those that it compares; ``notices``: what its writer should know;
    ``matches``: whether an event fulfils it."""

    text: str
    name: str
    fields: tuple[Field, ...]
    notices: tuple[str, ...]
    tree: Tree
    matches: Match

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[..., Filter], tuple[str, str, tuple[str, ...]]]:
        """A function does not go to another process; there it is made again."""
        return _made_again, (self.text, self.name, self.notices)


def _made_again(text: str, name: str, notices: tuple[str, ...]) -> Filter:
    return structs.replace(compile_filter(text, name=name), notices=notices)


def compile_filter(text: str, *, name: str = "") -> Filter:
    """Compile an expression; ``name``: what an error calls it. Raises ``FilterError``."""
    tree, notices = parse(text, name)
    return Filter(text_of(tree), name, tuple(fields_in(tree)), notices, tree, compile_tree(tree))


def compile_tree(tree: Tree) -> Match:
    """The function of a tree."""
    match tree:
        case Either(parts):
            return _either([compile_tree(part) for part in parts])
        case All(parts):
            return _all([compile_tree(part) for part in parts])
        case Negated(part):
            inner = compile_tree(part)
            return lambda event: not inner(event)
        case Comparison(left, operator_, right):
            return _comparison(left, operator_, right)


def _either(parts: list[Match]) -> Match:
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) or second(event)

    def matches(event: Event) -> bool:
        for part in parts:  # noqa: SIM110  (a generator takes longer)
            if part(event):
                return True
        return False

    return matches


def _all(parts: list[Match]) -> Match:
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) and second(event)

    def matches(event: Event) -> bool:
        for part in parts:  # noqa: SIM110  (a generator takes longer)
            if not part(event):
                return False
        return True

    return matches


def _comparison(left: Field | Constant, sign: str, right: Operand) -> Match:
    if isinstance(left, Constant):
        holds = isinstance(right, Constant) and _holds(sign, right)(left.value)
        return lambda event: holds
    if isinstance(right, Field):
        return _of_two(left, sign, right)
    if sign == "==" and isinstance(right, Constant) and not left.many:
        wanted = right.value
        if isinstance(wanted, str) is (left.kind == "text"):
            return _equal(left, wanted)
    return _of_field(left, _check(left, sign, right))


def _of_field(field: Field, check: Check) -> Match:
    """Whether a value of a field passes a check."""
    read, kind = _reader(field), field.payload
    if field.many:
        one = check
        check = lambda values: type(values) is tuple and any(map(one, values))  # noqa: E731
    if kind is None:
        return lambda event: check(read(event))

    def matches(event: Event) -> bool:
        payload = event.payload
        return type(payload) is kind and check(read(payload))

    return matches


def _equal(field: Field, wanted: Number | str) -> Match:
    """Whether a field is a value of its own type, which nothing is where there is no field."""
    read, kind = _reader(field), field.payload
    if kind is None:
        return lambda event: bool(read(event) == wanted)

    def matches(event: Event) -> bool:
        payload = event.payload
        return type(payload) is kind and bool(read(payload) == wanted)

    return matches


def _of_two(left: Field, sign: str, right: Field) -> Match:
    """Whether two fields of one event compare; of many values one with one."""

    def matches(event: Event) -> bool:
        other = read_field(right, event)
        values = other if right.many and type(other) is tuple else (other,)
        found = read_field(left, event)
        ones = found if left.many and type(found) is tuple else (found,)
        return any(_holds(sign, Constant(value))(one) for value in values if _is_value(value) for one in ones)

    return matches


def _is_value(value: Any) -> bool:
    return isinstance(value, int | str)


# -- fields --------------------------------------------------------------------------------------------------


def read_field(field: Field, event: Event) -> Any:
    """The value of a field, ``None`` or ``UNSET`` where there is none, and a tuple of a field with many."""
    if field.payload is None:
        return _reader(field)(event)
    return _reader(field)(event.payload) if type(event.payload) is field.payload else None


def _reader(field: Field) -> Callable[[Any], Any]:
    """What reads a field of the structure that holds it."""
    if len(field.steps) == 1:
        return attrgetter(*field.steps)
    steps = field.steps

    def read(value: Any) -> Any:
        return _walk(value, steps)

    return read


def _walk(value: Any, steps: tuple[str, ...]) -> Any:
    for place, step in enumerate(steps):
        if type(value) is tuple:
            return tuple(_walk(one, steps[place:]) for one in value)
        if value is None or value is UNSET:
            return value
        value = getattr(value, step, None)  # rule 4: what stands there may be no structure
    return value


# -- values --------------------------------------------------------------------------------------------------


def _check(field: Field, sign: str, right: Constant | tuple[Constant, ...]) -> Check:
    if sign == "CONTAINS":
        return _contains(field, right)
    if isinstance(right, tuple):
        return _among(right, inside=sign == "IN")
    if sign in {"=~", "!~"}:
        return _searched(str(right.value), found=sign == "=~")
    if sign in {"STARTSWITH", "ENDSWITH"}:
        text, begin = str(right.value), sign == "STARTSWITH"
        return lambda value: type(value) is str and (value.startswith(text) if begin else value.endswith(text))
    return _holds(sign, right)


def _holds(sign: str, right: Constant) -> Check:
    """Whether a value compares with a constant."""
    wanted, compare = right.value, _ORDER[sign]
    if isinstance(wanted, str):
        number = number_in(wanted)
        if number is None:
            if sign == "==":
                return lambda value: type(value) is str and value == wanted
            return lambda value: type(value) is str and compare(value, wanted)
        return lambda value: (
            (type(value) is str and compare(value, wanted)) or (isinstance(value, int) and compare(value, number))
        )

    def check(value: Any) -> bool:
        if isinstance(value, int):
            return bool(compare(value, wanted))
        written = number_in(value) if type(value) is str else None
        return written is not None and bool(compare(written, wanted))

    return check


def _among(right: tuple[Constant, ...], *, inside: bool) -> Check:
    texts = {one.value for one in right if isinstance(one.value, str)}
    numbers = {one.value for one in right if not isinstance(one.value, str)}

    def check(value: Any) -> bool:
        if type(value) is str:
            return (value in texts or (bool(numbers) and number_in(value) in numbers)) is inside
        return isinstance(value, int) and (value in numbers) is inside

    return check


def _searched(pattern: str, *, found: bool) -> Check:
    search = compile_regex(pattern)

    def check(value: Any) -> bool:
        if type(value) is not str:
            return False
        try:
            return (search(value) is not None) is found
        except UnicodeEncodeError:  # an implementation gave bytes that are no UTF-8 as Python has them in file names
            return (search(value.encode("utf-8", "backslashreplace").decode()) is not None) is found

    return check


def _contains(field: Field, right: Constant | tuple[Constant, ...]) -> Check:
    values = [one.value for one in (right if isinstance(right, tuple) else (right,))]
    if field.many:  # one of the values is among these
        return _among(tuple(map(Constant, values)), inside=True)
    if field.kind == "text":
        part = values[0]
        return lambda value: type(value) is str and isinstance(part, str) and part in value
    if field.kind != "flags" or not all(isinstance(one, int) for one in values):
        return lambda value: False
    bits = 0
    for one in values:
        bits |= int(one)
    return lambda value: isinstance(value, int) and value & bits == bits
