"""Exports into files: JSON lines (``JsonLinesExporter``) and captures (``PcapngExporter``).

Rules:
1. What was received is written as it was received: a datagram stands in a capture once, however many events came of it,
   and one that nlmon made itself (a resync, the place of a loss) stands in none.
2. A capture goes on in a further section when another process, or this one after a failure, writes on; so each section
   says by itself whether it was ended.

Not here: files that follow one another (``rotation``), and how an event is written (``layout``).
"""

from __future__ import annotations

import os
import struct
import sys
from collections import deque
from pathlib import Path

from nlmon.capture.blocks import Blocks
from nlmon.capture.write import this_machine
from nlmon.events import Event
from nlmon.exporters.layout import exported_line
from nlmon.exporters.logfile import not_ours, whole_lines
from nlmon.exporters.rotation import FOREVER, Form, RotatedFile, Rotation

__all__ = ["FileExporter", "JsonLinesExporter", "PcapngExporter"]

# Bytes of a file that are read at once, to find its last whole block.
STEP = 1 << 20
# How each line begins. What a machine that lost its power has left begins so, or with bytes that are 0.
LINE = b'{"interface":'
_WORD = struct.Struct("=I")


class FileExporter:
    """What exports into files share; see ``Exporter``."""

    def __init__(self, path: Path, rotation: Rotation, form: Form, name: str) -> None:
        self.name = name
        self.written = 0
        self._file = RotatedFile(path, rotation, form)
        # A record for each event; an empty one where the file has it already, or needs none.
        self._waiting: deque[bytes] = deque()

    def open(self) -> None:
        """Open the file, if it is not open; what was in it stays."""
        self._file.open()

    def flush(self) -> None:
        """Write what was taken."""
        while self._waiting:
            for _ in range(self._file.write(self._waiting)):
                self._waiting.popleft()
                self.written += 1

    def drop(self) -> int:
        """Forget what was taken and is not written."""
        dropped = len(self._waiting)
        self._waiting.clear()
        return dropped

    def close(self) -> None:
        """End the file."""
        self._file.close()


class JsonLinesExporter(FileExporter):
    """Writes a line for each event."""

    def __init__(self, path: Path, rotation: Rotation = FOREVER, *, name: str = "json") -> None:
        super().__init__(path, rotation, _Lines(path), name)

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event."""
        self._waiting.append(exported_line(event))


class PcapngExporter(FileExporter):
    """Writes the datagrams that events came of, as ``nlmon replay`` and Wireshark read them."""

    def __init__(self, path: Path, rotation: Rotation = FOREVER, *, name: str = "pcap") -> None:
        self._form = _Sections(path)
        super().__init__(path, rotation, self._form, name)
        self._last = b""
        self._frame = -1

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event, and its datagram if it is another one than that of the event before."""
        again = event.frame == self._frame and datagram is self._last
        if event.synthetic or not datagram or again:
            self._waiting.append(b"")
            return
        self._frame, self._last = event.frame, datagram
        self._waiting.append(self._form.packet(event, datagram))


class _Lines:
    """The form of a file of lines, which holds nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def end(self, records: int) -> bytes:
        """Nothing."""
        return b""

    def whole(self, descriptor: int, size: int) -> int:
        """Up to the last line end. Raises ``ExportError`` for a file whose first line is no object, or whose last one
        has no end and is no line of ours: to cut it off would destroy what somebody else has written."""
        kept = whole_lines(descriptor, size)
        torn = _read(descriptor, kept, len(LINE))
        if _read(descriptor, 0, 1) not in {b"", b"{"} or not (LINE.startswith(torn) or torn[:1] == b"\0"):
            raise not_ours("it holds something else than JSON lines", self._path)
        return kept


class _Sections:
    """The form of a capture file: a section for each time that it was opened, with one interface, as the cooked header
    of each packet has its protocol, and the count of packets at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blocks = Blocks(sys.byteorder, str(path))
        self._time = 0

    def begin(self) -> bytes:
        """A section of this machine, and its interface."""
        return self._blocks.section(this_machine()) + self._blocks.interface("events")

    def packet(self, event: Event, datagram: bytes) -> bytes:
        """A datagram of the kernel."""
        self._time = event.timestamp
        return self._blocks.packet(0, event.timestamp, event.protocol, datagram, "in")

    def end(self, records: int) -> bytes:
        """How many packets there are."""
        return self._blocks.statistics(0, self._time, records, 0)

    def whole(self, descriptor: int, size: int) -> int:
        """Up to the last whole block. Raises ``ExportError`` for what is no capture of a machine like this one."""
        start = self._blocks.section({})[:12]
        head = _read(descriptor, 0, len(start))
        if head[:4] != start[: len(head)][:4] or head[8:] != start[8 : len(head)]:
            raise not_ours("it holds something else than a capture of this machine", self._path)
        at = 0
        while chunk := _read(descriptor, at, STEP):
            inside = 0
            while inside + 8 <= len(chunk):
                length = int(_WORD.unpack_from(chunk, inside + 4)[0])
                if length < 12 or length % 4 or at + inside + length > size:
                    return at + inside
                inside += length
            if not inside:
                break
            at += inside
        return at


def _read(descriptor: int, at: int, size: int) -> bytes:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, size)
