"""The files that a configuration is read from.

Rules:
1. A file that somebody named must be there; of the standard ones, those that are there are read.
2. No more is read than a configuration may have, so that a device without an end is an error.
3. A pipe, such as that of ``<(command)``, is read to its end if somebody writes into it, for at most ``PATIENCE``.
4. What is read again is a plain file: a pipe is empty by then, and a monitor that runs waits for nobody.

Not here: what is in them (``load``).
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from nlmon.config.entries import SIZE
from nlmon.config.names import FILE_VARIABLE
from nlmon.config.problems import Position, Problem, error
from nlmon.errors import reason_of
from nlmon.printable import printable

__all__ = ["SYSTEM", "USER", "read_source", "standard_files"]

SYSTEM = Path("/etc/nlmon/nlmon.yaml")
# Below the home of the user.
USER = Path(".nlmon/config.yaml")
# Seconds that who writes into a pipe may take.
PATIENCE = 10.0
# Without it a pipe that nobody writes into is waited for; a system that does not have it has no such pipes.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def standard_files(environ: Mapping[str, str], system: Path = SYSTEM) -> tuple[Path, ...]:
    """The files of a monitor for which none is named, the last one wins: of the system and of the user those that are
    there, and the one that ``NLMON_CONFIG`` names."""
    home = environ.get("HOME", "")
    usual = [system, *([Path(home) / USER] if home else [])]
    named = environ.get(FILE_VARIABLE, "")
    return (*filter(_is_there, usual), *([Path(named)] if named else []))


def read_source(path: Path, *, again: bool = False) -> tuple[str, bytes | Problem]:
    """A file by its name with its content, or the problem that it cannot be read. ``again``: by a monitor that runs."""
    name = printable(str(path))
    try:
        return name, _content(path, again)
    except (OSError, ValueError) as found:
        why = reason_of(found)
        return name, error(
            "NLM-G010", f"the configuration cannot be read: {why}", Position(name), hint="check the path"
        )


def _content(path: Path, again: bool) -> bytes:
    """What is in a file or comes out of a pipe, as far as a configuration may go and one byte more."""
    descriptor = os.open(path, _FLAGS)
    try:
        kind = os.fstat(descriptor).st_mode
        if again and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise OSError(errno.EINVAL, "it is no plain file, and can be read once")
        data, deadline = bytearray(), time.monotonic() + PATIENCE
        while len(data) <= SIZE and (part := _part(descriptor, SIZE + 1 - len(data), deadline)):
            data += part
        if not data and stat.S_ISFIFO(kind):
            raise OSError(errno.EPIPE, "it is a pipe into which nobody writes")
        return bytes(data)
    finally:
        os.close(descriptor)


def _part(descriptor: int, size: int, deadline: float) -> bytes:
    """Some bytes, none at the end."""
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise OSError(errno.ETIMEDOUT, f"it has no end within {PATIENCE:g} seconds") from None


def _is_there(path: Path) -> bool:
    """Whether there is a file; one that may not be looked at is there, so that reading it says so."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
