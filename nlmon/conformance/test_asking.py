"""Claims about asking the kernel: dumps of its objects, which libnl alone asks for.

Not here: dumps after a loss (``test_recovery``) and for caches (``test_caches``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.conformance.claim import claim, not_applicable
from nlmon.conformance.monitor import MonitorUnderTest, Start
from nlmon.errors import UsageError
from nlmon.testing.messages import link, message
from nlmon.testing.transport import ROUTE, FakeKernel, Outcome
from nlmon.uapi import NLM_F_MULTI, RTM_GETLINK, RTM_NEWLINK
from nlmon.wire import Datagram

__all__ = ()

ASKS_NOTHING = not_applicable("it asks the kernel for nothing")


def host(start: Start, *outcomes: Outcome) -> MonitorUnderTest:
    """A monitor of a kernel with two links; ``outcomes``: how its next dumps end."""
    kernel = FakeKernel()
    for index, name in ((1, "lo"), (3, "lan0")):
        kernel.new(RTM_NEWLINK, link(index, name), index)
    kernel.outcomes.extend(outcomes)
    return start(ROUTE, kernel=kernel)


@claim(
    "dump.objects",
    "A dump gives every object of its kind, and says that it is whole.",
    source="guide#new-libnl-based-implementation; netlink(7)",
    legacy=ASKS_NOTHING,
)
def test_objects(start: Start) -> None:
    found = host(start).backend.dump(ROUTE, RTM_GETLINK)
    assert ([event.interface for event in found.events], found.whole) == (["lo", "lan0"], True)


@claim(
    "dump.silent",
    "What a dump gives is its asker's, and goes to no callback.",
    source="guide#new-libnl-based-implementation",
    legacy=ASKS_NOTHING,
)
def test_silent(start: Start) -> None:
    monitor = host(start)
    monitor.backend.dump(ROUTE, RTM_GETLINK)
    assert monitor.run().events == []


@claim(
    "dump.interrupted",
    "A dump that the kernel calls interrupted can be distinguished from a whole one.",
    source="guide#upcoming-features-libnl-only; linux/netlink.h NLM_F_DUMP_INTR",
    legacy=ASKS_NOTHING,
)
def test_interrupted(start: Start) -> None:
    monitor = host(start, "interrupted", "complete")
    found = [monitor.backend.dump(ROUTE, RTM_GETLINK) for _ in range(2)]
    assert [(one.interrupted, one.whole) for one in found] == [(True, False), (False, True)]


@claim(
    "dump.refused",
    "A dump that the kernel refuses, or that has no end, is not whole.",
    source="guide#new-libnl-based-implementation; netlink(7)",
    legacy=ASKS_NOTHING,
)
def test_refused(start: Start) -> None:
    monitor = host(start, "failed", "unfinished")
    assert [monitor.backend.dump(ROUTE, RTM_GETLINK).whole for _ in range(2)] == [False, False]


@claim(
    "dump.sequence",
    "Of what is answered only messages with the sequence number of the request are read.",
    source="guide#new-libnl-based-implementation; netlink(7)",
    legacy=ASKS_NOTHING,
)
def test_sequence(start: Start) -> None:
    monitor = host(start)
    socket = monitor.kernel.opened[0]
    answer = socket.request

    def mixed(data: bytes) -> Iterator[Datagram]:
        yield Datagram(0, 0, ROUTE, message(RTM_NEWLINK, link(9, "other"), flags=NLM_F_MULTI, seq=999_999))
        yield from answer(data)

    socket.request = mixed  # type: ignore[method-assign]
    found = monitor.backend.dump(ROUTE, RTM_GETLINK)
    assert ([event.interface for event in found.events], found.whole) == (["lo", "lan0"], True)


@claim(
    "dump.off",
    "A dump of a protocol that is not enabled is refused.",
    source="guide#direct-libnl-api-advanced",
    legacy=ASKS_NOTHING,
)
def test_off(start: Start) -> None:
    monitor, codes = start(), []
    try:
        monitor.backend.dump(ROUTE, RTM_GETLINK)
    except UsageError as error:
        codes.append(error.code)
    assert codes == ["NLM-B002"]
