"""The reader that every format shares: an iterator of frames, or of batches of them, that ends at damage and says so;
and the headers before the messages of a packet (tcpdump.org, link-layer header types).

Not here: the formats. Each is a generator of batches that raises ``Damaged`` where it cannot go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import TracebackType

from msgspec import Struct

from nlmon.capture.base import Batch, CaptureInfo, Frame, SocketInfo
from nlmon.capture.source import Source
from nlmon.errors import CaptureError
from nlmon.limits import INTERFACES_KEPT, LARGEST_DATAGRAM
from nlmon.uapi import NLM_F_REQUEST

__all__ = [
    "LARGEST_RECORD",
    "LINKTYPE_NETLINK",
    "LINK_TYPES",
    "CaptureReader",
    "Damaged",
    "FileFacts",
    "cooked",
    "is_cooked",
]

LINKTYPE_NETLINK, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2 = 253, 113, 276
# A netlink message is at most a few MiB; a record that claims more is damage, not a reason to allocate.
LARGEST_RECORD = 16 * 1024 * 1024
ARPHRD_NETLINK = b"\x03\x38"
COOKED_HEADER = 16
PACKET_TYPES = 8  # linux/if_packet.h: PACKET_HOST to PACKET_KERNEL
# Link types whose packets may be netlink -> size of the header, places of ARPHRD and protocol in it, all big-endian. A
# capture of ``any`` holds packets of every device in a header of Linux: that of netlink, or its second version.
LINK_TYPES = {
    LINKTYPE_NETLINK: (COOKED_HEADER, 2, 14),
    LINKTYPE_LINUX_SLL: (16, 2, 14),
    LINKTYPE_LINUX_SLL2: (20, 8, 0),
}
# Batches that are read ahead to find the byte order.
READ_AHEAD = 64


class Damaged(Exception):
    """Reading cannot go on at ``offset`` of the decompressed stream."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset


class FileFacts(Struct):
    """What was found in a file beside its frames, as far as it was read. ``skipped``: packets that are no netlink.
    ``dropped``: messages that were lost while recording, as far as the file says. ``sockets``: interfaces of a pcapng
    file, as they are met, the first ``INTERFACES_KEPT``; ``more_sockets``: how many more there are. ``too_large``:
    datagrams above ``LARGEST_DATAGRAM``, which are not given, and of them ``too_large_requests``, which nobody would
    have received. ``mixed_kernels``: not all sections of a pcapng file were recorded on the same kernel. ``notes``:
    what one must know to read it, each with its code."""

    skipped: int = 0
    dropped: int = 0
    sockets: list[SocketInfo] = []
    more_sockets: int = 0
    too_large: int = 0
    too_large_requests: int = 0
    mixed_kernels: bool = False
    notes: list[str] = []

    def add_socket(self, name: str, description: str) -> None:
        """Take note of an interface of a pcapng file."""
        if len(self.sockets) < INTERFACES_KEPT:
            self.sockets.append(SocketInfo(name, description))
        else:
            self.more_sockets += 1


