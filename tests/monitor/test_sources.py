"""The sockets of a monitor: lost and opened again, exchanged, and what cannot be opened."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable
from itertools import count

import pytest
from msgspec.structs import replace

from nlmon.backends.options import BackendOptions
from nlmon.errors import TransportError
from nlmon.events import Event
from nlmon.monitor.plan import Listening
from nlmon.monitor.sources import PATIENCE, KernelSource
from nlmon.testing.messages import link
from nlmon.testing.transport import GENERIC, ROUTE, FakeKernel, FakeTransport
from nlmon.transport.base import TransportStatus

BOTH = ("legacy", "libnl")


def lost() -> TransportError:
    return TransportError("NLM-T003", "reading the event socket failed", errno=errno.EBADF)


def refused() -> TransportError:
    return TransportError("NLM-T002", "the kernel refuses a socket", errno=errno.EMFILE)


class Listened:
    """A source on a kernel in memory, and what it gives: the events, each with the bytes of its datagram."""

    def __init__(self, implementation: str, **options: int) -> None:
        self.kernel = FakeKernel()
        self.events: list[tuple[Event, bytes]] = []
        self.listening = Listening(implementation, (ROUTE,), BackendOptions(**options))  # type: ignore[arg-type]
        self.source = KernelSource(self.listening, lambda *pair: self.events.append(pair), lambda _: self.kernel)
        self.source.open()

    def say(self, *numbers: int) -> None:
        """Links appear, of which each has its number as its index."""
        for number in numbers:
            self.kernel.new(16, link(number, f"eth{number}"), number)

    def read(self) -> list[int]:
        """Read all that waits; the indexes of the links."""
        self.events.clear()
        while self.source.process(ROUTE):
            pass
        return [event.payload.ifindex for event, _ in self.events if event.type == "netlink"]  # type: ignore[union-attr]


@pytest.mark.parametrize("implementation", BOTH)
def test_each_event_comes_with_its_datagram(implementation: str) -> None:
    """The bytes that it was made from."""
    listened = Listened(implementation)
    listened.say(2, 3)

    assert listened.read() == [2, 3]
    assert [b"eth2" in data for _, data in listened.events] == [True, False]


def test_what_was_read_ahead_comes_with_its_own_datagram() -> None:
    """With a message pool, which no descriptor shows."""
    listened = Listened("libnl", message_pool_size=8)
    listened.say(*range(2, 7))

    assert listened.read() == [2, 3, 4, 5, 6]
    assert [f"eth{event.interface}"[3:].encode() in data for event, data in listened.events] == [True] * 5


@pytest.mark.parametrize("implementation", BOTH)
def test_what_waits_is_read_though_others_have_the_processor(
    implementation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While time goes on and this process does not, nothing is read; that ends no reading of what waits."""
    listened, times = Listened(implementation), count()
    listened.say(*range(2, 300))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))
    listened.source.drain(0.1)

    assert [event.payload.ifindex for event, _ in listened.events] == list(range(2, 300))  # type: ignore[union-attr]


@pytest.mark.parametrize("implementation", BOTH)
def test_a_lost_socket_is_opened_again(implementation: str) -> None:
    """By libnl itself at once, and else by the source when it is due; the failure is counted by its code."""
    listened = Listened(implementation)
    listened.kernel.fail(lost())
    listened.read()
    listened.source.idle(0.0)
    listened.say(4)

    assert listened.read() == [4]
    assert dict(listened.source.errors[ROUTE]) == {"NLM-T003": 1}
    assert dict(listened.source.reconnects) == {ROUTE: 1}
    assert len(listened.kernel.opened) == 2


def test_a_lost_socket_is_tried_again_at_growing_intervals() -> None:
    """While the kernel refuses; nothing else is asked meanwhile."""
    listened = Listened("legacy")
    listened.kernel.fail(lost())
    listened.read()
    listened.kernel.open_errors = deque([refused(), refused()])
    waits = [listened.source.due(0.0)]
    for now in (0.0, 0.5):
        listened.source.idle(now)
        waits.append(listened.source.due(now))
    listened.source.idle(1.5)
    listened.say(4)

    assert waits == [0.0, 0.5, 1.0]
    assert (listened.read(), listened.source.due(2.0)) == ([4], None)


