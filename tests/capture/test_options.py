"""Options of pcapng: a number has the length that the format gives it, and any other is damage at its place."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.capture import open_capture
from nlmon.cli.info import summarise
from nlmon.errors import CaptureError
from nlmon.testing.messages import link, message
from support.command import nlmon
from support.examples import examples

LINK = message(16, link(7, "lan0"))
PACKET = struct.pack(">HH10xH", 4, 824, 0) + LINK
SECTION, INTERFACE, OLD, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6
# What stands before the options of a block.
HEADS = {
    SECTION: struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1),
    INTERFACE: struct.pack("<HHI", 253, 0, 0),
    OLD: struct.pack("<HHIIII", 0, 0, 0, 5, len(PACKET), len(PACKET)) + PACKET,
    STATISTICS: struct.pack("<III", 0, 0, 5),
    ENHANCED: struct.pack("<IIIII", 0, 0, 5, len(PACKET), len(PACKET)) + PACKET,
}
# Name, block, code and length of every option that is a number or an address (draft-ietf-opsawg-pcapng).
NUMBERS = {
    "if_IPv4addr": (INTERFACE, 4, 8),
    "if_IPv6addr": (INTERFACE, 5, 17),
    "if_MACaddr": (INTERFACE, 6, 6),
    "if_EUIaddr": (INTERFACE, 7, 8),
    "if_speed": (INTERFACE, 8, 8),
    "if_tsresol": (INTERFACE, 9, 1),
    "if_tzone": (INTERFACE, 10, 4),
    "if_fcslen": (INTERFACE, 13, 1),
    "if_tsoffset": (INTERFACE, 14, 8),
    "if_txspeed": (INTERFACE, 16, 8),
    "if_rxspeed": (INTERFACE, 17, 8),
    "pack_flags": (OLD, 2, 4),
    "isb_starttime": (STATISTICS, 2, 8),
    "isb_endtime": (STATISTICS, 3, 8),
    "isb_ifrecv": (STATISTICS, 4, 8),
    "isb_ifdrop": (STATISTICS, 5, 8),
    "isb_filteraccept": (STATISTICS, 6, 8),
    "isb_osdrop": (STATISTICS, 7, 8),
    "isb_usrdeliv": (STATISTICS, 8, 8),
    "epb_flags": (ENHANCED, 2, 4),
    "epb_dropcount": (ENHANCED, 4, 8),
    "epb_packetid": (ENHANCED, 5, 8),
    "epb_queue": (ENHANCED, 6, 4),
}


def block(kind: int, body: bytes) -> bytes:
    """A block of a little-endian file."""
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code: int, value: bytes, length: int | None = None) -> bytes:
    """An option; ``length``: what it claims."""
    return struct.pack("<HH", code, len(value) if length is None else length) + value + bytes(-len(value) % 4)


def with_option(kind: int, text: bytes) -> tuple[bytes, int]:
    """A file of a packet, a block with an option behind a comment, and a packet; and the place of the option."""
    one = block(SECTION, HEADS[SECTION]) + block(INTERFACE, HEADS[INTERFACE]) + block(ENHANCED, HEADS[ENHANCED])
    comment = option(1, b"abc")
    place = len(one) + 8 + len(HEADS[kind]) + len(comment)
    return one + block(kind, HEADS[kind] + comment + text + bytes(4)) + block(ENHANCED, HEADS[ENHANCED]), place


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_a_wrong_length_is_damage_at_its_place(tmp_path: Path, name: str) -> None:
    """Block, option and byte are named, and the packets before it are read; of the right length it is no damage."""
    kind, code, needed = NUMBERS[name]
    path = tmp_path / "a"
    for size in (0, 1, 2, 3, 4, 7, 8, 9, 16, 60_000):
        data, place = with_option(kind, option(code, bytes(size)))
        path.write_bytes(data)
        with open_capture(path) as reader:
            frames, damage = len(list(reader)), reader.damage

        if size == needed:
            assert (size, frames, damage) == (size, 2 + (kind in {OLD, ENHANCED}), None)
        else:
            assert damage is not None, size
            assert (size, frames, damage.code, damage.offset) == (size, 1, "NLM-C010", place)
            assert f"{name} in " in damage.what
            assert f"has {size:,} bytes, the format says {needed}" in damage.what


@pytest.mark.parametrize("kind", [INTERFACE, OLD, STATISTICS, ENHANCED])
def test_an_option_that_overruns_its_block_is_damage(tmp_path: Path, kind: int) -> None:
    """Also one whose length the format leaves open."""
    data, place = with_option(kind, option(1, b"comment", 60_000))
    path = tmp_path / "a"
    path.write_bytes(data)
    with open_capture(path) as reader:
        frames, damage = len(list(reader)), reader.damage

    assert (frames, damage and damage.offset) == (1, place)
    assert "claims 60,000 bytes, and 12 are left" in str(damage)


def test_a_section_whose_options_overrun_it_is_no_capture(tmp_path: Path) -> None:
    """There is nothing before it that could be read."""
    path = tmp_path / "a"
    path.write_bytes(block(SECTION, HEADS[SECTION] + option(1, b"comment", 60_000)))
    with pytest.raises(CaptureError) as caught:
        open_capture(path)

    assert (caught.value.code, caught.value.offset) == ("NLM-C005", 24)


@pytest.mark.parametrize("command", ["replay", "decode"])
def test_an_absurd_number_of_losses_is_no_crash(tmp_path: Path, command: str) -> None:
    """Statistics of 60,000 bytes were a number of 144,000 digits; they are damage, and exit code 3."""
    path = tmp_path / "a.pcapng"
    path.write_bytes(with_option(STATISTICS, option(5, b"\xff" * 60_000))[0])
    found = nlmon(command, path)

    assert (found.returncode, "error[NLM-C010]: isb_ifdrop in a statistics block has 60,000 bytes" in found.stderr) == (
        3,
        True,
    )


def everything() -> bytes:
    """A file with each kind of block and each option of it."""
    data = b""
    for kind, head in HEADS.items():
        rows = [option(code, bytes(range(1, 1 + size))) for block_, code, size in NUMBERS.values() if block_ == kind]
        texts = [
            option(code, b"text")
            for code in (1, 2, 3)
            if code not in {row[1] for row in NUMBERS.values() if row[0] == kind}
        ]
        data += block(kind, head + b"".join(rows + texts) + bytes(4))
    for kind in (4, 9, 10, 0x0BAD, 0x40000BAD):
        data += block(kind, bytes(range(32)) + option(1, b"text") + bytes(4))
    return data + block(SIMPLE, struct.pack("<I", len(PACKET)) + PACKET) + block(ENHANCED, HEADS[ENHANCED])


EVERYTHING = everything()


def survives(path: Path, data: bytes) -> None:
    """Reading a file gives a summary, or an error with a code; and nothing that a report could not print."""
    path.write_bytes(data)
    try:
        with open_capture(path) as reader:
            summary = summarise(reader, "a")
    except CaptureError as error:
        assert error.code in {"NLM-C005", "NLM-C006"}
    else:
        assert summary.damage is None or summary.damage.code == "NLM-C010"
        assert len(f"{summary.dropped:,}") < 100


@examples(200)
@given(st.lists(st.tuples(st.integers(0, len(EVERYTHING) // 2 - 1), st.integers(0, 0xFFFF)), min_size=1, max_size=4))
def test_any_mutated_length_is_survived(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """Any 16-bit number of a file with every block and option may be any other."""
    data = bytearray(EVERYTHING)
    for place, value in changes:
        struct.pack_into("<H", data, 2 * place, value)
    survives(tmp_path_factory.mktemp("mutated") / "a", bytes(data))


def test_every_length_of_every_option_is_survived(tmp_path: Path) -> None:
    """Each 16-bit number of the file, one after the other, with lengths that do not fit."""
    seeded = random.Random(16)
    for place in range(0, len(EVERYTHING), 2):
        data = bytearray(EVERYTHING)
        struct.pack_into("<H", data, place, seeded.choice((0, 1, 3, 5, 9, 255, 4096, 0x8000, 0xFFFF)))
        survives(tmp_path / "a", bytes(data))
