"""Two implementations that listen to one scripted kernel at once: what is paired, what is judged, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.side import Side
from nlmon.engine.live import Live
from nlmon.engine.pairing import Pairing, Read
from nlmon.engine.summary import live_reports
from nlmon.errors import TransportError, UsageError
from nlmon.events import Decoded, LinkInfo
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.state import identity
from nlmon.testing.messages import addr, family, link, message, route
from nlmon.testing.transport import GENERIC, ROUTE, FakeKernel
from nlmon.transport.base import TransportFactory, TransportStatus
from nlmon.transport.tap import Reading
from nlmon.wire import Datagram
from support.flows import EXPECT, flow, netfilter, tuple_

XFRM, NETFILTER = 6, 12
REFERENCE, CANDIDATE = 0, 1
NEWLINK, NEWADDR, NEWROUTE = 16, 20, 24
Maker = Callable[[TransportFactory, BackendOptions], Backend]


class WrongMtu(LibnlBackend):
    """Gives links another MTU than they have."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        events = [
            structs.replace(event, payload=structs.replace(event.payload, mtu=9000))
            if isinstance(event.payload, LinkInfo)
            else event
            for event in decoded.events
        ]
        return structs.replace(decoded, events=events)


class WrongMetrics(LibnlBackend):
    """Gives the metrics of routes as a list."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        events = [structs.replace(e, payload=structs.replace(e.payload, metrics=[])) for e in decoded.events]  # type: ignore[type-var]
        return structs.replace(decoded, events=events)


class Restless(LibnlBackend):
    """Says forever that it did something."""

    def idle(self, protocol: int) -> bool:
        return True


class Raises(LibnlBackend):
    """Raises for every message of a link."""

    def decode(self, datagram: Datagram) -> Decoded:
        raise ValueError("no")


def listening(kernel: FakeKernel, *protocols: int, candidate: Maker = LibnlBackend, **more: Any) -> Live:
    """Both implementations, with open sockets."""
    live = Live(LegacyBackend, candidate, factory=lambda: kernel, **more)
    live.start(protocols or (ROUTE,))
    return live


def read_all(live: Live) -> None:
    """Both read whatever waits."""
    found = True
    while found:
        found = False
        for number, lane in enumerate(live.lanes):
            for protocol in lane.backend.groups:
                if lane.fileno(protocol) >= 0:
                    found |= live.read(number, protocol)


def over(live: Live) -> CaptureReport:
    """The report, once both have read what waits."""
    read_all(live)
    live.finish()
    return live_reports(live, "live", kernel="")[0]


def queues(kernel: FakeKernel, protocol: int = ROUTE) -> list[Any]:
    """What waits for the reference and for the candidate."""
    return [one.queue for one in kernel.sockets(protocol)]


def say(kernel: FakeKernel, *names: str) -> None:
    """A link of each name."""
    for index, name in enumerate(names, 1):
        kernel.notify(message(NEWLINK, link(index, name)))


def test_what_both_read_alike_is_equivalent() -> None:
    """Every notification is one pair, and the report counts it once."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b", "c")
    kernel.notify(message(NEWADDR, addr(1, "192.0.2.1")))
    found = over(live)

    assert (found.verdict, found.reason, found.state) == ("equivalent", "", "same")
    assert (found.frames, found.events) == (4, {"legacy": 4, "libnl": 4})
    assert (found.path, found.format, found.objects) == ("live", "live", {"link": 3, "addr": 1})
    assert found.notes == []
    assert found.timeline is not None
    assert (found.timeline.last, found.timeline.events) == (4, {"legacy": [1] * 4, "libnl": [1] * 4})


def test_nothing_is_remembered_of_what_was_read() -> None:
    """Keys that the states share are those of what is read at once, however long it listens."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b")
    read_all(live)

    assert (live.states.objects(0), identity._subjects) == ({"link": 2}, {})


def test_a_deviation_is_found_with_its_place() -> None:
    """The value that one of them gives wrong, in the datagram and at the attribute where it stands."""
    kernel = FakeKernel()
    live = listening(kernel, candidate=WrongMtu)
    kernel.notify(message(NEWADDR, addr(1, "192.0.2.1")))
    say(kernel, "a")
    found = over(live)
    first = found.groups[0].first

    assert (found.verdict, first.cls, first.message, first.field) == ("regression", "conflict", "RTM_NEWLINK", "mtu")
    assert (first.frame, first.attribute, first.reference, first.candidate) == (2, "IFLA_MTU", "1500", "9000")


def test_two_sockets_need_not_have_the_same_order() -> None:
    """Two CPUs announce at once: each socket has an order of its own, and that is no difference."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b", "c")
    candidate = queues(kernel)[CANDIDATE]
    candidate.append(candidate.popleft())
    found = over(live)

    assert (found.verdict, found.events, found.notes) == ("equivalent", {"legacy": 3, "libnl": 3}, [])


