"""Recovery: overruns, lost sockets, and dumps that bring a consumer to where the kernel is."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlmon.backends.base import Backend
from nlmon.backends.libnl.recovery import Tracker
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import NlmonError, Overrun, ResyncIncomplete, TransportError, UsageError
from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.schema import event_schema
from nlmon.eventjson.write import event_to_dict, event_to_json
from nlmon.events import Event, OverrunInfo, RouteInfo
from nlmon.state.tables import State
from nlmon.testing.messages import addr, family, link, message, neigh, route
from nlmon.testing.transport import GENERIC, ROUTE, SECOND, FakeKernel

LINK, ADDR, ROUTES, NEIGH = 16, 20, 24, 28
REPLACE, CREATE, APPEND = 0x100, 0x400, 0x800
DUMPS = [(18, 0), (18, 7), (22, 0), (30, 0), (30, 7), (34, 0), (26, 2), (26, 10)]
LOST = errno.EBADF, errno.ENOTCONN


class House:
    """A backend on a fake kernel, and a consumer that folds what it receives."""

    def __init__(self, name: str = "libnl", *protocols: int, kernel: FakeKernel | None = None, **options: Any) -> None:
        self.kernel = kernel or FakeKernel()
        self.options = BackendOptions(**{"resync": True, **options})
        self.backend: Backend = create(name, self.kernel, self.options)
        self.events: list[Event] = []
        self.gaps: list[Event] = []
        self.errors: list[NlmonError] = []
        self.state = State(notes=False)
        self.backend.set_callback(self._event, self.errors.append)
        for protocol in protocols or (ROUTE,):
            self.backend.enable(protocol)
        self.kernel.requests.clear()

    def _event(self, event: Event) -> None:
        (self.gaps if event.type == "overrun" else self.events).append(event)
        self.state.apply(event)

    def run(self, protocol: int = ROUTE) -> House:
        while self.backend.process(protocol):
            pass
        return self

    @property
    def delivered(self) -> list[tuple[int, str | None]]:
        """Synthetic events as (type, interface)."""
        return [(e.msg_type, e.interface) for e in self.events if e.synthetic]  # type: ignore[misc]

    def held(self, kind: str) -> list[object]:
        """Keys that the consumer holds, but for those of links just the index."""
        return [key[0] if kind == "link" else key for key in self.state.tables[kind]]


def test_an_overrun_is_reported_with_its_count() -> None:
    """ENOBUFS reaches the error callback with the kernel's number of drops, is an event, and is counted."""
    house = House(resync=False)
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.new(LINK, link(4, "d1"), 4, lost=True)
    house.kernel.overrun()
    house.kernel.new(LINK, link(5, "d2"), 5)
    house.run()

    assert house.gaps == [Event(house.kernel.clock, 0, 0, 0, 0, 0, 0, 0, None, OverrunInfo(2), "overrun")]
    assert [(type(e), getattr(e, "drops", None)) for e in house.errors] == [(Overrun, 2)]
    assert (house.held("link"), house.kernel.requests, house.backend.due()) == ([5], [], None)
    assert [house.backend.status().protocols[ROUTE].errors, house.backend.status().protocols[ROUTE].events] == [1, 2]


@pytest.mark.parametrize("name", ["legacy", "libnl"])
@pytest.mark.parametrize(("drops", "expected"), [(7, 7), (0, 0), (-1, None)])
def test_an_overrun_is_an_event_of_both(name: str, drops: int, expected: int | None) -> None:
    """It stands at the place of the gap, behind the frame that was read last, and survives its JSON form."""
    house = House(name, resync=False)
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.kernel.dropped = drops
    house.kernel.overrun()
    (gap,) = house.run().gaps

    assert (gap.type, gap.frame, gap.payload, gap.synthetic) == ("overrun", 1, OverrunInfo(expected), False)
    assert event_from_json(event_to_json(gap)) == gap
    assert not list(Draft202012Validator(event_schema()).iter_errors(event_to_dict(gap)))


