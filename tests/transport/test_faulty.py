"""Faulty taps over a kernel in memory: what each of two readers is given, one notification after the other."""

from __future__ import annotations

from itertools import count

import pytest
from msgspec import structs

from nlmon.errors import Overrun, TransportError
from nlmon.testing.messages import addr, link, message
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.faulty import FaultyTapFactory, LiveFault, LiveFaults, LiveKind
from nlmon.transport.tap import FaultsSuffered, Reading
from nlmon.wire import Datagram

XFRM = 6


class Readers:
    """Two readers of one kernel, which number what they read as one."""

    def __init__(self, *faults: LiveFault) -> None:
        self.kernel = FakeKernel()
        self.faults = LiveFaults(faults)
        self.held: list[int] = []
        self._frames: dict[bytes, int] = {}
        self._next = count(1)
        self.factories = [
            FaultyTapFactory(self.kernel, self._arrive, self.faults, lambda one: self.held.append(one.datagram.frame))
            for _ in range(2)
        ]
        for factory in self.factories:
            factory.open(ROUTE, (1,))
            factory.open(XFRM, (1,))

    def _arrive(self, datagram: Datagram) -> Reading:
        new = datagram.data not in self._frames
        frame = self._frames.setdefault(datagram.data, next(self._next) if new else 0)
        datagram = structs.replace(datagram, frame=frame)
        if new:
            self.faults.arrive(datagram)
        return Reading(datagram, {})

    def send(self, *numbers: int, protocol: int = ROUTE) -> None:
        """Notifications of links, told apart by their numbers."""
        for number in numbers:
            self.kernel.notify(message(16, link(number, f"d{number}")), protocol)

    def read(self, number: int, protocol: int = ROUTE) -> list[int | str]:
        """All that a reader is given: frames, those that it missed as negative ones, and errors by code."""
        factory, found = self.factories[number], list[int | str]()
        for _ in range(20):
            tap, error = factory.taps[protocol], ""
            if tap.lost_since:
                tap.drain()
            else:
                try:
                    tap.recv()
                except TransportError as raised:
                    error = f"{raised.code} {raised.drops}" if isinstance(raised, Overrun) else raised.code
            readings = factory.readings()
            found += [-one.datagram.frame if one.fate else one.datagram.frame for one in readings]
            found += [error] * bool(error)
            if not readings and not error:
                break
        return found


def fault(kind: LiveKind, at: int, count: int = 1, protocol: int = ROUTE) -> LiveFault:
    """A fault of NETLINK_ROUTE."""
    return LiveFault(kind, at, protocol, count)


ROWS: list[tuple[LiveFault, list[int | str], FaultsSuffered]] = [
    (fault("drop", 2, 2), [1, -2, -3, 4], FaultsSuffered()),
    (fault("duplicate", 2, 2), [1, 2, 2, 3, 3, 4], FaultsSuffered()),
    (fault("enobufs", 3), [1, 2, "NLM-T010 0", 3, 4], FaultsSuffered(reported=1)),
    (fault("overrun", 2, 2), [1, -2, -3, "NLM-T010 2", 4], FaultsSuffered(reported=1, lost=2)),
    (fault("paused_reader", 1, 3), [1, 2, 3, 4], FaultsSuffered()),
    (fault("lost_socket", 2), [1, -2, "NLM-T003", -3, -4], FaultsSuffered(failed=1)),
    (fault("vanished_namespace", 2), [1, -2, "NLM-T003", -3, -4], FaultsSuffered(failed=2)),
    (fault("overrun", 5), [1, 2, 3, 4], FaultsSuffered()),
]


@pytest.mark.parametrize(("given", "expected", "had"), ROWS, ids=[str(row[0].kind) + str(row[0].at) for row in ROWS])
@pytest.mark.parametrize("together", [True, False], ids=["all at once", "one by one"])
def test_both_suffer_the_same(given: LiveFault, expected: list[int | str], had: FaultsSuffered, together: bool) -> None:
    """Whichever reads first, and however much waits."""
    readers = Readers(given)
    found: list[list[int | str]] = [[], []]
    for numbers in [(1, 2, 3, 4)] if together else [(1,), (2,), (3,), (4,)]:
        readers.send(*numbers)
        for number in (1, 0):
            found[number] += readers.read(number)

    assert (found, [one.had for one in readers.factories]) == ([expected, expected], [had, had])


def test_what_an_implementation_does_not_receive_it_does_not_lose() -> None:
    """Its overrun is over, and reported, when all was read that was sent."""
    readers = Readers(fault("overrun", 1, 2))
    readers.send(1)
    first = readers.read(0), readers.read(1)
    readers.factories[1].taps[ROUTE].close()
    readers.factories[1].open(ROUTE, (2,))
    later = readers.factories[0]
    readers.send(2)

    assert first == ([-1], [-1])
    assert readers.read(0) == [-2, "NLM-T010 2"]
    assert later.caught_up() == []


def test_a_socket_that_replaces_a_lost_one_goes_on_where_that_one_was_lost() -> None:
    """Groups that nobody joins again are left when all was read that was sent."""
    readers = Readers(fault("lost_socket", 2))
    (factory, _), before = readers.factories, readers.kernel.sockets()
    readers.send(1, 2, 3)
    tap = factory.taps[ROUTE]
    tap.join(7)
    for _ in range(2):
        tap.recv()
    with pytest.raises(TransportError, match="a fault that was asked for"):
        tap.recv()
    tap.close()
    new = factory.open(ROUTE, (1, 3))
    read = new.recv()
    groups = set(new.groups)
    factory.caught_up()

    assert (read and read.frame, readers.kernel.sockets() == before) == (3, True)
    assert (groups, new.groups) == ({1, 3, 7}, {1, 3})


def test_no_socket_can_be_opened_where_the_namespace_is_gone() -> None:
    """Those that were open fail, of every protocol, and are closed in the end."""
    readers = Readers(fault("vanished_namespace", 1))
    (factory, _) = readers.factories
    readers.send(1)
    readers.read(0)

    with pytest.raises(TransportError, match="NLM-T002"):
        factory.open(ROUTE, (1,))
    with pytest.raises(TransportError, match="NLM-T003"):
        next(iter(factory.taps[ROUTE].request(message(20, addr(3, "192.0.2.1")))))
    assert factory.caught_up() == [XFRM]
    assert readers.read(0, XFRM) == ["NLM-T003"]
    factory.close()
    assert factory.taps == {}


def test_what_is_handed_over_later_is_held() -> None:
    """So that the other reader's is known to be the same; what is over in the end is handed over."""
    readers = Readers(fault("paused_reader", 2, 9))
    readers.send(1, 2, 3)
    paused = readers.read(0), list(readers.held)
    readers.faults.end_pauses()
    (factory, _) = readers.factories

    assert (paused, factory.caught_up(), readers.read(0)) == (([1], [2, 3]), [ROUTE], [2, 3])


def test_where_faults_began_and_which_did_not() -> None:
    """By the frame, in the order in which they were given; one begins when the one before it has ended."""
    readers = Readers(fault("overrun", 1, 2), fault("enobufs", 9), fault("enobufs", 2), fault("drop", 1, 1, XFRM))
    readers.send(1, 2, 3)

    assert readers.read(0) == [-1, -2, "NLM-T010 2", "NLM-T010 0", 3]
    assert readers.faults.frames == (1, 0, 3, 0)