def test_a_protocol_is_given_up_and_with_the_last_one_the_monitor() -> None:
    """After as many tries as there are; that is an error with a code."""
    listened = Listened("legacy")
    listened.kernel.fail(lost())
    listened.read()
    listened.kernel.open_errors = deque([refused()] * PATIENCE.tries)
    with pytest.raises(TransportError, match="NLM-T002"):
        for now in range(PATIENCE.tries):
            listened.source.idle(now * PATIENCE.longest)

    assert (listened.source.due(1e6), listened.source.descriptors()) == (None, {})


@pytest.mark.parametrize("implementation", BOTH)
def test_sockets_are_exchanged_without_a_loss(implementation: str) -> None:
    """What waits in the old ones comes first, what comes meanwhile comes once, and what follows comes from the new."""
    listened = Listened(implementation)
    kernel, source = listened.kernel, listened.source
    listened.say(2)
    opened = kernel.open

    def while_opening(*arguments: object, **options: object) -> object:
        made = opened(*arguments, **options)  # type: ignore[arg-type]
        listened.say(3, 3)
        return made

    kernel.open = while_opening  # type: ignore[method-assign, assignment]
    source.change(Listening(implementation, (ROUTE,), BackendOptions(receive_buffer=1 << 20)))
    before = [event.payload.ifindex for event, _ in listened.events]  # type: ignore[union-attr]
    listened.say(3, 4)

    assert (before, listened.read()) == ([2, 3, 3], [3, 4])
    assert [one.closed for one in kernel.opened] == [True, False]
    assert listened.read() == []


@pytest.mark.parametrize("implementation", BOTH)
def test_sockets_are_exchanged_twice_at_once(implementation: str) -> None:
    """What the second ones have, and the first ones have read, is not read again on their way out."""
    listened = Listened(implementation)
    kernel, source = listened.kernel, listened.source
    opened = kernel.open

    def while_opening(*arguments: object, **options: object) -> object:
        made = opened(*arguments, **options)  # type: ignore[arg-type]
        listened.say(3, 4)
        return made

    kernel.open = while_opening  # type: ignore[method-assign, assignment]
    for _ in range(2):
        source.change(Listening(implementation, (ROUTE,), BackendOptions(receive_buffer=1 << 20)))
    before = [event.payload.ifindex for event, _ in listened.events]  # type: ignore[union-attr]

    assert (before, listened.read(), source._listener.arrived) == ([3, 4, 3, 4], [], None)


@pytest.mark.parametrize("implementation", BOTH)
def test_counters_go_on_over_an_exchange_and_over_a_loss(implementation: str) -> None:
    """They count since the start, whichever socket there was; a protocol that is listened to no more keeps its own."""
    listened = Listened(implementation)
    source = listened.source
    source.change(Listening(implementation, (ROUTE, GENERIC), BackendOptions()))
    for number in (2, 3):
        listened.say(number)
        listened.read()
        source.change(Listening(implementation, (ROUTE,), BackendOptions(receive_buffer=number << 20)))
    listened.kernel.opened[-1].status = _dropped(listened.kernel.opened[-1])  # type: ignore[method-assign]
    source._lose(ROUTE, lost())
    source.idle(0.0)
    listened.say(4)
    listened.read()
    found = source.status().protocols

    assert [(one.enabled, one.events) for one in found.values()] == [(True, 3), (False, 0)]
    assert [None if one.transport is None else one.transport.drops for one in found.values()] == [7, 0]


def _dropped(transport: FakeTransport) -> Callable[[], TransportStatus]:
    """A status with messages that the kernel dropped."""
    status = transport.status()
    return lambda: replace(status, drops=7)


def test_what_is_read_during_an_exchange_is_traced_and_counted_by_its_protocol() -> None:
    """As at any other time."""
    listened, traced = Listened("legacy"), []
    listened.source.change(Listening("legacy", (ROUTE, GENERIC), BackendOptions()))
    listened.source.trace(lambda datagram: traced.append(datagram.protocol))
    opened = listened.kernel.open

    def while_opening(*arguments: object, **options: object) -> object:
        listened.kernel.notify(b"no message", ROUTE)
        return opened(*arguments, **options)  # type: ignore[arg-type]

    listened.kernel.open = while_opening  # type: ignore[method-assign, assignment]
    listened.source.change(Listening("legacy", (ROUTE,), BackendOptions(receive_buffer=1 << 20)))

    assert (traced, {number: sum(codes.values()) for number, codes in listened.source.errors.items()}) == (
        [ROUTE],
        {ROUTE: 1},
    )


