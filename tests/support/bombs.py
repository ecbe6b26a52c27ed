"""Captures that are generated: bombs, and whatever datagrams a test makes.

Not here: what is in a bomb (``nlmon.testing.bombs``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nlmon.testing.bombs import BOMBS, bomb, interfaces
from nlmon.testing.messages import number

__all__ = ["NAMES", "write_bomb", "write_pcap"]

NAMES = ("interfaces", *BOMBS)


def write_bomb(path: Path, name: str, size: int) -> None:
    """A capture of about ``size`` bytes."""
    if name == "interfaces":
        with path.open("wb") as out:
            out.writelines(interfaces(size))
    else:
        write_pcap(path, *bomb(name, size))


def write_pcap(path: Path, protocol: int, messages: Iterable[bytes]) -> None:
    """A pcap of link type 253 of datagrams, with the cooked header of an nlmon device."""
    header = number("HH10xH", 4, 824, protocol, byteorder="big")
    with path.open("wb") as out:
        out.write(number("IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 253))
        for step, one in enumerate(messages):
            size = len(header) + len(one)
            out.write(number("IIII", 1_700_000_000 + step // 1_000_000, step % 1_000_000, size, size) + header + one)
