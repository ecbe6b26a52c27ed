"""Replacing a configuration by what it was rewritten to, or writing that elsewhere.

Rules:
1. A file is replaced at once or not at all, keeps its mode and its owner, and what it was stays beside it as a backup,
   which replaces no other one.
2. A symbolic link is not followed, a file that nobody may write is not replaced, and one that somebody changed
   meanwhile is left as it is, also by another nlmon at the same time. What is no file, as a device or a pipe, is not
   replaced by one, whoever asks.

Not here: what is written (``nlmon.migrate``).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from nlmon.atomic import write_whole
from nlmon.errors import InputError, reason_of
from nlmon.printable import printable

if sys.platform != "win32":
    import fcntl

__all__ = ["refuse_target", "replace_config", "write_other"]

_WRITABLE = 0o222


def refuse_target(path: Path) -> None:
    """Raise ``InputError`` if a file is none that is replaced."""
    if path.is_symlink():
        hint = f"name the file itself, {printable(os.path.realpath(path))}"
        raise InputError("NLM-V033", "a symbolic link is not replaced", where=printable(str(path)), hint=hint)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unwritable(path, error.strerror or "") from error
    if not stat.S_ISREG(mode):
        raise _unwritable(path, "it is no regular file")
    if not (mode & _WRITABLE and os.access(path, os.W_OK)):
        raise _unwritable(path, "it is read-only")


def replace_config(path: Path, before: bytes, after: bytes) -> Path:
    """Replace a file that holds ``before``; the path of its backup. Raises ``InputError``."""
    refuse_target(path)
    try:
        with _locked(path):
            like = path.stat()
            if path.read_bytes() != before:
                hint = "run the command again"
                raise InputError("NLM-V034", "the file changed meanwhile", where=printable(str(path)), hint=hint)
            backup = _free(path)
            write_whole(backup, before, like=like)
            try:
                write_whole(path, after, like=like)
            except OSError:
                # Of a file that is as it was there is nothing to keep.
                backup.unlink()
                raise
    except OSError as error:
        raise _unwritable(path, reason_of(error)) from error
    return backup


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let another nlmon that is to replace a file wait, which then finds another one in its place."""
    with path.open("rb") as file:
        if sys.platform != "win32":
            with suppress(OSError):  # not every file system has locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_other(path: Path, data: bytes, *, source: Path, force: bool) -> None:
    """Write a new file; one that is there is replaced with ``force`` alone. Raises ``InputError``."""
    if str(path) == "-":
        hint = "name a file; --format json prints the difference as data"
        raise InputError("NLM-V036", "the output is a file, and - is the name of none", hint=hint)
    there = os.path.lexists(path)
    if there and os.path.realpath(path) == os.path.realpath(source):
        hint = "write --apply to replace the configuration itself"
        raise InputError("NLM-V036", "the output is the configuration", where=printable(str(path)), hint=hint)
    if there and not force:
        hint = "name another file, or write --force"
        raise InputError("NLM-V036", "the output is there already", where=printable(str(path)), hint=hint)
    if there:
        refuse_target(path)
    try:
        write_whole(path, data, like=None if there else source.stat())
    except OSError as error:
        raise _unwritable(path, reason_of(error)) from error


def _free(path: Path) -> Path:
    """A name for a backup that no file has."""
    names = (path.with_name(f"{path.name}.backup{f'.{number}' if number else ''}") for number in count())
    return next(name for name in names if not os.path.lexists(name))


def _unwritable(path: Path, why: str) -> InputError:
    hint = "write what comes of it elsewhere with --output FILE"
    return InputError("NLM-V035", "the file cannot be replaced", where=printable(str(path)), why=why, hint=hint)
