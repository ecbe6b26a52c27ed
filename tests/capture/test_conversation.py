"""Notifications, dumps, replies and requests, told apart in a tap that marks none of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from nlbuild import attr, message, number

from nlmon.capture import Frame, open_capture
from nlmon.capture.conversation import REMEMBERED, Conversation, Copies, Role

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
GETLINK, NEWLINK, GETROUTE, NEWROUTE = 18, 16, 26, 24
DUMP = 0x301
LINK = bytes(16)


def roles(*parts: bytes) -> list[str]:
    """The role of each datagram of a conversation."""
    conversation = Conversation("little")
    return [conversation.place(Frame(n, 0, 0, data)).role.value for n, data in enumerate(parts, 1)]


CONVERSATIONS = {
    "a dump": (
        [
            message(GETLINK, LINK, flags=DUMP, seq=5),
            message(NEWLINK, LINK, flags=2, seq=5, pid=9),
            message(3, bytes(4), flags=2, seq=5, pid=9),
        ],
        ["request", "dump", "dump"],
    ),
    "one link asked for": (
        [message(GETLINK, LINK, flags=1, seq=5), message(NEWLINK, LINK, seq=5, pid=9)],
        ["request", "reply"],
    ),
    "a change and its notification": (
        [
            message(NEWLINK, LINK, flags=5, seq=5),
            message(NEWLINK, LINK, seq=5, pid=9),
            message(2, number("i", 0) + bytes(16), seq=5, pid=9),
        ],
        ["request", "notification", "control"],
    ),
    "a refused question does not claim a later notification": (
        [
            message(GETLINK, LINK, flags=1, seq=5),
            message(2, number("i", -19) + message(GETLINK, flags=1, seq=5), seq=5, pid=9),
            message(NEWLINK, LINK, seq=5, pid=8),
        ],
        ["request", "control", "notification"],
    ),
    "a notification inside a dump": (
        [
            message(GETLINK, LINK, flags=DUMP, seq=5),
            message(NEWLINK, LINK, flags=2, seq=5, pid=9),
            message(NEWLINK, LINK),
            message(3, bytes(4), flags=2, seq=5, pid=9),
        ],
        ["request", "dump", "notification", "dump"],
    ),
    "the end of a dump whose request was not recorded": (
        [message(NEWLINK, LINK, flags=2, seq=5, pid=9), message(3, bytes(4), flags=2, seq=5, pid=9)],
        ["dump", "dump"],
    ),
    "a datagram too short to say": ([b"\1\2\3"], ["notification"]),
}


@pytest.mark.parametrize(("parts", "expected"), CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
def test_roles(parts: list[bytes], expected: list[str]) -> None:
    """Each conversation is read as it was held."""
    assert roles(*parts) == expected


def test_a_recorded_direction_decides() -> None:
    """Where the recording says who sent a datagram, its flags do not."""
    conversation = Conversation("little")
    request = message(GETLINK, LINK, flags=DUMP, seq=5)

    assert conversation.place(Frame(1, 0, 0, request, "in")).role is Role.NOTIFICATION
    assert conversation.place(Frame(2, 0, 0, message(NEWLINK, LINK), "out")).role is Role.REQUEST


@pytest.mark.parametrize(
    ("kind", "body", "whole"),
    [
        (GETLINK, LINK, True),
        (GETLINK, LINK + attr(29, bytes(4)), True),
        (GETLINK, LINK + attr(10, number("I", 3)), False),
        (GETLINK, b"\x07" + LINK[1:], True),
        (22, b"\2" + bytes(7), True),
        (22, bytes(4) + number("I", 3), False),
        (GETROUTE, b"\2" + bytes(11), True),
        (GETROUTE, b"\2\0\0\0\xfe" + bytes(7), False),
        (30, bytes(12) + attr(8, number("I", 3)), False),
        (30, bytes(10) + b"\x08\0", False),
        (30, b"\x07" + bytes(15), True),
    ],
)
def test_only_an_unfiltered_dump_is_whole(kind: int, body: bytes, whole: bool) -> None:
    """What a filtered dump leaves out may exist all the same."""
    conversation = Conversation("little")
    conversation.place(Frame(1, 0, 0, message(kind, body, flags=DUMP, seq=5)))
    place = conversation.place(Frame(2, 0, 0, message(kind - 2, body, flags=2, seq=5, pid=9)))

    assert place.scope is not None
    assert place.scope.whole is whole


def test_two_dumps_with_one_sequence_number() -> None:
    """Programs that start in the same second use the same number; the port tells them apart."""
    conversation = Conversation("little")
    for number_, kind in enumerate((GETLINK, GETROUTE), 1):
        conversation.place(Frame(number_, 0, 0, message(kind, bytes(16), flags=DUMP, seq=5)))
    route = conversation.place(Frame(3, 0, 0, message(NEWROUTE, bytes(12), flags=2, seq=5, pid=8)))
    link = conversation.place(Frame(4, 0, 0, message(NEWLINK, LINK, flags=0x12, seq=5, pid=9)))

    assert (route.scope and route.scope.get_type, link.scope and link.scope.get_type) == (GETROUTE, GETLINK)
    assert (route.interrupted, link.interrupted) == (False, True)


def test_requests_are_forgotten_in_the_end() -> None:
    """Unanswered requests do not pile up."""
    conversation = Conversation("little")
    for seq in range(REMEMBERED + 100):
        conversation.place(Frame(seq + 1, 0, 0, message(GETLINK, LINK, flags=1, seq=seq + 1)))

    assert len(conversation._pending) == REMEMBERED


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_a_real_burst(kernel: str) -> None:
    """The burst added and removed 2,000 addresses and 6,000 routes one by one, with a listener for each."""
    with open_capture(CAPTURES / kernel / "07-burst.pcap.zst") as reader:
        conversation = Conversation("little")
        found = Counter(conversation.place(frame).role.value for frame in reader)

    assert found["notification"] > 18_000
    assert found["request"] > 14_000
    assert found["reply"] == 18


def test_copies_are_counted() -> None:
    """Equal notifications in a row suggest several listeners."""
    copies = Copies()
    for number_ in range(12):
        copies.seen(Frame(number_ + 1, 0, 0, message(NEWLINK, LINK, seq=number_ // 2)))

    assert (copies.repeats, copies.likely) == (6, True)
