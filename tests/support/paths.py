"""Where this checkout is, and its fixtures, wherever a test lies.

Not here: files that are made while tests run (``tmp_path``).
"""

from pathlib import Path

__all__ = ["CAPTURES", "FIXTURES", "REPOSITORY", "TESTS"]

TESTS = Path(__file__).parents[1]
REPOSITORY = TESTS.parent
FIXTURES = REPOSITORY / "fixtures"
CAPTURES = FIXTURES / "captures"
