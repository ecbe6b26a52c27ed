"""The stream under the formats: chunks of any size give the same frames, and damage costs what it hits alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from nlmon.capture import Frame, open_capture, source
from nlmon.capture.write import PcapngWriter
from nlmon.errors import CaptureError

LINK = struct.pack("<IHHIIBxHiII", 32, 16, 0, 0, 0, 0, 1, 7, 1, 0)
COOKED = struct.pack(">HH10xH", 4, 824, 16)
LENGTHS = (0, 4, 60, 1, 300, 33)


def messages() -> list[bytes]:
    return [LINK + bytes([number]) * length for number, length in enumerate(LENGTHS)]


def pcap(*, bare: bool) -> bytes:
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253)
    for number, message in enumerate(messages()):
        packet = message if bare else COOKED + message
        out += struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
    return out


def pcapng(path: Path) -> bytes:
    with PcapngWriter(path, metadata={"application": "nlmon 1"}) as writer:
        for number, message in enumerate(messages()):
            direction = ("in", "out", "")[number % 3]
            one = writer.add_socket(f"events-{number}", 0)
            writer.write(socket=one, timestamp=number, protocol=16, data=message, direction=direction)
    return path.read_bytes()


def rtmon() -> bytes:
    stamp = struct.pack("<IHHIIII", 24, 15, 0, 0, 0, 12, 345)
    return b"".join(stamp + struct.pack("<I", len(m)) + m[4:] + bytes(-len(m) % 4) for m in messages())


def read(path: Path, data: bytes) -> tuple[list[Frame], CaptureError | None]:
    path.write_bytes(data)
    with open_capture(path) as reader:
        return list(reader), reader.damage


@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("kind", ["pcap", "bare", "pcapng", "rtmon"])
def test_where_a_chunk_ends_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, size: int
) -> None:
    """Read in chunks of a few bytes, in which no packet fits, a file gives the frames that it gives at once."""
    data = {
        "pcap": pcap(bare=False),
        "bare": pcap(bare=True),
        "pcapng": pcapng(tmp_path / "made"),
        "rtmon": rtmon(),
    }[kind]
    whole = read(tmp_path / "file", data)
    monkeypatch.setattr(source, "CHUNK", size)

    assert read(tmp_path / "file", data) == whole
    assert ([f.data[: 32 + LENGTHS[f.number - 1]][4:] for f in whole[0]], whole[1]) == (
        [m[4:] for m in messages()],
        None,
    )


@pytest.mark.slow
def test_a_recording_cut_at_every_byte(tmp_path: Path) -> None:
    """Of a pcapng file the whole packets before the cut are read, and the cut is reported at the place it begins."""
    data = pcapng(tmp_path / "made")
    frames = read(tmp_path / "file", data)[0]
    ends = [frame.offset + int.from_bytes(data[frame.offset + 4 : frame.offset + 8], "little") for frame in frames]
    for size in range(200, len(data)):
        (tmp_path / "file").write_bytes(data[:size])
        with open_capture(tmp_path / "file") as reader:
            found, damage = list(reader), reader.damage
        assert found == frames[: sum(end <= size for end in ends)]
        # Between two blocks a cut shows in the statistics that are missing.
        assert [note[-10:] for note in reader.notes] == [] if damage else ["NLM-C011]"]
        assert damage is None or size - 500 < damage.offset <= size


def test_a_wrong_checksum_costs_no_packet(tmp_path: Path) -> None:
    """All packets stand before the checksum of a zstd frame: they are read, and that it is wrong is reported."""
    data = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(pcap(bare=False)))
    data[-1] ^= 0xFF
    frames, damage = read(tmp_path / "file", bytes(data))

    assert [frame.data for frame in frames] == messages()
    assert (damage and damage.what, "checksum" in (damage.why if damage else "")) == (
        "the compressed stream is broken",
        True,
    )


def test_damage_in_a_block_costs_no_block_before_it(tmp_path: Path) -> None:
    """Blocks of a zstd file that are whole are read though the one behind them in the same kilobyte is not."""
    packer = zstandard.ZstdCompressor().compressobj()
    head, *packets = (pcap(bare=False)[:24], *(struct.pack("<IIII", 0, 0, 48, 48) + COOKED + LINK for _ in range(9)))
    blocks = [packer.compress(piece) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for piece in (head, *packets)]
    blocks[6] = b"\x06" + blocks[6][1:]  # a kind of block that does not exist
    frames, damage = read(tmp_path / "file", b"".join(blocks))

    assert (len(frames), damage is not None) == (5, True)


@pytest.mark.parametrize("cut", [1, 3, 5, 8, 9, 12])
def test_a_cut_zstd_frame_is_reported(tmp_path: Path, cut: int) -> None:
    """Wherever the second frame of a file is cut, the packets of the first are read, and the end is no clean one."""
    whole = zstandard.compress(pcap(bare=False))
    frames, damage = read(tmp_path / "file", whole + zstandard.compress(LINK)[:cut])

    assert (len(frames), damage is not None) == (len(LENGTHS), True)


def test_a_file_that_unpacks_to_much_is_read_in_blocks(tmp_path: Path) -> None:
    """A kilobyte that stands for 25 MiB costs no more memory than their largest block, 128 KiB."""
    size = 128 * 1024
    block = (size << 3 | 1 << 1).to_bytes(3, "little") + b"\0"  # one byte, repeated
    (tmp_path / "file").write_bytes(zstandard.compress(b"")[:4] + b"\0\x70" + block * 200 + b"\1\0\0")
    stream = source.open_source(tmp_path / "file")
    lengths = [len(stream.chunk(0, 1)), *(len(stream.chunk(size, 1)) for _ in range(199))]

    assert (set(lengths), stream.chunk(size, 1), stream.broken) == ({size}, b"", "")
    stream.close()


def varied_pcap(damage: bytes) -> bytes:
    """Packets of two protocols, some of them cut by the recording, and then damage."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253)
    for number, message in enumerate(messages() * 3):
        packet = struct.pack(">HH10xH", 4, 824, 16 * (number % 4 == 3)) + message
        cut = 4 * (number % 5 in {1, 2})
        out += struct.pack("<IIII", 9 - number % 3, number, len(packet), len(packet) + cut) + packet
    return out + damage


