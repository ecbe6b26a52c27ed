"""Reads attributes by hand: one loop, and a small method for each kind of value.

Rules of this file:
1. A value that is too short is not read; one that is longer than a number needs is read from its first bytes,
   since kernels extend structures; a name that is too long is kept whole and reported.

Not here: what a message is (``route``, ``generic``, ``sockets``, ``netfilter``).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import TypeAlias

from nlmon.errors import AttributeFormatError, DecodeError
from nlmon.events import Payload

__all__ = ["Message", "Parsed", "Reader"]

NLA_TYPE_MASK = 0x3FFF

# A payload (None: no event for this message), and the index of the interface that it is about.
Parsed: TypeAlias = tuple[Payload | None, int | None]


class Message:
    """One message while it is parsed: where it is, the request it answers, and the errors found so far."""

    __slots__ = ("data", "end", "errors", "frame", "request", "start")

    def __init__(
        self, data: bytes, start: int, end: int, frame: int, errors: list[DecodeError], request: bytes
    ) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.frame = frame
        self.errors = errors
        self.request = request

    def bad(self, offset: int, path: str, what: str) -> None:
        self.errors.append(AttributeFormatError("NLM-D003", what, frame=self.frame, offset=offset, path=path))


class Reader:
    """The kinds of values, in the byte order of the recorded machine."""

    def prepare(self, sign: str) -> None:
        """Make the structs of a byte order; ``sign`` is ``<`` or ``>``."""
        self._rtattr = struct.Struct(sign + "HH")
        self._u32 = struct.Struct(sign + "I")
        self._u16 = struct.Struct(sign + "H")
        self._u16_pair = struct.Struct(sign + "HH")
        self._u32_pair = struct.Struct(sign + "II")

    def attributes(self, message: Message, at: int, end: int, path: str = "") -> Iterator[tuple[int, int, int, int]]:
        """(type, offset of the header, begin and end of the payload) of each attribute."""
        data = message.data
        while at < end:
            if end - at < 4:
                if any(data[at:end]):
                    message.bad(at, path, f"{end - at} bytes are left, an attribute header has 4")
                return
            length, kind = self._rtattr.unpack_from(data, at)
            if length < 4 or length > end - at:
                message.bad(at, path, f"an attribute claims {length} bytes and {end - at} are left")
                return
            yield kind & NLA_TYPE_MASK, at, at + 4, at + length
            at += (length + 3) & ~3

    def u32(self, message: Message, at: int, begin: int, end: int, path: str) -> int | None:
        """A 32-bit number in the recorded machine's byte order."""
        if end - begin < 4:
            message.bad(at, path, f"{end - begin} bytes are no 32-bit number")
            return None
        number: int = self._u32.unpack_from(message.data, begin)[0]
        return number

    def s32(self, message: Message, at: int, begin: int, end: int, path: str) -> int | None:
        """A signed 32-bit number in the recorded machine's byte order."""
        number = self.u32(message, at, begin, end, path)
        return number if number is None or number < 1 << 31 else number - (1 << 32)

    def u8(self, message: Message, at: int, begin: int, end: int, path: str) -> int | None:
        """An 8-bit number."""
        if end - begin < 1:
            message.bad(at, path, "0 bytes are no 8-bit number")
            return None
        return message.data[begin]

    def pair(
        self, message: Message, at: int, begin: int, end: int, path: str, shape: struct.Struct
    ) -> tuple[int, int] | None:
        """Two numbers, the ends of a range."""
        if end - begin < shape.size:
            message.bad(at, path, f"{end - begin} bytes are no range of {shape.size}")
            return None
        low, high = shape.unpack_from(message.data, begin)
        return low, high

    def name_of(self, message: Message, at: int, begin: int, end: int, path: str, longest: int) -> str:
        """A string up to its first NUL; one that is too long is kept and reported."""
        text = message.data[begin:end].split(b"\0", 1)[0]
        if len(text) > longest:
            message.bad(at, path, f"the name has {len(text)} bytes and may have {longest}")
        return text.decode("utf-8", "backslashreplace")

    def ip(self, message: Message, at: int, begin: int, end: int, path: str, need: int) -> str | None:
        """An address of ``need`` bytes as text."""
        if end - begin != need:
            message.bad(at, path, f"{end - begin} bytes are no address of {need}")
            return None
        return socket.inet_ntop(socket.AF_INET if need == 4 else socket.AF_INET6, message.data[begin:end])
