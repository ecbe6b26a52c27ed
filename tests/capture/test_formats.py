"""Captures: what we write we read, what others write we read, and damage costs only what lies behind it."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nlmon.capture import ByteOrder, Frame, open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.errors import CaptureError
from nlmon.framing import messages
from nlmon.testing.messages import message, number
from support.examples import examples
from support.paths import CAPTURES
from support.requirements import require_netns, require_program

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
LINK = struct.pack("<IHHIIBxHiII", 32, 16, 0, 0, 0, 0, 1, 7, 1, 0)
HOST = {"kernel": "Linux 6.12", "netns": "net:[1]", "application": "nlmon 1"}


def pcap(
    packets: list[tuple[int, int, bytes]], byteorder: ByteOrder = "little", *, nano: bool = False, bare: bool = False
) -> bytes:
    """A pcap file of (nanoseconds, protocol, message) packets."""
    sign = "<" if byteorder == "little" else ">"
    out = struct.pack(sign + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253)
    for time, protocol, data in packets:
        packet = data if bare else struct.pack(">HH10xH", 4, 824, protocol) + data
        fraction = time % 10**9 // (1 if nano else 1000)
        out += struct.pack(sign + "IIII", time // 10**9, fraction, len(packet), len(packet)) + packet
    return out


def read(path: Path, **options: Any) -> tuple[list[Frame], CaptureError | None]:
    """All frames of a capture and its damage."""
    with open_capture(path, **options) as reader:
        return list(reader), reader.damage


times = st.integers(0, (1 << 32) * 10**9 - 1)
packets_ = st.lists(st.tuples(times, st.integers(0, 22), st.binary(min_size=4, max_size=80)), max_size=6)


@examples(60)
@given(packets_, st.sampled_from(ORDERS), st.sampled_from(["", "gz", "zst"]))
def test_pcapng_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, packets: list[tuple[int, int, bytes]], order: ByteOrder, packed: str
) -> None:
    """Protocol, time to the nanosecond, direction, socket and bytes survive, compressed or not."""
    path = tmp_path_factory.mktemp("capture") / "a.pcapng"
    with PcapngWriter(path, metadata=HOST, byteorder=order) as writer:
        sockets = [writer.add_socket("events", 0), writer.add_socket("requests", 0)]
        for number, (time, protocol, data) in enumerate(packets):
            direction = ("in", "out", "")[number % 3]
            writer.write(socket=sockets[number % 2], timestamp=time, protocol=protocol, data=data, direction=direction)
    if packed:
        whole = path.read_bytes()
        path.write_bytes(gzip.compress(whole) if packed == "gz" else zstandard.compress(whole))
    with open_capture(path) as reader:
        frames = list(reader)
        assert (reader.info.byteorder, reader.info.compression, reader.damage) == (order, packed, None)
        assert {key: reader.info.metadata[key] for key in HOST} == HOST

    expected = [
        (n + 1, time, protocol, data, ("in", "out", "")[n % 3], n % 2)
        for n, (time, protocol, data) in enumerate(packets)
    ]
    assert [(f.number, f.timestamp, f.protocol, f.data, f.direction, f.socket) for f in frames] == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("bare", [False, True])
def test_pcap_in_every_shape(tmp_path: Path, order: ByteOrder, nano: bool, bare: bool) -> None:
    """Both byte orders, both time units, with the cooked header and without, where the protocol is assumed."""
    path = tmp_path / "a.pcap"
    link = message(16, number("BxHiII", 0, 1, 7, 1, 0, byteorder=order), byteorder=order)
    path.write_bytes(pcap([(5_000_001_000, 0, link), (6_000_000_000, 0, link)], order, nano=nano, bare=bare))
    with open_capture(path) as reader:
        found = [(f.timestamp, f.protocol, f.data) for f in reader]

    assert found == [(5_000_001_000, 0, link), (6_000_000_000, 0, link)]
    assert reader.info.byteorder == order
    assert reader.info.assumed == (("protocol NETLINK_ROUTE",) if bare else ())


@pytest.mark.parametrize("order", ORDERS)
def test_rtmon_files(tmp_path: Path, order: ByteOrder) -> None:
    """A time stamp message gives its time to the messages behind it."""
    sign = "<" if order == "little" else ">"
    stamp = struct.pack(sign + "IHHIIII", 24, 15, 0, 0, 0, 12, 345)
    link = struct.pack(sign + "IHHIIBxHiII", 32, 16, 0, 0, 0, 0, 1, 7, 1, 0)
    path = tmp_path / "a.rtmon"
    path.write_bytes(stamp + link + link)
    with open_capture(path) as reader:
        found = [(f.timestamp, f.data) for f in reader]

    assert (reader.info.format, reader.info.byteorder) == ("rtmon", order)
    assert found == [(12_000_345_000, link)] * 2


def test_every_truncation_keeps_the_whole_packets(tmp_path: Path) -> None:
    """Cut at any byte, a file gives exactly the packets before the cut, and says where it ends."""
    path, record = tmp_path / "a.pcap", 16 + 16 + 32
    for size in range(24, 24 + 3 * record + 1):
        path.write_bytes(pcap([(0, 0, LINK)] * 3)[:size])
        frames, damage = read(path)
        whole, rest = divmod(size - 24, record)
        ends = 24 + whole * record if rest else None

        assert (size, len(frames), damage and damage.offset) == (size, whole, ends)


def plain(path: Path) -> bytes:
    """The decompressed bytes of a recording."""
    with path.open("rb") as raw:
        return bytes(zstandard.ZstdDecompressor().stream_reader(raw).read())


PACK: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("ending", PACK)
def test_garbage_behind_a_good_half(tmp_path: Path, ending: str) -> None:
    """A file whose second half is garbage gives the packets of its first half, and one typed damage."""
    good = plain(BASIC)
    data = PACK[ending](good)
    path = tmp_path / "a"
    path.write_bytes(data[: len(data) // 2] + bytes(range(255, 0, -1)) * 40)
    frames, damage = read(path)
    whole = read(BASIC)[0]

    assert damage is not None
    assert damage.code == "NLM-C010"
    # The packet in which the garbage begins may look whole, and deflate has no check before its end.
    assert 200 < len(frames) < len(whole)
    assert [f.data for f in frames[:200]] == [f.data for f in whole[:200]]


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_cut_compressed_file_gives_all_it_holds(tmp_path: Path, ending: str) -> None:
    """Nothing that could still be decompressed is lost with the end of the file."""
    data = PACK[ending](plain(BASIC))
    path = tmp_path / "a"
    path.write_bytes(data[: len(data) * 3 // 4])
    frames, damage = read(path)

    assert damage is not None
    assert damage.why != ""
    assert len(frames) > 280


@examples(150)
@given(st.data())
def test_any_file_is_a_capture_or_a_typed_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any bytes behind any magic give frames and damage, or a CaptureError; nothing else."""
    magic = data.draw(
        st.sampled_from(
            [b"", b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x18\0\0\0\x0f\0"]
        )
    )
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(magic + data.draw(st.binary(max_size=200)))
    try:
        frames, damage = read(path)
    except CaptureError as error:
        assert error.code.startswith("NLM-C00")
    else:
        assert damage is None or damage.code == "NLM-C010"
        assert [f.number for f in frames] == list(range(1, len(frames) + 1))


@examples(60)
@given(st.data())
def test_a_flipped_byte_is_survived(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """One changed byte in a pcapng file costs packets or a header, never an exception of another kind."""
    path = tmp_path_factory.mktemp("flip") / "a.pcapng"
    with PcapngWriter(path, metadata={}) as writer:
        socket = writer.add_socket("tap", 0)
        for _ in range(3):
            writer.write(socket=socket, timestamp=1, data=LINK, direction="in")
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    with contextlib.suppress(CaptureError):
        read(path)


BAD = {
    "empty": (b"", "NLM-C004"),
    "text": (b"hello, this is a log file\n", "NLM-C006"),
    "ethernet": (struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "NLM-C007"),
    "half a header": (b"\xd4\xc3\xb2\xa1\x02\x00", "NLM-C005"),
    "half a section": (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "NLM-C005"),
}


@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD.keys())
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    """Each kind of wrong file has its code and names the file."""
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(CaptureError) as caught:
        open_capture(path)

    assert (caught.value.code, str(path) in caught.value.where) == (code, True)


@pytest.mark.parametrize(("name", "code"), [("missing", "NLM-C001"), (".", "NLM-C002")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, code: str) -> None:
    """A missing file and a directory."""
    with pytest.raises(CaptureError) as caught:
        open_capture(tmp_path / name)

    assert caught.value.code == code


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    """A capture may come through a named pipe, compressed or not; nothing needs to go back in it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", str(BASIC), str(pipe)]):
        frames, damage = read(pipe)

    assert (len(frames), damage) == (664, None)


def test_an_enormous_claim_is_damage(tmp_path: Path) -> None:
    """A record that claims gigabytes is damage at its place, and allocates nothing."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap([(0, 0, LINK)]) + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0))
    frames, damage = read(path)

    assert (len(frames), damage and damage.offset) == (1, 24 + 16 + 16 + 32)


def test_a_writer_that_fails_leaves_no_file_with_the_final_name(tmp_path: Path) -> None:
    """Only a whole recording gets its name; what was written before stays readable beside it."""
    path = tmp_path / "a.pcapng"

    def write() -> None:
        with PcapngWriter(path, metadata={}) as writer:
            socket = writer.add_socket("tap", 0)
            writer.write(socket=socket, timestamp=1, data=LINK)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write()

    assert not path.exists()
    assert [frame.data for frame in read(tmp_path / "a.pcapng.part")[0]] == [LINK]


def ours(path: Path, drops: int = 0) -> bytes:
    """A recording of two sockets as our recorder makes them."""
    with PcapngWriter(path, metadata={"application": "nlmon 1"}) as writer:
        events, requests = writer.add_socket("events-0", 0), writer.add_socket("requests-0", 0)
        writer.write(socket=requests, timestamp=1, data=LINK, direction="out")
        writer.write(socket=events, timestamp=2, data=LINK, direction="in")
        writer.lost(events, drops)
    return path.read_bytes()


@pytest.mark.parametrize("statistics", [0, 1])
def test_a_recording_that_was_broken_off_is_reported(tmp_path: Path, statistics: int) -> None:
    """Killed between two packets, a recording lacks the statistics that close its sockets, and so does one that another
    program wrote again: that is a note and no damage."""
    path = tmp_path / "a.pcapng"
    whole = ours(path)
    blocks, at = [], 0
    while at < len(whole):
        blocks.append(whole[at : at + int.from_bytes(whole[at + 4 : at + 8], "little")])
        at += len(blocks[-1])
    assert read(path)[1] is None
    path.write_bytes(b"".join(blocks[: len(blocks) - 2 + statistics]))
    with open_capture(path) as reader:
        assert ([frame.data for frame in reader], reader.damage) == ([LINK, LINK], None)

    assert reader.notes == [
        "the closing statistics are missing: the recording was broken off, or another program wrote it again [NLM-C011]"
    ]


@pytest.mark.parametrize(
    ("blocks", "lost"),
    [
        ([("isb", 5, 3), ("isb", 5, 9)], 9),  # isb_ifdrop counts from the beginning on
        ([("isb", 5, 3), ("isb", 7, 4)], 4),
        ([("epb", 4, 3), ("epb", 4, 2)], 5),  # epb_dropcount since the packet before
        ([("epb", 4, 3), ("isb", 5, 3)], 3),  # one loss, said twice
        ([("epb", 4, 3), ("isb", 5, 10)], 10),
    ],
)
def test_a_loss_is_counted_once(tmp_path: Path, blocks: list[tuple[str, int, int]], lost: int) -> None:
    """What pcapng files say of packets that were lost, in each of their ways."""
    name = tmp_path / "a.pcapng"
    data = ours(name)
    packet = next(data[at : at + size] for kind, at, size in pcapng_blocks(data) if kind == 6)
    for kind, code, count in blocks:
        option = struct.pack("<HHQ", code, 8, count) + struct.pack("<HH", 0, 0)
        if kind == "isb":
            body = packet[8:12] + bytes(8) + option
            data += struct.pack("<II", 5, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
        else:
            body = packet[8:28] + packet[28 : 28 + (int.from_bytes(packet[20:24], "little") + 3 & ~3)] + option
            data += struct.pack("<II", 6, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    name.write_bytes(data)
    with open_capture(name) as reader:
        assert (len(list(reader)), reader.damage, reader.dropped) == (
            2 + sum(kind == "epb" for kind, _, _ in blocks),
            None,
            lost,
        )


def pcapng_blocks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, place and length of the blocks of a little-endian file."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        yield kind, at, size
        at += size


def test_what_a_recording_lost_is_reported(tmp_path: Path) -> None:
    """The kernel's drops stand in the statistics of the socket (isb_ifdrop), and the reader sums them up."""
    ours(tmp_path / "a.pcapng", drops=7)
    with open_capture(tmp_path / "a.pcapng") as reader:
        assert (len(list(reader)), reader.damage, reader.dropped) == (2, None, 7)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology"])
def test_tshark_reads_what_we_write(tmp_path: Path, name: str) -> None:
    """A rewritten recording opens in tshark, with no malformed packet and the same packets and messages."""
    tshark = require_program("tshark")
    path = tmp_path / "a.pcapng"
    source = CAPTURES / "linux-6.12" / f"{name}.pcap.zst"
    ours: Counter[int] = Counter()
    with open_capture(source) as reader, PcapngWriter(path, metadata={"kernel": "Linux"}) as writer:
        socket = writer.add_socket("tap", 0)
        for frame in reader:
            writer.write(socket=socket, timestamp=frame.timestamp, protocol=frame.protocol, data=frame.data)
            found = list(messages(frame.data, "little"))
            # tshark also counts the header of the request that an acknowledgement echoes.
            ours[frame.protocol] += len(found) + sum(header.type == 2 for header in found)
    fields = ["-e", "netlink.family", "-e", "netlink.hdr_len", "-e", "_ws.malformed"]
    shown = subprocess.run(
        [tshark, "-n", "-r", str(path), "-T", "fields", *fields], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    theirs: Counter[int] = Counter()
    malformed = 0
    for line in shown:
        family, lengths, bad = (line + "\t\t").split("\t")[:3]
        # tshark takes the zeros behind a request for a message of length 0.
        theirs[int(family, 0)] += sum(int(length) >= 16 for length in lengths.split(",") if length)
        malformed += bool(bad)

    assert malformed == 0
    assert theirs == ours


@pytest.mark.peer
def test_we_read_what_tcpdump_writes(tmp_path: Path) -> None:
    """tcpdump rewrites a recording, and we read the same packets from it."""
    tcpdump = require_program("tcpdump")
    source, path = tmp_path / "plain.pcap", tmp_path / "tcpdump.pcap"
    source.write_bytes(plain(BASIC))
    subprocess.run([tcpdump, "-r", str(source), "-w", str(path)], capture_output=True, check=True)

    ours, theirs = read(BASIC)[0], read(path)[0]
    assert [(f.timestamp, f.protocol, f.data) for f in theirs] == [(f.timestamp, f.protocol, f.data) for f in ours]


@pytest.mark.live
def test_we_read_what_rtmon_writes(tmp_path: Path) -> None:
    """rtmon's file begins with a dump of the links, which we read."""
    prefix = require_netns()
    rtmon = require_program("rtmon")
    path = tmp_path / "rtmon.log"
    script = (
        f"{rtmon} file {path} link & "
        f"while [ ! -s {path} ]; do :; done; ip link add v0 type veth peer name v1; "
        f"before=$(stat -c %s {path}); ip link set v0 up; "
        f"while [ $(stat -c %s {path}) -le $before ]; do :; done; kill $!; wait"
    )
    subprocess.run([*prefix, shutil.which("sh") or "sh", "-c", script], check=False, timeout=30, capture_output=True)
    with open_capture(path) as reader:
        kinds = {header.type for frame in itertools.islice(reader, 50) for header in messages(frame.data, "little")}

    assert reader.info.format == "rtmon"
    assert 16 in kinds


def test_a_message_as_long_as_arphrd_netlink_is_no_cooked_header(tmp_path: Path) -> None:
    """A big-endian message of 824 bytes begins with 0x0338 where a cooked header has it; it is read as a message."""
    path = tmp_path / "a.pcap"
    long = struct.pack(">IHHII", 824, 16, 0, 0, 0) + bytes(824 - 16)
    path.write_bytes(pcap([(0, 0, long)], "big", bare=True))
    with open_capture(path) as reader:
        frames = list(reader)
        assert (reader.info.format, [f.data for f in frames], reader.damage) == (
            *("pcap without cooked header", [long]),
            None,
        )


def test_the_address_in_a_cooked_header_does_not_matter(tmp_path: Path) -> None:
    """What the kernel's ring held before may stand where an address would; its length is 0."""
    path = tmp_path / "a.pcap"
    whole = bytearray(pcap([(0, 16, LINK)]))
    whole[24 + 16 + 6 : 24 + 16 + 14] = b"leftover"
    path.write_bytes(whole)
    frames, damage = read(path)

    assert ([(f.protocol, f.data) for f in frames], damage) == ([(16, LINK)], None)


@pytest.mark.parametrize("size", [0, 15])
def test_a_packet_that_holds_no_header_is_damage(tmp_path: Path, size: int) -> None:
    """A file of zeros would be millions of empty packets; what is shorter than an nlmsghdr is none."""
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(pcap([(0, 0, LINK), (0, 0, bytes(size)), (0, 0, LINK)], bare=True)))
    frames, damage = read(path)

    assert damage is not None
    assert ([f.data for f in frames], damage.code) == ([LINK], "NLM-C010")
    assert damage.offset == 24 + 16 + len(LINK)
    assert "too short" in damage.what


@pytest.mark.parametrize(("count", "damaged"), [(4096, False), (4097, True)])
def test_thousands_of_interfaces_are_damage(tmp_path: Path, count: int, damaged: bool) -> None:
    """Interfaces are kept in memory, so a section has 4,096 at most."""
    path = tmp_path / "a.pcapng"
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    path.write_bytes(zstandard.compress(section + struct.pack("<IIHHII", 1, 20, 253, 0, 0, 20) * count))
    frames, damage = read(path)

    assert (frames, damage is not None) == ([], damaged)
    assert damage is None or "more than 4,096 interfaces" in damage.what


@pytest.mark.parametrize("kind", [0x50, 0x5F])
def test_a_zst_file_may_begin_with_a_frame_to_skip(tmp_path: Path, kind: int) -> None:
    """pzstd writes one; the format says that any number of them may stand anywhere."""
    path = tmp_path / "a.pcap.zst"
    skip = struct.pack("<II", 0x184D2A00 | kind, 5) + b"note!"
    path.write_bytes(skip + skip + zstandard.compress(pcap([(1000, 0, LINK)])) + skip)
    with open_capture(path) as reader:
        assert [f.data for f in reader] == [LINK]
        assert (reader.info.compression, reader.damage) == ("zst", None)


def test_metadata_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    """An option holds 65,535 bytes; more is a typed error before any file exists."""
    with pytest.raises(CaptureError) as caught:
        PcapngWriter(tmp_path / "a.pcapng", metadata={"kernel": "x" * 65536})

    assert (caught.value.code, list(tmp_path.iterdir())) == ("NLM-C023", [])


@pytest.mark.parametrize("before", [None, 0o644])
def test_a_recording_is_its_owners_alone(tmp_path: Path, before: int | None) -> None:
    """It may hold keys; also while it is written, and where a file of another mode was before."""
    path = tmp_path / "a.pcapng"
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    with PcapngWriter(path, metadata={}) as writer:
        part = writer.part.stat().st_mode & 0o777

    assert (part, path.stat().st_mode & 0o777, read(path)[1]) == (0o600, 0o600, None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_flush_that_fails_closes_the_file(tmp_path: Path) -> None:
    """The error is typed, and the descriptor is not left to the garbage collector."""
    writer = PcapngWriter(tmp_path / "a.pcapng", metadata={})
    writer._file.close()
    writer._file = Path("/dev/full").open("wb")  # noqa: SIM115
    writer.add_socket("events", 0)
    with pytest.raises(CaptureError) as caught:
        writer.close()

    assert (caught.value.code, writer._file.closed, (tmp_path / "a.pcapng").exists()) == ("NLM-C021", True, False)