def changed() -> House:
    """Links, addresses, neighbours and routes are announced; then some go, come and change without a message."""
    house = House()
    for index in (3, 4):
        house.kernel.new(LINK, link(index, f"d{index}"), index)
        house.kernel.new(ADDR, addr(index, f"192.0.2.{index}"), index)
        house.kernel.new(NEIGH, neigh(index, f"192.0.2.1{index}"), index)
        house.kernel.new(ROUTES, route(f"10.{index}.0.0/16", index), index)
    house.run()
    house.events.clear()
    for kind in (ROUTES, NEIGH, ADDR, LINK):
        house.kernel.delete(kind, 3, lost=True)
    house.kernel.new(ROUTES, route("10.5.0.0/16", 5), 5, lost=True)
    house.kernel.new(NEIGH, neigh(5, "192.0.2.15"), 5, lost=True)
    house.kernel.new(ADDR, addr(5, "192.0.2.5"), 5, lost=True)
    house.kernel.new(LINK, link(5, "d5"), 5, lost=True)
    house.kernel.new(LINK, link(4, "d4", mtu=9000), 4, lost=True)
    house.kernel.overrun()
    return house


def test_what_was_lost_is_made_up_for() -> None:
    """Every kind is dumped; deletions come first, from routes back to links, then what came from links to routes; each
    event is marked and names its interface, and the state is the kernel's."""
    house = changed()
    house.run()

    assert house.kernel.requests == DUMPS
    assert house.delivered == [
        *((25, "d3"), (29, "d3"), (21, "d3"), (17, "d3")),
        *((16, "d4"), (16, "d5"), (20, "d5"), (28, "d5"), (24, "d5")),
    ]
    assert len(house.delivered) == len(house.events)
    assert [type(e) for e in house.errors] == [Overrun]
    assert sorted(map(str, house.held("link"))) == ["4", "5"]
    assert [len(house.state.tables[kind]) for kind in ("addr", "neigh", "route")] == [2, 2, 2]
    assert house.backend.status().protocols[ROUTE].events == 8 + 9 + len(house.gaps)


def test_names_before_and_after() -> None:
    """What is gone had the link's old name, what came has the new one."""
    house = House()
    house.kernel.new(LINK, link(3, "old"), 3)
    house.kernel.new(ADDR, addr(3, "192.0.2.1"), 1)
    house.run()
    house.kernel.delete(ADDR, 1, lost=True)
    house.kernel.new(LINK, link(3, "new"), 3, lost=True)
    house.kernel.new(ROUTES, route("10.0.0.0/8", 3), 1, lost=True)
    house.kernel.overrun()

    assert house.run().delivered == [(21, "old"), (16, "new"), (24, "new")]


def test_events_about_a_loss_share_their_head() -> None:
    """Time and frame are those at which the loss was noticed; there is no number, port or place of a message."""
    house = changed()
    house.kernel.clock += 5 * SECOND
    house.backend.process(ROUTE)
    house.kernel.clock += 5 * SECOND
    house.kernel.notify(message(18, link(3, "d0")))
    house.kernel.overrun()
    house.run()
    assert [gap.frame for gap in house.gaps] == [8, 9]
    assert house.events.pop(0).msg_type == 18

    assert {(e.timestamp, e.frame, e.offset, e.seq, e.pid, e.nsid, e.type) for e in house.events} == {
        (1005 * SECOND, 8, 0, 0, 0, None, "netlink")
    }
    assert {(e.msg_type, e.msg_flags) for e in house.events if e.msg_type in {24, 20}} == {
        (24, CREATE | APPEND),
        (20, 0),
    }


def test_without_a_loss_nothing_is_delivered() -> None:
    """A resync of a state that is right delivers no event."""
    house = House()
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.kernel.new(ADDR, addr(3, "192.0.2.3"), 3)
    house.run()
    assert (house.kernel.requests, house.delivered) == ([], [])
    house.kernel.overrun()
    house.run()

    assert (house.kernel.requests, house.delivered, len(house.events)) == (DUMPS, [], 2)


