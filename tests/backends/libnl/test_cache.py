"""Caches: filled by dumps, kept by notifications, bounded, refreshed by age, and free of cost when off."""

from __future__ import annotations

import errno

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.cache import CacheStatus
from nlmon.backends.options import BackendOptions
from nlmon.errors import NotFound, TransportError, UsageError
from nlmon.events import Event
from nlmon.testing.messages import addr, link, message, neigh, route
from nlmon.testing.transport import ROUTE, SECOND, FakeKernel

LINK, ADDR, ROUTES, NEIGH = 16, 20, 24, 28
ALL = ("link", "addr", "route")
BRIDGE = 7


class House:
    """A backend with caches on a fake kernel with two links, two addresses and three routes."""

    def __init__(self, caches: tuple[str, ...] = ALL, *, ttl: float | None = None, size: int = 65536) -> None:
        self.kernel = FakeKernel()
        for index, name in ((1, "lo"), (3, "d0")):
            self.kernel.new(LINK, link(index, name, altnames=(f"{name}-alt",)), index)
            self.kernel.new(ADDR, addr(index, f"192.0.2.{index}"), index)
        for key in ("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"):
            self.kernel.new(ROUTES, route(key, 3), key)
        self.backend = LibnlBackend(self.kernel, BackendOptions(caches=caches, cache_ttl=ttl, cache_size=size))
        self.events: list[Event] = []
        self.errors: list[Exception] = []
        self.backend.set_callback(self.events.append, self.errors.append)
        self.backend.enable(ROUTE)

    def run(self) -> House:
        while self.backend.process(ROUTE):
            pass
        return self

    @property
    def counts(self) -> list[int]:
        return [self.backend.cache.count(kind) for kind in ALL]

    def names(self, *names: str) -> list[int | None]:
        """Indices of links by name, None where there is no such link."""
        found: list[int | None] = []
        for name in names:
            try:
                found.append(self.backend.get_link_by_name(name).ifindex)
            except NotFound as error:
                assert error.code == "NLM-B006"
                found.append(None)
        return found


def test_a_dump_fills_the_caches() -> None:
    """One dump per cache and address family, and no answer is an event."""
    house = House()

    assert house.kernel.requests == [(18, 0), (22, 0), (26, 2), (26, 10)]
    assert (house.counts, house.events, house.errors) == ([2, 2, 3], [], [])
    assert house.backend.get_link_by_index(3).ifname == "d0"
    assert house.names("lo", "d0", "d0-alt", "none") == [1, 3, 3, None]
    assert len(house.kernel.requests) == 4
    status = house.backend.cache_status()
    assert {kind: (one.count, one.refused, one.filled) for kind, one in status.items()} == {
        kind: (count, 0, house.kernel.clock) for kind, count in zip(ALL, (2, 2, 3), strict=True)
    }


def test_an_index_that_is_not_there() -> None:
    """Not found is said with the index, and the kernel is not asked again: the cache is whole."""
    house = House()
    with pytest.raises(NotFound, match="there is no interface with index 9"):
        house.backend.get_link_by_index(9)

    assert len(house.kernel.requests) == 4


def test_notifications_keep_the_caches() -> None:
    """What comes is held, what is deleted is not."""
    house = House()
    seen = []
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.kernel.new(ADDR, addr(4, "2001:db8::4", 64), 4)
    house.kernel.new(ROUTES, route("10.0.0.0/8", 4), "10")
    seen.append(house.run().counts)
    house.kernel.delete(ROUTES, "10")
    house.kernel.delete(ADDR, 4)
    house.kernel.delete(LINK, 4)
    seen.append(house.run().counts)

    assert seen == [[3, 3, 4], [2, 2, 3]]
    assert (len(house.events), len(house.kernel.requests)) == (6, 4)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([(3, "lan0", ())], {"d0": None, "d0-alt": None, "lan0": 3}, id="rename"),
        pytest.param([(3, "d0", ("a", "b"))], {"d0": 3, "d0-alt": None, "a": 3, "b": 3}, id="altnames"),
        pytest.param([(3, "tmp", ()), (1, "d0", ()), (3, "lo", ())], {"d0": 1, "lo": 3, "tmp": None}, id="swap"),
        pytest.param([(1, "d0", ()), (3, "lo", ())], {"d0": 1, "lo": 3}, id="swap, a step was lost"),
        pytest.param([(4, "d0", ()), (3, "old", ())], {"d0": 4, "old": 3}, id="a name is taken over"),
    ],
)
def test_names_follow_the_links(changes: list[tuple[int, str, tuple[str, ...]]], expected: dict[str, int]) -> None:
    """Names and alternative names are those of the last message, whatever the order of the messages."""
    house = House()
    for index, name, others in changes:
        house.kernel.new(LINK, link(index, name, altnames=others), index)

    assert dict(zip(expected, house.run().names(*expected), strict=True)) == expected


