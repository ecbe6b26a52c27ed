"""The files that a configuration is read from.

Rules:
1. A file that somebody named must be there; of the standard ones, those that are there are read.
2. No more is read than a configuration may have, so that a device without an end is an error.
3. A pipe is refused: it may have no writer, for which a monitor would wait, and cannot be read a second time.

Not here: what is in them (``load``).
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path

from nlmon.config.entries import SIZE
from nlmon.config.names import FILE_VARIABLE
from nlmon.config.problems import Place, Problem, error
from nlmon.printable import printable

__all__ = ["SYSTEM", "USER", "read_source", "standard_files"]

SYSTEM = Path("/etc/nlmon/nlmon.yaml")
# Below the home of the user.
USER = Path(".nlmon/config.yaml")


def standard_files(environ: Mapping[str, str], system: Path = SYSTEM) -> tuple[Path, ...]:
    """The files of a monitor for which none is named, the last one wins: of the system and of the user those that are
    there, and the one that ``NLMON_CONFIG`` names."""
    home = environ.get("HOME", "")
    usual = [system, *([Path(home) / USER] if home else [])]
    named = environ.get(FILE_VARIABLE, "")
    return (*filter(_is_there, usual), *([Path(named)] if named else []))


def read_source(path: Path) -> tuple[str, bytes | Problem]:
    """A file by its name with its content, or the problem that it cannot be read."""
    name = printable(str(path))
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is a pipe and no file")
        with path.open("rb") as file:
            return name, file.read(SIZE + 1)
    except (OSError, ValueError) as found:
        why = getattr(found, "strerror", None) or str(found)
        return name, error("NLM-G010", f"the configuration cannot be read: {why}", Place(name), hint="check the path")


def _is_there(path: Path) -> bool:
    """Whether there is a file; one that may not be looked at is there, so that reading it says so."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
