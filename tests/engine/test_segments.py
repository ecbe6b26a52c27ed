"""Runs: what may be taken together is a notification each, of one whole message, that tells no news."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.capture import Batch, Frame, open_capture
from nlmon.capture.base import alike
from nlmon.capture.conversation import NOTIFICATION, Conversation
from nlmon.engine.segments import MOST, MOST_BYTES, Runs
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.transport import ReplayFactory
from nlmon.wire import Datagram, Datagrams
from support.paths import FIXTURES

NEWLINK, DELLINK, NEWADDR, GETADDR, NEWROUTE = 16, 17, 20, 22, 24
TYPES = frozenset({NEWLINK, DELLINK, NEWADDR, NEWROUTE})
ADDR = message(NEWADDR, number("BBBBI", 2, 24, 0, 0, 3))
ROUTE = message(NEWROUTE, number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0))


def link(index: int, name: bytes, family: int = 0, kind: int = NEWLINK, mtu: int = 1500) -> bytes:
    head = number("BxHiII", family, 1, index, 1, 0)
    return message(kind, head + attr(3, name + b"\0") + attr(4, number("I", mtu)))


def batch(*data: bytes, **shared: Any) -> Batch:
    places = list(range(len(data)))
    return Batch(1, shared.pop("protocol", 0), timestamps=places, data=list(data), offsets=places, **shared)


@pytest.fixture(autouse=True)
def least(monkeypatch: pytest.MonkeyPatch) -> None:
    """One packet is a run here."""
    monkeypatch.setattr("nlmon.engine.segments.LEAST", 1)


def parts(found: Batch, *before: Frame, types: frozenset[int] = TYPES) -> list[tuple[int, bool]]:
    """How many packets each part has, and whether it is a run."""
    conversation, factory = Conversation("little"), ReplayFactory()
    for frame in before:
        conversation.place(frame)
    runs = Runs(conversation, [factory], types)
    shown = []
    for begin, end, is_run in runs.parts(found):
        shown.append((end - begin, is_run))
        for frame in () if is_run else found.part(begin, end).frames():
            conversation.place(frame)
            factory.learn(Datagram(frame.number, frame.timestamp, frame.protocol, frame.data))
    return shown


ASKED = message(GETADDR, bytes(8), flags=0x1, seq=7, pid=9)
CASES: dict[str, tuple[Batch, list[tuple[int, bool]]]] = {
    "notifications": (batch(ADDR, ROUTE, ADDR), [(3, True)]),
    "caused by a request": (batch(message(NEWADDR, bytes(8), seq=5, pid=4), ROUTE), [(2, True)]),
    "a type that is not judged at once": (batch(ADDR, message(80, bytes(4)), ADDR), [(1, True), (1, False), (1, True)]),
    "an acknowledgement": (batch(ADDR, message(2, bytes(20))), [(1, True), (1, False)]),
    "a request": (batch(message(NEWADDR, bytes(8), flags=1), ADDR), [(1, False), (1, True)]),
    "a flag that is none of a request, from the kernel": (
        batch(message(NEWADDR, bytes(8), flags=1), ADDR, direction="in"),
        [(2, True)],
    ),
    "sent to the kernel": (batch(ADDR, direction="out"), [(1, False)]),
    "part of a dump": (batch(message(NEWADDR, bytes(8), flags=2, seq=1), ADDR), [(1, False), (1, True)]),
    "of several parts, but nobody's answer": (batch(message(NEWADDR, bytes(8), flags=2)), [(1, True)]),
    "two messages": (batch(ADDR + ROUTE, ADDR), [(1, False), (1, True)]),
    "with padding": (batch(message(NEWADDR, bytes(9)), ADDR), [(2, True)]),
    "with more than padding": (batch(ADDR + bytes(4), ADDR), [(1, False), (1, True)]),
    "cut": (batch(ADDR[:-4], ADDR), [(1, False), (1, True)]),
    "no header": (batch(ADDR[:12], ADDR), [(1, False), (1, True)]),
    "cut by the recording": (batch(ADDR, ADDR, truncated=4), [(2, False)]),
    "another protocol": (batch(ADDR, ADDR, protocol=12), [(2, False)]),
    "a new link": (batch(ADDR, link(3, b"a"), ADDR), [(1, True), (1, False), (1, True)]),
    "a link that changes": (batch(link(3, b"a"), ADDR, link(3, b"a", mtu=9000), ADDR), [(1, False), (3, True)]),
    "a link that is renamed": (batch(link(3, b"a"), link(3, b"b"), link(3, b"b")), [(1, False), (1, False), (1, True)]),
    "a link that goes": (batch(link(3, b"a"), link(3, b"a", kind=DELLINK)), [(1, False), (1, False)]),
    "the port of a bridge": (batch(link(3, b"a"), link(3, b"a", 7)), [(1, False), (1, False)]),
    "more than a run holds": (batch(*[ADDR] * (MOST + 5)), [(MOST, True), (5, True)]),
}


@pytest.mark.parametrize(("given_", "expected"), CASES.values(), ids=CASES.keys())
def test_where_runs_end(given_: Batch, expected: list[tuple[int, bool]]) -> None:
    """A run has all that nothing forbids, and not a packet more."""
    assert parts(given_) == expected


def test_an_answer_that_is_waited_for_is_in_no_run() -> None:
    """What has the number of a request that was recorded may be its answer."""
    asked = Frame(1, 0, 0, ASKED)
    answer, other = message(NEWADDR, bytes(8), seq=7, pid=9), message(NEWADDR, bytes(8), seq=8, pid=9)

    assert parts(batch(answer, other), asked) == [(1, False), (1, True)]
    assert parts(batch(answer, other)) == [(2, True)]


def test_without_types_there_are_no_runs() -> None:
    """Nothing is taken together then."""
    assert parts(batch(ADDR, ADDR), types=frozenset()) == [(2, False)]


def test_a_run_is_bounded_in_bytes() -> None:
    """It ends with the packet that fills it."""
    large = message(NEWADDR, bytes(MOST_BYTES // 2))

    assert parts(batch(*[large] * 5)) == [(2, True), (2, True), (1, True)]


PACKETS = st.builds(
    message,
    st.sampled_from((NEWADDR, GETADDR, NEWROUTE, 26, 2, 3)),
    st.sampled_from((bytes(8), bytes(20), bytes(9))),
    flags=st.sampled_from((0, 1, 2, 0x301, 0x305)),
    seq=st.integers(0, 2),
    pid=st.integers(0, 2),
)


@given(st.lists(st.tuples(PACKETS, st.sampled_from(("", "in", "out"))), max_size=30))
def test_what_is_in_a_run_is_a_notification(packets: list[tuple[bytes, Any]]) -> None:
    """The conversation would say so of it, too, and be the same afterwards."""
    conversation = Conversation("little")
    for count, (data, direction) in enumerate(packets, 1):
        one = Batch(count, 0, direction, 0, 0, [0], [data], [0])
        if conversation.run_end(one, 0, 1, TYPES, 1 << 16):
            waiting = list(conversation._pending)
            assert conversation.place(next(one.frames())) is NOTIFICATION
            assert list(conversation._pending) == waiting
        else:
            conversation.place(next(one.frames()))


def test_frames_and_batches_are_the_same() -> None:
    """A batch gives the frames that it is made of, and parts of it theirs."""
    frames = [Frame(n, 10 * n, 16, bytes([n]), "in", 2, 100 * n, 4) for n in range(5, 9)]
    whole = Batch.of(frames)

    assert list(whole.frames()) == frames
    assert list(whole.part(1, 3).frames()) == [whole.frame(1), whole.frame(2)] == frames[1:3]
    assert whole.part(0, 4) is whole
    assert all(alike(*pair) for pair in pairwise(frames))


@pytest.mark.parametrize(
    "other",
    [
        Frame(3, 0, 0, b""),
        Frame(2, 0, 1, b""),
        Frame(2, 0, 0, b"", "in"),
        Frame(2, 0, 0, b"", "", 1),
        Frame(2, 0, 0, b"", "", 0, 0, 1),
    ],
)
def test_what_no_batch_may_hold(other: Frame) -> None:
    """Frames of one batch have one number after the other, and protocol, direction, socket and loss in common."""
    assert not alike(Frame(1, 0, 0, b""), other)


def pcap_in_two() -> tuple[bytes, bytes]:
    """Three packets and the beginning of another one; and the rest of it."""
    packet = struct.pack(">HH10xH", 4, 824, 0) + ADDR
    record = struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 253) + record * 3 + record[:20], record[20:]


def pcapng_in_two() -> tuple[bytes, bytes]:
    """Three packets and most of another section's header; and the rest of that section, which has one packet."""
    header = struct.pack("<HH", 1, 400) + bytes(400) + bytes(4)
    section = struct.pack("<IIIHHq", 0x0A0D0D0A, 28 + len(header), 0x1A2B3C4D, 1, 0, -1) + header
    section += struct.pack("<I", 28 + len(header))
    interface = struct.pack("<IIHHII", 1, 20, 253, 0, 0, 20)
    packet = struct.pack(">HH10xH", 4, 824, 0) + ADDR
    size = 32 + len(packet)
    block = struct.pack("<IIIIIII", 6, size, 0, 0, 1, len(packet), len(packet)) + packet + struct.pack("<I", size)
    return section + interface + block * 3 + section[:300], section[300:] + interface + block