def test_what_was_there_at_first_is_not_new() -> None:
    """Objects from before the first event are known from a dump, and that they are gone is delivered."""
    kernel = FakeKernel()
    kernel.new(LINK, link(1, "lo"), 1)
    kernel.new(LINK, link(3, "d0"), 3)
    house = House(kernel=kernel)
    kernel.delete(LINK, 3, lost=True)
    kernel.overrun()
    house.run()

    assert house.delivered == [(17, "d0")]


def test_older_messages_are_read_first() -> None:
    """No dump before the socket is drained, since what waits in it would undo the dump."""
    house = House()
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.overrun()
    for name in ("a", "b"):
        house.kernel.new(LINK, link(4, name), 4)
    seen = []
    while house.backend.process(ROUTE):
        seen.append((len(house.events), len(house.kernel.requests)))

    assert seen == [(0, 0), (1, 0), (2, 0), (3, len(DUMPS))]
    assert house.delivered == [(16, "d0")]


def during(kernel: FakeKernel) -> None:
    """Something happens while the kernel lists."""
    kernel.new(LINK, link(6, "in"), 6)
    kernel.delete(LINK, 4)
    kernel.new(LINK, link(5, "renamed"), 5)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dump", [1, 3, 8])
def test_events_before_in_and_after_a_dump(dump: int, first: bool) -> None:
    """Whatever is notified around a dump, and whether the dump shows it or not, the consumer ends with the kernel."""
    house = House()
    for index in (3, 4, 5):
        house.kernel.new(LINK, link(index, f"d{index}"), index)
        house.kernel.new(ADDR, addr(index, f"192.0.2.{index}"), index)
        house.kernel.new(ROUTES, route(f"2001:db8:{index}::/48", index), index)
    house.kernel.delete(LINK, 3, lost=True)
    house.kernel.delete(ADDR, 3, lost=True)
    house.kernel.delete(ROUTES, 3, lost=True)
    house.kernel.overrun()
    house.kernel.new(LINK, link(7, "before"), 7)
    house.kernel.during = lambda: during(house.kernel)
    house.kernel.during_dump, house.kernel.during_first = dump, first
    house.run()
    assert house.kernel.during is None
    house.kernel.new(LINK, link(8, "after"), 8)
    house.run()

    names = {link.ifindex: link.ifname for link in house.state.tables["link"].values()}  # type: ignore[union-attr]
    assert names == {5: "renamed", 6: "in", 7: "before", 8: "after"}
    assert [type(e) for e in house.errors] == [Overrun]


def routes_delivered(house: House) -> list[str | None]:
    """Gateways of the consumer's routes in the kernel's order."""
    routes = [r for r in house.state.tables["route"].values() if isinstance(r, RouteInfo)]
    (group,) = {key[:-1] for key in house.state.tables["route"]}
    by_key = house.state.tables["route"]
    assert len(routes) == len(house.state.order(group))
    return [by_key[key].gateway for key in house.state.order(group)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "after"),
    [("a", "ba"), ("a", "ab"), ("ab", "ba"), ("ab", "b"), ("ab", "cab"), ("abc", "dcb"), ("", "abc"), ("abc", "abc")],
)
def test_routes_of_a_group_come_in_the_kernels_order(before: str, after: str) -> None:
    """The order decides which route the next replacement takes (net/ipv4/fib_trie.c)."""
    house = House()
    gateways = {name: f"192.0.2.{place}" for place, name in enumerate("abcde", 1)}
    for name in before:
        house.kernel.new(ROUTES, route("10.0.0.0/8", 3, gateways[name]), name, flags=CREATE | APPEND)
    house.run()
    for name in before:
        house.kernel.delete(ROUTES, name, lost=True)
    for name in after:
        house.kernel.new(ROUTES, route("10.0.0.0/8", 3, gateways[name]), name, lost=True)
    house.kernel.overrun()
    house.run()
    assert routes_delivered(house) == [gateways[name] for name in after]
    assert (house.delivered == []) == (before == after)
    house.kernel.new(ROUTES, route("10.0.0.0/8", 3, gateways["e"]), "e", flags=REPLACE)
    house.run()

    assert routes_delivered(house) == [gateways[name] for name in "e" + after[1:]]


