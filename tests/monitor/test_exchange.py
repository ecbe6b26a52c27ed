"""The exchange of sockets: whatever comes at whatever moment, each datagram is exported once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import count
from threading import Event as Signal
from threading import RLock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.backends.options import BackendOptions
from nlmon.errors import NlmonError, Overrun, PlatformError
from nlmon.events import Event
from nlmon.monitor import exchange, sources
from nlmon.monitor.plan import Listening
from nlmon.monitor.sources import KernelSource
from nlmon.testing.messages import link
from nlmon.testing.transport import ROUTE, FakeKernel, FakeTransport
from nlmon.wire import Datagram
from support.examples import examples

PAIRS = [("legacy", "libnl"), ("libnl", "legacy"), ("legacy", "legacy"), ("libnl", "libnl")]


class BusyKernel(FakeKernel):
    """Says something at each of a row of moments: before and after a socket is opened, and whenever one is read.
    ``said``: all of it, in order. The old sockets are read while the new ones are opened in another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()
        self.said: list[int] = []
        self.moments: deque[Sequence[int]] = deque()

    def say(self, numbers: Sequence[int]) -> None:
        """Links change; equal numbers are equal datagrams."""
        with self.lock:
            for number in numbers:
                self.said.append(number)
                self.new(16, link(number, f"eth{number}"), number)

    def moment(self) -> None:
        """Say what is next."""
        with self.lock:
            if self.moments:
                self.say(self.moments.popleft())

    def open(self, *arguments: object, **options: object) -> FakeTransport:  # type: ignore[override]
        """Say something before and after."""
        self.moment()
        with self.lock:
            made = super().open(*arguments, **options)  # type: ignore[arg-type]
        self.moment()
        return made

    def transport(self, *arguments: object) -> FakeTransport:
        """A socket that lets the kernel go on whenever it is read."""
        kernel = self

        class Busy(FakeTransport):
            def recv(self) -> Datagram | None:
                kernel.moment()
                return super().recv()

        return Busy(self, *arguments)  # type: ignore[arg-type]


class Listened:
    """A source on such a kernel; ``received``: what came of it."""

    def __init__(self, implementation: str) -> None:
        self.kernel = BusyKernel()
        self.received: list[int] = []
        self.errors: list[NlmonError] = []
        self.source = KernelSource(self.listening(implementation), self.take, lambda _: self.kernel)
        self.source.open()

    @staticmethod
    def listening(implementation: str) -> Listening:
        """Of route, with buffers that no two have in common."""
        return Listening(implementation, (ROUTE,), BackendOptions())

    def take(self, event: Event, datagram: bytes) -> None:
        """An event of the source."""
        if event.type == "netlink":
            self.received.append(event.payload.ifindex)  # type: ignore[union-attr]

    def read(self) -> None:
        """Read all that waits."""
        while self.source.process(ROUTE) or self.kernel.moments:
            pass


# Of three numbers, so that many are equal; at a moment mostly nothing is said, so that there is an end.
MOMENTS = st.lists(st.lists(st.integers(2, 4), max_size=3), max_size=25)


@pytest.mark.parametrize(("old", "new"), PAIRS)
@examples(60)
@given(moments=MOMENTS)
def test_each_datagram_is_exported_once(old: str, new: str, moments: list[list[int]]) -> None:
    """In whatever moment it came; and counted once."""
    listened = Listened(old)
    listened.kernel.moments.extend(moments)
    exchanged = listened.source.change(listened.listening(new))
    listened.read()
    counted = listened.source.status().protocols[ROUTE].events

    assert exchanged.settled
    assert (sorted(listened.received), counted) == (sorted(listened.kernel.said), len(listened.kernel.said))


@pytest.mark.parametrize(("old", "new"), PAIRS)
@examples(30)
@given(moments=st.lists(st.lists(st.integers(2, 4), max_size=3), max_size=60), pairs=st.integers(2, 5))
def test_one_exchange_follows_another(old: str, new: str, moments: list[list[int]], pairs: int) -> None:
    """There and back, as often as one likes."""
    listened = Listened(old)
    listened.kernel.moments.extend(moments)
    for number in range(pairs):
        listened.source.change(listened.listening(old if number % 2 else new))
    listened.read()

    assert sorted(listened.received) == sorted(listened.kernel.said)


def test_an_equal_datagram_behind_the_exchange_is_not_hidden() -> None:
    """The old sockets alone have received the first one, before the new ones were open; the second one is another."""
    listened = Listened("legacy")
    listened.kernel.moments.extend([(), (3,), ()])  # as the old ones are read, then before and after the opening
    listened.source.change(listened.listening("libnl"))
    listened.kernel.say((3,))
    listened.read()

    assert listened.received == [3, 3]


def test_what_only_the_new_ones_receive_is_exported() -> None:
    """Such as a message of a group that the other implementation does not join."""
    listened = Listened("legacy")
    opened = listened.kernel.open

    def opens(*arguments: object, **options: object) -> FakeTransport:
        made = opened(*arguments, **options)
        alone = FakeKernel()
        alone.frame, alone.opened = 100, [made]
        alone.new(16, link(9, "eth9"), 9)
        return made

    listened.kernel.open = opens  # type: ignore[method-assign]
    exchanged = listened.source.change(listened.listening("libnl"))

    assert (listened.received, exchanged.both) == ([9], 0)