def test_an_index_is_used_again() -> None:
    """A link that goes takes its names, addresses and routes along; the next one of that index starts anew."""
    house = House()
    house.kernel.delete(LINK, 3)
    assert house.run().counts == [1, 1, 0]
    house.kernel.new(LINK, link(3, "new"), 3)

    assert (house.run().counts, house.names("d0", "d0-alt", "new")) == ([2, 1, 0], [None, None, 3])


def test_leaving_a_bridge_removes_no_link() -> None:
    """RTM_DELLINK of family AF_BRIDGE ends a port."""
    house = House()
    house.kernel.notify(message(LINK, link(3, "d0", family=BRIDGE)))
    house.kernel.notify(message(LINK + 1, link(3, "d0", family=BRIDGE)))

    assert (house.run().counts, house.names("d0")) == ([2, 2, 3], [3])


@pytest.mark.parametrize("msg_type", [18, 19])
def test_requests_change_no_cache(msg_type: int) -> None:
    """RTM_GETLINK and RTM_SETLINK among the notifications are what somebody asked for, not what is."""
    house = House()
    house.kernel.notify(message(msg_type, link(3, "other")))

    assert (house.run().names("d0", "other"), len(house.events)) == ([3, None], 1)


@pytest.mark.parametrize("caches", [("route",), ("addr",), ("addr", "route")])
def test_what_hangs_on_a_link_goes_with_it(caches: tuple[str, ...]) -> None:
    """IPv4 routes over a link that goes down vanish without a message, and a cache without links knows that, too."""
    house = House(caches)
    house.kernel.new(LINK, link(3, "d0", up=True), 3)
    house.kernel.new(LINK, link(3, "d0", up=False), 3)
    down = house.run().counts
    house.kernel.notify(message(LINK + 1, link(3, "d0")))

    assert down == [-1, 2 if "addr" in caches else -1, 1 if "route" in caches else -1]
    assert house.run().counts == [-1, 1 if "addr" in caches else -1, 0 if "route" in caches else -1]


def test_objects_of_other_namespaces_are_not_held() -> None:
    """With a listener for all namespaces, another's links are none of ours."""
    house = House()
    (transport,) = house.kernel.sockets()
    house.kernel.notify(message(LINK + 1, link(3, "d0")))
    item = transport.queue.pop()
    transport.queue.append(type(item)(item.frame, 0, ROUTE, item.data, nsid=4))  # type: ignore[union-attr, call-arg]

    assert (house.run().counts, len(house.events)) == ([2, 2, 3], 1)


@pytest.mark.parametrize("size", [1, 2])
def test_a_cache_is_bounded(size: int) -> None:
    """What does not fit is counted, and a lookup asks the kernel for it and so finds it."""
    house = House(("link",), size=size)
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.kernel.new(LINK, link(5, "d2"), 5)
    house.run()

    assert (house.counts, house.backend.cache_status()["link"].refused) == ([size, -1, -1], 4 - size)
    assert house.names("lo", "d0", "d1", "d2", "none") == [1, 3, 4, 5, None]
    assert house.backend.get_link_by_index(5).ifname == "d2"
    assert house.counts == [size, -1, -1]


def test_refused_counts_each_time() -> None:
    """An object that does not fit is counted whenever it is announced, as ``CacheStatus`` says."""
    house = House(("link",), size=2)
    for _ in range(3):
        house.kernel.new(LINK, link(4, "d1"), 4)
    house.run()

    assert (house.backend.cache_status()["link"].refused, house.counts) == (3, [2, -1, -1])
    assert "the same one each time" in (CacheStatus.__doc__ or "")


