"""Reads the text of a filter into a tree, or says what is wrong, where, and what may have been meant.

Rules of this file:
1. The parser is lark's LALR parser for ``grammar.lark``: its time grows with the length of the text alone.
2. Any text gives a tree or a ``FilterError`` with a position.

Not here: what may be compared with what (``check``), matching (``compile``).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from nlmon.filters.check import Checker, Word
from nlmon.filters.tree import All, Comparison, Either, Negated, Tree

if TYPE_CHECKING:  # loaded with the first filter
    from lark import Lark, Token
    from lark import Tree as Branch
    from lark.exceptions import UnexpectedInput

    Node: TypeAlias = Branch[Token] | Token

__all__ = ["DEEPEST", "LONGEST", "Parsed", "names_in", "parse"]

# More characters, or conditions in each other, than a filter has that a person wrote.
LONGEST = 8192
DEEPEST = 50
_ESCAPE = re.compile(r"\\([nt\\\"'])")
_WORD_BEFORE = re.compile(r"([A-Za-z_]\w*)\s*$")
# So far back a word is looked for that explains a mistake.
LONGEST_WORD = 100
_ESCAPED = {"n": "\n", "t": "\t"}
# What stands to the right of an operator, for those who put it in brackets.
_OPERATORS = {
    "IN": "a list stands in square brackets: IN [...]",
    **dict.fromkeys(("CONTAINS", "STARTSWITH", "ENDSWITH"), "leave the brackets out"),
}
# Operators of other languages.
_ELSEWHERE = {
    "LIKE": "write =~ or CONTAINS",
    "MATCHES": "write =~",
    "IS": "write ==",
    "NOT": "write !=, or NOT before the field",
}


class Parsed(NamedTuple):
    """The tree of an expression, and what its writer should know about it."""

    tree: Tree
    notices: tuple[str, ...]


def parse(expression: str, name: str = "") -> Parsed:
    """The tree of an expression; ``name``: what an error calls it. Raises ``FilterError``."""
    checker = Checker(expression, name)
    return Parsed(_Reader(checker).tree(_read(checker, expression), 1), tuple(dict.fromkeys(checker.notices)))


def names_in(expression: str, name: str = "") -> tuple[Word, ...]:
    """Every name that stands beside an operator, in the order of the text, whether or not it is a field; ``name``: what
    an error calls the expression. Raises ``FilterError`` for what is no filter by its form alone."""
    comparisons = _read(Checker(expression, name), expression).find_data("comparison")
    words = (_word(side) for one in comparisons for side in one.children[::2])
    return tuple(sorted((word for word in words if word.kind == "name"), key=lambda word: word.position))


def _read(checker: Checker, expression: str) -> Branch[Token]:
    """What the parser makes of an expression."""
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415  (start-up: only a filter needs it)

    if len(expression) > LONGEST:
        checker.refuse("NLM-W006", f"a filter has at most {LONGEST:,} characters", LONGEST)
    try:
        expression.encode()
    except UnicodeEncodeError as error:
        checker.refuse("NLM-W001", "the filter is no UTF-8", error.start)
    try:
        return _parser().parse(expression)
    except UnexpectedInput as error:
        _explain(checker, expression, error)


@functools.cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415  (start-up: only a filter needs it)

    return Lark.open_from_package(__name__, "grammar.lark", parser="lalr", maybe_placeholders=False)


class _Reader:
    """Makes the tree of a filter from that of the parser."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    def tree(self, node: Node, depth: int) -> Tree:
        """The condition of a node; ``depth``: in how many it stands."""
        from lark import Token  # noqa: PLC0415  (start-up: only a filter needs it)

        if isinstance(node, Token):  # pragma: no cover  (the grammar has no condition of one token)
            raise TypeError(node)
        if depth > DEEPEST:
            what = f"conditions stand in each other more than {DEEPEST} times"
            self._checker.refuse("NLM-W006", what, _position(node))
        parts = node.children
        match node.data:
            case "either":
                return Either(_flat(Either, [self.tree(part, depth + 1) for part in parts]))
            case "all":
                return All(_flat(All, [self.tree(part, depth + 1) for part in parts]))
            case "negated":
                return Negated(self.tree(parts[0], depth + 1))
            case _:
                return self._comparison(parts)

    def _comparison(self, parts: list[Node]) -> Comparison:
        left = _word(parts[0])
        if len(parts) == 1:
            self._checker.alone(left)
        operator = " ".join(str(parts[1]).upper().split())
        return self._checker.comparison(left, operator, _word(parts[2]))


def _flat(kind: type[Either | All], parts: list[Tree]) -> tuple[Tree, ...]:
    """Parts, with those of a part of the same kind in its place, which brackets had put there."""
    found: list[Tree] = []
    for part in parts:
        found += part.parts if isinstance(part, Either | All) and isinstance(part, kind) else (part,)
    return tuple(found)


