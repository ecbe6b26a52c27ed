"""What a capture reader gives: frames, and facts about the file they came from.

Not here: formats (one module each) and opening files (the package itself).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, repeat
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = [
    "Batch",
    "Batches",
    "ByteOrder",
    "CaptureInfo",
    "Columns",
    "Compression",
    "Direction",
    "Format",
    "Frame",
    "SocketInfo",
    "alike",
]

ByteOrder: TypeAlias = Literal["little", "big"]
Direction: TypeAlias = Literal["in", "out", ""]
Format: TypeAlias = Literal["pcap", "pcapng", "pcap without cooked header", "rtmon"]
Compression: TypeAlias = Literal["", "gz", "zst"]
# Times, data and places of the frames of a batch.
Columns: TypeAlias = tuple[list[int], list[bytes], list[int]]


class Frame(Struct, frozen=True, gc=False):
    """One netlink packet. ``number`` counts from 1; ``timestamp``: nanoseconds since 1970-01-01 UTC;
    ``data`` starts at an nlmsghdr; ``direction``: "in" from the kernel, "out" to it, "" not recorded;
    ``socket``: interface of a pcapng file; ``offset``: of the record in the decompressed file, in bytes;
    ``truncated``: bytes that the recording lost at the end."""

    number: int
    timestamp: int
    protocol: int
    data: bytes
    direction: Direction = ""
    socket: int = 0
    offset: int = 0
    truncated: int = 0


class Batch(Struct, gc=False):
    """Frames one behind the other that differ in nothing but time, data and place, as columns; see ``Frame``.
    ``number``: of the first. ``more``: another batch follows at once, without waiting for the file."""

    number: int
    protocol: int
    direction: Direction = ""
    socket: int = 0
    truncated: int = 0
    timestamps: list[int] = []
    data: list[bytes] = []
    offsets: list[int] = []
    more: bool = False

    def frame(self, place: int) -> Frame:
        """The frame at a place, from 0."""
        columns = self.timestamps[place], self.protocol, self.data[place], self.direction, self.socket
        return Frame(self.number + place, *columns, self.offsets[place], self.truncated)

    def columns(self) -> Columns:
        """Times, data and places."""
        return self.timestamps, self.data, self.offsets

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> Batch:
        """Frames that stand one behind the other and are ``alike``."""
        one = frames[0]
        columns = [f.timestamp for f in frames], [f.data for f in frames], [f.offset for f in frames]
        return cls(one.number, one.protocol, one.direction, one.socket, one.truncated, *columns)

    def part(self, begin: int, end: int) -> Batch:
        """The frames from a place, counted from 0, up to another."""
        if not begin and end == len(self.data):
            return self
        columns = self.timestamps[begin:end], self.data[begin:end], self.offsets[begin:end]
        # Behind a part that is not the last one, the next follows at once.
        more = self.more or end < len(self.data)
        return Batch(self.number + begin, self.protocol, self.direction, self.socket, self.truncated, *columns, more)

    def frames(self) -> Iterator[Frame]:
        """Each by itself."""
        shared = repeat(self.protocol), self.data, repeat(self.direction), repeat(self.socket)
        return map(Frame, count(self.number), self.timestamps, *shared, self.offsets, repeat(self.truncated))


class Batches:
    """The frames of a file as they come together in batches: the columns of the one at hand take them.

    ``alike``: what its frames have in common; ``gap``: packets that were skipped behind them, which have a number all
    the same."""

    def __init__(self) -> None:
        self.alike: tuple[int, Direction, int, int] = (0, "", 0, 0)
        self.gap = 0
        self._batch = Batch(1, *self.alike)
        self._ended: list[Batch] = []

    def begin(self, alike: tuple[int, Direction, int, int]) -> Columns:
        """Begin a batch of other frames, one of which is there already; its columns."""
        self.alike = alike
        self._batch.more = True
        return self.cut()

    def cut(self) -> Columns:
        """End the batch at hand; the columns of the next one."""
        batch = self._batch
        if batch.data:
            self._ended.append(batch)
        self._batch = Batch(batch.number + len(batch.data) + self.gap, *self.alike)
        self.gap = 0
        return self._batch.columns()

    def columns(self) -> Columns:
        """Those of the batch at hand."""
        return self._batch.columns()

    def ended(self) -> list[Batch]:
        """The batches that have ended since this was asked for last."""
        found, self._ended = self._ended, []
        return found


def alike(one: Frame, other: Frame) -> bool:
    """Whether a frame may stand behind another in a batch."""
    fields = one.number + 1, one.protocol, one.direction, one.socket, one.truncated
    return fields == (other.number, other.protocol, other.direction, other.socket, other.truncated)


class SocketInfo(Struct, frozen=True):
    """One interface of a pcapng file: its name and description as recorded."""

    name: str
    description: str = ""


class CaptureInfo(Struct, frozen=True):
    """What a file says of itself. ``byteorder``: in which its messages are read, ``own_byteorder``: its own.
    ``metadata``: kernel, arch, netns, application and whatever else was recorded, as text; ``assumed``: what the format
    does not record and the reader therefore assumes."""

    format: Format
    byteorder: ByteOrder
    own_byteorder: ByteOrder
    compression: Compression
    metadata: dict[str, str]
    assumed: tuple[str, ...] = ()
