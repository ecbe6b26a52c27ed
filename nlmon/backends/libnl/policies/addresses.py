"""IP addresses as text, as inet_ntop(3) writes them, each made once as long as there are not too many.

A recording has tens of thousands of addresses, and every new one is written here. Which groups of an IPv6 address are
zero decides what is left out of it; there are 256 cases, and of each the form is worked out when it is met first.

Not here: the lengths that an attribute may have (``readers``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["KEPT", "addresses", "ip_text"]

# Texts that are remembered.
KEPT = 65536
TEN_ZEROS = bytes(10)
DECIMAL = tuple(map(str, range(256)))
# Of each of the eight groups of an IPv6 address all bits but the highest, and the highest.
LOWER, HIGHEST = int("7fff" * 8, 16), int("8000" * 8, 16)


class _Addresses(dict[bytes, str]):
    """Text of 4 or 16 bytes."""

    def __missing__(self, packed: bytes) -> str:
        if len(self) >= KEPT:
            self.clear()
        text = self[packed] = _ipv4(packed) if len(packed) == 4 else _ipv6(packed)
        return text


addresses = _Addresses()


def ip_text(packed: bytes) -> str:
    """4 or 16 bytes as inet_ntop(3) writes them."""
    return addresses[packed]


def _ipv4(packed: bytes) -> str:
    a, b, c, d = packed
    return f"{DECIMAL[a]}.{DECIMAL[b]}.{DECIMAL[c]}.{DECIMAL[d]}"


# Writes groups, and takes out of an address those that are written.
_Writer: TypeAlias = tuple[Callable[[tuple[int, ...]], str], Callable[[bytes], tuple[int, ...]]]


class _Writers(dict[int, _Writer]):
    """How to write an address, by the highest bits of its groups, which are set where a group is not zero."""

    def __missing__(self, filled: int) -> _Writer:
        groups = "".join("x" if filled >> shift & 0x8000 else "0" for shift in range(112, -1, -16))
        # The longest run of zeros, the first of equals, is left out; one group alone is not.
        run = max((zeros for size in range(8, 1, -1) if (zeros := "0" * size) in groups), key=len, default="")
        begin = groups.find(run) if run else 8
        end = begin + len(run)
        text = ":".join(["%x"] * begin) + ("::" + ":".join(["%x"] * (8 - end)) if run else "")
        shape = f">{begin}H{2 * len(run)}x{8 - end}H" if run else ">8H"
        writer = self[filled] = text.__mod__, struct.Struct(shape).unpack
        return writer


_writers = _Writers()


def _ipv6(packed: bytes) -> str:
    # An IPv4 address that is mapped or embedded is written with its dotted part.
    if packed.startswith(TEN_ZEROS):
        middle = packed[10:12]
        if middle == b"\xff\xff" or (middle == b"\0\0" and any(packed[12:14])):
            return ("::ffff:" if packed[10] else "::") + _ipv4(packed[12:])
    number = int.from_bytes(packed, "big")
    # The highest bit of a group is set if any of its bits is.
    write, groups = _writers[((number & LOWER) + LOWER | number) & HIGHEST]
    return write(groups(packed))
