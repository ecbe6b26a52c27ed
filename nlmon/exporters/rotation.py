"""Files that follow one another under one path: ``events.json`` is written, ``events.json.0`` is the one before it.

Rules:
1. At every moment each record is in exactly one file that can be read, whenever this process is killed: files are
   renamed, the oldest first, and a compressed one is whole before the other is deleted.
2. No file is larger than its limit, unless one record is.
3. Compressing happens aside; if it cannot be done, the file stays as it is and is tried with the next one.

Not here: one file (``logfile``), and what records hold.
"""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Protocol

from msgspec import Struct

from nlmon.errors import ExportError
from nlmon.exporters.logfile import PRIVATE, LogFile

__all__ = ["FOREVER", "Form", "RotatedFile", "Rotation", "rotated_files"]

COMPRESSED = ".gz"
# Bytes that are written in one step.
AT_ONCE = 1 << 16
# How long the end waits for a file that is being compressed, in seconds.
PATIENCE = 0.5


class Form(Protocol):
    """What a file holds beside its records."""

    def begin(self) -> bytes:
        """What comes before the first record of this writer."""

    def end(self, records: int) -> bytes:
        """What comes behind its last one of so many; always of the same length."""

    def whole(self, descriptor: int, size: int) -> int:
        """How many bytes of a file of this size are whole records."""


class Rotation(Struct, frozen=True):
    """When a file ends and what becomes of it. ``size``: bytes, 0: it never ends; ``count``: files that are kept beside
    the one that is written; ``compress``: with gzip."""

    size: int = 0
    count: int = 5
    compress: bool = False


FOREVER = Rotation()


class RotatedFile:
    """The file that is written under a path, and those before it. Methods raise ``ExportError``."""

    def __init__(self, path: Path, rotation: Rotation, form: Form) -> None:
        self.path = path
        self._rotation = rotation
        self._form = form
        self._file: LogFile | None = None
        self._mode = PRIVATE
        self._empty = True
        self._records = 0
        self._compressing: Thread | None = None

    def open(self) -> LogFile:
        """Open the file, if it is not open, or somebody has moved or cut it; what was in it stays."""
        if self._file is not None and self._file.cut:
            file, self._file = self._file, None
            file.close()  # its end has no place where its beginning may be gone
        elif self._file is not None and self._file.moved:
            self._end()
        if self._file is None:
            self._file = self._begun()
        return self._file

    def write(self, records: Sequence[bytes]) -> int:
        """Write as many of the first records as go out in one step, at least one, in a next file if this one is full;
        gives how many these were. An empty record is one of which the file needs to know nothing."""
        file = self.open()
        taken = self._fitting(file, records)
        if not taken:
            with suppress(ExportError):  # a full disk has no room for the end, and the next file may make some
                self._end()
            self._make_next()
            file = self.open()
            taken = max(1, self._fitting(file, records))
        going = [record for record in islice(records, taken) if record]
        file.append(b"".join(going))
        if going:
            self._empty = False
            self._records += len(going)
        return taken

    def close(self) -> None:
        """Close the file, without raising."""
        with suppress(ExportError):
            self._end()
        if self._compressing is not None:
            self._compressing.join(PATIENCE)

    def _fitting(self, file: LogFile, records: Sequence[bytes]) -> int:
        """How many of the first records fit into the file; an empty one takes a record of any size."""
        limit = self._rotation.size
        left = limit - file.size - len(self._form.end(self._records)) if limit else sys.maxsize
        size = 0
        for number, record in enumerate(records):
            size += len(record)
            if record and ((number and size > AT_ONCE) or (size > left and (number or not self._empty))):
                return number
        return len(records)

    def _begun(self) -> LogFile:
        """The file that is there, or a new one, with what this writer puts before its records."""
        begin, limit = self._form.begin(), self._rotation.size
        file = LogFile(self.path, self._form.whole, self._mode)
        self._mode = file.mode
        if file.size and 0 < limit < file.size + len(begin) + len(self._form.end(0)):
            file.close()
            self._make_next()
            file = LogFile(self.path, self._form.whole, self._mode)
        self._empty, self._records = file.size == 0, 0
        try:
            file.append(begin)
        except ExportError:
            file.close()
            raise
        return file

    def _end(self) -> None:
        """End the file, if it is open; it is closed even where its end does not fit on the disk."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.append(self._form.end(self._records))
            finally:
                file.close()

    def _make_next(self) -> None:
        """Give the file, which is closed, the name of one that was written."""
        if self._compressing is not None:
            self._compressing.join()
        count = self._rotation.count
        try:
            if count:
                _make_way(self.path, count)
                self.path.rename(_numbered(self.path, 0))
            else:
                self.path.unlink()
        except OSError as error:
            raise ExportError(
                *("NLM-O006", "the file is full, and the next one cannot begin"),
                where=str(error.filename or self.path),
                why=error.strerror or "",
                hint="the folder must let files be renamed",
            ) from error
        if self._rotation.compress and count:
            self._compressing = Thread(target=_compress, args=(self.path, count), name="nlmon-compress", daemon=True)
            self._compressing.start()


def rotated_files(path: Path, count: int) -> list[Path]:
    """The files before the one at a path, the newest first, each under the name that it has now. Where there are both,
    the compressed one is whole, and the other one was not yet deleted."""
    return [forms[-1] for forms in (_forms(path, number) for number in range(count)) if forms]


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _forms(path: Path, number: int) -> list[Path]:
    """The names that a file with this number has, of those that are there: the plain one, then the compressed one."""
    plain = _numbered(path, number)
    return [one for one in (plain, plain.with_name(plain.name + COMPRESSED)) if os.path.lexists(one)]


def _make_way(path: Path, count: int) -> None:
    """Free number 0: each file gets the next number, up to the first number that is free, or the oldest is deleted.
    Nothing is touched where a folder is in the way."""
    for one in (one for number in range(count) for one in _forms(path, number)):
        if stat.S_ISDIR(os.lstat(one).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(one))
    for number in range(count):
        for one in _forms(path, number)[:-1]:
            one.unlink()
    free = next((number for number in range(count) if not _forms(path, number)), count - 1)
    for one in _forms(path, free):
        one.unlink()
    for number in reversed(range(free)):
        (one,) = _forms(path, number)
        end = COMPRESSED if one.suffix == COMPRESSED else ""
        one.rename(path.with_name(f"{path.name}.{number + 1}{end}"))


def _compress(path: Path, count: int) -> None:
    """Compress the files before the one at a path that are not yet; what fails stays as it is."""
    for one in rotated_files(path, count):
        if one.suffix != COMPRESSED:
            with suppress(OSError):
                _compress_one(one)


def _compress_one(path: Path) -> None:
    part, flags = path.with_name(path.name + ".part"), getattr(os, "O_NOFOLLOW", 0)
    part.unlink(missing_ok=True)  # of a process that was killed
    try:
        with open(path, "rb", opener=lambda name, how: os.open(name, how | flags)) as plain:
            mode = stat.S_IMODE(os.fstat(plain.fileno()).st_mode)
            with open(part, "xb", opener=_with_mode(mode)) as file:
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6) as packed:
                    shutil.copyfileobj(plain, packed, 1 << 18)
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.rename(path.with_name(path.name + COMPRESSED))
    path.unlink()


def _with_mode(mode: int) -> Callable[[str, int], int]:
    return lambda name, how: os.open(name, how, mode)
