"""Which of very many tests of one kind are quick.

Not here: which tests are slow by themselves (``pytest.mark.slow``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["one_in"]


def one_in(count: int, values: Iterable[Any]) -> list[Any]:
    """Values of one parameter, or tuples of several: the first and every ``count``-th after it, and the others as slow
    ones."""
    return [_slow(value) if number % count else value for number, value in enumerate(values)]


def _slow(value: Any) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
