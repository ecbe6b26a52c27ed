"""A cut is read as the frames were: the same places in the conversation, and the same differences, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder, open_capture
from nlmon.capture.base import Batch, Frame, alike
from nlmon.capture.conversation import Conversation
from nlmon.capture.segment import Place
from nlmon.compare.difference import Class, Difference
from nlmon.engine.cut import Cut, Ranges, find_cut
from nlmon.engine.replay import Replay
from nlmon.events import Event
from nlmon.testing.messages import attr, message
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.base import Make, changing
from support.examples import examples
from support.paths import FIXTURES

CAPTURES = FIXTURES / "captures"
# All recordings that are read in a moment.
NAMES = sorted(
    str(path.relative_to(CAPTURES)) for path in CAPTURES.rglob("*.pcap*") if "07" not in path.name and path.is_file()
)
# What is said of the whole recording, and of the states, which a cut does not carry over.
OF_ALL = {Class.STATE, Class.COUNTER}


def wrong(event: Event) -> Event:
    """Every event differs in what the message says, and in the name that its index has."""
    return structs.replace(event, interface=None, seq=event.seq + 1)


WRONG = changing(wrong)


@cache
def recording(name: str) -> tuple[ByteOrder, list[Frame]]:
    with open_capture(CAPTURES / name) as reader:
        return reader.info.byteorder, list(reader)


def cut_of(name: str, pairs: list[tuple[int, int | None]]) -> tuple[Cut, list[Frame], list[int]]:
    """A cut, its frames as a file of them would have them, and their numbers in the recording."""
    order, frames = recording(name)
    ranges = Ranges(pairs)
    cut = find_cut(batches(frames), order, ranges)
    kept = [frame for frame in frames if frame.number in ranges or frame.number in cut.needed]
    made = [structs.replace(frame, number=number) for number, frame in enumerate(kept, 1)]
    return cut, made, [frame.number for frame in kept]


def batches(frames: list[Frame]) -> Iterator[Batch]:
    begin = 0
    for at in range(1, len(frames) + 1):
        if at == len(frames) or not alike(frames[at - 1], frames[at]) or at - begin == 100:
            yield Batch.of(frames[begin:at])
            begin = at


def differences(order: ByteOrder, frames: list[Frame], bad: Make = WRONG) -> list[Difference]:
    """What an implementation differs in, by default one with every event wrong."""
    found: list[Difference] = []
    replay = Replay(partial(create, "legacy"), bad, byteorder=order, on_difference=found.append)
    replay.play(frames)
    replay.finish()
    return [one for one in found if bad is not WRONG or one.cls not in OF_ALL]


@cache
def all_differences(name: str) -> list[Difference]:
    return differences(*recording(name))


def places(order: ByteOrder, frames: list[Frame]) -> list[Place]:
    conversation = Conversation(order)
    return [conversation.place(frame) for frame in frames]


@cache
def all_places(name: str) -> list[Place]:
    return places(*recording(name))


@st.composite
def cuts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int | None]]]:
    """A recording and one range of it, or several."""
    name = draw(st.sampled_from(NAMES))
    last = recording(name)[1][-1].number
    begins = draw(st.lists(st.integers(1, last), min_size=1, max_size=3))
    return name, [(begin, begin + draw(st.integers(0, 60))) for begin in begins]


def assert_same(name: str, pairs: list[tuple[int, int | None]]) -> None:
    """The law, of one cut."""
    order, frames = recording(name)
    ranges = Ranges(pairs)
    _, made, numbers = cut_of(name, pairs)
    original = {number: n for n, number in enumerate(numbers, 1)}
    asked = [frame.number for frame in frames if frame.number in ranges]
    place_of = dict(zip((frame.number for frame in frames), all_places(name), strict=True))
    found = [structs.replace(one, frame=numbers[one.frame - 1]) for one in differences(order, made) if one.frame]

    assert [places(order, made)[original[one] - 1] for one in asked] == [place_of[one] for one in asked]
    assert [one for one in found if one.frame in ranges] == [
        one for one in all_differences(name) if one.frame in ranges
    ]


@pytest.mark.slow
@given(cuts())
@examples(30)
def test_a_cut_has_the_same_differences(cut: tuple[str, list[tuple[int, int | None]]]) -> None:
    """Whatever is cut out of which recording: each frame has its place in the conversation and its differences."""
    assert_same(*cut)


def test_differences_are_there_to_be_lost() -> None:
    """The law would say nothing about frames without differences, nor about those without names."""
    found = all_differences("linux-6.12/01-route-basic.pcap.zst")

    assert len({one.frame for one in found}) > 100
    assert {"interface", "seq"} <= {one.field for one in found}


# Mistakes that leave a wrong state behind, each by another way.
FORGETFUL = ("N19: no type", "no event", "no place", "a list of names", "no group of IPv6 rules")


@pytest.mark.slow
@pytest.mark.parametrize("mistake", FORGETFUL)
def test_the_frames_up_to_a_difference_of_states_have_it(mistake: str) -> None:
    """The same object, field and values at the same frame, whatever the recording says of it later on."""
    order, frames = recording("linux-6.12/01-route-basic.pcap.zst")
    bad = ZOO[mistake].make
    of_states = [one for one in differences(order, frames, bad) if one.cls is Class.STATE]
    ends = sorted({one.frame for one in of_states})[:3]

    assert ends
    for end in ends:
        found = differences(order, frames[:end], bad)
        assert [one for one in of_states if one.frame == end and one not in found] == []


def test_without_what_they_need_frames_are_not_the_same() -> None:
    """A few frames alone differ in names, or stand elsewhere in the conversation: the law can fail."""
    name = "linux-6.12/01-route-basic.pcap.zst"
    order, frames = recording(name)
    lost = []
    for first in range(100, 600, 50):
        cut, *_ = cut_of(name, [(first, first + 5)])
        alone = [structs.replace(frame, number=n) for n, frame in enumerate(frames[first - 1 : first + 5], 1)]
        found = [structs.replace(one, frame=one.frame + first - 1) for one in differences(order, alone)]
        if found != [one for one in all_differences(name) if first <= one.frame <= first + 5]:
            lost.append((first, bool(cut.needed)))

    assert len(lost) > 3
    assert all(needed for _, needed in lost)


@pytest.mark.parametrize(
    ("pairs", "joined", "last"),
    [
        ([(5, 5)], [(5, 5)], 5),
        ([(7, 9), (1, 3)], [(1, 3), (7, 9)], 9),
        ([(1, 3), (4, 6)], [(1, 6)], 6),
        ([(1, 9), (2, 3), (9, 12)], [(1, 12)], 12),
        ([(4, None), (9, 12), (2, 2)], [(2, 2), (4, None)], None),
        ([(1, None), (1, 2)], [(1, None)], None),
    ],
)
def test_ranges_are_joined(
    pairs: list[tuple[int, int | None]], joined: list[tuple[int, int | None]], last: int | None
) -> None:
    """In order, and where they touch or overlap; what is in one is in them."""
    ranges = Ranges(pairs)
    inside = {frame for frame in range(1, 20) if any(a <= frame <= (b or 20) for a, b in pairs)}

    assert (ranges.pairs, ranges.last) == (joined, last)
    assert {frame for frame in range(20) if frame in ranges} == inside


def link(index: int, name: str = "", *, kind: int = 16, **header: int) -> bytes:
    """A message of a link."""
    body = bytes(4) + index.to_bytes(4, "little") + bytes(8)
    return message(kind, body + (attr(3, name.encode() + b"\0") if name else b""), **header)


def recorded(*messages: bytes) -> list[Frame]:
    return [Frame(number, number, 0, data) for number, data in enumerate(messages, 1)]


@pytest.mark.parametrize(
    ("messages", "first", "needed"),
    [
        pytest.param([link(9, "a"), link(8, "b"), link(9)], 3, {1: "link"}, id="the name of its interface alone"),
        pytest.param([link(9, "a"), link(9, "a"), link(9)], 3, {1: "link"}, id="where it was announced first"),
        pytest.param([link(9, "a"), link(9, "b"), link(9)], 3, {2: "link"}, id="the name that it has now"),
        pytest.param([link(9, "a"), link(9, "a", kind=17), link(9)], 3, {2: "link"}, id="that it has none any more"),
        pytest.param([link(9, "a"), link(9, "b")], 2, {}, id="a name that it gives itself"),
        pytest.param(
            [link(9, kind=18, flags=1, seq=5), link(9, "a", seq=5, pid=7), link(9)],
            3,
            {1: "request", 2: "link"},
            id="a reply with its request",
        ),
        pytest.param(
            [
                *(message(18, bytes(16), flags=0x301, seq=5), link(9, "a", flags=2, seq=5, pid=7)),
                *(link(8, "b", flags=2, seq=5, pid=7), message(3, bytes(4), flags=2, seq=5, pid=7)),
            ],
            4,
            {1: "request", 2: "dump", 3: "dump"},
            id="the dump that it ends",
        ),
        pytest.param(
            [
                *(message(18, bytes(16), flags=0x301, seq=5), link(9, "a", flags=2, seq=5, pid=7)),
                *(message(3, bytes(4), flags=2, seq=5, pid=7), link(9)),
            ],
            4,
            {2: "link"},
            id="of a dump that is over the part with the name",
        ),
        pytest.param(
            [message(18, bytes(16), flags=5, seq=5), message(2, bytes(4) + message(18, seq=5), seq=5)],
            2,
            {1: "request"},
            id="the request that it refuses",
        ),
    ],
)
def test_what_a_frame_needs(messages: list[bytes], first: int, needed: dict[int, str]) -> None:
    """Each frame before it with what for, and no other."""
    assert find_cut(batches(recorded(*messages)), "little", Ranges([(first, None)])).needed == needed


def test_an_answer_to_a_request_that_is_kept_is_needed() -> None:
    """Else a later answer with the same number would be taken for it."""
    frames = recorded(link(9, kind=18, flags=1, seq=5), link(9, "a", seq=5, pid=7), link(8, "b"), link(8, "c"))

    assert find_cut(batches(frames), "little", Ranges([(1, 1), (4, 4)])).needed == {2: "answer"}


def test_a_family_is_needed_by_its_messages() -> None:
    """And by no other frame."""
    family = message(16, bytes([1, 2, 0, 0]) + attr(1, (30).to_bytes(2, "little")) + attr(2, b"x\0"))
    frames = [
        structs.replace(one, protocol=16) for one in recorded(family, message(30, bytes(4)), message(31, bytes(4)))
    ]

    assert find_cut(batches(frames), "little", Ranges([(2, 2)])).needed == {1: "family"}
    assert find_cut(batches(frames), "little", Ranges([(3, 3)])).needed == {}


def test_reading_ends_with_the_last_frame_that_is_asked_for() -> None:
    """What follows is not read."""
    frames = recorded(*[link(9, "a")] * 4)

    def some() -> Iterator[Batch]:
        yield Batch.of(frames)
        pytest.fail("it was read on", pytrace=False)

    assert find_cut(some(), "little", Ranges([(1, 3)])) == Cut(3, {}, 3)
    assert find_cut(chain(batches(frames)), "little", Ranges([(9, None)])) == Cut(0, {}, 4)
