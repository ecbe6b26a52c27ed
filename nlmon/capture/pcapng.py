"""Reading pcapng files whose packets are netlink (draft-ietf-opsawg-pcapng).

The profile of our recorder: one interface per socket, nanosecond time stamps, the direction in the flags option
of each packet (inbound: from the kernel), the kernel in shb_os, the architecture in shb_hardware, and in the
comment of the section one ``key=value`` a line: byteorder, netns, families; at the end the statistics of each
interface. Kernel and architecture are those of the machine that wrote the section, so they are believed of programs
alone that record. Files without any of this are read as well: one of our recordings that lacks its statistics was
broken off, or another program wrote it again, which is noted and is no damage. Packets that are no netlink are skipped
and counted, and so are blocks that hold neither packets nor interfaces.

Not here: writing (``write``), and the options of blocks (``options``).
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

from nlmon.capture.base import Batch, Batches, Columns, Direction
from nlmon.capture.hosts import note_hosts
from nlmon.capture.options import (
    EPB,
    EPB_DROPCOUNT,
    EPB_FLAGS,
    IDB,
    IF_DESCRIPTION,
    IF_NAME,
    IF_TSOFFSET,
    IF_TSRESOL,
    ISB,
    ISB_IFDROP,
    ISB_OSDROP,
    OPB,
    OPT_COMMENT,
    SHB,
    SHB_HARDWARE,
    SHB_OS,
    SHB_USERAPPL,
    SPB,
    read_options,
)
from nlmon.capture.reader import (
    ARPHRD_NETLINK,
    COOKED_HEADER,
    LARGEST_RECORD,
    LINKTYPE_LINUX_SLL,
    LINKTYPE_NETLINK,
    Damaged,
    FileFacts,
    cooked,
)
from nlmon.capture.source import Source
from nlmon.framing import align
from nlmon.limits import NAME_KEPT

__all__ = ["SECTION", "Section", "pcapng_batches", "read_section"]

SECTION = b"\x0a\x0d\x0d\x0a"
EPB_HEADER = 28  # up to the packet
OPB_HEADER = 20  # in the body, up to the packet
UNKNOWN_DROPS = 0xFFFF  # of an obsolete packet block
OURS = "nlmon "
# Programs that record, as they call themselves in shb_userappl. Others write a file again, on another machine perhaps.
RECORDERS = (OURS, "Dumpcap ")
MOST_INTERFACES = 4096  # one is a socket of a recorder
_NAMES = {SHB_HARDWARE: "arch", SHB_OS: "kernel", SHB_USERAPPL: "application"}
NOT_CLOSED = (
    "the closing statistics are missing: the recording was broken off, or another program wrote it again [NLM-C011]"
)


class _Interface:
    def __init__(
        self, link_type: int, snap_length: int, options: dict[int, bytes], byteorder: Literal["little", "big"]
    ) -> None:
        self.link_type = link_type
        # Whether packets may have the header that is read along with the block.
        self.cooked = link_type in {LINKTYPE_NETLINK, LINKTYPE_LINUX_SLL}
        self.snap_length = snap_length or LARGEST_RECORD
        resolution = (options.get(IF_TSRESOL) or b"\x06")[0]
        # The top bit chooses a power of two, else of ten (if_tsresol).
        self.units: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        self.shift = int.from_bytes(options.get(IF_TSOFFSET, b""), byteorder, signed=True)
        self.plain = self.units == 1_000_000_000 and not self.shift
        self.name = _text(options.get(IF_NAME, b"")[:NAME_KEPT])
        self.description = _text(options.get(IF_DESCRIPTION, b"")[:NAME_KEPT])
        self.ended = False
        self._between = self._in_all = 0

    def lost(self, *, between: int = 0, in_all: int = 0) -> int:
        """Take note of packets that were lost, and say how many more these are than was known. ``between``: since the
        packet before (epb_dropcount); ``in_all``: since the recording began (isb_ifdrop and isb_osdrop). A file may
        say the same loss in both ways."""
        before = max(self._between, self._in_all)
        self._between += between
        self._in_all = max(self._in_all, in_all)
        return max(self._between, self._in_all) - before

    def nanoseconds(self, ticks: int, offset: int) -> int:
        """The time of the packet at ``offset`` of the file. Raises ``Damaged`` for one that 64 bits do not hold."""
        time = ticks * 1_000_000_000 // self.units + self.shift * 1_000_000_000
        if not -(1 << 63) <= time < 1 << 64:
            raise Damaged(f"a packet claims to be of {time // 1_000_000_000:,} seconds after 1970", offset)
        return time


class _Fields:
    """How the numbers of a section are read: a block's head, with what a packet block and the cooked header have behind
    it; the length at its end; and the directions of our recorder."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        sign = "<" if byteorder == "little" else ">"
        head = struct.Struct(sign + "IIIIIII2xH10xH")
        self.little = byteorder == "little"
        self.size = head.size
        self.unpack = head.unpack_from
        self.length = struct.Struct(sign + "I").unpack_from
        # ARPHRD is big-endian always.
        self.arphrd = int.from_bytes(ARPHRD_NETLINK, byteorder)
        flags = struct.Struct(sign + "HHIHH")
        self.directions: dict[bytes, Direction] = {
            b"": "",
            flags.pack(EPB_FLAGS, 4, 1, 0, 0): "in",
            flags.pack(EPB_FLAGS, 4, 2, 0, 0): "out",
        }


