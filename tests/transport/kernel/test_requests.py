"""The request socket: where an answer ends, and what follows from one that is damaged."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections import deque
from collections.abc import Iterator

import pytest

from nlmon.errors import TransportError
from nlmon.framing import nlmsghdr
from nlmon.transport.kernel import requests
from nlmon.transport.kernel.requests import RequestSocket

DONE, ERROR, NEWLINK, GETLINK = 3, 2, 16, 18
REQUEST, MULTI, ACK, DUMP = 0x1, 0x2, 0x4, 0x300
SEQ = 7


def message(kind: int, body: bytes = b"", *, flags: int = 0, length: int | None = None, seq: int = SEQ) -> bytes:
    """A message in this host's byte order; ``length``: another one than it has."""
    whole = 16 + len(body) if length is None else length
    return nlmsghdr(sys.byteorder).pack(whole, kind, flags, seq, 0) + body


class Answering:
    """A socket with answers; its descriptor can always be read, so that no test waits."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = deque(answers)
        self.sent: list[bytes] = []
        self._descriptor = os.eventfd(1)

    def fileno(self) -> int:
        return self._descriptor

    def bind(self, address: tuple[int, int]) -> None:
        """Nothing is bound."""

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Every option is taken."""

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def recv_into(self, buffer: bytearray, size: int, flags: int) -> int:
        if not self.answers:
            raise BlockingIOError
        return len(self.answers[0]) if flags & socket.MSG_PEEK else len(self.answers.popleft())

    def recvfrom(self, size: int) -> tuple[bytes, tuple[int, int]]:
        return self.answers.popleft()[:size], (0, 0)

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RequestSocket, Answering]]:
    """A request socket and what stands for the kernel's."""
    sock = Answering([])
    monkeypatch.setattr(requests, "open_socket", lambda protocol, namespace, opener: sock)
    found = RequestSocket(0, None)
    yield found, sock
    found.close()


PART = message(NEWLINK, bytes(16), flags=MULTI)
END = message(DONE, bytes(4), flags=MULTI)
WHOLE = {
    "a dump": (REQUEST | DUMP, [PART, PART, END]),
    "a dump in one datagram": (REQUEST | DUMP, [PART + END]),
    "a refusal": (REQUEST | DUMP, [message(ERROR, bytes(20))]),
    "a reply": (REQUEST, [message(NEWLINK, bytes(16))]),
    "a reply and an acknowledgement": (REQUEST | ACK, [message(NEWLINK, bytes(16)), message(ERROR, bytes(20))]),
    "remains of another request": (REQUEST, [message(DONE, bytes(4), seq=6), message(NEWLINK, bytes(16))]),
    "damage behind the end": (REQUEST | DUMP, [PART + END + b"\xff" * 9]),
}


@pytest.mark.parametrize(("flags", "answers"), WHOLE.values(), ids=WHOLE)
def test_an_answer_ends(answering: tuple[RequestSocket, Answering], flags: int, answers: list[bytes]) -> None:
    """All its datagrams are given, and what stands behind is not read."""
    asking, sock = answering
    sock.answers.extend([*answers, b"of nobody"])

    assert list(asking.ask(message(GETLINK, bytes(16), flags=flags))) == answers
    assert list(sock.answers) == [b"of nobody"]


DAMAGED = {
    "an end that is too long": (PART + message(DONE, bytes(4), flags=MULTI, length=40), 32),
    "an end that is too short": (PART + message(DONE, flags=MULTI, length=15), 32),
    "a cut header": (PART + END[:12], 32),
    "no message at all": (b"\0" * 32, 0),
}


@pytest.mark.parametrize(("data", "place"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_answer_ends_at_once(answering: tuple[RequestSocket, Answering], data: bytes, place: int) -> None:
    """It is given, then an error says where it is damaged; its end is not waited for."""
    asking, sock = answering
    sock.answers.extend([PART, data, PART])
    answer = asking.ask(message(GETLINK, bytes(16), flags=REQUEST | DUMP))

    assert [next(answer), next(answer)] == [PART, data]
    with pytest.raises(TransportError, match=f"at byte {place} of a datagram of {len(data)}") as raised:
        next(answer)
    assert (raised.value.code, raised.value.errno) == ("NLM-T008", errno.EBADMSG)


def test_the_remains_of_a_damaged_answer_are_read_off(answering: tuple[RequestSocket, Answering]) -> None:
    """The next request is answered with its own answer alone."""
    asking, sock = answering
    sock.answers.extend([PART + b"\xff" * 20, PART, END])
    with pytest.raises(TransportError, match="damaged"):
        list(asking.ask(message(GETLINK, bytes(16), flags=REQUEST | DUMP)))

    answer = asking.ask(message(GETLINK, bytes(16), flags=REQUEST | DUMP, seq=8))
    ending = message(DONE, bytes(4), flags=MULTI, seq=8)
    sock.send = lambda data: sock.answers.append(ending)  # type: ignore[method-assign]

    assert list(answer) == [ending]
