"""A recorded kernel in the kernel's place: subscription, names, answers, faults."""

from __future__ import annotations

import errno
import struct

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.dump import Outcome
from nlmon.errors import KernelError, Overrun, TransportError, UsageError
from nlmon.events import Event, LinkInfo
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.groups import groups_of
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.recorded import notify

ROUTE, GENERIC = 0, 16
LINK, NEIGH = 1, 3


def link(index: int, name: str, kind: int = 16, family: int = 0) -> bytes:
    return message(kind, number("BxHiII", family, 1, index, 1, 0) + attr(3, name.encode() + b"\0"))


def datagram(data: bytes, protocol: int = ROUTE) -> Datagram:
    return Datagram(1, 0, protocol, data)


@pytest.mark.parametrize(
    ("kind", "family", "group"),
    [
        (16, 0, 1),
        (17, 7, 1),
        (16, 10, 12),
        (20, 2, 5),
        (21, 10, 9),
        (24, 2, 7),
        (25, 10, 11),
        (24, 28, 27),
        (28, 7, 3),
        (32, 2, 8),
        (33, 10, 19),
        (36, 0, 4),
        (80, 2, 24),
        (84, 7, 26),
        (88, 0, 28),
        (104, 0, 32),
        (64, 0, None),
        (250, 0, None),
    ],
)
def test_groups_of_messages(kind: int, family: int, group: int | None) -> None:
    """The group in which the kernel announces a message (enum rtnetlink_groups)."""
    assert groups_of(ROUTE, kind, 0, family) == (frozenset() if group is None else frozenset({group}))


def test_only_joined_groups_are_delivered() -> None:
    """A socket that joined NEIGH does not receive links."""
    factory = RecordedFactory()
    transport = factory.open(ROUTE, (NEIGH,))

    assert notify(factory, datagram(link(3, "d0"))) is False
    assert transport.recv() is None


def test_names_follow_the_recording() -> None:
    """A name is the latest recorded one; bridge ports do not count, and a deleted link has none."""
    factory = RecordedFactory()
    transport = factory.open(ROUTE, (LINK,))
    names = []
    for data in (link(3, "d0"), link(3, "lan0"), link(3, "d0", 17, family=7), link(3, "lan0", 17)):
        notify(factory, datagram(data))
        names.append(transport.link_name(3))

    assert names == ["d0", "lan0", "lan0", None]


def test_a_link_dump_is_answered_from_the_recording() -> None:
    """The answer carries the request's sequence number, comes in several datagrams and ends with DONE."""
    factory = RecordedFactory()
    for index in range(1, 4):
        factory.kernel.learn(Datagrams.of(datagram(link(index, f"d{index}"))))
    backend = LibnlBackend(factory)
    backend.enable(ROUTE)
    seen: list[Event] = []
    backend.set_callback(seen.append)
    result = backend.dump(ROUTE, 18)

    names = [event.payload.ifname for event in result.events if isinstance(event.payload, LinkInfo)]
    assert (names, result.outcome, result.errors, seen) == (["d1", "d2", "d3"], Outcome.COMPLETE, [], [])
    assert {event.seq for event in result.events} == {1}
    assert {event.msg_flags & 2 for event in result.events} == {2}


@pytest.mark.parametrize(("index", "error"), [(3, 0), (9, errno.ENODEV)])
def test_one_link_is_answered(index: int, error: int) -> None:
    """A link that was recorded is given, another refused as the kernel does."""
    factory = RecordedFactory()
    factory.kernel.learn(Datagrams.of(datagram(link(3, "d0"))))
    transport = factory.open(ROUTE, ())
    request = message(18, number("BxHiII", 0, 0, index, 0, 0), flags=1, seq=77)
    (answer,) = transport.request(request)
    kind, seq = struct.unpack_from("<H", answer.data, 4)[0], struct.unpack_from("<I", answer.data, 8)[0]

    assert (kind, seq) == (2 if error else 16, 77)
    if error:
        assert struct.unpack_from("<i", answer.data, 16) == (-error,)


def test_families_are_answered_by_name() -> None:
    """A recorded nlctrl reply answers CTRL_CMD_GETFAMILY; an unknown family is ENOENT."""
    factory = RecordedFactory()
    reply = message(16, b"\1\2\0\0" + attr(1, number("H", 35)) + attr(2, b"nl80211\0"))
    factory.kernel.learn(Datagrams.of(datagram(reply, GENERIC)))
    transport = factory.open(GENERIC, ())
    ask = [message(16, b"\3\1\0\0" + attr(2, name + b"\0"), flags=1, seq=5) for name in (b"nl80211", b"other")]
    kinds = [struct.unpack_from("<H", next(iter(transport.request(one))).data, 4)[0] for one in ask]

    assert kinds == [16, 2]


def test_an_unknown_request_is_refused() -> None:
    """What a recording cannot answer is EOPNOTSUPP."""
    transport = RecordedFactory().open(ROUTE, ())
    (answer,) = transport.request(message(26, bytes(12), flags=0x301, seq=1))

    assert struct.unpack_from("<i", answer.data, 16) == (-errno.EOPNOTSUPP,)


