"""The fast comparison says the same as the slow one: on recordings, on damaged messages and on tampered events.

Not here: what a difference is (``tests/engine/test_verdict.py``), and speed (``benchmarks``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from msgspec import UNSET, Struct, structs

from nlmon.backends.base import Backend
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.compare.difference import Difference
from nlmon.compare.evidence.check import RecordedNames
from nlmon.compare.fast.shapes import FIRST_SHAPES, MESSAGES_A_SHAPE, PER_LENGTH, SEEN, SHAPES
from nlmon.compare.judge import Judge
from nlmon.compare.pair import pair_of
from nlmon.compare.side import Side
from nlmon.events import Event, LinkInfo, RouteInfo
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.paths import CAPTURES

pytestmark = pytest.mark.slow

FORWARD, BACK = ("legacy", "libnl"), ("libnl", "legacy")
ODD: tuple[Any, ...] = (None, UNSET, 0, 1, -1, True, 1.0, "", "x", b"x", (), (1,), 1 << 40)


class Bench:
    """Two judges of the same events: one that may say at once that they agree, and one that always looks."""

    def __init__(self, names: tuple[str, str] = FORWARD) -> None:
        factory = RecordedFactory()
        self.backends: tuple[Backend, Backend] = create(names[0], factory), create(names[1], factory)
        self.reported: tuple[list[Difference | str], list[Difference | str]] = [], []
        known = RecordedNames(lambda _: (), lambda _: None)
        self.judges = [Judge(pair_of(*names), "little", known, found.append) for found in self.reported]
        self.names, self.agreed, self.datagrams = names, 0, 0

    def decode(self, datagram: Datagram) -> list[Side]:
        """What each makes of a datagram."""
        made = [backend.decode(datagram) for backend in self.backends]
        return [Side(name, one.events, one.errors) for name, one in zip(self.names, made, strict=True)]

    def judge(self, datagram: Datagram, sides: list[Side]) -> None:
        """Let both judge."""
        self.datagrams += 1
        clean = not sides[0].errors and not sides[1].errors
        if clean and self.judges[0].agree(datagram, sides[0].events, sides[1].events):
            self.agreed += 1
        else:
            self._look(0, datagram, sides)
        self._look(1, datagram, sides)

    def _look(self, number: int, datagram: Datagram, sides: list[Side]) -> None:
        try:
            self.judges[number].compare(datagram, *sides, answer=False)
        except (TypeError, AttributeError) as error:  # a value that nothing can be compared with
            self.reported[number].append(str(error))

    def results(self) -> list[tuple[Any, ...]]:
        """Everything that each of the judges found and counted."""
        return [
            (found, judge.totals(), judge.enhancements, judge.services)
            for found, judge in zip(self.reported, self.judges, strict=True)
        ]


@cache
def recorded() -> tuple[Datagram, ...]:
    """Every datagram of NETLINK_ROUTE in the recordings of a kernel, but for the bursts."""
    found = []
    for path in sorted(CAPTURES.glob("linux-6.12/0[1-8]*.pcap.zst")):
        if "burst" not in path.name:
            with open_capture(path) as reader:
                found += [Datagram(f.number, f.timestamp, 0, f.data) for f in reader if f.protocol == 0]
    return tuple(found)


def damaged(rnd: random.Random, data: bytes) -> bytes:
    """Some bits are others, the end is lost, or something follows."""
    raw = bytearray(data)
    for _ in range(rnd.choice((0, 0, 1, 1, 2))):
        raw[rnd.randrange(len(raw))] ^= 1 << rnd.randrange(8)
    end = rnd.randrange(len(raw)) if rnd.random() < 0.05 else len(raw)
    return bytes(raw[:end] + rnd.randbytes(rnd.choice((0,) * 20 + (1, 4, 20))))


def tampered(rnd: random.Random, side: Side) -> Side:
    """One field of one event has another value, or an event is lost, twice there or elsewhere."""
    events = list(side.events)
    number = rnd.randrange(len(events))
    event = events[number]
    holder: Struct = event if rnd.random() < 0.2 else event.payload
    name = rnd.choice(holder.__struct_fields__)
    if name == "payload":
        events[number : number + 1] = rnd.choice(([], [event, event], events[::-1]))
        return structs.replace(side, events=events)
    old = getattr(holder, name)
    near: list[Any] = [old + 1, -old, float(old), old ^ 0x80] if type(old) is int else []
    near += [old + old, old[1:]] if isinstance(old, str | tuple) else []
    new = rnd.choice((*near, *ODD)) if name != "offset" else rnd.choice((0, 16, 20, old + 4))
    made: Any = structs.replace(holder, **{name: new})
    events[number] = made if holder is event else structs.replace(event, payload=made)
    return structs.replace(side, events=events)


def played(seed: int, rounds: int, names: tuple[str, str]) -> Iterator[Bench]:
    """Benches on which messages, damaged messages and tampered events were judged."""
    rnd = random.Random(seed)
    for _ in range(rounds):
        bench = Bench(names)
        for whole in recorded():
            data = whole.data if rnd.random() < 0.5 else damaged(rnd, whole.data)
            datagram = structs.replace(whole, data=data)
            sides = bench.decode(datagram)
            if rnd.random() < 0.3:
                which = rnd.randrange(2)
                sides[which] = tampered(rnd, sides[which]) if sides[which].events else sides[which]
            bench.judge(datagram, sides)
        yield bench


@pytest.mark.parametrize("names", [FORWARD, pytest.param(BACK, marks=pytest.mark.long)], ids="-".join)
def test_who_agrees_at_once_finds_what_who_looks_finds(names: tuple[str, str]) -> None:
    """The same differences in the same order, and the same counts, whatever the bytes and the events."""
    for bench in played(7, 1, names):
        fast, slow = bench.results()

        assert fast == slow
        assert bench.agreed > bench.datagrams / 6


@pytest.mark.parametrize("names", [FORWARD, pytest.param(BACK, marks=pytest.mark.long)], ids="-".join)
def test_most_messages_are_agreed_on_at_once(names: tuple[str, str]) -> None:
    """Of undamaged recordings only what is met for the first time, and several hops, are looked at."""
    bench, shown = Bench(names), 0
    for datagram in recorded():
        sides = bench.decode(datagram)
        bench.judge(datagram, sides)
        shown += bool(sides[1].events)
    fast, slow = bench.results()

    assert fast == slow
    assert bench.reported == ([], [])
    assert bench.agreed > 0.7 * shown > 0


def route(oif: int, *more: bytes) -> bytes:
    """An IPv4 route, with further attributes."""
    return message(24, number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0) + attr(4, number("I", oif)) + b"".join(more))


def judged(bench: Bench, data: bytes) -> bool:
    """Whether a datagram is agreed on at once."""
    before = bench.agreed
    datagram = Datagram(1, 0, 0, data)
    bench.judge(datagram, bench.decode(datagram))
    return bench.agreed > before


def test_a_shape_is_known_from_its_second_sighting() -> None:
    """Whatever its values are; another attribute, or another order, is another shape."""
    bench = Bench()

    assert [judged(bench, route(oif)) for oif in (1, 2, 3)] == [False, True, True]
    assert [judged(bench, route(1, attr(20, b"\0"))) for _ in range(2)] == [False, True]
    assert judged(bench, route(1) + route(2)) is True
    assert judged(bench, route(1) + message(3, number("I", 0))) is False


def test_values_of_a_shape_are_read_from_each_message() -> None:
    """A value that the shape's first message had is not taken for another one's."""
    bench = Bench()
    for pref in (1, 2, 3):
        judged(bench, route(1, attr(20, bytes([pref]))))
    datagram = Datagram(1, 0, 0, route(1, attr(20, b"\4")))
    left, right = bench.decode(datagram)
    payload = right.events[0].payload
    assert isinstance(payload, RouteInfo)
    stale = structs.replace(right.events[0], payload=structs.replace(payload, pref=3))

    bench.judge(datagram, [left, structs.replace(right, events=[stale])])
    assert [[one.cls.label for one in found] for found in bench.reported] == [["contradicted"], ["contradicted"]]


@pytest.mark.parametrize("odd", [25, 24.5, True, "24", "0 or True", None, UNSET])
@pytest.mark.parametrize("name", ["msg_type", "family"])
def test_what_both_say_of_a_message_and_the_bytes_do_not_is_looked_at(name: str, odd: Any) -> None:
    """Also before a shape is known, and whatever the value is: none of it gets into a function."""
    data = route(1)
    bench, datagram = Bench(), Datagram(1, 0, 0, data)
    for known in (False, True):
        for _ in range(3):
            if known:
                judged(bench, data)
        before = bench.agreed
        for _ in range(3):
            sides = bench.decode(datagram)
            for place, side in enumerate(sides):
                event: Any = side.events[0]
                holder = event if name == "msg_type" else event.payload
                made: Any = structs.replace(holder, **{name: odd})
                made = made if name == "msg_type" else structs.replace(event, payload=made)
                sides[place] = structs.replace(side, events=[made])
            bench.judge(datagram, sides)
        fast, slow = bench.results()

        assert fast == slow
        assert bench.agreed == before


def test_who_derives_events_is_judged_by_what_they_say() -> None:
    """An event of another class has the same fields, a payload of another class is another kind."""

    class MyEvent(Event, frozen=True):
        pass

    class MyRoute(RouteInfo, frozen=True):
        pass

    bench, datagram = Bench(), Datagram(1, 0, 0, route(1))
    for _ in range(3):
        judged(bench, datagram.data)
    for make in (MyEvent, MyRoute):
        left, right = bench.decode(datagram)
        event: Any = right.events[0]
        changed: Any = make(**structs.asdict(event if make is MyEvent else event.payload))
        changed = changed if make is MyEvent else structs.replace(event, payload=changed)
        bench.judge(datagram, [left, structs.replace(right, events=[changed])])
    fast, slow = bench.results()

    assert fast == slow
    assert [len(found) for found in bench.reported] == [1, 1]


def test_the_oldest_shape_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are never more than allowed, and what the others gave is counted."""
    monkeypatch.setattr("nlmon.compare.fast.shapes.SHAPES", 8)
    bench = Bench()
    for kind in range(40, 60):
        for _ in range(3):
            judged(bench, route(1, attr(20, b"\0"), attr(kind, bytes(kind))))
    (checks,) = [s for kind, s in bench.judges[0]._agreement._checks.items() if kind == "route"]
    fast, slow = bench.results()

    assert len(checks.checks()) == 8
    assert fast == slow