def test_a_dump_that_ran_ahead_of_a_replacement() -> None:
    """A route that the dump shows and an older message replaces another by is there once, and goes at once."""
    house = House()
    a, b, c, d = (route("10.0.0.0/8", 3, f"192.0.2.{n}") for n in (1, 2, 3, 4))
    house.kernel.new(ROUTES, a, "a", flags=CREATE)
    house.kernel.new(ROUTES, b, "b", flags=CREATE | APPEND)
    house.run()

    def meanwhile() -> None:
        house.kernel.notify(message(ROUTES, c, flags=REPLACE))
        house.kernel.notify(message(ROUTES, d, flags=CREATE))
        house.kernel.notify(message(ROUTES + 1, c))

    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.objects = {(LINK, 3): link(3, "d0"), (ROUTES, "d"): d, (ROUTES, "c"): c, (ROUTES, "b"): b}
    house.kernel.during = meanwhile
    house.kernel.overrun()
    house.run()

    assert routes_delivered(house) == ["192.0.2.4", "192.0.2.2"]


class Counted(tuple[object, ...]):
    """A key that counts how often it is compared with another one."""

    __slots__ = ()
    compared = 0
    __hash__ = tuple.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return super().__eq__(other)


def test_a_group_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each route of a group in another order is compared a few times, however many these are."""
    tracker, keys = Tracker(), [Counted(("group", number)) for number in range(1000)]
    listed = [Counted(key) for key in reversed(keys)]
    monkeypatch.setattr(tracker.state, "order", lambda _: listed)
    Counted.compared = 0

    assert tracker._misplaced(keys) == set(keys)
    assert Counted.compared < 10 * len(keys)


def test_the_order_of_routes_that_were_there_at_first() -> None:
    """A dump lists a group in the kernel's order, so a resync finds nothing to correct."""
    kernel = FakeKernel()
    for place in (1, 2, 3):
        kernel.new(ROUTES, route("10.0.0.0/8", 3, f"192.0.2.{place}"), place)
    house = House(kernel=kernel)
    kernel.overrun()

    assert (house.run().delivered, house.kernel.requests) == ([], DUMPS)


def test_several_overruns_cause_one_resync() -> None:
    """At most one in ``resync_interval``; ``due`` says when, and what was lost meanwhile is not forgotten."""
    house = House(resync_interval=2.0)
    for index in (3, 4, 5):
        house.kernel.new(LINK, link(index, f"d{index}"), index, lost=True)
        house.kernel.overrun()
    first = (house.backend.due(), len(house.run().kernel.requests), house.backend.due())
    house.kernel.new(LINK, link(6, "d6"), 6, lost=True)
    house.kernel.overrun()
    house.kernel.clock += SECOND // 2
    waiting = (len(house.run().kernel.requests), house.backend.due(), house.backend.process(ROUTE))
    house.kernel.clock += 3 * SECOND // 2
    due = house.backend.due()
    house.run()

    assert first == (None, len(DUMPS), None)
    assert waiting == (len(DUMPS), 1.5, False)
    assert (due, len(house.kernel.requests), house.backend.due()) == (0.0, 2 * len(DUMPS), None)
    assert [getattr(e, "drops", None) for e in house.errors] == [1, 1, 1, 1]
    assert house.held("link") == [3, 4, 5, 6]


