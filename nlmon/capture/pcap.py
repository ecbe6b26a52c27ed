"""Reading pcap files of link type 253, with the cooked header and without.

tcpdump writes the cooked header before each message. The program whose migration this project tests writes
none, so its files hold bare messages; their protocol is not recorded and NETLINK_ROUTE is assumed.

Not here: other link types; they are refused when a file is opened.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from nlmon.capture.base import Frame
from nlmon.capture.reader import ARPHRD_NETLINK, COOKED_HEADER, LARGEST_RECORD, Damaged
from nlmon.capture.source import Source

__all__ = ["MAGICS", "pcap_frames"]

# First four bytes -> byte order and nanoseconds per unit of the second time field (pcap-savefile(5)).
MAGICS: dict[bytes, tuple[Literal["little", "big"], int]] = {
    b"\xd4\xc3\xb2\xa1": ("little", 1000),
    b"\xa1\xb2\xc3\xd4": ("big", 1000),
    b"\x4d\x3c\xb2\xa1": ("little", 1),
    b"\xa1\xb2\x3c\x4d": ("big", 1),
}
HEADER = 24
RECORD = 16
NLMSGHDR = 16


def pcap_frames(source: Source, byteorder: str, unit: int, *, bare: bool) -> Iterator[Frame]:
    """Frames behind the file header, which has been taken; ``bare``: packets have no cooked header."""
    # The header of a record, and of the cooked header behind it ARPHRD and the protocol, which are big-endian always.
    little = byteorder == "little"
    header = struct.Struct("<IIII2xH10xH" if little else ">IIII2xH10xH")
    unpack, need = header.unpack_from, header.size
    arphrd = int.from_bytes(ARPHRD_NETLINK, "little" if little else "big")
    skip = RECORD if bare else need
    chunk, offset = b"", source.offset
    at = size = number = 0
    while True:
        if size - at < need:
            chunk, at = source.chunk(at, need), 0
            size = len(chunk)
            if not chunk:
                return
            if size < RECORD:
                raise Damaged("the file ends inside a packet header", offset)
            chunk = chunk.ljust(need, b"\0")
        seconds, fraction, captured, original, hardware, protocol = unpack(chunk, at)
        if captured > LARGEST_RECORD:
            raise Damaged(f"a packet claims {captured:,} bytes", offset)
        if bare and captured < NLMSGHDR:
            raise Damaged(f"a packet of {captured} bytes is too short for a netlink message", offset)
        end = at + RECORD + captured
        if end > size:
            chunk, at, end = source.chunk(at, end - at), 0, end - at
            size = len(chunk)
            if end > size:
                raise Damaged("the file ends inside a packet", offset)
        if bare:
            protocol = 0
        elif hardware != arphrd or captured < COOKED_HEADER:
            raise Damaged("a packet has no netlink header", offset)
        elif little:
            protocol = (protocol & 0xFF) << 8 | protocol >> 8
        timestamp = seconds * 1_000_000_000 + fraction * unit
        number += 1
        lost = original - captured if original > captured else 0
        yield Frame(number, timestamp, protocol, chunk[at + skip : end], "", 0, offset, lost)
        offset += end - at
        at = end
