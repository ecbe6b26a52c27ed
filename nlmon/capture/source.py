"""Bytes of a capture file as a stream: plain, gzip or zstd, recognised by their magic and not by a name.

Rules:
1. Memory is bounded by the chunk size and the largest single ``take`` or ``chunk``; a file never decides how much.
2. A stream that ends early or does not decompress is reported by ``broken`` and not raised, so that all bytes
   before the damage are still read.
3. A chunk is ``bytes``, and a reader takes a message out of it by one slice. Of 60 to 500 bytes that is cheaper than a
   memoryview, and whoever reads the message afterwards reads ``bytes`` faster.

Not here: capture formats.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from nlmon.capture.base import Compression
from nlmon.errors import CaptureError

__all__ = ["CHUNK", "Source", "open_source", "zstd_blocks", "zstd_is_whole"]

CHUNK = 128 * 1024
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# The first frame of a zst file may be one to skip: 0x184D2A50 to 0x184D2A5F, little-endian (RFC 8878, 3.1.2).
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
ZSTD_HEADER = 18  # bytes of the longest header of a frame (3.1.1.1)
ZSTD_RLE = 1  # a block of one byte, repeated
STANDARD_INPUT = Path("-")


class Source:
    """A stream of decompressed bytes with its position.

    ``offset``: bytes taken so far. ``broken``: why the stream ended early, or empty.
    """

    def __init__(
        self, raw: BinaryIO, stream: BinaryIO, step: Callable[[int], bytes], compression: Compression, size: int
    ) -> None:
        self._raw = raw
        self._stream = stream
        self._step = step
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

    def digest(self) -> str:
        """SHA-256 of the file as it is, which may be compressed; empty for what cannot be read twice."""
        if not (self._raw.seekable() and stat.S_ISREG(os.fstat(self._raw.fileno()).st_mode)):
            return ""
        import hashlib  # noqa: PLC0415  (start-up: only a report needs it)

        place = self._raw.tell()
        try:
            self._raw.seek(0)
            return hashlib.file_digest(self._raw, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError:
            return ""
        finally:
            self._raw.seek(place)

    def peek(self, count: int) -> bytes:
        """Up to ``count`` bytes ahead without taking them."""
        self._fill(count)
        return self._buffer[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer only at the end of the stream."""
        self._fill(count)
        data = self._buffer[self._at : self._at + count]
        self._at += len(data)
        self.offset += len(data)
        return data

    def chunk(self, used: int, need: int) -> bytes:
        """Take ``used`` bytes and give all that is at hand behind them without taking it: ``need`` bytes or more,
        fewer only at the end of the stream. ``used`` counts from the beginning of the chunk before."""
        self._at += used
        self.offset += used
        self._fill(need)
        if self._at:
            self._buffer = self._buffer[self._at :]
            self._at = 0
        return self._buffer

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


def zstd_blocks(raw: BinaryIO) -> Iterator[bytes]:
    """A zstd stream, block by block (RFC 8878, 3.1.1). A block is the least that can be decompressed and gives at most
    128 KiB: so damage costs nothing that stands before it, and few steps do for a whole file. Headers are looked at
    only to know how much to hand over at once; the library judges every byte. Raises ``EOFError`` when the file ends
    inside a frame, which the library's own reader does not report."""
    import zstandard  # noqa: PLC0415  (start-up: only a compressed file needs it)

    while start := raw.read(5):
        frame = zstandard.ZstdDecompressor().decompressobj()
        yield frame.decompress(start)
        if start[1:4] == ZSTD_SKIPPABLE:
            rest = raw.read(3)
            left = int.from_bytes(start[4:] + rest, "little")
            yield frame.decompress(rest)
            while left and (part := raw.read(min(left, CHUNK))):
                left -= len(part)
                yield frame.decompress(part)
        elif len(start) == 5:
            yield frame.decompress(raw.read(zstandard.frame_header_size(start) - len(start)))
            last = 0
            while not last and len(head := raw.read(3)) == 3:
                last, kind, size = head[0] & 1, head[0] >> 1 & 3, int.from_bytes(head, "little") >> 3
                yield frame.decompress(head + raw.read(1 if kind == ZSTD_RLE else size))
            if not frame.eof:
                yield frame.decompress(raw.read(4))  # the checksum, where there is one
        if not frame.eof:
            raise EOFError("the file ends inside a zstd frame")


def zstd_is_whole(raw: BinaryIO) -> bool:
    """Whether a zstd file ends where a frame does, by the headers of its frames and blocks (RFC 8878, 3.1.1), so that
    nothing is decompressed. What is no zstd at all is left to who reads it."""
    import zstandard  # noqa: PLC0415  (start-up: only a compressed file needs it)

    at, size = 0, raw.seek(0, os.SEEK_END)
    while at < size:
        raw.seek(at)
        start = raw.read(ZSTD_HEADER)
        if start[1:4] == ZSTD_SKIPPABLE:
            at += 8 + int.from_bytes(start[4:8], "little")
            continue
        try:
            has_checksum = zstandard.get_frame_parameters(start).has_checksum
            at += zstandard.frame_header_size(start)
        except zstandard.ZstdError:
            return at == 0 and start[:4] != ZSTD[: len(start)]
        last = 0
        while not last:
            raw.seek(at)
            head = raw.read(3)
            if len(head) < 3:
                return False
            last, kind, length = head[0] & 1, head[0] >> 1 & 3, int.from_bytes(head, "little") >> 3
            at += 3 + (1 if kind == ZSTD_RLE else length)
        at += 4 * has_checksum
    return at == size


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
        unpacked = gzip.GzipFile(fileobj=raw)
        return Source(buffered, cast("BinaryIO", unpacked), unpacked.read1, "gz", size)
    if magic == ZSTD or (magic[1:] == ZSTD_SKIPPABLE and magic[0] & 0xF0 == 0x50):
        blocks = filter(None, zstd_blocks(buffered))
        return Source(buffered, buffered, lambda _: next(blocks, b""), "zst", size)
    return Source(buffered, buffered, raw.read1, "", size)


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
