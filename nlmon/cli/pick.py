"""Picks cases by words: ``-k 'link and not rollback'``, as pytest does.

    expression:  word | not expression | expression and expression | expression or expression | ( expression )

Rules:
1. A word is a part of a text, in any case of its letters; ``not`` binds more closely than ``and``, that more than
   ``or``.

Not here: what the texts of a case are (``run``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from nlmon.errors import UsageError

__all__ = ["picker"]

Test: TypeAlias = Callable[[str], bool]
_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
# Nested deeper than this is no expression that somebody wrote.
_DEEPEST = 50


def picker(expression: str) -> Test:
    """A function that says whether a text is picked; without an expression each one is. Raises ``UsageError``."""
    tokens = _TOKEN.findall(expression)
    if not tokens:
        return lambda _: True
    parser = _Parser(tokens, expression)
    test = parser.any_of(0)
    parser.expect_end()
    return test


class _Parser:
    def __init__(self, tokens: list[str], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    def any_of(self, depth: int) -> Test:
        tests = [self._all_of(depth)]
        while self._took("or"):
            tests.append(self._all_of(depth))
        return lambda text: any(test(text) for test in tests)

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise self._mistake(f"{self._tokens[self._at]!r} is not expected here")

    def _all_of(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._took("and"):
            tests.append(self._one(depth))
        return lambda text: all(test(text) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise self._mistake("it is nested too deeply")
        if self._took("not"):
            test = self._one(depth + 1)
            return lambda text: not test(text)
        if self._took("("):
            test = self.any_of(depth + 1)
            if not self._took(")"):
                raise self._mistake("a ) is missing")
            return test
        if self._at == len(self._tokens) or self._tokens[self._at] in {"and", "or", ")"}:
            raise self._mistake("a word is missing")
        word = self._tokens[self._at].casefold()
        self._at += 1
        return lambda text: word in text.casefold()

    def _took(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _mistake(self, why: str) -> UsageError:
        hint = "such as -k 'link and not rollback'"
        return UsageError("NLM-U022", f"-k {self._text!r} is no expression", why=why, hint=hint)
