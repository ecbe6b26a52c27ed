"""Finds and reads scenario files, the captures that they name, and what lies beside them.

Rules:
1. A path that is given is read, whatever its name; of a folder every ``*.yaml`` below it.
2. What is hidden, and README.md, is no part of a suite.

Not here: what the files say (``load``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from nlmon.errors import ScenarioError
from nlmon.report.text import shown_path
from nlmon.scenario.document import SIZE
from nlmon.scenario.load import ScenarioFile, parse_scenario

__all__ = ["digest_of", "digests", "find_scenarios", "read_scenario", "scenario_at", "stamp_of"]

ENDING = ".yaml"
# Captures whose digests are remembered: many scenarios are over one of them.
DIGESTS_KEPT = 1024


def find_scenarios(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The scenario files that are meant, and the other files in folders that are given; both in order and once."""
    scenarios: dict[Path, None] = {}
    others: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            scenarios[path] = None
            continue
        for found in _files(path):
            (scenarios if found.suffix == ENDING else others)[found] = None
    return list(scenarios), list(others)


def read_scenario(path: Path) -> bytes:
    """What is in a scenario file, or its beginning when it is too large to be one; raises ``ScenarioError``."""
    try:
        # A pipe that nobody writes to must not be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            return file.read(SIZE + 1)
    except OSError as error:
        why = error.strerror or ""
        raise ScenarioError("NLM-S028", "the scenario cannot be read", where=shown_path(path), why=why) from error


def scenario_at(path: Path) -> tuple[ScenarioFile | None, list[ScenarioError]]:
    """The scenario of a file, or None and what is wrong with the file."""
    try:
        return parse_scenario(read_scenario(path), str(path))
    except ScenarioError as error:
        return None, [error]


def digests(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files, by path; what is no file, or cannot be read, has none."""
    found = {}
    for path in set(paths):
        try:
            # A device or a pipe may have no end.
            if Path(path).is_file():
                found[path] = digest_of(Path(path))
        except OSError:
            continue  # who needs it says that it is missing
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of a file as it is; raises ``OSError``."""
    return _digest(path, stamp_of(path))


@lru_cache(DIGESTS_KEPT)
def _digest(path: Path, _stamp: object) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp_of(path: Path) -> object:
    """What shows that a file is the same one with the same content; raises ``OSError``."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(folder: Path) -> list[Path]:
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(at) / name for name in names if not name.startswith(".") and name != "README.md"]
    return sorted(found)
