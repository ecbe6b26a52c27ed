"""Datagrams that are decoded in bulk: that it shows in nothing, who is given them, and what comes of what is raised.

Not here: streams of all that a recording may hold (``test_bulk_streams``), what ``decode_all`` gives
(``tests/backends/test_decode_all.py``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture import Frame, open_capture
from nlmon.capture.segmenter import SEGMENT_FRAMES
from nlmon.compare.difference import Class
from nlmon.engine.replay import Replay
from nlmon.engine.run import replay_capture
from nlmon.errors import NlmonError
from nlmon.events import Decoded, Event
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram, Datagrams
from support.bulk import LegacyOneByOne, LibnlOneByOne, Pair, outcome
from support.paths import CAPTURES, NEWEST_FIRST

NAMES = ("01-route-basic", "02-route-topology", "03-nl80211", "04-conntrack", "06-generic", "06-xfrm", "08-tc")
SHORT = {"01-route-basic", "06-generic"}

# -- the law ------------------------------------------------------------------------------------------------------


@cache
def damaged(name: str) -> tuple[Frame, ...]:
    """A recording, some of whose frames are damaged, at most 1,000 of them."""
    chance = random.Random(name)
    found = []
    with open_capture(CAPTURES / "linux-6.12" / f"{name}.pcap.zst") as reader:
        for frame, _ in zip(reader, range(1000), strict=False):
            data = bytearray(frame.data)
            if chance.random() < 0.2:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            found.append(structs.replace(frame, data=bytes(data[: len(data) - 4 * (chance.random() < 0.03)])))
    return tuple(found)


def moody(name: str, decoded: Decoded, frame: int) -> Decoded:
    """What an implementation gives that forgets, repeats, changes, invents or raises, by the number of the frame."""
    mood = frame % 17
    if mood == 3:
        raise ValueError(f"{name} is in a bad mood")
    if mood == 5:
        return structs.replace(decoded, events=decoded.events * 2)
    if mood == 7:
        return structs.replace(decoded, events=[structs.replace(e, seq=e.seq + 1) for e in decoded.events])
    if mood == 9:
        return structs.replace(decoded, events=[], errors=[])
    return structs.replace(decoded, events=["nothing", *decoded.events]) if mood == 11 else decoded


class Moody(LibnlBackend):
    """Raises, forgets, repeats and lies now and then."""

    def decode(self, datagram: Datagram) -> Decoded:
        return moody(self.name, super().decode(datagram), datagram.frame)


class MoodyInBulk(Moody, bulk=True):
    """Says that it may be given many datagrams at once."""

    decode_all = Backend.decode_all


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


# Two implementations as they are, and the same without a declaration of bulk decoding.
PAIRS: dict[str, tuple[Pair, Pair]] = {
    "sound": ((LegacyBackend, LibnlBackend), (LegacyOneByOne, LibnlOneByOne)),
    "rollback": ((LibnlBackend, LegacyBackend), (LibnlOneByOne, LegacyOneByOne)),
    "the same twice": ((LegacyBackend, LegacyBackend), (LegacyOneByOne, LegacyOneByOne)),
    "one of them in bulk": ((LegacyBackend, LibnlOneByOne), (LegacyOneByOne, LibnlOneByOne)),
    "moody": ((LegacyBackend, Moody), (LegacyOneByOne, Moody)),
    "moody in bulk": ((LegacyBackend, MoodyInBulk), (LegacyOneByOne, Moody)),
    "talks": ((LegacyBackend, Talks), (LegacyOneByOne, Talks)),
    "picky": ((LegacyBackend, Picky), (LegacyOneByOne, Picky)),
    "thrifty": ((LegacyBackend, Thrifty), (LegacyOneByOne, Thrifty)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
@pytest.mark.parametrize(("bulk", "one_by_one"), PAIRS.values(), ids=PAIRS.keys())
def test_bulk_shows_in_nothing(bulk: Pair, one_by_one: Pair, name: str) -> None:
    """The same differences, counts and states, and the same order of all, as when each frame comes by itself."""
    many, each = Replay(*bulk, byteorder="little"), Replay(*one_by_one, byteorder="little")
    many.play(damaged(name))
    for frame in damaged(name):
        each.play([frame])

    assert outcome(many) == outcome(each)


@pytest.mark.slow
@pytest.mark.parametrize("select", ["notifications", pytest.param("all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
def test_the_report_is_the_same(kernel: str, name: str, select: Any) -> None:
    """Of a recording as it is, whether it is decoded in bulk or one by one."""
    reports = []
    for pair in ((LegacyBackend, LibnlBackend), (LegacyOneByOne, LibnlOneByOne)):
        with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
            reports.append(replay_capture(reader, name, *pair, select=select)[0])

    assert reports[0] == reports[1]
    assert reports[0].verdict == ("equivalent" if reports[0].compared else "inconclusive")


def test_what_was_read_is_compared_though_the_reading_fails() -> None:
    """An exception among the frames does not take along those before it."""
    first = damaged("01-route-basic")[:60]

    def frames() -> Iterator[Frame]:
        yield from first
        raise KeyboardInterrupt

    each, many = (Replay(LegacyBackend, LibnlBackend, byteorder="little") for _ in range(2))
    for frame in first:
        each.play([frame])
    with pytest.raises(KeyboardInterrupt):
        many.play(frames())

    assert outcome(each) == outcome(many)


# -- who is given many datagrams at once ----------------------------------------------------------------------------


class Counting(LibnlBackend, bulk=True):
    """Notes of how many datagrams it is given at once, and which it is given by themselves."""

    def __init__(self, factory: Any, options: Any = None) -> None:
        super().__init__(factory, options)
        self.sizes: list[int] = []
        self.frames: list[int] = []

    def decode(self, datagram: Datagram) -> Decoded:
        if datagram.frame:  # else it answers a dump of its own
            self.frames.append(datagram.frame)
        return super().decode(datagram)

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        self.sizes.append(len(datagrams))
        found = Decoded([], [])
        for datagram in datagrams:
            found.add(super().decode(datagram))
        return found


class CountingMore(Counting):
    """A subclass that says nothing of bulk decoding."""


def address(frame: int, last: bytes = b"") -> Frame:
    """RTM_NEWADDR of 10.0.FRAME on interface 3, with a last attribute."""
    own = bytes((10, 0, frame // 250, frame % 250))
    body = number("BBBBI", 2, 24, 0x80, 0, 3) + attr(1, own) + attr(2, own) + attr(3, b"lan0\0")
    return Frame(frame, frame, 0, message(20, body + last))


ADDRESSES = [address(frame) for frame in range(1, 401)]


def counted(kind: type[Counting], frames: list[Frame] = ADDRESSES, **how: Any) -> tuple[list[int], list[int]]:
    """Of how many datagrams at once, and which by themselves, an implementation was given."""
    replay = Replay(LegacyBackend, kind, byteorder="little", **how)
    replay.play(frames)
    backend = replay.lanes[1].backend
    assert isinstance(backend, Counting)
    return backend.sizes, backend.frames


WHOLE = [SEGMENT_FRAMES] * 3 + [400 - 3 * SEGMENT_FRAMES]


def test_a_class_must_declare_bulk_decoding() -> None:
    """A subclass does not inherit the declaration, since what it changes may need each datagram by itself."""
    kinds = (Backend, LegacyBackend, LibnlBackend, LegacyOneByOne, LibnlOneByOne, Counting, CountingMore)

    assert [kind.bulk for kind in kinds] == [False, True, True, False, False, True, False]
    assert counted(Counting) == (WHOLE, [])
    assert counted(CountingMore) == ([], list(range(1, 401)))


def wrong(decoded: Decoded) -> Decoded:
    """The same with another prefix length."""
    events = [structs.replace(e, payload=structs.replace(e.payload, prefixlen=7)) for e in decoded.events]
    return structs.replace(decoded, events=events)


class WrongLegacy(LegacyBackend):
    """Decodes in a way of its own."""

    def decode(self, datagram: Datagram) -> Decoded:
        return wrong(super().decode(datagram))


class WrongLibnl(LibnlBackend):
    """Decodes in a way of its own."""

    def decode(self, datagram: Datagram) -> Decoded:
        return wrong(super().decode(datagram))


@pytest.mark.parametrize("pair", [(WrongLegacy, LibnlBackend), (LegacyBackend, WrongLibnl)])
def test_decode_of_a_subclass_is_called_for_every_datagram(pair: Pair) -> None:
    """Whatever else of its class may decode many at once."""
    replay = Replay(*pair, byteorder="little")
    replay.play(ADDRESSES)

    assert replay.judge.counts[Class.CONFLICT] == 400


@pytest.mark.parametrize("options", [{"caches": ("link",)}, {"resync": True}, {"message_pool_size": 3}])
def test_with_what_looks_at_the_kernel_each_comes_by_itself(options: dict[str, Any]) -> None:
    """With caches, recovery and a pool something is done between two datagrams."""
    assert counted(Counting, options=BackendOptions(**options)) == ([], list(range(1, 401)))


def test_with_faults_each_comes_by_itself() -> None:
    """What a fault takes is never decoded, and what follows is read from the socket."""
    assert counted(Counting, faults=(Fault(10, 5),)) == ([], [*range(1, 10), *range(15, 401)])


@pytest.mark.parametrize(
    ("kind", "expected"), [(LegacyBackend, {0, 4, 12, 16}), (LibnlBackend, {0, 4, 6, 9, 12}), (LegacyOneByOne, set())]
)
def test_which_protocols_come_in_bulk(kind: type[Backend], expected: set[int]) -> None:
    """All that are supported, but those where libnl follows the families that the kernel names."""
    lane = Replay(kind, LibnlBackend, byteorder="little").lanes[0]
    backend, factory = lane.backend, lane.factory

    assert {protocol for protocol in backend.groups if backend.in_bulk(protocol, factory.opened(protocol))} == expected


def test_a_name_that_changes_divides_what_comes_at_once() -> None:
    """Events before and after have the name of their time."""

    def link(name: bytes) -> bytes:
        return message(16, number("BxHiII", 0, 1, 3, 1, 0) + attr(3, name + b"\0"))

    renamed = [
        structs.replace(frame, data=link(b"b")) if frame.number == 100 else frame
        for frame in ADDRESSES[:SEGMENT_FRAMES]
    ]

    assert counted(Counting, renamed) == ([99, 1, SEGMENT_FRAMES - 100], [])


class Idle(LegacyBackend):
    """Does something while nothing waits, so it has to be given the occasion."""

    idles = 0

    def idle(self, protocol: int) -> bool:
        self.idles += 1
        return False


def test_a_step_of_process_that_a_subclass_replaces_is_done() -> None:
    """Once for each datagram, and again until it comes to rest."""
    replay = Replay(Idle, LibnlBackend, byteorder="little")
    replay.play(ADDRESSES)
    backend = replay.lanes[0].backend

    assert isinstance(backend, Idle)
    assert backend.idles == 400


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


def test_a_transport_around_the_recorded_one_is_read() -> None:
    """What an implementation really reads is what it is judged by."""
    replay = Replay(LegacyBackend, lambda factory, options: LibnlBackend(Factory(factory), options), byteorder="little")
    replay.play(ADDRESSES)

    assert replay.judge.counts[Class.MISSING] > 10


def test_a_request_is_no_time_of_the_kernel() -> None:
    """One that is fed with all else does not move the clock of the recorded kernel."""
    request = (20).to_bytes(4, "little") + bytes((26, 0, 1, 3)) + bytes(12)
    replay = Replay(LegacyBackend, LibnlBackend, byteorder="little", select="all")
    replay.play([Frame(1, 5000, 0, request, "out")])

    assert (replay.feed.tally.frames, replay.feed.kernel.time) == (1, 0)


def test_nothing_is_counted_twice() -> None:
    """Where some of many have an attribute that cannot be read, each still counts once, in layouts, too."""
    odd = {100, 250}
    frames = [address(n, b"\3\0\0\0" if n in odd else b"") for n in range(1, 401)]
    many, each = (Replay(LegacyBackend, LibnlBackend, byteorder="little") for _ in range(2))
    many.play(frames)
    for frame in frames:
        each.play([frame])
    status = many.lanes[1].backend.status()
    layouts = status.layouts

    assert outcome(each) == outcome(many)
    assert (status.protocols[0].events, status.protocols[0].errors) == (400, 2)
    assert layouts is not None
    assert layouts.hits + layouts.misses == 398


# -- what is raised ---------------------------------------------------------------------------------------------------


class Raises(Counting, bulk=True):
    """Raises at one frame, whether that comes by itself or among others."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        if datagram.frame == 150:
            raise RuntimeError("at 150")
        return found

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        found = super().decode_all(datagrams)
        if 150 in datagrams.frames:
            raise RuntimeError("at 150")
        return found