def _word(node: Node) -> Word:
    from lark import Token  # noqa: PLC0415  (start-up: only a filter needs it)

    if isinstance(node, Token):  # pragma: no cover  (the grammar names every side)
        raise TypeError(node)
    first, *others = node.children
    position = _position(node)
    match node.data:
        case "list":
            return Word("list", "", position, tuple(map(_item, others)))
        case "text":
            text = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), str(first)[1:-1])
            return Word("text", text, position)
        case "number":
            return Word("number", str(first), position)
        case _:
            return Word("name", str(first), position)


def _item(node: Node) -> Word:
    """What stands in a list; another list there is refused, whatever it holds."""
    from lark import Token  # noqa: PLC0415  (start-up: only a filter needs it)

    nested = not isinstance(node, Token) and node.data == "list"
    return Word("list", "", _position(node)) if nested else _word(node)


def _position(node: Node) -> int:
    """Where a node begins."""
    from lark import Token  # noqa: PLC0415  (start-up: only a filter needs it)

    first: Node = node
    while not isinstance(first, Token):
        first = first.children[0]
    return first.start_pos or 0


# -- mistakes ------------------------------------------------------------------------------------------------


def _explain(checker: Checker, expression: str, error: UnexpectedInput) -> NoReturn:
    """Raise ``FilterError`` for what the parser did not expect."""
    from lark.exceptions import UnexpectedToken  # noqa: PLC0415  (start-up: only a filter needs it)

    if not isinstance(error, UnexpectedToken):
        _explain_character(checker, expression, error.pos_in_stream or 0)
    expected, token = set(error.accepts or error.expected), error.token
    if token.type == "$END":
        position = len(expression)
        if not expression.strip():
            checker.refuse("NLM-W001", "the filter is empty", 0, hint='write one such as interface == "eth0"')
        if "RSQB" in expected:
            checker.refuse("NLM-W001", "the list does not end", position, hint="close it with ]")
        if "RPAR" in expected:
            checker.refuse("NLM-W001", "a bracket is not closed", position, hint="close it with )")
        checker.refuse("NLM-W001", "the filter ends where a field or a value has to follow", position)
    position, text = token.start_pos or 0, str(token)
    before = _WORD_BEFORE.search(expression, max(0, position - LONGEST_WORD), position)
    if before and before[1].upper() in {"AND", "OR"} and "NAME" not in expected:
        checker.refuse("NLM-W001", f"expected a field or a value and not {before[1]}", before.start())
    if text == "(" and before and before[1].upper() in _OPERATORS:
        what, hint = f"a bracket cannot follow {before[1]}", _OPERATORS[before[1].upper()]
        checker.refuse("NLM-W001", what, position, hint=hint)
    if text == "(" and before and before[1].upper() != "NOT":
        what = f"{before[1]}(...) is no part of the language"
        checker.refuse("NLM-W001", what, before.start(), why="a filter looks at one event and has no functions")
    if token.type in {"OPERATOR", "NOT_IN"} and expression[:position].rstrip().endswith(")"):
        what = f"a bracket holds a whole comparison and is not the left side of {text}"
        checker.refuse("NLM-W001", what, position, hint="leave the brackets out")
    if token.type in {"OPERATOR", "NOT_IN"} and "NAME" not in expected:
        checker.refuse("NLM-W001", "comparisons do not chain", position, hint="join two of them by AND")
    if text == ")" and "RPAR" not in expected and "NAME" not in expected:
        checker.refuse("NLM-W001", "there is no bracket that this one closes", position)
    wanted = "a field or a value" if "NAME" in expected else "AND, OR or the end"
    if "OPERATOR" in expected:
        wanted = "an operator such as =="
    hint = "leave the brackets out" if text == "(" and "NAME" in expected else _ELSEWHERE.get(text.upper(), "")
    checker.refuse("NLM-W001", f"expected {wanted} and not {text}", position, hint=hint)


def _explain_character(checker: Checker, expression: str, position: int) -> NoReturn:
    """Raise ``FilterError`` for what begins no word of the language."""
    character = expression[position : position + 1]
    if not character.isascii():
        # It may look like another one.
        what = f"{character}, which is U+{ord(character):04X}, is no part of the language outside of quotes"
        hint = "text stands in \" or '" if unicodedata.category(character) in {"Pi", "Pf", "Ps"} else ""
        checker.refuse("NLM-W001", what, position, hint=hint)
    if character in {'"', "'"}:
        hint = f"close it with {character}"
        checker.refuse("NLM-W001", "the text does not end", position, hint=hint)
    hints = {"=": "write == to compare, =~ to search", "&": "write && or AND", "|": "write || or OR"}
    if character.isdecimal() or character in {"+", "-"}:
        checker.refuse("NLM-W001", "this is no number", position, hint="write 1500, -1, 0x1003 or 0.5")
    checker.refuse("NLM-W001", f"{character} is no operator", position, hint=hints.get(character, ""))