def block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def varied_pcapng(damage: bytes) -> bytes:
    """Two sections of two sockets, one of them with its own clock, both directions, cut packets, simple ones, another
    link type, and then damage."""
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    clock = struct.pack("<HHB3xHHqHH", 9, 1, 9, 14, 8, -3, 0, 0)
    sockets = [block(1, struct.pack("<HHI", kind, 0, 0) + own) for kind, own in ((253, b""), (253, clock), (1, b""))]
    out = b""
    for part in range(2):
        out += section + b"".join(sockets)
        for number, message in enumerate(messages() * 3):
            packet = struct.pack(">HH10xH", 4, 824, 16 * (number % 6 > 2)) + message
            which, cut = number // 6, 4 * (number % 5 in {1, 2})
            head = struct.pack("<IIIII", which, part, number, len(packet), len(packet) + cut)
            flags = struct.pack("<HHIHH", 2, 4, number // 3 % 3, 0, 0)
            out += block(6, head + packet + bytes(-len(packet) % 4) + flags)
            if number % 6 == 5:
                out += block(3, struct.pack("<I", len(packet) + cut) + packet + bytes(-len(packet) % 4))
    return out + damage


WORDS = {b"": "", b"\7\7": "ends inside", bytes(6): "ends inside", bytes(15): "", b"\xff" * 60: "claims 4,294,967,295"}


@pytest.mark.parametrize("size", [1, 7, 33, 64, 500])
@pytest.mark.parametrize("damage", WORDS)
@pytest.mark.parametrize("made", [varied_pcap, varied_pcapng])
def test_chunks_show_in_no_frame_and_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[bytes], bytes], damage: bytes, size: int
) -> None:
    """All fields of all frames, and what is said of the damage, are those of a file that is read at once; and each
    packet has what its header says."""
    data = made(damage)
    whole, said = read(tmp_path / "file", data)
    monkeypatch.setattr(source, "CHUNK", size)
    found, also = read(tmp_path / "file", data)

    assert (found, str(also)) == (whole, str(said))
    assert (said is None) == (not damage)
    assert WORDS[damage] in str(said)


def test_damage_costs_no_message_of_rtmon(tmp_path: Path) -> None:
    """Those before it are read."""
    frames, damage = read(tmp_path / "file", rtmon() + bytes(16))

    assert (len(frames), damage and damage.what) == (6, "a message claims 0 bytes")


def test_what_a_varied_pcap_holds(tmp_path: Path) -> None:
    """Protocol, loss and time of each packet, though seconds go back."""
    frames = read(tmp_path / "file", varied_pcap(b""))[0]
    expected = [(16 * (n % 4 == 3), 4 * (n % 5 in {1, 2}), (9 - n % 3) * 1_000_000_000 + n * 1000) for n in range(18)]

    assert [(f.protocol, f.truncated, f.timestamp) for f in frames] == expected


def test_what_a_varied_file_holds(tmp_path: Path) -> None:
    """Protocol, socket, direction, loss and time of each packet, one by one; those that are no netlink keep their
    numbers."""
    frames = read(tmp_path / "file", varied_pcapng(b""))[0]
    expected: list[tuple[int, int, str, int, int]] = []
    numbers, packet = list[int](), 0
    for part in range(2):
        for number in range(18):
            which, cut, protocol = number // 6, 4 * (number % 5 in {1, 2}), 16 * (number % 6 > 2)
            ticks = (part << 32) + number
            time = ticks - 3_000_000_000 if which == 1 else ticks * 1000
            packet += 1
            if which < 2:
                numbers.append(packet)
                expected.append((protocol, which, ("", "in", "out")[number // 3 % 3], cut, time))
            if number % 6 == 5:
                packet += 1
                numbers.append(packet)
                # Nothing says where a simple packet ends and its padding begins.
                expected.append((protocol, 0, "", max(0, cut - -(16 + len(messages()[number % 6])) % 4), 0))

    assert [(f.protocol, f.socket, f.direction, f.truncated, f.timestamp) for f in frames] == expected
    assert [f.number for f in frames] == numbers