def test_a_full_cache_follows_what_it_holds() -> None:
    """Changes, replacements and deletions of held objects need no more room."""
    house = House(("link", "route"), size=3)
    replacement = route("198.51.100.0/24", 1)
    house.kernel.notify(message(ROUTES, replacement, flags=0x100))
    house.kernel.new(LINK, link(3, "lan0"), 3)
    house.run()
    routes = house.backend.cache._state.tables["route"].values()

    assert (house.counts, house.names("lan0")) == ([2, -1, 3], [3])
    assert sorted((r.dst, r.oif) for r in routes) == [  # type: ignore[union-attr, type-var]
        *(("198.51.100.0", 1), ("2001:db8::", 3), ("203.0.113.0", 3)),
    ]
    assert {one.refused for one in house.backend.cache_status().values()} == {0}


def test_a_cache_is_refreshed_by_age() -> None:
    """At its time to live by the transport's clock, and no sooner; a lookup asks past it until the next idle moment."""
    house = House(("link",), ttl=10.0)
    house.kernel.delete(LINK, 3, silent=True)
    seen = []
    for seconds in (9, 1):
        house.kernel.clock += seconds * SECOND
        seen.append((house.names("d0"), len(house.kernel.requests), house.backend.due()))
    house.kernel.clock += 11 * SECOND
    due = house.backend.due()
    busy = house.backend.process(ROUTE)

    assert seen == [([3], 1, 1.0), ([None], 2, 0.0)]
    assert (due, busy, len(house.kernel.requests), house.backend.due()) == (0.0, False, 3, 10.0)


@pytest.mark.parametrize("how", ["refresh", "age"])
def test_a_cache_does_not_go_back_in_time(how: str) -> None:
    """What it holds is never older than what it held: while older notifications wait, it is not filled."""
    house = House(("link",), ttl=10.0 if how == "age" else None)
    for name in ("d1", "d2", "d3"):
        house.kernel.new(LINK, link(3, name), 3)
    if how == "refresh":
        house.backend.refresh()
    else:
        house.kernel.clock += 10 * SECOND
    found, seen = [house.backend.get_link_by_name("d3").ifindex], []
    busy = True
    while busy:
        assert house.backend.due() == 0.0
        busy = house.backend.process(ROUTE)
        held = house.backend.cache.link_by_index(3)
        seen.append(held and held.ifname)
        found += house.names("d3")

    assert (seen, found) == (["d1", "d2", "d3", "d3"], [3] * 5)
    assert (house.backend.due(), len(house.kernel.requests)) == (10.0 if how == "age" else None, 6)


def test_a_refreshed_cache_follows_routes() -> None:
    """Filled again, the routes of a group are the new ones, and the next messages about them are understood."""
    house = House(("route",), ttl=10.0)
    house.kernel.delete(ROUTES, "198.51.100.0/24", silent=True)
    house.kernel.clock += 10 * SECOND
    refreshed = house.run().counts
    house.kernel.new(ROUTES, route("198.51.100.0/24", 3, "192.0.2.1"), "new")

    assert (refreshed, house.run().counts) == ([-1, -1, 2], [-1, -1, 3])


def test_without_a_time_to_live_nothing_is_due() -> None:
    """Notifications keep the caches; no dump is repeated."""
    house = House()
    house.kernel.clock += 10**6 * SECOND
    house.run()

    assert (house.backend.due(), house.names("d0"), len(house.kernel.requests)) == (None, [3], 4)


def test_a_refresh_that_fails_is_reported() -> None:
    """What was held is kept, reading goes on, and the next lookup of something missing asks again."""
    house = House(("link",), ttl=10.0)
    house.kernel.clock += 10 * SECOND
    house.kernel.outcomes.append("broken")
    house.run()

    assert [getattr(error, "errno", None) for error in house.errors] == [errno.ETIMEDOUT]
    assert (house.counts, house.backend.due(), house.names("d0", "none")) == ([2, -1, -1], 10.0, [3, None])
    assert len(house.kernel.requests) == 3
    house.kernel.clock += 10 * SECOND
    assert house.run().names("d0", "none") == [3, None]
    assert len(house.kernel.requests) == 4


def test_a_rename_that_nobody_received() -> None:
    """After a refresh the old name is nobody's."""
    house = House(("link",), ttl=10.0)
    house.kernel.objects[LINK, 3] = link(3, "lan0")
    house.kernel.clock += 10 * SECOND

    assert house.names("d0", "lan0", "d0-alt") == [None, 3, None]


