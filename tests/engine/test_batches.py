"""Frames that are taken many at a time give what each gives alone.

Not here: what a frame gives (``tests/engine/test_verdict.py``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, ClassVar

import pytest
from msgspec import structs

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Frame, open_capture
from nlmon.compare.difference import Class
from nlmon.engine.lane import BackendMaker
from nlmon.engine.many import Many
from nlmon.engine.replay import Replay
from nlmon.engine.segments import Runs
from nlmon.errors import NlmonError
from nlmon.events import Decoded, Event
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram, Datagrams
from support.paths import FIXTURES

CAPTURES = FIXTURES / "captures" / "linux-6.12"
NAMES = (
    *("01-route-basic", "04-conntrack", "06-generic", "06-xfrm", "08-tc"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("02-route-topology", "03-nl80211")),
)
legacy, libnl = partial(create, "legacy"), partial(create, "libnl")


class Moody(LibnlBackend):
    """Raises, forgets, repeats and lies now and then, by the number of the frame."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        mood = datagram.frame % 17
        if mood == 3:
            raise ValueError("in a bad mood")
        if mood == 5:
            return structs.replace(decoded, events=[*decoded.events, *decoded.events])
        if mood == 7:
            return structs.replace(decoded, events=[structs.replace(e, seq=e.seq + 1) for e in decoded.events])
        return structs.replace(decoded, events=["nothing", *decoded.events]) if mood == 11 else decoded


class Idle(LegacyBackend):
    """Does something while nothing waits, so it has to be given the occasion."""

    idles = 0

    def idle(self, protocol: int) -> bool:
        self.idles += 1
        return False


class Talks(LibnlBackend):
    """Delivers by callback while it decodes, and reports what is no fault of the datagram."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        if datagram.frame % 5 == 0 and self._on_event is not None:
            for event in decoded.events:
                self._on_event(event)
        if datagram.frame % 7 == 0:
            self.report(NlmonError("NLM-T003", "something is wrong"))
        return decoded


class Picky(LibnlBackend):
    """Gives every second event to its caller."""

    def set_callback(self, on_event: Any, on_error: Any = None) -> None:
        def some(event: Event) -> None:
            if event.frame % 2:
                on_event(event)

        super().set_callback(some, on_error)


class Thrifty(LibnlBackend):
    """Uses one list for all its events."""

    found: ClassVar[list[Event]] = []

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        self.found[:] = decoded.events
        return structs.replace(decoded, events=self.found)


@cache
def recorded(name: str) -> tuple[Frame, ...]:
    """A recording, some of whose frames are damaged."""
    rnd = random.Random(name)
    found = []
    with open_capture(CAPTURES / f"{name}.pcap.zst") as reader:
        for frame in reader:
            data = bytearray(frame.data)
            if rnd.random() < 0.2:
                data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)
            found.append(structs.replace(frame, data=bytes(data[: len(data) - 4 * (rnd.random() < 0.03)])))
    return tuple(found)


def results(replay: Replay) -> list[Any]:
    """What a replay has found so far."""
    counts = [replay.frames, replay.messages, replay.last_frame, replay.compared, replay.generic, replay.cut]
    more = [replay.roles, replay.not_subscribed, replay.not_covered, replay.copies.repeats]
    lanes = [
        (
            lane.totals,
            lane.problems,
            lane.unknown,
            lane.factory.time,
            lane.backend.status().protocols,
            lane.state.tables,
        )
        for lane in replay.lanes
    ]
    found = replay.judge
    return [counts, more, lanes, found.details, found.totals(), found.enhancements]


PAIRS: dict[str, tuple[BackendMaker, BackendMaker]] = {
    "sound": (legacy, libnl),
    "rollback": (libnl, legacy),
    "legacy twice": (legacy, legacy),
    "moody": (legacy, Moody),
    "idle": (Idle, libnl),
    "talks": (legacy, Talks),
    "picky": (legacy, Picky),
    "thrifty": (legacy, Thrifty),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_many_at_a_time_give_what_each_gives_alone(pair: tuple[BackendMaker, BackendMaker], name: str) -> None:
    """The same differences, counts and states, and the same order of all."""
    slow, one, many = (Replay(*pair, byteorder="little") for _ in range(3))
    slow._runs = Runs(slow._conversation, [], ())
    for lane in slow.lanes:
        lane.straight = set()  # every datagram by process(), as from a kernel
    for frame in recorded(name):
        slow.feed(frame)
        one.feed(frame)
    many.play(recorded(name))

    assert results(one) == results(many)
    assert results(slow) == results(many)


class Wrapped:
    """A transport around another, which loses a datagram now and then."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._count = inner, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv(self) -> Datagram | None:
        self._count += 1
        found: Datagram | None = self._inner.recv()
        return self._inner.recv() if self._count % 7 == 0 else found


class Factory:
    """Opens transports that lose."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.byteorder = inner, inner.byteorder

    def open(self, *arguments: Any, **named: Any) -> Wrapped:
        return Wrapped(self._inner.open(*arguments, **named))


def test_a_transport_around_the_played_one_is_read() -> None:
    """What an implementation really reads is what it is judged by."""
    replay = Replay(legacy, lambda factory, options: LibnlBackend(Factory(factory), options), byteorder="little")
    replay.play(recorded("01-route-basic"))

    assert replay.lanes[1].straight == set()
    assert replay.judge.counts[Class.MISSING] > 10


def test_what_a_program_asks_is_no_time_of_the_kernel() -> None:
    """A request that is fed with all else does not move the clock of the played kernel."""
    request = (20).to_bytes(4, "little") + bytes((26, 0, 1, 3)) + bytes(12)
    replay = Replay(legacy, libnl, byteorder="little", select="all")
    replay.feed(Frame(1, 5000, 0, request, "out"))

    assert [lane.factory.time for lane in replay.lanes] == [0, 0]


def test_a_batch_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large messages do not wait for many others."""
    sizes: list[int] = []
    take = Many.take

    def watched(self: Many, datagrams: Datagrams) -> Any:
        sizes.append(sum(map(len, datagrams.data)))
        return take(self, datagrams)

    monkeypatch.setattr(Many, "take", watched)
    large = (20_000).to_bytes(4, "little") + b"\x18\0" + bytes(10) + b"\2" + bytes(19_983)
    Replay(legacy, libnl, byteorder="little").play(Frame(n, 0, 0, large) for n in range(1, 13))

    assert (max(sizes), sum(sizes)) == (80_000, 2 * 12 * 20_000)


