"""Socket diagnosis in the libnl implementation: internet sockets with queues and attributes, unix sockets."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nlmon.backends.registry import create
from nlmon.events import DiagInfo
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.decoding import ORDERS, event, payload
from support.sockets import SOCK_DIAG, by_family, inet_msg, unix_msg

TEXT = {2: ("10.0.0.1", "10.0.0.2"), 10: ("fd00::1", "fd00::2")}
COOKIE = 0x1122334455667788


def internet(family: int, **more: object) -> DiagInfo:
    """What ``inet_msg`` means."""
    head = (family, 1, None, 22, 40000, *TEXT[family], 70_000, 1000, 7, 8, 2, 5, 250, 3, COOKIE)
    return replace(DiagInfo(*head, *[None] * 8), **more)


def unix(**more: object) -> DiagInfo:
    """What ``unix_msg`` means."""
    nothing = dict.fromkeys(name for name in DiagInfo.__struct_fields__[2:])
    return replace(DiagInfo(1, 10, **nothing), **{"inode": 70_001, "cookie": COOKIE, "type": 5, **more})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", [2, 10])
def test_internet_socket(family: int, order: str) -> None:
    """Ports are big-endian; inode, owner, queues, timer, interface and cookie are the machine's."""
    data = by_family(inet_msg(family, byteorder=order), byteorder=order)
    assert payload("libnl", SOCK_DIAG, data, order) == internet(family)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("field", "kind", "code", "value"),
    [
        ("congestion", 4, b"cubic\0", "cubic"),
        ("shutdown", 8, "B", 3),
        ("protocol", 10, "B", 17),
        ("v6only", 11, "B", 1),
        ("mark", 15, "I", 0x01020304),
        ("cgroup_id", 21, "Q", 0x0102030405060708),
    ],
)
def test_attribute_of_an_internet_socket(field: str, kind: int, code: str | bytes, value: object, order: str) -> None:
    """One attribute fills one field and no other."""
    raw = code if isinstance(code, bytes) else number(code, value, byteorder=order)  # type: ignore[arg-type]
    data = by_family(inet_msg(2, byteorder=order), attr(kind, raw, order), byteorder=order)
    assert payload("libnl", SOCK_DIAG, data, order) == internet(2, **{field: value})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("kind", "code", "values", "fields"),
    [
        (0, b"/run/x\0", (), {"path": "/run/x"}),
        (0, b"/run/y", (), {"path": "/run/y"}),
        (0, b"\0abstract\0name", (), {"path": "@abstract@name"}),
        (0, b"\0", (), {"path": "@"}),
        (0, b"/caf\xc3\xa9\xff", (), {"path": "/café\\xff"}),
        (2, "I", (70_002,), {"peer": 70_002}),
        (4, "II", (17, 4096), {"rqueue": 17, "wqueue": 4096}),
        (6, "B", (3,), {"shutdown": 3}),
        (7, "I", (1000,), {"uid": 1000}),
    ],
)
def test_attribute_of_a_unix_socket(kind: int, code: str | bytes, values, fields: dict, order: str) -> None:
    """One attribute fills its fields and no other; an abstract name begins with ``@``."""
    raw = code if isinstance(code, bytes) else number(code, *values, byteorder=order)
    data = by_family(unix_msg(byteorder=order), attr(kind, raw, order), byteorder=order)
    assert payload("libnl", SOCK_DIAG, data, order) == unix(**fields)


@pytest.mark.parametrize("order", ORDERS)
def test_unix_socket_is_no_internet_socket(order: str) -> None:
    """Also when it is as long as one."""
    data = by_family(unix_msg(byteorder=order), attr(0, b"/" + b"x" * 100, order), byteorder=order)
    assert payload("libnl", SOCK_DIAG, data, order) == unix(path="/" + "x" * 100)


@pytest.mark.parametrize(("ifindex", "name"), [(3, "eth0"), (0, None), (9, None)])
def test_interface_is_that_a_socket_is_bound_to(ifindex: int, name: str | None) -> None:
    """Its name is what a recorded link message said; index 0 is none, and is asked for by nobody."""
    factory = RecordedFactory()
    factory.kernel.learn(
        Datagrams.of(Datagram(1, 0, 0, message(16, number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"eth0\0"))))
    )
    made = create("libnl", factory)
    made.enable(SOCK_DIAG)
    body = bytearray(inet_msg(2))
    body[40:44] = number("I", ifindex)
    (found,) = made.decode(Datagram(1, 0, SOCK_DIAG, by_family(bytes(body)))).events
    assert (found.interface, found.payload.ifindex) == (name, ifindex)


def test_no_interface_of_a_unix_socket() -> None:
    """It is about none."""
    assert event("libnl", SOCK_DIAG, by_family(unix_msg())).interface is None
