"""What both implementations make of a socket message alike: its protocol, and what is no socket.

Not here: the fields of each (``legacy/test_sockets.py``, ``libnl/test_sockets.py``).
"""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, message, number
from support.decoding import BACKENDS, ORDERS, decode, findings, payload
from support.sockets import DESTROYED_BY, SOCK_DIAG, by_family, inet_msg, inet_request, unix_msg


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("state", [1, 7])
@pytest.mark.parametrize(
    ("protocol", "wide", "expected"), [(6, None, 6), (17, None, 17), (136, None, 136), (255, 262, 262), (17, 0, 0)]
)
def test_protocol_is_that_of_the_request(
    name: str, protocol: int, wide: int | None, expected: int, state: int, order: str
) -> None:
    """UDP is UDP in either state; a number above 255 comes in an attribute of the request (MPTCP)."""
    data = by_family(inet_msg(2, state=state, byteorder=order), byteorder=order)
    request = inet_request(2, protocol, wide=wide, byteorder=order)
    assert payload(name, SOCK_DIAG, data, order, request=request).protocol == expected


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("request_", "rows", "protocol"),
    [
        (b"", [], None),
        (b"", [attr(DESTROYED_BY, b"\x11")], 17),
        (inet_request(2, 6), [attr(DESTROYED_BY, b"\x11")], 17),
        (inet_request(2, 6), [attr(DESTROYED_BY, b"\x11"), attr(DESTROYED_BY, b"\x84")], 132),
        (inet_request(10, 6), [], None),
        (inet_request(2, 6)[:17], [], None),
        (inet_request(2, 6)[:18], [], 6),
        (inet_request(2, 17, wide=262)[:-1], [], 17),
        (inet_request(2, 17) + attr(3, b"\6\1"), [], 17),
        (inet_request(2, 17) + attr(3) + attr(3, number("I", 262)), [], 262),
    ],
)
def test_protocol_where_request_and_message_differ(
    name: str, request_: bytes, rows: list[bytes], protocol: int | None
) -> None:
    """A destroyed socket names its own; a request for another family or a cut one gives nothing it does not hold."""
    assert payload(name, SOCK_DIAG, by_family(inet_msg(2), *rows), request=request_).protocol == protocol


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("family", [0, 16, 17, 40, 44])
def test_other_families_are_counted(name: str, family: int) -> None:
    """Netlink, packet, vsock and other sockets give no event and no error, however long they are."""
    decoded = decode(name, SOCK_DIAG, by_family(bytes([family]) + bytes(80)))
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(20, family)])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("type_", [18, 19, 21])
def test_other_types_are_counted(name: str, type_: int) -> None:
    """SOCK_DESTROY is a program's order, 18 and 19 the old way to ask; none announces a socket."""
    decoded = decode(name, SOCK_DIAG, message(type_, inet_msg(2)))
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(type_, 2)])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("data", [inet_request(2, 6), by_family(inet_msg(2), flags=1), by_family(unix_msg(), flags=1)])
def test_questions_are_counted(name: str, data: bytes) -> None:
    """A question has the type of its answer, and is none."""
    decoded = decode(name, SOCK_DIAG, data)
    assert (decoded.events, findings(decoded), len(decoded.unknown)) == ([], [], 1)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("body", "whole"), [(inet_msg(2), 72), (inet_msg(10), 72), (unix_msg(), 16)])
def test_short_header(name: str, body: bytes, whole: int, order: str) -> None:
    """Every length below the structure's gives no event and is said."""
    assert len(body) == whole
    for size in range(whole):
        decoded = decode(name, SOCK_DIAG, by_family(body[:size], byteorder=order), order)
        assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])
