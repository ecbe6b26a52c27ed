"""Where this checkout is, and its fixtures, wherever a test lies.

Not here: files that are made while tests run (``tmp_path``).
"""

from pathlib import Path

import pytest

__all__ = ["CAPTURES", "FIXTURES", "NEWEST_FIRST", "REPOSITORY", "TESTS"]

TESTS = Path(__file__).parents[1]
REPOSITORY = TESTS.parent
FIXTURES = REPOSITORY / "fixtures"
CAPTURES = FIXTURES / "captures"
# For laws that hold of any recording: those of one kernel do for every day.
NEWEST_FIRST = ("linux-6.12", pytest.param("linux-6.1", marks=pytest.mark.long))
