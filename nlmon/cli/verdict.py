"""How the commands that compare print their report, and what they exit with.

Not here: the values (``nlmon.report.model``) and their forms (``nlmon.report``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from nlmon.report.jsonout import Footer, line_bytes, report_bytes
from nlmon.report.model import Report, Verdict

__all__ = ["EXIT_CODES", "print_verdict"]

EXIT_CODES: Mapping[Verdict, int] = {"equivalent": 0, "regression": 1, "inconclusive": 3, "error": 3}


def print_verdict(whole: Report, form: str) -> None:
    """The report on stdout; of a stream (``jsonl``) only its end."""
    out = sys.stdout.buffer
    if form == "jsonl":
        out.write(line_bytes(Footer(len(whole.captures), whole.verdict)))
    elif form == "json":
        out.write(report_bytes(whole))
    else:
        from rich.console import Console  # noqa: PLC0415  (start-up: only people need it)

        from nlmon.report.pretty import print_report  # noqa: PLC0415

        print_report(whole, Console(width=None if sys.stdout.isatty() else 160))
    out.flush()
