"""Dumps: what they give, how they end, and what gets between."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.dump import DumpResult, Outcome
from nlmon.errors import KernelError, TransportError, UsageError
from nlmon.events import Event, LinkInfo
from nlmon.testing.messages import link, message, number
from nlmon.testing.transport import ROUTE, FakeKernel, FakeTransport, Opened
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

LINK = 16
INTERRUPTED = 0x12


def part(index: int, *, flags: int = 2, seq: int = 1) -> bytes:
    return message(LINK, link(index, f"d{index}"), flags=flags, seq=seq)


def done(*, flags: int = 2, seq: int = 1, error: int = 0) -> bytes:
    return message(3, number("i", error), flags=flags, seq=seq)


class Scripted(FakeKernel):
    """Answers every request with these datagrams."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__()
        self.answers = answers

    def open(self, *arguments: object, **options: object) -> FakeTransport:
        transport = super().open(*arguments, **options)  # type: ignore[arg-type]
        transport.request = self._answer  # type: ignore[method-assign]
        return transport

    def _answer(self, data: bytes) -> Iterator[Datagram]:
        for frame, answer in enumerate(self.answers, 1):
            yield Datagram(frame, 0, ROUTE, answer)


def dumped(*answers: bytes) -> tuple[DumpResult, list[Event]]:
    """The result of a dump of links, and what was delivered."""
    backend = LibnlBackend(Scripted(*answers))
    seen: list[Event] = []
    backend.set_callback(seen.append)
    backend.enable(ROUTE)
    return backend.dump(ROUTE, 18), seen


def names(result: DumpResult) -> list[str | None]:
    return [event.payload.ifname for event in result.events if isinstance(event.payload, LinkInfo)]


REFUSED = message(2, number("i", -errno.EPERM) + bytes(16), seq=1)
NOTIFIED = message(LINK, link(9, "n"))


@pytest.mark.parametrize(
    ("answers", "expected", "outcome", "foreign"),
    [
        pytest.param([part(1), part(2), done()], ["d1", "d2"], Outcome.COMPLETE, 0, id="DONE of its own"),
        pytest.param([part(1) + part(2) + done()], ["d1", "d2"], Outcome.COMPLETE, 0, id="one datagram"),
        pytest.param([done()], [], Outcome.COMPLETE, 0, id="nothing there"),
        pytest.param([message(3, flags=2, seq=1)], [], Outcome.COMPLETE, 0, id="DONE without a number"),
        pytest.param([part(1, flags=INTERRUPTED), done()], ["d1"], Outcome.INTERRUPTED, 0, id="marked at once"),
        pytest.param([part(1), done(flags=INTERRUPTED)], ["d1"], Outcome.INTERRUPTED, 0, id="marked at DONE"),
        pytest.param([done(flags=INTERRUPTED)], [], Outcome.EMPTY, 0, id="interrupted, no data"),
        pytest.param([part(1)], ["d1"], Outcome.UNFINISHED, 0, id="never DONE"),
        pytest.param([], [], Outcome.UNFINISHED, 0, id="no answer"),
        pytest.param([REFUSED], [], Outcome.FAILED, 0, id="refused"),
        pytest.param([part(1), REFUSED, part(2)], ["d1"], Outcome.FAILED, 0, id="refused in the middle"),
        pytest.param([part(1), done(error=-errno.EBUSY)], ["d1"], Outcome.FAILED, 0, id="error inside DONE"),
        pytest.param([part(1, flags=INTERRUPTED), REFUSED], ["d1"], Outcome.FAILED, 0, id="interrupted and refused"),
        pytest.param([part(1), part(8, seq=7), done()], ["d1"], Outcome.COMPLETE, 1, id="another's answer"),
        pytest.param([part(1), done(seq=7), part(2), done()], ["d1", "d2"], Outcome.COMPLETE, 1, id="another's DONE"),
        pytest.param([part(8, seq=7, flags=INTERRUPTED), done()], [], Outcome.COMPLETE, 1, id="another is interrupted"),
        pytest.param([part(1) + NOTIFIED, NOTIFIED, done()], ["d1"], Outcome.COMPLETE, 2, id="notifications between"),
        pytest.param([part(1) + done() + part(2)], ["d1"], Outcome.COMPLETE, 0, id="something behind DONE"),
        pytest.param([part(1) + done(), part(2)], ["d1"], Outcome.COMPLETE, 0, id="a datagram behind DONE"),
    ],
)
def test_how_a_dump_ends(answers: list[bytes], expected: list[str], outcome: Outcome, foreign: int) -> None:
    """Objects, outcome and the number of foreign messages; nothing is delivered as an event."""
    result, seen = dumped(*answers)

    assert (names(result), result.outcome, result.foreign, seen) == (expected, outcome, foreign, [])
    assert result.whole == (outcome is Outcome.COMPLETE)