def test_it_does_not_matter_who_reads_first() -> None:
    """Each datagram has the number and the time that the first reader of it saw."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b")
    live.read(CANDIDATE, ROUTE)
    kernel.clock += 1
    say(kernel, "c", "d")
    live.read(REFERENCE, ROUTE)
    found = over(live)

    assert (found.verdict, found.frames) == ("equivalent", 4)


def test_equal_datagrams_are_paired_one_to_one() -> None:
    """What is said three times is three pairs, however the reading is interleaved."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a")
    live.read(REFERENCE, ROUTE)
    say(kernel, "a")
    say(kernel, "a")
    live.read(CANDIDATE, ROUTE)
    found = over(live)

    assert (found.verdict, live.compared.total(), found.frames, found.notes) == ("equivalent", 3, 3, [])


def test_an_interface_is_renamed_between_the_two_reads() -> None:
    """The kernel is asked once for the name in a datagram, and both get that answer."""
    kernel = FakeKernel()
    kernel.names[1] = "before"
    live = listening(kernel)
    kernel.notify(message(NEWADDR, addr(1, "192.0.2.1")))
    kernel.notify(message(NEWADDR, addr(1, "192.0.2.1")))
    live.read(REFERENCE, ROUTE, most=1)
    kernel.names[1] = "behind"
    live.read(CANDIDATE, ROUTE)
    found = over(live)

    assert (found.verdict, kernel.names_asked) == ("equivalent", [1, 1])


def test_the_begin_and_the_end_are_not_judged() -> None:
    """What came before the first pair of a lane or behind its last one is counted in a note alone."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "head", "b", "c", "tail")
    reference, candidate = queues(kernel)
    candidate.popleft()
    reference.pop()
    found = over(live)

    assert (found.verdict, live.compared.total()) == ("equivalent", 2)
    assert found.notes == ["2 notifications at the begin or the end reached one of them alone and are not judged"]


@pytest.mark.parametrize("first", [REFERENCE, CANDIDATE])
def test_no_more_is_compared_than_was_asked_for(first: int) -> None:
    """Behind the last notification that is wanted a lane gets only what the other one has read."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b", "c", "d", "e")
    live.left = 3
    live.read(first, ROUTE)
    found = over(live)

    assert (found.verdict, live.compared.total(), live.left, found.notes) == ("equivalent", 3, 0, [])
    assert (found.frames, found.events) == (3, {"legacy": 3, "libnl": 3})


def test_what_was_said_before_the_second_one_listened_may_be_said_again() -> None:
    """The first of equal datagrams came before the candidate had its socket; no later one is missing because of it."""
    kernel = FakeKernel()

    class Early(LibnlBackend):
        def enable(self, protocol: int) -> None:
            say(kernel, "a")
            super().enable(protocol)

    live = listening(kernel, candidate=Early)
    say(kernel, "a", "b")
    found = over(live)

    assert (found.verdict, live.compared.total(), len(found.notes)) == ("equivalent", 2, 1)


def test_what_only_one_of_them_read_in_the_middle_is_missing() -> None:
    """The socket of the candidate lost nothing and is in the group, and yet it did not get the datagram."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b", "c")
    del queues(kernel)[CANDIDATE][1]
    found = over(live)

    assert (found.verdict, found.differences["missing"]) == ("regression", 1)
    assert [(one.cls, one.frame) for one in found.details if one.cls == "missing"] == [("missing", 2)]


@pytest.mark.parametrize("lossy", [REFERENCE, CANDIDATE])
def test_a_loss_is_inconclusive_and_nothing_is_missing(lossy: int) -> None:
    """What one of them lost is counted as lost; what both read is compared."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b", "c", "d")
    kernel.dropped = 2
    kernel.overrun()
    queue = queues(kernel)[lossy]
    del queue[1]
    del queue[1]
    queues(kernel)[1 - lossy].pop()
    say(kernel, "e")
    found = over(live)
    name = ("legacy", "libnl")[lossy]

    assert (found.verdict, found.reason) == ("inconclusive", f"{name} lost 2 messages")
    assert (set(found.differences) <= {"enhancement"}, found.lost[name], live.compared.total()) == (True, 2, 3)
    assert f"2 notifications were not compared: {name} lost them" in found.notes


