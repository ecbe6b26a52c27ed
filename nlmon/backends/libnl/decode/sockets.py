"""Decodes socket diagnosis: internet sockets (linux/inet_diag.h) and unix sockets (linux/unix_diag.h).

An answer does not say whether a socket is TCP or UDP; the request that it answers does. A destroy notification
carries INET_DIAG_PROTOCOL.

Not here: sending requests (``requests``), and sockets of other families, which give no event and are counted.
"""

from __future__ import annotations

import struct
from typing import Any

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.policies import Attr
from nlmon.backends.libnl.policies import sockets as policies
from nlmon.backends.libnl.policies.addresses import ip_text
from nlmon.backends.libnl.policies.readers import DecodeContext, Reader
from nlmon.backends.libnl.uapi import AF_INET, AF_INET6, AF_UNIX, NLM_F_REQUEST, NLMSG_HDRLEN
from nlmon.backends.reads import Reads
from nlmon.errors import HeaderError
from nlmon.events import DiagInfo

__all__ = ["EVERY_STATE", "SocketDecoder", "socket_request"]

EVERY_STATE = 0xFFFFFFFF

INET_DIAG_MSG, UNIX_DIAG_MSG = 72, 16
INET_DIAG_REQ_V2 = 56
INET_DIAG_REQ_PROTOCOL = 3
# What an answer holds only when it is asked for, of all that is decoded: bit INET_DIAG_CONG - 1, and UDIAG_SHOW_*.
INET_EXT = 1 << 3
SHOW_NAME, SHOW_PEER, SHOW_RQLEN, SHOW_UID = 0x1, 0x4, 0x10, 0x40


class SocketDecoder(Decoder, layouts=True):
    """Decoder of SOCK_DIAG_BY_FAMILY for one byte order."""

    inet_policy = policies.INET
    unix_policy = policies.UNIX

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        # family, state, timer, retrans; the socket's identity follows, whose ports are big-endian
        self._ports = struct.Struct(">HH").unpack_from
        self._inet = struct.Struct(self.sign + "II").unpack_from
        self._numbers = struct.Struct(self.sign + "IIIII").unpack_from
        self._unix = struct.Struct(self.sign + "BBBxIII").unpack_from
        self._u16 = struct.Struct(self.sign + "H").unpack_from
        self._u32 = struct.Struct(self.sign + "I").unpack_from

    def socket(self, m: DecodeContext, start: int, end: int) -> Found:
        """inet_diag_msg or unix_diag_msg, which differ by the first byte."""
        body = start + NLMSG_HDRLEN
        family = m.data[body]
        if self._u16(m.data, start + 6)[0] & NLM_F_REQUEST:
            return None, None, None  # a program's question has the type of its answer
        if family in {AF_INET, AF_INET6}:
            need, read = INET_DIAG_MSG, self._internet
        elif family == AF_UNIX:
            need, read = UNIX_DIAG_MSG, self._local
        else:
            return None, None, None
        if end - body < need:
            what = f"the fixed header needs {need} bytes, the message has {end - body}"
            m.errors.append(HeaderError("NLM-D002", what, frame=m.frame, offset=start))
            return None, None, None
        return read(m, body, end)

    def _internet(self, m: DecodeContext, at: int, end: int) -> Found:
        data = m.data
        family, state, timer, retrans = data[at], data[at + 1], data[at + 2], data[at + 3]
        sport, dport = self._ports(data, at + 4)
        size = 4 if family == AF_INET else 16
        src, dst = ip_text(data[at + 8 : at + 8 + size]), ip_text(data[at + 24 : at + 24 + size])
        ifindex, low = self._inet(data, at + 40)
        (high,) = self._u32(data, at + 48)
        expires, rqueue, wqueue, uid, inode = self._numbers(data, at + 52)
        protocol, *more = self.values(m, self.inet_policy, 0, at + INET_DIAG_MSG, end)
        if protocol is None:
            protocol = self._asked(m.request, family)
        known: list[Any] = [family, state, protocol, sport, dport, src, dst, inode, uid, rqueue, wqueue, timer]
        known += [retrans, expires, ifindex, high << 32 | low, *more, None, None, None]
        return DiagInfo(*known), ifindex or None, None

    def _local(self, m: DecodeContext, at: int, end: int) -> Found:
        family, kind, state, inode, low, high = self._unix(m.data, at)
        path, peer, rqueue, wqueue, shutdown, uid = self.values(m, self.unix_policy, 0, at + UNIX_DIAG_MSG, end)
        known: list[Any] = [family, state, None, None, None, None, None, inode, uid, rqueue, wqueue]
        known += [None, None, None, None, high << 32 | low, None, None, shutdown, None, None, kind, path, peer]
        return DiagInfo(*known), None, None

    def _asked(self, request: bytes, family: int) -> int | None:
        """sdiag_protocol of the request, or its INET_DIAG_REQ_PROTOCOL for protocols above 255 (MPTCP)."""
        if len(request) < NLMSG_HDRLEN + 2 or request[NLMSG_HDRLEN] != family:
            return None
        for kind, _, begin, end in self.children(
            DecodeContext(request, 0, []), NLMSG_HDRLEN + INET_DIAG_REQ_V2, len(request), ""
        ):
            if kind == INET_DIAG_REQ_PROTOCOL and end - begin >= 4:
                number: int = self._u32(request, begin)[0]
                return number
        return request[NLMSG_HDRLEN + 1]

    def reads(self, handler: str, size: int, first: int, family: str) -> Reads | None:
        """The two kinds of sockets have policies of their own; others give no event."""
        if first == AF_UNIX:
            return Reads(UNIX_DIAG_MSG, self.attributes(self.unix_policy, 0))
        return Reads(INET_DIAG_MSG, self.attributes(self.inet_policy, 0)) if first in {AF_INET, AF_INET6} else None

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Adds names of unix sockets."""
        return (0, _unix_name) if row.kind == "unix_name" else super().reader(row, family)


def socket_request(family: int, protocol: int, states: int, byteorder: str) -> bytes:
    """Body of a dump request: ``inet_diag_req_v2`` with no socket named, or ``unix_diag_req``."""
    sign = "<" if byteorder == "little" else ">"
    if family == AF_UNIX:
        show = SHOW_NAME | SHOW_PEER | SHOW_RQLEN | SHOW_UID
        return struct.pack(sign + "BBHIIIII", family, 0, 0, states, 0, show, 0, 0)
    body = struct.pack(sign + "BBBBI48x", family, min(protocol, 255), INET_EXT, 0, states)
    return body if protocol < 256 else body + struct.pack(sign + "HHI", 8, INET_DIAG_REQ_PROTOCOL, protocol)


def _unix_name(m: DecodeContext, _: int, begin: int, end: int) -> str:
    """A path ends at its NUL; an abstract name begins with one, shown as ``@``, and may hold more (unix(7))."""
    name = m.data[begin:end]
    if name[:1] == b"\0":
        return "@" + name[1:].rstrip(b"\0").decode("utf-8", "backslashreplace").replace("\0", "@")
    return name.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
