"""Reading pcap files of netlink, with the cooked header and without.

tcpdump writes the cooked header before each message, and so it does in a capture of ``any``, where packets that are no
netlink are skipped and counted. The program whose migration this project tests writes none, so its files hold bare
messages; their protocol is not recorded and NETLINK_ROUTE is assumed.

Not here: which link types are read (``reader``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Literal

from nlmon.capture.base import Batch, Batches
from nlmon.capture.reader import (
    ARPHRD_NETLINK,
    LARGEST_RECORD,
    LINK_TYPES,
    LINKTYPE_LINUX_SLL2,
    LINKTYPE_NETLINK,
    Damaged,
    FileFacts,
)
from nlmon.capture.source import Source
from nlmon.uapi import NLMSG_HDRLEN

__all__ = ["MAGICS", "pcap_batches"]

# First four bytes -> byte order and nanoseconds per unit of the second time field (pcap-savefile(5)).
MAGICS: dict[bytes, tuple[Literal["little", "big"], int]] = {
    b"\xd4\xc3\xb2\xa1": ("little", 1000),
    b"\xa1\xb2\xc3\xd4": ("big", 1000),
    b"\x4d\x3c\xb2\xa1": ("little", 1),
    b"\xa1\xb2\x3c\x4d": ("big", 1),
}
HEADER = 24
RECORD = 16
# In place of what a cooked header holds: no header has it.
OTHER = -1


def pcap_batches(
    source: Source, byteorder: str, unit: int, link_type: int, facts: FileFacts, *, bare: bool
) -> Iterator[Batch]:
    """Frames behind the file header, which has been taken; ``bare``: packets have no cooked header. What is skipped is
    counted in ``facts``."""
    # ``start``: where the chunk begins in the file.
    little, cooked_header, swapped = byteorder == "little", LINK_TYPES[link_type][0], link_type == LINKTYPE_LINUX_SLL2
    unpack, need = _record(little=little, swapped=swapped, bare=bare), RECORD + cooked_header
    want, skip, least = need, RECORD if bare else need, NLMSG_HDRLEN if bare else cooked_header
    arphrd = int.from_bytes(ARPHRD_NETLINK, "little" if little else "big")
    chunk, start, at = b"", source.offset, 0
    # What is the same in most records is worked out once: the second, and the protocol as the file has it. ``head``
    # and ``tail``: what a cooked header holds that may stand in the batch at hand.
    second, base, coded, protocol, lost, head, tail = -1, 0, 0, 0, 0, OTHER, OTHER
    batches = Batches()
    try:
        while True:
            times, data, offsets = batches.cut()
            yield from batches.ended()  # nobody waits for these while the next are waited for
            chunk, at, had, want = source.chunk(at, want), 0, want, need
            size, start = len(chunk), source.offset
            if not chunk:
                return
            if size < RECORD:
                raise Damaged("the file ends inside a packet header", start)
            chunk, last = chunk.ljust(need, b"\0"), max(0, size - need)
            while at <= last:
                seconds, fraction, captured, original, first, other = unpack(chunk, at)
                end = at + captured + RECORD
                if other != tail or first != head or captured != original or captured < least or end > size:
                    if bare and captured < least:
                        what = f"a packet of {captured} bytes is too short for a netlink message"
                        raise Damaged(what, start + at)
                    if end > size:
                        want = _wanted(captured, need if at else had, start + at)
                        break
                    # The second version of the header has the protocol first.
                    hardware, code = (other, first) if swapped else (first, other)
                    if bare:
                        code = 0
                    elif hardware != arphrd or captured < least:
                        if link_type == LINKTYPE_NETLINK:
                            raise Damaged("a packet has no netlink header", start + at)
                        facts.skipped += 1
                        batches.gap += 1
                        at, head = end, OTHER
                        continue
                    if code != coded or original != captured or lost or batches.gap:
                        coded, protocol = code, (code & 0xFF) << 8 | code >> 8 if little else code
                        lost = max(0, original - captured)
                        times, data, offsets = batches.begin((protocol, "", 0, lost))
                    head, tail = OTHER if lost else first, other
                if seconds != second:
                    second, base = seconds, seconds * 1_000_000_000
                times.append(base + fraction * unit)
                data.append(chunk[at + skip : end])
                offsets.append(start + at)
                at = end
    except Damaged:
        batches.cut()
        yield from batches.ended()
        raise


def _record(*, little: bool, swapped: bool, bare: bool) -> Callable[[bytes, int], tuple[int, ...]]:
    """What reads the header of a record, and of the cooked header behind it ARPHRD and the protocol, which are
    big-endian always; ``swapped``: the second version of the cooked header. ``bare``: there is none, and nothing is
    read of it."""
    cooked = "0s0s" if bare else "H6xH" if swapped else "2xH10xH"
    return struct.Struct(("<" if little else ">") + "IIII" + cooked).unpack_from


def _wanted(captured: int, had: int, offset: int) -> int:
    """How many bytes a record needs that a chunk does not hold; ``had``: what was wanted of that. Raises ``Damaged``
    where the file ends inside of it."""
    if captured > LARGEST_RECORD:  # no chunk is so large, so it is looked at only here
        raise Damaged(f"a packet claims {captured:,} bytes", offset)
    if had == RECORD + captured:
        raise Damaged("the file ends inside a packet", offset)
    return RECORD + captured
