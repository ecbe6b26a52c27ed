"""``nlmon debug``: commands that show how an implementation works.

Not here: the commands (``layout``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "layout": ("nlmon.cli.layout", "Print the functions that libnl makes for the messages of a capture."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Look into an implementation at work."""
