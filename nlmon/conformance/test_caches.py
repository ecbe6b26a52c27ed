"""Claims about caches, which libnl alone has, and about the message pool.

Not here: what a loss does to them (``test_recovery``).
"""

from __future__ import annotations

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import MonitorUnderTest, Start
from nlmon.errors import NotFound
from nlmon.testing.messages import addr, link, message, route
from nlmon.testing.transport import ROUTE, SECOND, FakeKernel
from nlmon.uapi import RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE

__all__ = ()

ALL = ("link", "addr", "route")
NO_CACHES = not_applicable("it has no caches")
NO_POOL = by_design("it has no message pool")


def host() -> FakeKernel:
    """A kernel with two links, an address on each, and a route."""
    kernel = FakeKernel()
    for index, name in ((1, "lo"), (3, "lan0")):
        kernel.new(RTM_NEWLINK, link(index, name, altnames=(f"{name}-alt",)), index)
        kernel.new(RTM_NEWADDR, addr(index, f"192.0.2.{index}"), index)
    kernel.new(RTM_NEWROUTE, route("198.51.100.0/24", 3), 1)
    return kernel


def counts(monitor: MonitorUnderTest) -> list[int]:
    """Objects that each cache holds."""
    status = monitor.backend.cache_status()
    return [status[kind].count for kind in ALL]


def full(start: Start, policy: str) -> list[str | int | None]:
    """What comes of five messages where the pool has room for three."""
    monitor = start(ROUTE, message_pool_size=3, pool_policy=policy)
    for index, name in enumerate("abcde", 1):
        monitor.kernel.notify(message(RTM_NEWLINK, link(index, name)))
    return monitor.run().names()


@claim(
    "cache.off",
    "Nothing is cached unless it is asked for: no object is dumped.",
    source="guide#libnl-specific-options; guide#issue-high-memory-usage-with-libnl",
)
def test_off(start: Start) -> None:
    assert start(ROUTE, kernel=host()).run().kernel.requests == []


@claim(
    "cache.none",
    "There are no caches: nothing is dumped even when they are asked for.",
    source="guide#legacy-implementation",
    libnl=by_design("it has caches"),
)
def test_none(start: Start) -> None:
    assert start(ROUTE, kernel=host(), caches=ALL).run().kernel.requests == []


@claim(
    "cache.filled",
    "Caches of links, addresses and routes hold what there is.",
    source="guide#new-libnl-based-implementation; guide#libnl-specific-options",
    legacy=NO_CACHES,
)
def test_filled(start: Start) -> None:
    assert counts(start(ROUTE, kernel=host(), caches=ALL)) == [2, 2, 1]


@claim(
    "cache.silent",
    "What fills a cache gives no events, so that events are the same with and without caches.",
    source="guide#new-libnl-based-implementation",
    legacy=NO_CACHES,
)
def test_silent(start: Start) -> None:
    assert start(ROUTE, kernel=host(), caches=ALL).run().events == []


@claim(
    "cache.followed",
    "Notifications keep the caches: what comes is held, what goes is not.",
    source="guide#configuration-best-practices",
    legacy=NO_CACHES,
)
def test_followed(start: Start) -> None:
    monitor = start(ROUTE, kernel=host(), caches=ALL)
    monitor.kernel.new(RTM_NEWLINK, link(4, "lan1"), 4)
    monitor.kernel.delete(RTM_NEWROUTE, 1)
    assert counts(monitor.run()) == [3, 2, 0]


@claim(
    "cache.queries",
    "With a cache of links the kernel is not asked for names of interfaces.",
    source="guide#issue-performance-degradation-after-migration; guide#scenario-3-high-traffic-production-environment",
    legacy=NO_CACHES,
)
def test_queries(start: Start) -> None:
    asked = []
    for caches in ((), ("link",)):
        monitor = start(ROUTE, kernel=host(), caches=caches)
        monitor.kernel.names.update({3: "lan0"})
        events = monitor.receive(message(RTM_NEWADDR, addr(3, "192.0.2.9")))
        asked.append((events[0].interface, monitor.kernel.names_asked))
    assert asked == [("lan0", [3]), ("lan0", [])]


@claim(
    "cache.lookup",
    "A link is found by its index, its name and its alternative names; what is not there is said not to be.",
    source="guide#new-libnl-based-implementation",
    legacy=NO_CACHES,
)
def test_lookup(start: Start) -> None:
    backend = start(ROUTE, kernel=host(), caches=("link",)).backend
    found = [backend.get_link_by_name(name).ifindex for name in ("lan0", "lan0-alt")]
    missing = False
    try:
        backend.get_link_by_index(9)
    except NotFound:
        missing = True
    assert (backend.get_link_by_index(3).ifname, found, missing) == ("lan0", [3, 3], True)


@claim(
    "cache.bounded",
    "A cache holds no more objects than it is allowed.",
    source="guide#issue-high-memory-usage-with-libnl",
    legacy=NO_CACHES,
)
def test_bounded(start: Start) -> None:
    monitor = start(ROUTE, kernel=host(), caches=("link",), cache_size=1)
    status = monitor.backend.cache_status()["link"]
    assert (status.count, status.refused) == (1, 1)


@claim(
    "cache.age",
    "A cache that is older than it may be is filled again.",
    source="guide#upcoming-features-libnl-only",
    legacy=NO_CACHES,
)
def test_age(start: Start) -> None:
    monitor = start(ROUTE, kernel=host(), caches=("link",), cache_ttl=60.0)
    requests = []
    for seconds in (0, 59, 1):
        monitor.kernel.clock += seconds * SECOND
        requests.append(len(monitor.run().kernel.requests))
    assert requests == [1, 1, 2]


@claim(
    "pool.wait",
    "A full pool loses nothing by default: what has no room waits in the kernel.",
    source="guide#scenario-3-high-traffic-production-environment; decision 19",
)
def test_wait(start: Start) -> None:
    assert full(start, "wait") == ["a", "b", "c", "d", "e"]


@claim(
    "pool.oldest",
    "A full pool may drop the oldest datagrams; their number stands where they are missing.",
    source="guide#scenario-3-high-traffic-production-environment; decision 19",
    legacy=NO_POOL,
)
def test_oldest(start: Start) -> None:
    assert full(start, "oldest") == [2, "c", "d", "e"]


@claim(
    "pool.newest",
    "A full pool may drop the newest datagrams; their number stands where they are missing.",
    source="guide#scenario-3-high-traffic-production-environment; decision 19",
    legacy=NO_POOL,
)
def test_newest(start: Start) -> None:
    assert full(start, "newest") == ["a", "b", "c", 2]


@claim(
    "pool.ahead",
    "A pool empties the kernel's buffer before the events are delivered.",
    source="guide#scenario-3-high-traffic-production-environment",
    legacy=NO_POOL,
)
def test_ahead(start: Start) -> None:
    monitor = start(ROUTE, message_pool_size=8)
    for index, name in enumerate("abcde", 1):
        monitor.kernel.notify(message(RTM_NEWLINK, link(index, name)))
    monitor.backend.process(ROUTE)
    assert (len(monitor.events), len(monitor.kernel.sockets()[0].queue)) == (1, 0)
