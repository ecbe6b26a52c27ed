"""Values of attributes: one small function for each kind that a policy may name.

A reader gets the context of the message and the payload's place, and returns the value, or None after it has reported
why there is none. Lengths were checked by the walk (``attributes``) where a kind has a minimum.

``form_of`` describes what a reader does, for code that does the same without calling it (``layouts``).

Not here: which attribute is read how (``policies``).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from nlmon.backends.libnl.policies.addresses import ip_text
from nlmon.errors import AttributeFormatError, DecodeError, WrappedLength

__all__ = [
    "DecodeContext",
    "Form",
    "Reader",
    "address",
    "address_or_all",
    "form_of",
    "label_stack",
    "link_address",
    "plain_readers",
    "string",
]

MAX_ADDR_LEN = 32


class DecodeContext:
    """What is read, and for whom: the datagram with its frame number, the request it answers, the list that takes
    errors."""

    __slots__ = ("data", "errors", "frame", "request")

    def __init__(self, data: bytes, frame: int, errors: list[DecodeError], request: bytes = b"") -> None:
        self.data = data
        self.frame = frame
        self.errors = errors
        self.request = request

    def bad(self, offset: int, path: str, what: str) -> None:
        """Report a malformed attribute at ``offset`` of the datagram."""
        self.errors.append(AttributeFormatError("NLM-D003", what, frame=self.frame, offset=offset, path=path))

    def wrapped(self, offset: int, path: str, what: str) -> None:
        """Report a list at ``offset`` of the datagram whose length has wrapped."""
        self.errors.append(WrappedLength("NLM-D007", what, frame=self.frame, offset=offset, path=path))


# (context, offset of the attribute header, begin and end of the payload) -> value
Reader: TypeAlias = Callable[[DecodeContext, int, int, int], Any]


class Form(NamedTuple):
    """What a reader does. ``kind``: number, pair, lladdr, hex, text, flag, string or address. ``code``: of numbers, the
    struct format with its sign, and ``begin``, their place in the payload. ``sizes``: of an address, the payloads that
    are one; of a string, the longest text in bytes, 0: no limit."""

    kind: str
    code: str = ""
    begin: int = 0
    sizes: tuple[int, ...] = ()


_FORMS: WeakKeyDictionary[Reader, Form] = WeakKeyDictionary()


def form_of(read: Reader) -> Form | None:
    """The form of a reader of this module; None for any other, of which nothing is known but how to call it."""
    try:
        return _FORMS.get(read)
    except TypeError:  # not every callable can be a key
        return None


def plain_readers(sign: str) -> dict[str, tuple[int, Callable[[int], Reader]]]:
    """Kind -> smallest payload in bytes and a maker of the reader for a value at a given place of the payload."""
    return {
        "u8": (1, functools.partial(_number, struct.Struct("B"))),
        "u16": (2, functools.partial(_number, struct.Struct(sign + "H"))),
        "u32": (4, functools.partial(_number, struct.Struct(sign + "I"))),
        "u64": (8, functools.partial(_number, struct.Struct(sign + "Q"))),
        "s32": (4, functools.partial(_number, struct.Struct(sign + "i"))),
        "be16": (2, functools.partial(_number, struct.Struct(">H"))),
        "be32": (4, functools.partial(_number, struct.Struct(">I"))),
        "be64": (8, functools.partial(_number, struct.Struct(">Q"))),
        "u16_pair": (4, functools.partial(_pair, struct.Struct(sign + "HH"))),
        "u32_pair": (8, functools.partial(_pair, struct.Struct(sign + "II"))),
        "hex": (0, lambda _: _hex),
        "text": (0, lambda _: _text),
        "flag": (0, lambda _: _flag),
    }


def _number(shape: struct.Struct, at: int) -> Reader:
    unpack = shape.unpack_from

    def read(m: DecodeContext, _: int, begin: int, __: int) -> Any:
        return unpack(m.data, begin + at)[0]

    _FORMS[read] = Form("number", shape.format, at)
    return read


def _pair(shape: struct.Struct, at: int) -> Reader:
    unpack = shape.unpack_from

    def read(m: DecodeContext, _: int, begin: int, __: int) -> Any:
        return unpack(m.data, begin + at)

    _FORMS[read] = Form("pair", shape.format, at)
    return read


def _hex(m: DecodeContext, _: int, begin: int, end: int) -> str:
    return m.data[begin:end].hex()


def _text(m: DecodeContext, _: int, begin: int, end: int) -> str:
    """Octets of which any may be a NUL, such as a network's name."""
    return str(m.data[begin:end], "utf-8", "backslashreplace")


def _flag(*_: object) -> bool:
    """An attribute without a value: it is there or not."""
    return True


_FORMS.update({_hex: Form("hex"), _text: Form("text"), _flag: Form("flag")})


def link_address(path: str) -> Reader:
    """An address of a device; none is longer than MAX_ADDR_LEN (linux/netdevice.h)."""

    def read(m: DecodeContext, at: int, begin: int, end: int) -> Any:
        if end - begin > MAX_ADDR_LEN:
            m.bad(at, path, f"{end - begin} bytes, an address of a device has at most {MAX_ADDR_LEN}")
            return None
        return m.data[begin:end].hex(":")

    _FORMS[read] = Form("lladdr")
    return read


def string(path: str, longest: int) -> Reader:
    """Text up to the first NUL; longer than ``longest`` bytes (0: no limit) it is kept whole and reported."""

    def read(m: DecodeContext, at: int, begin: int, end: int) -> str:
        nul = m.data.find(b"\0", begin, end)
        text = m.data[begin : end if nul < 0 else nul]
        if longest and len(text) > longest:
            m.bad(at, path, f"the text has {len(text)} bytes, the policy allows {longest}")
        return str(text, "utf-8", "backslashreplace")

    _FORMS[read] = Form("string", sizes=(longest,))
    return read


def address(path: str, *lengths: int) -> Reader:
    """An IP address whose payload has exactly one of these lengths."""

    def read(m: DecodeContext, at: int, begin: int, end: int) -> str | None:
        if end - begin not in lengths:
            m.bad(at, path, f"the address has {end - begin} bytes, it needs {' or '.join(map(str, lengths))}")
            return None
        return ip_text(m.data[begin:end])

    _FORMS[read] = Form("address", sizes=lengths)
    return read


def address_or_all(path: str, length: int) -> Reader:
    """An IP address, or no byte of one, which is any address."""
    of_bytes = address(path, length)

    def read(m: DecodeContext, at: int, begin: int, end: int) -> Any:
        return None if begin == end else of_bytes(m, at, begin, end)

    return read


def label_stack(path: str) -> Reader:
    """An MPLS label stack (linux/mpls.h): 20 bits of label, 3 of class, the bottom bit, 8 of time to live."""

    def read(m: DecodeContext, at: int, begin: int, end: int) -> str | None:
        if end - begin < 4 or (end - begin) % 4:
            m.bad(at, path, f"{end - begin} bytes are no label stack")
            return None
        labels = []
        for place in range(begin, end, 4):
            entry = int.from_bytes(m.data[place : place + 4], "big")
            labels.append(str(entry >> 12))
            if entry & 0x100:
                break
        return "/".join(labels)

    return read
