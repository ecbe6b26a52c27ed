"""Files of others: of every device, in another byte order, written again, merged, with requests' flags.

Not here: the formats themselves (``test_formats``), and options of pcapng (``test_options``).
"""

from __future__ import annotations

import itertools
import os
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nlmon.capture import ByteOrder, CaptureReader, open_capture
from nlmon.capture.segment import Role
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.write import PcapngWriter
from nlmon.compare.difference import Class
from nlmon.compare.known import KnownDifference, known_for
from nlmon.engine.run import replay_capture
from nlmon.testing.messages import link, message, number
from nlmon.testing.zoo import ZOO
from support.command import nlmon
from support.paths import CAPTURES, FIXTURES
from support.requirements import require_program
from support.verdicts import legacy

NETLINK, SLL, SLL2, ETHERNET = 253, 113, 276, 1
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
NEWLINK = {order: message(16, number("BxHiII", 0, 1, 7, 1, 0, byteorder=order), byteorder=order) for order in ORDERS}
LINK = message(16, link(7, "lan0"))


def cooked(link_type: int, hardware: int, protocol: int, data: bytes) -> bytes:
    """A packet in the header of a link type."""
    if link_type == SLL2:
        return struct.pack(">HHIHBB8x", protocol, 0, 7, hardware, 4, 0) + data
    return struct.pack(">HHH8xH", 4, hardware, 0, protocol) + data


