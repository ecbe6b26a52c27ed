"""The captures that are measured, in every form that one of the programs reads.

| capture | what | forms |
|---|---|---|
| mixed, links | recorded in a namespace (``recording``) | pcap, pcapng, rtmon file, messages alone |
| conntrack | flows that came and went, of the fixtures, over and over | pcapng, messages alone |
| nl80211 | what the kernel said by nl80211, of the fixtures, over and over | pcapng, messages alone |
| recording | the recording of a burst, of the fixtures, as it is: requests, answers, dumps | pcap, messages alone |

Every message is a packet of its own, as a notification is, but in the last. What was recorded here is used again where
it is kept, so that a second run measures the same bytes.

Not here: the recording itself.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path

import zstandard

from benchmarks.namespace import namespace
from benchmarks.recording import split
from nlmon.capture import open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.framing import messages

__all__ = ["Captures", "build", "write_all"]

FIXTURES = Path(__file__).parent.parent / "fixtures" / "captures" / "linux-6.12"
LINKTYPE_NETLINK, ARPHRD_NETLINK = 253, 824
ROUTE, NETFILTER, GENERIC = 0, 12, 16
START, STEP = 1_700_000_000, 10_000  # seconds since 1970, and nanoseconds from one message to the next
TSTAMP = 15  # rtmon(8)
CTNETLINK_NEW, CTNETLINK_DELETE = 0x100, 0x102  # linux/netfilter/nfnetlink_conntrack.h
GENL_ID_CTRL = 16


class Captures:
    """Where the forms of one capture are; ``name``.``form``."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.pcap = folder / f"{name}.pcap"
        self.pcapng = folder / f"{name}.pcapng"
        self.rtmon = folder / f"{name}.rtmon"
        self.plain = folder / f"{name}.bin"
        # What is fed to ip -batch, for what is measured on a running kernel.
        self.lines = folder / f"{name}.lines"

    def single(self) -> Captures:
        """The same forms of one message, for what a program costs before it does anything."""
        return Captures(self.pcap.parent, "single")


def padded(messages: Iterable[bytes]) -> bytes:
    """Messages one behind the other."""
    return b"".join(message + bytes(-len(message) % 4) for message in messages)


def write_pcap(path: Path, protocol: int, messages: Iterable[bytes]) -> None:
    """A pcap of link type 253 with the cooked header, as tcpdump writes it on an nlmon device."""
    header = struct.pack(">HH10xH", 4, ARPHRD_NETLINK, protocol)
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, LINKTYPE_NETLINK))
        for number, message in enumerate(messages):
            size = len(header) + len(message)
            seconds, nanos = divmod(number * STEP, 1_000_000_000)
            out.write(struct.pack("<IIII", START + seconds, nanos // 1000, size, size) + header + message)


def write_pcapng(path: Path, protocol: int, messages: Iterable[bytes]) -> None:
    """A pcapng in the profile of ``nlmon record``."""
    with PcapngWriter(path, metadata={}) as writer:
        interface = writer.add_socket("recorded", protocol)
        for number, message in enumerate(messages):
            writer.write(socket=interface, timestamp=START * 1_000_000_000 + number * STEP, data=message)


def write_rtmon(path: Path, messages: Iterable[bytes]) -> None:
    """A file of rtmon(8): a time stamp before each message."""
    with path.open("wb") as out:
        for number, message in enumerate(messages):
            seconds, nanos = divmod(number * STEP, 1_000_000_000)
            out.write(struct.pack("=IHHIIII", 24, TSTAMP, 0, 0, 0, START + seconds, nanos // 1000))
            out.write(padded([message]))


def write_all(folder: Path, name: str, protocol: int, messages: list[bytes]) -> Captures:
    """All forms that can hold messages of this protocol."""
    made = Captures(folder, name)
    write_pcap(made.pcap, protocol, messages)
    write_pcapng(made.pcapng, protocol, messages)
    if protocol == ROUTE:
        write_rtmon(made.rtmon, messages)
    made.plain.write_bytes(padded(messages))
    return made


def recorded(folder: Path, name: str, count: int) -> Captures:
    """A capture of this kernel; recorded unless it is there."""
    made = Captures(folder, name)
    if not made.plain.exists():
        command = [*namespace(), sys.executable, "-m", "benchmarks.recording", name, str(count), str(made.plain)]
        subprocess.run(command, check=True)
        write_all(folder, name, ROUTE, list(split(made.plain.read_bytes())))
    return made


def from_fixture(fixture: str, protocol: int) -> Iterator[bytes]:
    """Every message of a protocol that the kernel sent in a recording."""
    with open_capture(FIXTURES / f"{fixture}.pcap.zst") as reader:
        for frame in reader:
            if frame.protocol == protocol:
                yield from (one for one in split(frame.data) if not int.from_bytes(one[6:8], "little") & 1)


def recording(folder: Path, share: float) -> Captures:
    """The file of the burst of the fixtures as it was recorded, or its beginning; and all of its messages alone."""
    made = Captures(folder, "recording")
    path = FIXTURES / "07-burst.pcap.zst"
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
        data = plain.read()
    with open_capture(path) as reader:
        frames = list(reader)
    kept = frames[: max(100, int(share * len(frames)))]
    end = frames[len(kept)].offset if len(kept) < len(frames) else len(data)
    made.pcap.write_bytes(data[:end])
    whole = ((frame.data, one.offset, one.length) for frame in kept for one in messages(frame.data, "little"))
    made.plain.write_bytes(padded(data[begin : begin + length] for data, begin, length in whole))
    return made


def number_of(family: str, messages: Iterable[bytes]) -> tuple[int, bytes]:
    """Number of a generic family, and the message of nlctrl that announces it."""
    for message in messages:
        if message[4] == GENL_ID_CTRL and message[16] == 1 and family.encode() + b"\0" in message:
            at = message.index(b"\x06\0\x01\0", 20)  # CTRL_ATTR_FAMILY_ID, 16 bits
            return int.from_bytes(message[at + 4 : at + 6], "little"), message
    raise ValueError(f"nobody announces {family}")


def conntrack(folder: Path, count: int) -> Captures:
    """Flows of the fixture, repeated."""
    found = [one for one in from_fixture("04-conntrack", NETFILTER) if one[5] == 1 and one[4] in {0, 2}]
    return write_all(folder, "conntrack", NETFILTER, list(islice(cycle(found), count)))


def nl80211(folder: Path, count: int) -> Captures:
    """Messages of nl80211 of the fixture, repeated, behind the one that announces its number."""
    everything = list(from_fixture("03-nl80211", GENERIC))
    number, announced = number_of("nl80211", everything)
    found = [one for one in everything if int.from_bytes(one[4:6], "little") == number]
    return write_all(folder, "nl80211", GENERIC, [announced, *islice(cycle(found), count)])


def build(folder: Path, mixed: int, links: int, repeated: int, share: float) -> dict[str, Captures]:
    """All captures, by name, of so many messages, the last by its share; what was recorded here already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    made = recorded(folder, "mixed", mixed)
    write_all(folder, "single", ROUTE, list(islice(split(made.plain.read_bytes()), 1)))
    return {
        "mixed": made,
        "links": recorded(folder, "links", links),
        "conntrack": conntrack(folder, repeated),
        "nl80211": nl80211(folder, repeated),
        "recording": recording(folder, share),
    }