def test_a_burst_is_over_before_dumps_begin() -> None:
    """With ``resync_quiet`` nothing is asked while messages come, which would cost more of them; but a burst that does
    not end is not waited for."""
    house = House(resync_quiet=0.5)
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.overrun()
    seen = []
    for index in range(4, 8):
        house.kernel.clock += 4 * SECOND // 10
        house.kernel.new(LINK, link(index, f"d{index}"), index)
        seen.append((len(house.run().kernel.requests), house.backend.due()))
    house.kernel.clock += SECOND // 2
    seen.append((len(house.run().kernel.requests), house.backend.due()))
    house.kernel.overrun()
    endless = 0
    while house.run().backend.resyncing():
        house.kernel.clock += 4 * SECOND // 10
        house.kernel.new(LINK, link(9, "d9"), 9)
        endless += 1

    assert seen == [(0, 0.5)] * 4 + [(len(DUMPS), None)]
    assert (house.held("link"), endless) == ([4, 5, 6, 7, 3, 9], 25)


def test_a_burst_that_does_not_end_is_interrupted_seldom() -> None:
    """Dumps that fell into it and were interrupted are not repeated before it is over, or was waited for once more."""
    house = House(resync_quiet=0.5)
    house.kernel.outcomes.extend(["interrupted"] * 1000)  # type: ignore[list-item]
    house.kernel.overrun()
    rounds, asked = [], 0
    for number in range(60):
        house.kernel.new(LINK, link(9, f"d{number}"), 9)
        if len(house.run().kernel.requests) > asked:
            rounds.append(number)
            asked = len(house.kernel.requests)
        house.kernel.clock += 4 * SECOND // 10
    house.kernel.clock += SECOND
    house.run()

    assert (rounds, len(house.kernel.requests) > asked) == ([25, 50], True)


@pytest.mark.parametrize(("k", "asked", "gone"), [(1, 2, True), (2, 3, True), (5, 3, False), (1000, 3, False)])
@pytest.mark.parametrize("fate", ["interrupted", "empty"])
def test_interrupted_dumps(fate: str, k: int, asked: int, gone: bool) -> None:
    """Asked again a bounded number of times. While it stays interrupted it proves no absence, and that is reported."""
    house = House()
    for index in (3, 4):
        house.kernel.new(LINK, link(index, f"d{index}"), index)
    house.run()
    house.kernel.delete(LINK, 3, lost=True)
    house.kernel.new(LINK, link(2, "d2"), 2, lost=True)
    house.kernel.objects = dict(sorted(house.kernel.objects.items()))  # what an interrupted dump lacks is the last
    house.kernel.outcomes.extend([fate] * min(k, 3))  # type: ignore[list-item]
    house.kernel.overrun()
    house.run()

    assert house.kernel.requests.count((18, 0)) == asked
    assert ((17, "d3") in house.delivered) == gone
    assert ((16, "d2") in house.delivered) == (gone or fate == "interrupted")
    assert 4 in house.held("link")
    incomplete = [e for e in house.errors if isinstance(e, ResyncIncomplete)]
    assert [e.why for e in incomplete] == (
        [] if gone else [f"dumps were interrupted, with{'' if fate == 'interrupted' else 'out'} data"]
    )
    assert house.backend.due() == (None if gone else 1.0)
    house.kernel.clock += SECOND
    assert (17, "d3") in house.run().delivered
    assert (house.held("link"), house.backend.due(), house.backend.resyncing()) == ([4, 2], None, False)
    assert house.backend.status().protocols[ROUTE].errors == len(house.errors) == (1 if gone else 2)


@pytest.mark.parametrize("interval", [0.0, 3.0])
def test_a_kernel_that_always_interrupts(interval: float) -> None:
    """A loss is recovered from in at most four attempts, a second or the interval apart; a new loss allows new ones."""
    house = House(resync_interval=interval)
    house.kernel.outcomes.extend(["empty"] * 1000)
    attempts = []
    for _ in range(2):
        house.kernel.overrun()
        house.kernel.clock += 3 * SECOND
        house.run()
        while (due := house.backend.due()) is not None:
            assert (due, house.backend.process(ROUTE)) == (max(interval, 1.0), False)
            house.kernel.clock += round(due * SECOND)
            house.run()
        attempts.append(sum(isinstance(error, ResyncIncomplete) for error in house.errors))

    assert (attempts, house.backend.resyncing()) == ([4, 8], False)
    assert house.backend.status().protocols[ROUTE].errors == len(house.errors) == 10


