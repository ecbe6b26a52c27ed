"""Reads attributes by hand: one loop, and a small method for each kind of value.

Rules of this file:
1. A value that is too short is not read; one that is longer than a number needs is read from its first bytes,
   since kernels extend structures; a name that is too long is kept whole and reported; an address of a device that is
   longer than any is not read.
2. Addresses and names repeat, so their text is remembered by their bytes, up to a number of them. Only what had nothing
   wrong with it is remembered; so a parser may look there first, and the method is asked for anything else.

Not here: what a message is (``route``, ``generic``, ``sockets``, ``netfilter``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from socket import AF_INET6 as THIS_AF_INET6
from socket import inet_ntoa, inet_ntop
from typing import TypeAlias

from nlmon.errors import AttributeFormatError, DecodeError, WrappedLength
from nlmon.events import Payload
from nlmon.wire import Datagram

__all__ = [
    "AF_BRIDGE",
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "IFNAMSIZ",
    "NLA_TYPE_MASK",
    "NLMSG_HDRLEN",
    "RTNL_FAMILY_IP6MR",
    "RTNL_FAMILY_IPMR",
    "ParseContext",
    "Parsed",
    "Reader",
]

# linux/netlink.h
NLMSG_HDRLEN, NLA_TYPE_MASK = 16, 0x3FFF
# linux/socket.h, linux/rtnetlink.h
AF_UNIX, AF_INET, AF_BRIDGE, AF_INET6, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR = 1, 2, 7, 10, 128, 129
IFNAMSIZ = 16  # linux/if.h; with the NUL
MAX_ADDR_LEN = 32  # linux/netdevice.h
REMEMBERED = 4096  # texts of a kind
NEVER = -1  # no attribute has this length

# A payload (None: no event for this message), and the index of the interface that it is about.
Parsed: TypeAlias = tuple[Payload | None, int | None]


class ParseContext:
    """The message that is parsed: where it is, its datagram, and the errors found so far. Who walks the messages of a
    datagram fills one context and moves it on, so that a message costs no call."""

    __slots__ = ("data", "datagram", "end", "errors", "start")

    data: bytes
    start: int
    end: int
    datagram: Datagram
    errors: list[DecodeError]

    def bad(self, offset: int, path: str, what: str) -> None:
        frame = self.datagram.frame
        self.errors.append(AttributeFormatError("NLM-D003", what, frame=frame, offset=offset, path=path))

    def wrapped(self, offset: int, path: str, what: str) -> None:
        frame = self.datagram.frame
        self.errors.append(WrappedLength("NLM-D007", what, frame=frame, offset=offset, path=path))


class _Nothing(dict[bytes, str]):
    """Remembers nothing."""

    def __setitem__(self, raw: bytes, text: str) -> None:
        pass


class Reader:
    """The kinds of values, in the byte order of the recorded machine."""

    def prepare(self, sign: str) -> None:
        """Make the structs of a byte order; ``sign`` is ``<`` or ``>``."""
        self._rtattr = struct.Struct(sign + "HH")
        self._u32 = struct.Struct(sign + "I")
        self._u16 = struct.Struct(sign + "H")
        self._u16_pair = struct.Struct(sign + "HH")
        self._u32_pair = struct.Struct(sign + "II")
        # For the loops of the parsers, which look nothing up.
        self._rtattr_at, self._u32_at = self._rtattr.unpack_from, self._u32.unpack_from
        # What writes addresses of so many bytes, and the length of an attribute that holds one and nothing else. Where
        # a subclass writes them, no attribute has that length, so that it is always asked.
        mine = type(self)
        ours = mine.ip is Reader.ip
        ip4 = lru_cache(REMEMBERED)(inet_ntoa), 8 if ours else NEVER
        ip6 = lru_cache(REMEMBERED)(partial(inet_ntop, THIS_AF_INET6)), 20 if ours else NEVER
        self._ips: dict[int | None, tuple[Callable[[bytes], str], int]] = {4: ip4, 16: ip6, None: (ip4[0], NEVER)}
        # Texts of names by their bytes; the same holds for them.
        self._names: dict[bytes, str] = {} if mine.name_of is Reader.name_of else _Nothing()

    def attributes(
        self, message: ParseContext, at: int, end: int, path: str = ""
    ) -> Iterator[tuple[int, int, int, int]]:
        """(type, offset of the header, begin and end of the payload) of each attribute."""
        data, header = message.data, self._rtattr_at
        while end - at >= 4:
            length, kind = header(data, at)
            if not 4 <= length <= end - at:
                break
            yield kind & NLA_TYPE_MASK, at, at + 4, at + length
            at += (length + 3) & ~3
        if at < end:
            self.rest(message, at, end, path)

    def rest(self, message: ParseContext, at: int, end: int, path: str = "") -> None:
        """Say why the attributes end before their message or parent does; zeros may fill the last bytes."""
        if end - at >= 4:
            length, _ = self._rtattr.unpack_from(message.data, at)
            message.bad(at, path, f"an attribute claims {length} bytes and {end - at} are left")
        elif any(message.data[at:end]):
            message.bad(at, path, f"{end - at} bytes are left, an attribute header has 4")

    def u32(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> int | None:
        """A 32-bit number in the recorded machine's byte order."""
        if end - begin < 4:
            message.bad(at, path, f"{end - begin} bytes are no 32-bit number")
            return None
        number: int = self._u32.unpack_from(message.data, begin)[0]
        return number

    def s32(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> int | None:
        """A signed 32-bit number in the recorded machine's byte order."""
        number = self.u32(message, at, begin, end, path)
        return number if number is None or number < 1 << 31 else number - (1 << 32)

    def u16(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> int | None:
        """A 16-bit number in the recorded machine's byte order."""
        if end - begin < 2:
            message.bad(at, path, f"{end - begin} bytes are no 16-bit number")
            return None
        number: int = self._u16.unpack_from(message.data, begin)[0]
        return number

    def be32(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> int | None:
        """A 32-bit number in network byte order."""
        if end - begin < 4:
            message.bad(at, path, f"{end - begin} bytes are no 32-bit number")
            return None
        return int.from_bytes(message.data[begin : begin + 4], "big")

    def u8(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> int | None:
        """An 8-bit number."""
        if end - begin < 1:
            message.bad(at, path, "0 bytes are no 8-bit number")
            return None
        return message.data[begin]

    def pair(
        self, message: ParseContext, at: int, begin: int, end: int, path: str, shape: struct.Struct
    ) -> tuple[int, int] | None:
        """Two numbers, the ends of a range."""
        if end - begin < shape.size:
            message.bad(at, path, f"{end - begin} bytes are no range of {shape.size}")
            return None
        low, high = shape.unpack_from(message.data, begin)
        return low, high

    def name_of(self, message: ParseContext, at: int, begin: int, end: int, path: str, longest: int) -> str:
        """A string up to its first NUL; one that is too long is kept and reported."""
        payload = message.data[begin:end]
        text = payload.split(b"\0", 1)[0]
        name = text.decode("utf-8", "backslashreplace")
        if len(text) > longest:
            message.bad(at, path, f"the name has {len(text)} bytes and may have {longest}")
        elif len(payload) <= IFNAMSIZ and len(text) < IFNAMSIZ:
            if len(self._names) >= REMEMBERED:
                self._names.clear()
            self._names[payload] = name  # never too long, whatever attribute it stands in
        return name

    def link_address(self, message: ParseContext, at: int, begin: int, end: int, path: str) -> str | None:
        """An address of a device, of whatever length its kind has."""
        if end - begin > MAX_ADDR_LEN:
            message.bad(at, path, f"{end - begin} bytes are no address of a device, which has at most {MAX_ADDR_LEN}")
            return None
        return message.data[begin:end].hex(":")

    def ip(self, message: ParseContext, at: int, begin: int, end: int, path: str, need: int) -> str | None:
        """An address of ``need`` bytes as text."""
        if end - begin != need:
            message.bad(at, path, f"{end - begin} bytes are no address of {need}")
            return None
        return self._ips[need][0](message.data[begin:end])