def test_a_regression_outweighs_a_loss() -> None:
    """What was found before messages were lost stands."""
    kernel = FakeKernel()
    live = listening(kernel, candidate=WrongMtu)
    say(kernel, "a")
    kernel.dropped = 1
    kernel.overrun()
    found = over(live)

    assert (found.verdict, found.lost) == ("regression", {"legacy": 1, "libnl": 1})


def test_nothing_came() -> None:
    """Where no notification was compared, nothing is known."""
    found = over(listening(FakeKernel()))

    assert (found.verdict, found.reason) == ("inconclusive", "no event was compared: no notification came")


def test_what_one_of_them_does_not_read_is_held_against_the_bytes() -> None:
    """IPsec is libnl's alone, and nobody waits for legacy to read it."""
    kernel = FakeKernel()
    live = listening(kernel, XFRM)
    kernel.notify(message(0x1C, bytes(40)), XFRM)
    read_all(live)

    assert (live.waiting, live.compared.total(), dict(live.judge.counts)) == (False, 1, {})


def test_a_group_that_one_of_them_need_not_join() -> None:
    """Expectations come in groups that the contract gives to libnl alone."""
    kernel = FakeKernel()
    live = listening(kernel, NETFILTER)
    kernel.notify(netfilter(0, *flow("little"), flags=0x600), NETFILTER)
    expectation = netfilter(0, tuple_(2, 0, 1), subsystem=EXPECT, flags=0x600)
    legacy = kernel.sockets(NETFILTER)[REFERENCE]
    kernel.notify(expectation, NETFILTER)
    legacy.queue.pop()
    found = over(live)

    assert (found.verdict, live.compared.total(), found.notes) == ("equivalent", 2, [])


def test_a_group_that_one_of_them_should_have_joined() -> None:
    """The contract puts legacy into the group of addresses; a legacy that does not join it misses them."""

    class NoAddresses(LegacyBackend):
        def groups_of(self, protocol: int) -> tuple[int, ...]:
            return tuple(group for group in super().groups_of(protocol) if group != 5)

    kernel = FakeKernel()
    live = Live(NoAddresses, LibnlBackend, factory=lambda: kernel)
    live.start((ROUTE,))
    say(kernel, "a")
    kernel.notify(message(NEWADDR, addr(1, "192.0.2.1")))
    kernel.sockets()[REFERENCE].queue.pop()
    found = over(live)

    assert (found.verdict, live.waiting) == ("regression", False)
    assert "has not joined its multicast group" in found.groups[0].first.reason


def test_a_family_that_appears_later() -> None:
    """libnl joins its groups, legacy does not; what comes in them is not compared and may hide a difference."""
    kernel = FakeKernel()
    live = listening(kernel, GENERIC)
    kernel.notify(family(40, "late", {"events": 300}), GENERIC)
    read_all(live)
    kernel.notify(message(40, bytes([1, 1, 0, 0])), GENERIC)
    kernel.sockets(GENERIC)[REFERENCE].queue.pop()
    found = over(live)

    why = "1 notification was not compared: legacy has not joined the groups of their families"
    (tolerant,) = live_reports(live, "live", kernel="", policy=Policy(max_lost=1))

    assert (found.verdict, found.reason, live.compared.total()) == ("inconclusive", why, 1)
    assert (tolerant.verdict, tolerant.reason, tolerant.notes) == ("equivalent", "", [why])


def test_what_the_kernel_refuses_is_left_out_with_a_note() -> None:
    """By default what cannot be opened is left out; what was asked for, or NETLINK_ROUTE, is an error."""
    kernel = FakeKernel()
    live = Live(LegacyBackend, LibnlBackend, factory=lambda: kernel)
    real = kernel.open

    def refusing(protocol: int, *rest: Any, **more: Any) -> Any:
        if protocol == XFRM:
            raise TransportError("NLM-T001", "no", why="Operation not permitted", errno=1)
        return real(protocol, *rest, **more)

    kernel.open = refusing  # type: ignore[method-assign]

    assert XFRM not in live.start()
    assert live.notes == ["not compared: NETLINK_XFRM: Operation not permitted"]
    with pytest.raises(TransportError):
        live.start((XFRM,))


