"""Answers to requests, as the recorded kernel would give them, with sequence and port numbers rewritten.

Rules:
1. A dump of two messages or more comes in at least two datagrams: a reader that stops after the first must not pass.
2. What was not recorded is refused as the kernel refuses it; nothing is made up. A dump that lacks objects, since there
   was no room for all, ends with an error, as one does that the kernel could not finish.

Not here: what was recorded (``kernel``), and the sockets (``transport``).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from nlmon import uapi
from nlmon.framing import attribute
from nlmon.transport.recorded.kernel import RecordedKernel, name_text

__all__ = ["answers"]

NLCTRL = uapi.NETLINK_GENERIC, uapi.GENL_ID_CTRL
GETFAMILY = bytes([uapi.CTRL_CMD_GETFAMILY])
# Of the played socket, as the kernel might have numbered it.
PORT_ID = 1 << 22
# Kernels fill dump datagrams to some 16 to 32 KiB; smaller ones keep readers honest about multipart answers.
DUMP_DATAGRAM = 8192


def answers(kernel: RecordedKernel, protocol: int, message: bytes) -> Iterator[bytes]:
    """The datagrams that answer a request, from what was recorded: links and generic families, one or all, and where
    objects are kept dumps of them. Anything else is refused with EOPNOTSUPP, an unknown link with ENODEV, an unknown
    family with ENOENT, as the kernel does."""
    header = kernel.header
    if len(message) < uapi.NLMSG_HDRLEN:
        return
    _, kind, flags, seq, _ = header.unpack_from(message)
    route, dump = protocol == uapi.NETLINK_ROUTE, flags & uapi.NLM_F_DUMP == uapi.NLM_F_DUMP
    failed = errno.ENOMEM if route and kernel.lacks(kind) else 0
    objects = kernel.objects_of(kind, message) if route and dump else None
    if objects is not None:
        yield from _multipart(kernel, objects, seq, kind - uapi.RTNL_KIND_GET, failed)
        return
    if route and kind == uapi.RTM_GETLINK:
        found = list(kernel.links.values()) if dump else _one_link(kernel, message)
        answer, missing = uapi.RTM_NEWLINK, errno.ENODEV
    elif (protocol, kind) == NLCTRL and message.startswith(GETFAMILY, uapi.NLMSG_HDRLEN):
        found = [one for _, one in kernel.families.values()] if dump else _one_family(kernel, message)
        answer, missing = uapi.GENL_ID_CTRL, errno.ENOENT
    else:
        yield _refuse(kernel, message, seq, errno.EOPNOTSUPP)
        return
    if dump:
        yield from _multipart(kernel, found, seq, answer, failed)
    elif found:
        yield _rewrite(kernel, found[0], seq, 0, answer)
    else:
        yield _refuse(kernel, message, seq, missing)


def _one_link(kernel: RecordedKernel, message: bytes) -> list[bytes]:
    raw = message[uapi.NLMSG_HDRLEN + 4 : uapi.NLMSG_HDRLEN + 8].ljust(4, b"\0")
    index = int.from_bytes(raw, kernel.byteorder, signed=True)
    name = attribute(message, uapi.NLMSG_HDRLEN + uapi.IFINFOMSG, len(message), kernel.byteorder, uapi.IFLA_IFNAME)
    for number, text in kernel.names.items():
        if number == index or (name is not None and text == name_text(name)):
            return [kernel.links[number]]
    return []


def _one_family(kernel: RecordedKernel, message: bytes) -> list[bytes]:
    name, number = (
        attribute(message, uapi.NLMSG_HDRLEN + uapi.GENL_HDRLEN, len(message), kernel.byteorder, one)
        for one in (uapi.CTRL_ATTR_FAMILY_NAME, uapi.CTRL_ATTR_FAMILY_ID)
    )
    for text, (family, found) in kernel.families.items():
        wanted = number is not None and int.from_bytes(number[:2], kernel.byteorder) == family
        if wanted or (name is not None and text == name_text(name)):
            return [found]
    return []


def _multipart(kernel: RecordedKernel, found: list[bytes], seq: int, kind: int, failed: int = 0) -> Iterator[bytes]:
    """A dump; ``failed``: the number of the error by which it ends before its end."""
    part = b""
    for number, message in enumerate(found):
        one = _rewrite(kernel, message, seq, uapi.NLM_F_MULTI, kind)
        # At least two datagrams for two messages: a reader that stops after the first must not pass.
        if part and (len(part) + len(one) > DUMP_DATAGRAM or number == len(found) - 1):
            yield part
            part = b""
        part += one
    done = kernel.header.pack(uapi.NLMSG_HDRLEN + 4, uapi.NLMSG_DONE, uapi.NLM_F_MULTI, seq, PORT_ID)
    done += (-failed).to_bytes(4, kernel.byteorder, signed=True)
    if part:
        yield part
    yield done


def _rewrite(kernel: RecordedKernel, message: bytes, seq: int, flags: int, kind: int) -> bytes:
    length, *_ = kernel.header.unpack_from(message)
    head = kernel.header.pack(length, kind, flags, seq, PORT_ID)
    return head + message[uapi.NLMSG_HDRLEN :] + bytes(-length % 4)


def _refuse(kernel: RecordedKernel, message: bytes, seq: int, number: int) -> bytes:
    body = (-number).to_bytes(4, kernel.byteorder, signed=True) + message[: uapi.NLMSG_HDRLEN]
    return kernel.header.pack(uapi.NLMSG_HDRLEN + len(body), uapi.NLMSG_ERROR, 0, seq, PORT_ID) + body
