"""What is announced of nexthop objects alone changes the routes of both states, whoever receives it.

Not here: which routes it changes (``tests/objects/test_nexthops.py``).
"""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

import pytest

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Frame
from nlmon.engine import nexthops
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.live import Live
from nlmon.engine.replay import Replay
from nlmon.events import RouteInfo
from nlmon.state.tables import State
from nlmon.testing.messages import attr, message, number, route
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.recorded.faults import Fault

NEWROUTE, DELROUTE, NEWNEXTHOP, DELNEXTHOP, GETROUTE = 24, 25, 104, 105, 26
REQUEST, MULTI, DUMP = 0x1, 0x2, 0x300
REFERENCE, CANDIDATE = 0, 1
legacy, libnl = partial(create, "legacy"), partial(create, "libnl")


def nexthop(kind: int, number_: int, *, group: tuple[int, ...] = ()) -> bytes:
    """``nhmsg``, NHA_ID, and the members or NHA_OIF and NHA_GATEWAY; object N is over interface N and 192.0.2.N."""
    if group:
        rest = attr(2, b"".join(number("IBBH", one, 0, 0, 0) for one in group))
    else:
        rest = attr(5, number("I", number_)) + attr(6, ip_address(f"192.0.2.{number_}").packed)
    return message(kind, number("BBBBI", 2, 0, 3, 0, 0) + attr(1, number("I", number_)) + rest)


def over(number_: int, dst: str = "198.51.100.0/24") -> bytes:
    """The body of a route over one nexthop object."""
    return route(dst, number_, f"192.0.2.{number_}") + attr(30, number("I", number_))


def over_group(number_: int, *members: int) -> bytes:
    """The body of a route over a group."""
    hops = b"".join(number("HBBi", 16, 0, 0, one) + attr(5, ip_address(f"192.0.2.{one}").packed) for one in members)
    head = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0) + attr(1, ip_address("203.0.113.0").packed)
    return head + attr(9, hops) + attr(30, number("I", number_))


def dump(*listed: bytes) -> list[bytes]:
    """A dump of IPv4 routes: its request, what it lists, and its end."""
    parts = [message(NEWROUTE, body, flags=MULTI, seq=1, pid=5) for body in listed]
    done = message(3, number("i", 0), flags=MULTI, seq=1, pid=5)
    return [message(GETROUTE, bytes([2]) + bytes(11), flags=REQUEST | DUMP, seq=1), *parts, done]


def gateways(state: State) -> list[list[str | None]]:
    """Those of each route."""
    routes = [one for one in state.tables["route"].values() if isinstance(one, RouteInfo)]
    return [[hop.gateway for hop in one.multipath or (one,)] for one in routes]


def play(
    *messages: bytes,
    reference: BackendMaker = legacy,
    groups: tuple[str, ...] = (),
    faults: tuple[Fault, ...] = (),
) -> Replay:
    """A replay of messages, each in a datagram of its own."""
    options = BackendOptions(extra_groups=groups)
    replay = Replay(reference, libnl, byteorder="little", options=options, faults=faults)
    replay.play([Frame(number_, number_, ROUTE, data) for number_, data in enumerate(messages, 1)])
    return replay


GROUP = [
    message(NEWROUTE, over_group(9, 3, 4, 5)),
    message(NEWROUTE, over(3)),
    nexthop(DELNEXTHOP, 3),
    nexthop(NEWNEXTHOP, 9, group=(4, 5)),
    nexthop(DELNEXTHOP, 5),
    nexthop(NEWNEXTHOP, 9, group=(4,)),
]


@pytest.mark.parametrize("groups", [(), ("nexthop",)], ids=["nobody", "libnl"])
@pytest.mark.parametrize("faults", [(), (Fault(50),)], ids=["shared", "two states"])
@pytest.mark.parametrize("reference", [legacy, libnl], ids=["legacy", "libnl"])
def test_routes_follow_whoever_receives_the_notification(
    reference: BackendMaker, groups: tuple[str, ...], faults: tuple[Fault, ...]
) -> None:
    """Nobody, one of them or both; a dump that lists the same brings nothing to light."""
    replay = play(
        *dump(),
        *GROUP,
        *dump(over(4, "203.0.113.0/24")[:-8] + attr(30, number("I", 9))),
        reference=reference,
        groups=groups,
        faults=faults,
    )
    replay.states.diverge()

    for state in replay.states.both:
        assert gateways(state) == [["192.0.2.4"]]
        assert state.unannounced == []


