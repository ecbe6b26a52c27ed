"""Faults of sockets: what a recorded transport and its lane do then, one notification after the other."""

from __future__ import annotations

import errno

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Batch, Frame
from nlmon.engine.feed import Feed
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.errors import TransportError
from nlmon.events import Decoded
from nlmon.testing.messages import addr, attr, generic, link, message, number
from nlmon.testing.zoo import ZOO
from nlmon.transport.recorded.faults import Fault, Kind
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.recorded import notify
from support.verdicts import legacy, libnl

ROUTE, XFRM, GENERIC = 0, 6, 16
LINKS = 1
RESYNC = BackendOptions(resync=True, resync_interval=0.0)


def new_link(place: int, name: str = "d0", index: int = 3) -> Datagram:
    """RTM_NEWLINK."""
    return Datagram(place, place, ROUTE, message(16, link(index, name)))


def new_addr(place: int) -> Datagram:
    """RTM_NEWADDR of the link with index 3."""
    return Datagram(place, place, ROUTE, message(20, addr(3, "192.0.2.1")))


def unread(place: int) -> Datagram:
    """RTM_NEWNETCONF, which nobody joined the group of."""
    return Datagram(place, place, ROUTE, message(80, number("BBBB", 2, 0, 0, 0) + attr(1, bytes(4))))


def read(factory: RecordedFactory, protocol: int = ROUTE) -> list[int | str]:
    """What waits in the open transport: frames, and errors by code and number."""
    transport = factory.opened(protocol)
    found: list[int | str] = []
    while transport is not None and transport.queue:
        try:
            datagram = transport.recv()
            assert datagram is not None
            found.append(datagram.frame)
        except TransportError as error:
            found.append(f"{error.code} {errno.errorcode[error.errno]}")
    return found


def replayed(
    *faults: Fault, datagrams: list[Datagram], candidate: BackendMaker = libnl, resync: bool = False
) -> Replay:
    """A replay that has come to its end."""
    options = RESYNC if resync else BackendOptions()
    replay = Replay(legacy, candidate, byteorder="little", faults=faults, options=options)
    replay.play(Frame(one.frame, one.timestamp, one.protocol, one.data) for one in datagrams)
    replay.finish()
    return replay


class Invents(LibnlBackend):
    """Gives an event for a socket that failed."""

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """An event of a link."""
        found = super().on_transport_error(protocol, error)
        self.deliver(self.decode(new_link(2)).events)
        return found


class Blames(LibnlBackend):
    """Raises what a socket would raise."""

    def decode(self, datagram: Datagram) -> Decoded:
        """Raises ``TransportError``."""
        raise TransportError("NLM-T003", "reading the event socket failed", errno=errno.EBADF)


def batch_of(frame: Frame) -> Batch:
    """A batch of one frame."""
    return Batch.of([frame])


def test_a_fault_is_named() -> None:
    """By its kind, its frame, what it counts and its protocol, unless that is NETLINK_ROUTE."""
    faults = [Fault(3, 4), Fault(3, 4, kind="enobufs"), Fault(3, 4, GENERIC, "paused_reader")]

    assert list(map(str, faults)) == ["overrun@3+4", "enobufs@3", "paused_reader@3+4 of protocol 16"]


def test_enobufs_without_a_loss() -> None:
    """recv() says so before the notification, which is there; also where nobody joined its group."""
    factory = RecordedFactory(faults=(Fault(2, kind="enobufs"), Fault(4, kind="enobufs")))
    factory.open(ROUTE, (LINKS,))
    received = [notify(factory, one) for one in (new_link(1), new_link(2), new_link(3), unread(4), new_link(5))]

    assert received == [True, True, True, False, True]
    assert read(factory) == [1, "NLM-T010 ENOBUFS", 2, 3, "NLM-T010 ENOBUFS", 5]
    assert (factory.faults.reported, factory.faults.lost, factory.faults.untouched) == (2, 0, ())


def test_enobufs_in_both_lanes() -> None:
    """An overrun with nothing lost, which is an event and no difference; libnl asks again for what it has."""
    replay = replayed(Fault(2, kind="enobufs"), datagrams=[new_link(1), new_link(2), unread(3)], resync=True)

    assert replay.judge.counts == {}
    assert [(lane.ledger.overruns, lane.ledger.lost) for lane in replay.lanes] == [(1, 0), (1, 0)]
    assert replay.compared == {ROUTE: 2}


def test_enobufs_where_nobody_is_subscribed() -> None:
    """It is reported all the same, and who joined no group gave nothing away."""
    replay = replayed(Fault(2, kind="enobufs"), datagrams=[new_link(1), unread(2), new_link(3)], resync=True)

    assert replay.judge.counts == {}
    assert replay.not_subscribed == {"RTM_NEWNETCONF to RTNLGRP_IPV4_NETCONF": 1}
    assert [lane.ledger.overruns for lane in replay.lanes] == [1, 1]


