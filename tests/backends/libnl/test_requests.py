"""What libnl asks the kernel for: the bytes of its requests, and what becomes of a request that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.events import DiagInfo
from nlmon.testing.messages import attr, message, number
from nlmon.testing.transport import Opened
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

ROUTE, SOCK_DIAG = 0, 4
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
TCP, UDP, MPTCP = 6, 17, 262
ALL = 0xFFFFFFFF


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize(
    ("family", "protocol", "states", "begin", "rest"),
    [
        (AF_INET, TCP, ALL, (2, 6, 8, 0, ALL), 48),
        (AF_INET6, UDP, 1 << 7, (10, 17, 8, 0, 1 << 7), 48),
        (AF_INET, MPTCP, ALL, (2, 255, 8, 0, ALL), 48),
        # UDIAG_SHOW_NAME, PEER, RQLEN and UID
        (AF_UNIX, 0, ALL, (1, 0, 0, 0, ALL, 0, 0x55), 8),
    ],
)
def test_the_request_for_sockets(
    byteorder: Literal["little", "big"], family: int, protocol: int, states: int, begin: tuple[int, ...], rest: int
) -> None:
    """inet_diag_req_v2 (linux/inet_diag.h) or unix_diag_req (linux/unix_diag.h), with the protocol as an attribute
    where a byte is too small for it; an answer that does not name its protocol is of the one that was asked for."""
    more = attr(3, number("I", MPTCP, byteorder=byteorder), byteorder) if protocol == MPTCP else b""
    body = number("BBBBI" + "I" * (len(begin) - 5), *begin, byteorder=byteorder) + bytes(rest) + more
    backend = LibnlBackend(RecordedFactory(RecordedKernel(byteorder)))
    opened = Opened(RecordedFactory(RecordedKernel(byteorder)))
    backend = LibnlBackend(opened)
    backend.enable(SOCK_DIAG)
    asked = []

    def request(data: bytes) -> Iterator[Datagram]:
        asked.append(data)
        found = bytes([family, 1, 1, 0]) + bytes(12 if family == AF_UNIX else 68)
        yield Datagram(1, 0, SOCK_DIAG, message(20, found, flags=2, seq=1, byteorder=byteorder))
        yield Datagram(2, 0, SOCK_DIAG, message(3, bytes(4), flags=2, seq=1, byteorder=byteorder))

    opened.transports[SOCK_DIAG].request = request
    answer = backend.dump_sockets(family, protocol, states)

    assert asked == [message(20, body, flags=0x301, seq=1, byteorder=byteorder)]
    (event,) = answer.events
    assert isinstance(event.payload, DiagInfo)
    assert (answer.outcome.value, event.payload.protocol) == ("complete", protocol or None)
