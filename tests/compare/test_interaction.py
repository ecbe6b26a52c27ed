"""Rules of the comparison that need more than one value: several messages in a datagram, several states of an object.

Not here: single values (``test_verdict_values``).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Frame
from nlmon.compare.classify import Classifier
from nlmon.compare.evidence.locate import field_of
from nlmon.compare.final import compare_corrections, compare_recovery
from nlmon.compare.pair import pair_of
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.losses import Object, Touched, Unsettled
from nlmon.engine.replay import Replay
from nlmon.events import Decoded, Event, LinkInfo
from nlmon.state.dumps import Unannounced
from nlmon.state.tables import State
from nlmon.testing.messages import attr, link, message, number
from nlmon.testing.zoo.base import changing
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.decoding import event
from support.flows import NETFILTER, netfilter
from support.xfrm import state

ROUTE, XFRM = 0, 6
NEWLINK = NEWSA = 16
legacy, libnl = partial(create, "legacy"), partial(create, "libnl")
WHOLE = message(NEWSA, state(2, "little"))
SHORT = message(NEWSA, bytes(20))


def found(data: bytes, candidate: BackendMaker, protocol: int = XFRM, reference: BackendMaker = legacy) -> list[object]:
    """Class, offset and field of each difference of a datagram."""
    replay = Replay(reference, candidate, byteorder="little")
    replay.play([Frame(1, 0, protocol, data)])
    return [(d.cls.label, d.offset, d.field) for d in replay.judge.details]


def wrong(event: Event) -> Event:
    """A state with another SPI."""
    return structs.replace(event, payload=structs.replace(event.payload, spi=1))


@pytest.mark.parametrize("data", [SHORT + WHOLE, WHOLE + SHORT], ids=["behind", "before"])
def test_an_error_does_not_excuse_its_neighbour(data: bytes) -> None:
    """One message of a datagram cannot be read; the value of the other is judged all the same."""
    assert found(data, libnl) == []
    assert found(data, changing(wrong)) == [("contradicted", data.index(WHOLE), "spi")]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_an_event_does_not_excuse_its_neighbour(lost: int) -> None:
    """Of three messages in a datagram each must give its event."""
    missed = lost * len(WHOLE)
    drop = changing(lambda event: None if event.offset == missed else event)

    assert found(WHOLE * 3, drop) == [("missing", missed, "")]


class Silent(LibnlBackend):
    """Says nothing of what it cannot read."""

    def decode(self, datagram: Datagram) -> Decoded:
        return structs.replace(super().decode(datagram), errors=[])


def test_only_who_reads_a_message_must_report_its_errors() -> None:
    """Of a message that only libnl reads, legacy need not report an error and another libnl must."""
    silent: BackendMaker = Silent

    assert found(SHORT, libnl) == []
    assert [cls for cls, *_ in found(SHORT, silent, reference=libnl)] == ["error"]


class Unsubscribed(LibnlBackend):
    """Does not subscribe to flows that are gone."""

    groups = {**LibnlBackend.groups, NETFILTER: (1, 2, 4, 5, 6)}  # noqa: RUF012


def test_who_is_not_subscribed_need_not_report_an_error() -> None:
    """That a message is broken cannot be reported by who never received it."""
    short = netfilter(2)[:18]
    gone = len(short).to_bytes(4, "little") + short[4:]
    unsubscribed: BackendMaker = Unsubscribed

    assert ("error", 0, "") in found(gone, Silent, NETFILTER)
    assert "error" not in {cls for cls, *_ in found(gone, unsubscribed, NETFILTER)}  # type: ignore[misc]


def test_a_field_beyond_the_message_is_not_there() -> None:
    """A header that the message cuts holds no value, though the datagram goes on."""
    data = message(NEWSA, bytes(4)) + bytes(64)

    assert field_of(data, 0, 20, "ifi_family", NEWSA, "little") is not None
    assert field_of(data, 0, 20, "ifi_index", NEWSA, "little") is None


def link_event(one: LinkInfo) -> Event:
    """An RTM_NEWLINK of this payload."""
    return Event(0, ROUTE, NEWLINK, 0, 0, 0, 1, 0, one.ifname, one)


def held(*links: LinkInfo) -> State:
    """A state of these links."""
    """A state with links."""
    kept = State()
    for one in links:
        kept.apply(link_event(one))
    return kept


@pytest.mark.parametrize(("changes", "fields"), [({"mtu": 9000}, ["mtu"]), ({"promiscuity": 1}, []), ({}, [])])
def test_what_changes_without_meaning_is_no_recovery(changes: dict[str, int], fields: list[str]) -> None:
    """After a loss the objects are compared, but not what a dump shows at random."""
    (event,) = libnl(RecordedFactory()).decode(Datagram(1, 0, ROUTE, message(16, link(2, "d0")))).events
    one = event.payload
    assert isinstance(one, LinkInfo)
    judge, known = Classifier(pair_of("libnl", "libnl")), ({("link", (2,))}, set[tuple[str, Any]]())
    rows = compare_recovery("libnl", held(structs.replace(one, **changes)), held(one), judge, known, 1)

    assert [row.field for row in rows] == fields


FIRST, SECOND = ("link", (2,)), ("link", (3,))


@pytest.mark.parametrize(
    ("left", "right", "same", "apart", "expected"),
    [
        ({FIRST}, {FIRST}, True, set(), {SECOND}),
        ({FIRST}, {FIRST}, True, {FIRST}, {FIRST, SECOND}),
        ({FIRST}, {FIRST}, False, set(), {FIRST, SECOND}),
        (set(), {("route", (9,))}, True, set(), {FIRST, SECOND, ("route", (9,))}),
        (set(), {("route", (9,))}, False, set(), {FIRST, SECOND}),
    ],
)
def test_what_is_reported_to_both_later_is_compared_again(
    left: set[Object], right: set[Object], same: bool, apart: set[Object], expected: set[Object]
) -> None:
    """An object that one recovered alone counts again after a message of which both made the same; one of which they
    made something else counts no more."""
    unsettled = Unsettled()
    unsettled.note(Touched(set(), set()), Touched(set(), {FIRST, SECOND}), same=True, apart=set())
    unsettled.note(Touched(left, set()), Touched(right, set()), same=same, apart=apart)

    assert unsettled.objects == expected


def test_before_a_recovery_everything_is_compared() -> None:
    """What a message does to one state alone is a difference."""
    replay = Replay(legacy, libnl, byteorder="little", options=BackendOptions(resync=True))
    replay.play([Frame(1, 0, ROUTE, message(16, link(2, "d0")))])
    body = number("BBBBI", 2, 24, 0x80, 0, 2) + attr(1, bytes(4)) + attr(2, bytes(4))
    replay.states.both[1].apply(event("libnl", ROUTE, message(20, body)))
    replay.play([Frame(2, 0, ROUTE, message(17, link(2, "d0")))])

    assert [len(state.tables["addr"]) for state in replay.states.both] == [0, 0]
    assert replay.states.unsettled.objects == set()


@pytest.mark.parametrize(("broken", "links"), [(False, {1}), (True, {2})])
def test_a_damaged_dump_proves_no_absence(broken: bool, links: set[int]) -> None:
    """A dump of which a message could not be read does not say that anything is gone."""
    replay = Replay(legacy, libnl, byteorder="little")
    answer = message(16, link(1, "lo"), flags=2, seq=5, pid=9)
    parts = [
        message(16, link(2, "d0")),
        message(18, bytes(16), flags=0x301, seq=5),
        answer + message(16, bytes(3), flags=2, seq=5, pid=9) * broken,
        message(3, bytes(4), flags=2, seq=5, pid=9),
    ]
    for place, data in enumerate(parts, 1):
        replay.play([Frame(place, 0, ROUTE, data)])

    replay.states.diverge()

    assert [{key[0] for key in state.tables["link"]} for state in replay.states.both] == [links, links]


def test_each_field_that_one_alone_had_wrong_is_a_difference() -> None:
    """What a dump corrected in both is none; what became of the whole object is named in parentheses."""

    def corrected(change: Literal["gone", "changed"], index: int, *fields: str) -> Unannounced:
        return Unannounced("link", change, f"link {index}", 9, "as a dump shows", (index,), fields)

    before = [corrected("changed", 1, "mtu", "flags"), corrected("gone", 2), corrected("gone", 3)]
    after = [corrected("changed", 1, "flags", "operstate"), corrected("gone", 3)]
    rows = compare_corrections(pair_of("legacy", "libnl"), before, after)

    assert [(one.message, one.field, one.reference, one.candidate) for one in rows] == [
        ("link 1", "mtu", "corrected", "correct before"),
        ("link 1", "operstate", "correct before", "corrected"),
        ("link 2", "(gone)", "corrected", "correct before"),
    ]