def test_overruns_of_two_protocols() -> None:
    """Each counts its own notifications; one that never comes keeps no other one waiting."""
    faults = Fault(1, 2, XFRM), Fault(1, 2, GENERIC), Fault(2, 1)
    factory = RecordedFactory(faults=faults)
    factory.open(ROUTE, (LINKS,))
    transport = factory.open(GENERIC, ())
    for one in (new_link(1), Datagram(2, 2, GENERIC, message(3)), new_link(3), new_link(4)):
        notify(factory, one)

    assert read(factory) == [1, "NLM-T010 ENOBUFS", 4]
    assert (factory.end(), read(factory, GENERIC)) == ([GENERIC], ["NLM-T010 ENOBUFS"])
    assert (transport.lost, factory.faults.untouched) == (0, (faults[0],))


def test_an_overrun_of_a_protocol_that_one_does_not_read() -> None:
    """It ends there, too, and so keeps no later fault of that protocol waiting."""
    factory = RecordedFactory(faults=(Fault(1, 1, XFRM), Fault(2, 1, XFRM)))
    for place in (1, 2, 3):
        notify(factory, Datagram(place, 0, XFRM, message(16, bytes(224))))

    assert factory.faults.none
    assert factory.faults.lost == 0


def test_a_lost_socket() -> None:
    """recv() says EBADF, now and later; what waited is read before, what comes is missed until another one opens."""
    factory = RecordedFactory(faults=(Fault(2, kind="lost_socket"),))
    transport = factory.open(ROUTE, (LINKS,))
    received = [notify(factory, new_link(place)) for place in (1, 2, 3)]

    assert (received, read(factory)) == ([True, True, True], [1, "NLM-T003 EBADF"])
    assert (factory.lost(ROUTE), factory.lost_sockets(), factory.faults.missed) == (True, {ROUTE: 2}, 2)
    with pytest.raises(TransportError, match="NLM-T003"):
        transport.recv()
    factory.open(ROUTE, (LINKS,))
    transport.close()
    notify(factory, new_link(4))

    assert (read(factory), factory.lost(ROUTE), factory.faults.failed, factory.faults.lost) == ([4], False, 1, 0)


def test_a_lost_socket_that_is_closed_goes_on_to_miss() -> None:
    """Else it would look as if nobody had joined its groups."""
    factory = RecordedFactory(faults=(Fault(1, kind="lost_socket"),))
    factory.open(ROUTE, (LINKS,)).close()
    transport = factory.open(ROUTE, (LINKS,))
    notify(factory, new_link(1))
    transport.close()

    assert (notify(factory, new_link(2)), factory.faults.missed) == (True, 2)


def test_a_vanished_namespace() -> None:
    """Every socket fails, none can be opened, nothing can be asked; an overrun that was going on is reported before."""
    factory = RecordedFactory(faults=(Fault(1, 9), Fault(2, kind="vanished_namespace")))
    transports = [factory.open(protocol, (LINKS,)) for protocol in (ROUTE, GENERIC)]
    notify(factory, new_link(1))
    notify(factory, Datagram(2, 2, GENERIC, generic(30, 1)))

    assert read(factory) == ["NLM-T010 ENOBUFS", "NLM-T003 EBADF"]
    assert read(factory, GENERIC) == ["NLM-T003 EBADF"]
    with pytest.raises(TransportError, match=r"NLM-T002: .* its network namespace is gone"):
        factory.open(ROUTE, (LINKS,))
    with pytest.raises(TransportError, match="NLM-T003"):
        list(transports[0].request(b""))
    assert (factory.faults.failed, factory.faults.none) == (2, True)


def test_a_lane_without_a_socket() -> None:
    """Legacy reports it and reads no more; libnl opens another one and goes on, after it has asked for everything."""
    datagrams = [new_link(1), new_link(2, "e0", 4), new_link(3, "e1", 5), new_link(4, "e2", 6)]
    replay = replayed(Fault(2, kind="lost_socket"), datagrams=datagrams, resync=True)
    one, other = replay.lanes

    assert replay.judge.counts == {}
    assert [lane.counts["events"] for lane in replay.lanes] == [1, 4]
    assert (one.lost_sockets, other.lost_sockets) == ({ROUTE: 2}, {})
    assert [(lane.ledger.sockets, lane.ledger.overruns) for lane in replay.lanes] == [(1, 0), (1, 0)]
    assert (replay.compared, other.ledger.synthetic) == ({ROUTE: 1}, 1)


