"""Parses socket diagnosis by hand: the fields of the guide's structure.

Numbers: linux/inet_diag.h, linux/unix_diag.h.

Not here: sockets of other families, queues, timers and names of unix sockets.
"""

from __future__ import annotations

import socket
import struct

from nlmon.backends.legacy.reading import Message, Parsed, Reader
from nlmon.errors import HeaderError
from nlmon.events import DiagInfo
from nlmon.wire import Datagram

__all__ = ["SocketParser"]

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
INET_DIAG_MSG_SIZE, UNIX_DIAG_MSG_SIZE = 72, 16
REQ_V2_END = 16 + 56


class SocketParser(Reader):
    """Answers of SOCK_DIAG_BY_FAMILY, and destroyed sockets."""

    def parse_socket(self, m: Message) -> Parsed:
        """inet_diag_msg or unix_diag_msg, by the family in the first byte."""
        (flags,) = self._u16.unpack_from(m.data, m.start + 6)
        if flags & 1:
            return None, None  # NLM_F_REQUEST: a question, which has the type of its answer
        family, state = m.data[m.start + 16], m.data[m.start + 17]
        size = {AF_INET: INET_DIAG_MSG_SIZE, AF_INET6: INET_DIAG_MSG_SIZE, AF_UNIX: UNIX_DIAG_MSG_SIZE}.get(family)
        if size is None:
            return None, None
        if m.end - m.start < 16 + size:
            what = f"the message has {m.end - m.start - 16} bytes behind its header and needs {size}"
            m.errors.append(HeaderError("NLM-D002", what, frame=m.datagram.frame, offset=m.start))
            return None, None
        if family == AF_UNIX:
            (inode,) = self._u32.unpack_from(m.data, m.start + 20)
            for _ in self.attributes(m, m.start + 16 + size, m.end):
                pass  # none of them is provided; what is wrong with their framing is still said
            return DiagInfo(family, m.data[m.start + 18], None, None, None, None, None, inode), None
        sport, dport = struct.unpack_from(">HH", m.data, m.start + 20)
        length = 4 if family == AF_INET else 16
        src = socket.inet_ntop(family_of(family), m.data[m.start + 24 : m.start + 24 + length])
        dst = socket.inet_ntop(family_of(family), m.data[m.start + 40 : m.start + 40 + length])
        (inode,) = self._u32.unpack_from(m.data, m.start + 84)
        protocol = None
        for kind, at, begin, end in self.attributes(m, m.start + 16 + size, m.end):
            if kind == 10:
                protocol = self.u8(m, at, begin, end, "INET_DIAG_PROTOCOL")
        if protocol is None:
            protocol = self.requested(m.datagram.request, family)
        return DiagInfo(family, state, protocol, sport, dport, src, dst, inode), None

    def requested(self, request: bytes, family: int) -> int | None:
        """The protocol that the request asked for: a byte of it, or an attribute where a byte is too small."""
        if len(request) < 18 or request[16] != family:
            return None
        message = Message(request, 0, len(request), Datagram(0, 0, 0, request), [])
        for kind, at, begin, end in self.attributes(message, REQ_V2_END, len(request)):
            if kind == 3 and end - begin >= 4:
                return self.u32(message, at, begin, end, "INET_DIAG_REQ_PROTOCOL")
        return request[17]


def family_of(family: int) -> int:
    """This system's number for an address family of the recorded one."""
    return socket.AF_INET if family == AF_INET else socket.AF_INET6
