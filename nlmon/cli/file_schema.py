"""``nlmon config schema`` and ``nlmon scenario schema``: the JSON Schema of a file, for editors and other programs.

Not here: other schemas (``schema``).
"""

from __future__ import annotations

import sys

import click

__all__ = ["config", "scenario"]


@click.command("schema")
def config() -> None:
    """Print the JSON Schema of a configuration file; the same as nlmon schema config."""
    _print("config")


@click.command("schema")
def scenario() -> None:
    """Print the JSON Schema of a scenario file; the same as nlmon schema scenario."""
    _print("scenario")


def _print(name: str) -> None:
    from nlmon.cli.schema import schema_text  # noqa: PLC0415  (start-up: --help needs no schema)

    sys.stdout.write(schema_text(name))
