"""Faults that change the frames of a recording: what everybody receives then, byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nlmon.capture.base import Batch, Direction, Frame, alike
from nlmon.errors import ScenarioError
from nlmon.framing import messages, walk_attributes
from nlmon.scenario.faults import NEEDS_SOCKET, apply_faults, socket_faults
from nlmon.scenario.faults.apply import STAGES
from nlmon.scenario.model import Fault
from nlmon.scenario.schema import FAULTS
from nlmon.testing.messages import addr, attr, generic, link, message, number
from nlmon.transport.recorded.faults import Fault as SocketFault

ROUTE, GENERIC, AUDIT = 0, 16, 9
NEWLINK, NEWADDR, GETLINK, DONE = 16, 20, 18, 3
REQUEST, MULTI, INTERRUPTED, DUMP = 1, 2, 0x10, 0x300


def frame(place: int, data: bytes, protocol: int = ROUTE, direction: Direction = "") -> Frame:
    """A frame whose time is a thousand times its number."""
    return Frame(place, place * 1000, protocol, data, direction, offset=place * 100)


def new_link(place: int, name: str = "a") -> Frame:
    """RTM_NEWLINK of a link whose index is the number of the frame."""
    return frame(place, message(NEWLINK, link(place, name)))


def new_station(place: int) -> Frame:
    """A notification of a generic family."""
    return frame(place, generic(30, 7), GENERIC)


LINKS = [new_link(place) for place in range(1, 7)]
# A dump of two links, which a program asked for, between two notifications.
DUMPED = [
    new_link(1),
    frame(2, message(GETLINK, link(0, ""), flags=REQUEST | DUMP, seq=9)),
    frame(3, message(NEWLINK, link(1, "a"), flags=MULTI, seq=9, pid=4) * 2),
    frame(4, message(DONE, number("i", 0), flags=MULTI, seq=9, pid=4)),
    new_link(5),
]


def batches(frames: Sequence[Frame]) -> list[Batch]:
    """Frames as a reader gives them."""
    found: list[list[Frame]] = []
    for one in frames:
        if found and alike(found[-1][-1], one):
            found[-1].append(one)
        else:
            found.append([one])
    return [Batch.of(one) for one in found]


def changed(frames: Sequence[Frame], *faults: Fault, seed: int = 0) -> list[Frame]:
    """What is left of frames."""
    return [one for batch in apply_faults(batches(frames), faults, seed) for one in batch.frames()]


def numbers(frames: Sequence[Frame]) -> list[int]:
    """The numbers of frames, in their order."""
    return [one.number for one in frames]


def test_every_kind_of_the_format_is_made() -> None:
    """A kind changes frames, or it happens at a socket."""
    assert sorted([*STAGES, *NEEDS_SOCKET]) == sorted(FAULTS)


def test_without_a_fault_batches_are_handed_on() -> None:
    """The very same ones, also with faults of sockets and before the first frame of a fault."""
    given = batches(LINKS)
    faults = Fault("overrun", at=2), Fault("enobufs", at=3)

    assert [a is b for a, b in zip(apply_faults(given, faults, 0), given, strict=True)] == [True]
    assert next(apply_faults(given, [Fault("drop", at=7)], 0)) is given[0]


SEQUENCES = [
    (Fault("drop", at=2), [1, 3, 4, 5, 6]),
    (Fault("drop", at=2, count=3), [1, 5, 6]),
    (Fault("drop", at=5, count=9), [1, 2, 3, 4]),
    (Fault("duplicate", at=2), [1, 2, 2, 3, 4, 5, 6]),
    (Fault("duplicate", at=5, count=2), [1, 2, 3, 4, 5, 5, 6, 6]),
    (Fault("merge", at=2), [1, 2, 4, 5, 6]),
    (Fault("merge", at=2, count=4), [1, 2]),
]


@pytest.mark.parametrize(("fault", "expected"), SEQUENCES, ids=lambda value: getattr(value, "kind", None))
def test_the_sequence_of_a_fault(fault: Fault, expected: list[int]) -> None:
    """So many notifications from a frame on; frames keep their numbers."""
    assert numbers(changed(LINKS, fault)) == expected


def test_only_notifications_of_the_protocol_count() -> None:
    """Requests, parts of dumps and other protocols pass."""
    frames = [*DUMPED, new_station(6), new_link(7)]

    assert numbers(changed(frames, Fault("drop", at=2))) == [1, 2, 3, 4, 6, 7]
    assert numbers(changed(frames, Fault("drop", at=2, protocol="generic"))) == [1, 2, 3, 4, 5, 7]


def test_merged_datagrams() -> None:
    """The messages of all, aligned, under the number of the first and at the time of the last."""
    odd = frame(1, message(NEWLINK, link(1, "a") + b"\1")[:-3])  # the last message of a datagram may lack its padding
    merged, *rest = changed([odd, new_link(2), new_link(3)], Fault("merge", at=1))

    assert [(one.offset, one.length) for one in messages(merged.data, "little")] == [(0, 49), (52, 48)]
    assert merged.data == odd.data + bytes(3) + new_link(2).data
    assert (merged.number, merged.timestamp, numbers(rest)) == (1, 2000, [3])


def test_only_what_one_group_carries_is_merged() -> None:
    """As the kernel would; what does not follow directly is not, either."""
    address = frame(2, message(NEWADDR, addr(1, "192.0.2.1")))
    frames = [new_link(1), address, new_link(3), new_station(4), new_link(5), new_link(6)]

    assert numbers(changed(frames, Fault("merge", at=1))) == [1, 2, 3, 4, 5]


def test_split_datagrams() -> None:
    """Two with the same number, parted between two messages by the seed; together they are the one."""
    merged = frame(1, b"".join(one.data for one in LINKS))
    size = len(LINKS[0].data)
    places = set()
    for seed in range(20):
        begin, end = changed([merged], Fault("split", at=1), seed=seed)
        assert (begin.number, end.number, begin.data + end.data) == (1, 1, merged.data)
        places.add(len(begin.data))

    assert places <= {size * count for count in range(1, 6)}
    assert len(places) > 2


def test_a_part_of_a_dump_is_split() -> None:
    """Most datagrams of several messages are such."""
    assert numbers(changed(DUMPED, Fault("split", at=1))) == [1, 2, 3, 3, 4, 5]


def test_faults_meet_in_the_order_of_the_scenario() -> None:
    """Each is about what the one before it gives: what was merged can be split again, what was dropped is gone."""
    merge, split = Fault("merge", at=2), Fault("split", at=2)
    again = changed(LINKS, merge, split)

    assert [one.data for one in again] == [one.data for one in LINKS]
    assert numbers(again) == [1, 2, 2, 4, 5, 6]
    assert numbers(changed(LINKS, Fault("duplicate", at=2), Fault("drop", at=2))) == [1, 2, 3, 4, 5, 6]
    assert numbers(changed(LINKS, Fault("drop", at=2), Fault("duplicate", at=2))) == [1, 3, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [1, 2, 4, 3, 5, 6]), (2, [1, 4, 2, 3, 5, 6]), (9, [4, 1, 2, 3, 5, 6])]
)
def test_reordered_sockets(count: int, expected: list[int]) -> None:
    """A notification overtakes those of another protocol; the order within one and the times stay."""
    frames = [*LINKS[:3], new_station(4), *LINKS[4:]]
    found = changed(frames, Fault("reorder", at=1, count=count))

    assert numbers(found) == expected
    assert [one.timestamp for one in found] == [1000, 2000, 3000, 4000, 5000, 6000]


def test_no_notification_overtakes_an_answer() -> None:
    """What a program received stays where it was."""
    frames = [new_link(1), *DUMPED[1:4], new_station(5), new_link(6), new_station(7)]

    assert numbers(changed(frames, Fault("reorder", at=1, count=9))) == [1, 2, 3, 4, 6, 5, 7]


def test_a_truncated_datagram() -> None:
    """It ends after so many bytes, and that is all there was; one that is no longer is left alone."""
    size = len(LINKS[0].data)
    first, second, *_ = changed(LINKS, Fault("truncate", at=2, size=30))

    assert (first, second.data, second.truncated) == (LINKS[0], LINKS[1].data[:30], 0)
    with pytest.raises(ScenarioError, match="NLM-S040"):
        changed(LINKS, Fault("truncate", at=1, size=size))


def test_a_short_payload() -> None:
    """The message ends within its fixed header, its length says so, and the next message follows."""
    both = frame(1, LINKS[0].data + LINKS[1].data)
    (found,) = changed([both], Fault("short_payload", at=1, size=6))

    assert [(one.offset, one.length) for one in messages(found.data, "little")] == [(0, 22), (24, 48)]
    assert found.data[16:22] == LINKS[0].data[16:22]
    assert found.data[22:] == bytes(2) + LINKS[1].data


def test_an_unknown_attribute() -> None:
    """One more behind the others, of the type that the scenario names or of the highest; its bytes are the seed's."""
    both = frame(1, LINKS[0].data + LINKS[1].data)
    for kind, expected in ((0, 0x3FFF), (4000, 4000)):
        (found,) = changed([both], Fault("unknown_attribute", at=1, type=kind, size=5))
        one, two = messages(found.data, "little")
        *known, (unknown, begin, end) = walk_attributes(found.data, 32, one.length, "little")

        assert [number_ for number_, _, _ in known] == [3, 4]
        assert (unknown, end - begin, one.length, two.length) == (expected, 5, 60, 48)
        assert found.data[60:] == LINKS[1].data
    (again,) = changed([both], Fault("unknown_attribute", at=1, type=4000, size=5))
    (other,) = changed([both], Fault("unknown_attribute", at=1, type=4000, size=5), seed=1)

    assert (again.data == found.data, other.data == found.data) == (True, False)


