"""Many datagrams that are decoded in bulk give what each gives by itself.

Not here: who is given many at once (``tests/engine/test_bulk.py``).
"""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.layouts.cache import MADE_AT
from nlmon.events import Decoded
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.agreement import recorded
from support.layouts import RECORDED, damaged


class Forgetful(LibnlBackend):
    """Forgets what every third datagram held."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        return Decoded([], []) if datagram.frame % 3 == 0 else found


class Walker(LibnlBackend):
    """Walks each datagram in its own way."""

    def _walk(self, datagram: Datagram, *, tried: bool = False) -> Decoded:
        found = super()._walk(datagram, tried=tried)
        return structs.replace(found, events=found.events[::-1])


class Named(LibnlBackend, bulk=True, layouts=True):
    """Makes up names of interfaces."""

    def link_name(self, protocol: int, ifindex: int) -> str | None:
        return f"if{protocol}-{ifindex}"


class NarrowLegacy(LegacyBackend):
    """Forgets what every third datagram held."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        return Decoded([], []) if datagram.frame % 3 == 0 else found


class ParsesInBulk(LegacyBackend, bulk=True):
    """Parses addresses in its own way."""

    def parse_addr(self, m: Any) -> Any:
        payload, index = super().parse_addr(m)
        return None if payload is None else structs.replace(payload, prefixlen=7), index


KINDS = [LegacyBackend, LibnlBackend, Forgetful, Walker, Named, NarrowLegacy, ParsesInBulk]


def shown(found: Decoded) -> tuple[Any, ...]:
    errors = [(type(error), str(error), vars(error)) for error in found.errors]
    return found.events, errors, found.unknown, found.control


def one_by_one(backend: Backend, datagrams: Datagrams) -> tuple[Any, ...]:
    found = [backend.decode(datagram) for datagram in datagrams]
    whole = Decoded([], [])
    for one in found:
        whole.add(one)
    return shown(whole)


@pytest.mark.parametrize("truncated", [0, 4])
@pytest.mark.parametrize("protocol", [0, 12, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_bulk_gives_what_one_by_one_gives(kind: type[Backend], protocol: int, truncated: int) -> None:
    """Events, errors and what is not known are those of each datagram, in order, whoever replaced a step; frame numbers
    have gaps, and the request that all answer is that of each."""
    made = kind(RecordedFactory())
    real = recorded(protocol, *RECORDED[protocol])
    data = list(islice(damaged(real, random.Random(protocol)), 400))
    request = message(20, bytes([2, 6]) + bytes(54), flags=0x301)
    for begin in range(0, len(data), 40):
        numbers, times = range(3 * begin + 1, 3 * begin + 121, 3), range(begin, begin + 40)
        datagrams = Datagrams(numbers, protocol, times, data[begin : begin + 40], truncated, request)

        assert shown(made.decode_all(datagrams)) == one_by_one(made, datagrams)


def test_a_name_is_that_of_the_time_of_reading() -> None:
    """An interface is asked for once with each call, within which none changes its name, and may have another one in
    the next."""
    asked = []

    class Asking(LibnlBackend, bulk=True, layouts=True):
        def link_name(self, protocol: int, ifindex: int) -> str | None:
            asked.append((protocol, ifindex))
            return f"name-{len(asked)}"

    backend = Asking(RecordedFactory())
    body = number("BBBBI", 2, 24, 0x80, 0, 3) + attr(2, bytes((10, 0, 0, 1)))
    datagrams = Datagrams(range(1, 5), 0, [0] * 4, [message(20, body)] * 4)
    for _ in range(MADE_AT + 2):
        backend.decode(Datagram(1, 0, 0, message(20, body)))
    before = len(asked)
    found = [[event.interface for event in backend.decode_all(datagrams).events] for _ in range(2)]

    assert found == [[f"name-{before + 1}"] * 4, [f"name-{before + 2}"] * 4]
    assert set(asked) == {(0, 3)}


@pytest.mark.parametrize("kind", [LegacyBackend, LibnlBackend])
def test_no_datagrams(kind: type[Backend]) -> None:
    """Of nothing comes nothing."""
    assert shown(kind(RecordedFactory()).decode_all(Datagrams([], 0, [], []))) == ([], [], [], 0)
