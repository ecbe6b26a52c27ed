"""``nlmon harness``: for those who write a program that stands for an implementation.

Not here: the commands (``harness_check``), and the protocol (``docs/harness.md``).
"""

from __future__ import annotations

import click

from nlmon.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "check": ("nlmon.cli.harness_check", "Say what a program gets wrong in the harness protocol."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Help for authors of programs that speak the harness protocol."""