def test_a_kernel_that_never_answers() -> None:
    """It is asked once in a second at most, though the options allow no pause."""
    house = House(resync_interval=0.0)
    house.kernel.outcomes.extend(["broken"] * 3)
    house.kernel.overrun()
    seen = []
    for _ in range(4):
        house.run()
        seen.append((len(house.kernel.requests), house.backend.due(), house.backend.resyncing()))
        house.kernel.clock += SECOND // 2
    house.kernel.outcomes.clear()
    house.run()

    assert seen == [(1, 1.0, True), (1, 0.5, True), (2, 1.0, True), (2, 0.5, True)]
    assert (house.backend.due(), house.backend.resyncing()) == (None, False)
    assert house.backend.status().protocols[ROUTE].errors == len(house.errors) == 3


@pytest.mark.parametrize(("fate", "why"), [("failed", "failed"), ("unfinished", "unfinished")])
def test_a_dump_that_fails_proves_nothing(fate: str, why: str) -> None:
    """It is not repeated, and no deletion comes of it."""
    house = House()
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.run()
    house.kernel.outcomes.append(fate)  # type: ignore[arg-type]
    house.kernel.overrun()
    house.run()

    assert (house.kernel.requests, house.delivered) == (DUMPS, [])
    assert [(type(e), e.why) for e in house.errors[1:]] == [(ResyncIncomplete, f"dumps were {why}")]


def test_a_message_that_cannot_be_read_is_no_deletion() -> None:
    """A dump that holds a message above the limit, or one that is damaged, does not prove that its object is gone."""
    house = House(max_message_size=80)
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.run()
    house.kernel.objects[LINK, 3] += bytes(100)
    house.kernel.overrun()
    house.run()

    assert (house.delivered, house.held("link")) == ([], [3])
    assert [e.why for e in house.errors[1:]] == ["dumps were not all readable"]


def test_a_resync_that_cannot_ask_is_tried_again() -> None:
    """The failure is reported, reading goes on, and the loss is recovered from at the next interval."""
    house = House(resync_interval=2.0)
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.overrun()
    house.kernel.outcomes.append("broken")
    house.run()
    waiting = house.backend.due()
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.run()
    house.kernel.clock += 2 * SECOND
    house.run()

    assert [(type(e), e.why) for e in house.errors[1:]] == [(ResyncIncomplete, "no answer within 10 s")]
    assert (waiting, house.backend.due(), sorted(map(str, house.held("link")))) == (2.0, None, ["3", "4"])


@pytest.mark.parametrize("number", LOST)
def test_a_lost_socket_is_replaced(number: int) -> None:
    """The new one has the same groups, extra ones included, and the same buffers; what was missed is recovered."""
    house = House(receive_buffer=4096, send_buffer=8192, extra_groups=("tc", "nexthop"))
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.fail(TransportError("NLM-T003", "lost", errno=number))
    house.run()
    old, new = house.kernel.opened

    assert (old.closings, new.closed) == (1, False)
    assert (new.groups, new.buffers) == (old.groups, (4096, 8192))
    assert new.groups == {1, 3, 5, 7, 8, 9, 11, 19, 4, 32}
    assert house.delivered == [(16, "d0")]
    assert [getattr(e, "errno", None) for e in house.errors] == [number]


def test_other_failures_are_the_callers() -> None:
    """They are raised and counted, and the backend can be asked again."""
    house = House()
    house.kernel.fail(TransportError("NLM-T003", "bad", errno=errno.EIO))
    with pytest.raises(TransportError):
        house.backend.process(ROUTE)
    house.kernel.new(LINK, link(3, "d0"), 3)

    assert (house.run().held("link"), len(house.kernel.opened), house.errors) == ([3], 1, [])
    assert house.backend.status().protocols[ROUTE].errors == 1


