"""The objects that a recorded kernel knows: what a dump would list at any point of a recording."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.events import LinkInfo, RouteInfo
from nlmon.state.tables import State
from nlmon.testing.messages import addr, attr, link, message, neigh, number, route
from nlmon.transport.recorded import objects
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

LINK, ADDR, ROUTES, NEIGH, RULE, NEXTHOPS = 16, 20, 24, 28, 32, 104
REPLACE, CREATE, APPEND = 0x100, 0x400, 0x800
BRIDGE = 7


class World:
    """A recorded kernel that learns messages, and a backend that asks it."""

    def __init__(self) -> None:
        self.factory = RecordedFactory(RecordedKernel(objects=True))
        self.backend = LibnlBackend(self.factory)
        self.backend.enable(0)
        self.frame = 0

    def learn(self, *messages: bytes) -> World:
        for one in messages:
            self.frame += 1
            self.factory.kernel.learn(Datagrams.of(Datagram(self.frame, 0, 0, one)))
        return self

    def count(self, get: int, family: int = 0) -> int:
        return len(self.backend.dump(0, get, family).events)

    def routes(self, family: int) -> list[tuple[str | None, int | None]]:
        """Gateway and interface of every route."""
        events = self.backend.dump(0, 26, family).events
        return [(e.payload.gateway, e.payload.oif) for e in events if isinstance(e.payload, RouteInfo)]


def hops(dst: str, *to: tuple[int, str]) -> bytes:
    """An IPv6 route over several gateways: RTA_DST and RTA_MULTIPATH of ``rtnexthop`` and RTA_GATEWAY."""
    text, _, length = dst.partition("/")
    listed = b"".join(number("HBBi", 28, 0, 0, index) + attr(5, ip_address(gateway).packed) for index, gateway in to)
    head = number("BBBBBBBBI", 10, int(length), 0, 0, 254, 3, 0, 1, 0)
    return head + attr(1, ip_address(text).packed) + attr(9, listed)


def rule(flags: int) -> bytes:
    """``fib_rule_hdr``, FRA_PRIORITY and FRA_IIFNAME."""
    return number("BBBBBBBBI", 2, 0, 0, 0, 100, 0, 0, 1, flags) + attr(6, number("I", 1000)) + attr(3, b"d0\0")


def test_a_rule_without_its_interface_is_the_same_rule() -> None:
    """FIB_RULE_IIF_DETACHED says that the interface is not there; FIB_RULE_INVERT makes another rule."""
    world = World().learn(message(RULE, rule(0)), message(RULE, rule(8)), message(RULE, rule(2)))
    assert world.count(34) == 2
    world.learn(message(RULE + 1, rule(8)))

    assert world.count(34) == 1


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([message(ROUTES, hops("2001:db8::/32", (3, "fe80::1"), (4, "fe80::2")))], [("fe80::1", 3), ("fe80::2", 4)]),
        (
            [
                message(ROUTES, hops("2001:db8::/32", (3, "fe80::1"), (4, "fe80::2"))),
                message(ROUTES + 1, route("2001:db8::/32", 3, "fe80::1")),
            ],
            [("fe80::2", 4)],
        ),
        (
            [
                message(ROUTES, route("2001:db8::/32", 3, "fe80::1")),
                message(ROUTES, hops("2001:db8::/32", (3, "fe80::1"), (3, "fe80::2")), flags=CREATE | APPEND),
                message(ROUTES + 1, hops("2001:db8::/32", (3, "fe80::1"), (3, "fe80::2"))),
            ],
            [],
        ),
        (
            [
                message(ROUTES, hops("2001:db8::/32", (3, "fe80::1"), (3, "fe80::2"))),
                message(ROUTES, route("2001:db8::/32", 3)),
                message(ROUTES, route("2001:db8::/32", 3, "fe80::9"), flags=REPLACE),
            ],
            [(None, 3), ("fe80::9", 3)],
        ),
        (
            [
                message(ROUTES, route("2001:db8::/32", 3)),
                message(ROUTES, route("2001:db8::/32", 4)),
                message(ROUTES, route("2001:db8::/32", 5), flags=REPLACE),
            ],
            [(None, 5), (None, 4)],
        ),
        (
            [
                message(ROUTES, route("2001:db8::/32", 3)),
                message(ROUTES, route("2001:db8::/32", 4, "fe80::4"), flags=REPLACE),
            ],
            [("fe80::4", 4)],
        ),
    ],
)
def test_ipv6_routes_are_known_by_their_hops(messages: list[bytes], expected: list[tuple[str | None, int]]) -> None:
    """Each hop is a route of its own; routes over gateways are replaced together (net/ipv6/ip6_fib.c)."""
    assert World().learn(*messages).routes(10) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((CREATE, CREATE | APPEND), [1, 2]),
        ((CREATE, CREATE), [2, 1]),
        ((CREATE, CREATE | APPEND, REPLACE), [3, 2]),
        ((CREATE, CREATE | APPEND, CREATE | APPEND, CREATE), [4, 1, 2, 3]),
        ((2, 2, 2), [1, 2, 3]),
    ],
)
def test_ipv4_routes_are_in_the_kernels_order(flags: tuple[int, ...], expected: list[int]) -> None:
    """A new one comes first, an appended or dumped one last, a replacement for the first (net/ipv4/fib_trie.c)."""
    other = message(ROUTES, route("10.9.0.0/16", 3, "192.0.2.9"))
    group = [message(ROUTES, route("10.0.0.0/8", 3, f"192.0.2.{n}"), flags=flag) for n, flag in enumerate(flags, 1)]
    found = World().learn(*group, other).routes(2)

    assert [gateway for gateway, _ in found if gateway != "192.0.2.9"] == [f"192.0.2.{n}" for n in expected]
    assert len(found) == len(expected) + 1


def test_what_hangs_on_a_link_goes_with_it() -> None:
    """Addresses, neighbours, routes and the bridge port; a link that goes down takes IPv4 routes alone."""
    things = [
        message(LINK, link(3, "d0")),
        message(LINK, link(3, "d0", family=BRIDGE)),
        message(ADDR, addr(3, "192.0.2.3")),
        message(NEIGH, neigh(3, "192.0.2.4")),
        message(ROUTES, route("10.0.0.0/8", 3)),
        message(ROUTES, route("2001:db8::/32", 3)),
    ]
    asked = ((18, 0), (18, BRIDGE), (22, 0), (30, 0), (26, 2), (26, 10))
    counts = []
    world = World().learn(*things)
    for more in ([], [message(LINK, link(3, "d0", up=False))], [message(LINK + 1, link(3, "d0"))]):
        world.learn(*more)
        counts.append([world.count(*one) for one in asked])

    assert counts == [[1] * 6, [1, 1, 1, 1, 0, 1], [0] * 6]


def several(*indices: int) -> bytes:
    """An IPv4 route with a hop (RTA_MULTIPATH) over each link."""
    listed = b"".join(number("HBBi", 8, 0, 0, index) for index in indices)
    head = number("BBBBBBBBI", 2, 8, 0, 0, 254, 3, 253, 1, 0)
    return message(ROUTES, head + attr(1, bytes([10, 0, 0, 0])) + attr(9, listed))


@pytest.mark.parametrize(
    ("indices", "then", "left"),
    [
        ((3, 3), [message(LINK + 1, link(3, "d3"))], 0),
        ((3, 3), [message(LINK, link(3, "d3", up=False))], 0),
        ((3, 4), [message(LINK + 1, link(3, "d3"))], 0),
        ((3, 4), [message(LINK, link(3, "d3", up=False))], 1),
        ((3, 4), [message(LINK, link(4, "d4", up=False)), message(LINK + 1, link(3, "d3"))], 0),
        ((3, 4), [message(LINK, link(4, "d4", up=False)), message(LINK, link(3, "d3", up=False))], 0),
        ((3, 9), [message(LINK, link(3, "d3", up=False))], 1),
        ((4, 9), [message(LINK + 1, link(3, "d3"))], 1),
        ((3, 4), [message(LINK, link(4, "d4", up=False)), message(LINK, link(3, "d3"))], 1),
    ],
)
def test_a_route_of_several_hops_and_its_links(indices: tuple[int, ...], then: list[bytes], left: int) -> None:
    """It goes with the first link that is deleted, or the last that goes down; one that was never seen is not down. The
    state of an implementation agrees."""
    messages = [message(LINK, link(3, "d3")), message(LINK, link(4, "d4")), several(*indices), *then]
    world, state = World(), State(notes=False)
    for one in messages:
        for event in world.backend.decode(Datagram(1, 0, 0, one)).events:
            state.apply(event)

    assert (world.learn(*messages).count(26, 2), len(state.tables["route"])) == (left, left)


def test_an_ordinary_dump_lists_no_proxies() -> None:
    """Nor does it prove that one is gone: the kernel lists proxy neighbours to those who ask for them."""
    proxy = number("BxxxiHBB", 2, 3, 2, 8, 1) + attr(1, bytes([192, 0, 2, 9]))
    bridge = number("BxxxiHBB", BRIDGE, 3, 2, 8, 1) + attr(2, bytes(6))
    world = World().learn(message(NEIGH, neigh(3, "192.0.2.1")), message(NEIGH, proxy), message(NEIGH, bridge))
    listed = [world.count(30, family) for family in (0, 2, BRIDGE)]
    held = world.factory.kernel._objects
    assert held is not None
    for family in (0, 2):
        held.sweep(NEIGH, family, 99)

    left = [one.message for one in held._tables[NEIGH].values()]
    assert (listed, left) == ([1, 1, 1], [message(NEIGH, proxy), message(NEIGH, bridge)])


def test_a_complete_dump_proves_what_is_gone() -> None:
    """What it did not name since its first frame is forgotten, of its kind and family alone."""
    kept, gone, other = ("10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32")
    world = World().learn(*(message(ROUTES, route(dst, 3)) for dst in (kept, gone, other)))
    world.learn(message(ADDR, addr(3, "192.0.2.3")), message(ROUTES, route(kept, 3), flags=2))
    world.factory.kernel.sweep(26, 2, 5)

    assert [world.count(26, 2), world.count(26, 10), world.count(22)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ([(3, "fe80::7"), (3, "fe80::9")], {("fe80::7", 3), (None, 3), ("fe80::9", 3)}),
        ([(3, "fe80::9")], {("fe80::9", 3)}),
    ],
)
def test_a_route_between_siblings_need_not_be_named(
    listed: list[tuple[int, str]], left: set[tuple[str | None, int]]
) -> None:
    """A dump goes on behind the last sibling, so what stands in between may be there."""
    gateways = ("fe80::7", None, "fe80::9")
    world = World().learn(*(message(ROUTES, route("2001:db8::/32", 3, one)) for one in gateways))
    world.learn(message(ROUTES, hops("2001:db8::/32", *listed), flags=2))
    world.factory.kernel.sweep(26, 10, 4)

    assert set(world.routes(10)) == left


def test_an_answer_is_as_good_as_the_original() -> None:
    """A link from a dump has what its notification had."""
    world = World().learn(message(LINK, link(3, "d0", mtu=9000, altnames=("x",))))
    (event,) = world.backend.dump(0, 18).events

    assert isinstance(event.payload, LinkInfo)
    assert (event.payload.ifname, event.payload.mtu, event.payload.altnames) == ("d0", 9000, ("x",))


def test_an_object_that_grows_has_no_more_room_than_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What outgrows the bound is forgotten, and its kind is incomplete; what has become smaller leaves room."""
    monkeypatch.setattr(objects, "BYTES_KEPT", 200)
    small, large = (message(LINK, link(3, "d0") + attr(20, bytes(size))) for size in (8, 120))
    world = World().learn(small, large, small, message(LINK, link(4, "d1")))
    held = world.factory.kernel._objects
    assert held is not None
    before = (held._bytes, set(held.lacking), world.count(18))
    world.learn(message(LINK, link(3, "d0") + attr(20, bytes(160))))

    assert before == (2 * len(small) - 12, set(), 2)
    assert (held._bytes, held.lacking, list(held._tables[LINK])) == (len(small) - 12, {LINK}, [("link", 4)])


