"""What a check of a configuration found, as a value that is printed.

Not here: printing it (``nlmon.cli``).
"""

from __future__ import annotations

from msgspec import Struct

from nlmon.config.load import Loaded
from nlmon.config.problems import Problem

__all__ = ["CheckReport", "report_of"]


class CheckReport(Struct, frozen=True):
    """Problems by file and line. ``files``: those that were read, a later one wins; ``valid``: no problem is an error,
    so there is a configuration."""

    valid: bool
    files: tuple[str, ...]
    errors: int
    notices: int
    problems: tuple[Problem, ...]


def report_of(loaded: Loaded, files: tuple[str, ...]) -> CheckReport:
    """The report of what was loaded."""
    errors = len(loaded.errors)
    return CheckReport(not errors, files, errors, len(loaded.problems) - errors, loaded.problems)
