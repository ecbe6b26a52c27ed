"""Segments: which frames share one, in which order they come, and that nothing else of a recording changes by that.

Not here: the place of a single frame (``test_conversation``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlmon.capture import Batch, Frame, open_capture
from nlmon.capture.conversation import Conversation
from nlmon.capture.segment import ASIDE, Segment
from nlmon.capture.segmenter import SEGMENT_BYTES, SEGMENT_FRAMES, Segmenter
from nlmon.framing import types
from nlmon.testing.messages import attr, generic, message, new_family, number
from support.paths import CAPTURES

NEWADDR, GETADDR, NEWROUTE = 20, 22, 24
ADDR = message(NEWADDR, number("BBBBI", 2, 24, 0, 0, 3))
ROUTE = message(NEWROUTE, number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0))
ASKED = message(GETADDR, bytes(8), flags=0x1, seq=7, pid=9)
ANSWER = message(NEWADDR, bytes(8), seq=7, pid=9)
ACKNOWLEDGED = message(2, bytes(20))
N, DUMP, REPLY, REQUEST, CONTROL = "notification", "dump", "reply", "request", "control"
Shown = list[tuple[str, list[int]]]


def batch(*data: bytes, first: int = 1, protocol: int = 0, **shared: Any) -> Batch:
    """A batch whose frames are numbered from ``first`` and have their number as time."""
    numbers = list(range(first, first + len(data)))
    return Batch(first, protocol, timestamps=numbers, data=list(data), offsets=numbers, **shared)


def segments(*batches: Batch, **how: bool) -> Iterator[Segment]:
    """The segments of batches that are all of a recording."""
    segmenter = Segmenter("little")
    for one in batches:
        yield from segmenter.segments(one, **how)
    yield from segmenter.flush()


def shown(*batches: Batch, **how: bool) -> Shown:
    """Role and frames of each segment."""
    return [(one.place.role.value, list(one.datagrams.frames)) for one in segments(*batches, **how)]


CASES: dict[str, tuple[Batch, Shown]] = {
    "notifications": (batch(ADDR, ROUTE, ADDR), [(N, [1, 2, 3])]),
    "of any type": (batch(ADDR, message(250, bytes(4)), ADDR), [(N, [1, 2, 3])]),
    "caused by a request": (batch(message(NEWADDR, bytes(8), seq=5, pid=4), ROUTE), [(N, [1, 2])]),
    "an acknowledgement": (batch(ADDR, ACKNOWLEDGED, ADDR), [(CONTROL, [2]), (N, [1, 3])]),
    "a request": (batch(ADDR, message(NEWADDR, bytes(8), flags=1), ADDR), [(REQUEST, [2]), (N, [1, 3])]),
    "requests and acknowledgements": (
        batch(ADDR, ASKED, ACKNOWLEDGED, ADDR, ASKED, ACKNOWLEDGED),
        [(REQUEST, [2, 5]), (CONTROL, [3, 6]), (N, [1, 4])],
    ),
    "a flag that is none of a request, from the kernel": (
        batch(message(NEWADDR, bytes(8), flags=1), ADDR, direction="in"),
        [(N, [1, 2])],
    ),
    "sent to the kernel": (batch(ADDR, ADDR, direction="out"), [(REQUEST, [1, 2])]),
    "part of a dump": (
        batch(ADDR, message(NEWADDR, bytes(8), flags=2, seq=1), ADDR),
        [(N, [1]), (DUMP, [2]), (N, [3])],
    ),
    "of several parts, but nobody's answer": (batch(message(NEWADDR, bytes(8), flags=2), ADDR), [(N, [1, 2])]),
    "an answer": (batch(ADDR, ASKED, ADDR, ANSWER, ADDR), [(N, [1, 3]), (REPLY, [4]), (REQUEST, [2]), (N, [5])]),
    "with the number of a request, and no answer": (
        batch(ASKED, message(NEWROUTE, bytes(12), seq=7, pid=9), ADDR),
        [(N, [2]), (REQUEST, [1]), (N, [3])],
    ),
    "nobody has asked": (batch(ANSWER, ADDR), [(N, [1, 2])]),
    "a notification behind an acknowledgement": (batch(ADDR, ACKNOWLEDGED + ADDR), [(N, [1]), (N, [2])]),
    "two messages": (batch(ADDR, ADDR + ROUTE, ADDR), [(N, [1]), (N, [2]), (N, [3])]),
    "with padding": (batch(message(NEWADDR, bytes(9)), ADDR), [(N, [1, 2])]),
    "without its padding": (batch(message(NEWADDR, bytes(9))[:-3], ADDR), [(N, [1, 2])]),
    "with more than padding": (batch(ADDR + bytes(4), ADDR), [(N, [1]), (N, [2])]),
    "cut": (batch(ADDR[:-4], ADDR), [(N, [1]), (N, [2])]),
    "no header": (batch(ADDR[:12], ADDR), [(N, [1]), (N, [2])]),
    "cut by the recording": (batch(ADDR, ADDR, truncated=4), [(N, [1]), (N, [2])]),
    "another protocol": (batch(ADDR, ADDR, protocol=12), [(N, [1, 2])]),
    "generic": (batch(generic(40, 1), generic(40, 1), protocol=16), [(N, [1]), (N, [2])]),
    "nothing": (batch(), []),
}


@pytest.mark.parametrize(("given_", "expected"), CASES.values(), ids=CASES.keys())
def test_what_shares_a_segment(given_: Batch, expected: Shown) -> None:
    """Notifications of one whole message each; of what no listener receives, all that has the same place."""
    assert shown(given_) == expected


ALL = batch(ADDR, ASKED, ADDR, ROUTE, ACKNOWLEDGED, ANSWER, ADDR)


def test_in_order_nothing_is_set_aside() -> None:
    """Requests and acknowledgements stand where they were recorded, and end the segment before them."""
    assert shown(ALL, in_order=True) == [
        *[(N, [1]), (REQUEST, [2]), (N, [3, 4]), (CONTROL, [5])],
        *[(REPLY, [6]), (N, [7])],
    ]


@pytest.mark.parametrize("in_order", [False, True])
def test_without_bulk_each_frame_is_a_segment(in_order: bool) -> None:
    """In the order of the recording."""
    words = [N, REQUEST, N, N, CONTROL, REPLY, N]

    assert shown(ALL, bulk=False, in_order=in_order) == [(word, [n]) for n, word in enumerate(words, 1)]


def test_a_segment_goes_on_in_the_next_batch() -> None:
    """Of a batch that says that another follows, notifications wait for it; what is set aside does not."""
    first, gap = batch(ADDR, ASKED, more=True), batch(ADDR, first=9)
    segmenter = Segmenter("little")
    found = [[list(s.datagrams.frames) for s in segmenter.segments(one)] for one in (first, gap)]

    assert (found, list(segmenter.flush())) == ([[[2]], [[1, 9]]], [])


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (batch(ADDR, first=2, protocol=12), [(N, [1]), (N, [2])]),
        (batch(ADDR, first=2, truncated=4), [(N, [1]), (N, [2])]),
        (batch(ADDR, first=2, direction="in"), [(N, [1, 2])]),
        (batch(ADDR, first=2, direction="out"), [(REQUEST, [2]), (N, [1])]),
        (batch(first=2), [(N, [1])]),
    ],
)
def test_what_ends_a_segment_between_batches(second: Batch, expected: Shown) -> None:
    """All of a segment have one protocol, and nothing was truncated; who sent them does not matter."""
    assert shown(batch(ADDR, more=True), second) == expected


@pytest.mark.parametrize("more", [False, True])
def test_what_still_waits_is_given_in_the_end(more: bool) -> None:
    """Without another batch nothing waits; else ``flush`` gives it, once."""
    segmenter = Segmenter("little")
    given_, rest, nothing = (
        [list(s.datagrams.frames) for s in some]
        for some in (segmenter.segments(batch(ADDR, more=more)), segmenter.flush(), segmenter.flush())
    )

    assert (given_, rest, nothing) == (([], [[1]], []) if more else ([[1]], [], []))


def test_a_segment_is_bounded_in_frames() -> None:
    """It ends with the frame that fills it, also across batches."""
    sizes = [len(s.datagrams) for s in segments(*[batch(*[ADDR] * (SEGMENT_FRAMES - 1), more=True)] * 2)]

    assert sizes == [SEGMENT_FRAMES, SEGMENT_FRAMES - 2]


def test_a_segment_is_bounded_in_bytes() -> None:
    """It ends with the frame that fills it."""
    large = message(NEWADDR, bytes(SEGMENT_BYTES // 2))

    assert shown(batch(*[large] * 5)) == [(N, [1, 2]), (N, [3, 4]), (N, [5])]


def test_a_datagram_is_what_the_frame_was() -> None:
    """Number, time, bytes and what was truncated; an answer has its request."""
    given_ = [batch(ASKED, ADDR, ANSWER), batch(ADDR, first=7, truncated=4), batch(ADDR, first=8, protocol=12)]
    found = {one.frame: one for segment in segments(*given_) for one in segment.datagrams}
    rows = [(one.frame, one.timestamp, one.protocol, one.data, one.truncated, one.request) for one in found.values()]

    assert sorted(rows) == [
        (1, 1, 0, ASKED, 0, b""),
        (2, 2, 0, ADDR, 0, b""),
        (3, 3, 0, ANSWER, 0, ASKED),
        (7, 7, 0, ADDR, 4, b""),
        (8, 8, 12, ADDR, 0, b""),
    ]


# -- laws ---------------------------------------------------------------------------------------------------------

KINDS = (NEWADDR, GETADDR, NEWROUTE, 26, 16, 18, 30, 44, 104, 2, 3)
PACKETS = st.builds(
    message,
    st.sampled_from(KINDS),
    st.sampled_from((bytes(8), bytes(20), bytes(9), bytes(4) + ASKED)),
    flags=st.sampled_from((0, 0, 0, 1, 2, 0x301, 0x305)),
    seq=st.integers(0, 2),
    pid=st.integers(0, 2),
)
FAMILIES = st.sampled_from((new_family(40, "ethtool"), generic(40, 2, attr(1)), generic(40, 1)))
DATAGRAMS = st.one_of(
    PACKETS,
    st.builds(lambda one, other: one + other, PACKETS, PACKETS),
    st.builds(lambda one, size: one[:size], PACKETS, st.integers(0, 40)),
    FAMILIES,
)
BATCHES = st.lists(
    st.tuples(
        st.lists(DATAGRAMS, max_size=6),
        st.sampled_from((0, 0, 0, 12, 16)),
        st.sampled_from(("", "", "in", "out")),
        st.sampled_from((0, 0, 0, 4)),
        st.booleans(),
        st.integers(0, 2),
    ),
    max_size=8,
)


def follow(segmenter: Segmenter, batches: list[Batch], **how: bool) -> list[Segment]:
    """The segments of batches, with the bounds that each must keep."""
    found = [*chain.from_iterable(segmenter.segments(one, **how) for one in batches), *segmenter.flush()]
    for segment in found:
        data, numbers = segment.datagrams.data, list(segment.datagrams.frames)
        assert 0 < len(data) <= SEGMENT_FRAMES
        assert numbers == sorted(set(numbers))
        if len(data) > 1 and segment.place.role not in ASIDE:
            assert (segment.place.role.value, {len(types(one, "little")) for one in data}) == (N, {1})
    return found


def check(batches: list[Batch], **how: bool) -> None:
    """Hold the segments of batches against the place of each frame by itself."""
    by_frame, by_segment = Conversation("little"), Segmenter("little")
    frames: list[Frame] = [frame for one in batches for frame in one.frames()]
    places = {frame.number: by_frame.place(frame) for frame in frames}
    found = follow(by_segment, batches, **how)
    given_ = [(number_, segment.place) for segment in found for number_ in segment.datagrams.frames]

    assert len(given_) == len(places)
    assert dict(given_) == places
    assert all(one.messages == sum(len(types(d, "little")) for d in one.datagrams.data) for one in found)
    in_place = [number_ for number_, place in given_ if how.get("in_order") or place.role not in ASIDE]
    assert in_place == sorted(in_place)
    other = by_segment.conversation
    assert other.pending.keys() == by_frame.pending.keys()
    assert (other._echoed, other._announcing) == (by_frame._echoed, by_frame._announcing)


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"in_order": True}, {"bulk": False}], ids=["bulk", "in order", "frame by frame"])
@settings(deadline=None)
@given(rows=BATCHES)
def test_each_frame_comes_once_in_its_place(how: dict[str, bool], rows: list[tuple[Any, ...]]) -> None:
    """Its role is the one that the conversation gives to the frame by itself, notifications and answers keep their
    order, and the conversation knows afterwards what it would have known."""
    batches, first = [], 1
    for data, protocol, direction, truncated, more, gap in rows:
        batches.append(
            batch(*data, first=first, protocol=protocol, direction=direction, truncated=truncated, more=more)
        )
        first += len(data) + gap
    check(batches, **how)


@pytest.mark.parametrize("name", ["01-route-basic", "03-nl80211", "04-conntrack", "05-sock_diag", "08-tc"])
@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_recordings_keep_the_law(kernel: str, name: str) -> None:
    """As it was recorded each frame comes once, in its place."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        check(list(reader.batches()))