def test_sockets_that_are_refused_leave_the_old_ones() -> None:
    """Nothing is lost by a reload that cannot be."""
    listened = Listened("legacy")
    listened.kernel.open_errors = deque([refused()])
    with pytest.raises(TransportError):
        listened.source.change(Listening("legacy", (ROUTE, GENERIC), BackendOptions()))
    listened.say(5)

    assert (listened.read(), [one.closed for one in listened.kernel.opened]) == ([5], [False])


def test_a_source_that_cannot_be_opened_leaves_nothing_open() -> None:
    """Not even the sockets before the one that was refused."""
    kernel = FakeKernel()
    source = KernelSource(Listening("legacy", (ROUTE, GENERIC), BackendOptions()), lambda *_: None, lambda _: kernel)
    opened = kernel.open

    def only_one(*arguments: object, **options: object) -> object:
        if kernel.opened:
            raise refused()
        return opened(*arguments, **options)  # type: ignore[arg-type]

    kernel.open = only_one  # type: ignore[method-assign, assignment]
    with pytest.raises(TransportError):
        source.open()

    assert [one.closed for one in kernel.opened] == [True]


def counted(source: KernelSource) -> tuple[bool, int, int]:
    """Whether there is a socket, and the events and losses of the status."""
    one = source.status().protocols[ROUTE]
    return one.enabled, one.events, 0 if one.transport is None else one.transport.drops


@pytest.mark.parametrize("implementation", BOTH)
def test_counts_stay_when_a_socket_goes(implementation: str) -> None:
    """Whether it is lost, cannot be opened again, or makes room for another one."""
    listened = Listened(implementation)
    kernel, source = listened.kernel, listened.source
    found = []
    for number in (1, 2):
        kernel.opened[-1].dropped = 10 * number
        listened.say(number)
        listened.read()
        found.append(counted(source)[1:])
        kernel.open_errors = deque([refused()])
        kernel.fail(lost())
        listened.read()
        found.append(counted(source)[1:])
        for _ in range(2):
            source.idle(float("inf"))
        listened.read()
        found.append(counted(source)[1:])
    source.change(Listening(implementation, (ROUTE,), BackendOptions(receive_buffer=1 << 20)))
    source.change(Listening(implementation, (ROUTE,), BackendOptions(receive_buffer=1 << 19)))
    found.append(counted(source)[1:])

    assert found == [*[(1, 10)] * 3, *[(2, 30)] * 4]


def test_a_protocol_that_is_off_keeps_its_counts() -> None:
    """After a reload that does without it."""
    listened = Listened("legacy")
    listened.kernel.opened[0].dropped = 7
    listened.say(1)
    listened.read()
    listened.source.change(Listening("legacy", (GENERIC,), BackendOptions()))

    assert counted(listened.source) == (False, 1, 7)


@pytest.mark.parametrize("implementation", BOTH)
def test_a_loss_is_an_event_and_is_counted(implementation: str) -> None:
    """Reading goes on."""
    listened = Listened(implementation)
    listened.kernel.new(16, link(2, "eth2"), 2, lost=True)
    listened.kernel.overrun()
    listened.say(3)

    assert listened.read() == [3]
    assert ([event.type for event, _ in listened.events], listened.events[0][1]) == (["overrun", "netlink"], b"")
    assert dict(listened.source.errors[ROUTE]) == {"NLM-T010": 1}


def test_each_datagram_can_be_traced() -> None:
    """For who looks for a mistake."""
    listened, traced = Listened("libnl"), []
    listened.source.trace(lambda datagram: traced.append(len(datagram.data)))
    listened.say(2)
    listened.read()
    listened.source.trace(None)
    listened.say(3)
    listened.read()

    assert len(traced) == 1


@pytest.mark.parametrize(("waiting", "expected"), [(0, (0, True)), (2, (1, False))])
def test_a_socket_is_looked_at_though_there_is_no_time(waiting: int, expected: tuple[int, bool]) -> None:
    """So nothing that waits is passed over in silence."""
    listened = Listened("libnl")
    listened.say(*range(1, waiting + 1))

    assert listened.source.unread(0.0) == expected
