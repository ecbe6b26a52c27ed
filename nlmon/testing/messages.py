"""Messages byte by byte, in either byte order: what a test feeds to a decoder.

Rules of this file:
1. No code of nlmon is used: the layouts of linux/netlink.h, rtnetlink.h and genetlink.h are written down a second
   time on purpose, since what a test expects must not come from what it tests.
2. Nothing is checked: a wrong message is often what a test wants.

Not here: messages of events (``nlmon.testing.encode``).
"""

from __future__ import annotations

import struct
import sys

__all__ = ["aligned", "attr", "big", "generic", "message", "native", "nested", "new_family", "number", "wrong_length"]

NLA_F_NESTED = 0x8000
GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 1, 1, 2


def number(code: str, *values: int, byteorder: str = "little") -> bytes:
    """``values`` in the struct format ``code`` (``I``, ``HH``) without padding, in the named byte order."""
    return struct.pack(("<" if byteorder == "little" else ">") + code, *values)


def big(code: str, *values: int) -> bytes:
    """``values`` in network byte order, whatever machine wrote the message around them."""
    return struct.pack(">" + code, *values)


def aligned(data: bytes) -> bytes:
    """``data`` with zero bytes up to the next multiple of four (NLMSG_ALIGN, RTA_ALIGN)."""
    return data + bytes(-len(data) % 4)


def attr(kind: int, payload: bytes = b"", byteorder: str = "little") -> bytes:
    """One ``rtattr`` with its padding; its length counts header and payload."""
    return aligned(number("HH", 4 + len(payload), kind, byteorder=byteorder) + payload)


def nested(kind: int, *children: bytes, byteorder: str = "little") -> bytes:
    """One attribute that holds attributes, marked with NLA_F_NESTED."""
    return attr(NLA_F_NESTED | kind, b"".join(children), byteorder)


def message(
    msg_type: int, body: bytes = b"", *, flags: int = 0, seq: int = 0, pid: int = 0, byteorder: str = "little"
) -> bytes:
    """One ``nlmsghdr`` with ``body`` and padding; its length counts header and body."""
    return aligned(number("IHHII", 16 + len(body), msg_type, flags, seq, pid, byteorder=byteorder) + body)


def native(msg_type: int, body: bytes = b"", *, flags: int = 0, seq: int = 1) -> bytes:
    """One message for the running kernel, in its byte order."""
    return message(msg_type, body, flags=flags, seq=seq, byteorder=sys.byteorder)


def generic(family: int, command: int, *attributes: bytes, version: int = 1, byteorder: str = "little") -> bytes:
    """One generic netlink message: a ``genlmsghdr`` and attributes (linux/genetlink.h)."""
    return message(family, bytes([command, version, 0, 0]) + b"".join(attributes), byteorder=byteorder)


def new_family(
    number_: int, name: str, *more: bytes, command: int = CTRL_CMD_NEWFAMILY, byteorder: str = "little"
) -> bytes:
    """What nlctrl says of a family, by default that it is there."""
    rows = [attr(CTRL_ATTR_FAMILY_ID, number("H", number_, byteorder=byteorder), byteorder)]
    rows.append(attr(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0", byteorder))
    return generic(GENL_ID_CTRL, command, *rows, *more, version=2, byteorder=byteorder)


def wrong_length(data: bytes, length: int, *, byteorder: str = "little") -> bytes:
    """The message ``data`` with ``nlmsg_len`` set to ``length``."""
    return number("I", length, byteorder=byteorder) + data[4:]