def pcap(link_type: int, packets: list[bytes], order: ByteOrder = "little") -> bytes:
    """A pcap file; the packets are a second apart."""
    sign = "<" if order == "little" else ">"
    out = struct.pack(sign + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for second, packet in enumerate(packets):
        out += struct.pack(sign + "IIII", second, 0, len(packet), len(packet)) + packet
    return out


def block(kind: int, body: bytes, order: ByteOrder = "little") -> bytes:
    """A block of a pcapng file."""
    sign = "<" if order == "little" else ">"
    body += bytes(-len(body) % 4)
    return struct.pack(sign + "II", kind, 12 + len(body)) + body + struct.pack(sign + "I", 12 + len(body))


def section(order: ByteOrder = "little") -> bytes:
    """A section header."""
    return block(0x0A0D0D0A, struct.pack(("<" if order == "little" else ">") + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int, options: bytes = b"", *, snap_length: int = 0) -> bytes:
    """An interface block."""
    return block(1, struct.pack("<HHI", link_type, 0, snap_length) + options)


def packet(place: int, data: bytes, ticks: int = 0) -> bytes:
    """An enhanced packet block."""
    head = struct.pack("<IIIII", place, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(6, head + data)


def read(path: Path, data: bytes, **options: Any) -> tuple[CaptureReader, list[tuple[int, bytes]]]:
    """A file after it was read, with protocol and bytes of its frames."""
    path.write_bytes(data)
    with open_capture(path, **options) as reader:
        return reader, [(frame.protocol, frame.data) for frame in reader]


# -- captures of every device ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("link_type", [SLL, SLL2])
@pytest.mark.parametrize("order", ORDERS)
def test_a_pcap_of_any_device_is_read(tmp_path: Path, link_type: int, order: ByteOrder) -> None:
    """Packets of netlink give frames with their protocol; those of other devices are skipped, however short."""
    netlink = [cooked(link_type, 824, protocol, NEWLINK[order]) for protocol in (0, 16)]
    others = [
        cooked(link_type, 1, 0x800, bytes(60)),
        cooked(link_type, 824, 0, b"")[:15],
        b"",
        cooked(link_type, 772, 824, b""),
    ]
    data = pcap(link_type, [netlink[0], *others, netlink[1], others[2]], order)
    reader, frames = read(tmp_path / "a", data)

    assert (frames, reader.damage) == ([(0, NEWLINK[order]), (16, NEWLINK[order])], None)
    assert (reader.skipped, reader.info.byteorder) == (5, order)


def test_interfaces_of_every_link_type_share_a_file(tmp_path: Path) -> None:
    """Each packet is read in the header of its own interface; only what is no netlink is skipped."""
    data = section() + b"".join(map(interface, (NETLINK, SLL, SLL2, ETHERNET)))
    for place, link_type in enumerate((NETLINK, SLL, SLL2)):
        data += packet(place, cooked(link_type, 824, place, LINK))
        data += packet(place, cooked(link_type, 1, 0, LINK)) if place else b""
    data += packet(3, bytes(60)) + packet(0, cooked(NETLINK, 824, 4, LINK))
    reader, frames = read(tmp_path / "a", data)

    assert frames == [(0, LINK), (1, LINK), (2, LINK), (4, LINK)]
    assert (reader.skipped, reader.damage) == (3, None)


@pytest.mark.parametrize("link_type", [SLL, SLL2])
@pytest.mark.parametrize("form", ["pcap", "pcapng", "pcapng of old blocks"])
def test_frames_have_the_numbers_of_wireshark(tmp_path: Path, link_type: int, form: str) -> None:
    """A packet of another device is skipped and keeps its number."""
    kinds = "on-n--onno"
    packets = [cooked(link_type, 824 if kind in "no" else 1, 4 if kind == "o" else 0, LINK) for kind in kinds]
    old = [block(2, struct.pack("<HHIIII", 0, 0, 0, 0, len(one), len(one)) + one) for one in packets]
    blocks = map(partial(packet, 0), packets) if form == "pcapng" else old
    path = tmp_path / "a"
    path.write_bytes(
        pcap(link_type, packets) if form == "pcap" else section() + interface(link_type) + b"".join(blocks)
    )
    with open_capture(path) as reader:
        found = [(frame.number, frame.protocol) for frame in reader]

    assert found == [(n, 4 if kind == "o" else 0) for n, kind in enumerate(kinds, 1) if kind != "-"]


def test_a_tap_of_netlink_holds_nothing_else(tmp_path: Path) -> None:
    """Where the link type itself is netlink, a packet of another device is damage."""
    reader, frames = read(tmp_path / "a", pcap(NETLINK, [cooked(NETLINK, 824, 0, LINK), cooked(NETLINK, 1, 0, LINK)]))

    assert (frames, reader.damage and reader.damage.code) == ([(0, LINK)], "NLM-C010")


def test_a_capture_of_any_device_without_netlink_is_said(tmp_path: Path) -> None:
    """It is a capture, and there is nothing in it."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(SLL, [cooked(SLL, 1, 0x800, bytes(60))]))
    found = nlmon("capture", "info", path)

    assert (found.returncode, "none of its 1 packet is netlink" in found.stderr) == (3, True)


@pytest.mark.parametrize("name", ["01-wireshark-nlmon-big", "10a-any-sll113", "14a-nlmon-big-resaved"])
def test_one_recording_in_three_files_is_the_same(name: str) -> None:
    """As its machine wrote it, as a capture of any device, and written again by a machine of the other byte order."""
    with open_capture(FIXTURES / "cases" / "01-wireshark-nlmon-big.pcap") as reader:
        whole = [(frame.timestamp, frame.protocol, frame.data) for frame in reader]
    with open_capture(FIXTURES / "cases" / f"{name}.pcap") as reader:
        found = [(frame.timestamp, frame.protocol, frame.data) for frame in reader]

    assert (len(found), found, reader.info.byteorder, reader.damage) == (13, whole, "big", None)
    assert bool(reader.notes) == (name == "14a-nlmon-big-resaved")


# -- byte order ------------------------------------------------------------------------------------------------------

TEXT = b"add@/devices/virtual/net/lan0\0ACTION=add\0"
BIG, LITTLE = NEWLINK["big"], NEWLINK["little"]
# What a little-endian file holds, by protocol and bytes -> the byte order in which it is read.
MIXTURES: dict[str, tuple[list[tuple[int, bytes]], ByteOrder]] = {
    "all in its own order": ([(0, LITTLE)] * 2, "little"),
    "all in the other order": ([(0, BIG)] * 2, "big"),
    "several messages in a datagram": ([(0, BIG * 3)], "big"),
    "several protocols": ([(0, BIG), (16, BIG), (0, BIG)], "big"),
    "one of its own order": ([(0, BIG), (0, LITTLE)], "little"),
    "one of no order": ([(0, BIG), (0, bytes(20))], "little"),
    "bytes behind the message": ([(0, BIG + b"more")], "big"),
    "zeros behind the message": ([(0, BIG + bytes(132))], "big"),
    "another thing behind the message": ([(0, BIG + bytes(131) + b"1")], "little"),
    "zeros alone": ([(0, BIG), (0, bytes(132))], "little"),
    "text of the kernel beside it": ([(15, TEXT), (0, BIG)], "big"),
    "text of the kernel alone": ([(15, TEXT)], "little"),
    "nothing": ([], "little"),
}


@pytest.mark.parametrize(("packets", "order"), MIXTURES.values(), ids=MIXTURES.keys())
def test_the_byte_order_that_frames_the_messages_is_taken(
    tmp_path: Path, packets: list[tuple[int, bytes]], order: ByteOrder
) -> None:
    """Only where the file's own frames no message of the first packets, and the other one all of them; it is said."""
    data = pcap(NETLINK, [cooked(NETLINK, 824, *one) for one in packets])
    reader, frames = read(tmp_path / "a", data)

    assert (reader.info.byteorder, reader.info.own_byteorder, frames) == (order, "little", packets)
    assert [note.partition("[")[2] for note in reader.notes] == ["NLM-C012]"] * (order == "big")


@pytest.mark.parametrize("order", ORDERS)
def test_a_byte_order_that_was_asked_for_is_kept(tmp_path: Path, order: ByteOrder) -> None:
    """Whoever names one means it."""
    reader, _ = read(tmp_path / "a", pcap(NETLINK, [cooked(NETLINK, 824, 0, BIG)]), byteorder=order)

    assert (reader.info.byteorder, reader.notes) == (order, [])


def test_the_option_is_named_where_nothing_can_be_read(tmp_path: Path) -> None:
    """A file of which the other order reads a part alone is not switched, and its error says what would read it."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(NETLINK, [cooked(NETLINK, 824, 0, bytes(20)), cooked(NETLINK, 824, 0, BIG)]))
    for command, code in (("replay", 3), ("decode", 3)):
        found = nlmon(command, path)
        assert (found.returncode, "--byteorder big" in found.stderr) == (code, True)


def test_a_pipe_is_looked_at_once(tmp_path: Path) -> None:
    """What was looked at to find the byte order is not lost where nobody can go back."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(["cp", str(FIXTURES / "cases" / "14a-nlmon-big-resaved.pcap"), str(pipe)]),
        open_capture(pipe) as reader,
    ):
        assert (len(list(reader)), reader.info.byteorder, reader.damage) == (13, "big", None)


# -- rtmon -----------------------------------------------------------------------------------------------------------


def test_rtmon_files_hold_no_requests(tmp_path: Path) -> None:
    """The kernel copies the flags of a request into what it announces: there too, NLM_F_REQUEST makes no request."""
    stamp = struct.pack("<IHHIIII", 24, 15, 0, 0, 0, 12, 345)
    flags = (0, 0x1, 0x601, 0x605, 0x2)
    path = tmp_path / "a.rtmon"
    path.write_bytes(stamp + b"".join(message(16, link(7, "lan0"), flags=one, seq=9, pid=1) for one in flags))
    segmenter = Segmenter("little")
    with open_capture(path) as reader:
        places = [
            (segment.place.role, len(segment.datagrams))
            for batch in reader.batches()
            for segment in segmenter.segments(batch)
        ]

    assert places == [(Role.NOTIFICATION, 4), (Role.DUMP, 1)]


# -- pcapng of others ------------------------------------------------------------------------------------------------


def option(code: int, value: bytes) -> bytes:
    """An option, which the end of options follows."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


SECONDS, OFFSET = 1_700_000_000, 3600
# Options of an interface, and the ticks that are half a second after SECONDS there.
CLOCKS = {
    "microseconds": (b"", SECONDS * 10**6 + 500_000),
    "nanoseconds": (option(9, b"\x09"), SECONDS * 10**9 + 500_000_000),
    "milliseconds": (option(9, b"\x03"), SECONDS * 10**3 + 500),
    "powers of two": (option(9, b"\x81"), SECONDS * 2 + 1),
    "an offset": (option(9, b"\x09") + option(14, struct.pack("<q", OFFSET)), (SECONDS - OFFSET) * 10**9 + 500_000_000),
    "a negative offset": (option(14, struct.pack("<q", -OFFSET)), (SECONDS + OFFSET) * 10**6 + 500_000),
}


def test_every_interface_has_its_own_clock(tmp_path: Path) -> None:
    """As mergecap leaves them: one file, and the resolution and offset of each; times that go back stay as they are."""
    data = section() + b"".join(interface(NETLINK, options) for options, _ in CLOCKS.values())
    for place, (_, ticks) in enumerate(CLOCKS.values()):
        data += packet(place, cooked(NETLINK, 824, 0, LINK), ticks)
    data += packet(0, cooked(NETLINK, 824, 0, LINK), 1)
    path = tmp_path / "a"
    path.write_bytes(data)
    with open_capture(path) as reader:
        found = [(frame.timestamp, frame.socket) for frame in reader]

    assert found == [*((SECONDS * 10**9 + 500_000_000, place) for place in range(len(CLOCKS))), (1000, 0)]


def described(data: bytes = LINK, **facts: str) -> bytes:
    """A section that says kernel, program and namespace, with a message."""
    codes = {"kernel": 3, "application": 4, "netns": 1}
    lines = {key: f"{key}={value}" if key == "netns" else value for key, value in facts.items()}
    options = b"".join(
        struct.pack("<HH", codes[key], len(line)) + line.encode() + bytes(-len(line) % 4) for key, line in lines.items()
    )
    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)
    statistics = block(5, struct.pack("<III", 0, 0, 0))
    return head + interface(NETLINK) + packet(0, cooked(NETLINK, 824, 0, data)) + statistics


@pytest.mark.parametrize(
    ("application", "kernel"),
    [
        ("nlmon 0.1.0", "Linux 6.12"),
        ("Dumpcap (Wireshark) 4.0.17", "Linux 6.12"),
        ("Mergecap (Wireshark) 4.0.17", ""),
        ("Editcap (Wireshark) 4.0.17", ""),
        ("", ""),
    ],
)
def test_the_kernel_is_that_of_who_recorded(tmp_path: Path, application: str, kernel: str) -> None:
    """A program that writes a file again says on which kernel it runs itself."""
    reader, frames = read(tmp_path / "a", described(kernel="Linux 6.12", application=application))

    assert (frames, reader.kernel) == ([(0, LINK)], kernel)


NLMON = {"application": "nlmon 0.1.0"}


@pytest.mark.parametrize(
    ("one", "other", "kernel", "noted"),
    [
        ({"kernel": "Linux 6.1"}, {"kernel": "Linux 6.1"}, "Linux 6.1", False),
        ({"kernel": "Linux 6.1"}, {"kernel": "Linux 6.12"}, "", True),
        ({"kernel": "Linux 6.1"}, {}, "", False),
        ({"netns": "net:[1]"}, {"netns": "net:[2]"}, "", True),
        ({"netns": "net:[1]"}, {"netns": "net:[1]"}, "", False),
    ],
)
def test_sections_of_several_hosts_are_said(
    tmp_path: Path, one: dict[str, str], other: dict[str, str], kernel: str, noted: bool
) -> None:
    """They are compared as one host, and have a kernel only if it is the same."""
    reader, _ = read(tmp_path / "a", described(**NLMON, **one) + described(**NLMON, **other))
    note = "its sections are of several hosts or network namespaces, and are compared as one host [NLM-C013]"

    assert (reader.kernel, reader.notes) == (kernel, [note] * noted)


def test_what_mergecap_wrote_may_be_of_several_hosts(tmp_path: Path) -> None:
    """It keeps nothing of the files that tells hosts apart."""
    reader, _ = read(tmp_path / "a", described(application="Mergecap (Wireshark) 4.0.17"))

    assert [note[-10:] for note in reader.notes] == ["[NLM-C013]"]


def test_several_kernels_are_no_evidence_for_a_known_difference(tmp_path: Path) -> None:
    """An entry of some kernels, which the first section meets, gives no verdict where it was needed."""
    path, name = tmp_path / "a.pcapng", "a" * 15
    parts = [described(message(16, link(7, name)), **NLMON, kernel=kernel) for kernel in ("Linux 6.12", "Linux 6.18")]
    entries = [
        KnownDifference(code=cls.code, message=kind, field="*", kernel="<6.13", reason="a test", owner="tester")
        for cls, kind in ((Class.CONFLICT, "RTM_NEWLINK"), (Class.STATE, "link"))
    ]
    known = list(enumerate(entries, 1))
    candidate = ZOO["LinkInfo.ifname: cut at 14 bytes"].make
    verdicts = []
    for held in (parts[:1], parts):
        path.write_bytes(b"".join(held))
        with open_capture(path) as reader:
            allowed = known_for(known, "a.pcapng", reader.kernel, [("legacy", "libnl")])
            report = replay_capture(reader, "a.pcapng", legacy, candidate, known=allowed)[0]
        verdicts.append((report.verdict, report.reason, sum(use.count for use in report.known)))

    why = "known differences of some kernels are allowed, and sections are of several kernels"
    assert verdicts == [("equivalent", "", 2), ("inconclusive", why, 3)]


def test_a_time_that_64_bits_do_not_hold_is_damage(tmp_path: Path) -> None:
    """Seconds in the place of nanoseconds make no sense; the packets before it are read."""
    data = section() + interface(NETLINK) + packet(0, cooked(NETLINK, 824, 0, LINK), 1)
    reader, frames = read(tmp_path / "a", data + packet(0, cooked(NETLINK, 824, 0, LINK), (1 << 64) - 1))

    assert (frames, reader.damage and reader.damage.offset) == ([(0, LINK)], len(data))


def test_sections_have_their_own_interfaces(tmp_path: Path) -> None:
    """Files one behind the other are one file, and each section counts its interfaces from 0."""
    one = section() + interface(ETHERNET) + interface(NETLINK) + packet(1, cooked(NETLINK, 824, 0, LINK))
    other = section() + interface(SLL2) + packet(0, cooked(SLL2, 824, 16, LINK))
    reader, frames = read(tmp_path / "a", one + other + one)

    assert (frames, reader.damage, len(reader.sockets)) == ([(0, LINK), (16, LINK), (0, LINK)], None, 5)


def test_packets_of_rare_blocks_are_read(tmp_path: Path) -> None:
    """Obsolete packet blocks have a time, a direction and losses; simple ones are cut at the snap length."""
    whole = cooked(NETLINK, 824, 0, LINK)
    old = block(
        2, struct.pack("<HHIIII", 0, 3, 0, 5, len(whole), len(whole)) + whole + option(2, b"\x01\0\0\0") + bytes(4)
    )
    unknown = block(2, struct.pack("<HHIIII", 0, 0xFFFF, 0, 6, len(whole), len(whole) + 2) + whole)
    simple = block(3, struct.pack("<I", len(whole)) + whole[:50])
    path = tmp_path / "a"
    path.write_bytes(section() + interface(NETLINK, snap_length=50) + old + unknown + simple)
    with open_capture(path) as reader:
        found = [(frame.timestamp, frame.data, frame.direction, frame.truncated) for frame in reader]

    assert found == [
        (5000, LINK, "in", 0),
        (6000, LINK, "", 2),
        (0, LINK[:34], "", len(whole) - 50),
    ]
    assert (reader.damage, reader.dropped) == (None, 3)


@pytest.mark.parametrize("kind", [4, 5, 9, 10, 0x0BAD, 0x40000BAD, 0x80000001])
@pytest.mark.parametrize("body", [b"", b"\xff" * 4, b"\xff" * 64])
def test_blocks_that_hold_no_packet_are_passed_over(tmp_path: Path, kind: int, body: bytes) -> None:
    """Names, statistics of no interface, journals, secrets, custom blocks and those to come."""
    one = packet(0, cooked(NETLINK, 824, 0, LINK))
    reader, frames = read(tmp_path / "a", section() + interface(NETLINK) + one + block(kind, body) + one)

    assert (frames, reader.damage) == ([(0, LINK)] * 2, None)


# -- programs of others ----------------------------------------------------------------------------------------------


def recording(path: Path) -> list[bytes]:
    """A recording of ours, and its messages."""
    with (
        open_capture(CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst") as reader,
        PcapngWriter(path, metadata={"application": "nlmon 1"}) as writer,
    ):
        socket = writer.add_socket("events", 0)
        frames = list(itertools.islice(reader, 100))
        for frame in frames:
            writer.write(socket=socket, timestamp=frame.timestamp, protocol=frame.protocol, data=frame.data)
    return [frame.data for frame in frames]


@pytest.mark.peer
@pytest.mark.parametrize(
    "command",
    [
        ("editcap",),
        ("editcap", "-F", "pcap"),
        ("editcap", "-F", "nsecpcap"),
        ("editcap", "-t", "3600.5"),
        ("mergecap", "-w"),
        ("tshark", "-w"),
    ],
    ids=" ".join,
)
def test_what_other_programs_wrote_again_is_whole(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Every message of a recording is there, and no damage, though its closing statistics are not."""
    program = require_program(command[0])
    ours, theirs = tmp_path / "ours.pcapng", tmp_path / "theirs"
    data = recording(ours)
    arguments = {
        "editcap": [*command[1:], ours, theirs],
        "mergecap": ["-w", theirs, ours],
        "tshark": ["-r", ours, "-w", theirs],
    }
    subprocess.run([program, *map(str, arguments[command[0]])], check=True, capture_output=True)
    with open_capture(theirs) as reader:
        found = [frame.data for frame in reader]

    assert (found, reader.damage, reader.info.byteorder) == (data, None, sys.byteorder)


@pytest.mark.peer
def test_merged_recordings_are_one(tmp_path: Path) -> None:
    """mergecap sorts by time, and makes one interface of those that are alike."""
    mergecap = require_program("mergecap")
    paths = [tmp_path / "a.pcapng", tmp_path / "b.pcapng"]
    data = [recording(path) for path in paths]
    subprocess.run([mergecap, "-w", str(tmp_path / "c"), *map(str, paths)], check=True, capture_output=True)
    with open_capture(tmp_path / "c") as reader:
        found = [frame.data for frame in reader]

    assert (sorted(found), len(reader.sockets), reader.damage) == (sorted(data[0] + data[1]), 1, None)
    assert (reader.kernel, [note[-10:] for note in reader.notes]) == ("", ["[NLM-C013]"])
