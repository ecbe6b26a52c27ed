"""Reads the file of a report for the commands of ``nlmon report``.

Not here: what is in it (``nlmon.report.load``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nlmon.errors import InputError

if TYPE_CHECKING:  # start-up: --help reads no report
    from nlmon.report.outcome import Run

__all__ = ["read_bytes", "read_run_file"]


def read_bytes(path: Path) -> bytes:
    """The bytes of a report, which ``-`` reads from the standard input; raises ``InputError``."""
    from nlmon.report.text import shown_path  # noqa: PLC0415  (start-up: --help reads no report)

    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(
            "NLM-R007", "the report cannot be read", where=shown_path(path), why=error.strerror or ""
        ) from error


def read_run_file(path: Path) -> Run:
    """The run that a file holds; raises ``InputError``."""
    from nlmon.report.load import read_report  # noqa: PLC0415  (start-up: --help reads no report)
    from nlmon.report.text import shown_path  # noqa: PLC0415

    return read_report(read_bytes(path), shown_path(path))
