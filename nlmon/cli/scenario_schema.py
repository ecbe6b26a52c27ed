"""``nlmon scenario schema``: the JSON Schema of a scenario file, for editors and other programs.

Not here: other schemas (``schema``).
"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command()
def command() -> None:
    """Print the JSON Schema of a scenario file; the same as nlmon schema scenario."""
    from nlmon.cli.schema import schema_text  # noqa: PLC0415  (start-up: --help needs no schema)

    sys.stdout.write(schema_text("scenario"))
