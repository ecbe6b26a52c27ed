"""Claims about the life of a monitor: enabling, callbacks, reading, disabling, buffers and threads.

Not here: losses (``test_recovery``).
"""

from __future__ import annotations

from threading import Barrier, Thread

from nlmon.conformance.claim import claim
from nlmon.conformance.monitor import MonitorUnderTest, Start
from nlmon.errors import UsageError
from nlmon.testing.messages import addr, link, message, route
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE

__all__ = ()

LAN0, LAN1 = message(RTM_NEWLINK, link(3, "lan0")), message(RTM_NEWLINK, link(4, "lan1"))


def refused(monitor: MonitorUnderTest) -> str:
    """The code with which reading NETLINK_ROUTE is refused, empty if it is not."""
    try:
        monitor.backend.process(ROUTE)
    except UsageError as error:
        return error.code
    return ""


@claim(
    "life.off",
    "Nothing is opened before a protocol is enabled, the status has none, and reading is refused.",
    source="guide#for-application-developers",
)
def test_off(start: Start) -> None:
    monitor = start()
    assert (monitor.backend.fileno(ROUTE), refused(monitor), monitor.kernel.opened) == (-1, "NLM-B002", [])
    assert monitor.backend.status().protocols == {}


@claim(
    "life.twice",
    "Enabling a protocol twice opens one socket.",
    source="guide#for-application-developers",
)
def test_twice(start: Start) -> None:
    assert len(start(ROUTE, ROUTE).kernel.opened) == 1


@claim(
    "life.descriptor",
    "An enabled protocol has a descriptor to wait on.",
    source="guide#for-application-developers",
)
def test_descriptor(start: Start) -> None:
    assert start(ROUTE).backend.fileno(ROUTE) >= 0


@claim(
    "life.process",
    "One call reads one datagram, and says whether there was one.",
    source="guide#for-application-developers; guide#new-libnl-based-implementation",
)
def test_process(start: Start) -> None:
    monitor = start(ROUTE)
    for data in (LAN0 + LAN1, LAN0):
        monitor.kernel.notify(data)
    read = [(monitor.backend.process(ROUTE), len(monitor.events)) for _ in range(3)]
    assert read == [(True, 2), (True, 3), (False, 3)]


@claim(
    "life.callback",
    "The callback may be set after enabling, and taken away.",
    source="guide#for-application-developers",
)
def test_callback(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.backend.set_callback(None)
    assert monitor.receive(LAN0) == []
    monitor.backend.set_callback(monitor.events.append)
    assert len(monitor.receive(LAN0)) == 1


@claim(
    "life.disable",
    "Disabling closes the sockets, and what waited in them is gone.",
    source="guide#compatibility-layer",
)
def test_disable(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.notify(LAN0)
    monitor.backend.disable(ROUTE)
    assert (monitor.kernel.sockets(), monitor.backend.fileno(ROUTE), refused(monitor)) == ([], -1, "NLM-B002")
    monitor.backend.enable(ROUTE)
    assert [event.interface for event in monitor.receive(LAN1)] == ["lan1"]


@claim(
    "life.apart",
    "Disabling one protocol leaves the others alone.",
    source="guide#pattern-1-gradual-migration",
)
def test_apart(start: Start) -> None:
    monitor = start(ROUTE, GENERIC)
    monitor.backend.disable(GENERIC)
    assert [event.interface for event in monitor.receive(LAN0)] == ["lan0"]


@claim(
    "life.close",
    "Closing a monitor closes every socket, and closing twice is allowed.",
    source="guide#for-application-developers",
)
def test_close(start: Start) -> None:
    monitor = start(ROUTE, GENERIC)
    monitor.backend.close()
    monitor.backend.close()
    assert [one.closed for one in monitor.kernel.opened] == [True] * len(monitor.kernel.opened)
    assert monitor.kernel.opened != []


@claim(
    "life.buffers",
    "The buffers have the sizes that were asked for, 32 KiB by default.",
    source="guide#common-options-both-implementations",
)
def test_buffers(start: Start) -> None:
    sizes = (
        start(ROUTE).kernel.opened[0].buffers,
        start(ROUTE, receive_buffer=65536, send_buffer=None).kernel.opened[0].buffers,
    )
    assert sizes == ((32768, 32768), (65536, None))


@claim(
    "life.status",
    "The status has each protocol that was ever enabled, whether it is, and its groups.",
    source="guide#post-migration-validation",
)
def test_status(start: Start) -> None:
    monitor = start(ROUTE, GENERIC)
    monitor.backend.disable(GENERIC)
    found = monitor.backend.status().protocols
    assert {protocol: one.enabled for protocol, one in found.items()} == {ROUTE: True, GENERIC: False}
    assert set(found[ROUTE].transport.groups) == monitor.kernel.groups()


@claim(
    "life.independent",
    "Two monitors share nothing: what one reads, counts or closes is not the other's.",
    source="guide#pattern-2-parallel-deployment",
)
def test_independent(start: Start) -> None:
    first, second = start(ROUTE), start(ROUTE)
    first.receive(LAN0)
    first.backend.close()
    assert ([event.interface for event in second.receive(LAN1)], second.backend.status().protocols[ROUTE].events) == (
        ["lan1"],
        1,
    )


@claim(
    "life.threads",
    "Two monitors may run in two threads, and each gives what it gives alone.",
    source="guide#pattern-2-parallel-deployment",
)
def test_threads(start: Start) -> None:
    messages = [
        message(kind, body)
        for index in range(1, 40)
        for kind, body in (
            (RTM_NEWLINK, link(index, f"lan{index}")),
            (RTM_NEWADDR, addr(index, f"192.0.2.{index}")),
            (RTM_NEWROUTE, route(f"10.{index}.0.0/16", index)),
        )
    ]
    alone = [event.payload for event in start(ROUTE).receive(*messages)]
    assert len(alone) == len(messages)
    monitors, together = (start(ROUTE), start(ROUTE)), Barrier(2, timeout=30)

    def run(monitor: MonitorUnderTest) -> None:
        together.wait()
        monitor.receive(*messages)

    threads = [Thread(target=run, args=(one,)) for one in monitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[event.payload for event in one.events] for one in monitors] == [alone, alone]
