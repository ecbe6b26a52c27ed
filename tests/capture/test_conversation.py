"""Notifications, dumps, replies and requests, told apart in a tap that marks none of them."""

from __future__ import annotations

from collections import Counter

import pytest

from nlmon.capture import Frame, open_capture
from nlmon.capture.conversation import REMEMBERED, SAME_NUMBER, Conversation
from nlmon.capture.segment import Role
from nlmon.testing.messages import attr, message, new_family, number
from support.paths import CAPTURES

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
    "an answer to another port than the request names": (
        [
            message(GETLINK, LINK, flags=1, seq=1, pid=100),
            message(NEWLINK, LINK, seq=1, pid=200),
            message(NEWLINK, LINK, seq=1, pid=100),
            message(NEWLINK, LINK, seq=1, pid=100),
        ],
        ["request", "notification", "reply", "notification"],
    ),
    "a refusal to another port ends nothing": (
        [
            message(GETLINK, LINK, flags=1, seq=1, pid=100),
            message(2, number("i", -19) + message(GETLINK, flags=1, seq=1), seq=1, pid=200),
            message(NEWLINK, LINK, seq=1, pid=100),
        ],
        ["request", "control", "reply"],
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


def test_a_dump_goes_to_the_port_that_its_request_names() -> None:
    """Two programs that both count from 1 and name their ports are told apart, whoever is answered first."""
    conversation = Conversation("little")
    for n, (table, port) in enumerate(((b"\2", 100), (b"\x0a", 200)), 1):
        conversation.place(Frame(n, 0, 0, message(GETROUTE, table + bytes(11), flags=DUMP, seq=1, pid=port)))
    scopes = []
    for n, port in enumerate((200, 100, 300), 3):
        place = conversation.place(Frame(n, 0, 0, message(NEWROUTE, bytes(12), flags=2, seq=1, pid=port)))
        scopes.append(place.scope and place.scope.family)

    assert scopes == [10, 2, None]


@pytest.mark.parametrize("dump", [False, True])
def test_a_named_port_comes_first(dump: bool) -> None:
    """Of two requests with one number the answer is for the one that names its port, not for the older one."""
    conversation = Conversation("little")
    older, named = (b"\2" + bytes(11), 0), (b"\x0a" + bytes(11), 100)
    for n, (body, port) in enumerate((older, named), 1):
        conversation.place(Frame(n, 0, 0, message(GETROUTE, body, flags=DUMP if dump else 1, seq=1, pid=port)))
    answers = [message(NEWROUTE, bytes(12), flags=2 * dump, seq=1, pid=port) for port in (100, 200)]
    found = [conversation.place(Frame(n, 0, 0, data)).request[16] for n, data in enumerate(answers, 3)]

    assert found == [10, 2]


# A family's name, whether nlctrl takes it back (2), the command and flags of a request, and what its echo is.
ANNOUNCED = {
    "a datapath is made": ("ovs_datapath", 1, 1, 5, "notification"),
    "a datapath is asked for": ("ovs_datapath", 1, 3, 1, "reply"),
    "a flow is changed and its program wants to know": ("ovs_flow", 1, 4, 0xD, "reply"),
    "a tunnel is made": ("l2tp", 1, 1, 5, "notification"),
    "a session is asked for": ("l2tp", 1, 8, 5, "reply"),
    "a family that was taken back": ("l2tp", 2, 1, 5, "reply"),
    "a family that answers": ("nl80211", 1, 7, 5, "reply"),
}


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize(("name", "said", "command", "flags", "role"), ANNOUNCED.values(), ids=ANNOUNCED.keys())
def test_what_some_families_only_announce(
    byteorder: str, name: str, said: int, command: int, flags: int, role: str
) -> None:
    """Where the family is known, an announcement with the numbers of its cause is no reply."""
    conversation = Conversation(byteorder)
    body = bytes([command, 1, 0, 0])
    parts = [
        new_family(30, name, byteorder=byteorder),
        new_family(30, name, command=said, byteorder=byteorder),
        message(30, body, flags=flags, seq=7, pid=9, byteorder=byteorder),
        message(30, body, flags=4, seq=7, pid=9, byteorder=byteorder),
    ]
    found = [conversation.place(Frame(n, 0, 16, data)).role.value for n, data in enumerate(parts, 1)]

    assert found == ["notification", "notification", "request", role]


@pytest.mark.parametrize("cut", range(4, 40, 3))
def test_a_short_family_message_breaks_nothing(cut: int) -> None:
    """Whatever nlctrl's message lacks, the next is placed."""
    conversation = Conversation("little")
    whole = new_family(30, "ovs_flow")
    short = number("I", min(cut, len(whole))) + whole[4:cut]

    assert conversation.place(Frame(1, 0, 16, short)).role is Role.NOTIFICATION
    assert conversation.place(Frame(2, 0, 16, message(30, b"\1\0\0\0", flags=1, seq=1))).role is Role.REQUEST


def test_requests_are_forgotten_in_the_end() -> None:
    """Unanswered requests do not pile up."""
    conversation = Conversation("little")
    for seq in range(REMEMBERED + 100):
        conversation.place(Frame(seq + 1, 0, 0, message(GETLINK, LINK, flags=1, seq=seq + 1)))

    assert len(conversation.pending) == REMEMBERED


def test_requests_with_one_number_are_forgotten_in_the_end() -> None:
    """A program that never counts is not remembered without end, and the newest of its requests is answered."""
    conversation = Conversation("little")
    for n in range(SAME_NUMBER + 9):
        conversation.place(Frame(n + 1, 0, 0, message(GETLINK, LINK, flags=1, seq=1)))

    assert [len(waiting) for waiting in conversation.pending.values()] == [SAME_NUMBER]
    place = conversation.place(Frame(99, 0, 0, message(NEWLINK, LINK, seq=1, pid=9)))
    assert place.role is Role.REPLY


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_a_real_burst(kernel: str) -> None:
    """The burst added and removed 2,000 addresses and 6,000 routes one by one, with a listener for each."""
    with open_capture(CAPTURES / kernel / "07-burst.pcap.zst") as reader:
        conversation = Conversation("little")
        found = Counter(conversation.place(frame).role.value for frame in reader)

    assert found["notification"] > 18_000
    assert found["request"] > 14_000
    assert found["reply"] == 18
