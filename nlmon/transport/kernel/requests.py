"""The request socket of a transport: one request at a time, and its answer.

Rules:
1. What was left of an answer is read off before the next request, since the kernel refuses another dump meanwhile with
   EBUSY.
2. A socket that was lost is replaced by a new one in the same network namespace.
3. A datagram with what is no whole message is given, and then an error: what ends the answer may stand in that part,
   and would be waited for in vain.

Not here: what is asked (the backend decides), and events (``transport``).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterator

from nlmon.errors import TransportError
from nlmon.framing import align, header, messages
from nlmon.transport.kernel.sockets import Opener, failed, open_socket
from nlmon.transport.kernel.waiting import readable
from nlmon.uapi import (
    MSG_DONTWAIT,
    MSG_TRUNC,
    NETLINK_EXT_ACK,
    NETLINK_GET_STRICT_CHK,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_MULTI,
    NLMSG_DONE,
    NLMSG_ERROR,
    SOL_NETLINK,
)

__all__ = ["ANSWER_SECONDS", "RequestSocket"]

ANSWER_SECONDS = 10.0


class RequestSocket:
    """A socket for requests of one protocol in one network namespace. Raises ``OSError`` or ``TransportError`` when the
    kernel refuses it."""

    def __init__(self, protocol: int, namespace: bytes | None, opener: Opener | None = None) -> None:
        self._protocol = protocol
        self._namespace = namespace
        self._opener = opener
        # Number of the last request, and whether a part of its answer may still wait.
        self._number = 0
        self._answering = False
        self._socket: socket.socket | None = self._open()

    def ask(self, message: bytes) -> Iterator[bytes]:
        """Send a request and give the datagrams of its answer; the sequence number is the caller's. A dump ends with
        DONE or an error, a request with NLM_F_ACK with its acknowledgement, any other with the first reply. A new
        request ends the one before. Raises ``TransportError``."""
        sock = self._ready()
        self._answering = True
        self._number = mine = self._number + 1
        try:
            sock.send(message)
        except OSError as error:
            raise failed("NLM-T004", "sending a request failed", error) from error
        asked = header(message, 0, sys.byteorder)
        whole = asked.flags & NLM_F_DUMP == NLM_F_DUMP or bool(asked.flags & NLM_F_ACK)
        deadline = time.monotonic() + ANSWER_SECONDS
        last = False
        while not last:
            if mine != self._number:
                raise TransportError(
                    *("NLM-T004", "this answer was given up"),
                    why="another request was sent, or the protocol was disabled",
                    errno=errno.ECANCELED,
                )
            if not readable([sock], deadline - time.monotonic()):
                raise TransportError("NLM-T005", f"no answer within {ANSWER_SECONDS:.0f} s", errno=errno.ETIMEDOUT)
            try:
                size = sock.recv_into(bytearray(1), 1, socket.MSG_PEEK | MSG_TRUNC)
                data, address = sock.recvfrom(max(size, 1))
            except OSError as error:
                raise failed("NLM-T004", "reading an answer failed", error) from error
            if address[0] != 0:
                continue
            last, end = _ends(data, asked.seq, whole)
            self._answering = not last
            yield data
            if not last and end < len(data):
                raise TransportError(
                    *("NLM-T008", "an answer of the kernel is damaged"),
                    why=f"no whole message begins at byte {end} of a datagram of {len(data)}",
                    errno=errno.EBADMSG,
                )

    def close(self) -> None:
        """Close the socket and give up what is being answered."""
        self._number += 1
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ready(self) -> socket.socket:
        """The socket without remains of an answer; a new one where it was lost."""
        sock = self._socket
        try:
            while self._answering and sock is not None:
                sock.recv_into(bytearray(1), 1, MSG_DONTWAIT)
        except BlockingIOError:
            self._answering = False
        except OSError:
            sock = None
        if sock is None:
            if self._socket is not None:
                self._socket.close()
            self._answering = False
            try:
                sock = self._socket = self._open()
            except OSError as error:
                raise failed("NLM-T002", "the kernel refuses a request socket", error) from error
        return sock

    def _open(self) -> socket.socket:
        sock = open_socket(self._protocol, self._namespace, self._opener)
        try:
            sock.bind((0, 0))
        except OSError:
            sock.close()
            raise
        for option in (NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            # Older kernels lack them: then answers are less detailed or less filtered, and still right.
            with contextlib.suppress(OSError):
                sock.setsockopt(SOL_NETLINK, option, 1)
        return sock


def _ends(data: bytes, seq: int, whole: bool) -> tuple[bool, int]:
    """Whether a datagram ends the answer to the request ``seq``, and up to which byte its messages were read."""
    end = 0
    for message in messages(data, sys.byteorder):
        end = message.offset + align(message.length)
        control = message.type in {NLMSG_ERROR, NLMSG_DONE}
        if message.seq == seq and (control or not (whole or message.flags & NLM_F_MULTI)):
            return True, end
    return False, end
