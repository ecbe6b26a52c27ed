"""Limits: the size of a message, and what the pool does when it is full."""

from __future__ import annotations

import errno
from math import inf, nan

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.pool import REST, Pool
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import MessageTooLarge, Overrun, TransportError, UsageError
from nlmon.events import Event, LinkInfo
from nlmon.testing.messages import attr, link, message
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

LINK, XFRM = 16, 6
BIG = message(LINK, link(9, "big") + attr(20, bytes(100)))
SMALL = message(LINK, link(3, "d0"))


class House:
    """A backend whose events and errors are kept in one list, as names and numbers."""

    def __init__(self, name: str = "libnl", **options: object) -> None:
        self.kernel = FakeKernel()
        self.backend = create(name, self.kernel, BackendOptions(**options))  # type: ignore[arg-type]
        self.seen: list[str | int] = []
        self.backend.set_callback(self._event, self._error)
        self.backend.enable(ROUTE)

    def _event(self, event: Event) -> None:
        if isinstance(event.payload, LinkInfo) and not event.synthetic:
            self.seen.append(event.payload.ifname or "")

    def _error(self, error: Exception) -> None:
        self.seen.append(error.drops if isinstance(error, Overrun) else type(error).__name__)

    def links(self, *names: str) -> None:
        """A datagram a link."""
        for name in names:
            self.kernel.notify(message(LINK, link(3, name)))

    def run(self) -> list[str | int]:
        while self.backend.process(ROUTE):
            pass
        return self.seen


def sizes(limit: int | None) -> list[object]:
    """What a datagram with a large message in its middle gives."""
    backend = LibnlBackend(RecordedFactory(), BackendOptions(max_message_size=limit))
    decoded = backend.decode(Datagram(7, 0, ROUTE, SMALL + BIG + SMALL))
    names = [event.payload.ifname for event in decoded.events if isinstance(event.payload, LinkInfo)]
    return [names, [(type(error), error.frame, error.offset, error.code) for error in decoded.errors]]


@pytest.mark.parametrize("limit", [None, len(BIG), len(BIG) + 1])
def test_a_message_within_the_limit_is_read(limit: int | None) -> None:
    """The limit itself is allowed, and without one everything is."""
    assert sizes(limit) == [["d0", "big", "d0"], []]


def test_a_message_above_the_limit_is_refused() -> None:
    """It is named with its place, and its neighbours in the datagram are kept."""
    assert sizes(len(BIG) - 1) == [["d0", "d0"], [(MessageTooLarge, 7, len(SMALL), "NLM-D006")]]


def test_refused_messages_are_counted() -> None:
    """Among the errors of the protocol, and given to the error callback."""
    house = House(max_message_size=len(BIG) - 1)
    house.kernel.notify(SMALL + BIG)
    house.run()
    status = house.backend.status().protocols[ROUTE]

    assert house.seen == ["d0", "MessageTooLarge"]
    assert (status.events, status.errors) == (1, 1)


def test_control_messages_have_no_limit() -> None:
    """A kernel's error that echoes a large request is the kernel's error."""
    backend = LibnlBackend(RecordedFactory(), BackendOptions(max_message_size=20))
    echoed = message(2, b"\xea\xff\xff\xff" + BIG)

    assert [type(e).__name__ for e in backend.decode(Datagram(1, 0, ROUTE, echoed)).errors] == ["KernelError"]


@pytest.mark.parametrize("limits", [{"max_message_size": 20}, {"message_pool_size": 1, "pool_policy": "newest"}])
def test_legacy_has_no_limits(limits: dict[str, object]) -> None:
    """The guide gives them to libnl; legacy reads everything (``BackendOptions`` says so)."""
    house = House("legacy", **limits)
    house.links("a", "b", "c")

    assert house.run() == ["a", "b", "c"]
    assert "For libnl alone" in (BackendOptions.__doc__ or "")


