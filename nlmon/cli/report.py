"""``nlmon report``: commands about the reports of runs.

Not here: the commands (``report_show``, ``report_diff``, ``report_merge``, ``report_check``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "show": ("nlmon.cli.report_show", "Print a report of a run in another form."),
    "diff": ("nlmon.cli.report_diff", "Say what is new, gone and changed between two runs."),
    "merge": ("nlmon.cli.report_merge", "Join runs, such as those of several hosts, into one."),
    "check": ("nlmon.cli.report_check", "Check that reports are whole and as they were written."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Show, compare, merge and check reports of runs.

    A report is the JSON or the JSON lines of nlmon replay or live, or the stream of nlmon run or pytest (jsonl:PATH).
    """