def test_a_socket_that_fails_ends_the_reading_of_it() -> None:
    """It is nobody's deviation; the verdict is open."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a")
    kernel.sockets()[REFERENCE].queue.append(TransportError("NLM-T003", "reading the event socket failed", errno=5))
    say(kernel, "b")
    found = over(live)

    assert (found.verdict, "missing" in found.differences) == ("inconclusive", False)
    assert found.reason == "legacy could read no more: reading the event socket failed"


@pytest.mark.parametrize("candidate", [Raises, Restless])
def test_a_crash_is_a_difference(candidate: Maker) -> None:
    """An implementation that raises, or never comes to rest, is a regression and not the end of the run."""
    kernel = FakeKernel()
    live = listening(kernel, candidate=candidate)
    say(kernel, "a")
    found = over(live)

    assert found.verdict == "regression"
    assert found.differences["crash"] == 1


@pytest.mark.parametrize("name", ["enable", "process", "fileno", "status", "unresolved", "close"])
def test_a_method_that_raises_is_a_crash(name: str) -> None:
    """Whatever is asked of an implementation, and whenever."""

    def method(*_: Any) -> Any:
        raise ValueError(f"no {bytes(range(128, 160))}")

    made: type[LibnlBackend] = type("Bad", (LibnlBackend,), {name: method})
    kernel = FakeKernel()
    live = listening(kernel, candidate=made)
    say(kernel, "a")
    found = over(live)

    assert (found.verdict, found.differences["crash"] > 0) == ("regression", True)
    assert {one.candidate for one in found.details if one.cls == "crash"} == {"ValueError: no (131 characters)"}


def test_memory_is_bounded() -> None:
    """Beyond the limit the oldest that waits is given up; the verdict says that it could not be compared."""
    kernel = FakeKernel()
    live = listening(kernel, kept=(2, 1 << 20))
    say(kernel, "a", "b", "c")
    live.read(REFERENCE, ROUTE)
    found = over(live)

    assert (found.verdict, live.compared.total()) == ("inconclusive", 2)
    assert found.reason == "1 datagram waited for the other one for too long"


def test_what_was_given_up_is_not_missing_when_the_other_one_reads_it() -> None:
    """Between two pairs, too: it waited for too long, which is nobody's deviation. It is recorded and counted once."""
    kernel = FakeKernel()
    live = listening(kernel, kept=(2, 1 << 20))
    say(kernel, "first")
    read_all(live)
    say(kernel, "a", "b", "c")
    live.read(REFERENCE, ROUTE)
    found = over(live)

    assert (found.verdict, live.compared.total(), found.frames) == ("inconclusive", 3, 4)
    assert (found.reason, found.notes) == ("1 datagram waited for the other one for too long", [])
    assert set(found.differences) <= {"enhancement"}


def paired(words: str, **limits: int) -> list[tuple[int, int, int, int]]:
    """What stays unpaired of ``0a 1a``: lane 0 and then lane 1 read the datagram ``a``. By lane: within, outside and
    given up."""
    pairing = Pairing(**limits)
    for lane, data in words.split():
        datagram = Datagram(0, 0, ROUTE, data.encode())
        pairing.add(int(lane), Read(Reading(datagram, {}), Side("legacy", (), ())))
    return [(one.lane, len(one.within), one.outside, one.given_up) for one in pairing.unpaired()]


def test_a_late_one_is_known_by_how_often_it_was_given_up() -> None:
    """Of three that the candidate reads of what was given up twice, the third one is missing in the reference."""
    first, given_up, last = "0p 1p", "0a 0a 0b", "0z 1z"

    assert paired(f"{first} {given_up} 1a 1a 1b {last}", datagrams=1) == [(0, 0, 0, 2)]
    assert paired(f"{first} {given_up} 1a 1a 1b 1a {last}", datagrams=1) == [(0, 0, 0, 2), (1, 1, 0, 0)]