def test_what_was_read_is_compared_though_the_reading_fails() -> None:
    """An exception among the frames does not take along those before it."""

    def frames() -> Iterator[Frame]:
        yield from recorded("01-route-basic")[:60]
        raise KeyboardInterrupt

    one, many = (Replay(legacy, libnl, byteorder="little") for _ in range(2))
    for frame in recorded("01-route-basic")[:60]:
        one.feed(frame)
    with pytest.raises(KeyboardInterrupt):
        many.play(frames())

    assert results(one) == results(many)


def test_who_does_more_is_not_passed_over() -> None:
    """A step of process() that an implementation replaces is done, and what options turn on."""
    options = {"caches": ("link",), "resync": True, "message_pool_size": 3}
    plain = Replay(legacy, libnl, byteorder="little")
    idle = Replay(Idle, libnl, byteorder="little")
    idle.play(recorded("01-route-basic"))
    lossy = Replay(legacy, libnl, byteorder="little", faults=(Fault(1, 1),))

    assert [sorted(lane.straight) for lane in plain.lanes] == [[0, 4, 12, 16], [0, 4, 6, 9, 12]]
    for name, value in options.items():
        lane = Replay(legacy, libnl, byteorder="little", options=BackendOptions(**{name: value})).lanes[1]
        assert lane.straight == set()
    assert [lane.straight for lane in lossy.lanes] == [set(), set()]
    assert idle.lanes[0].straight == set()
    assert isinstance(idle.lanes[0].backend, Idle)
    assert idle.lanes[0].backend.idles > 100


def address(frame: int, last: bytes = b"") -> Frame:
    """RTM_NEWADDR of 10.0.FRAME on interface 3, with a last attribute."""
    own = bytes((10, 0, frame // 250, frame % 250))
    body = number("BBBBI", 2, 24, 0x80, 0, 3) + attr(1, own) + attr(2, own) + attr(3, b"lan0\0")
    return Frame(frame, frame, 0, message(20, body + last))


ADDRESSES = [address(frame) for frame in range(1, 401)]


def wrong(method: Any) -> Any:
    def changed(self: Any, *arguments: Any) -> Decoded:
        found: Decoded = method(self, *arguments)
        events = [structs.replace(e, payload=structs.replace(e.payload, prefixlen=7)) for e in found.events]
        return structs.replace(found, events=events)

    return changed


@pytest.mark.parametrize("kind", [LegacyBackend, LibnlBackend])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("where", ["class", "object"])
@pytest.mark.parametrize("name", ["decode", "take"])
def test_a_method_that_was_replaced_is_called(
    kind: type[Any], late: bool, where: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a class or of one object, before a replay begins or in its midst."""
    made: list[Any] = []

    def make(factory: Any, options: Any) -> Any:
        made.append(kind(factory, options))
        return made[-1]

    def replace_it() -> None:
        if where == "class":
            monkeypatch.setattr(kind, name, wrong(getattr(kind, name)))
        else:
            setattr(made[-1], name, wrong(getattr(kind, name)).__get__(made[-1]))

    if not late and where == "class":
        replace_it()
    replay = Replay(make, libnl if kind is LegacyBackend else legacy, byteorder="little")
    if not late and where == "object":
        replace_it()
    replay.play(ADDRESSES[:200])
    if late:
        replace_it()
    replay.play(ADDRESSES[200:])

    assert replay.judge.counts[Class.CONFLICT] == (200 if late else 400)


def test_what_is_raised_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that raises at its hundredth message, and never again, is a crash of that replay."""
    calls = [0]
    parse = LegacyBackend.parse_addr

    def flaky(self: Any, m: Any) -> Any:
        calls[0] += 1
        if calls[0] == 100:
            raise RuntimeError("once")
        return parse(self, m)

    replay = Replay(legacy, libnl, byteorder="little")
    methods = replay.lanes[0].backend._methods  # type: ignore[attr-defined]
    methods[0][20] = (flaky.__get__(replay.lanes[0].backend), 8)
    replay.play(ADDRESSES)

    assert [replay.judge.counts[cls] for cls in (Class.CRASH, Class.MISSING)] == [1, 0]
    assert (replay.lanes[0].totals["events"], replay.compared) == (400, 400)


def test_nothing_is_read_twice() -> None:
    """Where one of many has an attribute that is not read, each still counts once, in layouts, too."""
    odd = {100, 250}
    frames = [address(n, b"\3\0\0\0" if n in odd else b"") for n in range(1, 401)]
    many, one = (Replay(legacy, libnl, byteorder="little") for _ in range(2))
    many.play(frames)
    for frame in frames:
        one.feed(frame)
    status = many.lanes[1].backend.status()
    layouts = status.layouts

    assert results(one) == results(many)
    assert (status.protocols[0].events, status.protocols[0].errors) == (400, 2)
    assert layouts is not None
    assert layouts.hits + layouts.misses == 398
