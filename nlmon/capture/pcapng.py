"""Reading pcapng files whose interfaces have link type 253 (draft-ietf-opsawg-pcapng).

The profile of our recorder: one interface per socket, nanosecond time stamps, the direction in the flags option
of each packet (inbound: from the kernel), the kernel in shb_os, the architecture in shb_hardware, and in the
comment of the section one ``key=value`` a line: byteorder, netns, families; at the end the statistics of each
interface, without which one of our recordings was broken off. Files without any of this are read as well.
Interfaces of other link types are skipped and counted.

Not here: writing (``write``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Literal

from nlmon.capture.base import Batch, Direction, SocketInfo
from nlmon.capture.reader import (
    ARPHRD_NETLINK,
    COOKED_HEADER,
    LARGEST_RECORD,
    LINKTYPE_NETLINK,
    Damaged,
    cooked,
)
from nlmon.capture.source import Source

__all__ = ["SECTION", "Section", "pcapng_batches", "read_section"]

SECTION = b"\x0a\x0d\x0d\x0a"
SHB, IDB, SPB, ISB, EPB = 0x0A0D0D0A, 1, 3, 5, 6
EPB_HEADER = 28  # up to the packet
OPT_COMMENT, SHB_HARDWARE, SHB_OS, SHB_USERAPPL = 1, 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_TSRESOL, IF_TSOFFSET = 2, 3, 9, 14
EPB_FLAGS, EPB_DROPCOUNT = 2, 4
ISB_ENDTIME, ISB_IFRECV, ISB_IFDROP, ISB_OSDROP = 3, 4, 5, 7
OURS = "nlmon "
MOST_INTERFACES = 4096  # one is a socket of a recorder
_NAMES = {SHB_HARDWARE: "arch", SHB_OS: "kernel", SHB_USERAPPL: "application"}


class _Interface:
    def __init__(self, link_type: int, options: dict[int, bytes], byteorder: Literal["little", "big"]) -> None:
        self.link_type = link_type
        resolution = (options.get(IF_TSRESOL) or b"\x06")[0]
        # The top bit chooses a power of two, else of ten (if_tsresol).
        self.units: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        self.shift = int.from_bytes(options.get(IF_TSOFFSET, b""), byteorder, signed=True)
        self.plain = self.units == 1_000_000_000 and not self.shift
        self.name = _text(options.get(IF_NAME, b""))
        self.description = _text(options.get(IF_DESCRIPTION, b""))
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

    def nanoseconds(self, ticks: int) -> int:
        return ticks * 1_000_000_000 // self.units + self.shift * 1_000_000_000


class _Layout:
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
    options = _options(rest[12:-4], order)
    metadata = {name: _text(options[code]) for code, name in _NAMES.items() if code in options}
    for line in _text(options.get(OPT_COMMENT, b"")).splitlines():
        key, found, value = line.partition("=")
        if found:
            metadata[key.strip()] = value.strip()
    return Section(order, metadata)


def pcapng_batches(
    source: Source,
    section: Section,
    on_socket: Callable[[SocketInfo], None],
    on_skip: Callable[[], None],
    on_drops: Callable[[int], None],
) -> Iterator[Batch]:
    """Frames behind the first section header, which has been taken, through all sections; ``on_drops`` gets the
    number of messages that an interface lost while it was recorded."""
    order = section.byteorder
    payload_order = section.netlink_byteorder
    layout = _Layout(order)
    unpack, need = layout.unpack, layout.size
    want = need
    interfaces: list[_Interface] = []
    chunk, offset = b"", source.offset
    at = size = number = 0
    batch = Batch(1, 0)
    times, packets, offsets = batch.columns()
    alike: tuple[int, Direction, int, int] = (0, "", 0, 0)
    try:
        while True:
            if size - at < want:
                if packets:  # nobody waits for these while the next are waited for
                    yield batch
                    batch = Batch(number + 1, *alike)
                    times, packets, offsets = batch.columns()
                chunk, at = source.chunk(at, want), 0
                size = len(chunk)
                chunk = chunk.ljust(need, b"\0")
            # What stands behind the length is read along as it is in a packet block, and looked at only in one. SHB
            # reads the same in both byte orders.
            kind, length, index, high, low, captured, original, hardware, protocol = unpack(chunk, at)
            if kind == SHB or size == at:
                _check_ended(section, interfaces, offset)
                if size == at:
                    return
                if packets:
                    yield batch
                    batch = Batch(number + 1, *alike)
                    times, packets, offsets = batch.columns()
                source.chunk(at, 0)
                section = read_section(source)
                if section.netlink_byteorder != payload_order:
                    raise Damaged("a later section has another byte order", offset)
                order = section.byteorder
                layout = _Layout(order)
                unpack, need = layout.unpack, layout.size
                want = need
                interfaces = []
                chunk, offset = b"", source.offset
                at = size = 0
                continue
            if size - at < 8:
                raise Damaged("the file ends inside a block header", offset)
            if not 12 <= length <= LARGEST_RECORD or length % 4:
                raise Damaged(f"a block claims {length:,} bytes", offset)
            end = at + length
            if end > size:
                if want == length:
                    raise Damaged("the file ends inside a block", offset)
                want = length
                continue
            want = need
            if layout.length(chunk, end - 4)[0] != length:
                raise Damaged("the two lengths of a block differ", offset)
            if kind == EPB and length >= EPB_HEADER + 4:
                begin = at + EPB_HEADER
                if index >= len(interfaces) or captured > end - 4 - begin:
                    raise Damaged("a packet block contradicts itself", offset)
                interface = interfaces[index]
                if interface.link_type != LINKTYPE_NETLINK:
                    on_skip()
                elif hardware != layout.arphrd or captured < COOKED_HEADER:
                    raise Damaged("a packet has no netlink header", offset)
                else:
                    options = begin + (captured + 3 & ~3)
                    direction: Direction = ""
                    if options < end - 4:
                        text = chunk[options : end - 4]
                        known = layout.directions.get(text)
                        if known is None:
                            said = _options(text, order)
                            known = _direction(said, order)
                            if EPB_DROPCOUNT in said:
                                on_drops(interface.lost(between=int.from_bytes(said[EPB_DROPCOUNT], order)))
                        direction = known
                    if layout.little:
                        protocol = (protocol & 0xFF) << 8 | protocol >> 8
                    ticks = high << 32 | low
                    found = protocol, direction, index, original - captured if original > captured else 0
                    if found != alike:
                        if packets:
                            batch.more = True
                            yield batch
                        alike = found
                        batch = Batch(number + 1, *alike)
                        times, packets, offsets = batch.columns()
                    number += 1
                    times.append(ticks if interface.plain else interface.nanoseconds(ticks))
                    packets.append(chunk[begin + COOKED_HEADER : begin + captured])
                    offsets.append(offset)
            else:
                body = chunk[at + 8 : end]
                if kind == IDB and len(body) >= 12:
                    if len(interfaces) == MOST_INTERFACES:
                        raise Damaged(f"more than {MOST_INTERFACES:,} interfaces in one section", offset)
                    interfaces.append(_Interface(int.from_bytes(body[:2], order), _options(body[8:-4], order), order))
                    on_socket(SocketInfo(interfaces[-1].name, interfaces[-1].description))
                elif kind == ISB and len(body) >= 16 and (index := int.from_bytes(body[:4], order)) < len(interfaces):
                    interfaces[index].ended = True
                    said = _options(body[12:-4], order)
                    drops = (int.from_bytes(said.get(code, b""), order) for code in (ISB_IFDROP, ISB_OSDROP))
                    on_drops(interfaces[index].lost(in_all=sum(drops)))
                elif kind == SPB and len(body) >= 8 and interfaces:
                    original = int.from_bytes(body[:4], order)
                    data = body[4:-4][:original]
                    split = _split(interfaces[0], data, offset)
                    if split is None:
                        on_skip()
                    else:
                        if packets:
                            batch.more = True
                            yield batch
                        alike = split[0], "", 0, original - len(data)
                        batch = Batch(number + 1, *alike)
                        times, packets, offsets = batch.columns()
                        number += 1
                        times.append(0)
                        packets.append(split[1])
                        offsets.append(offset)
            offset += length
            at = end
    except Damaged:
        if packets:
            yield batch
        raise


def _check_ended(section: Section, interfaces: list[_Interface], offset: int) -> None:
    """Our recorder closes each interface with its statistics; where they are missing, more was to come."""
    if section.metadata.get("application", "").startswith(OURS) and not all(one.ended for one in interfaces):
        raise Damaged("the recording was broken off, its closing statistics are missing", offset)


def _split(interface: _Interface, data: bytes, offset: int) -> tuple[int, bytes] | None:
    if interface.link_type != LINKTYPE_NETLINK:
        return None
    split = cooked(data)
    if split is None:
        raise Damaged("a packet has no netlink header", offset)
    return split


def _direction(options: dict[int, bytes], order: Literal["little", "big"]) -> Direction:
    flags = int.from_bytes(options.get(EPB_FLAGS, b""), order) & 3
    return "in" if flags == 1 else "out" if flags == 2 else ""


def _options(data: bytes, order: Literal["little", "big"]) -> dict[int, bytes]:
    """Options by code, the last of each; a list that does not fit ends where it stops fitting."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        code = int.from_bytes(data[at : at + 2], order)
        length = int.from_bytes(data[at + 2 : at + 4], order)
        if code == 0 or at + 4 + length > len(data):
            break
        found[code] = data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
