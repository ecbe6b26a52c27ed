"""IPsec messages whose bytes the recordings show rarely."""

from __future__ import annotations

from nlmon.backends.registry import create
from nlmon.events import XfrmStateInfo
from nlmon.testing.messages import message, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

XFRM, NEWSA = 6, 16
AF_UNSPEC, AF_INET = 0, 2
IPPROTO_ESP = 50


def v4(text: str) -> bytes:
    """An ``xfrm_address_t`` that holds an IPv4 address."""
    return bytes(map(int, text.split("."))) + bytes(12)


def selector(family: int, dst: str, src: str) -> bytes:
    """``struct xfrm_selector`` (linux/xfrm.h) without ports and protocol."""
    return v4(dst) + v4(src) + bytes(8) + number("HBBBxxxiI", family, 32, 32, 0, 0, 0)


def test_a_selector_without_a_family_has_addresses_of_its_state() -> None:
    """XFRM_MSG_ALLOCSPI makes states whose selector says AF_UNSPEC and holds addresses of the state's family."""
    body = selector(AF_UNSPEC, "10.3.0.1", "10.3.0.2")
    body += v4("10.3.0.1") + b"\0\0\x2e\x97" + number("Bxxx", IPPROTO_ESP) + v4("10.3.0.2")
    body += bytes(64 + 32 + 12) + number("IIHBBBxxxxxxx", 0, 9, AF_INET, 1, 0, 0)
    (event,) = create("libnl", RecordedFactory()).decode(Datagram(1, 0, XFRM, message(NEWSA, body))).events

    assert isinstance(event.payload, XfrmStateInfo)
    assert event.payload.selector is not None
    assert event.payload.spi == 0x2E97
    found = event.payload.selector
    assert (found.family, found.src, found.dst) == (AF_UNSPEC, "10.3.0.2", "10.3.0.1")
