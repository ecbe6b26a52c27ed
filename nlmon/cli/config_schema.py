"""``nlmon config schema``: the JSON Schema of a configuration file, for editors and other programs.

Not here: other schemas (``schema``).
"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command()
def command() -> None:
    """Print the JSON Schema of a configuration file; the same as nlmon schema config."""
    from nlmon.cli.schema import schema_text  # noqa: PLC0415  (start-up: --help needs no schema)

    sys.stdout.write(schema_text("config"))
