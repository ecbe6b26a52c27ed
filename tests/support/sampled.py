"""Which of many tests of one kind are run more often than the others.

Not here: which tests are slow by themselves (``pytest.mark.slow``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["one_in"]


def one_in(count: int, values: Iterable[Any], others: pytest.MarkDecorator = pytest.mark.slow) -> list[Any]:
    """Values of one parameter, or tuples of several: the first and every ``count``-th after it as they are, and the
    ``others`` with a mark."""
    return [_marked(value, others) if number % count else value for number, value in enumerate(values)]


def _marked(value: Any, mark: pytest.MarkDecorator) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=mark)