@pytest.mark.parametrize("fate", ["interrupted", "empty", "failed", "unfinished"])
def test_an_answer_that_is_not_whole_removes_nothing(fate: str) -> None:
    """Only a complete dump proves that a link is gone; meanwhile what is missing is asked for."""
    house = House(("link",), ttl=10.0)
    house.kernel.clock += 10 * SECOND
    house.kernel.outcomes.extend([fate] * 3)  # type: ignore[list-item]
    house.run()

    assert (house.counts, house.names("lo", "d0")) == ([2, -1, -1], [1, 3])


def test_names_in_events_come_from_the_cache() -> None:
    """The transport is not asked for the interface of addresses, routes and neighbours."""
    house = House(("link",))
    for kind, body in ((ADDR, addr(3, "192.0.2.9")), (ROUTES, route("10.0.0.0/8", 3)), (NEIGH, neigh(3, "192.0.2.8"))):
        house.kernel.notify(message(kind, body))
    house.run()

    assert [event.interface for event in house.events] == ["d0", "d0", "d0"]
    assert house.kernel.names_asked == []


def test_the_kernel_is_asked_for_a_name_that_the_cache_lacks() -> None:
    """A link that the cache does not hold has the name that the kernel says."""
    house = House(("link",))
    house.kernel.names[9] = "x9"
    house.kernel.notify(message(ADDR, addr(9, "192.0.2.9")))

    assert ([event.interface for event in house.run().events], house.kernel.names_asked) == (["x9"], [9])


@pytest.mark.parametrize("caches", [("link",), ()])
@pytest.mark.parametrize(("now", "expected"), [(None, None), ("new", "new")])
def test_an_address_goes_after_its_link(caches: tuple[str, ...], now: str | None, expected: str | None) -> None:
    """The name is the one that the index has when the message is read: none when it is gone, the new one when it was
    used again. Both implementations say so, with a cache or without."""
    house = House(caches)
    house.kernel.delete(LINK, 3)
    if now is not None:
        house.kernel.new(LINK, link(3, now), 3)
        house.kernel.names[3] = now
    house.kernel.notify(message(ADDR + 1, addr(3, "192.0.2.3")))

    assert house.run().events[-1].interface == expected


def test_caching_off_costs_nothing() -> None:
    """No dump, no table, no table of names: every name is the transport's."""
    house = House(())
    house.kernel.names[3] = "d0"
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.kernel.notify(message(ADDR, addr(3, "192.0.2.9")))
    house.run()

    assert (house.kernel.requests, house.kernel.names_asked, house.counts) == ([], [3], [-1, -1, -1])
    assert [len(table) for table in house.backend.cache._state.tables.values()] == [0] * 6
    assert (house.backend.cache_status(), house.backend.due()) == ({}, None)
    assert [event.interface for event in house.events] == ["d1", "d0"]


def test_a_cache_that_is_off_cannot_be_asked() -> None:
    """A lookup without the cache, or without the protocol, is the caller's mistake."""
    house = House(("addr",))
    with pytest.raises(UsageError, match="the link cache is off"):
        house.backend.get_link_by_index(3)
    other = LibnlBackend(FakeKernel(), BackendOptions(caches=("link",)))
    with pytest.raises(UsageError, match="NETLINK_ROUTE is not enabled"):
        other.get_link_by_name("d0")


def test_an_unknown_cache_is_refused() -> None:
    """The names there are are given."""
    with pytest.raises(UsageError, match=r"'neigh'.*there are link, addr, route"):
        LibnlBackend(FakeKernel(), BackendOptions(caches=("neigh",)))


def test_nothing_stale_survives_a_pause() -> None:
    """Disabled, nobody keeps the caches; enabled again, they are filled again."""
    house = House()
    house.backend.disable(ROUTE)
    paused = house.counts
    house.kernel.delete(LINK, 3, silent=True)
    house.backend.enable(ROUTE)

    assert (paused, house.counts, house.names("d0")) == ([0, 0, 0], [1, 2, 3], [None])


def test_a_dump_that_fails_at_first_is_reported() -> None:
    """Enabling with caches raises when the kernel does not answer, and leaves nothing open."""
    kernel = FakeKernel()
    kernel.outcomes.append("broken")
    backend = LibnlBackend(kernel, BackendOptions(caches=("link",)))
    with pytest.raises(TransportError):
        backend.enable(ROUTE)

    assert (kernel.sockets(), backend.fileno(ROUTE)) == ([], -1)
