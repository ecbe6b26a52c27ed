"""Rules of a replay that no recording happens to break: what proves absence, and who must give what."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.registry import create
from nlmon.capture import Frame
from nlmon.capture.conversation import SAME_NUMBER, Conversation
from nlmon.engine.replay import Replay
from nlmon.events import Decoded
from nlmon.testing.messages import attr, link, message, number, wrong_length
from nlmon.wire import Datagram

ROUTE, XFRM, NETFILTER = 0, 6, 12
REQUEST, MULTI, DUMP = 0x1, 0x2, 0x300
legacy = partial(create, "legacy")
libnl = partial(create, "libnl")


def dump(seq: int, *parts: bytes) -> list[bytes]:
    """A link dump: its request, what it lists, and its end."""
    done = message(3, number("i", 0), flags=MULTI, seq=seq, pid=5)
    return [message(18, bytes(16), flags=REQUEST | DUMP, seq=seq), *parts, done]


def listed(index: int, seq: int) -> bytes:
    return message(16, link(index, f"v{index}"), flags=MULTI, seq=seq, pid=5)


DAMAGE = {
    "whole": (listed(1, 2), ["link v2 (ifindex 2) gone"]),
    "cut": (listed(1, 2) + wrong_length(listed(2, 2), 200), []),
    "a short header": (listed(1, 2) + message(16, bytes(4), flags=MULTI, seq=2, pid=5), []),
}


@pytest.mark.parametrize(("part", "silent"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_dump_proves_no_absence(part: bytes, silent: list[str]) -> None:
    """What could not be read may have been the object that is missing."""
    replay = Replay(legacy, libnl, byteorder="little")
    for number_, data in enumerate([*dump(1, listed(1, 1), listed(2, 1)), *dump(2, part)], 1):
        replay.play([Frame(number_, 0, ROUTE, data)])

    for state in replay.states.both:
        assert [f"{found.object} {found.change}" for found in state.unannounced] == silent


def test_each_message_must_give_its_event() -> None:
    """A datagram of two messages that libnl alone reads: one event does not stand for both."""

    class Half(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            decoded = super().decode(datagram)
            return structs.replace(decoded, events=decoded.events[:1])

    flush = message(28, b"\x32" + bytes(3))
    replay = Replay(legacy, Half, byteorder="little")
    replay.play([Frame(1, 0, XFRM, flush + flush)])

    assert [(d.cls.label, d.offset) for d in replay.judge.details] == [("missing", len(flush))]


def test_what_one_of_them_does_not_receive_it_cannot_read_wrongly() -> None:
    """A cut message of a group that libnl alone joins is an error of libnl's, and no difference."""
    expectation = wrong_length(message(0x202, bytes([2, 0, 0, 0]) + attr(4, bytes(4))), 500)
    replay = Replay(legacy, libnl, byteorder="little")
    replay.play([Frame(1, 0, NETFILTER, expectation)])

    assert ([lane.counts["errors"] for lane in replay.lanes], replay.judge.details) == ([0, 1], [])


def test_requests_of_one_number_are_bounded() -> None:
    """Programs that count from 1 again and again do not fill the memory."""
    conversation = Conversation("little")
    for frame in range(1000):
        conversation.place(Frame(frame, 0, ROUTE, message(18, bytes(16), flags=REQUEST | DUMP, seq=1)))

    assert [len(waiting) for waiting in conversation.pending.values()] == [SAME_NUMBER]