def test_recovery_from_a_lost_socket_is_judged() -> None:
    """What was lost with the socket must be known afterwards, and an event that is counted must be given."""
    datagrams = [new_link(1), new_link(2, "e0", 4), new_link(3, "e1", 5)]
    bad = ZOO["silent recovery"].make
    replay = replayed(Fault(2, kind="lost_socket"), datagrams=datagrams, candidate=bad, resync=True)

    assert {difference.cls.label for difference in replay.judge.details} == {"counter", "state"}


def test_one_that_lost_its_socket_must_give_nothing() -> None:
    """An event of what it could not receive is made up."""
    links = [new_link(place) for place in (1, 2, 3)]
    replay = replayed(Fault(2, kind="lost_socket"), datagrams=links, candidate=Invents)

    assert "extra" in {difference.cls.label for difference in replay.judge.details}


def test_a_socket_that_fails_by_itself_is_a_crash() -> None:
    """Only a fault makes it an error: an implementation may not blame its transport."""
    replay = replayed(Fault(9, kind="lost_socket"), datagrams=[new_link(1)], candidate=Blames)

    assert {difference.cls.label for difference in replay.judge.details} >= {"crash"}


def test_a_paused_reader() -> None:
    """The kernel goes on: when the notifications are read, in their order, its names are those of then."""
    datagrams = [new_link(1), new_addr(2), new_link(3, "new"), Datagram(4, 4, GENERIC, generic(30, 1)), new_addr(5)]
    named: list[list[tuple[int, str | None]]] = []
    for faults in ((), (Fault(2, 2, kind="paused_reader"),)):
        feed = Feed((legacy,), "little", faults=faults)
        feed.start()
        found = []
        for one in datagrams:
            frames = Frame(one.frame, one.timestamp, one.protocol, one.data)
            found += [event for step in feed.steps(batch_of(frames)) for event in step.results[0].side(0).events]
        named.append([(event.frame, event.interface) for event in found if event.protocol == ROUTE])
        assert (feed.untouched, feed.fault_notes()) == ((), [])

    assert named[0] == [(1, "d0"), (2, "d0"), (3, "new"), (5, "new")]
    assert named[1] == [(1, "d0"), (2, "new"), (3, "new"), (5, "new")]


def test_a_reader_that_pauses_to_the_end() -> None:
    """Reads what came when the recording ends; one that never paused is said."""
    faults = Fault(2, 99, kind="paused_reader"), Fault(9, 1, kind="paused_reader"), Fault(9, 1, kind="enobufs")
    replay = replayed(*faults, datagrams=[new_link(1), new_link(2), new_addr(3)])

    assert [lane.counts["events"] for lane in replay.lanes] == [3, 3]
    assert replay.compared == {ROUTE: 3}
    assert sorted(map(str, replay.feed.untouched)) == ["enobufs@9", "paused_reader@9+1"]
    assert replay.feed.fault_notes() == [
        "the fault enobufs@9 lost no message: the recording ends at frame 3",
        "the fault paused_reader@9+1 did not happen: the recording ends at frame 3",
    ]


@pytest.mark.parametrize("kind", ["lost_socket", "vanished_namespace"])
def test_a_lost_socket_loses_nothing_more(kind: Kind) -> None:
    """An overrun behind it takes nothing of a socket that is not there, and nothing is said of it."""
    replay = replayed(Fault(2, kind=kind), Fault(3, 1), datagrams=[new_link(place) for place in range(1, 6)])

    assert replay.judge.counts == {}
    assert [lane.ledger.overruns for lane in replay.lanes] == [0, 1 if kind == "lost_socket" else 0]


def test_only_a_loss_of_route_is_recovered_from() -> None:
    """Nobody asks for links again because a message of IPsec was lost."""
    state = Datagram(2, 2, XFRM, message(16, bytes(224)))
    dumped = message(16, link(9, "answered"), flags=2, seq=1, pid=7)
    datagrams = [Datagram(1, 1, ROUTE, dumped), state, Datagram(3, 3, XFRM, state.data)]
    replay = replayed(Fault(1, 1, XFRM), datagrams=datagrams, resync=True)

    assert replay.judge.counts == {}
    assert [lane.ledger.lost_of for lane in replay.lanes] == [{}, {XFRM: 1}]


def test_losses_that_last_to_the_end() -> None:
    """Of each protocol, noted as its own."""
    datagrams = [new_link(1), Datagram(2, 2, GENERIC, generic(30, 1)), new_link(3)]
    replay = replayed(Fault(1, 9), Fault(1, 9, GENERIC), datagrams=datagrams)

    assert replay.judge.counts == {}
    assert [lane.ledger.lost_of for lane in replay.lanes] == [{ROUTE: 2, GENERIC: 1}] * 2
    assert replay.compared.total() == 0