def test_where_more_comes_than_is_read_the_exchange_is_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, with what both have known by its bytes; nothing is lost and nothing comes twice."""
    monkeypatch.setattr(exchange, "SECONDS", 0.02)
    listened, numbers = Listened("legacy"), count(2)
    kernel = listened.kernel
    opened = kernel.open

    def opens(*arguments: object, **options: object) -> FakeTransport:
        kernel.moment = lambda: kernel.say((next(numbers), next(numbers)))  # type: ignore[method-assign]
        return opened(*arguments, **options)

    kernel.open = opens  # type: ignore[method-assign]
    exchanged = listened.source.change(listened.listening("libnl"))
    del kernel.moment
    listened.read()

    assert (exchanged.settled, exchanged.both > 0) == (False, True)
    assert sorted(listened.received) == sorted(kernel.said)


def test_a_loss_of_the_new_ones_is_reported() -> None:
    """Though the old ones may have read what was lost: nobody can say what it was."""
    listened, found = Listened("legacy"), []
    opened = listened.kernel.open

    def opens(*arguments: object, **options: object) -> FakeTransport:
        made = opened(*arguments, **options)
        made.queue.append(Overrun("NLM-T010", "the kernel dropped 3 messages", drops=3))
        return made

    listened.kernel.open = opens  # type: ignore[method-assign]
    listened.source._take = lambda event, _: found.append(event.type)
    listened.source.change(listened.listening("legacy"))

    assert (found, dict(listened.source.errors[ROUTE])) == (["overrun"], {"NLM-T010": 1})


@pytest.mark.parametrize("slow", ["_made", "_enable"])
def test_the_old_ones_are_read_while_the_new_ones_are_loaded_and_opened(slow: str) -> None:
    """However long that takes: here until an event of that time has been exported."""
    listened, exported = Listened("legacy"), Signal()
    done, take = getattr(listened.source, slow), listened.take

    def takes(event: Event, datagram: bytes) -> None:
        take(event, datagram)
        exported.set()

    def waits(*arguments: object) -> object:
        listened.kernel.say((2,))
        assert exported.wait(60)
        return done(*arguments)

    listened.source._take = listened.source._listener._on_event = takes
    setattr(listened.source, slow, waits)
    listened.source.change(listened.listening("libnl"))
    listened.read()

    assert listened.received == [2]


def test_what_the_kernel_drops_meanwhile_is_reported() -> None:
    """By how much the counters of the sockets have grown."""
    listened = Listened("legacy")
    before = listened.source.change(listened.listening("libnl"))
    opened, old = listened.kernel.open, listened.kernel.opened[-1]

    def opens(*arguments: object, **options: object) -> FakeTransport:
        old.dropped += 3
        return opened(*arguments, **options)

    listened.kernel.open = opens  # type: ignore[method-assign]
    after = listened.source.change(listened.listening("legacy"))

    assert (before.dropped, after.dropped) == (0, 3)


# What an implementation may raise as it is opened beside the other one.
FAILURES = [
    ("NLM-M100", ValueError("no number")),
    ("NLM-B001", PlatformError("NLM-B001", "it does not support this")),
]


@pytest.mark.parametrize(("code", "raised"), FAILURES, ids=["a bug", "refused"])
def test_an_implementation_that_fails_leaves_the_old_one(code: str, raised: BaseException) -> None:
    """It has what came meanwhile, and reads on; what the new one has received goes with it."""
    listened = Listened("legacy")
    listened.kernel.moments.extend([(), (2,), (3,)])
    listened.source._enable = lambda *_: _raise(listened, raised)  # type: ignore[method-assign]
    with pytest.raises(PlatformError, match=code):
        listened.source.change(listened.listening("libnl"))
    listened.kernel.say((4,))
    listened.read()

    assert listened.received == listened.kernel.said == [2, 3, 4]


def _raise(listened: Listened, error: BaseException) -> None:
    listened.kernel.open(ROUTE, ())
    raise error


def test_a_loss_behind_a_datagram_that_both_have_is_counted() -> None:
    """What both have is dropped, and the loss that follows it is not."""
    listened = Listened("legacy")
    opened = listened.kernel.open

    def opens(*arguments: object, **options: object) -> FakeTransport:
        made = opened(*arguments, **options)
        listened.kernel.say((2,))
        made.queue.append(Overrun("NLM-T010", "the kernel dropped 3 messages", drops=3))
        return made

    listened.kernel.open = opens  # type: ignore[method-assign]
    exchanged = listened.source.change(listened.listening("legacy"))

    assert (listened.received, exchanged.both) == ([2], 1)
    assert dict(listened.source.errors[ROUTE]) == {"NLM-T010": 1}


def test_what_comes_while_the_other_implementation_is_loaded_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the old sockets, whose receive buffer would be full by then."""
    listened = Listened("legacy")
    read = threading.Event()

    def take(event: Event, datagram: bytes) -> None:
        listened.take(event, datagram)
        read.set()

    listened.source._listener.deliver_to(take, None)
    listened.kernel.say((2,))
    monkeypatch.setattr(sources, "warm_up", lambda *_: None if read.wait(60) else _raise(listened, ValueError("late")))
    listened.source.change(listened.listening("libnl"))

    assert listened.received == [2]


def test_an_implementation_that_cannot_be_loaded_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises."""
    listened = Listened("legacy")
    with monkeypatch.context() as patched, pytest.raises(PlatformError, match="NLM-M100"):
        patched.setattr(sources, "warm_up", lambda *_: _raise(listened, ValueError("no number")))
        listened.source.change(listened.listening("libnl"))
    listened.kernel.say((2,))
    listened.read()

    assert listened.received == [2]
