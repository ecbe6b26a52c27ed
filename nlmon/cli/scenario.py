"""``nlmon scenario``: commands about scenario files.

Not here: the commands (``scenario_check``, ``scenario_new``, ``scenario_schema``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "check": ("nlmon.cli.scenario_check", "Check that scenarios follow the format and that a suite is in order."),
    "new": ("nlmon.cli.scenario_new", "Write a scenario for a capture, with its digest and its verdicts."),
    "schema": ("nlmon.cli.scenario_schema", "Print the JSON Schema of a scenario file."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Write and check scenario files."""
