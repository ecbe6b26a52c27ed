"""Files that are broken: captures of every format, in their bytes, their blocks, their messages and their compression,
and documents that people and nlmon write.

Each follows from the random numbers that it is given, and is small.

Not here: what must become of them (``support.sweep``), and damaged datagrams (``support.damage``).
"""

from __future__ import annotations

import gzip
import random
import re
import struct
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import zstandard

from nlmon.capture import ByteOrder
from nlmon.capture.write import PcapngWriter
from nlmon.framing import align
from support.agreement import recorded
from support.bombs import write_pcap
from support.damage import damaged
from support.layouts import RECORDED
from support.paths import FIXTURES, REPOSITORY

__all__ = ["broken_capture", "broken_document", "capture_of_messages"]

# Of a capture that is broken, bytes and datagrams of each protocol at most.
LARGEST, SHORT = 24 * 1024, 6
# How often a protocol comes among damaged messages.
WEIGHTS = {0: 10, 4: 2, 6: 4, 9: 1, 12: 3, 16: 5}
NUMBERS = (0, 1, 2, 3, 4, 8, 12, 15, 16, 17, 24, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
PCAPNG, PCAP = b"\x0a\x0d\x0d\x0a", (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
DIRECTIONS: tuple[Literal["in", "out", ""], ...] = ("in", "in", "in", "out", "")
# What takes the place of a word in a document.
WORDS = (
    *("", "0", "-1", "1", "1e999", "99999999999999999999999", "0x10", ".nan", "null", "true", "[]", "{}", '""', "''"),
    *('"\\ud800"', '"\\u0000"', "\x00", "\x1b[31m", "\u202e", "'", '"', "[", "{", "]", "}", ": ", "- ", "&a"),
    *("*a", "!!python", "2026-02-30", "0-0", "..", "/", "../../x", "a" * 300, "[" * 200, "\n", "\t", "#"),
)  # fmt: skip


def capture_of_messages(path: Path, count: int, seed: int, byteorder: ByteOrder = "little") -> None:
    """A whole pcapng of ``count`` damaged datagrams, of all protocols and directions, which claims a byte order."""
    random_ = random.Random(seed)
    streams = {protocol: damaged(recorded(protocol, *names), protocol, random_) for protocol, names in RECORDED.items()}
    protocols = random_.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    with PcapngWriter(path, metadata={}, byteorder=byteorder) as writer:
        sockets = {protocol: writer.add_socket(f"nl{protocol}", protocol) for protocol in WEIGHTS}
        for step, protocol in enumerate(protocols):
            data = next(streams[protocol])
            writer.write(
                socket=sockets[protocol], timestamp=step * 1000, data=data, direction=random_.choice(DIRECTIONS)
            )


@cache
def _captures() -> tuple[bytes, ...]:
    """Small captures that are whole, of every format."""
    found = [path.read_bytes() for path in sorted((FIXTURES / "cases").glob("*.pcap"))]
    for path in sorted((REPOSITORY / "scenarios" / "live").glob("*.pcapng.zst")):
        found.append(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        for protocol, names in RECORDED.items():
            path = Path(folder, str(protocol))
            datagrams = recorded(protocol, *names)
            write_pcap(path, protocol, datagrams[:: len(datagrams) // SHORT])
            found.append(path.read_bytes())
        orders: tuple[ByteOrder, ...] = ("little", "big")
        for order in orders:
            path = Path(folder, order)
            capture_of_messages(path, 4 * SHORT, 1, order)
            found.append(path.read_bytes())
    route = recorded(0, *RECORDED[0])
    stamps = (struct.pack("<IHHIIII", 24, 15, 0, 0, 0, second, 5) for second in range(len(route)))
    found.append(b"".join(b for pair in zip(stamps, route[:: len(route) // SHORT], strict=False) for b in pair))
    return tuple(one for one in found if len(one) <= LARGEST)


def _length(data: bytes, at: int) -> int:
    """What the piece that begins there says of its length."""
    if data.startswith(PCAPNG):
        return int.from_bytes(data[at + 4 : at + 8], "little")
    if data.startswith(PCAP):
        return 16 + int.from_bytes(data[at + 8 : at + 12], "little")
    return align(int.from_bytes(data[at : at + 4], "little"))


def _pieces(data: bytes) -> list[bytes]:
    """The blocks of a pcapng, the records of a pcap, or the messages of an rtmon file, as far as lengths are right."""
    at = 24 if data.startswith(PCAP) else 0
    out = [data[:at]]
    while at + 16 <= len(data) and 4 <= (size := _length(data, at)) <= len(data) - at:
        out.append(data[at : at + size])
        at += size
    return [*out, data[at:]]


def _in_pieces(data: bytes, random_: random.Random) -> bytes:
    """Blocks that are missing, twice there, elsewhere, of another length, or of another file."""
    pieces = _pieces(data)
    at, other = random_.randrange(len(pieces)), random_.randrange(len(pieces))
    match random_.randrange(6):
        case 0:
            del pieces[at]
        case 1:
            pieces[other:other] = [pieces[at]] * random_.choice((1, 1, 2, 50))
        case 2:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case 3:
            pieces[at:at] = random_.sample(_pieces(random_.choice(_captures())), 1)
        case 4:
            word = random_.choice((0, 4, 8, 12, max(0, len(pieces[at]) - 4)))
            pieces[at] = _with_number(pieces[at], word, random_)
        case 5:
            size = random_.choice((1, 2, 3, 4, 8, 40))
            pieces[at] = pieces[at][:-size] if random_.random() < 0.5 else pieces[at] + bytes(size)
    return b"".join(pieces)


def _with_number(data: bytes, at: int, random_: random.Random) -> bytes:
    size = random_.choice((1, 2, 2, 4, 4))
    number = random_.choice((*NUMBERS, len(data), random_.randrange(1 << 32))) & (1 << 8 * size) - 1
    return data[:at] + number.to_bytes(size, "little" if random_.random() < 0.7 else "big") + data[at + size :]


def _broken(data: bytes, random_: random.Random) -> bytes:
    """A file that is changed in one way."""
    at = random_.randrange(len(data) or 1)
    match random_.randrange(10):
        case 0:
            out = bytearray(data)
            for _ in range(random_.choice((1, 1, 2, 8, 64))):
                if out:
                    out[random_.randrange(len(out))] ^= 1 << random_.randrange(8)
            return bytes(out)
        case 1 | 2 | 3:
            return _with_number(data, at & ~random_.choice((0, 1, 3)), random_)
        case 4:
            return data[:at]
        case 5:
            return data[:at] + random_.choice((data[at : at + 40], random_.randbytes(7), bytes(16))) + data[at:]
        case 6:
            return data[:at] + data[at + random_.choice((1, 2, 4, 16, 100)) :]
        case _:
            return _in_pieces(data, random_)


def broken_capture(random_: random.Random) -> bytes:
    """A capture that is broken in one to three ways, or put together of two, and perhaps compressed."""
    data = random_.choice(_captures())
    if random_.random() < 0.05:
        data += random_.choice(_captures())
    for _ in range(random_.randint(1, 3)):
        data = _broken(data, random_)
    choice = random_.random()
    if choice < 0.25:
        data = zstandard.ZstdCompressor().compress(data) if choice < 0.15 else gzip.compress(data, mtime=0)
        if random_.random() < 0.5:
            data = _broken(data, random_)
    return data


def broken_document(text: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """A text that is changed in one to three places: a word, a line, bytes, or its end."""
    for _ in range(random_.randint(1, 3)):
        lines = text.splitlines(keepends=True) or [b""]
        at, other = random_.randrange(len(lines)), random_.randrange(len(lines))
        match random_.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines[other:other] = [lines[at]]
            case 2:
                lines[at:at] = random_.choice(others).splitlines(keepends=True)[:3]
            case 3:
                text = text[: random_.randrange(len(text) + 1)]
                continue
            case 4:
                spot = random_.randrange(len(text) + 1)
                text = text[:spot] + random_.choice((b"\xff", b"\x00", b"\xed\xa0\x80", b" ")) + text[spot + 1 :]
                continue
            case _:
                words = list(re.finditer(rb'"[^"\n]*"|[\w.:+-]+|[^\s\w]', text))
                if words:
                    word = random_.choice(words)
                    put = random_.choice((*WORDS, random_.choice(words)[0].decode(errors="replace")))
                    text = text[: word.start()] + put.encode(errors="surrogatepass") + text[word.end() :]
                continue
        text = b"".join(lines)
    return text
