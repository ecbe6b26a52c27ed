"""Files that are written for people and for other programs: whole or absent, and refused before the work.

Rules:
1. A file replaces a regular file at once or not at all, through symbolic links, and keeps its mode. Anything else, such
   as a pipe or a device, is written to and stays what it is. A capture that is read is never written.
2. Where a file cannot be written, that is said before the work.

Not here: what is in a file, and renaming (``nlmon.atomic``).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from nlmon.errors import InputError, UsageError

__all__ = ["is_stdout", "refuse_captures", "refuse_unwritable", "unwritable", "write_report"]


def refuse_captures(path: Path, captures: Iterable[Path], what: str = "a capture") -> None:
    """Raise ``UsageError`` when a report would take the place of a capture, or ``what`` else is read."""
    target = _stat(path)
    if target is not None and not stat.S_ISREG(target.st_mode):
        return
    for capture in captures:
        one = _stat_of_input() if str(capture) == "-" else _stat(capture)
        # What will be written, such as a recording, may not be there yet.
        new = one is None and target is None and os.path.realpath(capture) == os.path.realpath(path)
        if new or (one is not None and target is not None and os.path.samestat(one, target)):
            hint = "name another file for the report"
            raise UsageError("NLM-U007", f"the report would replace {what}", where=str(path), hint=hint)


def refuse_unwritable(path: Path, *, folder: bool = False) -> None:
    """Raise ``InputError`` when a report, or files of a ``folder`` that may not be there yet, cannot be written."""
    from nlmon.atomic import try_to_write  # noqa: PLC0415  (start-up: only a report that is written needs it)

    try:
        there = _stat_of_file(path)
        if folder:
            try_to_write(_nearest(path) / "file")
        elif there is None or (stat.S_ISREG(there.st_mode) and not os.path.samestat(there, os.fstat(1))):
            try_to_write(path.resolve())
        elif stat.S_ISDIR(there.st_mode):
            raise unwritable(path, os.strerror(errno.EISDIR))
        elif not os.access(path, os.W_OK):
            raise unwritable(path, os.strerror(errno.EACCES))
    except OSError as error:
        raise unwritable(path, error.strerror or "") from error


def write_report(path: Path, data: bytes) -> None:
    """Write a report as the rules of this module say; raises ``InputError`` on failure."""
    from nlmon.atomic import write_whole  # noqa: PLC0415  (start-up: only a report that is written needs it)

    try:
        there = _stat_of_file(path)
        if is_stdout(path):
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif there is not None and not stat.S_ISREG(there.st_mode):
            with path.open("wb") as file:
                file.write(data)
        else:
            write_whole(path.resolve(), data)
    except OSError as error:
        raise unwritable(path, error.strerror or "") from error


def is_stdout(path: Path) -> bool:
    """Whether the path is standard output, by whatever name."""
    there = _stat(path)
    return there is not None and os.path.samestat(there, os.fstat(1))


def unwritable(path: Path, why: str) -> InputError:
    """The error of a file that cannot be written."""
    return InputError("NLM-U001", "the file cannot be written", where=str(path), why=why)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    for one in (folder.absolute(), *folder.absolute().parents):
        if _stat_of_file(one) is not None:
            return one
    return folder


def _stat_of_file(path: Path) -> os.stat_result | None:
    """What is there, behind links; None where nothing is. Raises ``OSError``, such as for links in a circle."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # there is none, or whoever opens it says why


def _stat_of_input() -> os.stat_result | None:
    try:
        return os.fstat(0)
    except OSError:
        return None