class CaptureReader:
    """Frames of an open capture, in file order, and after the last one what was wrong with the file. They are read as
    far as a chunk of the file goes, and facts about the file are those of what was read.

    ``info``: what the file says of itself. ``damage``: why reading stopped early, or None. ``skipped``, ``dropped``,
    ``sockets``, ``notes``: see ``FileFacts``.
    """

    def __init__(
        self, source: Source, info: CaptureInfo, batches: Iterator[Batch], where: str, facts: FileFacts | None = None
    ) -> None:
        self.info = info
        self.damage: CaptureError | None = None
        self._facts = facts or FileFacts()
        self._source = source
        self._batches = batches
        self._frames = chain.from_iterable(batch.frames() for batch in self.batches())
        self._where = where
        self._read = 0

    @property
    def skipped(self) -> int:
        """Packets that are no netlink."""
        return self._facts.skipped

    @property
    def dropped(self) -> int:
        """Messages that were lost while recording."""
        return self._facts.dropped

    @property
    def sockets(self) -> list[SocketInfo]:
        """Interfaces of a pcapng file."""
        return self._facts.sockets

    @property
    def too_large(self) -> int:
        """Datagrams that are not given since they are too large, but for requests, which no listener receives."""
        return self._facts.too_large - self._facts.too_large_requests

    @property
    def mixed_kernels(self) -> bool:
        """Whether it was recorded on several kernels, as far as it was read."""
        return self._facts.mixed_kernels

    @property
    def kernel(self) -> str:
        """The kernel that was recorded; empty if the file does not say, or there are several."""
        return "" if self.mixed_kernels else self.info.metadata.get("kernel", "")

    @property
    def host(self) -> str:
        """The host that was recorded, if the file says so."""
        return self.info.metadata.get("host", "")

    def digest(self) -> str:
        """SHA-256 of the file, empty where it is none; for when all of it was read."""
        return self._source.digest()

    @property
    def notes(self) -> list[str]:
        """What one must know to read the file, and what was left out of it."""
        large, more = self._facts.too_large, self._facts.more_sockets
        found = list(self._facts.notes)
        if large:
            which = f"larger than {LARGEST_DATAGRAM:,} bytes"
            what = f"1 datagram {which} is" if large == 1 else f"{large:,} datagrams {which} are"
            found.append(f"{what} not read [NLM-L004]")
        if more:
            found.append(f"{more:,} interfaces beyond the first {INTERFACES_KEPT:,} are not listed [NLM-L005]")
        return found

    def add_note(self, text: str) -> None:
        """Add to what one must know to read the file."""
        self._facts.notes.append(text)

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
                if max(map(len, batch.data), default=0) <= LARGEST_DATAGRAM:
                    yield batch
                else:
                    yield from self._without_large(batch)
        except Damaged as damage:
            self._damaged(damage.what, damage.offset)
            return
        if self._source.broken:
            self._damaged("the compressed stream is broken", self._source.offset)

    def _without_large(self, batch: Batch) -> Iterator[Batch]:
        """What stands in a batch between datagrams that are too large."""
        begin = 0
        for at, data in enumerate(batch.data):
            if len(data) > LARGEST_DATAGRAM:
                flags = int.from_bytes(data[6:8], self.info.byteorder)
                self._facts.too_large += 1
                self._facts.too_large_requests += batch.direction == "out" or bool(flags & NLM_F_REQUEST)
                if begin < at:
                    yield batch.part(begin, at)
                begin = at + 1
        if begin < len(batch.data):
            yield batch.part(begin, len(batch.data))

    def ahead(self) -> list[Batch]:
        """The first batches, as far as they are there without waiting for the file. Reading begins with them all the
        same."""
        found: list[Batch] = []
        rest: Iterator[Batch] = self._batches
        try:
            for batch in self._batches:
                found.append(batch)
                if not batch.more or len(found) == READ_AHEAD:
                    break
        except Damaged as damage:
            rest = _Raised(damage)
        self._batches = chain(found, rest)
        return found

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


class _Raised:
    """Batches that end with damage at once, as it was found where one was looked for."""

    def __init__(self, damage: Damaged) -> None:
        self._damage = damage

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        raise self._damage


def cooked(data: bytes, link_type: int = LINKTYPE_NETLINK) -> tuple[int, bytes] | None:
    """Protocol and netlink bytes behind the header that packets of a link type have: packet type (2 bytes),
    ARPHRD_NETLINK (2), length of the address (2), address (8), protocol (2), all big-endian, or the same in another
    order. None when there is no such header."""
    size, hardware, protocol = LINK_TYPES.get(link_type, (0, 0, 0))
    if not size or len(data) < size or data[hardware : hardware + 2] != ARPHRD_NETLINK:
        return None
    return int.from_bytes(data[protocol : protocol + 2], "big"), data[size:]


def is_cooked(start: bytes) -> bool:
    """Whether the first packet of a file begins with a cooked header. ARPHRD_NETLINK alone would not do: a big-endian
    message of 824 bytes has it, too, in its length, but then a type where the header has the length of an address,
    which is 0. The address itself is not looked at: the kernel leaves in it what its ring held before."""
    return start[2:4] == ARPHRD_NETLINK and start[0] == 0 and start[1] < PACKET_TYPES and start[4:6] == b"\0\0"
