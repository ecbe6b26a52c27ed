"""Makes comparisons of what was read, and refuses those that mean nothing.

Rules of this file:
1. A name that is neither a field nor a constant is refused, and so is a text that its field never holds: they would
   never be what was meant.
2. What is allowed and can never hold, such as a number in a text, is a notice.
3. A constant is turned into what its field holds, once: ``operstate == "DOWN"`` compares with the number 2, and so does
   ``mtu == "1500"`` with 1500.

Not here: the grammar (``parse``), matching (``compile``).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, NoReturn

from msgspec import Struct

from nlmon.errors import FilterError
from nlmon.filters.constants import CONNTRACK_NEW, constant, constants_near, number_named
from nlmon.filters.fields import Field, field_of, fields_near
from nlmon.filters.regex import compile_regex
from nlmon.filters.tree import Comparison, Constant, Number, Operand, operand_text, quoted

__all__ = ["Checker", "Word", "number_in"]

_NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9]+(\.[0-9]+)?)")
# More digits than any field has.
LONGEST_NUMBER = 40
_SWAPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OF_TEXT = {"=~", "!~", "STARTSWITH", "ENDSWITH"}
_LISTS = {"IN", "NOT IN"}
_TRUTHS = {"TRUE": 1, "FALSE": 0}


class Word(Struct, frozen=True):
    """One side of a comparison as it was read; ``items``: of a list."""

    kind: Literal["name", "text", "number", "list"]
    text: str
    position: int
    items: tuple[Word, ...] = ()


def number_in(text: str) -> Number | None:
    """The number that a text writes, None if it writes none."""
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        return None
    if match[2]:
        value = Decimal(text)
        return int(value) if value == int(value) else value
    return int(text, 16 if "x" in text.lower() else 10)


class Checker:
    """Makes the comparisons of one expression; ``notices``: what its writer should know about it."""

    def __init__(self, expression: str, name: str) -> None:
        self.notices: list[str] = []
        self._expression = expression
        self._name = name

    def refuse(self, code: str, what: str, position: int, *, why: str = "", hint: str = "") -> NoReturn:
        """Raise ``FilterError``."""
        raise FilterError(
            code, what, where=self._name, why=why, hint=hint, expression=self._expression, position=position
        )

    def comparison(self, left: Word, operator: str, right: Word) -> Comparison:
        """The comparison of two sides."""
        one = self._side(left, begins=True)
        if isinstance(one, Constant) and (operator not in _SWAPPED or right.kind == "list"):
            hint = f"write FIELD {operator} VALUE"
            self.refuse("NLM-W005", f"the left side of {operator} is a field", left.position, hint=hint)
        other = self._list(right, operator) if right.kind == "list" else self._side(right)
        if operator in _LISTS and right.kind != "list":
            hint = f"write {operator} [{self._shown(right)}]"
            self.refuse("NLM-W005", f"{operator} needs a list", right.position, hint=hint)
        if isinstance(other, Field) and operator not in _SWAPPED:
            self.refuse("NLM-W005", f"the right side of {operator} is a value", right.position)
        if isinstance(one, Constant) and isinstance(other, Field):
            one, operator, other, left, right = other, _SWAPPED[operator], one, right, left
        if operator in _OF_TEXT:
            self._text(operator, other, right)
        if isinstance(one, Constant):
            if isinstance(other, Constant):
                self.notices.append(f"{operand_text(one)} {operator} {operand_text(other)} compares no field")
            return Comparison(one, operator, other)
        return self._of_field(one, operator, other, right)

    def alone(self, word: Word) -> NoReturn:
        """Refuse a side without an operator."""
        hint = "compare it: FIELD == VALUE" if word.kind == "name" else "compare a field with it: FIELD == VALUE"
        self.refuse("NLM-W005", f"{self._shown(word)} alone is no condition", word.position, hint=hint)

    # -- sides -----------------------------------------------------------------------------------------------

    def _side(self, word: Word, *, begins: bool = False) -> Field | Constant:
        if word.kind == "list":
            self.refuse("NLM-W005", "a list stands to the right of IN, NOT IN or CONTAINS", word.position)
        if word.kind == "text":
            return Constant(word.text)
        if word.kind == "number":
            value = number_in(word.text)
            if value is None:
                self.refuse("NLM-W001", f"a number has at most {LONGEST_NUMBER} digits", word.position)
            return Constant(value)
        field = field_of(word.text)
        return field if field is not None else self._constant(word, begins=begins)

    def _constant(self, word: Word, *, begins: bool) -> Constant:
        found, name = constant(word.text), word.text.upper()
        if found is None:
            self._unknown(word, begins=begins)
        if name == CONNTRACK_NEW:
            name = "TCP_CONNTRACK_SYN_SENT"
            self.notices.append(f"the kernel has no {CONNTRACK_NEW}; it is taken as {name}, the state of a new flow")
        return Constant(found[0], name)

    def _unknown(self, word: Word, *, begins: bool) -> NoReturn:
        """Refuse a name; ``begins``: it stands where a comparison begins, so that it was to be a field."""
        near = fields_near(word.text) or constants_near(word.text)
        hint = "nlmon filter fields lists the fields" if begins else f"text stands in quotes: {quoted(word.text)}"
        hint = f"did you mean {' or '.join(near)}?" if near else hint
        self.refuse("NLM-W002", f"{word.text} is neither a field nor a constant", word.position, hint=hint)

    def _list(self, word: Word, operator: str) -> tuple[Constant, ...]:
        if operator not in {*_LISTS, "CONTAINS"}:
            hint = "write IN [...]" if operator == "==" else "write NOT IN [...]" if operator == "!=" else ""
            self.refuse("NLM-W005", f"{operator} takes no list", word.position, hint=hint)
        found = []
        for item in word.items:
            one = self._side(item)
            if isinstance(one, Field):
                self.refuse("NLM-W005", "a list holds values and no fields", item.position)
            found.append(one)
        return tuple(found)

    def _text(self, operator: str, other: Operand, right: Word) -> None:
        if not (isinstance(other, Constant) and isinstance(other.value, str)):
            self.refuse(
                "NLM-W005", f"{operator} needs a text", right.position, hint=f"write {operator} {quoted(right.text)}"
            )
        if operator in {"=~", "!~"}:
            try:
                compile_regex(other.value)
            except FilterError as error:
                self.refuse(error.code, error.what, right.position, why=error.why, hint=error.hint)

    @staticmethod
    def _shown(word: Word) -> str:
        if word.kind == "list":
            return "a list"
        return quoted(word.text) if word.kind == "text" else word.text

    # -- what a field is compared with -----------------------------------------------------------------------

    def _of_field(self, field: Field, operator: str, other: Operand, right: Word) -> Comparison:
        if isinstance(other, Field):
            if (field.kind == "text") != (other.kind == "text"):
                self._never(field, operator, other, "one is text and the other a number")
            return Comparison(field, operator, other)
        as_text = operator in _OF_TEXT or (operator == "CONTAINS" and field.kind == "text" and not field.many)
        if as_text and field.kind != "text":
            self._never(field, operator, other, "the field is a number")
        if as_text or operator in _OF_TEXT:
            if isinstance(other, tuple):
                self.refuse("NLM-W005", "CONTAINS takes a list of flags, and the field is text", right.position)
            if field.kind == "text" and not isinstance(other.value, str):
                self._never(field, operator, other, "a number is no part of a text")
            return Comparison(field, operator, other)
        if operator == "CONTAINS" and field.kind != "flags" and not field.many:
            self._never(field, operator, other, "the field is one number and no set of flags")
        if operator == "IN" and other == ():
            self._never(field, operator, other, "the list is empty")
        if isinstance(other, tuple):
            both = zip(other, right.items, strict=True)
            return Comparison(field, operator, tuple(self._fitting(field, operator, one, word) for one, word in both))
        return Comparison(field, operator, self._fitting(field, operator, other, right))

    def _fitting(self, field: Field, operator: str, value: Constant, word: Word) -> Constant:
        """A constant as the field holds it."""
        if value.name:
            self._note_other_table(field, value)
            return value
        if not isinstance(value.value, str):
            return value
        if field.words and value.value not in field.words:
            hint = f"it is {' or '.join(map(quoted, field.words))}"
            self.refuse("NLM-W002", f"{quoted(value.value)} is no value of {field.path}", word.position, hint=hint)
        if field.kind == "text":
            return value
        if field.kind == "truth" and value.value.upper() in _TRUTHS:
            return Constant(_TRUTHS[value.value.upper()], value.value.upper())
        if field.names and (named := number_named(field.names, value.value)) is not None:
            return Constant(*named)
        number = number_in(value.value)
        if number is not None:
            return Constant(number)
        if field.names:
            near = constants_near(value.value, field.names)
            hint = f"did you mean {' or '.join(map(quoted, near))}?" if near else ""
            self.refuse("NLM-W002", f"{quoted(value.value)} is no name in {field.path}", word.position, hint=hint)
        self._never(field, operator, value, f"the field is {'true or false' if field.kind == 'truth' else 'a number'}")
        return value

    def _note_other_table(self, field: Field, value: Constant) -> None:
        found = constant(value.name)
        table = "truth" if field.kind == "truth" else field.names
        if found is not None and (table or field.kind == "text") and found[1] != table:
            same = number_named(table, value.name) if table and table != "truth" else None
            if same is None:
                self.notices.append(f"{value.name} is no value of {field.path}; its number {value.value} is compared")

    def _never(self, field: Field, operator: str, other: Operand, why: str) -> None:
        self.notices.append(f"{field.path} {operator} {operand_text(other)} never holds: {why}")
