"""``nlmon config``: commands about the configuration of a monitor.

Not here: the commands (``config_check``, ``config_show``, ``config_schema``), and the settings of comparisons
(``nlmon.project.settings``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "check": ("nlmon.cli.config_check", "Say everything that is wrong with a configuration, and where."),
    "show": ("nlmon.cli.config_show", "Print the configuration in force, with the origin of each value."),
    "schema": ("nlmon.cli.config_schema", "Print the JSON Schema of a configuration file."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Check and show the configuration of a monitor."""
