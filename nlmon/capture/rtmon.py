"""Reading the files of ``rtmon file F``: netlink messages with time stamps between them, no file header.

A time stamp is a message of type 15 with two 32-bit numbers, seconds and microseconds (iproute2, rtmon(8));
it stands before the messages it is for. Everything else is a NETLINK_ROUTE message as it was received.

Not here: the binary form of other tools.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from nlmon.capture.base import Frame
from nlmon.capture.reader import LARGEST_RECORD, Damaged
from nlmon.capture.source import Source

__all__ = ["rtmon_byteorder", "rtmon_frames"]

TSTAMP = 15
TSTAMP_LENGTH = 24


def rtmon_byteorder(start: bytes) -> Literal["little", "big"] | None:
    """Byte order of a file that begins with a time stamp message, None if it does not."""
    if len(start) < 6:
        return None
    for order in ("little", "big"):
        if int.from_bytes(start[:4], order) == TSTAMP_LENGTH and int.from_bytes(start[4:6], order) == TSTAMP:
            return order
    return None


def rtmon_frames(source: Source, byteorder: str) -> Iterator[Frame]:
    """One frame per message, with the time of the stamp before it."""
    sign = "<" if byteorder == "little" else ">"
    header, stamp = struct.Struct(sign + "IHHII"), struct.Struct(sign + "II")
    number = timestamp = 0
    while True:
        offset = source.offset
        head = source.take(16)
        if not head:
            return
        if len(head) < 16:
            raise Damaged("the file ends inside a message header", offset)
        length, kind, *_ = header.unpack(head)
        if not 16 <= length <= LARGEST_RECORD:
            raise Damaged(f"a message claims {length:,} bytes", offset)
        body = source.take((length + 3 & ~3) - 16)
        if len(body) < length - 16:
            raise Damaged("the file ends inside a message", offset)
        if kind == TSTAMP and len(body) >= 8:
            seconds, micros = stamp.unpack_from(body)
            timestamp = seconds * 1_000_000_000 + micros * 1000
            continue
        number += 1
        yield Frame(number, timestamp, 0, head + body, "", 0, offset)
