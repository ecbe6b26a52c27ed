"""Bytes of a capture file as a stream: plain, gzip or zstd, recognised by their magic and not by a name.

Rules:
1. Memory is bounded by the chunk size and the largest single ``take``; a file never decides how much.
2. A stream that ends early or does not decompress is reported by ``broken`` and not raised, so that all bytes
   before the damage are still read.

Not here: capture formats.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from nlmon.capture.base import Compression
from nlmon.errors import CaptureError

__all__ = ["CHUNK", "Source", "open_source"]

CHUNK = 256 * 1024
STEP = 1024
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# The first frame of a zst file may be one to skip: 0x184D2A50 to 0x184D2A5F, little-endian (RFC 8878, 3.1.2).
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
STANDARD_INPUT = Path("-")


class Source:
    """A stream of decompressed bytes with its position.

    ``offset``: bytes taken so far. ``broken``: why the stream ended early, or empty.
    """

    def __init__(self, raw: BinaryIO, stream: BinaryIO, compression: Compression, size: int) -> None:
        self._raw = raw
        self._stream = stream
        self._step: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._buffer = b""
        self._at = 0
        self.compression = compression
        self.size = size
        self.offset = 0
        self.broken = ""

    @property
    def position(self) -> int:
        """Bytes of the file read so far, for a progress bar; 0 for a pipe, which has no position."""
        return self._raw.tell() if self._raw.seekable() else 0

    def peek(self, count: int) -> bytes:
        """Up to ``count`` bytes ahead without taking them."""
        self._fill(count)
        return self._buffer[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer only at the end of the stream."""
        end = self._at + count
        if end > len(self._buffer):
            self._fill(count)
            end = self._at + count
        data = self._buffer[self._at : end]
        self._at += len(data)
        self.offset += len(data)
        return data

    def push_back(self, data: bytes) -> None:
        """Give back what was taken last."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0
        self.offset -= len(data)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()

    def _fill(self, count: int) -> None:
        if len(self._buffer) - self._at >= count:
            return
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        while have < count and not self.broken:
            chunk = self._read(max(CHUNK, count - have))
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        self._buffer = b"".join(parts)
        self._at = 0

    def _read(self, count: int) -> bytes:
        try:
            # One step at a time: a read that collects more would lose what it has when a later step fails.
            return self._step(count)
        except (EOFError, OSError, zlib.error) as error:
            self.broken = str(error)
        except Exception as error:
            # zstandard has its own error class; importing it here would cost every start.
            if type(error).__name__ != "ZstdError":
                raise
            self.broken = str(error)
        return b""


class _WholeFrames(io.RawIOBase):
    """A zstd stream that tells when the file ends inside a frame, which the library's reader does not."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415  (start-up: only a compressed file needs it)

        self._raw = raw
        self._library = zstandard
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._fresh = True
        self._pending = b""
        self._ready = bytearray()
        self._error = ""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ready:
            if self._error:
                raise EOFError(self._error)
            # Small steps: a few input bytes can stand for megabytes of output, and a step that meets damage
            # loses what it had decompressed before it.
            data = self._pending or self._raw.read(STEP)
            self._pending = b""
            if not data:
                if not self._fresh:
                    raise EOFError("the file ends inside a zstd frame")
                return b""
            try:
                self._ready += self._frame.decompress(data)
            except self._library.ZstdError as error:
                self._error = str(error)
                continue
            self._fresh = False
            if self._frame.eof:
                self._pending = self._frame.unused_data
                self._frame = self._library.ZstdDecompressor().decompressobj()
                self._fresh = True
        taken = bytes(self._ready[:size]) if size >= 0 else bytes(self._ready)
        del self._ready[: len(taken)]
        return taken


class _Prefixed(io.RawIOBase):
    """A pipe whose first bytes were read already."""

    def __init__(self, head: bytes, raw: io.BufferedReader) -> None:
        self._head = head
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._head[: len(buffer)] or self._raw.read1(len(buffer))
        self._head = self._head[len(data) :] if self._head else b""
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _head(raw: io.BufferedReader) -> bytes:
    """The first bytes, enough for a magic; a pipe may give them one by one."""
    head = b""
    while len(head) < len(ZSTD) and (more := raw.read1(len(ZSTD) - len(head))):
        head += more
    return head


def open_source(path: Path) -> Source:
    """Open a file for reading, or standard input for ``-``; raises ``CaptureError`` (NLM-C001 to NLM-C004, NLM-C009)
    when it cannot be one."""
    where = str(path)
    raw = _open(path, where)
    try:
        size = os.fstat(raw.fileno()).st_size
        magic = _head(raw)
        if path != STANDARD_INPUT and raw.seekable():
            raw.seek(0)
        else:
            raw = io.BufferedReader(_Prefixed(magic, raw))
    except OSError as error:
        raw.close()
        raise CaptureError("NLM-C003", "the file cannot be read", where=where, why=error.strerror or "") from error
    if not magic:
        raw.close()
        raise CaptureError(
            "NLM-C004", "the file is empty", where=where, hint="was the recording stopped before it began?"
        )
    buffered = cast("BinaryIO", raw)
    if magic.startswith(GZIP):
        return Source(buffered, cast("BinaryIO", gzip.GzipFile(fileobj=raw)), "gz", size)
    if magic == ZSTD or (magic[1:] == ZSTD_SKIPPABLE and magic[0] & 0xF0 == 0x50):
        return Source(buffered, cast("BinaryIO", _WholeFrames(buffered)), "zst", size)
    return Source(buffered, buffered, "", size)


def _open(path: Path, where: str) -> io.BufferedReader:
    if path == STANDARD_INPUT and os.isatty(0):
        hint = "pipe a capture into it"
        raise CaptureError("NLM-C009", "standard input is a terminal", where=where, hint=hint)
    try:
        if path == STANDARD_INPUT:
            return io.BufferedReader(io.FileIO(0, closefd=False))
        if path.is_dir():
            raise CaptureError(
                "NLM-C002",
                "this is a directory, not a capture",
                where=where,
                hint="name the files in it, such as DIR/*.pcap",
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise CaptureError("NLM-C001", "no such file", where=where, hint="check the path") from error
    except OSError as error:
        raise CaptureError("NLM-C003", "the file cannot be opened", where=where, why=error.strerror or "") from error
