"""Reading the files of ``rtmon file F``: netlink messages with time stamps between them, no file header.

A time stamp is a message of type 15 with two 32-bit numbers, seconds and microseconds (iproute2, rtmon(8));
it stands before the messages it is for. Everything else is a NETLINK_ROUTE message as rtmon's socket received it: from
the kernel, also where NLM_F_REQUEST is set, since the kernel copies the flags of the request that a message is due to.

Not here: the binary form of other tools.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from nlmon.capture.base import Batch
from nlmon.capture.reader import LARGEST_RECORD, Damaged
from nlmon.capture.source import Source
from nlmon.uapi import NLMSG_HDRLEN

__all__ = ["rtmon_batches", "rtmon_byteorder"]

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


def rtmon_batches(source: Source, byteorder: str) -> Iterator[Batch]:
    """One frame per message, with the time of the stamp before it."""
    sign = "<" if byteorder == "little" else ">"
    header, stamp = struct.Struct(sign + "IH"), struct.Struct(sign + "II")
    chunk, offset = b"", source.offset
    at = size = number = timestamp = 0
    want = NLMSG_HDRLEN
    batch = Batch(1, 0, "in")
    times, data, offsets = batch.columns()
    try:
        while True:
            if size - at < want:
                if data:  # nobody waits for these while the next are waited for
                    yield batch
                    batch = Batch(number + 1, 0, "in")
                    times, data, offsets = batch.columns()
                chunk, at = source.chunk(at, want), 0
                size = len(chunk)
                if not chunk:
                    return
                if size < NLMSG_HDRLEN:
                    raise Damaged("the file ends inside a message header", offset)
            length, kind = header.unpack_from(chunk, at)
            if not NLMSG_HDRLEN <= length <= LARGEST_RECORD:
                raise Damaged(f"a message claims {length:,} bytes", offset)
            end = at + (length + 3 & ~3)
            if end > size:
                if want != end - at:
                    want = end - at
                    continue
                if at + length > size:
                    raise Damaged("the file ends inside a message", offset)
                end = size  # the last one may lack its padding
            want = NLMSG_HDRLEN
            if kind == TSTAMP and end - at >= NLMSG_HDRLEN + stamp.size:
                seconds, micros = stamp.unpack_from(chunk, at + NLMSG_HDRLEN)
                timestamp = seconds * 1_000_000_000 + micros * 1000
            else:
                number += 1
                times.append(timestamp)
                data.append(chunk[at:end])
                offsets.append(offset)
            offset += end - at
            at = end
    except Damaged:
        if data:
            yield batch
        raise