class Section:
    """What a section header says: byte order of the section and the recorded facts."""

    def __init__(self, byteorder: Literal["little", "big"], metadata: dict[str, str]) -> None:
        self.byteorder = byteorder
        self.metadata = metadata

    @property
    def netlink_byteorder(self) -> Literal["little", "big"]:
        """Byte order of the machine that was recorded; by default the one that wrote the section."""
        recorded = self.metadata.get("byteorder")
        if recorded == "big":
            return "big"
        return "little" if recorded == "little" else self.byteorder


def read_section(source: Source) -> Section:
    """Take a section header block; raises ``Damaged``."""
    offset = source.offset
    head = source.take(12)
    if len(head) < 12:
        raise Damaged("the file ends inside a section header", offset)
    order: Literal["little", "big"]
    if head[8:12] == b"\x4d\x3c\x2b\x1a":
        order = "little"
    elif head[8:12] == b"\x1a\x2b\x3c\x4d":
        order = "big"
    else:
        raise Damaged("a section header has no byte-order magic", offset)
    length = int.from_bytes(head[4:8], order)
    if not 28 <= length <= LARGEST_RECORD or length % 4:
        raise Damaged(f"a section header claims {length:,} bytes", offset)
    rest = source.take(length - 12)
    if len(rest) < length - 12:
        raise Damaged("the file ends inside a section header", offset)
    options = read_options(rest[12:-4], SHB, order, offset + 24)
    metadata = {name: _text(options[code]) for code, name in _NAMES.items() if code in options}
    if not metadata.get("application", "").startswith(RECORDERS):
        metadata.pop("kernel", None)
        metadata.pop("arch", None)
    for line in _text(options.get(OPT_COMMENT, b"")).splitlines():
        key, found, value = line.partition("=")
        if found:
            metadata[key.strip()] = value.strip()
    return Section(order, metadata)


def pcapng_batches(source: Source, section: Section, facts: FileFacts) -> Iterator[Batch]:
    """Frames behind the first section header, which has been taken, through all sections; what else is found goes into
    ``facts``."""
    first, batches = section, Batches()
    try:
        while True:
            note_hosts(first.metadata, section.metadata, facts)
            more = yield from _section_batches(source, section, batches, facts)
            if not more:
                return
            offset, section = source.offset, read_section(source)
            if section.netlink_byteorder != first.netlink_byteorder:
                raise Damaged("a later section has another byte order", offset)
    except Damaged:
        batches.cut()
        yield from batches.ended()
        raise