def test_what_has_no_shape_does_not_cost_the_others_theirs() -> None:
    """A message of which no function can be made is not counted as one, however often it comes."""
    bench = Bench()
    twice = attr(18, attr(1, b"veth\0"))
    odd = message(16, number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"lan0\0") + twice + twice)
    for _ in range(3 * FIRST_SHAPES):
        judged(bench, odd)
    (checks,) = [s for kind, s in bench.judges[0]._agreement._checks.items() if kind == "link"]

    assert (checks.checks(), checks._count) == ([], 0)


def test_shapes_are_bounded() -> None:
    """Ever new shapes are not kept for ever, and most of them make no function."""
    rnd = random.Random(3)
    bench = Bench()
    for _ in range(6000):
        one = route(1, *(attr(rnd.randrange(40, 300), bytes(4 * rnd.randrange(3))) for _ in range(8)))
        judged(bench, one)
        judged(bench, one)
    (checks,) = [s for kind, s in bench.judges[0]._agreement._checks.items() if kind == "route"]
    fast, slow = bench.results()

    assert len(checks.checks()) <= min(SHAPES, FIRST_SHAPES + 12000 // MESSAGES_A_SHAPE)
    assert max(map(len, checks.by_head.values())) <= PER_LENGTH
    assert len(checks._seen) <= SEEN
    assert fast == slow


def test_what_a_forgotten_shape_gave_is_counted() -> None:
    """Also where a later message of the same datagram is what it is forgotten for."""
    first = route(1, attr(20, b"\0"))
    others = [route(1, attr(20, b"\0"), attr(kind, b"")) for kind in range(40, 40 + PER_LENGTH + 2)]
    same = [one[:20] + bytes([number]) + one[21:] for number, one in enumerate(others)]
    bench = Bench()
    for one in (first, first, *others, *others, first):
        judged(bench, one)
    for one in same:
        judged(bench, first + one)
        judged(bench, first + one + first)
    fast, slow = bench.results()

    assert fast == slow
    assert bench.agreed > len(others)


def test_who_is_not_known_is_looked_at() -> None:
    """Two of one name, or an implementation that the contract does not know, are never agreed on at once."""
    for names in (("libnl", "libnl"), ("legacy", "legacy"), ("legacy", "another")):
        known = RecordedNames(lambda _: (), lambda _: None)
        judge = Judge(pair_of(*names), "little", known)
        event = Event(0, 0, 16, 0, 0, 0, 1, 0, None, LinkInfo(0, 1, 0))
        data = message(16, bytes(16))
        assert [judge.agree(Datagram(1, 0, 0, data), [event], [event]) for _ in range(3)] == [False] * 3
