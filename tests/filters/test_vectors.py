"""Expressions whose answers are documented, and what the C monitor made of them.

Not here: the language part by part (``test_language``).
"""

from __future__ import annotations

import pytest

from nlmon.filters import FilterError, compile_filter
from support.filters import EVENTS
from support.paths import FIXTURES

VECTORS = FIXTURES / "vectors"
DOCUMENTED = [line.split("\t") for line in (VECTORS / "filter-documented.tsv").read_text(encoding="utf-8").splitlines()]
OBSERVED = (VECTORS / "filter-observed.txt").read_text(encoding="utf-8").splitlines()


def answer(expression: str) -> str:
    """What a filter makes of each event, or the code of its mistake."""
    try:
        matches = compile_filter(expression).matches
    except FilterError as error:
        return error.code
    return " ".join(f"{name}={int(matches(one))}" for name, one in EVENTS.items())


@pytest.mark.parametrize(("expression", "documented", "why"), DOCUMENTED, ids=[row[0] for row in DOCUMENTED])
def test_an_expression_means_what_is_documented(expression: str, documented: str, why: str) -> None:
    """Whatever the C monitor makes of it."""
    assert answer(expression) == documented


def test_every_expression_has_an_answer_and_a_difference_a_reason() -> None:
    """And no reason is given where there is no difference."""
    expressions = (VECTORS / "filter-expressions.txt").read_text(encoding="utf-8").splitlines()
    wrong = []
    for (expression, documented, why), line in zip(DOCUMENTED, OBSERVED, strict=True):
        observed = line[len(expression) :].strip()
        refused = documented.startswith("NLM") and "ERROR" in observed
        wrong += [expression] * ((observed == documented or refused) is bool(why))

    assert [row[0] for row in DOCUMENTED] == expressions
    assert wrong == []
