"""Parses socket diagnosis by hand: the fields of the guide's structure.

Numbers: linux/inet_diag.h, linux/unix_diag.h.

Not here: sockets of other families, queues, timers and names of unix sockets.
"""

from __future__ import annotations

import socket
import struct

from nlmon.backends.legacy.reading import AF_INET, AF_INET6, AF_UNIX, NLMSG_HDRLEN, ParseContext, Parsed, Reader
from nlmon.errors import HeaderError
from nlmon.events import DiagInfo
from nlmon.wire import Datagram

__all__ = ["INET_DIAG_MSG", "INET_DIAG_PROTOCOL", "UNIX_DIAG_MSG", "SocketParser"]

NLM_F_REQUEST = 1
# Sizes of the structures behind the message header: two answers, and a request.
INET_DIAG_MSG, UNIX_DIAG_MSG, INET_DIAG_REQ_V2 = 72, 16, 56
INET_DIAG_PROTOCOL, INET_DIAG_REQ_PROTOCOL = 10, 3


class SocketParser(Reader):
    """Answers of SOCK_DIAG_BY_FAMILY, and destroyed sockets."""

    def parse_socket(self, m: ParseContext) -> Parsed:
        """inet_diag_msg or unix_diag_msg, by the family in the first byte."""
        (flags,) = self._u16.unpack_from(m.data, m.start + 6)
        if flags & NLM_F_REQUEST:
            return None, None  # a question, which has the type of its answer
        body = m.start + NLMSG_HDRLEN
        family, state = m.data[body], m.data[body + 1]
        size = {AF_INET: INET_DIAG_MSG, AF_INET6: INET_DIAG_MSG, AF_UNIX: UNIX_DIAG_MSG}.get(family)
        if size is None:
            return None, None
        if m.end - body < size:
            what = f"the message has {m.end - body} bytes behind its header and needs {size}"
            m.errors.append(HeaderError("NLM-D002", what, frame=m.datagram.frame, offset=m.start))
            return None, None
        if family == AF_UNIX:
            (inode,) = self._u32.unpack_from(m.data, body + 4)
            for _ in self.attributes(m, body + size, m.end):
                pass  # none of them is provided; what is wrong with their framing is still said
            return DiagInfo(family, m.data[body + 2], None, None, None, None, None, inode), None
        sport, dport = struct.unpack_from(">HH", m.data, body + 4)
        length = 4 if family == AF_INET else 16
        src = socket.inet_ntop(family_of(family), m.data[body + 8 : body + 8 + length])
        dst = socket.inet_ntop(family_of(family), m.data[body + 24 : body + 24 + length])
        (inode,) = self._u32.unpack_from(m.data, body + 68)
        protocol = None
        for kind, at, begin, end in self.attributes(m, body + size, m.end):
            if kind == INET_DIAG_PROTOCOL:
                protocol = self.u8(m, at, begin, end, "INET_DIAG_PROTOCOL")
        if protocol is None:
            protocol = self.requested(m.datagram.request, family)
        return DiagInfo(family, state, protocol, sport, dport, src, dst, inode), None

    def requested(self, request: bytes, family: int) -> int | None:
        """The protocol that the request asked for: a byte of it, or an attribute where a byte is too small."""
        if len(request) < NLMSG_HDRLEN + 2 or request[NLMSG_HDRLEN] != family:
            return None
        message = ParseContext()
        message.data, message.start, message.end = request, 0, len(request)
        message.datagram, message.errors = Datagram(0, 0, 0, request), []
        for kind, at, begin, end in self.attributes(message, NLMSG_HDRLEN + INET_DIAG_REQ_V2, len(request)):
            if kind == INET_DIAG_REQ_PROTOCOL and end - begin >= 4:
                return self.u32(message, at, begin, end, "INET_DIAG_REQ_PROTOCOL")
        return request[NLMSG_HDRLEN + 1]


def family_of(family: int) -> int:
    """This system's number for an address family of the recorded one."""
    return socket.AF_INET if family == AF_INET else socket.AF_INET6