def rtmon_in_two() -> tuple[bytes, bytes]:
    """A stamp, three messages and a part of another one; and its rest."""
    stamp = struct.pack("<IHHIIII", 24, 15, 0, 0, 0, 12, 345)
    return stamp + ADDR * 3 + ADDR[:18], ADDR[18:]


@pytest.mark.parametrize("made", [pcap_in_two, pcapng_in_two, rtmon_in_two])
def test_nobody_waits_for_packets_that_are_there(made: Callable[[], tuple[bytes, bytes]]) -> None:
    """Of a pipe that goes on, what was written is given, though what comes next has only begun."""
    begin, end = made()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as out:
        out.write(begin)
        with open_capture(f"/dev/fd/{reading}") as reader:
            batches = reader.batches()
            first = next(batches)
            out.write(end)
            out.close()
            rest = list(batches)
    os.close(reading)

    assert (first.number, len(first.data)) == (1, 3)
    assert ([(one.number, len(one.data)) for one in rest], reader.damage) == ([(4, 1)], None)


def test_reading_goes_on_where_it_stopped() -> None:
    """Who takes a few frames and asks for more gets the next."""
    path = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
    with open_capture(path) as reader:
        numbers = [frame.number for _ in range(3) for frame in islice(reader, 3)]
        rest = [frame.number for frame in reader]

    assert (numbers, rest[:2]) == (list(range(1, 10)), [10, 11])


def test_time_does_not_go_back() -> None:
    """The played kernel's clock is that of the latest datagram of a run, in whatever order they stand."""
    factory = ReplayFactory()
    factory.open(0, (5,))
    factory.took_all(Datagrams(1, 0, [7, 9, 3], [ADDR] * 3))
    factory.took_all(Datagrams(4, 0, [5], [ADDR]))

    assert factory.time == 9


@pytest.mark.parametrize(("packets", "is_run"), [(1, False), (2, False), (3, True)])
def test_few_are_taken_alone(packets: int, is_run: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would gain nothing is no run, and still one part."""
    monkeypatch.setattr("nlmon.engine.segments.LEAST", 3)

    assert parts(batch(*[ADDR] * packets)) == [(packets, is_run)]