def test_a_route_without_a_word_of_its_object_changed_without_a_notification() -> None:
    """Where nobody listened to the group, a dump brings to light that the route is gone."""
    replay = play(*dump(), message(NEWROUTE, over(3)), *dump())

    assert [(one.kind, one.change) for one in replay.states.unannounced().unannounced] == [("route", "gone")]


def test_what_follows_is_in_its_place() -> None:
    """A route that comes behind the deletion stays."""
    replay = play(message(NEWROUTE, over(3)), nexthop(DELNEXTHOP, 3), message(NEWROUTE, over(3)))
    replay.states.diverge()

    assert [gateways(state) for state in replay.states.both] == [[["192.0.2.3"]]] * 2


def test_a_notification_that_a_lane_lost_changes_nothing_of_its_state() -> None:
    """libnl alone would have received it; what was announced is known all the same, and the states may differ."""
    replay = play(message(NEWROUTE, over(3)), nexthop(DELNEXTHOP, 3), groups=("nexthop",), faults=(Fault(2),))
    left, right = replay.states.both

    assert (gateways(left), gateways(right)) == ([], [["192.0.2.3"]])
    assert gateways(replay.states.unannounced()) == []
    assert {kind for kind, _ in replay.states.unsettled.objects} == {"route"}


@pytest.mark.parametrize("first", [REFERENCE, CANDIDATE])
def test_on_the_running_kernel_it_waits_for_what_came_before(first: int) -> None:
    """libnl alone reads it, and may be ahead of legacy or behind it."""
    kernel = FakeKernel()
    live = Live(LegacyBackend, LibnlBackend, factory=lambda: kernel, options=BackendOptions(extra_groups=("nexthop",)))
    live.start((ROUTE,))
    queue = kernel.sockets(ROUTE)[REFERENCE].queue
    kernel.notify(message(NEWROUTE, over(3)))
    kernel.notify(message(NEWROUTE, over(4, "203.0.113.0/24")))
    kernel.notify(nexthop(DELNEXTHOP, 3))
    queue.pop()
    kernel.notify(message(NEWROUTE, over(5, "192.0.2.0/24")))
    for number_ in (first, 1 - first):
        live.read(number_, ROUTE)
    live.states.diverge()

    assert [gateways(state) for state in live.states.both] == [[["192.0.2.4"], ["192.0.2.5"]]] * 2


@pytest.mark.parametrize(("kept", "routes"), [(1, [["192.0.2.9"]]), (2, [["192.0.2.9"], ["192.0.2.3"]])])
def test_what_waits_is_bounded(kept: int, routes: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest is applied, though what came before it waits for the other one."""
    monkeypatch.setattr(nexthops, "CHANGES_KEPT", kept)
    kernel = FakeKernel()
    live = Live(LegacyBackend, LibnlBackend, factory=lambda: kernel, options=BackendOptions(extra_groups=("nexthop",)))
    live.start((ROUTE,))
    queue = kernel.sockets(ROUTE)[REFERENCE].queue
    kernel.notify(message(NEWROUTE, over(9, "192.0.2.0/24")))
    kernel.notify(message(NEWROUTE, over(3)))
    live.read(REFERENCE, ROUTE)
    live.read(CANDIDATE, ROUTE)
    kernel.notify(message(NEWROUTE, over(4, "203.0.113.0/24")))
    for number_ in (3, 4):
        kernel.notify(nexthop(DELNEXTHOP, number_))
        queue.pop()
    live.read(CANDIDATE, ROUTE)
    live.states.diverge()

    assert gateways(live.states.both[0]) == routes


def test_what_waits_is_applied_at_the_end() -> None:
    """What came before it may never be read by the other one."""
    kernel = FakeKernel()
    live = Live(LegacyBackend, LibnlBackend, factory=lambda: kernel, options=BackendOptions(extra_groups=("nexthop",)))
    live.start((ROUTE,))
    queue = kernel.sockets(ROUTE)[REFERENCE].queue
    kernel.notify(message(NEWROUTE, over(3)))
    live.read(REFERENCE, ROUTE)
    live.read(CANDIDATE, ROUTE)
    kernel.notify(message(NEWROUTE, over(4, "203.0.113.0/24")))
    queue.pop()
    kernel.notify(nexthop(DELNEXTHOP, 3))
    queue.pop()
    live.read(CANDIDATE, ROUTE)
    before = gateways(live.states.both[live.states.full])
    live.finish()

    assert (before, gateways(live.states.both[live.states.full])) == ([["192.0.2.3"]], [])
