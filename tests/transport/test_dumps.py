"""What a recording asks for: the bytes of the requests, and a kernel that refuses."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from nlmon.backends.every_group import groups_to_join
from nlmon.cli import listening
from nlmon.cli.listening import ask_for_all
from nlmon.testing.messages import native, number
from nlmon.transport.dumps import DUMPS, Dump, refusal
from nlmon.wire import Datagram

AUDIT = 9  # has nothing to ask for
EVERY = [(protocol, dump) for protocol, dumps in DUMPS.items() for dump in dumps]
# Size of the fixed header of each request (linux/rtnetlink.h, inet_diag.h, unix_diag.h, nfnetlink.h, genetlink.h)
SIZES = {(0, 18): 16, (0, 22): 8, (0, 26): 12, (0, 30): 12, (0, 34): 12, (12, 0x101): 4, (16, 16): 4}


def test_every_protocol_is_asked() -> None:
    """All that can be recorded, but audit; no two questions are the same."""
    assert set(DUMPS) == set(groups_to_join()) - {AUDIT}
    assert len({(protocol, dump.kind, dump.body) for protocol, dump in EVERY}) == len(EVERY) == 18


@pytest.mark.parametrize(("protocol", "dump"), EVERY, ids=[f"{dump.what} {dump.body[:1].hex()}" for _, dump in EVERY])
def test_a_request_has_the_size_that_the_kernel_reads(protocol: int, dump: Dump) -> None:
    """A whole header, a request for a dump, and the body of the kernel's structure."""
    size = (24 if dump.body[0] == 1 else 56) if protocol == 4 else SIZES.get((protocol, dump.kind), 0)

    assert dump.message(7) == native(dump.kind, dump.body, flags=0x301, seq=7)
    assert len(dump.body) == size


def error(code: int) -> bytes:
    """NLMSG_ERROR with an error number, or an acknowledgement."""
    return native(2, number("i", -code) + bytes(16))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(error(errno.EPERM), 1), (error(0), 0), (native(3, bytes(4)), 0), (native(16, bytes(16)), 0), (b"", 0)],
)
def test_a_refusal_is_told_apart_from_an_answer(answer: bytes, expected: int) -> None:
    """Only NLMSG_ERROR with a number is one."""
    assert refusal(answer) == expected


class Refusing:
    """A kernel that refuses everything."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def request(self, message: bytes) -> Iterator[Datagram]:
        """One refusal."""
        self.asked.append(message)
        yield Datagram(1, 0, 12, error(errno.EPERM))


def test_a_dump_that_is_refused_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The recording goes on, and says what it lacks."""
    kernel = Refusing()
    ask_for_all(12, kernel.request)

    assert kernel.asked == [native(0x101, bytes(4), flags=0x301, seq=1)]
    assert capsys.readouterr().err == (
        "warning: the dump of tracked connections is missing: the kernel answers EPERM\n"
    )


@pytest.mark.parametrize(("seconds", "signals", "asked"), [(60.0, 0, 2), (60.0, 1, 1), (0.0, 0, 1)])
def test_final_dumps_have_an_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, seconds: float, signals: int, asked: int
) -> None:
    """A further signal ends them, and so does the time; the first signal does not. Their numbers go on."""
    monkeypatch.setattr(listening, "FINAL_DUMPS", seconds)
    kernel = Refusing()
    reader, writer = socket.socketpair()
    writer.send(b"\x02")
    may_go_on = listening.patience(reader)
    writer.send(b"\x02" * signals)
    ask_for_all(6, kernel.request, may_go_on)
    reader.close()
    writer.close()
    said = capsys.readouterr().err

    assert kernel.asked == [native(kind, b"", flags=0x301, seq=seq) for kind, seq in ((0x12, 3), (0x15, 4))][:asked]
    assert ("the recording does not prove its final state" in said, "final dump of policies" in said) == (
        asked == 1,
        asked == 2,
    )
