"""Captures: recorded netlink, read as a stream and written as pcapng.

Reads pcap and pcapng of link type 253, pcap without the cooked header, and rtmon files, in either byte order,
plain or compressed with gzip or zstd. What a file is, its first bytes say, never its name.

Not here: what the messages mean (``nlmon.backends``), and who sent them (``conversation``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nlmon.capture.base import Batch, ByteOrder, CaptureInfo, Frame, SocketInfo
from nlmon.capture.pcap import HEADER, MAGICS, pcap_batches
from nlmon.capture.pcapng import SECTION, pcapng_batches, read_section
from nlmon.capture.reader import LINKTYPE_NETLINK, CaptureReader, Damaged, is_cooked
from nlmon.capture.rtmon import rtmon_batches, rtmon_byteorder
from nlmon.capture.source import Source, open_source
from nlmon.errors import CaptureError

__all__ = ["Batch", "ByteOrder", "CaptureInfo", "CaptureReader", "Frame", "SocketInfo", "open_capture"]

# Link types people are likely to bring by mistake (tcpdump.org, link-layer header types).
_LINK_TYPES = {1: "Ethernet", 101: "raw IP", 105: "IEEE 802.11", 113: "Linux cooked", 276: "Linux cooked v2"}
FORMATS = "pcap, pcapng, rtmon"


def open_capture(path: Path | str, *, byteorder: ByteOrder | None = None) -> CaptureReader:
    """Open a capture for reading as a stream of frames.

    ``byteorder`` overrides that of the recorded machine. Raises ``CaptureError`` for a file that is missing,
    a directory, empty, of no known format or of another link type. Damage further on is not raised: all frames
    before it are given and ``CaptureReader.damage`` says what was wrong.
    """
    source = open_source(Path(path))
    try:
        return _open(source, str(path), byteorder)
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
    _check_link_type(int.from_bytes(head[20:24], order) & 0xFFFF, where)
    first = source.peek(32)
    bare = len(first) >= 20 and not is_cooked(first[16:])
    info = CaptureInfo(
        "pcap without cooked header" if bare else "pcap",
        byteorder or order,
        order,
        source.compression,
        {},
        assumed=("protocol NETLINK_ROUTE",) if bare else (),
    )
    return CaptureReader(source, info, pcap_batches(source, order, unit, bare=bare), where)


def _pcapng(source: Source, where: str, byteorder: ByteOrder | None) -> CaptureReader:
    section = read_section(source)
    order = section.netlink_byteorder
    info = CaptureInfo("pcapng", byteorder or order, order, source.compression, section.metadata)

    def skip() -> None:
        reader.skipped += 1

    def drop(messages: int) -> None:
        reader.dropped += messages

    def batches() -> Iterator[Batch]:
        yield from pcapng_batches(source, section, reader.sockets.append, skip, drop)

    reader = CaptureReader(source, info, batches(), where)
    return reader


def _check_link_type(link_type: int, where: str) -> None:
    if link_type != LINKTYPE_NETLINK:
        name = _LINK_TYPES.get(link_type, "another kind")
        raise CaptureError(
            *("NLM-C007", "the capture holds no netlink"),
            where=where,
            why=f"its link type is {link_type} ({name}), netlink is {LINKTYPE_NETLINK}",
            hint="record on an nlmon device or with nlmon record",
        )