def test_a_refusal_is_named() -> None:
    """The kernel's error is among the errors of the dump."""
    (error,) = dumped(done(error=-errno.EBUSY))[0].errors

    assert isinstance(error, KernelError)
    assert error.errno == errno.EBUSY


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        ([part(1) + message(LINK, bytes(4), flags=2, seq=1), done()], ["NLM-D002"]),
        ([part(1) + part(2)[:-8], done()], ["NLM-D001"]),
        ([part(1) + message(LINK, bytes(4), seq=7), done()], []),
    ],
)
def test_what_cannot_be_read(answers: list[bytes], codes: list[str]) -> None:
    """A short message of ours, or a cut datagram, makes the dump less than whole; another's does not."""
    result, _ = dumped(*answers)

    assert [error.code for error in result.errors] == codes
    assert (names(result), result.outcome, result.whole) == (["d1"], Outcome.COMPLETE, not codes)


def test_every_dump_has_its_number() -> None:
    """The request is what rtnetlink expects, and the sequence number is never used twice."""
    kernel = Scripted(done())
    backend = LibnlBackend(kernel)
    backend.enable(ROUTE)
    sent: list[bytes] = []
    kernel.opened[0].request = lambda data: iter(sent.append(data) or ())  # type: ignore[method-assign, func-returns-value, arg-type]
    for msg_type, family in ((18, 0), (26, 10), (30, 7)):
        backend.dump(ROUTE, msg_type, family)

    assert [struct.unpack_from("<IHHIIB", one) for one in sent] == [
        *((32, 18, 0x301, 1, 0, 0), (28, 26, 0x301, 2, 0, 10), (28, 30, 0x301, 3, 0, 7)),
    ]
    assert [len(one) for one in sent] == [32, 28, 28]


def test_a_dump_needs_its_protocol() -> None:
    """Asking a protocol that is not enabled is the caller's mistake."""
    with pytest.raises(UsageError):
        LibnlBackend(FakeKernel()).dump(ROUTE, 18)


def test_notifications_wait_while_a_dump_runs() -> None:
    """They come over another socket, and are delivered once, behind the dump, in their order."""
    kernel = FakeKernel()
    kernel.new(LINK, link(1, "lo"), 1)
    backend = LibnlBackend(kernel)
    seen: list[str | None] = []
    backend.set_callback(lambda event: seen.append(event.payload.ifname))  # type: ignore[union-attr, arg-type]
    backend.enable(ROUTE)
    kernel.notify(message(LINK, link(2, "before")))
    kernel.during = lambda: kernel.notify(message(LINK, link(3, "in")))
    result = backend.dump(ROUTE, 18)
    assert (names(result), seen) == (["lo"], [])
    while backend.process(ROUTE):
        pass

    assert seen == ["before", "in"]


def test_closing_in_the_middle_of_an_answer() -> None:
    """A half read answer of a closed transport ends with the error of a closed socket, not with more data."""
    factory = RecordedFactory()
    for index in (1, 2, 3):
        factory.kernel.learn(Datagrams.of(Datagram(1, 0, ROUTE, message(LINK, link(index, f"d{index}")))))
    opened = Opened(factory)
    backend = LibnlBackend(opened)
    backend.enable(ROUTE)
    answer = opened.transports[ROUTE].request(message(18, bytes(16), flags=0x301, seq=5))
    first = next(answer)
    backend.close()
    with pytest.raises(TransportError) as caught:
        next(answer)

    assert (first.data[4:6], caught.value.errno) == (b"\x10\0", errno.EBADF)
    assert list(answer) == []
    backend.enable(ROUTE)
    assert names(backend.dump(ROUTE, 18)) == ["d1", "d2", "d3"]