def crashes(replay: Replay) -> list[tuple[int, str]]:
    """Frame and text of each crash."""
    return [(found.frame, found.candidate) for found in replay.judge.details if found.cls is Class.CRASH]


def test_what_raises_in_bulk_is_reported_at_its_own_frame() -> None:
    """Its segment is decoded one by one, and the next one in bulk again."""
    replay = Replay(LegacyBackend, Raises, byteorder="little")
    replay.play(ADDRESSES)
    backend = replay.lanes[1].backend

    assert isinstance(backend, Raises)
    assert (backend.sizes, backend.frames) == (WHOLE, list(range(SEGMENT_FRAMES + 1, 2 * SEGMENT_FRAMES + 1)))
    assert crashes(replay) == [(150, "RuntimeError: at 150")]
    assert [replay.judge.counts[cls] for cls in (Class.CRASH, Class.MISSING)] == [1, 1]
    assert (replay.lanes[1].counts["events"], replay.compared.total()) == (399, 400)


def test_what_is_raised_is_reported_at_once() -> None:
    """Before the next segment is decoded."""
    reported: list[tuple[Class, int]] = []

    class Asks(Raises, bulk=True):
        def decode_all(self, datagrams: Datagrams) -> Decoded:
            seen[datagrams.frames[0]] = [frame for cls, frame in reported if cls is Class.CRASH]
            return super().decode_all(datagrams)

    seen: dict[int, list[int]] = {}
    replay = Replay(
        LegacyBackend, Asks, byteorder="little", on_difference=lambda found: reported.append((found.cls, found.frame))
    )
    replay.play(ADDRESSES)

    assert seen == {1: [], 1 + SEGMENT_FRAMES: [], 1 + 2 * SEGMENT_FRAMES: [150], 1 + 3 * SEGMENT_FRAMES: [150]}


