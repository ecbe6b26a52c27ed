"""``nlmon capture``: commands about capture files.

Not here: the commands (``info``, ``stats``, ``cut``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "info": ("nlmon.cli.info", "Count what a capture holds: messages by protocol and type, families, damage."),
    "cut": ("nlmon.cli.cut", "Write some frames of a capture, with those that they need."),
    "stats": ("nlmon.cli.stats", "Print the counters of an implementation that has read a capture."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Look into capture files."""
