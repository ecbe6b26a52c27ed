"""How many examples of a law are tried.

Not here: the profiles (``tests/conftest.py``), and how hypothesis finds an example.
"""

from __future__ import annotations

from hypothesis import settings

__all__ = ["FULL", "examples"]

# What the usual profile tries of a law that asks for no number.
FULL = 100


def examples(count: int) -> settings:
    """Settings for ``count`` examples under the usual profile, and under another for as many as its share of them."""
    return settings(max_examples=max(1, count * settings.default.max_examples // FULL))
