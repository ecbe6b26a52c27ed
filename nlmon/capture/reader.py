"""The reader that every format shares: an iterator of frames, or of batches of them, that ends at damage and says so.

Not here: the formats. Each is a generator of batches that raises ``Damaged`` where it cannot go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import TracebackType

from nlmon.capture.base import Batch, CaptureInfo, Frame, SocketInfo
from nlmon.capture.source import Source
from nlmon.errors import CaptureError

__all__ = ["LARGEST_RECORD", "LINKTYPE_NETLINK", "CaptureReader", "Damaged", "cooked", "is_cooked"]

LINKTYPE_NETLINK = 253
# A netlink message is at most a few MiB; a record that claims more is damage, not a reason to allocate.
LARGEST_RECORD = 16 * 1024 * 1024
ARPHRD_NETLINK = b"\x03\x38"
COOKED_HEADER = 16
PACKET_TYPES = 8  # linux/if_packet.h: PACKET_HOST to PACKET_KERNEL


class Damaged(Exception):
    """Reading cannot go on at ``offset`` of the decompressed stream."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset


class CaptureReader:
    """Frames of an open capture, in file order, and after the last one what was wrong with the file. They are read as
    far as a chunk of the file goes, and facts about the file are those of what was read.

    ``info``: what the file says of itself. ``damage``: why reading stopped early, or None. ``skipped``: packets
    of interfaces that do not carry netlink. ``dropped``: messages that were lost while recording, as far as the file
    says. ``sockets``: interfaces of a pcapng file, as they are met.
    """

    def __init__(self, source: Source, info: CaptureInfo, batches: Iterator[Batch], where: str) -> None:
        self.info = info
        self.damage: CaptureError | None = None
        self.skipped = 0
        self.dropped = 0
        self.sockets: list[SocketInfo] = []
        self._source = source
        self._batches = batches
        self._frames = chain.from_iterable(batch.frames() for batch in self.batches())
        self._where = where
        self._read = 0

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._source.position

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._source.size

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def batches(self) -> Iterator[Batch]:
        """The same frames as columns, which cost less; those that iteration has not begun with."""
        try:
            for batch in self._batches:
                self._read += len(batch.data)
                yield batch
        except Damaged as damage:
            self._damaged(damage.what, damage.offset)
            return
        if self._source.broken:
            self._damaged("the compressed stream is broken", self._source.offset)

    def _damaged(self, what: str, offset: int) -> None:
        why = self._source.broken
        self.damage = CaptureError(
            "NLM-C010",
            what,
            where=f"{self._where}, byte {offset:,}",
            why=why,
            hint=f"{self._read:,} packets before it were read",
            offset=offset,
        )

    def __enter__(self) -> CaptureReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def cooked(data: bytes) -> tuple[int, bytes] | None:
    """Protocol and netlink bytes behind the cooked header of link type 253: packet type (2 bytes), ARPHRD_NETLINK
    (2), length of the address (2), address (8), protocol (2), all big-endian. None when there is no such header."""
    if len(data) < COOKED_HEADER or data[2:4] != ARPHRD_NETLINK:
        return None
    return int.from_bytes(data[14:16], "big"), data[COOKED_HEADER:]


def is_cooked(start: bytes) -> bool:
    """Whether the first packet of a file begins with a cooked header. ARPHRD_NETLINK alone would not do: a big-endian
    message of 824 bytes has it, too, in its length, but then a type where the header has the length of an address,
    which is 0. The address itself is not looked at: the kernel leaves in it what its ring held before."""
    return start[2:4] == ARPHRD_NETLINK and start[0] == 0 and start[1] < PACKET_TYPES and start[4:6] == b"\0\0"
