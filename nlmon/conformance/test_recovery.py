"""Claims about losses: overruns, lost sockets, and what is done about them.

Not here: losses that a full message pool causes (``test_caches``).
"""

from __future__ import annotations

import errno
from typing import Any

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import MonitorUnderTest, Start
from nlmon.errors import Overrun, TransportError
from nlmon.events import LinkInfo
from nlmon.testing.messages import addr, family, link, message, route
from nlmon.testing.transport import GENERIC, ROUTE, SECOND, FakeKernel
from nlmon.uapi import RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE

__all__ = ()

NO_RECOVERY = by_design("it asks the kernel for nothing, so that what was lost stays lost")
NO_RECONNECTION = by_design("a lost socket ends its reading")
CLOSED = TransportError("NLM-T003", "reading the event socket failed", errno=errno.EBADF)


def reported(monitor: MonitorUnderTest) -> list[tuple[int, object]]:
    """Changes that were found after a loss: type of message and interface."""
    return [(event.msg_type, event.interface) for event in monitor.events if event.synthetic]


def lossy(start: Start, **options: Any) -> MonitorUnderTest:
    """A monitor that knows lan0 and lan1 with a route each; then lan0 goes, lan1 changes and lan2 comes, which it does
    not receive."""
    monitor = start(ROUTE, **options)
    kernel = monitor.kernel
    for index in (3, 4):
        kernel.new(RTM_NEWLINK, link(index, f"lan{index - 3}"), index)
        kernel.new(RTM_NEWROUTE, route(f"10.{index}.0.0/16", index), index)
    monitor.run()
    kernel.requests.clear()
    kernel.delete(RTM_NEWROUTE, 3, lost=True)
    kernel.delete(RTM_NEWLINK, 3, lost=True)
    kernel.new(RTM_NEWLINK, link(4, "lan1", mtu=9000), 4, lost=True)
    kernel.new(RTM_NEWLINK, link(5, "lan2"), 5, lost=True)
    kernel.overrun()
    return monitor


