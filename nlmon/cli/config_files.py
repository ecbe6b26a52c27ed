"""What the commands about a configuration share: which files they read, and how a problem is printed.

Not here: the commands (``config_check``, ``config_show``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs no configuration
    from nlmon.config import Loaded, Problem

__all__ = ["MISTAKEN", "files_argument", "load_files", "say_problems"]

MISTAKEN = 3
# A longer line of a file is no help in a terminal.
SHOWN = 160

files_argument = click.argument("files", nargs=-1, type=click.Path(path_type=Path, readable=False))


def load_files(files: tuple[Path, ...]) -> Loaded:
    """The configuration of these files, or of the standard ones."""
    import os  # noqa: PLC0415  (start-up: --help needs none of it)

    from nlmon.config import load, standard_files  # noqa: PLC0415

    return load(files or standard_files(os.environ), os.environ)


def say_problems(problems: Iterable[Problem]) -> None:
    """Each problem on stderr: a line with its code and place, and below it the line of the file, with a mark."""
    for problem in problems:
        sys.stderr.write(f"{problem.severity}[{problem.code}]: {printable(problem.text)}\n")
        source = problem.source.rstrip()
        if source and problem.column <= SHOWN:
            number = str(problem.line)
            before = printable(source[: problem.column - 1].replace("\t", " "))
            text = before + printable(source[problem.column - 1 : SHOWN])
            sys.stderr.write(f" {number} | {text}\n {' ' * len(number)} | {' ' * len(before)}^\n")