def test_a_longer_structure() -> None:
    """A structure has more bytes at its end; those that were there, and the other attributes, are as they were."""
    stats = attr(7, bytes(range(96)))
    message_ = message(NEWLINK, link(1, "a") + stats + attr(20, b"alias\0"))
    (found,) = changed([frame(1, message_)], Fault("longer_structure", at=1, size=6))
    (one,) = messages(found.data, "little")
    rows = walk_attributes(found.data, 32, one.length, "little")

    assert [(kind, end - begin) for kind, begin, end in rows] == [(3, 2), (4, 4), (7, 102), (20, 6)]
    assert found.data[rows[2][1] :][:96] == bytes(range(96))
    assert found.data[rows[3][1] :][:6] == b"alias\0"


def test_an_interrupted_dump() -> None:
    """One part carries NLM_F_DUMP_INTR in its first message; nothing else is changed."""
    found = changed(DUMPED, Fault("interrupted_dump", at=1))
    flags = [[one.flags for one in messages(frame.data, "little")] for frame in found]

    assert flags == [[0], [REQUEST | DUMP], [MULTI | INTERRUPTED, MULTI], [MULTI], [0]]
    assert found[2].data[8:] == DUMPED[2].data[8:]
    assert [found[place] for place in (0, 1, 3, 4)] == [DUMPED[place] for place in (0, 1, 3, 4)]