@claim(
    "loss.reported",
    "An overrun is an event with the number of lost messages, in its place, and goes to the error callback.",
    source="guide#issue-connection-loss-and-reconnection; decision 16",
)
def test_reported(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.new(RTM_NEWLINK, link(3, "lan0"), 3)
    monitor.kernel.new(RTM_NEWLINK, link(4, "lan1"), 4, lost=True)
    monitor.kernel.overrun()
    monitor.kernel.new(RTM_NEWLINK, link(5, "lan2"), 5)
    assert monitor.run().names() == ["lan0", 1, "lan2"]
    assert [error.drops for error in monitor.errors if isinstance(error, Overrun)] == [1]


@claim(
    "loss.unknown",
    "An overrun of which the kernel gives no number says that the number is not known.",
    source="decision 16",
)
def test_unknown_number(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.dropped = -1
    monitor.kernel.overrun()
    assert monitor.run().names() == [None]


@claim(
    "loss.resync",
    "After an overrun everything is dumped again, and what went, changed and came is delivered as events.",
    source="guide#new-libnl-based-implementation; guide#upcoming-features-libnl-only",
    legacy=NO_RECOVERY,
)
def test_resync(start: Start) -> None:
    assert reported(lossy(start, resync=True).run()) == [(25, "lan0"), (17, "lan0"), (16, "lan1"), (16, "lan2")]


@claim(
    "loss.resync.values",
    "What a resync delivers has the values of now.",
    source="guide#new-libnl-based-implementation",
    legacy=NO_RECOVERY,
)
def test_values(start: Start) -> None:
    events = lossy(start, resync=True).run().events
    found = [event.payload for event in events if event.synthetic and event.msg_type == RTM_NEWLINK]
    assert [(one.ifindex, one.mtu) for one in found if isinstance(one, LinkInfo)] == [(4, 9000), (5, 1500)]


@claim(
    "loss.resync.off",
    "Unless it is asked for there is no resync: nothing is dumped.",
    source="guide#issue-connection-loss-and-reconnection",
)
def test_off(start: Start) -> None:
    monitor = lossy(start).run()
    assert (reported(monitor), monitor.kernel.requests) == ([], [])


@claim(
    "loss.resync.nothing",
    "A resync that finds nothing changed delivers nothing.",
    source="guide#new-libnl-based-implementation",
)
def test_nothing(start: Start) -> None:
    monitor = start(ROUTE, resync=True)
    monitor.kernel.new(RTM_NEWLINK, link(3, "lan0"), 3)
    monitor.run().kernel.overrun()
    assert (reported(monitor.run()), len(monitor.events)) == ([], 2)


@claim(
    "loss.resync.before",
    "Objects from before the monitor began are known, and their loss is reported.",
    source="guide#new-libnl-based-implementation",
    legacy=NO_RECOVERY,
)
def test_before(start: Start) -> None:
    kernel = FakeKernel()
    kernel.new(RTM_NEWLINK, link(3, "lan0"), 3)
    monitor = start(ROUTE, kernel=kernel, resync=True)
    kernel.delete(RTM_NEWLINK, 3, lost=True)
    kernel.overrun()
    assert reported(monitor.run()) == [(17, "lan0")]


@claim(
    "loss.resync.order",
    "What waits in the socket is read before anything is dumped, so that nothing older undoes it.",
    source="guide#new-libnl-based-implementation",
    legacy=NO_RECOVERY,
)
def test_order(start: Start) -> None:
    monitor = lossy(start, resync=True)
    monitor.kernel.notify(message(RTM_NEWLINK, link(9, "waits")))
    events = monitor.run().events
    waits = next(place for place, event in enumerate(events) if event.interface == "waits")
    found = [place for place, event in enumerate(events) if event.synthetic]
    assert found != []
    assert min(found) > waits


@claim(
    "loss.resync.interrupted",
    "A dump that the kernel calls interrupted is asked for again.",
    source="guide#upcoming-features-libnl-only; linux/netlink.h NLM_F_DUMP_INTR",
    legacy=NO_RECOVERY,
)
def test_interrupted(start: Start) -> None:
    monitor = lossy(start, resync=True)
    monitor.kernel.outcomes.extend(["interrupted", "empty"])
    assert reported(monitor.run()) == [(25, "lan0"), (17, "lan0"), (16, "lan1"), (16, "lan2")]
    assert monitor.found() == ["Overrun"]


@claim(
    "loss.resync.whole",
    "A dump that is refused or not whole makes nothing disappear, and is reported.",
    source="guide#upcoming-features-libnl-only; decision 18",
    legacy=NO_RECOVERY,
)
def test_not_whole(start: Start) -> None:
    monitor = lossy(start, resync=True)
    monitor.kernel.outcomes.append("unfinished")
    assert (17, "lan0") not in reported(monitor.run())
    assert monitor.found() == ["Overrun", "ResyncIncomplete"]


@claim(
    "loss.resync.interval",
    "Overruns that follow each other cause no more than one resync in the time that is set.",
    source="guide#upcoming-features-libnl-only",
    legacy=NO_RECOVERY,
)
def test_interval(start: Start) -> None:
    monitor = lossy(start, resync=True, resync_interval=10.0)
    requests = [len(monitor.run().kernel.requests)]
    for seconds in (1, 10):
        monitor.kernel.clock += seconds * SECOND
        monitor.kernel.overrun()
        requests.append(len(monitor.run().kernel.requests))
    once = requests[0]
    assert once > 0
    assert requests == [once, once, 2 * once]


@claim(
    "loss.resync.quiet",
    "A resync waits until nothing has come for the time that is set, and says how long that is.",
    source="guide#upcoming-features-libnl-only",
    legacy=NO_RECOVERY,
)
def test_quiet(start: Start) -> None:
    monitor = lossy(start, resync=True, resync_quiet=2.0)
    steps = []
    for seconds in (0, 1, 1):
        monitor.kernel.clock += seconds * SECOND
        requests = len(monitor.run().kernel.requests)
        steps.append((monitor.backend.due(), requests > 0))
    assert steps == [(2.0, False), (1.0, False), (None, True)]


@claim(
    "loss.resync.cache",
    "After an overrun the caches are filled again.",
    source="guide#new-libnl-based-implementation",
    legacy=not_applicable("it has no caches"),
)
def test_cache(start: Start) -> None:
    monitor = lossy(start, caches=("link",))
    before = [monitor.backend.cache_status()["link"].count, len(monitor.kernel.requests)]
    monitor.run()
    assert (before[0], monitor.backend.cache_status()["link"].count) == (2, 2)
    assert monitor.backend.get_link_by_index(5).ifname == "lan2"
    assert len(monitor.kernel.requests) > before[1]


@claim(
    "connection.reported",
    "A lost socket is reported, by the call that reads or to the error callback.",
    source="guide#issue-connection-loss-and-reconnection",
)
def test_connection_reported(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.fail(CLOSED)
    monitor.run()
    assert CLOSED in [monitor.lost, *monitor.errors]


@claim(
    "connection.restored",
    "A lost socket is replaced by a new one, with the same groups and buffers, and reading goes on.",
    source="guide#new-libnl-based-implementation; guide#issue-connection-loss-and-reconnection",
    legacy=NO_RECONNECTION,
)
def test_restored(start: Start) -> None:
    monitor = start(ROUTE, receive_buffer=65536, extra_groups=("nexthop",))
    groups = monitor.kernel.groups()
    monitor.kernel.fail(CLOSED)
    assert monitor.run().lost is None
    assert [event.interface for event in monitor.receive(message(RTM_NEWLINK, link(3, "lan0")))] == ["lan0"]
    assert (monitor.kernel.groups(), monitor.kernel.sockets()[0].buffers) == (groups, (65536, 32768))


@claim(
    "connection.families",
    "A new socket in the place of a lost one joins the groups of the generic families again.",
    source="guide#new-libnl-based-implementation; guide#issue-connection-loss-and-reconnection",
    legacy=NO_RECONNECTION,
)
def test_families(start: Start) -> None:
    kernel = FakeKernel()
    kernel.families["nl80211"] = family(28, "nl80211", {"scan": 20})
    monitor = start(GENERIC, kernel=kernel, generic_families=("nl80211",))
    kernel.fail(CLOSED, GENERIC)
    assert monitor.run(GENERIC).lost is None
    assert (len(kernel.opened), 20 in monitor.kernel.groups(GENERIC)) == (2, True)


@claim(
    "connection.resync",
    "What happened while a socket was lost is found by a resync.",
    source="guide#new-libnl-based-implementation; guide#issue-connection-loss-and-reconnection",
    legacy=NO_RECONNECTION,
)
def test_missed(start: Start) -> None:
    monitor = start(ROUTE, resync=True)
    monitor.kernel.new(RTM_NEWLINK, link(3, "lan0"), 3)
    monitor.run()
    monitor.kernel.new(RTM_NEWADDR, addr(3, "192.0.2.1"), 3, lost=True)
    monitor.kernel.fail(CLOSED)
    assert reported(monitor.run()) == [(20, "lan0")]


@claim(
    "connection.again",
    "While the kernel refuses a new socket the next read tries again.",
    source="guide#issue-connection-loss-and-reconnection",
    legacy=NO_RECONNECTION,
)
def test_again(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.open_errors.append(TransportError("NLM-T001", "no socket", errno=errno.EMFILE))
    monitor.kernel.fail(CLOSED)
    assert monitor.run().lost is not None
    monitor.run()
    assert [event.interface for event in monitor.receive(message(RTM_NEWLINK, link(3, "lan0")))] == ["lan0"]
    assert len(monitor.kernel.opened) == 2


@claim(
    "connection.enable",
    "When the kernel refuses a socket, enabling fails with the reason and the protocol stays off.",
    source="guide#development-best-practices; guide#issue-events-not-being-captured-with-libnl",
)
def test_enable(start: Start) -> None:
    monitor = start()
    monitor.kernel.open_errors.append(TransportError("NLM-T001", "no socket", errno=errno.EPERM))
    numbers = []
    try:
        monitor.backend.enable(ROUTE)
    except TransportError as error:
        numbers.append(error.errno)
    assert (numbers, monitor.backend.fileno(ROUTE), monitor.supports(ROUTE)) == ([errno.EPERM], -1, True)
