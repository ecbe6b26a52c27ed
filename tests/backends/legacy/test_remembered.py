"""What the legacy implementation remembers of addresses and names changes nothing that it says."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.legacy import LegacyBackend, reading
from nlmon.events import AddrInfo, Decoded, RouteInfo
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

IP4, IP6 = bytes((10, 0, 0, 1)), bytes(15) + b"\1"
NAME = b"enp0s31f6-vlan7"  # 15 bytes, the longest


def route(family: int, *attributes: bytes) -> bytes:
    return message(24, number("BBBBBBBBI", family, 24, 0, 0, 254, 3, 0, 1, 0) + b"".join(attributes))


def link(*attributes: bytes) -> bytes:
    return message(16, number("BBHiII", 0, 0, 1, 3, 1, 0) + b"".join(attributes))


def addr(family: int, *attributes: bytes) -> bytes:
    return message(20, number("BBBBI", family, 24, 0, 0, 3) + b"".join(attributes))


def neigh(family: int, *attributes: bytes) -> bytes:
    return message(28, number("BxxxiHBB", family, 3, 2, 0, 1) + b"".join(attributes))


def facts(decoded: Decoded) -> object:
    return structs.astuple(structs.replace(decoded, errors=[])), [(str(e), e.offset) for e in decoded.errors]


MESSAGES = {
    "an address": route(2, attr(1, IP4), attr(5, IP4)),
    "one of the other family": route(10, attr(1, IP6)),
    "four bytes in the other family": route(10, attr(1, IP4), attr(7, IP4)),
    "sixteen in this": route(2, attr(1, IP6)),
    "both in multicast routing": route(128, attr(1, IP4)) + route(129, attr(1, IP6)) + route(129, attr(1, IP4)),
    "no family": route(28, attr(1, IP4)),
    "own and peer": addr(2, attr(1, IP4), attr(2, IP4)) + addr(10, attr(1, IP4)) + addr(7, attr(1, IP4)),
    "neighbours": neigh(2, attr(1, IP4)) + neigh(10, attr(1, IP4)) + neigh(7, attr(1, IP6)) + neigh(7, attr(1, IP4)),
    "a name": link(attr(3, NAME + b"\0")),
    "a name that is too long": link(attr(3, NAME + b"8\0")),
    "the same as a discipline": link(attr(6, NAME + b"8\0")),
    "and without its end": link(attr(3, NAME + b"8")),
    "a discipline without its end": link(attr(6, NAME + b"8")),
    "an empty name": link(attr(3, b"\0")),
    "a label": addr(2, attr(3, NAME + b"\0")) + addr(2, attr(3, NAME + b"8\0")),
}


@pytest.mark.parametrize("second", MESSAGES)
def test_what_came_before_does_not_matter(second: str) -> None:
    """After any other message, and after itself, a message is read as by an implementation that never saw one."""
    alone = facts(LegacyBackend(RecordedFactory()).decode(Datagram(1, 0, 0, MESSAGES[second])))
    backend = LegacyBackend(RecordedFactory())
    for first in MESSAGES.values():
        backend.decode(Datagram(1, 0, 0, first))

        assert facts(backend.decode(Datagram(1, 0, 0, MESSAGES[second]))) == alone


def cached(backend: LegacyBackend) -> int:
    """How many IPv4 addresses are remembered."""
    text: Any = backend._ips[4][0]
    kept: int = text.cache_info().currsize
    return kept


def test_only_some_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses pass, those that are kept are few, and each is read right."""
    monkeypatch.setattr(reading, "REMEMBERED", 3)
    backend = LegacyBackend(RecordedFactory())
    for passes, last in product(range(2), range(20)):
        (event,) = backend.decode(Datagram(1, 0, 0, route(2, attr(1, bytes((10, 0, 0, last)))))).events
        assert isinstance(event.payload, RouteInfo)
        assert (event.payload.dst, cached(backend)) == (f"10.0.0.{last}", min(last + 1, 3) if passes == 0 else 3)


class Loud(LegacyBackend):
    """Makes texts in its own way."""

    def name_of(self, message: Any, at: int, begin: int, end: int, path: str, longest: int) -> str:
        return super().name_of(message, at, begin, end, path, longest).upper()

    def ip(self, message: Any, at: int, begin: int, end: int, path: str, need: int) -> str | None:
        return f"<{super().ip(message, at, begin, end, path, need)}>"


def test_who_makes_texts_is_always_asked() -> None:
    """A subclass that replaces a reader of texts makes every one of them."""
    backend = Loud(RecordedFactory())
    data = addr(2, attr(1, IP4), attr(2, IP4), attr(3, b"lan0\0"))
    payloads = [event.payload for _ in range(3) for event in backend.decode(Datagram(1, 0, 0, data)).events]

    text = ".".join(map(str, IP4))
    assert [(p.addr, p.label) for p in payloads if isinstance(p, AddrInfo)] == [(f"<{text}>", "LAN0")] * 3
