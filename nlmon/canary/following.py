"""A log as it is written: lines of files that grow, are cut, and follow one another.

Rules:
1. A file is known by its first line, whatever it is called: so it is found again when it was renamed or compressed.
2. What is behind the last newline is no line yet. It waits; where its file is no longer written, it is a line.
3. What cannot be known to have been read is said, and never taken for nothing.
4. Whoever writes gives files other names at any time. So files are opened first, and looked at again then: only where
   each still has its name, and there are no others, are they those that followed one another.

Not here: which lines belong together (``pairs``), and writing files (``nlmon.exporters.rotation``).
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, TypeAlias

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
# How often files are opened anew that got other names meanwhile.
TRIES = 100
_Opened: TypeAlias = tuple[Path, IO[bytes]]


class Log:
    """The lines under a path, from the oldest file before it on. ``unfinished``: whether half a line is at its end,
    ``notes``: what happened to the files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._file: IO[bytes] | None = None
        self._next: list[_Opened] = []
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
            elif self._is_cut():
                self.notes.append(f"{self.path} was cut; what stood behind the last line that was read is lost")
                yield from self._files([(self.path, _opened(self.path))])
            else:
                yield from self._more()
                yield from self._after()
        except (OSError, EOFError, zlib.error) as error:
            why = reason_of(error)
            raise InputError("NLM-Z007", "a log cannot be read", where=str(self._name), why=why) from None

    def close(self) -> None:
        """Close the file that is read, and those that were to be read next."""
        for file in ([self._file] if self._file is not None else []) + [one for _, one in self._next]:
            file.close()

    def _all(self) -> list[_Opened]:
        """The files that there are, open, the oldest first."""
        for _ in range(TRIES):
            paths = self._paths()
            try:
                opened = _all_opened(paths)
            except FileNotFoundError:
                if paths == [self.path]:
                    raise
                continue
            if self._paths() == paths and all(map(_has_name, opened)):
                return opened
            for _, file in opened:
                file.close()
        self.notes.append(f"{self.path}: its files get other names faster than they are opened; lines may be lost")
        return _all_opened([self.path])

    def _paths(self) -> list[Path]:
        """The names of the files that there are, the oldest first, and the one that is written, or will be."""
        return [*reversed(rotated_files(self.path, FILES)), self.path]

    def _files(self, files: list[_Opened]) -> Iterator[Line]:
        """The lines of files that follow one another, all of which are open, since they may be renamed meanwhile."""
        self._next += files
        while self._next:
            if self._rest:
                yield self._line(self._rest)
            if self._file is not None:
                self._file.close()
            self._name, self._file = self._next.pop(0)
            self._rest, self._number, self._identity = b"", 0, b""
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

    def _is_cut(self) -> bool:
        """Whether the file that is open has become shorter, or begins in another way."""
        assert self._file is not None
        if self._name.suffix in COMPRESSED:
            return False
        at = self._file.tell()
        if os.fstat(self._file.fileno()).st_size < at:
            return True
        self._file.seek(0)
        begins = self._file.read(len(self._identity))
        self._file.seek(at)
        return begins != self._identity

    def _after(self) -> Iterator[Line]:
        """What is in files that came after the one that is open."""
        if self.path.suffix in COMPRESSED or self._still_there():
            return
        # Lines may have come behind what was read, before it got another name; none do any more.
        yield from self._more()
        files = self._all()
        known = [at for at, (_, file) in enumerate(files) if _first_line(file) == self._identity]
        if not known:
            self.notes.append(f"{self.path} was replaced, and the file before it is gone; lines may be lost")
        elif known[-1] == len(files) - 1 and self._identity:
            yield from self._copied(files)
            return
        behind = known[-1] + 1 if known else len(files) - 1
        for _, file in files[:behind]:
            file.close()
        yield from self._files(files[behind:])

    def _copied(self, files: list[_Opened]) -> Iterator[Line]:
        """What is new in the last of files, which begins as the file that is open: a copy of it has its name, as of who
        copies logs from other hosts."""
        assert self._file is not None
        for _, file in files[:-1]:
            file.close()
        at, copy = self._file.tell(), files[-1][1]
        self._file.close()
        self._file = copy
        if os.fstat(copy.fileno()).st_size >= at:
            copy.seek(at)
        else:
            self.notes.append(f"{self.path} was replaced by one that is shorter; it is read from its first line on")
            self._rest, self._number = b"", 0
        yield from self._more()

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
    """A file of zstd, which reports that it is damaged or ends too early, as the reader of the library does not."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self._blocks = zstd_blocks(self._raw)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._raw.fileno()

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


def _all_opened(paths: list[Path]) -> list[_Opened]:
    """Files that are open, in the same order; raises ``OSError``, and then none is."""
    opened: list[_Opened] = []
    try:
        for path in paths:
            opened.append((path, _opened(path)))
    except OSError:
        for _, file in opened:
            file.close()
        raise
    return opened


def _has_name(opened: _Opened) -> bool:
    """Whether a file that is open still has the name by which it was opened."""
    path, file = opened
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:  # gone, or a folder above it is
        return False


def _first_line(file: IO[bytes]) -> bytes:
    """The first line of a file that was just opened, which is then as before; empty of one that has none."""
    try:
        line = file.readline(LONGEST_LINE)
        file.seek(0)
    except (OSError, EOFError, zlib.error):
        return b""
    return line[:-1] if line.endswith(b"\n") else b""