def test_a_socket_that_cannot_be_opened_again() -> None:
    """Each call tries once and raises; when the kernel allows it the backend goes on, and recovers what it missed."""
    house = House()
    refusal = TransportError("NLM-T001", "no", errno=errno.EMFILE)
    house.kernel.open_errors.extend([refusal, refusal])
    house.kernel.fail(TransportError("NLM-T003", "lost", errno=errno.EBADF))
    numbers = []
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            house.backend.process(ROUTE)
        numbers.append(caught.value.errno)
    status = house.backend.status().protocols[ROUTE]
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)

    assert (numbers, house.backend.fileno(ROUTE), status.errors) == ([errno.EMFILE] * 2, -1, 2)
    assert (house.run().held("link"), house.delivered) == ([3], [(16, "d0")])
    assert len(house.kernel.sockets()) == 1


@pytest.mark.parametrize("protocol", [4, 6, 9, 12, GENERIC])
def test_an_overrun_of_another_protocol(protocol: int) -> None:
    """It is reported and reading goes on; nothing is dumped of NETLINK_ROUTE, for nothing of it was lost."""
    house = House("libnl", ROUTE, protocol)
    house.kernel.overrun(protocol)
    house.run(protocol).run(ROUTE)

    assert [type(e) for e in house.errors] == [Overrun]
    assert house.kernel.requests == ([(16, 3)] if protocol == GENERIC else [])
    assert house.backend.due() is None


@pytest.mark.parametrize("protocols", [(GENERIC,), (ROUTE, GENERIC)])
def test_families_are_due_after_a_loss(protocols: tuple[int, ...]) -> None:
    """What nlctrl may have said meanwhile is asked for at the next idle moment, and ``due`` says that it is now."""
    house = House("libnl", *protocols)
    house.kernel.overrun(GENERIC)
    seen = [house.backend.due()]
    for _ in range(2):
        house.backend.process(GENERIC)
        seen.append(house.backend.due())

    house.kernel.overrun(GENERIC)
    house.backend.process(GENERIC)
    house.backend.disable(GENERIC)

    assert (seen, house.backend.due()) == ([None, 0.0, None], None)


def test_a_lost_generic_socket_keeps_its_families() -> None:
    """The new socket is in the groups of the wanted families."""
    kernel = FakeKernel()
    kernel.families["nl80211"] = family(35, "nl80211", {"scan": 6})
    house = House("libnl", GENERIC, kernel=kernel, generic_families=("nl80211",))
    kernel.fail(TransportError("NLM-T003", "lost", errno=errno.ENOTCONN), GENERIC)
    house.run(GENERIC)

    assert [sorted(one.groups) for one in kernel.sockets(GENERIC)] == [[6, 16]]


def test_caches_are_right_after_a_loss() -> None:
    """Without resync, too: what a cache holds was said by the kernel, and no event is made of it."""
    house = House(resync=False, caches=("link",))
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.run()
    house.kernel.delete(LINK, 3, lost=True)
    house.kernel.new(LINK, link(4, "d1"), 4, lost=True)
    house.kernel.overrun()
    house.run()

    assert house.backend.get_link_by_name("d1").ifindex == 4  # type: ignore[attr-defined]
    assert (house.backend.cache.count("link"), house.delivered) == (1, [])  # type: ignore[attr-defined]
    assert house.kernel.requests == [(18, 0)]


def test_an_old_cache_waits_for_a_loss() -> None:
    """What recovers from the loss fills it, too; nothing is due sooner."""
    house = House(caches=("link",), cache_ttl=1.0, resync_interval=10.0)
    for _ in range(2):
        house.kernel.overrun()
        house.run()
    house.kernel.clock += 2 * SECOND
    seen = (house.backend.due(), house.backend.process(ROUTE))
    house.kernel.clock += 8 * SECOND

    assert (seen, house.backend.due()) == ((8.0, False), 0.0)
    assert house.run().backend.due() == 1.0


def test_a_pause_is_no_loss() -> None:
    """What changed while the protocol was off is not delivered, and known to a later resync."""
    house = House()
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.backend.disable(ROUTE)
    house.backend.enable(ROUTE)
    assert house.run().delivered == []
    house.kernel.new(LINK, link(4, "d1"), 4, lost=True)
    house.kernel.overrun()

    assert house.run().delivered == [(16, "d1")]


