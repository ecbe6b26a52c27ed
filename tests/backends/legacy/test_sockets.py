"""Socket diagnosis in the legacy implementation: the fields of the guide's structure."""

from __future__ import annotations

import pytest

from nlmon.events import UNSET, DiagInfo
from nlmon.testing.messages import attr, number
from support.decoding import ORDERS, decode, event, findings, payload
from support.sockets import DESTROYED_BY, SOCK_DIAG, by_family, inet_msg, inet_request, unix_msg

TEXT = {2: ("10.0.0.1", "10.0.0.2"), 10: ("fd00::1", "fd00::2")}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", [2, 10])
def test_internet_socket(family: int, order: str) -> None:
    """Ports are big-endian, the inode is the machine's; queues and all else are not provided."""
    found = event("legacy", SOCK_DIAG, by_family(inet_msg(family, byteorder=order), byteorder=order), order)
    assert found.payload == DiagInfo(family, 1, None, 22, 40000, *TEXT[family], 70_000)
    assert (found.interface, found.payload.uid) == (UNSET, UNSET)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [0, 100])
def test_unix_socket_is_no_internet_socket(size: int, order: str) -> None:
    """It has no protocol, ports or addresses, also when it is as long as an internet socket."""
    data = by_family(unix_msg(byteorder=order), attr(0, b"\0" + b"x" * size, order), byteorder=order)
    assert payload("legacy", SOCK_DIAG, data, order) == DiagInfo(1, 10, None, None, None, None, None, 70_001)


@pytest.mark.parametrize("body", [inet_msg(2), unix_msg()])
@pytest.mark.parametrize("length", [0, 3, 5, 200])
def test_broken_framing_is_said(body: bytes, length: int) -> None:
    """The socket is kept, the place is named, of a unix socket too."""
    decoded = decode("legacy", SOCK_DIAG, by_family(body, attr(77, b"x"), number("HH", length, 10)))
    place = 16 + len(body) + 8
    assert (len(decoded.events), findings(decoded)) == (1, [("AttributeFormatError", place, "")])


def test_protocol_without_a_byte() -> None:
    """An empty INET_DIAG_PROTOCOL is reported; the request still names it."""
    decoded = decode("legacy", SOCK_DIAG, by_family(inet_msg(2), attr(DESTROYED_BY)), request=inet_request(2, 17))
    assert [one.payload.protocol for one in decoded.events] == [17]
    assert findings(decoded) == [("AttributeFormatError", 88, "INET_DIAG_PROTOCOL")]
