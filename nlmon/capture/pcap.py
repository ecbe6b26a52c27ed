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
from nlmon.capture.reader import LARGEST_RECORD, Damaged, cooked
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
NLMSGHDR = 16


def pcap_frames(source: Source, byteorder: str, unit: int, *, bare: bool) -> Iterator[Frame]:
    """Frames behind the file header, which has been taken; ``bare``: packets have no cooked header."""
    record = struct.Struct("<IIII" if byteorder == "little" else ">IIII")
    number = 0
    while True:
        offset = source.offset
        head = source.take(16)
        if not head:
            return
        if len(head) < 16:
            raise Damaged("the file ends inside a packet header", offset)
        seconds, fraction, captured, original = record.unpack(head)
        if captured > LARGEST_RECORD:
            raise Damaged(f"a packet claims {captured:,} bytes", offset)
        if bare and captured < NLMSGHDR:
            raise Damaged(f"a packet of {captured} bytes is too short for a netlink message", offset)
        data = source.take(captured)
        if len(data) < captured:
            raise Damaged("the file ends inside a packet", offset)
        number += 1
        split = (0, data) if bare else cooked(data)
        if split is None:
            raise Damaged("a packet has no netlink header", offset)
        timestamp = seconds * 1_000_000_000 + fraction * unit
        yield Frame(number, timestamp, split[0], split[1], "", 0, offset, max(0, original - captured))
