"""Equal values of other types are not the same, wherever they stand, on the fast way as on the slow one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET, structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Frame
from nlmon.compare.same import of_its_types, same
from nlmon.engine.replay import Replay
from nlmon.events import Decoded, Event, FlowTuple, LinkInfo, NextHop, RouteInfo
from nlmon.testing.encode import encode_event
from nlmon.wire import Datagram, Datagrams
from support.verdicts import legacy


class Text(str):
    """A text of another type."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (1, 1, True),
        (1500, int("1500"), True),
        (1, True, False),
        (1500, 1500.0, False),
        ("a", Text("a"), False),
        (None, UNSET, False),
        ((1, "a"), (1, "a"), True),
        ((1,), (True,), False),
        ((1,), [1], False),
        (((1, 2),), ((1, 2.0),), False),
        (FlowTuple(protocol=6), FlowTuple(protocol=6), True),
        (FlowTuple(protocol=1), FlowTuple(protocol=True), False),
        ((FlowTuple(zone=1),), (FlowTuple(zone=True),), False),
    ],
)
def test_same(one: Any, other: Any, are: bool) -> None:
    """In both directions."""
    assert (same(one, other), same(other, one)) == (are, are)


LINK = LinkInfo(0, 1, 0)
ROUTE = RouteInfo(2, 24, 0, 0, 4, 0, 1, 0, 254)


@pytest.mark.parametrize(
    ("payload", "are"),
    [
        (LINK, True),
        (structs.replace(LINK, altnames=("a",), mtu=None), True),
        (structs.replace(LINK, flags=None), False),
        (structs.replace(LINK, mtu=1500.0), False),
        (structs.replace(LINK, mtu=UNSET), False),
        (structs.replace(LINK, altnames=["a"]), False),
        (structs.replace(LINK, altnames=("a", 1)), False),
        (structs.replace(ROUTE, multipath=(NextHop(1, 1, 0),), metrics=((2, 1500), (16, "bbr"))), True),
        (structs.replace(ROUTE, multipath=(NextHop(1, 1, None),)), False),  # type: ignore[arg-type]
        (structs.replace(ROUTE, metrics=((2, 1500, 0),)), False),
    ],
)
def test_the_types_of_a_payload(payload: LinkInfo | RouteInfo, are: bool) -> None:
    """Those of its structure, inside, too; what it need not have may be None or unset where the structure says so."""
    assert of_its_types(payload) is are


def found(wrong: Any, route: RouteInfo) -> list[tuple[str, str, str, str]]:
    """Class, field and values of the differences where libnl gives another route."""

    class Wrong(LibnlBackend, bulk=True):
        def decode(self, datagram: Datagram) -> Decoded:
            return self._changed(super().decode(datagram))

        def decode_all(self, datagrams: Datagrams) -> Decoded:
            return self._changed(super().decode_all(datagrams))

        def _changed(self, found: Decoded) -> Decoded:
            events = [structs.replace(e, payload=wrong(e.payload)) for e in found.events]
            return structs.replace(found, events=events)

    replay = Replay(legacy, Wrong, byteorder="little", options=BackendOptions())
    data = encode_event(Event(0, 0, 24, 0, 0, 0, 1, 0, None, route))
    replay.play([Frame(number, number, 0, data) for number in range(1, 4)])
    return sorted({(d.cls.label, d.field, d.reference, d.candidate) for d in replay.judge.details})


HOPS = structs.replace(ROUTE, dst="192.0.2.0", multipath=(NextHop(1, 1, 0), NextHop(2, 1, 0, encap_type=1)))


@pytest.mark.parametrize(
    ("value", "differences"),
    [
        (1, []),
        (2, [("conflict", "multipath[1].encap_type", "1", "2")]),
        (None, [("loss", "multipath[1].encap_type", "1", "(not in the message)")]),
        (True, [("conflict", "multipath[1].encap_type", "1", "True")]),
    ],
)
def test_a_hop_is_compared_in_its_place(value: Any, differences: list[tuple[str, str, str, str]]) -> None:
    """Of the second hop, whose encapsulation both give."""

    def wrong(route: RouteInfo) -> RouteInfo:
        first, second = route.multipath or ()
        return structs.replace(route, multipath=(first, structs.replace(second, encap_type=value)))

    assert found(wrong, HOPS) == differences
