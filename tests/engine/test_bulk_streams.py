"""Streams of all that a recording may hold, decoded in bulk and one by one: nothing may differ.

What is drawn: messages of the kinds that share segments and others, several in one, cut, padded and damaged; requests,
dumps and answers among them; links that come, change, are renamed and go; other protocols, directions, gaps in the
numbers, times that go back, packets that the recording cut.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.capture import Batch, Frame
from nlmon.capture.base import alike
from nlmon.engine.feed import Feed
from nlmon.engine.replay import Replay
from nlmon.testing.messages import attr, message, number
from support.bulk import LegacyOneByOne, LibnlOneByOne, Pair, outcome
from support.examples import examples

LONGEST = 300


class Astray(LegacyBackend, bulk=True):
    """Says of an address now and then what is not so, raises, or gives nothing."""

    def parse_addr(self, m: Any) -> Any:
        payload, index = super().parse_addr(m)
        turn = m.datagram.frame % 23
        if turn == 17:
            raise ValueError("astray")
        if turn == 7 and payload is not None:
            return structs.replace(payload, prefixlen=99), index
        return (None, index) if turn == 11 else (payload, index)


class AstrayOneByOne(Astray):
    """The same, which is given every datagram by itself."""


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


# Two implementations in bulk, and the same one by one.
PAIRS = [
    pytest.param((LegacyBackend, LibnlBackend), (LegacyOneByOne, LibnlOneByOne), id="sound"),
    pytest.param(
        *((LibnlBackend, LegacyBackend), (LibnlOneByOne, LegacyOneByOne)), id="rollback", marks=pytest.mark.long
    ),
    pytest.param((Astray, LibnlBackend), (AstrayOneByOne, LibnlOneByOne), id="astray", marks=pytest.mark.slow),
]
STREAMS = st.builds(
    lambda seed, frames: list(stream(random.Random(seed), frames)), st.integers(0, 1 << 32), st.integers(1, LONGEST)
)
Given = list[Any]


def given_by_each(pair: Pair, batches: list[Batch], select: Any) -> tuple[tuple[Given, Given], int]:
    """What each implementation gave, in order, and how many datagrams came in bulk."""
    feed, found, many = Feed(pair, "little", select=select), (Given(), Given()), 0
    feed.start()
    steps = [step for batch in batches for step in feed.steps(batch)] + list(feed.flush())
    for step in steps:
        many += len(step.datagrams) if len(step.datagrams) > 1 and step.what == "fed" else 0
        for results, given_ in zip(step.results, found, strict=step.results != ()):
            for side in results.sides():
                given_ += [*side.events, *map(str, side.errors), side.crash, side.subscribed]
    return found, many


def batches_of(frames: list[Frame]) -> list[Batch]:
    """The frames in batches that follow each other at once, as a reader of a file gives them."""
    starts = [0, *(n for n, (one, other) in enumerate(pairwise(frames), 1) if not alike(one, other)), len(frames)]
    made = [Batch.of(frames[begin:end]) for begin, end in pairwise(starts) if begin < end]
    for one in made:
        one.more = True
    return made


@pytest.mark.parametrize("select", ["notifications", "all"])
@pytest.mark.parametrize(("bulk", "one_by_one"), PAIRS)
@examples(15)
@given(frames=STREAMS)
def test_what_is_given_in_bulk_is_given_one_by_one(
    bulk: Pair, one_by_one: Pair, select: str, frames: list[Frame]
) -> None:
    """Events, with the names in them, errors and crashes, in order."""
    each, _ = given_by_each(one_by_one, [Batch.of([frame]) for frame in frames], select)
    many, _ = given_by_each(bulk, batches_of(frames), select)

    assert many == each


@pytest.mark.slow
@pytest.mark.parametrize("select", ["notifications", "all"])
@pytest.mark.parametrize(("bulk", "one_by_one"), PAIRS)
@examples(15)
@given(frames=STREAMS)
def test_bulk_shows_in_nothing(bulk: Pair, one_by_one: Pair, select: Any, frames: list[Frame]) -> None:
    """Counts, times, links, states and differences are the same, whether frames come one by one, in batches that each
    end what they begin, or in batches that follow each other at once."""
    each, single, play, many = (
        Replay(*pair, byteorder="little", select=select) for pair in (one_by_one, bulk, bulk, bulk)
    )
    for frame in frames:
        each.play([frame])
        single.play([frame])
    play.play(frames)
    for batch in batches_of(frames):
        many.add(batch)
    for replay in (each, single, play, many):
        replay.finish()
    expected = outcome(each)

    for replay in (single, play, many):
        assert outcome(replay) == expected


def test_streams_come_in_bulk() -> None:
    """Else the laws would say nothing: of a stream, a good part is given in bulk."""
    frames = list(stream(random.Random(1), LONGEST))
    _, many = given_by_each((LegacyBackend, LibnlBackend), batches_of(frames), "notifications")
    _, single = given_by_each((LegacyBackend, LibnlBackend), [Batch.of([frame]) for frame in frames], "notifications")

    assert (many > 100, single) == (True, 0)