@pytest.mark.parametrize(
    ("policy", "expected", "dropped"),
    [
        ("wait", ["a", "b", "c", "d", "e"], 0),
        ("oldest", [2, "c", "d", "e"], 2),
        ("newest", ["a", "b", "c", 2], 2),
    ],
)
def test_a_full_pool(policy: str, expected: list[str | int], dropped: int) -> None:
    """Waiting loses nothing; else the oldest or the newest go, counted and reported where the gap is."""
    house = House(message_pool_size=3, pool_policy=policy)
    house.links("a", "b", "c", "d", "e")
    assert isinstance(house.backend, LibnlBackend)

    assert house.run() == expected
    assert house.backend.status().protocols[ROUTE].errors == bool(dropped)


@pytest.mark.parametrize(("policy", "left"), [("wait", 2), ("oldest", 0), ("newest", 0)])
def test_the_pool_empties_the_kernels_buffer(policy: str, left: int) -> None:
    """All that waits is read at once, or as much as there is room for."""
    house = House(message_pool_size=3, pool_policy=policy)
    house.links("a", "b", "c", "d", "e")
    house.backend.process(ROUTE)

    assert len(house.kernel.sockets()[0].queue) == left


def test_an_empty_buffer_is_left_alone_for_a_while() -> None:
    """It is looked into again when a few datagrams were delivered, and when the pool is empty."""
    transport = FakeKernel().open(ROUTE, ())
    transport.queue.extend(Datagram(number, 0, ROUTE, b"") for number in range(3 * REST))
    pool, receive, looks = Pool(4 * REST, "wait"), transport.recv, []
    transport.recv = lambda: looks.append(len(pool._items)) or receive()  # type: ignore[func-returns-value,method-assign]
    read = [None if (one := pool.read(transport)) is None else one.frame for _ in range(3 * REST + 1)]

    assert read == [*range(3 * REST), None]
    assert looks == [*range(3 * REST + 1), 2 * REST - 1, REST - 2, 0]


def test_what_comes_meanwhile_is_read_in_its_turn() -> None:
    """Behind what is in the pool, and before the pool is empty."""
    house = House(message_pool_size=4 * REST)
    house.links(*("a" for _ in range(2 * REST)))
    house.backend.process(ROUTE)
    house.links("b")
    left = []
    while house.kernel.sockets()[0].queue:
        house.backend.process(ROUTE)
        left.append(len(house.seen))

    assert (len(left), house.run()[-2:]) == (REST + 1, ["a", "b"])


@pytest.mark.parametrize("policy", ["wait", "oldest", "newest"])
def test_what_is_read_step_by_step_fits(policy: str) -> None:
    """A pool that is never full drops nothing, whatever its policy, and keeps the order."""
    house = House(message_pool_size=1, pool_policy=policy)
    for name in "abc":
        house.links(name)
        house.run()
    house.links("d")

    assert house.run() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("wait", ["a", "b", 7, "c", "d", "e"]),
        ("oldest", ["a", 2, 7, "d", "e"]),
        ("newest", ["a", "b", 7, "c", 2]),
    ],
)
def test_errors_keep_their_turn(policy: str, expected: list[str | int]) -> None:
    """An overrun of the kernel waits among the datagrams, takes nobody's place and is never dropped."""
    house = House(message_pool_size=2, pool_policy=policy)
    house.links("a", "b")
    house.kernel.dropped = 7
    house.kernel.overrun()
    house.links("c", "d", "e")

    assert house.run() == expected


def test_a_lost_socket_takes_the_pool_along() -> None:
    """What waited before the loss is still delivered; then the new socket is read."""
    house = House(message_pool_size=4)
    house.links("a", "b")
    house.kernel.fail(TransportError("NLM-T003", "lost", errno=errno.EBADF))
    house.backend.process(ROUTE)
    house.run()
    house.links("c")

    assert (house.run(), len(house.kernel.opened)) == (["a", "b", "TransportError", "c"], 2)


