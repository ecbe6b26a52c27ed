"""``nlmon config show``: the configuration in force, and where each value is from.

Not here: loading it (``nlmon.config``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nlmon.cli.config_files import MISTAKEN, files_argument, load_files, say_problems
from nlmon.cli.output import print_json

__all__ = ["command"]


@click.command()
@files_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="A configuration file with origins as comments, or JSON with both.",
)
def command(files: tuple[Path, ...], form: str) -> None:
    """Print the configuration that FILES give, of which a later one wins, under the environment.

    Without FILES as nlmon config check. Every key is printed with its value, and with where that is from: default,
    a line of a file, or a variable of the environment. Problems go to stderr.

    Exit code: 0 printed, 3 there is an error and so no configuration.
    """
    from nlmon.config.show import Effective, as_yaml  # noqa: PLC0415  (start-up: --help needs none of it)

    loaded = load_files(files)
    say_problems(loaded.problems)
    if loaded.config is None:
        sys.exit(MISTAKEN)
    shown = Effective(loaded.config, loaded.origins)
    if form == "yaml":
        sys.stdout.write(as_yaml(shown))
    else:
        print_json(shown, by_name=False)
