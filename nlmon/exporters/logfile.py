"""A file that grows by whole records and is this process's alone.

Rules:
1. A record is in the file wholly or not at all: what a full disk has cut is taken back, and what a killed process has
   left torn is cut off when the file is opened again.
2. A new file is its owner's alone (mode 0600); one that is there keeps its mode, and the next one gets it, too.
3. Links are not followed, and what is no plain file of this user or root is refused: others may write where a log is.
4. Two processes never write one file: it is locked (flock(2)).
5. Records are given to the kernel at once, so that they outlive this process; it brings them to the disk when it likes,
   since waiting for that would hold up all that come after.

Not here: when one file ends and the next begins (``rotation``).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nlmon.errors import ExportError, reason_of

if sys.platform != "win32":
    import fcntl

__all__ = ["PRIVATE", "LogFile", "not_ours", "whole_lines"]

# O_NONBLOCK: a pipe at the path is refused, and not waited for. What a system does not have is left out.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
for _name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
PRIVATE = 0o600
STEP = 1 << 16


class LogFile:
    """An open log. ``whole`` says how many bytes of a file that is there are whole records, from its descriptor and its
    size; ``mode`` is that of a new file. Raises ``ExportError``."""

    def __init__(self, path: Path, whole: Callable[[int, int], int], mode: int = PRIVATE) -> None:
        self.path = path
        self._fd = _opened(path, mode)
        try:
            _lock(self._fd, path)
            facts = _check(self._fd, path)
            self._identity = facts.st_dev, facts.st_ino
            if self.moved:  # by the process that had it locked until now
                raise _busy(path)
            self.size = whole(self._fd, facts.st_size)
            if self.size < facts.st_size:
                os.ftruncate(self._fd, self.size)
        except OSError as error:
            os.close(self._fd)
            raise _not_opened(path, error) from error
        except ExportError:
            os.close(self._fd)
            raise
        self.mode = stat.S_IMODE(facts.st_mode)

    def append(self, data: bytes) -> None:
        """Write records that belong together, or none of them; raises ``ExportError``."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            with suppress(OSError):  # then opening it again cuts it off
                os.ftruncate(self._fd, min(self.size, os.fstat(self._fd).st_size))
            raise ExportError(
                "NLM-O005",
                "events cannot be written",
                where=str(self.path),
                why=error.strerror or "",
                hint="what was written before is whole; writing goes on when it is possible again",
            ) from error
        self.size += len(data)

    @property
    def moved(self) -> bool:
        """Whether the path names another file by now, or none: somebody has moved or deleted it."""
        try:
            facts = os.lstat(self.path)
        except OSError:
            return True
        return (facts.st_dev, facts.st_ino) != self._identity

    @property
    def cut(self) -> bool:
        """Whether somebody has emptied the file, or has cut off its end."""
        return os.fstat(self._fd).st_size < self.size

    def close(self) -> None:
        """Close the file, and unlock it. Raises ``ExportError`` where a server of files reports only now that it had no
        room; the file is closed then, too."""
        try:
            os.close(self._fd)
        except OSError as error:
            raise ExportError(
                *("NLM-O005", "events cannot be written"), where=str(self.path), why=error.strerror or ""
            ) from error


def whole_lines(descriptor: int, size: int) -> int:
    """How many bytes of a file are whole lines."""
    while size:
        begin = max(0, size - STEP)
        os.lseek(descriptor, begin, os.SEEK_SET)
        end = os.read(descriptor, size - begin).rfind(b"\n")
        if end >= 0:
            return begin + end + 1
        size = begin
    return 0


def _opened(path: Path, mode: int) -> int:
    try:
        return os.open(path, _FLAGS, mode)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            raise ExportError(
                *("NLM-O002", "the path of an export is a symbolic link, which is not followed"),
                where=str(path),
                hint="name the file itself",
            ) from error
        raise _not_opened(path, error) from error


def _not_opened(path: Path, error: Exception) -> ExportError:
    why = reason_of(error)
    return ExportError("NLM-O001", "the file cannot be opened", where=str(path), why=why)


def _check(descriptor: int, path: Path) -> os.stat_result:
    """What is known of an open file, if it is a plain one that nobody else has prepared."""
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        why = "it is no plain file"
    elif facts.st_nlink > 1:
        why = "it has another name, too"
    elif hasattr(os, "geteuid") and facts.st_uid not in {0, os.geteuid()}:
        why = f"it belongs to another user (uid {facts.st_uid})"
    else:
        return facts
    raise not_ours(why, path)


def not_ours(why: str, path: Path) -> ExportError:
    """The error of a file that is not to be written into."""
    hint = "move it away, or give another path"
    return ExportError("NLM-O003", "events are not written into this file", where=str(path), why=why, hint=hint)


def _lock(descriptor: int, path: Path) -> None:
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(path) from error


def _busy(path: Path) -> ExportError:
    hint = "give each export a file of its own"
    return ExportError("NLM-O004", "another export writes into this file", where=str(path), hint=hint)