def test_a_pause_empties_the_pool() -> None:
    """What waited is gone, and there is room again."""
    house = House(message_pool_size=2)
    for _ in range(2):
        house.links("a", "b", "c")
        house.backend.process(ROUTE)
        house.backend.disable(ROUTE)
        house.backend.enable(ROUTE)
    house.links("d", "e")

    assert house.run() == ["a", "a", "d", "e"]


def test_a_drop_in_the_pool_is_made_up_for() -> None:
    """With resync, what the pool dropped is asked for like what the kernel dropped."""
    house = House(message_pool_size=1, pool_policy="newest", resync=True)
    delivered: list[Event] = []
    house.backend.set_callback(delivered.append)
    house.kernel.new(LINK, link(3, "a"), 3)
    house.kernel.new(LINK, link(4, "b"), 4)
    house.run()

    assert [(getattr(e.payload, "ifname", e.type), e.synthetic) for e in delivered] == [
        *(("a", False), ("overrun", False), ("b", True)),
    ]


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("policy", ["oldest", "newest"])
def test_a_flood_is_delivered(policy: str, size: int) -> None:
    """Though the socket is never empty, each call ends, events come, and nothing piles up."""
    house = House(message_pool_size=size, pool_policy=policy)
    assert isinstance(house.backend, LibnlBackend)
    flood = Datagram(1, 1, ROUTE, message(LINK, link(3, "a")))
    reads = []
    house.kernel.sockets()[0].recv = lambda: reads.append(1) or flood  # type: ignore[func-returns-value,method-assign]
    for _ in range(100):
        assert house.backend.process(ROUTE)

    delivered = house.seen.count("a")
    assert delivered >= 50
    assert len(reads) <= 100 * 2 * size
    pool = house.backend._pools[ROUTE]
    assert len(pool._items) <= 2 * size + 1
    dropped = sum(one for one in house.seen if isinstance(one, int))
    assert 0 < dropped <= pool.dropped == len(reads) - delivered - pool._datagrams


@pytest.mark.parametrize("protocol", [ROUTE, XFRM])
def test_what_the_pool_holds_is_due(protocol: int) -> None:
    """The descriptor is silent then, so ``due`` says that there is something to do."""
    house = House(message_pool_size=3)
    house.backend.enable(protocol)
    for _ in range(2):
        house.kernel.notify(message(LINK, link(3, "a")), protocol)
    seen = [house.backend.due()]
    for _ in range(2):
        house.backend.process(protocol)
        seen.append(house.backend.due())

    assert seen == [None, 0.0, None]


@pytest.mark.parametrize(
    ("option", "values", "refused"),
    [
        ("receive_buffer", (None, 0, 1), (-1,)),
        ("send_buffer", (None, 0, 1), (-1,)),
        ("cache_size", (1, 2), (0, -1)),
        ("cache_ttl", (None, 0.001, 1), (0, -1.0, inf, nan)),
        ("resync_interval", (0, 0.5), (-0.1, inf, nan)),
        ("resync_quiet", (0, 0.5), (-0.1, inf, nan)),
        ("max_message_size", (None, 16), (15, 0, -1)),
        ("message_pool_size", (None, 1), (0, -1)),
        ("pool_policy", ("wait", "oldest", "newest"), ("", "nonsense", None)),
    ],
)
def test_options_that_mean_nothing_are_refused(option: str, values: tuple[object], refused: tuple[object]) -> None:
    """Before anything is opened, with the option, its value and what is allowed."""
    assert [getattr(BackendOptions(**{option: value}), option) for value in values] == [*values]  # type: ignore[arg-type]
    for value in refused:
        with pytest.raises(UsageError) as caught:
            BackendOptions(**{option: value})  # type: ignore[arg-type]
        assert caught.value.code == "NLM-B012"
        assert f"{option} cannot be {value!r}; allowed: " in caught.value.text