def test_hashes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where some were forgotten, nothing that only the other lane read is missing."""
    monkeypatch.setattr("nlmon.engine.pairing.HASHES_KEPT", 1)

    assert paired("0p 1p 0a 0b 0c 1a 1b 1c 0z 1z", datagrams=1) == [(0, 0, 0, 2), (1, 0, 0, 1)]


def test_what_is_unpaired_does_not_enter_the_states() -> None:
    """The end of a link that one of them did not read is missing, and that once: the states are those of the pairs."""
    kernel = FakeKernel()
    live = listening(kernel)
    say(kernel, "a", "b")
    kernel.notify(message(NEWLINK + 1, link(1, "a")))
    say(kernel, "a")
    del queues(kernel)[CANDIDATE][2]
    found = over(live)

    assert (found.verdict, found.state, found.objects) == ("regression", "same", {"link": 2})
    assert set(found.differences) == {"missing", "enhancement"}


@pytest.mark.parametrize("options", [{"resync": True}, {"caches": ("link",)}, {"message_pool_size": 3}])
def test_what_gives_events_without_a_datagram_is_refused(options: dict[str, Any]) -> None:
    """Nothing of the other implementation would belong to them."""
    with pytest.raises(UsageError) as caught:
        Live(LegacyBackend, LibnlBackend, factory=FakeKernel, options=BackendOptions(**options))

    assert (caught.value.code, next(iter(options)) in caught.value.what) == ("NLM-E001", True)


def test_a_loss_of_one_protocol_excuses_nothing_on_another() -> None:
    """The candidate lost messages of NETLINK_ROUTE; what it did not read of the connections is missing all the same."""
    kernel = FakeKernel()
    live = listening(kernel, ROUTE, NETFILTER)
    say(kernel, "a")
    kernel.dropped = 1
    kernel.overrun()
    for flags in (0x600, 0, 0x600):
        kernel.notify(netfilter(0, *flow("little"), flags=flags), NETFILTER)
    del queues(kernel, NETFILTER)[CANDIDATE][1]
    found = over(live)

    assert (found.verdict, found.differences["missing"], found.lost) == ("regression", 1, {"legacy": 1, "libnl": 1})


class Drops:
    """Keeps what a recording says was lost, by the name of the socket."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.drops: dict[str, int] = {}

    def add_socket(self, name: str, protocol: int) -> int:
        self.names.append(name)
        return len(self.names) - 1

    def write(self, *, socket: int, timestamp: int, data: bytes, direction: str) -> None:
        pass

    def lost(self, socket: int, drops: int) -> None:
        self.drops[self.names[socket]] = drops


def test_a_recording_says_what_each_socket_lost() -> None:
    """Of each protocol by itself, and of the two lanes that which lost less: the other one's is in the recording."""
    kernel, sink = FakeKernel(), Drops()
    live = listening(kernel, ROUTE, NETFILTER, sink=sink)
    say(kernel, "a")
    kernel.notify(netfilter(0, *flow("little"), flags=0x600), NETFILTER)
    for one, drops in zip([*kernel.sockets(ROUTE), *kernel.sockets(NETFILTER)], (5, 3, 0, 2), strict=True):
        one.status = lambda drops=drops: TransportStatus((), None, None, None, None, drops=drops)  # type: ignore[method-assign,misc]
    found = over(live)

    assert sink.drops == {"events-0": 3, "events-12": 0}
    assert (found.verdict, found.lost) == ("inconclusive", {"legacy": 5, "libnl": 5})


def test_a_closed_socket_is_in_no_group() -> None:
    """Its tap goes with it."""
    kernel = FakeKernel()
    live = listening(kernel)
    lane = live.lanes[REFERENCE]
    joined = bool(lane.groups(ROUTE))
    lane.backend.disable(ROUTE)

    assert (joined, lane.groups(ROUTE)) == (True, ())


def test_bytes_are_bounded_too() -> None:
    """A few large datagrams are as much as many small ones."""
    pairing = Pairing(10, 100)
    for number in range(3):
        datagram = Datagram(number, 0, ROUTE, bytes([number]) * 40)
        pairing.add(0, Read(Reading(datagram, {}), Side("legacy", (), ())))

    assert [(one.given_up, one.outside) for one in pairing.unpaired()] == [(1, 2)]


def test_a_dump_that_no_state_can_hold_is_a_difference() -> None:
    """Values of other types than an event has are found in answers, too, and kept from the states."""
    kernel = FakeKernel()
    kernel.new(NEWROUTE, route("192.0.2.0/24", 3), 1)
    live = listening(kernel, candidate=WrongMetrics)
    list(live.dump(ROUTE, live.ask(ROUTE), message(26, bytes(12), flags=0x301, seq=1)))
    found = over(live)

    assert (found.verdict, found.objects) == ("regression", {})


def test_dumps_are_no_events() -> None:
    """Answers to dumps are decoded by both, fill the states and are no events."""
    kernel = FakeKernel()
    kernel.new(NEWLINK, link(1, "a"), 1)
    live = listening(kernel)
    transport = live.ask(ROUTE)
    answers = list(live.dump(ROUTE, transport, message(18, bytes(16), flags=0x301, seq=1)))
    say(kernel, "a")
    found = over(live)

    assert (len(answers), found.answers, found.events) == (2, {"legacy": 1, "libnl": 1}, {"legacy": 1, "libnl": 1})
    assert (found.objects, found.roles) == ({"link": 1}, {"request": 1, "dump": 2, "notification": 1})
