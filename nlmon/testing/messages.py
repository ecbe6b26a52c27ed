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
from collections.abc import Sequence
from ipaddress import ip_address

__all__ = [
    "ASKS_ALL",
    "addr",
    "aligned",
    "attr",
    "big",
    "family",
    "generic",
    "link",
    "message",
    "native",
    "neigh",
    "nested",
    "new_family",
    "number",
    "numbered_ip",
    "route",
    "wrong_length",
]

# The flags of a request for all objects of a kind: NLM_F_REQUEST | NLM_F_DUMP.
ASKS_ALL = 0x301
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


# -- the objects of a small host, little-endian ----------------------------------------------------------------------


def link(
    index: int, name: str, *, up: bool = True, family: int = 0, altnames: Sequence[str] = (), mtu: int = 1500
) -> bytes:
    """The body of a message: ``ifinfomsg``, IFLA_IFNAME, IFLA_MTU, IFLA_PROP_LIST."""
    body = number("BxHiII", family, 1, index, int(up), 0) + attr(3, name.encode() + b"\0") + attr(4, number("I", mtu))
    if altnames:
        body += attr(52 | 0x8000, b"".join(attr(53, one.encode() + b"\0") for one in altnames))
    return body


def numbered_ip(number_: int, net: int = 10) -> str:
    """An IPv4 address of the network ``net.0.0.0/8``, by the number of the host."""
    return f"{net}.{number_ >> 16 & 255}.{number_ >> 8 & 255}.{number_ & 255}"


def addr(index: int, text: str, length: int = 24) -> bytes:
    """The body of a message: ``ifaddrmsg``, IFA_ADDRESS and for IPv4 IFA_LOCAL."""
    own = ip_address(text)
    local = attr(2, own.packed) if own.version == 4 else b""
    return number("BBBBI", 2 if own.version == 4 else 10, length, 0, 0, index) + attr(1, own.packed) + local


def route(dst: str, index: int, gateway: str | None = None, *, metric: int | None = None) -> bytes:
    """The body of a message: ``rtmsg`` of table main, RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY."""
    text, _, length = dst.partition("/")
    to = ip_address(text)
    body = number("BBBBBBBBI", 2 if to.version == 4 else 10, int(length), 0, 0, 254, 3, 0, 1, 0) + attr(1, to.packed)
    if gateway is not None:
        body += attr(5, ip_address(gateway).packed)
    if metric is not None:
        body += attr(6, number("I", metric))
    return body + attr(4, number("i", index))


def neigh(index: int, text: str) -> bytes:
    """The body of a message: ``ndmsg`` and NDA_DST."""
    to = ip_address(text)
    return number("BxxxiHBB", 2 if to.version == 4 else 10, index, 2, 0, 1) + attr(1, to.packed)


def family(number_: int, name: str, groups: dict[str, int] | None = None, *, command: int = 1) -> bytes:
    """What nlctrl says of a family with its groups; the command is CTRL_CMD_NEWFAMILY (1), CTRL_CMD_DELFAMILY (2),
    CTRL_CMD_NEWMCAST_GRP (7) or CTRL_CMD_DELMCAST_GRP (8)."""
    listed = b"".join(
        attr(place, attr(2, number("I", group)) + attr(1, text.encode() + b"\0"))
        for place, (text, group) in enumerate((groups or {}).items(), 1)
    )
    return new_family(number_, name, *([attr(7, listed)] if listed else []), command=command)