def test_big_endian() -> None:
    """Headers are written as the recording has them."""
    data = message(NEWLINK, link(1, "a"), byteorder="big")
    batch = Batch.of([frame(1, data)])
    (found,) = apply_faults([batch], [Fault("unknown_attribute", at=1, size=4)], 0, byteorder="big")
    (one,) = messages(found.data[0], "big")

    assert (one.length, one.type) == (56, NEWLINK)
    assert walk_attributes(found.data[0], 48, 56, "big") == [(0x3FFF, 52, 56)]


@pytest.mark.parametrize("kind", sorted(STAGES))
def test_the_seed_chooses_a_place(kind: str) -> None:
    """The same seed the same place, another one another; always one where something can be changed."""
    stats = link(1, "a") + attr(7, bytes(96))
    frames = [*DUMPED, *(frame(place, message(NEWLINK, stats) * 2) for place in range(6, 12)), new_station(12)]
    frames += [frame(13, DUMPED[2].data), new_link(14), new_station(15)]
    fault = Fault(kind, size=20)
    found = [changed(frames, fault, seed=seed) for seed in (1, 1, *range(2, 12))]

    assert found[0] == found[1]
    assert all(one != frames for one in found)
    assert len({tuple((f.number, f.data, f.timestamp) for f in one) for one in found}) > 1


def test_a_place_beyond_the_first_frames() -> None:
    """Where the seed finds nothing among the first frames it is the first place behind them."""
    frames = [new_station(place) for place in range(1, 400)] + [new_link(400), new_link(401)]

    assert numbers(changed(frames, Fault("drop")))[-2:] == [399, 401]


@pytest.mark.parametrize("kind", sorted(STAGES))
def test_a_fault_that_hits_nothing_is_a_mistake(kind: str) -> None:
    """What it was to show was not shown: behind the end, or no such datagram."""
    for fault in (Fault(kind, at=99), Fault(kind, protocol="audit")):
        with pytest.raises(ScenarioError, match=f"NLM-S040: the fault {kind} hit nothing"):
            changed([frame(1, b""), frame(2, bytes(3))], fault)


def test_audit_records_have_no_attributes() -> None:
    """They are texts."""
    with pytest.raises(ScenarioError, match="no datagram of audit"):
        changed([frame(1, message(1300, b"text"), AUDIT)], Fault("unknown_attribute", protocol="audit"))


def test_nothing_is_kept_back_for_ever() -> None:
    """What waits for another datagram that does not come goes on in the end, in its order."""
    found = []
    with pytest.raises(ScenarioError, match="NLM-S040"):
        for batch in apply_faults(batches([*LINKS[:4], new_station(5), new_link(6)]), [Fault("merge", count=9)], 0):
            found += numbers(list(batch.frames()))

    assert found == [1, 2, 3, 4, 5, 6]


def test_stretches_are_told_apart() -> None:
    """Two frames with one number do not follow each other at once, so that nobody reads them as one stretch."""
    (batch,) = batches(LINKS)
    batch.more = True
    found = list(apply_faults([batch], [Fault("duplicate", at=3)], 0))

    assert [(numbers(list(one.frames())), one.more) for one in found] == [([1, 2, 3], False), ([3, 4, 5, 6], True)]


def test_faults_of_sockets() -> None:
    """A replay takes those alone; the seed chooses a frame that is left open."""
    faults = [
        Fault("drop", at=1),
        Fault("overrun", at=5, count=3),
        Fault("lost_socket", at=7, protocol="generic"),
        Fault("enobufs"),
    ]
    one, two, open_ = socket_faults(faults, 4, first_frame=5, last_frame=9)

    assert (one, two) == (SocketFault(5, 3), SocketFault(7, 1, GENERIC, "lost_socket"))
    assert (open_.kind, open_.frame in range(5, 10)) == ("enobufs", True)
    assert socket_faults(faults, 4, first_frame=5, last_frame=9) == (one, two, open_)
    assert len({socket_faults(faults, seed)[2].frame for seed in range(9)}) > 1
