"""``nlmon filter``: commands about filters of events.

Not here: the commands (``filter_explain``, ``filter_test``, ``filter_fields``), and the language (``nlmon.filters``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "explain": ("nlmon.cli.filter_explain", "Print what a filter means, and under which implementation."),
    "test": ("nlmon.cli.filter_test", "Print which events of a capture match under each implementation."),
    "fields": ("nlmon.cli.filter_fields", "List the fields of events that a filter can compare."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Say what a filter of events means, and try it on a capture."""