def _section_batches(
    source: Source, section: Section, batches: Batches, facts: FileFacts
) -> Generator[Batch, None, bool]:
    """Frames behind the header of a section; whether another section follows."""
    order, fields = section.byteorder, _Fields(section.byteorder)
    unpack, need = fields.unpack, fields.size
    want = need
    interfaces: list[_Interface] = []
    chunk, offset, at, size = b"", source.offset, 0, 0
    times, packets, offsets = batches.cut()
    while True:
        if size - at < want:
            times, packets, offsets = batches.cut()
            yield from batches.ended()  # nobody waits for these while the next are waited for
            chunk, at = source.chunk(at, want), 0
            size = len(chunk)
            chunk = chunk.ljust(need, b"\0")
        # What stands behind the length is read along as it is in a packet block, and looked at only in one. SHB
        # reads the same in both byte orders.
        kind, length, index, high, low, captured, original, hardware, protocol = unpack(chunk, at)
        if kind == SHB or size == at:
            _check_closed(section, interfaces, facts)
            batches.cut()
            yield from batches.ended()
            source.chunk(at, 0)
            return size > at
        end = at + length
        if end > size or size - at < 8 or not 12 <= length <= LARGEST_RECORD or length % 4:
            want = _wanted(length, size - at, want, offset)
            continue
        want = need
        if fields.length(chunk, end - 4)[0] != length:
            raise Damaged("the two lengths of a block differ", offset)
        if kind == EPB and length >= EPB_HEADER + 4:
            begin = at + EPB_HEADER
            if index >= len(interfaces) or captured > end - 4 - begin:
                raise Damaged("a packet block contradicts itself", offset)
            interface = interfaces[index]
            split: tuple[int, bytes] | None
            if hardware == fields.arphrd and interface.cooked and captured >= COOKED_HEADER:
                if fields.little:
                    protocol = (protocol & 0xFF) << 8 | protocol >> 8
                split = protocol, chunk[begin + COOKED_HEADER : begin + captured]
            else:
                split = _split(interface, chunk[begin : begin + captured], offset)
            if split is None:
                facts.skipped += 1
                batches.gap += 1
            else:
                options = begin + (captured + 3 & ~3)
                direction = fields.directions.get(chunk[options : end - 4])
                if direction is None:
                    said = read_options(chunk[options : end - 4], EPB, order, offset + options - at)
                    direction = _direction(said, order)
                    facts.dropped += interface.lost(between=int.from_bytes(said.get(EPB_DROPCOUNT, b""), order))
                found = split[0], direction, index, original - captured if original > captured else 0
                if found != batches.alike or batches.gap:
                    times, packets, offsets = batches.begin(found)
                ticks = high << 32 | low
                times.append(ticks if interface.plain else interface.nanoseconds(ticks, offset))
                packets.append(split[1])
                offsets.append(offset)
        elif kind in {SPB, OPB}:
            packet = _rare_packet(kind, chunk[at + 8 : end - 4], interfaces, order, offset)
            times, packets, offsets = _add_rare(packet, batches, offset, facts)
        else:
            _read_other(kind, chunk[at + 8 : end - 4], interfaces, order, offset, facts)
        offset += length
        at = end


def _wanted(length: int, there: int, had: int, offset: int) -> int:
    """How many bytes a block needs that a chunk does not hold; ``had``: what was wanted of that. Raises ``Damaged``
    where the file ends inside of it, or no block has such a length."""
    if there < 8:
        raise Damaged("the file ends inside a block header", offset)
    if not 12 <= length <= LARGEST_RECORD or length % 4:
        raise Damaged(f"a block claims {length:,} bytes", offset)
    if had == length:
        raise Damaged("the file ends inside a block", offset)
    return length


