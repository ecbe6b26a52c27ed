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

HEADER = 16
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
    header, stamp = struct.Struct(sign + "IH"), struct.Struct(sign + "II")
    chunk, offset = b"", source.offset
    at = size = number = timestamp = 0
    while True:
        if size - at < HEADER:
            chunk, at = source.chunk(at, HEADER), 0
            size = len(chunk)
            if not chunk:
                return
            if size < HEADER:
                raise Damaged("the file ends inside a message header", offset)
        length, kind = header.unpack_from(chunk, at)
        if not HEADER <= length <= LARGEST_RECORD:
            raise Damaged(f"a message claims {length:,} bytes", offset)
        end = at + (length + 3 & ~3)
        if end > size:
            chunk, at, end = source.chunk(at, end - at), 0, end - at
            size = len(chunk)
            if length > size:
                raise Damaged("the file ends inside a message", offset)
            end = min(end, size)
        if kind == TSTAMP and end - at >= HEADER + stamp.size:
            seconds, micros = stamp.unpack_from(chunk, at + HEADER)
            timestamp = seconds * 1_000_000_000 + micros * 1000
        else:
            number += 1
            yield Frame(number, timestamp, 0, chunk[at:end], "", 0, offset)
        offset += end - at
        at = end
