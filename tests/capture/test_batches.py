"""Batches of frames, and readers that give them as soon as they can.

Not here: formats (``test_formats``), and what is made of batches (``test_segments``).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from itertools import islice, pairwise

import pytest
from msgspec import structs

from nlmon.capture import Batch, Frame, open_capture
from nlmon.capture.base import alike
from nlmon.testing.messages import message, number
from support.paths import CAPTURES

ADDR = message(20, number("BBBBI", 2, 24, 0, 0, 3))


def test_frames_and_batches_are_the_same() -> None:
    """A batch gives the frames that it is made of, and parts of it theirs."""
    frames = [Frame(n, 10 * n, 16, bytes([n]), "in", 2, 100 * n, 4) for n in range(5, 9)]
    whole = Batch.of(frames)

    assert list(whole.frames()) == frames
    assert list(whole.part(1, 3).frames()) == [whole.frame(1), whole.frame(2)] == frames[1:3]
    assert whole.part(0, 4) is whole
    assert [whole.part(*ends).more for ends in ((0, 2), (2, 4))] == [True, False]
    assert structs.replace(whole, more=True).part(2, 4).more is True
    assert all(alike(*pair) for pair in pairwise(frames))


@pytest.mark.parametrize(
    "other",
    [
        Frame(3, 0, 0, b""),
        Frame(2, 0, 1, b""),
        Frame(2, 0, 0, b"", "in"),
        Frame(2, 0, 0, b"", "", 1),
        Frame(2, 0, 0, b"", "", 0, 0, 1),
    ],
)
def test_what_may_not_share_a_batch(other: Frame) -> None:
    """Frames of one batch have one number after the other, and protocol, direction, socket and loss in common."""
    assert not alike(Frame(1, 0, 0, b""), other)


def pcap_in_two() -> tuple[bytes, bytes]:
    """Three packets and the beginning of another one; and the rest of it."""
    packet = struct.pack(">HH10xH", 4, 824, 0) + ADDR
    record = struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 253) + record * 3 + record[:20], record[20:]


def pcapng_in_two() -> tuple[bytes, bytes]:
    """Three packets and most of another section's header; and the rest of that section, which has one packet."""
    header = struct.pack("<HH", 1, 400) + bytes(400) + bytes(4)
    section = struct.pack("<IIIHHq", 0x0A0D0D0A, 28 + len(header), 0x1A2B3C4D, 1, 0, -1) + header
    section += struct.pack("<I", 28 + len(header))
    interface = struct.pack("<IIHHII", 1, 20, 253, 0, 0, 20)
    packet = struct.pack(">HH10xH", 4, 824, 0) + ADDR
    size = 32 + len(packet)
    block = struct.pack("<IIIIIII", 6, size, 0, 0, 1, len(packet), len(packet)) + packet + struct.pack("<I", size)
    return section + interface + block * 3 + section[:300], section[300:] + interface + block


def rtmon_in_two() -> tuple[bytes, bytes]:
    """A stamp, three messages and a part of another one; and its rest."""
    stamp = struct.pack("<IHHIIII", 24, 15, 0, 0, 0, 12, 345)
    return stamp + ADDR * 3 + ADDR[:18], ADDR[18:]


@pytest.mark.parametrize("made", [pcap_in_two, pcapng_in_two, rtmon_in_two])
def test_nobody_waits_for_packets_that_are_there(made: Callable[[], tuple[bytes, bytes]]) -> None:
    """Of a pipe that goes on, what was written is given, though what comes next has only begun."""
    begin, end = made()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as out:
        out.write(begin)
        with open_capture(f"/dev/fd/{reading}") as reader:
            batches = reader.batches()
            first = next(batches)
            out.write(end)
            out.close()
            rest = list(batches)
    os.close(reading)

    assert (first.number, len(first.data)) == (1, 3)
    assert ([(one.number, len(one.data)) for one in rest], reader.damage) == ([(4, 1)], None)


def test_reading_goes_on_where_it_stopped() -> None:
    """Who takes a few frames and asks for more gets the next."""
    path = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
    with open_capture(path) as reader:
        numbers = [frame.number for _ in range(3) for frame in islice(reader, 3)]
        rest = [frame.number for frame in reader]

    assert (numbers, rest[:2]) == (list(range(1, 10)), [10, 11])
