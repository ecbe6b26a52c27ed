"""A log as it is written: lines of files that grow, are cut, and follow one another.

Rules:
1. A file is known by its first line, whatever it is called: so it is found again when it was renamed or compressed.
2. What is behind the last newline is no line yet. It waits; where its file is no longer written, it is a line.
3. What cannot be known to have been read is said, and never taken for nothing.

Not here: which lines belong together (``pairs``), and writing files (``nlmon.exporters.rotation``).
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any

import msgspec

from nlmon.canary.pairs import Line
from nlmon.capture.source import zstd_blocks
from nlmon.errors import InputError, reason_of
from nlmon.eventjson.read import event_from_json
from nlmon.exporters.layout import in_event_form
from nlmon.exporters.rotation import rotated_files

__all__ = ["Log"]

COMPRESSED = {".gz", ".zst"}
# Files before the one that is written that are looked for, bytes read at once, and of a line that are kept.
FILES, AT_ONCE, LONGEST_LINE = 1000, 1 << 16, 16 << 20


class Log:
    """The lines under a path, from the oldest file before it on. ``unfinished``: whether half a line is at its end,
    ``notes``: what happened to the files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._file: IO[bytes] | None = None
        self._next: list[IO[bytes]] = []
        self._name = path
        self._identity = b""
        self._rest = b""
        self._number = 0

    @property
    def unfinished(self) -> bool:
        """See above."""
        return bool(self._rest)

    def lines(self) -> Iterator[Line]:
        """The lines that there are by now and were not given before. Raises ``InputError``."""
        try:
            if self._file is None:
                yield from self._files(self._all())
            elif self._was_cut():
                self.notes.append(f"{self.path} was cut; what stood behind the last line that was read is lost")
                yield from self._files([self.path])
            else:
                yield from self._more()
                yield from self._after()
        except (OSError, EOFError, zlib.error) as error:
            why = reason_of(error)
            raise InputError("NLM-Z007", "a log cannot be read", where=str(self._name), why=why) from None

    def close(self) -> None:
        """Close the file that is read, and those that were to be read next."""
        for file in ([self._file] if self._file is not None else []) + self._next:
            file.close()

    def _all(self) -> list[Path]:
        """The files, the oldest first."""
        return [*reversed(rotated_files(self.path, FILES)), self.path]

    def _files(self, paths: list[Path]) -> Iterator[Line]:
        """The lines of files that follow one another."""
        # Opened before any is read, since they may be renamed meanwhile.
        for path in paths:
            self._next.append(_opened(path))
        for path in paths:
            if self._rest:
                yield self._line(self._rest)
            if self._file is not None:
                self._file.close()
            self._rest, self._number, self._name, self._identity = b"", 0, path, b""
            self._file = self._next.pop(0)
            yield from self._more()

    def _more(self) -> Iterator[Line]:
        """What the file that is open has behind what was read."""
        assert self._file is not None
        while data := self._file.read(AT_ONCE):
            *whole, self._rest = (self._rest + data).split(b"\n")
            for line in whole:
                yield self._line(line)
            if len(self._rest) > LONGEST_LINE:
                yield self._line(self._rest[:100])
                self._rest = b""

    def _still_there(self) -> bool:
        """Whether the file that is open is the one that is written, or it is just being renamed."""
        assert self._file is not None
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return True

    def _was_cut(self) -> bool:
        """Whether the file that is open has become shorter, or begins in another way."""
        assert self._file is not None
        if self.path.suffix in COMPRESSED:
            return False
        shorter = os.fstat(self._file.fileno()).st_size < self._file.tell()
        return shorter or bool(self._identity and self._still_there() and _identity(self.path) != self._identity)

    def _after(self) -> Iterator[Line]:
        """What is in files that came after the one that is open."""
        if self.path.suffix in COMPRESSED or self._still_there():
            return
        paths = self._all()
        known = [at for at, path in enumerate(paths) if _identity(path) == self._identity]
        if not known:
            self.notes.append(f"{self.path} was replaced, and the file before it is gone; lines may be lost")
        yield from self._files(paths[known[-1] + 1 :] if known else [self.path])

    def _line(self, data: bytes) -> Line:
        self._number += 1
        if self._number == 1:
            self._identity = data
        try:
            event = event_from_json(msgspec.json.encode(in_event_form(data)))
        except msgspec.MsgspecError:
            event = None
        return Line(f"{self._name}:{self._number}", data.decode("utf-8", "replace"), event)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # it is read as any other file
    if path.suffix == ".zst":
        return BufferedReader(_Zstd(path))
    return path.open("rb")


class _Zstd(RawIOBase):
    """A file of zstd, which tells that it is damaged or ends too early, as the reader of the library does not."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self._blocks = zstd_blocks(self._raw)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What is next; raises ``EOFError`` or ``OSError``."""
        from zstandard import ZstdError  # noqa: PLC0415  (start-up: only a compressed log needs it)

        try:
            while not self._rest:
                self._rest = next(self._blocks)
        except StopIteration:
            return 0
        except ZstdError as error:
            raise OSError(str(error)) from None
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        """Close the file, too."""
        self._raw.close()
        super().close()


def _identity(path: Path) -> bytes:
    """The first line of a file; empty of one that has none, or is gone by now."""
    try:
        with _opened(path) as file:
            line = file.readline(LONGEST_LINE)
    except (OSError, EOFError, zlib.error):
        return b""
    return line[:-1] if line.endswith(b"\n") else b""
