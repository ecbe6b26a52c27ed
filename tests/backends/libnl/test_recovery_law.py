"""A law of recovery: whatever happens and whatever is lost, a consumer that folds events ends with the kernel."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.recovery import DUMPS
from nlmon.backends.options import BackendOptions
from nlmon.errors import Overrun
from nlmon.events import AddrInfo, Event, RouteInfo
from nlmon.state.dumps import changed_fields
from nlmon.state.tables import KINDS, State
from nlmon.testing.messages import addr, link, message, route
from nlmon.testing.transport import ROUTE, FakeKernel

LINK, ADDR, ROUTES = 16, 20, 24
REPLACE, CREATE, APPEND = 0x100, 0x400, 0x800
INDICES, NAMES, GATEWAYS = (2, 3, 4), ("a", "b", "c"), (1, 2, 3)


class Model(FakeKernel):
    """Links with addresses and routes, changed as Linux changes them: IPv4 routes go with their link, or with its last
    IPv4 address, in silence; the rest is announced."""

    def __init__(self) -> None:
        super().__init__()
        self.ups: dict[int, bool] = {}
        self.groups: dict[str, list[tuple[int, int]]] = {}
        self.lost = False

    def link(self, index: int, name: str, up: bool) -> None:
        """A link appears or changes; no two have the same name."""
        if name in {other for number, other in self.names.items() if number != index}:
            return
        self.names[index] = name
        if self.ups.get(index) and not up:
            self._flush(index)
        self.ups[index] = up
        self.new(LINK, link(index, name, up=up), index, lost=self.lost)

    def unlink(self, index: int) -> None:
        """A link goes."""
        if self.ups.pop(index, None) is None:
            return
        del self.names[index]
        self._flush(index)
        for kind, key in [one for one in self.objects if one[0] != LINK and one[1][0] == index]:
            self.delete(kind, key, lost=self.lost)
        self.delete(LINK, index, lost=self.lost)

    def address(self, index: int, host: int, there: bool) -> None:
        """An address appears or goes."""
        key = (index, "addr", host)
        if there and index in self.ups:
            self.new(ADDR, addr(index, f"192.0.2.{host}"), key, lost=self.lost)
        elif (ADDR, key) in self.objects:
            self.delete(ADDR, key, lost=self.lost)
            if not any(kind == ADDR and other[0] == index for kind, other in self.objects):
                self._flush(index)

    def route6(self, index: int, host: int, there: bool) -> None:
        """An IPv6 route appears or goes."""
        key = (index, "route6", host)
        if there and index in self.ups:
            self.new(ROUTES, route("2001:db8::/32", index, f"fe80::{host}"), key, lost=self.lost, flags=CREATE | APPEND)
        elif (ROUTES, key) in self.objects:
            self.delete(ROUTES, key, lost=self.lost)

    def route4(self, dst: str, index: int, host: int, flags: int | None) -> None:
        """An IPv4 route comes first, last or for the first one; without flags it goes."""
        group, one = self.groups.setdefault(dst, []), (index, host)
        if flags is None or (one not in group and self.ups.get(index)):
            if flags is None and one not in group:
                return
            if flags is None:
                group.remove(one)
            elif flags & REPLACE and group:
                group[0] = one
            else:
                group.insert(len(group) if flags & APPEND else 0, one)
            self._list(dst)
            body = route(dst, index, f"192.0.2.{host}")
            self.notify(message(ROUTES + (flags is None), body, flags=flags or 0), lost=self.lost)

    def _flush(self, index: int) -> None:
        for dst, group in self.groups.items():
            group[:] = [one for one in group if one[0] != index]
            self._list(dst)

    def _list(self, dst: str) -> None:
        """The objects of a group, in its order."""
        others = {key: body for key, body in self.objects.items() if key[0] != ROUTES or key[1][1] != dst}
        self.objects = others
        for index, host in self.groups[dst]:
            self.objects[ROUTES, (index, dst, host)] = route(dst, index, f"192.0.2.{host}")


index, host = st.sampled_from(INDICES), st.sampled_from(GATEWAYS)
VERBS = (CREATE, CREATE | APPEND, CREATE | REPLACE, REPLACE, None)
dst = st.sampled_from(("10.0.0.0/8", "10.1.0.0/16"))
changes = st.one_of(
    st.tuples(st.just("link"), index, st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("link"), index, st.sampled_from(NAMES), st.just(True)),
    st.tuples(st.just("unlink"), index),
    st.tuples(st.just("address"), index, host, st.booleans()),
    st.tuples(st.just("route6"), index, host, st.booleans()),
    st.tuples(
        st.just("route4"), dst, index, host, st.sampled_from((CREATE, CREATE | APPEND, CREATE | REPLACE, REPLACE, None))
    ),
)
# A change, whether it is lost, and what follows it: nothing, the monitor reads, the loss is told.
steps = st.lists(st.tuples(changes, st.booleans(), st.sampled_from(("", "", "read", "told"))), max_size=40)


class Consumer:
    """Folds what a backend delivers."""

    def __init__(self, kernel: Model, **options: Any) -> None:
        self.kernel = kernel
        self.state = State(notes=False)
        self.state.note_dump(22, 0)  # a host without addresses
        self.synthetic: list[Event] = []
        self.early = 0
        self.losses = 0
        self.backend = LibnlBackend(kernel, BackendOptions(resync=True, resync_interval=0.0, **options))
        self.backend.set_callback(self._event, self._error)
        self.backend.enable(ROUTE)

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
    """Let it all happen; in the end every loss is told and the socket drained."""
    for (name, *values), lost, then in found:
        kernel.lost = lost and lossy
        getattr(kernel, name)(*values)
        if then == "read":
            consumer.run()
        elif then == "told" and lossy and kernel.dropped:
            kernel.overrun()
    if kernel.dropped:
        kernel.overrun()
    consumer.run()


def differences(kernel: Model, state: State) -> list[object]:
    """What a state has otherwise than the kernel, order of IPv4 routes included."""
    truth, expected = LibnlBackend(kernel), State(notes=False)
    truth.enable(ROUTE)
    for msg_type, family in DUMPS:
        for event in truth.dump(ROUTE, msg_type, family).events:
            expected.apply(event)
    truth.close()
    found: list[object] = []
    for kind in KINDS:
        table, other = expected.tables[kind], state.tables[kind]
        found += [(kind, key) for key in table.keys() ^ other.keys()]
        found += [(kind, key) for key in table.keys() & other.keys() if changed_fields(kind, table[key], other[key])]
    groups = {
        key[:-1] for key, one in expected.tables["route"].items() if isinstance(one, RouteInfo) and one.family == 2
    }
    return found + [group for group in groups if expected.order(group) != state.order(group)]


@settings(max_examples=150)
@given(steps)
def test_a_consumer_ends_with_the_kernel(found: list[Any]) -> None:
    """For any changes and any losses, after the last resync; and no address or route came before its link."""
    kernel = Model()
    consumer = Consumer(kernel)
    play(kernel, found, consumer, lossy=True)

    assert (differences(kernel, consumer.state), consumer.early) == ([], 0)


@settings(max_examples=100)
@given(steps)
def test_nothing_is_told_twice(found: list[Any]) -> None:
    """Without a loss no synthetic event is delivered, though an overrun be told and everything asked for."""
    kernel = Model()
    consumer = Consumer(kernel)
    play(kernel, found, consumer, lossy=False)
    kernel.overrun()
    consumer.run()

    assert (differences(kernel, consumer.state), consumer.synthetic, consumer.losses) == ([], [], 1)


@settings(max_examples=100)
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
    """Changes that happen while the kernel lists are told by their messages, whatever the list showed; but for a
    replacement that was listed ahead of a route that it replaced, of which nothing tells which it was."""
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


@settings(max_examples=100)
@given(steps, st.sampled_from((1, 3)), st.sampled_from(("wait", "oldest", "newest")))
def test_a_small_pool(found: list[Any], size: int, policy: str) -> None:
    """What a full pool drops is made up for as well; a pool that waits drops nothing."""
    kernel = Model()
    consumer = Consumer(kernel, message_pool_size=size, pool_policy=policy)
    play(kernel, found, consumer, lossy=False)

    assert differences(kernel, consumer.state) == []
    assert policy != "wait" or (consumer.synthetic, consumer.losses) == ([], 0)


@settings(max_examples=100)
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
