"""Writes every file of the tree that is made from others, or says which of them are stale.

    python tools/generated.py [--check]

Each generator is a module beside this one with a function ``files()``, which gives the content of files by their path
and writes nothing; each can be run by itself, too. Exit code of ``--check``: 1 if a file is stale.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
GENERATORS = (
    "by_hand",
    "contract",
    "manifest",
    "schemas",
    "decisions",
    "codes",
    "configuration",
    "filters",
    "harness",
    "keys",
)


def files() -> dict[Path, bytes]:
    """The files of all generators."""
    found: dict[Path, bytes] = {}
    for name in GENERATORS:
        found |= importlib.import_module(name).files()
    return found


def stale(wanted: Mapping[Path, bytes]) -> list[Path]:
    """Files that are missing or hold something else."""
    return [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def run(generator: Callable[[], dict[Path, bytes]]) -> None:
    """The command line of a generator."""
    parser = argparse.ArgumentParser(description="Write the files that are made from others.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is stale")
    check = parser.parse_args().check
    wanted = generator()
    old = stale(wanted)
    for path in old:
        if not check:
            write(path, wanted[path])
        sys.stdout.write(f"{path.relative_to(REPOSITORY)}: {'stale' if check else 'written'}\n")
    sys.exit(check and bool(old))


if __name__ == "__main__":
    run(files)