def test_a_loss_ends_with_a_pause() -> None:
    """Disabled, a loss that was still to be recovered from is forgotten like everything else that was missed."""
    house = House()
    house.kernel.overrun()
    house.backend.process(ROUTE)
    seen = [house.backend.resyncing()]
    house.backend.disable(ROUTE)
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.backend.enable(ROUTE)
    seen.append(house.backend.resyncing())

    assert (house.run().delivered, seen) == ([], [True, False])


@pytest.mark.parametrize(("name", "expected"), [("libnl", [False, True, True, False]), ("legacy", [False] * 4)])
def test_a_loss_is_recovered_from(name: str, expected: list[bool]) -> None:
    """A resync is still due until everything was dumped; legacy recovers from nothing."""
    house = House(name)
    seen = [house.backend.resyncing()]
    house.kernel.overrun()
    house.kernel.notify(message(LINK, link(3, "d0")))
    for _ in range(3):
        house.backend.process(ROUTE)
        seen.append(house.backend.resyncing())

    assert seen == expected


@pytest.mark.parametrize("number", LOST)
def test_legacy_recovers_nothing(number: int) -> None:
    """It reports an overrun and goes on, asks for nothing, and raises when its socket is lost."""
    house = House("legacy")
    house.kernel.new(LINK, link(3, "d0"), 3, lost=True)
    house.kernel.overrun()
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.run()
    house.kernel.fail(TransportError("NLM-T003", "lost", errno=number))
    with pytest.raises(TransportError):
        house.backend.process(ROUTE)

    assert [getattr(e, "drops", None) for e in house.errors] == [1]
    assert (house.held("link"), house.kernel.requests, house.backend.due()) == ([4], [], None)


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_a_life_without_a_kernel(name: str) -> None:
    """Enabled twice it has one socket, closed twice it closes once, opened again it counts on."""
    house = House(name, ROUTE, ROUTE)
    house.kernel.new(LINK, link(3, "d0"), 3)
    house.run()
    sockets = len(house.kernel.sockets())
    house.backend.close()
    house.backend.close()
    closed = (house.backend.fileno(ROUTE), [one.closings for one in house.kernel.opened])
    with pytest.raises(UsageError) as caught:
        house.backend.process(ROUTE)
    house.backend.disable(ROUTE)
    house.backend.enable(ROUTE)
    house.kernel.new(LINK, link(4, "d1"), 4)
    house.run()
    status = house.backend.status().protocols[ROUTE]

    assert (sockets, closed, caught.value.code) == (1, (-1, [1]), "NLM-B002")
    assert (status.enabled, status.fd, status.events, len(house.events)) == (True, 99, 2, 2)


@pytest.mark.parametrize(("name", "protocol"), [("legacy", 6), ("legacy", 9), ("libnl", 11), ("libnl", 99)])
def test_a_protocol_that_is_not_supported(name: str, protocol: int) -> None:
    """Enabling it is the caller's mistake, opens nothing, and the ones there are are named."""
    kernel = FakeKernel()
    backend = create(name, kernel)
    with pytest.raises(UsageError, match=f"does not support protocol {protocol}") as caught:
        backend.enable(protocol)

    assert (kernel.opened, caught.value.hint[:18]) == ([], "it supports 0, 4, ")


@pytest.mark.parametrize("when", ["event", "error", "synthetic"])
def test_closing_from_a_callback(when: str) -> None:
    """A consumer may close the backend from within: what was being delivered is delivered, and nothing is left open."""
    house = House()
    close: Callable[[object], None] = lambda _: house.backend.close()  # noqa: E731
    house.kernel.new(LINK, link(3, "d0"), 3, lost=when == "synthetic")
    if when != "event":
        house.kernel.overrun()
    house.backend.set_callback(close if when != "error" else None, close if when == "error" else None)
    with pytest.raises(UsageError):
        house.run()

    assert house.kernel.sockets() == []
