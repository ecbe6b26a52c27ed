"""Streams of all that a recording may hold, taken in runs and frame by frame: nothing may differ.

What is drawn: messages of the kinds that runs are made of and others, several in one, cut, padded and damaged;
requests, dumps and answers among them; links that come, change, are renamed and go; other protocols, directions, gaps
in the numbers, times that go back, packets that the recording cut.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.registry import create
from nlmon.capture import Frame
from nlmon.engine.lane import BackendMaker, Lane
from nlmon.engine.replay import Replay
from nlmon.engine.segments import Runs
from nlmon.testing.messages import attr, message, number
from nlmon.wire import Datagram, Datagrams

pytestmark = pytest.mark.slow

legacy, libnl = partial(create, "legacy"), partial(create, "libnl")


def strays(factory: Any, options: Any) -> LegacyBackend:
    """Legacy itself, but a parser of this object says now and then what is not so, raises, or gives nothing."""
    made = LegacyBackend(factory, options)
    parse, size = made._methods[0][20]

    def astray(m: Any) -> Any:
        payload, index = parse(m)
        turn = m.datagram.frame % 23
        if m.datagram.frame == 300:
            raise ValueError("astray")
        if turn == 7 and payload is not None:
            return structs.replace(payload, prefixlen=99), index
        return (None, index) if turn == 11 else (payload, index)

    made._methods[0][20] = astray, size
    return made


def body_of(chance: random.Random, count: int, names: dict[int, bytes]) -> tuple[int, bytes]:
    """Type and body of a message."""
    index, one = chance.randrange(1, 5), chance.random()
    if one < 0.5:
        own = bytes((10, 0, count >> 8 & 255, count & 255))
        return chance.choice((20, 20, 20, 21)), number("BBBBI", 2, 24, 0x80, 0, index) + attr(2, own)
    if one < 0.7:
        names[index] = chance.choice((names.get(index, b"a"), b"if%d" % index, b"b%d" % chance.randrange(3)))
        head = number("BxHiII", chance.choice((0, 0, 0, 0, 7)), 1, index, chance.choice((0, 1)), 0)
        return chance.choice((16, 16, 16, 16, 16, 17)), head + attr(3, names[index] + b"\0")
    if one < 0.8:
        head = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0)
        return chance.choice((24, 24, 25)), head + attr(1, bytes((10, 1, index, 0))) + attr(4, number("I", index))
    if one < 0.88:
        return chance.choice((28, 29)), number("BxxxiHBB", 2, index, 2, 0, 1) + attr(1, bytes((10, 0, 0, index)))
    if one < 0.92:
        return 18, number("BxHiII", 0, 1, index, 1, 0)
    return chance.choice(((99, bytes(16)), (20, b"\2\0"), (2, bytes(20)), (3, bytes(4)), (20, bytes(40))))


def stream(chance: random.Random, frames: int) -> Iterator[Frame]:
    names: dict[int, bytes] = {}
    direction, place = "", 0
    for count in range(frames):
        kind, body = body_of(chance, count, names)
        flags = chance.choice((0,) * 16 + (1, 2, 0x100, 0x301))
        seq, pid = chance.choice((0,) * 9 + (7, 8)), chance.choice((0,) * 9 + (100,))
        data = message(kind, body, flags=flags, seq=seq, pid=pid)
        cut = chance.random()
        if cut < 0.03:
            data += message(*body_of(chance, count, {}))
        elif cut < 0.08:
            data += chance.choice((bytes(4), b"\1\2\3\4\5", b"\1", bytes(2)))
        elif cut < 0.1:
            data = data[: chance.randrange(len(data))]
        if chance.random() < 0.05:
            direction = chance.choice(("",) * 8 + ("in", "in", "out"))
        place += chance.choice((1,) * 40 + (3,))
        protocol, lost = chance.choice((0,) * 40 + (4, 6, 16)), chance.choice((0,) * 30 + (4,))
        time = 1000 * count - chance.choice((0,) * 9 + (5000,))
        yield Frame(place, time, protocol, data, direction, 0, 0, lost)  # type: ignore[arg-type]


class Watched(Replay):
    """Notes what each lane gave, however it came, with the names of interfaces."""

    def __init__(self, pair: tuple[BackendMaker, BackendMaker], runs: bool) -> None:
        self.given: tuple[list[Any], list[Any]] = [], []
        self.in_run = 0
        self.inside = False
        super().__init__(*pair, byteorder="little")
        if not runs:
            self._runs = Runs(self._conversation, [], ())

    def _together(self, batch: Any) -> bool:
        self.inside = True
        found = super()._together(batch)
        self.inside = False
        for lane, given in zip(self.lanes, self.given, strict=True) if found else ():
            for place, event in enumerate(lane.many.taken):
                odd = lane.many.odd.get(place)
                given += [event] if odd is None else [*odd.events, *map(str, odd.errors)]
        self.in_run += len(batch.data) if found else 0
        return found

    def _heard(self, datagram: Datagram, found: list[int], **how: bool) -> None:
        for lane, given in zip(self.lanes, self.given, strict=True) if not self.inside else ():
            given += [*lane.events, *map(str, lane.errors)]
        super()._heard(datagram, found, **how)  # type: ignore[arg-type]


def outcome(replay: Watched) -> list[Any]:
    """All that a replay has found."""
    judge, lanes = replay.judge, replay.lanes
    counts = [replay.frames, replay.messages, replay.last_frame, replay.compared, replay.cut, replay.copies.repeats]
    words = [replay.roles, replay.not_subscribed, replay.not_covered, replay.copies.notifications]
    sides = [
        (
            lane.totals,
            lane.problems,
            lane.unknown,
            lane.factory.time,
            lane.factory.links,
            lane.backend.status().protocols,
        )
        for lane in lanes
    ]
    states = [(lane.state.tables, lane.state.unannounced, lane.backend._frames) for lane in lanes]
    return [counts, words, sides, states, judge.details, judge.totals(), judge.enhancements, replay.given]


PAIRS: dict[str, tuple[BackendMaker, BackendMaker]] = {
    "sound": (legacy, libnl),
    "rollback": (libnl, legacy),
    "astray": (strays, libnl),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_runs_show_in_nothing(pair: tuple[BackendMaker, BackendMaker], seed: int) -> None:
    """Counts, words, times, links, states, differences and events, with the names in them, are the same."""
    frames = list(stream(random.Random(seed), 400))
    together, alone = Watched(pair, True), Watched(pair, False)
    together.play(frames)
    for frame in frames:
        alone.feed(frame)

    assert together.in_run > 50
    for one, other in zip(outcome(together), outcome(alone), strict=True):
        assert one == other


def test_a_batch_of_the_reader_is_taken_as_frames_are() -> None:
    """Whether frames come one by one or as they stand in a batch."""
    frames = list(stream(random.Random(99), 200))
    pair: tuple[BackendMaker, BackendMaker] = (legacy, libnl)
    many, one = Watched(pair, True), Watched(pair, True)
    many.play(frames)
    for frame in frames:
        one.feed(frame)

    assert outcome(many) == outcome(one)


def owed(crashes: dict[int, str]) -> list[str]:
    """What ``Many`` tells, frame by frame, after ``decode_all`` raised of four; some frames crash by themselves."""

    class Lost(LegacyBackend):
        def decode_all(self, datagrams: Any) -> Any:
            raise RuntimeError("lost")

        def steady(self) -> bool:
            return True

    lane = Lane(Lost, "little", select_all=False)
    lane.start((0,))
    run = Datagrams(1, 0, [0] * 4, [message(20, number("BBBBI", 2, 24, 0x80, 0, 3))] * 4)
    many = lane.many
    many.look()
    assert (many.may_take(run.data), many.take(run), many.may_take(run.data)) == (True, None, False)
    return [str(many.owed(frame, crashes.get(frame, "")) or "") for frame in range(1, 7)]


@pytest.mark.parametrize(
    ("crashes", "told"),
    [
        ({}, {4: "lost"}),
        ({2: "RuntimeError: lost"}, {}),
        ({2: "KeyError: other"}, {4: "lost"}),
        ({4: "KeyError: other", 5: "KeyError: other"}, {6: "lost"}),
    ],
)
def test_what_was_raised_is_told_once(crashes: dict[int, str], told: dict[int, str]) -> None:
    """With the last of them or soon after, unless the very same was raised again before."""
    assert owed(crashes) == [told.get(frame, "") for frame in range(1, 7)]