def dump_of(*answers: bytes) -> tuple[int, Outcome, int]:
    """Objects, outcome and foreign messages of a dump that is answered with these datagrams."""

    class Scripted(RecordedFactory):
        pass

    factory = Scripted()
    backend = LibnlBackend(factory)
    backend.enable(ROUTE)
    transport = factory._open[ROUTE]
    transport.request = lambda _: iter([datagram(a) for a in answers])  # type: ignore[method-assign]
    result = backend.dump(ROUTE, 18)
    return len(result.events), result.outcome, result.foreign


def part(index: int, flags: int = 2, seq: int = 1) -> bytes:
    return message(16, number("BxHiII", 0, 1, index, 1, 0), flags=flags, seq=seq)


def done(flags: int = 2, seq: int = 1, error: int = 0) -> bytes:
    return message(3, number("i", error), flags=flags, seq=seq)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((part(1), part(2), done()), (2, Outcome.COMPLETE, 0)),
        ((part(1) + part(2) + done(),), (2, Outcome.COMPLETE, 0)),
        ((part(1, 0x12), done(0x12)), (1, Outcome.INTERRUPTED, 0)),
        ((part(1), done(0x12)), (1, Outcome.INTERRUPTED, 0)),
        ((done(0x12),), (0, Outcome.EMPTY, 0)),
        ((done(),), (0, Outcome.COMPLETE, 0)),
        ((part(1), part(9, seq=8), done()), (1, Outcome.COMPLETE, 1)),
        ((part(1), done(seq=8), part(2), done()), (2, Outcome.COMPLETE, 1)),
        ((part(1),), (1, Outcome.UNFINISHED, 0)),
        ((message(2, number("i", -22) + bytes(16), seq=1),), (0, Outcome.FAILED, 0)),
        ((done(error=-16),), (0, Outcome.FAILED, 0)),
    ],
)
def test_outcomes_of_a_dump(answers: tuple[bytes, ...], expected: tuple[int, Outcome, int]) -> None:
    """Complete, interrupted with and without data, failed, unfinished; other sequence numbers are not ours."""
    assert dump_of(*answers) == expected


def test_the_extended_acknowledgement_is_read() -> None:
    """The kernel's own text and the offset of the bad attribute (NLM_F_ACK_TLVS), capped or not."""
    request = message(16, bytes(16), seq=1)
    tlvs = attr(1, b"no such thing\0") + attr(2, number("I", 36))
    backend = LibnlBackend(RecordedFactory())
    for flags, echoed in ((0x300, request[:16]), (0x200, request)):
        data = message(2, number("i", -22) + echoed + tlvs, flags=flags)
        (error,) = backend.decode(datagram(data)).errors
        assert isinstance(error, KernelError)
        assert (error.ext_ack, error.request_offset) == ("no such thing", 36)


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_an_overrun_is_reported_and_survived(name: str) -> None:
    """ENOBUFS reaches the error callback, is an event in its place, and the next datagram is still delivered."""
    from nlmon.backends.registry import create  # noqa: PLC0415

    factory = RecordedFactory()
    backend = create(name, factory)
    backend.enable(ROUTE)
    seen: list[object] = []
    backend.set_callback(seen.append, seen.append)
    factory.fail(ROUTE, Overrun("NLM-T010", "full", drops=7))
    notify(factory, datagram(link(3, "d0")))
    while backend.process(ROUTE):
        pass

    assert [getattr(one, "type", "error") for one in seen] == ["error", "overrun", "netlink"]
    assert isinstance(seen[0], Overrun)


@pytest.mark.parametrize(("number_", "recovers"), [(errno.EBADF, True), (errno.ENOTCONN, True), (errno.EIO, False)])
def test_libnl_replaces_a_lost_socket(number_: int, recovers: bool) -> None:
    """A socket that is gone is opened again with the same groups; other failures are the caller's."""
    factory = RecordedFactory()
    backend = LibnlBackend(factory)
    backend.enable(ROUTE)
    factory.fail(ROUTE, TransportError("NLM-T003", "lost", errno=number_))
    if not recovers:
        with pytest.raises(TransportError):
            backend.process(ROUTE)
        return
    backend.process(ROUTE)
    notify(factory, datagram(link(3, "d0")))

    assert backend.process(ROUTE) is True
    assert factory._open[ROUTE].groups == set(LibnlBackend.groups[ROUTE])


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_the_life_of_a_backend(name: str) -> None:
    """Enable twice, disable, process when disabled, close twice, open again."""
    from nlmon.backends.registry import create  # noqa: PLC0415

    backend = create(name, RecordedFactory())
    with pytest.raises(UsageError):
        backend.process(ROUTE)
    backend.enable(ROUTE)
    backend.enable(ROUTE)
    assert backend.process(ROUTE) is False
    backend.disable(ROUTE)
    backend.disable(ROUTE)
    assert backend.fileno(ROUTE) == -1
    backend.close()
    backend.close()
    backend.enable(ROUTE)
    assert backend.status().protocols[ROUTE].enabled is True
    with pytest.raises(UsageError):
        backend.enable(11)