def _read_other(
    kind: int,
    body: bytes,
    interfaces: list[_Interface],
    order: Literal["little", "big"],
    offset: int,
    facts: FileFacts,
) -> None:
    """Take in a block at ``offset`` of the file that holds no packet: an interface, or what was counted of one."""
    if kind == IDB and len(body) >= 8:
        if len(interfaces) == MOST_INTERFACES:
            raise Damaged(f"more than {MOST_INTERFACES:,} interfaces in one section", offset)
        interfaces.append(_interface(body, order, offset))
        facts.add_socket(interfaces[-1].name, interfaces[-1].description)
    elif kind == ISB and len(body) >= 12 and (index := int.from_bytes(body[:4], order)) < len(interfaces):
        interfaces[index].ended = True
        said = read_options(body[12:], ISB, order, offset + 20)
        drops = (int.from_bytes(said.get(code, b""), order) for code in (ISB_IFDROP, ISB_OSDROP))
        facts.dropped += interfaces[index].lost(in_all=sum(drops))


def _check_closed(section: Section, interfaces: list[_Interface], facts: FileFacts) -> None:
    """Note where statistics are missing with which our recorder closes each interface."""
    ours = section.metadata.get("application", "").startswith(OURS)
    if ours and not all(one.ended for one in interfaces) and NOT_CLOSED not in facts.notes:
        facts.notes.append(NOT_CLOSED)


def _split(interface: _Interface, data: bytes, offset: int) -> tuple[int, bytes] | None:
    """Protocol and netlink bytes of a packet; None where it is no netlink, which only a tap of netlink rules out."""
    split = cooked(data, interface.link_type)
    if split is None and interface.link_type == LINKTYPE_NETLINK:
        raise Damaged("a packet has no netlink header", offset)
    return split


class _RarePacket(NamedTuple):
    """A packet of a block that few programs write: of the interface at ``place``; ``dropped``: packets lost before."""

    place: int
    interface: _Interface
    data: bytes
    truncated: int = 0
    time: int = 0
    direction: Direction = ""
    dropped: int = 0


def _rare_packet(
    kind: int, body: bytes, interfaces: list[_Interface], order: Literal["little", "big"], offset: int
) -> _RarePacket:
    """The packet of a simple packet block, which has no time and is of the first interface, or of an obsolete one,
    whose numbers stand in another order than those of the enhanced one. Raises ``Damaged``."""

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(body[at : at + size], order)

    if kind == SPB and len(body) >= 4 and interfaces:
        original, interface = number(0), interfaces[0]
        data = body[4 : 4 + min(original, interface.snap_length)]
        return _RarePacket(0, interface, data, original - len(data))
    captured, original = number(12), number(16)
    if kind == SPB or len(body) < OPB_HEADER + captured or number(0, 2) >= len(interfaces):
        raise Damaged("a packet block contradicts itself", offset)
    interface, drops = interfaces[number(0, 2)], number(2, 2)
    options = OPB_HEADER + align(captured)
    said = read_options(body[options:], OPB, order, offset + 8 + options)
    return _RarePacket(
        number(0, 2),
        interface,
        body[OPB_HEADER : OPB_HEADER + captured],
        max(0, original - captured),
        interface.nanoseconds(number(4) << 32 | number(8), offset),
        _direction(said, order),
        interface.lost(between=drops) if drops != UNKNOWN_DROPS else 0,
    )


def _add_rare(packet: _RarePacket, batches: Batches, offset: int, facts: FileFacts) -> Columns:
    """Put a packet of a rare block into a batch that begins with it; the columns of the batch at hand."""
    facts.dropped += packet.dropped
    split = _split(packet.interface, packet.data, offset)
    if split is None:
        facts.skipped += 1
        batches.gap += 1
        return batches.columns()
    columns = times, packets, offsets = batches.begin((split[0], packet.direction, packet.place, packet.truncated))
    times.append(packet.time)
    packets.append(split[1])
    offsets.append(offset)
    return columns


def _interface(body: bytes, order: Literal["little", "big"], offset: int) -> _Interface:
    """The interface that a block at ``offset`` of the file describes."""
    options = read_options(body[8:], IDB, order, offset + 16)
    return _Interface(int.from_bytes(body[:2], order), int.from_bytes(body[4:8], order), options, order)


def _direction(options: dict[int, bytes], order: Literal["little", "big"]) -> Direction:
    flags = int.from_bytes(options.get(EPB_FLAGS, b""), order) & 3
    return "in" if flags == 1 else "out" if flags == 2 else ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