class RaisesInBulk(Counting, bulk=True):
    """Raises whenever it is given more than one."""

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        super().decode_all(datagrams)
        raise RuntimeError("lost")


def test_what_raises_in_bulk_and_not_one_by_one_is_not_lost() -> None:
    """It is reported with the last datagram of its segment, all of which are decoded one by one."""
    replay = Replay(LegacyBackend, RaisesInBulk, byteorder="little")
    replay.play(ADDRESSES)

    assert crashes(replay) == [(frame, "RuntimeError: lost") for frame in (128, 256, 384, 400)]
    assert replay.judge.counts[Class.MISSING] == 0
    assert (replay.lanes[1].counts["events"], replay.compared.total()) == (400, 400)


def test_a_parser_that_raises_once_is_a_crash() -> None:
    """At its hundredth message, and never again."""

    class Flaky(LegacyBackend, bulk=True):
        calls = 0

        def parse_addr(self, m: Any) -> Any:
            self.calls += 1
            if self.calls == 100:
                raise RuntimeError("once")
            return super().parse_addr(m)

    replay = Replay(Flaky, LibnlBackend, byteorder="little")
    replay.play(ADDRESSES)

    assert [replay.judge.counts[cls] for cls in (Class.CRASH, Class.MISSING)] == [1, 0]
    assert (replay.lanes[0].counts["events"], replay.compared.total()) == (400, 400)


class Mixes(LibnlBackend, bulk=True):
    """Gives what cannot be told apart by datagrams: an event is said to be of another frame."""

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        found = super().decode_all(datagrams)
        found.events[-1] = structs.replace(found.events[-1], frame=found.events[0].frame)
        return structs.replace(found, events=found.events[1:] + found.events[:1] * 2)


def test_what_cannot_be_told_apart_is_decoded_one_by_one() -> None:
    """Nothing is counted of the first try."""
    replay = Replay(LegacyBackend, Mixes, byteorder="little")
    replay.play(ADDRESSES)

    assert (set(replay.judge.totals()), replay.lanes[1].counts["events"]) == ({Class.ENHANCEMENT}, 400)
