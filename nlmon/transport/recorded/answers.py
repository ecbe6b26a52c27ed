"""Answers to requests, as the recorded kernel would give them, with sequence and port numbers rewritten.

Rules:
1. A dump of two messages or more comes in at least two datagrams: a reader that stops after the first must not pass.
2. What was not recorded is refused as the kernel refuses it; nothing is made up.

Not here: what was recorded (``kernel``), and the sockets (``transport``).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

from nlmon.transport.recorded.kernel import Told, name_text

__all__ = ["answers"]

ROUTE, GENERIC = 0, 16
NLMSG_ERROR, NLMSG_DONE, NLM_F_MULTI, NLM_F_DUMP = 2, 3, 0x2, 0x300
RTM_NEWLINK, RTM_GETLINK = 16, 18
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
IFLA_IFNAME = 3
PORT_ID = 1 << 22
# Kernels fill dump datagrams to some 16 to 32 KiB; smaller ones keep readers honest about multipart answers.
DUMP_DATAGRAM = 8192


def answers(told: Told, protocol: int, message: bytes) -> Iterator[bytes]:
    """The datagrams that answer a request, from what was recorded: links and generic families, one or all, and where
    objects are kept dumps of them. Anything else is refused with EOPNOTSUPP, an unknown link with ENODEV, an unknown
    family with ENOENT, as the kernel does."""
    header = told.header
    if len(message) < 16:
        return
    _, kind, flags, seq, _ = header.unpack_from(message)
    objects = told.objects_of(kind, message) if protocol == ROUTE else None
    if objects is not None and flags & NLM_F_DUMP == NLM_F_DUMP:
        yield from _multipart(told, objects, seq, kind - 2)
        return
    if protocol == ROUTE and kind == RTM_GETLINK:
        every = [one for _, one in told.links.values()]
        found = every if flags & NLM_F_DUMP == NLM_F_DUMP else _one_link(told, message)
        missing = errno.ENODEV
    elif protocol == GENERIC and kind == GENL_ID_CTRL and message[16:17] == bytes([CTRL_CMD_GETFAMILY]):
        every = [one for _, one in told.families.values()]
        found = every if flags & NLM_F_DUMP == NLM_F_DUMP else _one_family(told, message)
        missing = errno.ENOENT
    else:
        yield _refuse(told, message, seq, errno.EOPNOTSUPP)
        return
    if flags & NLM_F_DUMP == NLM_F_DUMP:
        yield from _multipart(told, found, seq, RTM_NEWLINK if protocol == ROUTE else GENL_ID_CTRL)
    elif found:
        yield _rewrite(told, found[0], seq, 0, RTM_NEWLINK if protocol == ROUTE else kind)
    else:
        yield _refuse(told, message, seq, missing)


def _one_link(told: Told, message: bytes) -> list[bytes]:
    index = struct.unpack_from(told.header.format[0] + "i", message.ljust(32, b"\0"), 20)[0]
    name = told.attribute(message, 32, IFLA_IFNAME)
    for number, (text, found) in told.links.items():
        if number == index or (name is not None and text == name_text(name)):
            return [found]
    return []


def _one_family(told: Told, message: bytes) -> list[bytes]:
    name = told.attribute(message, 20, CTRL_ATTR_FAMILY_NAME)
    number = told.attribute(message, 20, CTRL_ATTR_FAMILY_ID)
    for text, (family, found) in told.families.items():
        wanted = number is not None and int.from_bytes(number[:2], told.byteorder) == family
        if wanted or (name is not None and text == name_text(name)):
            return [found]
    return []


def _multipart(told: Told, found: list[bytes], seq: int, kind: int) -> Iterator[bytes]:
    part = b""
    for number, message in enumerate(found):
        one = _rewrite(told, message, seq, NLM_F_MULTI, kind)
        # At least two datagrams for two messages: a reader that stops after the first must not pass.
        if part and (len(part) + len(one) > DUMP_DATAGRAM or number == len(found) - 1):
            yield part
            part = b""
        part += one
    done = told.error.pack(20, NLMSG_DONE, NLM_F_MULTI, seq, PORT_ID, 0)
    if part:
        yield part
    yield done


def _rewrite(told: Told, message: bytes, seq: int, flags: int, kind: int) -> bytes:
    length, *_ = told.header.unpack_from(message)
    head = told.header.pack(length, kind, flags, seq, PORT_ID)
    return head + message[16:] + bytes(-length % 4)


def _refuse(told: Told, message: bytes, seq: int, number: int) -> bytes:
    return told.error.pack(36, NLMSG_ERROR, 0, seq, PORT_ID, -number) + message[:16]
