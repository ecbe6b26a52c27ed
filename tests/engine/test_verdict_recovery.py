"""Verdicts after losses: an implementation that says it recovered is held against the recorded kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.base import Frame
from nlmon.compare.difference import Class
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.engine.run import replay_capture
from nlmon.events import Event
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import addr, attr, link, message, number, route
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.transport.recorded.faults import Fault
from nlmon.uapi import AF_BRIDGE, NTF_SELF
from support.paths import CAPTURES, NEWEST_FIRST

legacy = partial(create, "legacy")
libnl = partial(create, "libnl")
LOSS = Fault(100, 30), Fault(700, 300)


def recovered(candidate: BackendMaker, kernel: str = "linux-6.12", name: str = "02-route-topology") -> CaptureReport:
    """The report on a recording of which notifications are lost in two places."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        options = BackendOptions(resync=True, resync_interval=0.0)
        # The first recording has no frame 700, and a fault that takes nothing gives no verdict.
        faults = LOSS[:1] if name == "01-route-basic" else LOSS
        return replay_capture(reader, name, legacy, candidate, options=options, faults=faults)[0]


RECOVERY = {name: bad for name, bad in ZOO.items() if bad.options.resync and bad.found_as == {Class.STATE}}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology"])
def test_a_sound_recovery_is_an_enhancement(kernel: str, name: str) -> None:
    """libnl recovers from the loss, legacy reports it: that is no regression, and said."""
    report = recovered(libnl, kernel, name)

    assert (report.verdict, set(report.differences), report.state) == ("equivalent", {"enhancement"}, "same")
    assert report.enhancements["recovered"] > 0
    assert report.lost["legacy"] == report.lost["libnl"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("bad", RECOVERY.values(), ids=RECOVERY.keys())
def test_a_broken_recovery_is_found(bad: BadImplementation) -> None:
    """What is not recovered, or wrongly, is a difference of the state with both values."""
    report = recovered(bad.make)

    assert (report.verdict, report.state) == ("regression", "differs")
    assert any("after the resync of libnl" in d.reason for d in report.details)


def test_an_overrun_that_is_swallowed_at_the_end_is_found() -> None:
    """A loss that lasts until the recording ends is compared like any other."""

    silent = ZOO["silent to the end"].make
    with open_capture(CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst") as reader:
        report = replay_capture(reader, "01", legacy, silent, faults=(Fault(600, 100000),))[0]

    assert (report.verdict, report.differences["error"]) == ("regression", 1)


UP3, DOWN3, UP4, DOWN4 = (
    message(16, link(index, f"d{index}", up=up)) for index, up in ((3, True), (3, False), (4, True), (4, False))
)
# What wireless extensions announce of a link.
PART_OF_3 = number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"d3\0") + attr(11, bytes(8))
CREATE, REPLACE, APPEND = 0x400, 0x100, 0x800


def route4(index: int, gateway: str, flags: int = CREATE, dst: str = "10.0.0.0/8") -> bytes:
    """A new IPv4 route."""
    return message(24, route(dst, index, gateway), flags=flags)


def several(*indices: int) -> bytes:
    """A new IPv4 route of several hops."""
    hops = b"".join(number("HBBi", 16, 0, 0, one) + attr(5, bytes([192, 0, 2, one])) for one in indices)
    return message(24, number("8BI", 2, 8, 0, 0, 254, 3, 0, 1, 0) + attr(1, bytes([10, 0, 0, 0])) + attr(9, hops))


def forwarding(*attributes: bytes) -> bytes:
    """A new entry of the forwarding database of a device itself."""
    return message(
        28, number("BxxxiHBB", AF_BRIDGE, 3, 2, NTF_SELF, 0) + attr(2, bytes([2, 0, 0, 0, 0, 1])) + b"".join(attributes)
    )


def lossy(
    messages: list[bytes], fault: Fault, candidate: BackendMaker = libnl, *, dumped: bool = True, resync: bool = True
) -> Replay:
    """A replay of messages of which some are lost; ``dumped``: behind two frames, a dump that lists no address."""
    options = BackendOptions(resync=resync, resync_interval=0.0)
    replay = Replay(legacy, candidate, byteorder="little", options=options, faults=(fault,))
    asked = number("IHHII", 24, 22, 0x301, 9, 0) + bytes(8)
    if dumped:
        replay.play([Frame(1, 1, 0, asked, "out"), Frame(2, 2, 0, message(3, bytes(4), flags=2, seq=9), "in")])
    replay.play([Frame(n, n, 0, one) for n, one in enumerate(messages, 3)])
    replay.finish()
    return replay


PORT4 = message(16, link(4, "d4", family=AF_BRIDGE) + attr(10, number("I", 3)))


@pytest.mark.parametrize("messages", [[UP3, PORT4, UP3], [UP3, PORT4, message(20, addr(4, "192.0.2.1")), UP3]])
@pytest.mark.parametrize("size", [1, 2])
def test_a_link_that_only_its_port_announces_has_a_name_or_none(messages: list[bytes], size: int) -> None:
    """Whoever recovers a bridge port, or what is on its link, may take the name from it."""
    replay = lossy(messages, Fault(4, size))

    assert replay.lanes[1].ledger.synthetic > 0
    assert {cls.label: n for cls, n in replay.judge.counts.items()} == {}


@pytest.mark.parametrize(
    ("messages", "lost"),
    [
        ([DOWN3, UP3, route4(3, "192.0.2.1"), UP4, DOWN3], 2),
        ([UP3, UP4, several(3, 4), DOWN4, UP4, DOWN3], 4),
        ([UP3, UP4, several(3, 4), DOWN4, message(24, route("172.16.0.0/12", 3)), DOWN3], 4),
        ([UP3, route4(3, "192.0.2.1"), route4(3, "192.0.2.2"), UP4, route4(3, "192.0.2.3", REPLACE)], 3),
        ([UP3, route4(3, "192.0.2.1"), route4(3, "192.0.2.2"), UP4, route4(3, "192.0.2.3", REPLACE), DOWN3], 3),
        (
            [
                UP3,
                *(message(20, addr(3, f"192.0.2.{host}")) for host in (1, 2)),
                route4(3, "192.0.2.9"),
                message(21, addr(3, "192.0.2.1")),
                UP4,
                message(21, addr(3, "192.0.2.2")),
            ],
            5,
        ),
        ([UP3, forwarding(attr(1, bytes([192, 0, 2, 1]))), forwarding(), UP4], 2),
        ([UP3, message(16, link(3, "d3", mtu=9000)), message(16, PART_OF_3), UP4], 2),
    ],
)
def test_what_follows_from_a_recovery_is_no_difference(messages: list[bytes], lost: int) -> None:
    """A message that reaches both does something else to each state, since only libnl knows what was lost."""
    replay = lossy(messages, Fault(lost + 2, 1))

    assert replay.lanes[1].ledger.synthetic > 0
    assert {cls.label: n for cls, n in replay.judge.counts.items()} == {}


OTHER3, NO_OTHER3 = (message(kind, addr(3, "192.0.2.2")) for kind in (20, 21))


@pytest.mark.parametrize(
    ("messages", "lost"),
    [
        ([route4(3, "192.0.2.9"), NO_OTHER3, route4(3, "192.0.2.8", REPLACE | CREATE), UP4], 3),
        ([UP3, OTHER3, route4(3, "192.0.2.9"), NO_OTHER3, UP3, UP4], 5),
    ],
    ids=("a route is replaced", "nothing is lost that matters"),
)
@pytest.mark.parametrize("dumped", [False, True])
def test_an_address_that_may_not_have_been_the_last(messages: list[bytes], lost: int, dumped: bool) -> None:
    """Where no dump of the recording says that all addresses are known, nobody takes a route for ended with one."""
    replay = lossy(messages, Fault(lost + 2, 1), dumped=dumped)

    assert (replay.lanes[1].ledger.lost, dict(replay.judge.counts)) == (1, {})


FIRST3 = message(20, addr(3, "192.0.2.1")), message(21, addr(3, "192.0.2.1"))


@pytest.mark.parametrize(
    ("messages", "ended"),
    [
        ([UP3, FIRST3[0], route4(3, "192.0.2.9"), OTHER3, FIRST3[1], UP4], False),
        ([UP3, FIRST3[0], route4(3, "192.0.2.9"), OTHER3, FIRST3[1], NO_OTHER3, UP4], True),
        ([UP3, FIRST3[0], route4(3, "192.0.2.9"), OTHER3, UP4, FIRST3[1], NO_OTHER3], True),
    ],
)
@pytest.mark.parametrize("resync", [False, True])
def test_an_address_that_was_lost(messages: list[bytes], ended: bool, resync: bool) -> None:
    """Where messages were lost, the last address that is known of a link need not be its last one: only who has asked
    for all again takes a route for ended with it."""
    replay = lossy(messages, Fault(6, 1), resync=resync)

    assert (replay.lanes[1].ledger.lost, dict(replay.judge.counts)) == (1, {})
    assert [state.unannounced_counts.total() for state in replay.states.both] == [0, int(ended and resync)]


def test_what_does_not_follow_from_a_recovery_is_a_difference() -> None:
    """A candidate that does not report a link keeps its route, which no loss concerns."""
    messages = [UP3, UP4, route4(3, "192.0.2.1"), route4(4, "192.0.2.2", dst="172.16.0.0/12"), DOWN4, UP4, UP3, DOWN3]

    class Forgets(LibnlBackend):
        """Keeps to itself that the link goes down."""

        def deliver(self, events: Sequence[Event]) -> None:
            super().deliver([one for one in events if one.synthetic or one.frame != len(messages) + 2])

    replay = lossy(messages, Fault(7, 1), Forgets)

    assert replay.judge.counts[Class.STATE] > 0
