"""Captures: recorded netlink, read as a stream and written as pcapng.

Reads pcap and pcapng of netlink or of every device, pcap without the cooked header, and rtmon files, in either byte
order, plain or compressed with gzip or zstd. What a file is, its first bytes say, never its name. In which byte order
its messages are, the file says; where that frames none of the first and the other one frames all of them, the other is
taken, and a note says so: a program that writes a recording again gives the file the order of its own machine.

Not here: what the messages mean (``nlmon.backends``), and who sent them (``conversation``).
"""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from nlmon.capture.base import Batch, ByteOrder, CaptureInfo, Frame, SocketInfo
from nlmon.capture.pcap import HEADER, MAGICS, pcap_batches
from nlmon.capture.pcapng import SECTION, pcapng_batches, read_section
from nlmon.capture.reader import LINK_TYPES, LINKTYPE_NETLINK, CaptureReader, Damaged, FileFacts, is_cooked
from nlmon.capture.rtmon import rtmon_batches, rtmon_byteorder
from nlmon.capture.source import Source, open_source
from nlmon.errors import CaptureError
from nlmon.framing import align, messages
from nlmon.uapi import NETLINK_KOBJECT_UEVENT, NLMSG_HDRLEN

__all__ = ["Batch", "ByteOrder", "CaptureInfo", "CaptureReader", "Frame", "SocketInfo", "open_capture"]

# Link types people are likely to bring by mistake (tcpdump.org, link-layer header types).
_OTHERS = {1: "Ethernet", 101: "raw IP", 105: "IEEE 802.11"}
FORMATS = "pcap, pcapng, rtmon"


def open_capture(path: Path | str, *, byteorder: ByteOrder | None = None) -> CaptureReader:
    """Open a capture for reading as a stream of frames.

    ``byteorder`` overrides that of the recorded machine. Raises ``CaptureError`` for a file that is missing,
    a directory, empty, of no known format or of another link type. Damage further on is not raised: all frames
    before it are given and ``CaptureReader.damage`` says what was wrong.
    """
    source = open_source(Path(path))
    try:
        reader = _open(source, str(path), byteorder)
        if byteorder is None:
            _settle_byteorder(reader)
        return reader
    except Damaged as damage:
        source.close()
        raise CaptureError(
            *("NLM-C005", damage.what), where=str(path), why=source.broken, offset=damage.offset
        ) from damage
    except CaptureError:
        source.close()
        raise


def _open(source: Source, where: str, byteorder: ByteOrder | None) -> CaptureReader:
    start = source.peek(32)
    if start[:4] in MAGICS:
        return _pcap(source, where, byteorder)
    if start[:4] == SECTION:
        return _pcapng(source, where, byteorder)
    if source.broken and not start:
        raise CaptureError("NLM-C008", "the compressed file cannot be read at all", where=where, why=source.broken)
    order = rtmon_byteorder(start)
    if order is not None:
        assumed = ("protocol NETLINK_ROUTE",)
        info = CaptureInfo("rtmon", byteorder or order, order, source.compression, {}, assumed)
        return CaptureReader(source, info, rtmon_batches(source, byteorder or order), where)
    shown = start[:16].decode("ascii", "backslashreplace") if start.isascii() else start[:8].hex(" ")
    raise CaptureError(
        *("NLM-C006", "this is not a netlink capture"),
        where=where,
        why=source.broken or f"it begins with {shown!r}",
        hint=f"readable are {FORMATS}, plain or as .gz or .zst",
    )


def _pcap(source: Source, where: str, byteorder: ByteOrder | None) -> CaptureReader:
    head = source.take(HEADER)
    order, unit = MAGICS[head[:4]]
    if len(head) < HEADER:
        raise Damaged("the file ends inside its header", 0)
    link_type = int.from_bytes(head[20:24], order) & 0xFFFF
    _check_link_type(link_type, where)
    first = source.peek(32)
    bare = link_type == LINKTYPE_NETLINK and len(first) >= 20 and not is_cooked(first[16:])
    info = CaptureInfo(
        "pcap without cooked header" if bare else "pcap",
        byteorder or order,
        order,
        source.compression,
        {},
        assumed=("protocol NETLINK_ROUTE",) if bare else (),
    )
    facts = FileFacts()
    return CaptureReader(source, info, pcap_batches(source, order, unit, link_type, facts, bare=bare), where, facts)


def _pcapng(source: Source, where: str, byteorder: ByteOrder | None) -> CaptureReader:
    section = read_section(source)
    order = section.netlink_byteorder
    info = CaptureInfo("pcapng", byteorder or order, order, source.compression, section.metadata)
    facts = FileFacts()
    return CaptureReader(source, info, pcapng_batches(source, section, facts), where, facts)


def _check_link_type(link_type: int, where: str) -> None:
    if link_type not in LINK_TYPES:
        name = _OTHERS.get(link_type, "another kind")
        raise CaptureError(
            *("NLM-C007", "the capture holds no netlink"),
            where=where,
            why=f"its link type is {link_type} ({name}), netlink is {LINKTYPE_NETLINK}",
            hint="record on an nlmon device or with nlmon record",
        )


def _settle_byteorder(reader: CaptureReader) -> None:
    """Read a file in the other byte order, if its first frames are messages in that one alone."""
    said = reader.info.byteorder
    other: ByteOrder = "big" if said == "little" else "little"
    # A uevent is text.
    first = [data for batch in reader.ahead() if batch.protocol != NETLINK_KOBJECT_UEVENT for data in batch.data]
    if not first or any(_framed(data, said) for data in first):
        return
    if all(_is_framed(data, other) for data in first):
        reader.info = structs.replace(reader.info, byteorder=other)
        reader.add_note(
            f"the messages are read in {other}-endian byte order, since in {said}-endian, as the file says, "
            "nothing reads as netlink [NLM-C012]"
        )


def _is_framed(data: bytes, byteorder: ByteOrder) -> bool:
    """Whether a datagram is whole messages, but for what programs leave behind these: less than a header, or zeros, as
    the buffer of a request of iproute2 has them."""
    framed = _framed(data, byteorder)
    rest = data[framed:]
    return framed > 0 and (len(rest) < NLMSG_HDRLEN or not any(rest))


def _framed(data: bytes, byteorder: ByteOrder) -> int:
    """Bytes at the beginning of a datagram that are whole messages."""
    return max((min(len(data), align(one.offset + one.length)) for one in messages(data, byteorder)), default=0)
