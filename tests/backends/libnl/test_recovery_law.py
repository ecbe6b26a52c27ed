"""A law of recovery: whatever happens and whatever is lost, a consumer that folds events ends with the kernel."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.recovery import DUMPS
from nlmon.backends.options import BackendOptions
from nlmon.errors import Overrun
from nlmon.events import AddrInfo, Event
from nlmon.state.tables import State
from nlmon.testing.transport import ROUTE
from support.examples import examples
from support.modelled import CREATE, REPLACE, Model, changes, differences

LINK, ADDR, ROUTES = 16, 20, 24
# A change, whether it is lost, and what follows it: nothing, the monitor reads, the loss is reported.
steps = st.lists(st.tuples(changes, st.booleans(), st.sampled_from(("", "", "read", "reported"))), max_size=40)


class Consumer:
    """Folds what a backend delivers."""

    def __init__(self, kernel: Model, **options: Any) -> None:
        self.kernel = kernel
        kernel.link(1, "lo", True)  # which every kernel has at the start
        self.state = State(notes=False)
        self.state.dumps.note(22, 0)  # a host without addresses
        self.synthetic: list[Event] = []
        self.early = 0
        self.losses = 0
        self.backend = LibnlBackend(kernel, BackendOptions(resync=True, resync_interval=0.0, **options))
        self.backend.set_callback(self._event, self._error)
        self.backend.enable(ROUTE)
        for event in self.backend.dump(ROUTE, *DUMPS[0]).events:
            self.state.apply(event)

    def _event(self, event: Event) -> None:
        if event.synthetic:
            self.synthetic.append(event)
            if event.msg_type in {ADDR, ROUTES}:
                index = event.payload.ifindex if isinstance(event.payload, AddrInfo) else event.payload.oif  # type: ignore[union-attr]
                self.early += (index,) not in self.state.tables["link"]
        self.state.apply(event)

    def _error(self, error: Exception) -> None:
        assert isinstance(error, Overrun)
        self.losses += 1

    def run(self) -> None:
        while self.backend.process(ROUTE):
            pass


def play(kernel: Model, found: list[Any], consumer: Consumer, *, lossy: bool) -> None:
    """Let it all happen; in the end every loss is reported and the socket drained."""
    for (name, *values), lost, then in found:
        kernel.lost = lost and lossy
        getattr(kernel, name)(*values)
        if then == "read":
            consumer.run()
        elif then == "reported" and lossy and kernel.dropped:
            kernel.overrun()
    if kernel.dropped:
        kernel.overrun()
    consumer.run()


@pytest.mark.slow
@examples(150)
@given(steps)
def test_a_consumer_ends_with_the_kernel(found: list[Any]) -> None:
    """For any changes and any losses, after the last resync; and no address or route came before its link."""
    kernel = Model()
    consumer = Consumer(kernel)
    play(kernel, found, consumer, lossy=True)

    assert (differences(kernel, consumer.state), consumer.early) == ([], 0)


@examples(100)
@given(steps)
def test_nothing_is_delivered_twice(found: list[Any]) -> None:
    """Without a loss no synthetic event is delivered, though an overrun be reported and everything asked for."""
    kernel = Model()
    consumer = Consumer(kernel)
    play(kernel, found, consumer, lossy=False)
    kernel.overrun()
    consumer.run()

    assert (differences(kernel, consumer.state), consumer.synthetic, consumer.losses) == ([], [], 1)


@pytest.mark.slow
@examples(100)
@given(steps, steps, st.integers(1, 8), st.booleans())
@example(
    before=[(("link", 3, "a", True), False, "")],
    meanwhile=[
        (("route4", "10.0.0.0/8", 3, 1, CREATE), False, ""),
        (("link", 3, "a", False), False, ""),
    ],
    dump=1,
    first=True,
)
def test_a_busy_kernel(before: list[Any], meanwhile: list[Any], dump: int, first: bool) -> None:
    """Changes that happen while the kernel lists are delivered by their messages, whatever the list showed; but for a
    replacement that was listed ahead of a route that it replaced, of which nothing says which it was."""
    routes = [values for (name, *values), _, _ in meanwhile if name == "route4"]
    for number, (dst, *_, flags) in enumerate(routes):
        assume(not (flags or 0) & REPLACE or all(dst != earlier for earlier, *_ in routes[:number]))
    kernel = Model()
    consumer = Consumer(kernel)
    play(kernel, before, consumer, lossy=True)

    def busy() -> None:
        for (name, *values), _, _ in meanwhile:
            kernel.lost = False
            getattr(kernel, name)(*values)

    kernel.requests.clear()
    kernel.during, kernel.during_dump, kernel.during_first = busy, dump, first
    kernel.overrun()
    consumer.run()
    kernel.during = None

    assert differences(kernel, consumer.state) == []


@examples(100)
@given(steps, st.sampled_from((1, 3)), st.sampled_from(("wait", "oldest", "newest")))
def test_a_small_pool(found: list[Any], size: int, policy: str) -> None:
    """What a full pool drops is recovered as well; a pool that waits drops nothing."""
    kernel = Model()
    consumer = Consumer(kernel, message_pool_size=size, pool_policy=policy)
    play(kernel, found, consumer, lossy=False)

    assert differences(kernel, consumer.state) == []
    assert policy != "wait" or (consumer.synthetic, consumer.losses) == ([], 0)


@examples(100)
@given(steps)
def test_caches_end_with_the_kernel(found: list[Any]) -> None:
    """Links by index and by name, and the numbers of addresses and routes, are the kernel's."""
    kernel = Model()
    consumer = Consumer(kernel, caches=("link", "addr", "route"))
    play(kernel, found, consumer, lossy=True)
    cache = consumer.backend.cache

    assert [cache.count(kind) for kind in ("link", "addr", "route")] == [
        sum(key[0] == kind for key in kernel.objects) for kind in (LINK, ADDR, ROUTES)
    ]
    for (number,), one in consumer.state.tables["link"].items():
        assert cache.link_by_index(number) == one  # type: ignore[arg-type]
        assert cache.link_by_name(one.ifname or "") == one  # type: ignore[union-attr]