@pytest.mark.parametrize(
    ("family", "bound", "value"), [(2, "REMEMBERED", 2), (10, "REMEMBERED", 2), (2, "BYTES_KEPT", 150)]
)
def test_what_is_replaced_leaves_its_room(monkeypatch: pytest.MonkeyPatch, family: int, bound: str, value: int) -> None:
    """In a full table a route takes the place of the one that it replaces; nothing is lacking."""
    monkeypatch.setattr(objects, bound, value)
    nets, gateway = (
        (("10.1.0.0/16", "10.2.0.0/16"), "192.0.2.") if family == 2 else (("fd01::/64", "fd02::/64"), "fe80::")
    )
    old = [message(ROUTES, route(net, 3, f"{gateway}1"), flags=CREATE) for net in nets]
    world = World().learn(*old, message(ROUTES, route(nets[1], 3, f"{gateway}2"), flags=REPLACE))
    held = world.factory.kernel._objects

    assert held is not None
    assert (world.routes(family), held.lacking) == ([(f"{gateway}1", 3), (f"{gateway}2", 3)], set())


def test_a_route_that_was_replaced_is_gone_where_the_new_one_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there exists, and what has no room is in no place of its group either."""
    monkeypatch.setattr(objects, "BYTES_KEPT", 100)
    old, new = (route("10.1.0.0/16", 3, gateway) for gateway in ("192.0.2.1", "192.0.2.2"))
    metrics = attr(8, bytes(100))
    world = World().learn(message(ROUTES, old), message(ROUTES, new + metrics, flags=REPLACE))
    held = world.factory.kernel._objects
    assert held is not None
    before = (world.count(26, 2), held.lacking)
    world.learn(message(ROUTES, old))

    assert before == (0, {ROUTES})
    assert world.routes(2) == [("192.0.2.1", 3)]


def test_a_link_that_a_complete_dump_does_not_name_has_no_name() -> None:
    """A dump forgets it everywhere: in what a dump lists, and in what one link is asked for by."""
    world = World().learn(*(message(LINK, link(index, f"d{index}")) for index in (3, 4)))
    kernel = world.factory.kernel
    world.learn(message(LINK, link(4, "d4"), flags=2))
    changed = kernel.links_changed
    kernel.sweep(18, 0, 3)

    assert (world.count(18), list(kernel.links), kernel.links_changed - changed) == (1, [4], 1)


def test_a_route_stays_without_its_preferred_source() -> None:
    """An IPv6 address that is deleted takes nothing along but itself."""
    plain = route("2001:db8:1::/48", 3, "fe80::7")
    own = addr(3, "2001:db8::1")
    preferring = plain + attr(7, ip_address("2001:db8::1").packed)
    world = World().learn(message(LINK, link(3, "d0")), message(ADDR, own), message(ROUTES, preferring))
    before = [
        event.payload.prefsrc for event in world.backend.dump(0, 26).events if isinstance(event.payload, RouteInfo)
    ]
    world.learn(message(ADDR + 1, own))
    (event,) = world.backend.dump(0, 26).events

    assert isinstance(event.payload, RouteInfo)
    assert (before, event.payload.prefsrc, event.payload.gateway) == (["2001:db8::1"], None, "fe80::7")


def nexthop(number_: int, *attributes: bytes) -> bytes:
    """``nhmsg``, NHA_ID and more attributes."""
    return number("BBBBI", 2, 0, 3, 0, 0) + attr(1, number("I", number_)) + b"".join(attributes)


def test_routes_go_with_their_nexthop_object() -> None:
    """Those of a group lose the hop of a member, and go with the last one; an object that is replaced changes none."""
    members = [attr(5, number("I", index)) + attr(6, ip_address(f"192.0.2.{index}").packed) for index in (3, 4, 5)]
    listed = b"".join(
        number("HBBi", 16, 0, 0, index) + attr(5, ip_address(f"192.0.2.{index}").packed) for index in (3, 4, 5)
    )
    head = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0) + attr(1, ip_address("203.0.113.0").packed)
    world = World().learn(
        message(ROUTES, head + attr(9, listed) + attr(30, number("I", 9))),
        message(ROUTES, route("198.51.100.0/24", 3, "192.0.2.3") + attr(30, number("I", 1))),
        message(NEXTHOPS, nexthop(1, members[0])),
    )
    found = [world.count(26)]
    for one, left in ((1, (2, 3)), (2, (3,))):
        group = b"".join(number("IBBH", other, 0, 0, 0) for other in left)
        world.learn(
            message(NEXTHOPS + 1, nexthop(one, members[one - 1])), message(NEXTHOPS, nexthop(9, attr(2, group)))
        )
        found.append(world.count(26))
        event = world.backend.dump(0, 26).events[-1]
        assert isinstance(event.payload, RouteInfo)
        gateways = [hop.gateway for hop in event.payload.multipath or (event.payload,)]
        assert gateways == [f"192.0.2.{other + 2}" for other in left]
    world.learn(message(NEXTHOPS + 1, nexthop(9, attr(2, bytes(8)))))

    assert (found, world.count(26)) == ([2, 1, 1], 0)


def test_a_group_of_nexthop_objects_loses_the_hops_of_a_link() -> None:
    """A dump lists the route with what is left of it, until nothing is."""
    listed = b"".join(
        number("HBBi", 16, 0, 0, index) + attr(5, ip_address(f"192.0.2.{index}").packed) for index in (3, 4)
    )
    head = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0) + attr(1, ip_address("203.0.113.0").packed)
    world = World().learn(message(ROUTES, head + attr(9, listed) + attr(30, number("I", 9))))
    found = []
    for index in (3, 4):
        (event,) = world.backend.dump(0, 26).events
        assert isinstance(event.payload, RouteInfo)
        found.append((event.payload.nh_id, [hop.gateway for hop in event.payload.multipath or (event.payload,)]))
        world.learn(message(LINK, link(index, "d0", up=False)))

    assert found == [(9, ["192.0.2.3", "192.0.2.4"]), (9, ["192.0.2.4"])]
    assert world.count(26) == 0
